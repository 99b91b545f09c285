//! Takes over changed files: on change, on SIGHUP, on `POST /-/reload`. All or nothing.
//!
//! Not here: what is wrong with files (`config`). Directories are watched, not files, because editors and mounted
//! volumes replace files; a slow poll is the net below, and the digest tells whether anything changed at all.

use super::{Loader, Running};
use crate::config::Loaded;
use crate::domain::engine::Event;
use crate::domain::{Actor, AuditEntry};
use crate::network::certificate::{Certificate, Renewed};
use crate::web::Command;
use notify::{RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Several writes of one change become one reload.
const SETTLE: Duration = Duration::from_millis(300);

/// Where change notices do not reach (network mounts, exhausted watches), files are read again this often.
const POLL_EVERY: Duration = Duration::from_secs(60);

/// The daemon's own certificate lies outside the watched folders; it is looked at this often.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Why the files are read again.
enum Cause {
    /// They may have changed.
    Noticed,
    /// Somebody on this machine sent a signal.
    Signalled,
    /// Somebody asked, and waits.
    Asked { by: Actor, reply: oneshot::Sender<Result<(), String>> },
}

impl Cause {
    fn actor(&self) -> Actor {
        match self {
            Self::Noticed => Actor::ourselves("files"),
            Self::Signalled => Actor::ourselves("SIGHUP"),
            Self::Asked { by, .. } => by.clone(),
        }
    }
}

/// Somebody asked for a reload, and waits.
pub(super) struct Asked {
    by: Actor,
    reply: oneshot::Sender<Result<(), String>>,
}

/// Passes on what pages ask for, until `stop`, and then what still waits: rows of the audit log must not wait while files
/// are read, and none is left behind at the end.
pub(super) async fn sort(
    mut commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    reloads: mpsc::Sender<Asked>,
    stop: CancellationToken,
) {
    loop {
        let command = tokio::select! {
            biased;
            command = commands.recv() => command,
            () = stop.cancelled(), if !commands.is_closed() => {
                commands.close();
                continue;
            }
        };
        let event = match command {
            None => return,
            Some(Command::Reload { by, reply }) => {
                if let Err(refused) = reloads.try_send(Asked { by, reply }) {
                    // Whoever asked may have gone away meanwhile.
                    let _ = refused.into_inner().reply.send(Err("too many reloads wait already; try again".into()));
                }
                continue;
            }
            Some(Command::Note(entry)) => Event::Noted(entry),
            Some(Command::Fetched { channel, shown }) => Event::Fetched { channel, shown },
        };
        // The runtime is gone only while the daemon stops.
        let _ = events.send(event).await;
    }
}

/// Watches, reads and hands over, until `stop`.
pub(super) async fn run(
    running: Arc<Running>,
    loader: Loader,
    watched: Vec<PathBuf>,
    mut digest: String,
    mut asked: mpsc::Receiver<Asked>,
    stop: CancellationToken,
) {
    let (noticed, mut notices) = mpsc::channel(1);
    let _watcher = watch(&watched, noticed);
    let mut hangup = signal(SignalKind::hangup()).ok();
    // The first tick comes at once: a change between the start's reading and the watch is found by it.
    let mut poll = tokio::time::interval(POLL_EVERY);
    loop {
        let cause = tokio::select! {
            () = stop.cancelled() => return,
            Some(()) = notices.recv() => {
                tokio::time::sleep(SETTLE).await;
                Cause::Noticed
            }
            _ = poll.tick() => Cause::Noticed,
            () = hung_up(&mut hangup) => Cause::Signalled,
            Some(Asked { by, reply }) = asked.recv() => Cause::Asked { by, reply },
        };
        while notices.try_recv().is_ok() {}
        let loader = Arc::clone(&loader);
        let read = tokio::task::spawn_blocking(move || loader()).await;
        let result = read.unwrap_or_else(|e| Err(format!("reading the files failed: {e}; look at the log")));
        let answer = take_over(&running, result, &mut digest, &cause).await;
        if let Cause::Asked { reply, .. } = cause {
            // Whoever asked may have gone away meanwhile.
            let _ = reply.send(answer);
        }
    }
}

/// Reads the daemon's own certificate again when its files change, until `stop`.
pub(super) async fn renew(certificate: Arc<Certificate>, stop: CancellationToken) {
    let mut look = tokio::time::interval(RENEW_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => {}
        }
        let certificate = Arc::clone(&certificate);
        match tokio::task::spawn_blocking(move || certificate.renew_if_changed()).await {
            Ok(Ok(Renewed::Yes)) => tracing::info!("new connections get the renewed certificate"),
            Ok(Ok(Renewed::No)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the former certificate stays in force"),
            Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

async fn take_over(
    running: &Running,
    read: Result<Loaded, String>,
    digest: &mut String,
    cause: &Cause,
) -> Result<(), String> {
    let by = cause.actor();
    let loaded = match read {
        Ok(loaded) => loaded,
        Err(text) => {
            running.metrics.last_reload_successful.set(0);
            // Whatever is good next is taken over, also if it is what runs: the refusal is over then.
            digest.clear();
            tracing::error!("the changed files are refused, the running ones stay:\n{text}");
            running.tell(Event::ReloadRefused { text: text.clone(), by }).await;
            return Err(text);
        }
    };
    running.reloaded();
    // Tokens may lie in files of their own, which the digest does not know.
    running.access.store(Arc::new(loaded.access.clone()));
    if let (Some(certificate), Some(tls)) = (&running.certificate, &loaded.settings.tls)
        && let Err(error) = certificate.renew(tls.files.clone())
    {
        tracing::error!(%error, "the former certificate stays in force");
    }
    if loaded.digest != *digest {
        digest.clone_from(&loaded.digest);
        running.adopt(loaded, by).await;
    } else if !by.is_ourselves() {
        let entry = AuditEntry::done(running.clock.now(), by, "reload", digest, "nothing had changed");
        running.tell(Event::Noted(Box::new(entry))).await;
    }
    Ok(())
}

/// Watches the folders, and for a single file the folder that it lies in: a file that is replaced takes its watch with
/// it.
fn watch(watched: &[PathBuf], noticed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let wanted = watched.to_vec();
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = |e: notify::Event| !e.kind.is_access() && (e.need_rescan() || concerns(&wanted, &e.paths));
        if event.is_ok_and(matters) {
            // One notice that waits is as good as many.
            let _ = noticed.try_send(());
        }
    });
    let unwatched = |error: &notify::Error| tracing::warn!(%error, "changes of files are found by polling only");
    let mut watcher = made.inspect_err(unwatched).ok()?;
    for path in watched {
        let (folder, mode) = match path.parent() {
            _ if path.is_dir() => (path.as_path(), RecursiveMode::Recursive),
            Some(parent) if !parent.as_os_str().is_empty() => (parent, RecursiveMode::NonRecursive),
            _ => (Path::new("."), RecursiveMode::NonRecursive),
        };
        if let Err(error) = watcher.watch(folder, mode) {
            tracing::warn!(%error, folder = %folder.display(), "changes here are found by polling only");
        }
    }
    Some(watcher)
}

/// Whether a change of `paths` may be one of the files; a mounted volume shows its changes as `..data`.
fn concerns(watched: &[PathBuf], paths: &[PathBuf]) -> bool {
    let is = |path: &Path, file: &Path| path.starts_with(file) || path.file_name() == file.file_name();
    paths.iter().any(|path| path.ends_with("..data") || watched.iter().any(|file| is(path, file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_of_the_files_and_their_mounts_matter() {
        let watched = ["./probes".into(), "gengfu.yaml".into()];
        let matters = |path: &str| concerns(&watched, &[PathBuf::from(path)]);
        assert!(matters("./probes/platform/bdc.yaml") && matters("./gengfu.yaml") && matters("./..data"));
        assert!(!matters("./gengfu.db-wal") && !matters("./probes-of-another") && !matters("./gengfu.yaml.swp"));
    }
}
