//! Delivery: takes what is due from the store, hands it to a relay, records what became of it, until told to stop.
//!
//! Not here: what is said (`notify::render`) and who is told (`domain::incident`). Invariants: a message is sent under
//! the one id that it got before its first attempt; after a crash at most the letters that were open at a relay are
//! sent again; one letter at a time for each recipient, so that nobody's trouble holds up another; within a thread the
//! order holds. While the store refuses writes, letters leave from memory, under the same ids and rules.

mod backoff;
mod figures;
mod handle;
mod memory;
mod round;
#[cfg(test)]
mod tests;
mod time;

pub use figures::OutboxFigures;
pub use handle::{Delivered, MailSetup, OutboxHandle};

use crate::clock::Clock;
use crate::domain::{Message, SECOND, Timestamp};
use crate::store::{Held, Letter, LetterState, Store, StoreError};
use arc_swap::ArcSwap;
use memory::Memory;
use round::Rounds;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::Steady;
use tokio::sync::{Notify, mpsc};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Letters that are out at the same time.
pub const CONCURRENCY: usize = 8;

/// Letters that one look into the store brings, so that a storm is not searched anew for each of them.
const LOOKED_UP_MAX: usize = 32;

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

/// What a task of the outbox brings back: the letter if the store does not know how it stands.
struct Attempted {
    id: String,
    unrecorded: Vec<Letter>,
}

/// The task.
pub struct Outbox {
    store: Store,
    setup: Arc<ArcSwap<MailSetup>>,
    rounds: Arc<Rounds>,
    delivered: mpsc::Sender<Delivered>,
    wake: Arc<Notify>,
    handed_over: mpsc::Receiver<Vec<Message>>,
    memory: Memory,
    /// Due letters of the store for which there was no room yet; no two for one recipient, none for one in `out`.
    ready: VecDeque<Letter>,
    /// What is out, and to whom.
    sends: JoinSet<Attempted>,
    out: HashMap<task::Id, (String, String)>,
    flush_at: Timestamp,
    store_failed: Option<StoreError>,
}

