//! What the pages read, and the few things that they may ask the runtime to do.
//!
//! Not here: how requests are answered. Invariants: readers never wait for the engine; a request to it goes over a
//! bounded queue and is answered within [`REPLY_WITHIN`] or not at all.

use super::archive::Archive;
use crate::clock::Clock;
use crate::config::modules::Desk;
use crate::domain::access::Keyring;
use crate::domain::order::{NotOrdered, Order, Ordered};
use crate::domain::window::Shown;
use crate::domain::{Actor, AuditEntry, Language, Snapshot, Timestamp};
use crate::metrics::Metrics;
use crate::metrics::targets::OutboxCounts;
use crate::notify::link::LinkKey;
use crate::probe::{Board, Heartbeats};
use crate::store::Store;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How long a page waits for the runtime's answer.
pub const REPLY_WITHIN: Duration = Duration::from_secs(20);
/// Rows of the outbox that are shown.
pub const OUTBOX_ROWS_MAX: usize = 200;

/// Everything that a handler may use. Cheap to clone.
#[derive(Clone)]
pub struct WebState {
    /// The latest picture.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// The last attempts of every probe.
    pub board: Arc<Board>,
    /// Tokens that jobs beat under.
    pub heartbeats: Arc<Heartbeats>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// The way to the runtime.
    pub commands: Commands,
    /// What waits to leave.
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    /// The daemon's own counters.
    pub metrics: Arc<Metrics>,
    /// What `/probe` offers; a reload puts another one here.
    pub desk: Arc<ArcSwap<Desk>>,
    /// Who may do what; a reload puts another one here.
    pub access: Arc<ArcSwap<Keyring>>,
    /// Where the audit log is read; `None` where nothing is kept.
    pub store: Option<Store>,
    /// What was last read of the whole log.
    pub archive: Arc<Archive>,
    /// What signs the links in mails.
    pub links: LinkKey,
    /// What the installation is called and where.
    pub site: Arc<Site>,
}

/// Fixed facts of an installation.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where people reach the pages: `http://127.0.0.1:9424`, without a slash at its end.
    pub public_url: String,
    /// Host names besides those of loopback that requests may name.
    pub hosts: Vec<String>,
    /// The version that runs.
    pub version: &'static str,
}

/// The outbox as the store last reported it.
#[derive(Clone, Debug, Default)]
pub struct OutboxView {
    /// Counts over all rows.
    pub counts: OutboxCounts,
    /// Unsent and dead rows first, newest first, at most [`OUTBOX_ROWS_MAX`].
    pub rows: Vec<OutboxRow>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Left part of the Message-ID.
    pub id: String,
    /// Messages of one thread to one recipient leave in order.
    pub thread: String,
    /// Counts from 0 within the thread.
    pub sequence: u32,
    /// An e-mail address.
    pub to: String,
    /// What the recipient reads.
    pub language: Language,
    /// When it was decided.
    pub at: Timestamp,
    /// `pending`, `sent` or `dead`.
    pub state: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Something that the runtime is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Read the files again.
    Reload {
        /// Who asks.
        by: Actor,
        /// Nothing, or what `check` prints.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Put a row into the audit log.
    Note(Box<AuditEntry>),
    /// A channel fetched notices.
    Fetched {
        /// The holder of its token.
        channel: String,
        /// What it got.
        shown: Vec<Shown>,
    },
}

/// Why the runtime did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Its queue is full.
    #[error("the daemon is busy; try again in a few seconds")]
    Busy,
    /// It is gone, or it dropped the request.
    #[error("the daemon is stopping")]
    Stopping,
    /// It took longer than [`REPLY_WITHIN`].
    #[error("the daemon did not answer in time; look at its log")]
    Late,
}

/// An order about a window, and who waits for the answer.
#[derive(Debug)]
pub struct OrderAsked {
    /// What is asked for, and by whom.
    pub order: Order,
    /// What came of it, once it is stored.
    pub reply: oneshot::Sender<Result<Ordered, NotOrdered>>,
}

/// The bounded queues to the runtime.
#[derive(Clone, Debug)]
pub struct Commands {
    commands: mpsc::Sender<Command>,
    orders: mpsc::Sender<OrderAsked>,
}

/// The other ends.
#[derive(Debug)]
pub struct Asked {
    /// Reloads and rows of the audit log.
    pub commands: mpsc::Receiver<Command>,
    /// Orders about windows.
    pub orders: mpsc::Receiver<OrderAsked>,
}

impl Commands {
    /// Queues of `bound` requests each, and their other ends.
    pub fn channel(bound: usize) -> (Self, Asked) {
        let ((commands, asked), (orders, ordered)) = (mpsc::channel(bound), mpsc::channel(bound));
        (Self { commands, orders }, Asked { commands: asked, orders: ordered })
    }

    /// Puts a row into the audit log. If the queue is full the log of the daemon has it instead.
    pub fn note(&self, entry: AuditEntry) {
        if let Err(refused) = self.commands.try_send(Command::Note(Box::new(entry))) {
            tracing::error!(command = ?refused.into_inner(), "a row of the audit log could not be stored");
        }
    }

    /// Says that a channel fetched notices. If the queue is full, its next fetch says it again.
    pub fn fetched(&self, channel: String, shown: Vec<Shown>) {
        if self.commands.try_send(Command::Fetched { channel, shown }).is_err() {
            tracing::warn!("a channel's fetch of notices could not be recorded; its next one will be");
        }
    }

    /// Sends what `command` makes of a reply handle, and waits for the reply.
    ///
    /// # Errors
    /// When the queue is full, the runtime is gone, or the reply is late.
    pub async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        queued(self.commands.try_send(command(reply)))?;
        Self::within(answer).await
    }

    /// Gives an order, and waits for what comes of it.
    ///
    /// # Errors
    /// When the queue is full, the runtime is gone, or the reply is late.
    pub async fn order(&self, order: Order) -> Result<Result<Ordered, NotOrdered>, Unanswered> {
        let (reply, answer) = oneshot::channel();
        queued(self.orders.try_send(OrderAsked { order, reply }))?;
        Self::within(answer).await
    }

    async fn within<T>(answer: oneshot::Receiver<T>) -> Result<T, Unanswered> {
        match tokio::time::timeout(REPLY_WITHIN, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Unanswered::Stopping),
            Err(_) => Err(Unanswered::Late),
        }
    }
}

fn queued<T>(sent: Result<(), mpsc::error::TrySendError<T>>) -> Result<(), Unanswered> {
    sent.map_err(|e| match e {
        mpsc::error::TrySendError::Full(_) => Unanswered::Busy,
        mpsc::error::TrySendError::Closed(_) => Unanswered::Stopping,
    })
}

impl WebState {
    /// The latest picture.
    pub fn picture(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for WebState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebState").field("site", &self.site).finish_non_exhaustive()
    }
}
