//! The single writer: events in, facts stored, effects performed, a picture published. In this order, always.
//!
//! Not here: rules (`domain::engine`). Invariants: facts and messages are stored in one transaction before any effect;
//! while the store refuses writes, pages still leave, from memory, and what could not be stored is tried again; every
//! queue is bounded; nothing here waits for a target or a relay.

use crate::clock::Clock;
use crate::domain::engine::{CLOCK_STEP_MAX, Effect, Engine, Event, Journal, Output};
use crate::domain::order::NotOrdered;
use crate::domain::plan::{End, Order, Report};
use crate::domain::*;
use crate::metrics::Metrics;
use crate::outbox::OutboxHandle;
use crate::probe::{Board, HourTally};
use crate::scheduler::SchedulerHandle;
use crate::step::Hands;
use crate::store::{Batch, Ends, SealedDays, Sealing, Store, Tally};
use crate::web::OrderAsked;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Observations that wait for the engine.
pub const OBSERVATIONS_MAX: usize = 16_384;

/// Events of people, reloads and relays that wait for the engine.
pub const EVENTS_MAX: usize = 1_024;

/// Most observations that are stored in one transaction, and most events.
const BATCH_MAX: usize = 1_024;

/// Facts that wait for a store that refuses writes; about 100 MiB. Beyond it the oldest are dropped, loudly.
const UNSAVED_MAX: usize = 500_000;

/// Rows of the audit log that wait likewise. Beyond it the newest are dropped, loudly: ids of the others stay.
const UNSAVED_AUDIT_MAX: usize = 50_000;

/// How often the sign of life is overwritten.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// How often tallies, checkpoints and retention are looked after.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);

/// While many days wait to be sealed, a few are done this often.
const SEAL_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Checkpoints are written this often, and at the end.
const CHECKPOINT_EVERY_MS: Millis = 10 * MINUTE;

/// At most one picture in this time, so that a storm does not copy the city a thousand times a second.
const PICTURE_EVERY_MS: Millis = 100;

/// Readers may look at the picture for this long without a new one: running windows and unknown time age.
const PICTURE_AGE_MAX_MS: Millis = 5 * SECOND;

/// The engine and what it writes to.
pub struct Runtime {
    /// The rules and the state.
    pub engine: Engine,
    /// Where facts and messages go.
    pub store: Store,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// Who re-tries.
    pub scheduler: SchedulerHandle,
    /// Who sends.
    pub outbox: OutboxHandle,
    /// Where the picture goes.
    pub pictures: watch::Sender<Arc<Snapshot>>,
    /// Shows that it turns.
    pub pulse: Pulse,
    /// Who carries out steps of plans.
    pub hands: Arc<Hands>,
    /// Figures about ourselves.
    pub metrics: Arc<Metrics>,
    /// What waits for a store that refuses writes.
    pub unsaved: Unsaved,
    /// Attempts by hour.
    pub board: Arc<Board>,
    /// How long facts are kept.
    pub retain_ms: Millis,
    /// How long the audit log is kept.
    pub retain_audit_ms: Millis,
}

/// What waits for the engine.
#[derive(Debug)]
pub struct Inbox {
    /// Attempts that ended.
    pub observations: mpsc::Receiver<Observation>,
    /// Reloads and relays.
    pub events: mpsc::Receiver<Event>,
    /// People.
    pub orders: mpsc::Receiver<OrderAsked>,
}

/// Turns of the engine, counted.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Beats>);

#[derive(Debug, Default)]
struct Beats {
    turns: AtomicU64,
    /// In milliseconds of the epoch; 0 before the first.
    last_round: AtomicI64,
}

