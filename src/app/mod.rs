//! The wiring of the daemon, in one straight line: bind, open, restore, start, serve, drain.
//!
//! Not here: what any part does. Invariants: everything is checked before anything starts; every task is on one
//! tracker and is joined; what starts last stops first, and the store closes last.

mod dead_man;
mod mail;
mod outbox_view;
mod plans;
mod recall;
mod reload;
mod reports;
mod restore;
mod running;
mod synchronised;
mod vantage;
mod watchdog;

pub use mail::sender;
pub use synchronised::answer as clock_doubt;

use crate::clock::Clock;
use crate::config::{Loaded, Settings};
use crate::domain::Snapshot;
use crate::domain::engine::Event;
use crate::metrics::Metrics;
use crate::network::certificate::{Certificate, CertificateError};
use crate::outbox::{Delivered, Outbox};
use crate::probe::{Board, Heartbeats, Vantage};
use crate::runtime::{EVENTS_MAX, Inbox, OBSERVATIONS_MAX, Pulse, Runtime, Unsaved};
use crate::scheduler::{Limits, Scheduler, SchedulerMetrics};
use crate::step::Hands;
use crate::store::{Store, StoreError};
use crate::web::serve::{Caps, Listening, serve};
use crate::web::{Commands, OutboxView, Site, WebState};
use arc_swap::ArcSwap;
use running::{Running, scheduled};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Reads the files; the error is what `check` prints.
pub type Loader = Arc<dyn Fn() -> Result<Loaded, String> + Send + Sync>;

/// Requests of pages that wait for an answer.
const COMMANDS_MAX: usize = 1_024;

/// Reloads that wait for the present one.
const RELOADS_MAX: usize = 16;

/// How long the drain may take before what is left is dropped.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long readers of pages may take to finish what they began.
const READERS_MAX: Duration = Duration::from_secs(2);

/// Open files that a daemon with many probes needs.
const FILES_WANTED: u64 = 200_000;

