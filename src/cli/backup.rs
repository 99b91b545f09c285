//! `gengfu backup` and `gengfu restore`: copies of the store.

use crate::store::Store;
use anyhow::Result;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `gengfu backup`.
#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// The new file.
    to: PathBuf,
}

/// Arguments of `gengfu restore`.
#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// A file that `gengfu backup` wrote.
    from: PathBuf,
}

/// Copies the store into a new file; the daemon may go on writing.
pub(super) async fn backup(store: &Path, args: &BackupArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    Store::open_to_read(store)?.backup(&args.to).await?;
    writeln!(out, "copied {} to {}", store.display(), args.to.display())?;
    Ok(0)
}

/// Puts a copy in the place of the store, whose former files are kept beside it.
pub(super) async fn restore(store: &Path, args: &RestoreArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    Store::restore(&args.from, store).await?;
    writeln!(out, "{} is the store now; the former one is kept beside it as `.replaced`", store.display())?;
    Ok(0)
}
