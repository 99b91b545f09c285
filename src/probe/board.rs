//! What each probe saw last, and its counters: for `/metrics` and the pages.
//!
//! Not here: health (`domain`). Invariants: readers never wait for an attempt; a reload keeps counters and attempts of
//! probes that stay; the attempts of all slots stay within one budget; what is removed disappears.

mod count;
mod history;
mod slot;
mod visits;

pub use count::*;
pub use history::{KEPT, TRACE_BYTES};
pub use slot::{Reading, Slot};

use crate::domain::inspection::{Inspection, Standing};
use crate::domain::*;
use arc_swap::ArcSwap;
use history::Budget;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Closed hours that one slot keeps until they are taken; older ones are merged into the oldest.
pub const TALLY_HOURS_MAX: usize = 48;
/// All slots.
#[derive(Debug, Default)]
pub struct Board {
    slots: ArcSwap<HashMap<ProbeId, Arc<Slot>>>,
    latencies: ArcSwap<BTreeMap<LatencyKey, Arc<Latency>>>,
    budget: Arc<Budget>,
}

impl Board {
    /// A board for these probes.
    pub fn new(inventory: &Inventory) -> Self {
        let board = Self::default();
        board.rebuild(inventory);
        board
    }

    /// Bytes that the attempts of all probes may take together; a smaller number takes effect with the next attempts.
    pub fn limit(&self, trace_bytes: usize) {
        self.budget.limit(trace_bytes);
    }

    /// Takes over a new inventory: slots of probes that stay keep what they hold, others appear and disappear.
    pub fn rebuild(&self, inventory: &Inventory) {
        self.rebuild_for(inventory.probes.values().map(|plan| {
            let subsystem = inventory.subsystems.get(&plan.id.subsystem());
            (&plan.id, plan.kind, subsystem.map_or(Tier::Three, |subsystem| subsystem.tier))
        }));
        let slots = self.slots.load();
        slots.values().for_each(|slot| slot.inspect(false));
        for subsystem in inventory.subsystems.values() {
            let visitors = inspection::visitors(inventory, subsystem);
            visitors.into_iter().filter_map(|id| slots.get(id)).for_each(|slot| slot.inspect(true));
        }
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
                    let (latency, budget) = (Arc::clone(latency), Arc::clone(&self.budget));
                    Arc::new(Slot::new(id.clone(), kind, latency, budget))
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

    /// The rolling week of visits to a public subsystem; `None` of one that is not public.
    pub fn inspection(&self, now: Timestamp, inventory: &Inventory, subsystem: &Subsystem) -> Option<Inspection> {
        let slots = self.slots.load();
        let visitors = inspection::visitors(inventory, subsystem);
        let weeks = visitors.into_iter().filter_map(|id| Some(slots.get(id)?.week(now)));
        weeks.reduce(|sum, week| sum + week)
    }

    /// Public subsystems that an inspector would fail, or nearly.
    pub fn at_risk(&self, now: Timestamp, inventory: &Inventory) -> Vec<(SubsystemId, Inspection)> {
        let week = |subsystem: &Subsystem| Some((subsystem.id.clone(), self.inspection(now, inventory, subsystem)?));
        let is_at_risk = |seen: &Inspection| matches!(seen.standing(), Standing::AtRisk | Standing::Failed);
        inventory.subsystems.values().filter_map(week).filter(|(_, seen)| is_at_risk(seen)).collect()
    }

    /// Takes back what a former run counted of one probe in one hour.
    pub fn recall(&self, probe: &ProbeId, hour: Timestamp, seen: Inspection) {
        if let Some(slot) = self.slots.load().get(probe) {
            slot.visited(hour, seen);
        }
    }

    /// Takes the tallies of all hours that ended at or before `now`; with [`Timestamp::MAX`] also the running one.
    pub fn take_tallies(&self, now: Timestamp) -> Vec<HourTally> {
        let mut taken = Vec::new();
        for slot in self.slots.load().values() {
            let mut state = slot.lock();
            while let Some((hour, tally)) = state.take_tally(now) {
                taken.push(HourTally { probe: slot.id.clone(), hour, tally });
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests;