/// SIGXFSZ, as Linux and the BSDs number it.
const FILE_TOO_LARGE: i32 = 25;

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address is taken or forbidden.
    #[error("cannot listen on {address}: {source}; stop what listens there, or set another `listen`")]
    Listen {
        /// Which address.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Two metrics have one name.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A signal cannot be listened for.
    #[error("cannot listen for signals: {0}")]
    Signal(std::io::Error),
    /// The daemon's own certificate cannot be used.
    #[error("cannot serve with TLS: {0}; mend `tls` of gengfu.yaml")]
    Certificate(#[from] CertificateError),
    /// There is no thread left.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The mail settings do not work.
    #[error("cannot set up mail: {0}")]
    Mail(String),
}

/// What the daemon starts from.
pub struct Launch {
    /// The files, read and checked.
    pub loaded: Loaded,
    /// Reads them again.
    pub loader: Loader,
    /// Folders whose changes matter.
    pub watched: Vec<PathBuf>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// Shared with the probers that the loader builds.
    pub heartbeats: Arc<Heartbeats>,
}

/// Runs the daemon until `stop`. `ready` is told the address, `http://127.0.0.1:9424`, once everything
/// serves.
///
/// # Errors
/// Whatever keeps it from starting; once it runs, trouble is logged, shown and mailed instead.
pub async fn run(launch: Launch, stop: CancellationToken, ready: impl FnOnce(String) + Send) -> Result<(), AppError> {
    let Launch { loaded, loader, watched, clock, heartbeats } = launch;
    let Loaded { inventory, probers, settings, network, digest, desk, access, steps, channels, witnesses, .. } = loaded;
    raise_file_limit();
    outlive_size_limits()?;
    let (listening, address, certificate) = listen(&settings).await?;
    let store = Store::open(&settings.store.path)?;
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))?);
    let inventory = Arc::new(inventory);
    let restored = restore::restore(&store, clock.now(), &inventory, &digest).await?;

    let tasks = TaskTracker::new();
    let (observe, observations) = mpsc::channel(OBSERVATIONS_MAX);
    let (events, inbox) = mpsc::channel(EVENTS_MAX);
    let board = Arc::new(Board::new(&inventory));
    board.limit(settings.trace_bytes);
    let limits = Limits { concurrency: settings.concurrency, per_host: settings.per_host };
    let vantage = Arc::new(Vantage::new(witnesses, Arc::clone(&clock)));
    let figures = scheduler_metrics(&metrics);
    let scheduler = Scheduler::spawn(&tasks, Arc::clone(&clock), observe, limits, figures, Arc::clone(&vantage));
    let receiver = dead_man::Receiver::of(settings.dead_man.as_ref(), &network, &settings.user_agent);
    let receiver = Arc::new(ArcSwap::from_pointee(receiver));
    let (delivered, deliveries) = mpsc::channel(EVENTS_MAX);
    let links = crate::notify::link::LinkKey::new(&store.secret_for("links in mails")?);
    let setup = mail::setup(&settings, &network, &channels, &inventory, &links).map_err(AppError::Mail)?;
    let setup = Arc::new(ArcSwap::from_pointee(setup));
    let seed = clock.now().0.unsigned_abs();
    let (pictures, picture) = watch::channel(Arc::new(restored.picture));
    let (mails, open, time) = (Arc::clone(&setup), mail::still_open(picture.clone()), Arc::clone(&clock));
    let (outbox_task, outbox) = Outbox::new(store.clone(), mails, open, time, seed, delivered);
    let outbox_stop = CancellationToken::new();
    tasks.spawn(outbox_task.run(outbox_stop.clone()));
    tasks.spawn(pass_on(deliveries, events.clone()));
    let (report, reports) = mpsc::channel(EVENTS_MAX);
    let hands_stop = CancellationToken::new();
    let hands = Arc::new(Hands::new(steps, report, tasks.clone(), hands_stop.clone()));
    tasks.spawn(plans::pass_on(reports, events.clone(), hands_stop.clone()));
    tasks.spawn(plans::reconcile(Arc::clone(&hands), events.clone(), hands_stop.clone()));
    let pulse = Pulse::default();
    let runtime = Runtime {
        engine: restored.engine,
        store: store.clone(),
        clock: Arc::clone(&clock),
        scheduler: scheduler.clone(),
        outbox: outbox.clone(),
        pulse: pulse.clone(),
        hands: Arc::clone(&hands),
        pictures,
        metrics: Arc::clone(&metrics),
        unsaved: Unsaved::after(restored.ends),
        board: Arc::clone(&board),
        retain_ms: settings.store.retain_ms,
        retain_audit_ms: settings.store.retain_audit_ms,
    };
    let runtime_stop = CancellationToken::new();
    let watchdog = watchdog::Watchdog::start(pulse.clone()).map_err(AppError::Thread)?;
    let (commands, asked) = Commands::channel(COMMANDS_MAX);
    let inbox = Inbox { observations, events: inbox, orders: asked.orders };
    let runtime = tasks.spawn(runtime.run(restored.first, inbox, runtime_stop.clone()));

    let desk = Arc::new(ArcSwap::from_pointee(desk));
    let access = Arc::new(ArcSwap::from_pointee(access));
    let mail = setup;
    let running = Arc::new(Running {
        links,
        desk,
        access,
        certificate,
        clock,
        events,
        scheduler,
        board,
        heartbeats,
        metrics,
        mail,
        outbox,
        hands,
        vantage,
        receiver,
    });
    running.reloaded();
    running.scheduler.replace(scheduled(&inventory, &probers, &running.board)).await;
    let edge_stop = CancellationToken::new();
    tasks.spawn(recall::visits(store.clone(), Arc::clone(&running.board), running.clock.now(), edge_stop.clone()));
    let (reloads, reload_asked) = mpsc::channel(RELOADS_MAX);
    let sorter = tasks.spawn(reload::sort(asked.commands, running.events.clone(), reloads, edge_stop.clone()));
    tasks.spawn(reload::run(Arc::clone(&running), loader, watched, digest, reload_asked, edge_stop.clone()));
    let (view, outbox_view) = watch::channel(Arc::new(OutboxView::default()));
    let figures = Arc::clone(running.outbox.figures());
    let (blind, events) = (running.metrics.vantage_blind.clone(), running.events.clone());
    tasks.spawn(vantage::watch(Arc::clone(&running.vantage), blind, events, edge_stop.clone()));
    let (own, time) = (Arc::clone(&running.metrics), Arc::clone(&running.clock));
    tasks.spawn(dead_man::run(Arc::clone(&running.receiver), pulse, time, own, edge_stop.clone()));
    if settings.require_sync {
        tasks.spawn(synchronised::ask(running.events.clone(), edge_stop.clone()));
    }
    let renewal = outbox_view::Renewal::new(store.clone(), figures, Arc::clone(&running.metrics), view);
    tasks.spawn(renewal.run(edge_stop.clone()));
    let task = reports::run(
        store.clone(),
        Arc::clone(&running.clock),
        picture.clone(),
        running.events.clone(),
        edge_stop.clone(),
    );
    tasks.spawn(task);
    let state = web_state(&running, picture, commands, outbox_view, &settings, store);
    if let Some(certificate) = &running.certificate {
        tasks.spawn(reload::renew(Arc::clone(certificate), edge_stop.clone()));
    }
    let (metrics, routes) = (Arc::clone(&running.metrics), crate::web::router(state));
    let web = tasks.spawn(serve(listening, routes, metrics, Caps::default(), edge_stop.clone()));
    // Without systemd nobody listens.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    ready(address);

    stop.cancelled().await;
    drop(watchdog);
    tracing::info!("stopping: attempts and pages end, what was seen and said is stored, then mail ends");
    let drain = async {
        hands_stop.cancel();
        edge_stop.cancel();
        running.scheduler.stop().await;
        leave_readers(web).await;
        // A panic has been logged where it happened; the drain goes on.
        let _ = sorter.await;
        runtime_stop.cancel();
        let _ = runtime.await;
        outbox_stop.cancel();
        drop(running);
        tasks.close();
        tasks.wait().await;
    };
    if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
        tracing::warn!("the drain took too long; what was stored is safe, the rest ends here");
    }
    Ok(())
}

