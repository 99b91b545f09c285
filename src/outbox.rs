//! Delivery: takes what is due from the store, hands it to a relay, records what became of it, until told to stop.
//!
//! Not here: what is said (`notify::render`) and who is told (`domain::incident`). Invariants: a message is sent under
//! the one id that it got before its first attempt; after a crash at most the letters that were open at a relay are
//! sent again; one letter at a time for each recipient, so that nobody's trouble holds up another, but what cannot wait
//! waits for nothing; within a thread the order holds. While the store refuses writes, letters leave from memory, under
//! the same ids and rules.

mod again;
mod backoff;
mod figures;
mod fill;
mod fold;
mod handle;
mod health;
mod memory;
mod round;
mod spill;
#[cfg(test)]
mod tests;
mod time;

pub use again::StillOpen;
pub use figures::{Counted, MAIL, OutboxFigures};
pub use handle::{Delivered, MailSetup, OutboxHandle};

use crate::clock::Clock;
use crate::domain::{Content, Message, SECOND, Timestamp};
use crate::store::{Letter, LetterState, Store, StoreError};
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use health::Health;
use memory::Memory;
use round::Rounds;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::Steady;
use tokio::sync::{Notify, mpsc};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Letters that are out at the same time.
pub const CONCURRENCY: usize = 10;

/// Of them, places that are kept for what cannot wait, however slow a relay is with the rest.
const KEPT_FOR_PAGES: usize = 2;

/// Letters that one look into the store brings, so that a storm is not searched anew for each of them.
const LOOKED_UP_MAX: usize = 256;

/// Recipients who may have to wait at the same time; beyond that others are not made to.
const SATED_MAX: usize = 10_000;

/// While more wait than this, they are counted once a second and not after every letter.
const COUNTED_AT_LEISURE: u64 = 1_000;

/// Batches that may wait to be taken into memory.
const BATCHES_WAITING_MAX: usize = 64;

/// The store must answer within this time, or is taken to have failed: mail does not wait for a disk.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// How often memory is offered to the store again.
const FLUSH_EVERY_MS: i64 = 5 * SECOND;

/// The longest sleep, after which figures are taken again.
const SLEEP_MAX_MS: i64 = 15 * SECOND;

/// Time for letters that are out when the daemon stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// A letter that is out.
struct Out {
    id: String,
    recipient: String,
    /// Whether not even what cannot wait may go to that recipient meanwhile.
    closes: bool,
}

/// Somebody who has had their share of mails.
struct Sated {
    /// Until when nothing more is sent to them.
    until: Timestamp,
    /// Whether that holds for what cannot wait, too.
    closes: bool,
}

/// What a task of the outbox brings back: the letter if the store does not know how it stands.
struct Attempted {
    id: String,
    unrecorded: Vec<Letter>,
}

/// The task.
pub struct Outbox {
    store: Store,
    setup: Arc<ArcSwap<MailSetup>>,
    /// What is open.
    still_open: StillOpen,
    /// The set-up whose channels know what was said before it.
    recalled: Option<Arc<MailSetup>>,
    rounds: Arc<Rounds>,
    delivered: mpsc::Sender<Delivered>,
    wake: Arc<Notify>,
    handed_over: mpsc::Receiver<Vec<Message>>,
    memory: Memory,
    /// Due letters of the store for which there was no room yet, the most urgent first; no two for one recipient.
    ready: VecDeque<Letter>,
    /// What is out, and to whom.
    sends: JoinSet<Attempted>,
    out: HashMap<task::Id, Out>,
    /// Recipients who have had their share.
    sated: HashMap<String, Sated>,
    /// When the next letter may look whether a relay is back.
    look_at: Option<Timestamp>,
    counted_at: Timestamp,
    flush_at: Timestamp,
    store_failed: Option<StoreError>,
}

impl Outbox {
    /// The outbox of `store` and the handle on it; `seed` decides the jitter. Acceptances go to `delivered`; what is
    /// `still_open` may be said again.
    pub fn new(
        store: Store,
        setup: Arc<ArcSwap<MailSetup>>,
        still_open: StillOpen,
        clock: Arc<dyn Clock>,
        seed: u64,
        delivered: mpsc::Sender<Delivered>,
    ) -> (Self, OutboxHandle) {
        let figures = Arc::<OutboxFigures>::default();
        let wake = Arc::new(Notify::new());
        let (memory, handed_over) = mpsc::channel(BATCHES_WAITING_MAX);
        let handle = OutboxHandle::new(wake.clone(), memory, figures.clone());
        let rounds = Rounds {
            time: Steady::new(clock),
            figures,
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
            health: Health::default(),
        };
        let outbox = Self {
            store,
            setup,
            still_open,
            recalled: None,
            rounds: Arc::new(rounds),
            delivered,
            wake,
            handed_over,
            memory: Memory::default(),
            ready: VecDeque::new(),
            sends: JoinSet::new(),
            out: HashMap::new(),
            sated: HashMap::new(),
            look_at: None,
            counted_at: Timestamp::MIN,
            flush_at: Timestamp::MIN,
            store_failed: None,
        };
        (outbox, handle)
    }

