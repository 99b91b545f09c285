//! What `run`, `demo` and `city` share: the runtime, the log, the signals, and files that can be read again.

use crate::app::Loader;
use crate::clock::{Clock, SystemClock};
use crate::config::{LoadOptions, Loaded, Sources, Style, load, render};
use crate::probe::Heartbeats;
use anyhow::{Context, Result};
use std::future::Future;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Sends the log to standard error: for people on a terminal, as JSON elsewhere. `GENGFU_LOG` sets levels.
pub(super) fn start_log() {
    let filter = EnvFilter::try_from_env("GENGFU_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first log.
    let _ = if std::io::stderr().is_terminal() { log.try_init() } else { log.json().try_init() };
}

/// Installs the one TLS provider of the process; a second call changes nothing.
pub(super) fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Runs a future on a runtime of its own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the asynchronous runtime")?;
    let done = runtime.block_on(work);
    // A name that nobody resolves keeps a thread for as long as the system likes; nobody waits for it.
    runtime.shutdown_background();
    done
}

/// A token that is cancelled by Ctrl-C and by SIGTERM; a second signal ends the process at once.
pub(super) fn stop_on_signal(tasks: &tokio_util::task::TaskTracker) -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let token = stop.clone();
    tasks.spawn(async move {
        for round in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if round > 0 {
                std::process::exit(130);
            }
            token.cancel();
        }
    });
    Ok(stop)
}

/// The files of a daemon, and what reading them takes.
pub(super) struct Files {
    /// The main file; `None` stands for the embedded ones.
    pub(super) main: Option<PathBuf>,
    /// Both clocks.
    pub(super) clock: Arc<dyn Clock>,
    /// One for the life of the process.
    pub(super) heartbeats: Arc<Heartbeats>,
}

impl Files {
    /// The files below the main one.
    pub(super) fn at(main: &Path) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let heartbeats = Arc::new(Heartbeats::new(clock.now()));
        Self { main: Some(main.to_owned()), clock, heartbeats }
    }

    /// The environment, the clock and the heartbeats, as a load wants them.
    pub(super) fn options(&self) -> LoadOptions {
        LoadOptions::new(self.clock.now(), super::check::environment(), Arc::clone(&self.heartbeats))
    }

    /// The directories whose changes matter.
    pub(super) fn watched(&self, loaded: &Loaded) -> Vec<PathBuf> {
        if self.main.is_none() {
            return Vec::new();
        }
        let root = if loaded.settings.root.as_os_str().is_empty() { Path::new(".") } else { &loaded.settings.root };
        ["probes", "schedules"].iter().map(|d| root.join(d)).filter(|d| d.is_dir()).chain(self.main.clone()).collect()
    }
}

/// Reads a set of files; the error is what `check` prints.
pub(super) fn read(sources: &Sources, options: &LoadOptions) -> Result<Loaded, String> {
    load(sources, options).map_err(|problems| render(&problems, sources, Style::Plain))
}

/// A loader that reads the directory again each time.
pub(super) fn loader(files: &Files, main: PathBuf) -> Loader {
    let (clock, heartbeats, base) = (Arc::clone(&files.clock), Arc::clone(&files.heartbeats), files.options());
    Arc::new(move || {
        let sources = Sources::read(&main).map_err(|e| e.to_string())?;
        let options = LoadOptions::new(clock.now(), base.env.clone(), Arc::clone(&heartbeats));
        read(&sources, &options)
    })
}