impl Pulse {
    /// The engine turned.
    pub fn beat(&self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// How often.
    pub fn count(&self) -> u64 {
        self.0.turns.load(Ordering::Relaxed)
    }

    /// A round was counted that began `at`.
    pub fn round_ended(&self, at: Timestamp) {
        self.0.last_round.fetch_max(at.0, Ordering::Relaxed);
    }

    /// When the last one that was counted began; none before the first.
    pub fn last_round(&self) -> Option<Timestamp> {
        Some(Timestamp(self.0.last_round.load(Ordering::Relaxed))).filter(|at| at.0 > 0)
    }
}

/// Facts and messages that the store has not taken yet.
#[derive(Debug, Default)]
pub struct Unsaved {
    /// The last ids, behind which the next batch goes.
    ends: Ends,
    batch: Batch,
    /// Orders whose intents could not be stored, so that nobody carried them out.
    withheld: Vec<Order>,
    failing: bool,
}

impl Unsaved {
    /// Nothing waits; the store ends at `ends`.
    pub fn after(ends: Ends) -> Self {
        Self { ends, ..Self::default() }
    }
}

impl Runtime {
    /// Runs until `stop`, then stores what is left.
    pub async fn run(mut self, first: Output, inbox: Inbox, stop: CancellationToken) {
        let Inbox { mut observations, mut events, mut orders } = inbox;
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING_EVERY);
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut clocks = Clocks::read(&*self.clock);
        let mut last = Last { picture: Timestamp::MIN, checkpoint: self.clock.now(), pruned: Timestamp::MIN };
        self.perform(first).await;
        loop {
            let pause = self.pause(&last);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(asked) = orders.recv() => self.carry_out(asked).await,
                Some(event) = events.recv() => self.take(event, &mut events).await,
                n = observations.recv_many(&mut batch, BATCH_MAX) => if n == 0 { break } else {
                    let depth = i64::try_from(observations.len()).unwrap_or(i64::MAX);
                    self.metrics.engine_queue_depth.set(depth);
                    self.observe(&mut batch).await;
                },
                _ = alive.tick() => self.sign_of_life().await,
                _ = housekeeping.tick() => if self.keep_house(&mut last).await == Sealed::MoreIsDue {
                    housekeeping.reset_after(SEAL_AGAIN_AFTER);
                },
                () = tokio::time::sleep(pause) => self.turn(|engine, now| engine.handle(now, Event::Tick)).await,
            }
            self.pulse.beat();
            self.give_back().await;
            if let Some(step) = clocks.step(&*self.clock) {
                self.metrics.clock_steps.inc();
                self.turn(|engine, now| engine.handle(now, step)).await;
            }
            self.publish(&mut last);
        }
        self.take_rest(&mut observations, &mut events).await;
        self.store_rest().await;
    }

    /// Takes what still waits when the end comes; nobody sends more.
    async fn take_rest(&mut self, observations: &mut mpsc::Receiver<Observation>, events: &mut mpsc::Receiver<Event>) {
        let seen = std::iter::from_fn(|| observations.try_recv().ok()).take(OBSERVATIONS_MAX);
        let mut seen: Vec<Observation> = seen.collect();
        self.observe(&mut seen).await;
        if let Ok(event) = events.try_recv() {
            self.take(event, events).await;
        }
    }

    /// Sleeps to the engine's next deadline, or to the next picture that is due, but at most a second: the wall clock
    /// may be set at any time.
    fn pause(&self, last: &Last) -> Duration {
        let now = self.clock.now();
        let deadline = self.engine.next_deadline();
        let picture = self.engine.has_news().then_some(last.picture + PICTURE_EVERY_MS);
        let next = deadline.into_iter().chain(picture).min().map_or(SECOND, |at| at.since(now));
        Duration::from_millis(next.clamp(0, SECOND).unsigned_abs())
    }

    async fn turn(&mut self, handle: impl FnOnce(&mut Engine, Timestamp) -> Output) {
        let timer = self.metrics.engine_handle_seconds.start_timer();
        let out = handle(&mut self.engine, self.clock.now());
        timer.observe_duration();
        self.perform(out).await;
    }

    /// Takes an event and what came close behind it: rows of the audit log come by the hundred.
    async fn take(&mut self, first: Event, behind: &mut mpsc::Receiver<Event>) {
        let behind = std::iter::from_fn(|| behind.try_recv().ok()).take(BATCH_MAX - 1);
        self.turn(|engine, now| {
            let mut all = engine.handle(now, first);
            behind.for_each(|event| all.append(engine.handle(now, event)));
            all
        })
        .await;
    }

    /// Carries an order out, and answers once it is stored.
    async fn carry_out(&mut self, asked: OrderAsked) {
        let (out, mut result) = self.engine.order(self.clock.now(), &asked.order);
        self.perform(out).await;
        if self.unsaved.failing && result.is_ok() {
            result = Err(NotOrdered::unrecorded());
        }
        // Whoever asked may have gone away meanwhile.
        let _ = asked.reply.send(result);
    }

    async fn observe(&mut self, batch: &mut Vec<Observation>) {
        let timer = self.metrics.engine_handle_seconds.start_timer();
        let mut all = Output::default();
        let last = batch.iter().map(|seen| seen.started).max();
        for seen in batch.drain(..) {
            all.append(self.engine.handle(self.clock.now(), Event::Observed(seen)));
        }
        timer.observe_duration();
        self.perform(all).await;
        last.into_iter().for_each(|at| self.pulse.round_ended(at));
    }

    /// Stores, then acts.
    async fn perform(&mut self, out: Output) {
        if !out.facts.is_empty() || !out.messages.is_empty() || !out.audit.is_empty() {
            self.unsaved.batch.facts.extend(out.facts);
            self.unsaved.batch.messages.extend(out.messages);
            self.unsaved.batch.audit.extend(out.audit);
            self.save().await;
        }
        for effect in out.effects {
            match effect {
                Effect::Retry { probe, at } => self.scheduler.retry(probe, at).await,
                Effect::Step(order) if self.unsaved.failing && !order.safe => self.unsaved.withheld.push(*order),
                Effect::Step(order) => self.hands.carry_out(*order),
                Effect::Release { target } => self.hands.release(target),
            }
        }
    }

    /// Tells the engine of orders that were not carried out, because the intent could not be stored first.
    async fn give_back(&mut self) {
        for order in std::mem::take(&mut self.unsaved.withheld) {
            let end = End::Withheld { note: "the store refused the record of its intent".to_owned() };
            let Order { run, epoch, step, deed, attempt, .. } = order;
            let report = Box::new(Report { run, epoch, step, deed, attempt, end });
            self.turn(|engine, now| engine.handle(now, Event::Reported(report))).await;
        }
    }

    /// Stores all that waits. If the store refuses, messages leave from memory and the facts wait.
    async fn save(&mut self) {
        let timer = self.metrics.store_commit_seconds.start_timer();
        let result = self.store.keep(self.unsaved.ends, self.unsaved.batch.clone()).await;
        timer.observe_duration();
        match result {
            Ok(ends) => {
                self.unsaved.ends = ends;
                self.engine.note_journal(Journal::Writes);
                if std::mem::take(&mut self.unsaved.failing) {
                    tracing::info!("the store takes facts again");
                }
                if !std::mem::take(&mut self.unsaved.batch).messages.is_empty() {
                    self.outbox.wake();
                }
            }
            Err(error) => self.endure(&error).await,
        }
    }

    async fn endure(&mut self, error: &crate::store::StoreError) {
        self.engine.note_journal(Journal::Refuses);
        if !std::mem::replace(&mut self.unsaved.failing, true) {
            tracing::error!(%error, "the store refuses facts; probing and paging go on from memory");
        }
        let batch = &mut self.unsaved.batch;
        self.outbox.deliver_from_memory(batch.messages.clone()).await;
        let over = batch.facts.len().saturating_sub(UNSAVED_MAX);
        if over > 0 {
            tracing::error!(over, "too many facts wait for the store; the oldest are lost");
            batch.facts.drain(..over);
        }
        let over = batch.audit.len().saturating_sub(UNSAVED_AUDIT_MAX);
        if over > 0 {
            tracing::error!(over, "too many rows of the audit log wait for the store; the newest are lost");
            batch.audit.truncate(UNSAVED_AUDIT_MAX);
        }
    }

    async fn sign_of_life(&mut self) {
        if self.unsaved.failing {
            self.save().await;
        }
        if !self.unsaved.failing
            && let Err(error) = self.store.alive(self.clock.now()).await
        {
            tracing::error!(%error, "the sign of life was not stored");
        }
    }

    async fn keep_house(&mut self, last: &mut Last) -> Sealed {
        let now = self.clock.now();
        if self.unsaved.failing {
            return Sealed::All;
        }
        self.write_tallies(now).await;
        let sealed = self.seal().await;
        if let Ok(counts) = self.store.outbox_counts().await {
            self.engine.note_dead_letters(counts.dead);
        }
        let at_risk = self.board.at_risk(now, self.engine.inventory());
        self.engine.note_inspections(at_risk);
        if now.since(last.checkpoint) >= CHECKPOINT_EVERY_MS {
            last.checkpoint = now;
            self.write_checkpoint().await;
        }
        if now.since(last.pruned) >= DAY {
            last.pruned = now;
            if let Err(error) = self.store.prune(now - self.retain_ms).await {
                tracing::warn!(%error, "old facts were not pruned");
            }
            if let Err(error) = self.store.prune_audit().await {
                tracing::warn!(%error, "old rows of the audit log were not pruned");
            }
        }
        sealed
    }

    /// Seals the days that are over. All of earlier than engine time is stored: nothing waits, and it never runs backward.
    async fn seal(&mut self) -> Sealed {
        let sealing = Sealing {
            now: self.engine.now(),
            zone: self.engine.inventory().zone.clone(),
            retain_ms: self.retain_ms,
            retain_audit_ms: self.retain_audit_ms,
        };
        match self.store.seal(sealing).await {
            Ok(SealedDays { days, more }) => {
                for day in days {
                    let head = day.head().to_string();
                    tracing::info!(day = day.day, head, late = day.late, "a day was sealed");
                    self.engine.note_evidence(EvidenceHead { day: day.day, head });
                }
                if more { Sealed::MoreIsDue } else { Sealed::All }
            }
            Err(error) => {
                tracing::error!(%error, "days that are over were not sealed");
                Sealed::All
            }
        }
    }

    async fn write_tallies(&self, until: Timestamp) {
        let rows: Vec<Tally> = self.board.take_tallies(until).into_iter().map(row).collect();
        if rows.is_empty() {
            return;
        }
        match self.store.tally(rows).await {
            Ok(0) => {}
            Ok(late) => tracing::warn!(late, "counts of hours whose day is sealed already were left out"),
            Err(error) => tracing::warn!(%error, "the counts of an hour were not stored"),
        }
    }

    async fn write_checkpoint(&mut self) {
        if let Err(error) = self.store.checkpoint(self.unsaved.ends.facts, self.engine.checkpoint()).await {
            tracing::warn!(%error, "the checkpoint was not stored; the next start replays more facts");
        }
    }

    fn publish(&mut self, last: &mut Last) {
        let now = self.clock.now();
        let age = now.since(last.picture);
        if (self.engine.has_news() && age >= PICTURE_EVERY_MS) || !(0..PICTURE_AGE_MAX_MS).contains(&age) {
            last.picture = now;
            let mut snapshot = self.engine.snapshot();
            snapshot.at = now;
            snapshot.store_failed = self.unsaved.failing;
            self.pictures.send_replace(Arc::new(snapshot));
        }
    }

    async fn store_rest(&mut self) {
        self.save().await;
        self.sign_of_life().await;
        if !self.unsaved.failing {
            self.write_tallies(Timestamp::MAX).await;
            self.write_checkpoint().await;
        }
    }
}

