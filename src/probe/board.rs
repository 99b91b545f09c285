//! What each probe saw last, and its counters: for `/metrics` and the pages.
//!
//! Not here: health and history (`domain`). Invariants: readers never wait for an attempt; a reload keeps the counters
//! of probes that stay; traces of all slots together stay within [`TRACE_BYTES_MAX`]; what is removed disappears.

mod count;

pub use count::*;

use super::Report;
use crate::domain::*;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Upper bound of all traces that are kept together; beyond it reports are kept without theirs.
pub const TRACE_BYTES_MAX: usize = 64 << 20;
/// Closed hours that one slot keeps until they are taken; older ones are merged into the oldest.
pub const TALLY_HOURS_MAX: usize = 48;
/// A copy of what a slot holds.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Counts since the slot was made.
    pub counters: Counters,
    /// The last attempt.
    pub last: Option<Arc<Report>>,
    /// The last attempt that was neither a pass nor unknown.
    pub last_bad: Option<Arc<Report>>,
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
    trace_bytes: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct State {
    reading: Reading,
    latency: Arc<Latency>,
    tallies: VecDeque<(Timestamp, Tally)>,
}

impl Slot {
    /// A slot outside any board, for one attempt from the command line and for tests.
    pub fn alone(id: ProbeId, kind: &'static str) -> Arc<Self> {
        Arc::new(Self::new(id, kind, Arc::default(), Arc::default()))
    }

    fn new(id: ProbeId, kind: &'static str, latency: Arc<Latency>, trace_bytes: Arc<AtomicUsize>) -> Self {
        let state = State { reading: Reading::default(), latency, tallies: VecDeque::new() };
        Self { id, kind, state: Mutex::new(state), tick_met: AtomicBool::new(false), trace_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of what is there now.
    pub fn read(&self) -> Reading {
        self.lock().reading.clone()
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

    /// Keeps the report of an attempt that just ended.
    pub fn record(&self, mut report: Report) {
        let bytes = trace_bytes(&report);
        if self.trace_bytes.load(Ordering::Relaxed) + 2 * bytes > TRACE_BYTES_MAX {
            report.trace = Vec::new();
        }
        let bad = matches!(report.outcome, Outcome::Degraded(_) | Outcome::Fail(_));
        let report = Arc::new(report);
        let mut state = self.lock();
        state.reading.counters.count(&report.outcome);
        state.tally(report.started).count(&report.outcome, report.took);
        if !matches!(report.outcome, Outcome::Unknown(_)) {
            state.latency.observe(report.took);
        }
        let before = state.reading.trace_bytes();
        if bad {
            state.reading.last_bad = Some(Arc::clone(&report));
        }
        state.reading.last = Some(report);
        let after = state.reading.trace_bytes();
        drop(state);
        self.trace_bytes.fetch_add(after, Ordering::Relaxed);
        self.trace_bytes.fetch_sub(before, Ordering::Relaxed);
    }
}

/// Returns the trace's bytes to the budget of the board.
impl Drop for Slot {
    fn drop(&mut self) {
        let bytes = self.lock().reading.trace_bytes();
        self.trace_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Reading {
    fn trace_bytes(&self) -> usize {
        let of = |report: &Option<Arc<Report>>| report.as_ref().map_or(0, |report| trace_bytes(report));
        match (&self.last, &self.last_bad) {
            (Some(last), Some(bad)) if Arc::ptr_eq(last, bad) => trace_bytes(last),
            _ => of(&self.last) + of(&self.last_bad),
        }
    }
}

fn trace_bytes(report: &Report) -> usize {
    report.trace.iter().map(|line| line.text.len() + size_of_val(line)).sum()
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
}

/// All slots.
#[derive(Debug, Default)]
pub struct Board {
    slots: ArcSwap<HashMap<ProbeId, Arc<Slot>>>,
    latencies: ArcSwap<BTreeMap<LatencyKey, Arc<Latency>>>,
    trace_bytes: Arc<AtomicUsize>,
}

impl Board {
    /// A board for these probes.
    pub fn new(inventory: &Inventory) -> Self {
        let board = Self::default();
        board.rebuild(inventory);
        board
    }

    /// Takes over a new inventory: slots of probes that stay keep what they hold, others appear and disappear.
    pub fn rebuild(&self, inventory: &Inventory) {
        self.rebuild_for(inventory.probes.values().map(|plan| {
            let subsystem = inventory.subsystems.get(&plan.id.subsystem());
            (&plan.id, plan.kind, subsystem.map_or(Tier::Three, |subsystem| subsystem.tier))
        }));
    }

    fn rebuild_for<'a>(&self, probes: impl ExactSizeIterator<Item = (&'a ProbeId, &'static str, Tier)>) {
        let (old_slots, old_latencies) = (self.slots.load(), self.latencies.load());
        let mut latencies = BTreeMap::new();
        let mut slots = HashMap::with_capacity(probes.len());
        for (id, kind, tier) in probes {
            let key = LatencyKey { owner: id.subsystem().owner(), kind, tier };
            let old_latency = || old_latencies.get(&key).cloned().unwrap_or_default();
            let latency = latencies.entry(key.clone()).or_insert_with(old_latency);
            let slot = match old_slots.get(id).filter(|slot| slot.kind == kind) {
                Some(slot) => {
                    slot.lock().latency = Arc::clone(latency);
                    Arc::clone(slot)
                }
                None => {
                    let (latency, trace_bytes) = (Arc::clone(latency), Arc::clone(&self.trace_bytes));
                    Arc::new(Slot::new(id.clone(), kind, latency, trace_bytes))
                }
            };
            slots.insert(id.clone(), slot);
        }
        self.latencies.store(Arc::new(latencies));
        self.slots.store(Arc::new(slots));
    }

    /// All slots, by id.
    pub fn slots(&self) -> Arc<HashMap<ProbeId, Arc<Slot>>> {
        self.slots.load_full()
    }

    /// The slot of one probe.
    pub fn slot(&self, id: &ProbeId) -> Option<Arc<Slot>> {
        self.slots.load().get(id).cloned()
    }

    /// All latency histograms, by label.
    pub fn latencies(&self) -> Arc<BTreeMap<LatencyKey, Arc<Latency>>> {
        self.latencies.load_full()
    }

    /// Takes the tallies of all hours that ended at or before `now`; with [`Timestamp::MAX`] also the running one.
    pub fn take_tallies(&self, now: Timestamp) -> Vec<HourTally> {
        let mut taken = Vec::new();
        for slot in self.slots.load().values() {
            let mut state = slot.lock();
            while state.tallies.front().is_some_and(|(hour, _)| *hour + HOUR <= now)
                && let Some((hour, tally)) = state.tallies.pop_front()
            {
                taken.push(HourTally { probe: slot.id.clone(), hour, tally });
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests;