impl Outbox {
    /// The outbox of `store` and the handle on it; `seed` decides the jitter. Acceptances go to `delivered`.
    pub fn new(
        store: Store,
        setup: Arc<ArcSwap<MailSetup>>,
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
            ill: Mutex::default(),
        };
        let outbox = Self {
            store,
            setup,
            rounds: Arc::new(rounds),
            delivered,
            wake,
            handed_over,
            memory: Memory::default(),
            ready: VecDeque::new(),
            sends: JoinSet::new(),
            out: HashMap::new(),
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
            let until = self.idle().await;
            tokio::select! {
                () = stop.cancelled() => break,
                // A permit that was left while we were busy is taken at once, so no commit goes unseen.
                () = self.wake.notified() => {}
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

    /// Sends what is due, as far as there is room.
    async fn fill(&mut self) {
        let mut free = CONCURRENCY.saturating_sub(self.sends.len());
        if free == 0 {
            return;
        }
        let now = self.rounds.time.now();
        let ready = self.ready.iter().map(|letter| letter.message.to.mail.clone());
        let mut busy: HashSet<String> =
            self.out.values().map(|(_, recipient)| recipient.clone()).chain(ready).collect();
        for letter in self.memory.due(now, &busy).into_iter().take(free) {
            if !self.waits_for_stored(&letter.message).await {
                busy.insert(letter.message.to.mail.clone());
                self.send(letter);
                free -= 1;
            }
        }
        if self.ready.is_empty() && free > 0 {
            let out = self.out.values().map(|(id, _)| id.clone());
            let held = Held { ids: out.chain(self.memory.ids()).collect(), recipients: busy.into_iter().collect() };
            let due = within(self.store.outbox_due(now, held, LOOKED_UP_MAX)).await;
            let due = self.note(due).unwrap_or_default();
            self.ready.extend(due);
        }
        for letter in self.ready.drain(..free.min(self.ready.len())).collect::<Vec<_>>() {
            self.send(letter);
        }
    }

    /// Whether the store holds an earlier message of the same thread; one that cannot be asked holds none.
    async fn waits_for_stored(&mut self, message: &Message) -> bool {
        let earlier = within(self.store.outbox_has_earlier(message.clone(), self.memory.ids())).await;
        self.note(earlier).unwrap_or(false)
    }

    fn send(&mut self, letter: Letter) {
        let recipient = letter.message.to.mail.clone();
        let id = letter.message.id.clone();
        let (rounds, setup) = (self.rounds.clone(), self.setup.load_full());
        let (store, delivered) = (self.store.clone(), self.delivered.clone());
        let task = self.sends.spawn(async move {
            let id = letter.message.id.clone();
            let (letter, instead) = rounds.make(letter, &setup).await;
            if let (LetterState::Sent, Some(accepted_at), None) = (letter.state, letter.settled_at, &letter.in_place_of)
            {
                // Told before it is recorded: the engine can hear it twice, but must not miss it.
                let _ = delivered.send(Delivered { message: letter.message.clone(), accepted_at }).await;
            }
            let new: Vec<Letter> = instead.into_iter().collect();
            let recorded = within(store.outbox_record(vec![letter.clone()], new.clone())).await;
            let unrecorded = if recorded.is_ok() { vec![] } else { new.into_iter().chain([letter]).collect() };
            Attempted { id, unrecorded }
        });
        self.out.insert(task.id(), (id, recipient));
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

    async fn take_over(&mut self, mut messages: Vec<Message>) {
        // What the store holds leaves from there; what it cannot be asked about was refused by it a moment ago.
        let ids = messages.iter().map(|m| m.id.clone()).collect();
        let known = within(self.store.outbox_known(ids)).await;
        let known = self.note(known).unwrap_or_default();
        messages.retain(|m| !known.contains(&m.id));
        let refused = self.memory.add(messages);
        if refused > 0 {
            self.rounds.figures.lost.fetch_add(refused as u64, Ordering::Relaxed);
            tracing::error!(refused, max = memory::LETTERS_MAX, "no room in memory while the store refuses writes");
        }
        // Sending comes first; the store has just refused.
        self.flush_at = self.flush_at.max(self.rounds.time.now() + SECOND);
    }

    /// Offers to the store what only memory knows.
    async fn flush(&mut self) {
        let now = self.rounds.time.now();
        if self.memory.is_empty() || now < self.flush_at {
            return;
        }
        self.flush_at = now + FLUSH_EVERY_MS;
        let out: HashSet<&String> = self.out.values().map(|(id, _)| id).collect();
        let letters = self.memory.letters().filter(|l| !out.contains(&l.message.id));
        let letters: Vec<Letter> = letters.cloned().collect();
        let ids: Vec<String> = letters.iter().map(|l| l.message.id.clone()).collect();
        let recorded = within(self.store.outbox_record(letters, vec![])).await;
        if self.note(recorded).is_some() {
            ids.iter().for_each(|id| self.memory.forget(id));
            self.wake.notify_one();
        }
    }

    /// Takes the figures, and says until when nothing will be due.
    async fn idle(&mut self) -> Instant {
        // Both clocks are read before the store is asked, so that its answer's delay is not slept twice.
        let (looked, now) = (Instant::now(), self.rounds.time.now());
        let counts = within(self.store.outbox_counts()).await;
        if let Some(counts) = self.note(counts) {
            let figures = &self.rounds.figures;
            let (waiting, oldest) = self.memory.waiting();
            figures.pending.store(counts.pending + waiting, Ordering::Relaxed);
            figures.dead_letters.store(counts.dead, Ordering::Relaxed);
            figures.set_oldest(counts.oldest.into_iter().chain(oldest).min());
        }
        let next = within(self.store.outbox_next(now)).await;
        let next = self.note(next).flatten();
        let flush = (!self.memory.is_empty()).then_some(self.flush_at);
        let soonest = next.into_iter().chain(self.memory.next(now)).chain(flush).min();
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

async fn within<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Io(format!("no answer within {} s", STORE_WITHIN.as_secs()));
    timeout(STORE_WITHIN, asked).await.unwrap_or_else(|_| Err(late()))
}
