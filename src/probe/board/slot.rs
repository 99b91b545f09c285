//! One probe's place on the board.
//!
//! Not here: which slots there are (`board`). Invariant: whatever is read is a copy; nobody waits for an attempt.

use super::TALLY_HOURS_MAX;
use super::count::{Counters, Latency, SLOW_AFTER, Tally};
use super::history::{Budget, History};
use super::visits::Visits;
use crate::domain::inspection::Inspection;
use crate::domain::{HOUR, Outcome, ProbeId, Timestamp, Trigger};
use crate::probe::Report;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A copy of what a slot holds.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Counts since the slot was made.
    pub counters: Counters,
    /// The last attempt.
    pub last: Option<Arc<Report>>,
}

/// The place of one probe on the board.
#[derive(Debug)]
pub struct Slot {
    /// Which probe.
    pub id: ProbeId,
    /// A row of `KINDS`.
    pub kind: &'static str,
    state: Mutex<State>,
    tick_met: AtomicBool,
    /// Whether the week of visits is kept: of pages of public subsystems.
    inspected: AtomicBool,
    budget: Arc<Budget>,
}

#[derive(Debug)]
pub(super) struct State {
    counters: Counters,
    history: History,
    pub(super) latency: Arc<Latency>,
    tallies: VecDeque<(Timestamp, Tally)>,
    visits: Visits,
}

impl Slot {
    /// A slot outside any board, for one attempt from the command line and for tests.
    pub fn alone(id: ProbeId, kind: &'static str) -> Arc<Self> {
        Arc::new(Self::new(id, kind, Arc::default(), Arc::default()))
    }

    pub(super) fn new(id: ProbeId, kind: &'static str, latency: Arc<Latency>, budget: Arc<Budget>) -> Self {
        let state = State {
            counters: Counters::default(),
            history: History::default(),
            latency,
            tallies: VecDeque::new(),
            visits: Visits::default(),
        };
        let (tick_met, inspected) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { id, kind, state: Mutex::new(state), tick_met, inspected, budget }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of what is there now.
    pub fn read(&self) -> Reading {
        let state = self.lock();
        Reading { counters: state.counters, last: state.history.last().cloned() }
    }

    /// Counts a scheduled tick.
    pub fn scheduled(&self, tick: Timestamp) {
        self.lock().tally(tick).scheduled += 1;
    }

    /// Counts a scheduled tick that is not attempted.
    pub fn skipped(&self, tick: Timestamp) {
        self.lock().tally(tick).skipped += 1;
    }

    #[cfg(test)]
    pub(crate) fn take_tally_for_tests(&self) -> (u32, u32) {
        let tallies = std::mem::take(&mut self.lock().tallies);
        tallies.iter().fold((0, 0), |(a, b), (_, tally)| (a + tally.scheduled, b + tally.skipped))
    }

    /// A tick found a re-try in flight, which thereby serves it.
    pub fn meet_tick(&self) {
        self.tick_met.store(true, Ordering::Relaxed);
    }

    /// Whether the attempt that just ended served a tick; asked once.
    pub fn take_tick_met(&self) -> bool {
        self.tick_met.swap(false, Ordering::Relaxed)
    }

    /// Keeps the week of visits, or no longer.
    pub(super) fn inspect(&self, wanted: bool) {
        self.inspected.store(wanted, Ordering::Relaxed);
        if !wanted {
            self.lock().visits = Visits::default();
        }
    }

    /// Adds visits to their hour, where they are kept.
    pub(super) fn visited(&self, at: Timestamp, seen: Inspection) {
        if self.inspected.load(Ordering::Relaxed) {
            self.lock().visits.add(at, seen);
        }
    }

    /// The rolling week of visits.
    pub(super) fn week(&self, now: Timestamp) -> Inspection {
        self.lock().visits.week(now)
    }

    /// Keeps the report of an attempt that just ended; one that served a tick is a visit, too.
    pub fn record_for(&self, trigger: Trigger, report: Report) {
        if trigger == Trigger::Tick
            && let Some(failed) = failed_visit(&report)
        {
            self.visited(report.started, Inspection { visits: 1, failed: u64::from(failed) });
        }
        self.record(report);
    }

    /// Keeps the report of an attempt that just ended.
    pub fn record(&self, report: Report) {
        let mut state = self.lock();
        state.counters.count(&report.outcome);
        state.tally(report.started).count(&report.outcome, report.took);
        if !matches!(report.outcome, Outcome::Unknown(_)) {
            state.latency.observe(report.took);
        }
        state.history.keep(report, &self.budget);
    }

    /// The attempts that are kept, the newest first: the last [`KEPT`](super::KEPT), and as many bad ones.
    pub fn attempts(&self) -> Vec<Arc<Report>> {
        self.lock().history.newest_first()
    }
}

/// Whether a visit did not open within 15 s; `None` if it measured nothing.
fn failed_visit(report: &Report) -> Option<bool> {
    match report.outcome {
        Outcome::Unknown(_) => None,
        Outcome::Fail(_) => Some(true),
        Outcome::Pass | Outcome::Degraded(_) => Some(report.took > SLOW_AFTER),
    }
}

/// Returns the attempts' bytes to the budget of the board.
impl Drop for Slot {
    fn drop(&mut self) {
        let budget = Arc::clone(&self.budget);
        self.lock().history.clear(&budget);
    }
}

impl State {
    /// The tally of the hour that holds `at`; hours that are over stay until they are taken.
    fn tally(&mut self, at: Timestamp) -> &mut Tally {
        let hour = at - at.0.rem_euclid(HOUR);
        let place = self.tallies.partition_point(|(start, _)| *start < hour);
        if self.tallies.get(place).is_none_or(|(start, _)| *start != hour) {
            self.tallies.insert(place, (hour, Tally::default()));
        }
        if self.tallies.len() > TALLY_HOURS_MAX
            && let Some((_, oldest)) = self.tallies.pop_front()
        {
            self.tallies[0].1.merge(oldest);
            return &mut self.tallies[place.saturating_sub(1)].1;
        }
        &mut self.tallies[place].1
    }

    /// Takes the oldest hour, if it ended at or before `now`.
    pub(super) fn take_tally(&mut self, now: Timestamp) -> Option<(Timestamp, Tally)> {
        self.tallies.pop_front_if(|(hour, _)| *hour + HOUR <= now)
    }
}