    /// Delivers until `stop`; then waits a while for what is out, so that its end is recorded.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            self.fill().await;
            self.flush().await;
            if self.sends.is_empty() {
                let (setup, now) = (self.setup.load_full(), self.rounds.time.now());
                join_all(setup.relays.iter().map(|relay| relay.rest())).await;
                self.say_again(&setup, now).await;
            }
            let until = self.idle().await;
            tokio::select! {
                () = stop.cancelled() => break,
                // A permit that was left while we were busy is taken at once, so no commit goes unseen.
                () = self.wake.notified() => self.ready.clear(),
                Some(messages) = self.handed_over.recv() => self.take_over(messages).await,
                Some(done) = self.sends.join_next_with_id() => self.came_back(done),
                () = tokio::time::sleep_until(until) => {}
            }
        }
        let drain = async {
            while let Some(done) = self.sends.join_next_with_id().await {
                self.came_back(done);
            }
        };
        if timeout(DRAIN_WITHIN, drain).await.is_err() {
            tracing::warn!(
                letters = self.out.len(),
                "stopped while letters were out; they are sent again at the start"
            );
        }
        self.flush_at = Timestamp::MIN;
        self.flush().await;
    }

    /// Sends one; while it is out, its recipient gets nothing else, or nothing else that can wait.
    fn send(&mut self, letter: Letter, closes: bool) {
        let (id, recipient) = (letter.message.id.clone(), letter.message.to.mail.clone());
        let (rounds, setup) = (self.rounds.clone(), self.setup.load_full());
        let (store, delivered) = (self.store.clone(), self.delivered.clone());
        let task = self.sends.spawn(async move {
            let id = letter.message.id.clone();
            let (letter, instead) = rounds.make(letter, &setup).await;
            // Told before it is recorded: the engine can hear it twice, but must not miss it.
            tell(&store, &delivered, &letter).await;
            let new: Vec<Letter> = instead.into_iter().collect();
            let recorded = within(store.outbox_record(vec![letter.clone()], new.clone())).await;
            let unrecorded = if recorded.is_ok() { vec![] } else { new.into_iter().chain([letter]).collect() };
            Attempted { id, unrecorded }
        });
        self.out.insert(task.id(), Out { id, recipient, closes });
    }

    fn came_back(&mut self, done: Result<(task::Id, Attempted), task::JoinError>) {
        match done {
            Ok((task, Attempted { id, unrecorded })) => {
                self.out.remove(&task);
                self.memory.forget(&id);
                unrecorded.into_iter().for_each(|letter| self.memory.keep(letter));
            }
            Err(error) => {
                // The row is still pending, so it is tried again.
                self.out.remove(&error.id());
                tracing::error!(%error, "a delivery broke off");
            }
        }
    }

    /// Takes the figures, and says until when nothing will be due.
    async fn idle(&mut self) -> Instant {
        // Both clocks are read before the store is asked, so that its answer's delay is not slept twice.
        let (looked, now) = (Instant::now(), self.rounds.time.now());
        let many = self.rounds.figures.pending.load(Ordering::Relaxed) > COUNTED_AT_LEISURE;
        let counts = match many && now < self.counted_at + SECOND {
            true => None,
            false => {
                self.counted_at = now;
                let counts = within(self.store.outbox_counts()).await;
                self.note(counts)
            }
        };
        if let Some(counts) = counts {
            let figures = &self.rounds.figures;
            let (waiting, oldest) = self.memory.waiting();
            figures.pending.store(counts.pending + waiting, Ordering::Relaxed);
            figures.dead_letters.store(counts.dead, Ordering::Relaxed);
            figures.set_oldest(counts.oldest.into_iter().chain(oldest).min());
        }
        let next = within(self.store.outbox_next(now)).await;
        let next = self.note(next).flatten();
        let flush = (!self.memory.is_empty()).then_some(self.flush_at);
        let sated = self.sated.values().map(|sated| sated.until);
        let soonest = next.into_iter().chain(self.memory.next(now)).chain(flush).chain(self.look_at).chain(sated).min();
        let ms = soonest.map_or(SLEEP_MAX_MS, |at| at.since(now)).clamp(1, SLEEP_MAX_MS);
        looked + Duration::from_millis(ms.unsigned_abs())
    }

    /// Logs when the store begins to fail and when it is well again, and nothing in between.
    fn note<T>(&mut self, answer: Result<T, StoreError>) -> Option<T> {
        match answer {
            Ok(value) => {
                if self.store_failed.take().is_some() {
                    tracing::info!("the store answers the outbox again");
                }
                Some(value)
            }
            Err(error) => {
                if self.store_failed.as_ref() != Some(&error) {
                    tracing::error!(%error, "the store fails the outbox; letters leave from memory");
                }
                self.store_failed = Some(error);
                None
            }
        }
    }
}

/// Tells the engine what a relay took: the message, or those that were folded into it; never one to the fallback.
async fn tell(store: &Store, delivered: &mpsc::Sender<Delivered>, letter: &Letter) {
    let (LetterState::Sent, Some(accepted_at), None) = (letter.state, letter.settled_at, &letter.in_place_of) else {
        return;
    };
    let messages = match &letter.message.content {
        Content::Folded(_) => {
            let folded = within(store.outbox_folded(letter.message.id.clone())).await;
            folded.unwrap_or_default().into_iter().map(|l| l.message).collect()
        }
        _ => vec![letter.message.clone()],
    };
    for message in messages {
        let _ = delivered.send(Delivered { message, accepted_at }).await;
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Io(format!("no answer within {} s", STORE_WITHIN.as_secs()));
    timeout(STORE_WITHIN, asked).await.unwrap_or_else(|_| Err(late()))
}