/// The sockets, the first one's address as people write it, and the certificate that is renewed.
async fn listen(settings: &Settings) -> Result<(Vec<Listening>, String, Option<Arc<Certificate>>), AppError> {
    let certificate = settings.tls.as_ref().map(|tls| Certificate::open(tls.files.clone())).transpose()?.map(Arc::new);
    let apart = settings.tls.as_ref().and_then(|tls| tls.listen.as_deref());
    let first = if apart.is_some() { None } else { certificate.clone() };
    let mut listening = vec![bind(&settings.listen, first).await?];
    if let Some(text) = apart {
        listening.push(bind(text, certificate.clone()).await?);
    }
    let base = |one: &Listening| {
        let scheme = if one.certificate.is_some() { "https" } else { "http" };
        let refused = |source| AppError::Listen { address: settings.listen.clone(), source };
        Ok::<_, AppError>(format!("{scheme}://{}", one.listener.local_addr().map_err(refused)?))
    };
    for one in &listening[1..] {
        tracing::info!("serving {}/", base(one)?);
    }
    let address = base(&listening[0])?;
    Ok((listening, address, certificate))
}

async fn bind(text: &str, certificate: Option<Arc<Certificate>>) -> Result<Listening, AppError> {
    let refused = |source| AppError::Listen { address: text.to_owned(), source };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(text).await.map_err(refused)?.collect();
    let listener = TcpListener::bind(&addresses[..]).await.map_err(refused)?;
    Ok(Listening { listener, certificate })
}

/// A daemon with many probes opens many sockets; a limit that cannot be raised shows up as unknown results.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(FILES_WANTED) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// A limit on the size of files must look like a full disk, which the daemon outlives, and not end it by a signal.
fn outlive_size_limits() -> Result<(), AppError> {
    // Once somebody listens, the system no longer ends the process; the write that met the limit fails instead.
    signal(SignalKind::from_raw(FILE_TOO_LARGE)).map(drop).map_err(AppError::Signal)
}

fn scheduler_metrics(metrics: &Metrics) -> SchedulerMetrics {
    SchedulerMetrics::with(
        metrics.scheduler_lag_seconds.clone(),
        metrics.attempts_skipped.clone(),
        metrics.attempts_in_flight.clone(),
    )
}

async fn pass_on(mut deliveries: mpsc::Receiver<Delivered>, events: mpsc::Sender<Event>) {
    while let Some(Delivered { message, accepted_at }) = deliveries.recv().await {
        let event = Event::Delivered { message: Box::new(message), accepted: accepted_at };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

fn web_state(
    running: &Running,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    commands: Commands,
    outbox: watch::Receiver<Arc<OutboxView>>,
    settings: &Settings,
    store: Store,
) -> WebState {
    let site = Site {
        public_url: settings.public_url.trim_end_matches('/').to_owned(),
        hosts: host_of(&settings.public_url).into_iter().collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    WebState {
        snapshot,
        board: Arc::clone(&running.board),
        heartbeats: Arc::clone(&running.heartbeats),
        clock: Arc::clone(&running.clock),
        commands,
        outbox,
        metrics: Arc::clone(&running.metrics),
        desk: Arc::clone(&running.desk),
        access: Arc::clone(&running.access),
        store: Some(store),
        archive: Arc::default(),
        links: running.links.clone(),
        site: Arc::new(site),
    }
}

/// The name under which people reach the pages; requests may bear it.
fn host_of(public_url: &str) -> Option<String> {
    reqwest::Url::parse(public_url).ok()?.host_str().map(str::to_owned)
}

/// Waits for readers who finish what they began, and not for those who never will.
async fn leave_readers(mut pages: JoinHandle<()>) {
    if tokio::time::timeout(READERS_MAX, &mut pages).await.is_err() {
        tracing::info!("readers who neither finish nor hang up are left behind");
        pages.abort();
    }
}