fn row(counted: HourTally) -> Tally {
    let HourTally { probe, hour, tally } = counted;
    Tally {
        probe,
        hour,
        ticks: tally.scheduled,
        pass: tally.pass,
        degraded: tally.degraded,
        fail: tally.fail,
        unknown: tally.unknown,
        skipped: tally.skipped,
        slow_pass: tally.slow_pass,
        slow_fail: tally.slow_fail,
    }
}

/// Whether days that are over still wait to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sealed {
    All,
    MoreIsDue,
}

/// When things were last done.
struct Last {
    picture: Timestamp,
    checkpoint: Timestamp,
    pruned: Timestamp,
}

/// Compares the two clocks, to notice that somebody set the wall clock.
struct Clocks {
    wall: Timestamp,
    monotonic: Duration,
}

impl Clocks {
    fn read(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// The event of a forward step since the last look, if there was one. While the wall clock lies behind, engine time
    /// holds by itself.
    fn step(&mut self, clock: &dyn Clock) -> Option<Event> {
        let next = Self::read(clock);
        let passed = i64::try_from((next.monotonic - self.monotonic).as_millis()).unwrap_or(i64::MAX);
        let expected = self.wall + passed;
        *self = next;
        let stepped = self.wall.since(expected) > CLOCK_STEP_MAX;
        stepped.then_some(Event::ClockStepped { from: expected, to: self.wall })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_forward_step_is_noticed_and_the_passing_of_time_is_not() {
        let clock = ManualClock::at(Timestamp(1_000_000));
        let mut clocks = Clocks::read(&clock);
        clock.advance(60_000);
        assert!(clocks.step(&clock).is_none());
        clock.step(Timestamp(1_000_000));
        assert!(clocks.step(&clock).is_none(), "a step back is held, not a fact");
        clock.step(Timestamp(9_000_000));
        assert!(matches!(clocks.step(&clock), Some(Event::ClockStepped { from: Timestamp(1_000_000), .. })));
    }
}
