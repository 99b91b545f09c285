//! What was counted of a subsystem in each hour, from the tallies of its critical probes.
//!
//! Invariants: of several critical probes the worst one speaks for the hour, since each of them alone takes the
//! subsystem down; probes under a former id count for the present one.

use crate::domain::window::expand;
use crate::domain::*;
use std::collections::{BTreeMap, HashMap};

/// One subsystem in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourSeen {
    /// Start of the hour, UTC.
    pub hour: Timestamp,
    /// Scheduled ticks.
    pub ticks: u32,
    /// Those that measured something.
    pub visits: u32,
    /// Those of the visits that did not open in time.
    pub failed: u32,
}

/// Collects tallies, probe by probe and hour by hour, in any order.
#[derive(Debug)]
pub struct Gathering {
    probes: HashMap<ProbeId, SubsystemId>,
    hours: HashMap<SubsystemId, BTreeMap<Timestamp, HourSeen>>,
}

impl Gathering {
    /// For the critical probes of the subsystems that `wanted` takes.
    pub fn new(inventory: &Inventory, wanted: impl Fn(&Subsystem) -> bool) -> Self {
        let mut probes = HashMap::new();
        for subsystem in inventory.subsystems.values().filter(|s| wanted(s)) {
            let critical = |id: &&ProbeId| inventory.probes.get(*id).is_some_and(|plan| plan.role == Role::Critical);
            for probe in subsystem.probes.iter().filter(critical) {
                probes.insert(probe.clone(), subsystem.id.clone());
                if let Some(was) = &subsystem.was {
                    probes.insert(ProbeId::of(was, probe.name()), subsystem.id.clone());
                }
            }
        }
        Self { probes, hours: HashMap::new() }
    }

    /// Counts what one probe saw in one hour; what nobody asked for is passed over.
    pub fn add(&mut self, probe: &ProbeId, seen: HourSeen) {
        let Some(subsystem) = self.probes.get(probe) else { return };
        let hours = self.hours.entry(subsystem.clone()).or_default();
        hours.entry(seen.hour).and_modify(|known| *known = worse(*known, seen)).or_insert(seen);
    }

    /// The hours of one subsystem, in order of time.
    pub fn of(&self, id: &SubsystemId) -> Vec<HourSeen> {
        self.hours.get(id).into_iter().flat_map(|hours| hours.values().copied()).collect()
    }
}

/// The hour of the probe that failed more; where nothing was seen the other one speaks.
fn worse(a: HourSeen, b: HourSeen) -> HourSeen {
    match (a.visits, b.visits) {
        (0, _) => b,
        (_, 0) => a,
        _ => {
            let more = u64::from(a.failed) * u64::from(b.visits) >= u64::from(b.failed) * u64::from(a.visits);
            if more { a } else { b }
        }
    }
}

/// When each subsystem is in maintenance by the schedules of the files, whatever became of each window.
///
/// Windows for once are left to the ordinary test for chance: only what comes again looks like a closure.
pub fn planned_maintenance(inventory: &Inventory, within: Span) -> HashMap<SubsystemId, SpanSet> {
    let mut spans: HashMap<SubsystemId, Vec<Span>> = HashMap::new();
    for schedule in inventory.schedules.values() {
        let windows = expand(schedule, &inventory.zone, within);
        for id in &schedule.scope {
            spans.entry(id.clone()).or_default().extend(windows.iter().map(|window| window.span));
        }
    }
    spans.into_iter().map(|(id, spans)| (id, spans.into_iter().collect())).collect()
}
