//! `gengfu run`: the daemon.

use super::daemon::{Files, block_on, loader, read, start_log, stop_on_signal};
use crate::app::{self, Launch};
use crate::config::{Holes, Sources};
use anyhow::{Result, anyhow};
use clap::Args;
use std::path::Path;
use tokio_util::task::TaskTracker;

/// Arguments of `gengfu run`.
#[derive(Args, Debug)]
pub(super) struct RunArgs {}

/// Runs until a signal; an error is "could not run".
pub(super) fn run(main: &Path, _args: &RunArgs) -> Result<u8> {
    start_log();
    let files = Files::at(main);
    let loader = loader(&files, main.to_owned());
    // A hole is refused when files change, and mailed to the administrators; it keeps nobody from starting.
    let mut options = files.options();
    options.holes = Holes::Borne;
    let loaded = read(&Sources::read(main)?, &options)
        .map_err(|text| anyhow!("the files are not good; nothing was started\n{text}"))?;
    if !loaded.warnings.is_empty() {
        tracing::warn!("the files are good, with warnings:\n{}", loaded.warnings);
    }
    let watched = files.watched(&loaded);
    block_on(async move {
        let tasks = TaskTracker::new();
        let stop = stop_on_signal(&tasks)?;
        let launch = Launch { loaded, loader, watched, clock: files.clock, heartbeats: files.heartbeats };
        app::run(launch, stop, |base| tracing::info!("serving {base}/")).await?;
        Ok(0)
    })
}
