//! The world that a simulation watches: every target answers, but for faults and for what is under maintenance.
//!
//! Invariants: faults follow from the seed, the inventory and the span alone; a probe is tried at its interval, at once
//! where something changes, and when the engine asks for it.

use crate::domain::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Attempts of a whole simulation; intervals are stretched until they suffice.
const ATTEMPTS_MAX: i64 = 200_000;
/// No probe is tried more often without need: what changes is tried at once.
const EVERY_MIN: Millis = 15 * MINUTE;
/// Of a window's length, how much the work takes when all goes well, in per cent.
const WORK_PERCENT: i64 = 75;
/// How much when it overruns.
const OVERRUN_PERCENT: i64 = 120;
/// Into a window, before the service goes down.
const DRAIN: Millis = 2 * MINUTE;
/// Rounds at the real interval after a late end, so that its verification takes no longer than it would.
const ROUNDS: i64 = 8;

/// Stretches every interval by one factor, so that a long simulation is not a long wait; by which.
pub(super) fn stretch(inventory: &mut Inventory, known: Span) -> i64 {
    let attempts: i64 = inventory.probes.values().map(|p| known.len_ms() / p.every_ms.max(1)).sum();
    let shortest = inventory.probes.values().map(|p| p.every_ms).min().unwrap_or(EVERY_MIN).max(1);
    let factor = (attempts / ATTEMPTS_MAX + 1).max(EVERY_MIN / shortest);
    inventory.probes.values_mut().for_each(|p| p.every_ms *= factor);
    factor
}

/// Targets and what is wrong with them.
pub(super) struct World {
    rng: fastrand::Rng,
    probes: Vec<Target>,
    places: HashMap<ProbeId, usize>,
    by_subsystem: BTreeMap<SubsystemId, Vec<usize>>,
    due: BinaryHeap<Reverse<(Timestamp, usize, Trigger)>>,
    faults: bool,
    /// By how much intervals are stretched.
    factor: i64,
}

struct Target {
    id: ProbeId,
    every_ms: Millis,
    /// Its next regular attempt.
    tick: Timestamp,
    down: SpanSet,
    /// What it says while it is down.
    reason: Reason,
}

impl World {
    pub(super) fn new(
        inventory: &Inventory,
        from: Timestamp,
        within: Span,
        seed: u64,
        per_30_days: u32,
        factor: i64,
    ) -> Self {
        let mut ids: Vec<&ProbePlan> = inventory.probes.values().collect();
        ids.sort_by(|a, b| a.id.cmp(&b.id));
        let probes: Vec<Target> = ids
            .iter()
            .map(|plan| Target {
                id: plan.id.clone(),
                every_ms: plan.every_ms,
                tick: from + plan.phase_ms().min(plan.every_ms - 1).max(0),
                down: SpanSet::EMPTY,
                reason: Reason::new(ReasonKind::Connect, "the simulated target refused the connection"),
            })
            .collect();
        let mut world = Self {
            rng: fastrand::Rng::with_seed(seed),
            places: probes.iter().enumerate().map(|(n, target)| (target.id.clone(), n)).collect(),
            by_subsystem: BTreeMap::new(),
            due: probes.iter().enumerate().map(|(n, target)| Reverse((target.tick, n, Trigger::Tick))).collect(),
            probes,
            faults: per_30_days > 0,
            factor,
        };
        for (n, target) in world.probes.iter().enumerate() {
            world.by_subsystem.entry(target.id.subsystem()).or_default().push(n);
        }
        let outages = i64::from(per_30_days) * within.len_ms() / (30 * DAY);
        let subsystems: Vec<SubsystemId> = world.by_subsystem.keys().cloned().collect();
        for _ in 0..outages {
            let Some(id) = subsystems.get(world.rng.usize(..subsystems.len().max(1))) else { break };
            let start = within.start + world.rng.i64(0..within.len_ms());
            // Most are short; one in ten lasts hours.
            let longest = if world.rng.u8(..10) == 0 { 4 * HOUR } else { 45 * MINUTE };
            let span = Span::lasting(start, world.rng.i64(3 * MINUTE..longest));
            world.break_down(
                id,
                span,
                &Reason::new(ReasonKind::Connect, "the simulated target refused the connection"),
            );
        }
        world
    }

    /// Something about `id` is down for a while.
    fn break_down(&mut self, id: &SubsystemId, span: Span, reason: &Reason) {
        for n in self.by_subsystem.get(id).into_iter().flatten() {
            let Some(target) = self.probes.get_mut(*n) else { continue };
            target.down = target.down.union(&span.into());
            target.reason = reason.clone();
            self.due.push(Reverse((span.start, *n, Trigger::Tick)));
            self.due.push(Reverse((span.end, *n, Trigger::Tick)));
        }
    }

    /// A window begins: its scope goes down, and comes back in time, or not.
    pub(super) fn maintain(&mut self, now: Timestamp, inventory: &Inventory, scope: &[SubsystemId], span: Span) {
        let late = self.faults && self.rng.u8(..10) == 0;
        let percent = if late { OVERRUN_PERCENT } else { WORK_PERCENT };
        let end = span.start + span.len_ms() * percent / 100;
        let work = Span::new((span.start + DRAIN).max(now), end);
        let reason = Reason::new(ReasonKind::Maintenance, "503 with Retry-After from the simulated target");
        for id in scope {
            self.break_down(id, work, &reason);
        }
        if late {
            let needing = scope.iter().filter_map(|id| inventory.dependants.get(id)).flatten();
            for n in scope.iter().chain(needing).filter_map(|id| self.by_subsystem.get(id)).flatten() {
                let Some(target) = self.probes.get(*n) else { continue };
                let every_ms = target.every_ms / self.factor.max(1);
                self.due.extend((1..=ROUNDS).map(|round| Reverse((end + round * every_ms, *n, Trigger::Tick))));
            }
        }
    }

    /// The engine wants a probe tried again.
    pub(super) fn retry(&mut self, probe: &ProbeId, at: Timestamp) {
        if let Some(n) = self.places.get(probe) {
            self.due.push(Reverse((at, *n, Trigger::Retry)));
        }
    }

    /// When the next attempt is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next attempt that is due, if any is.
    pub(super) fn attempt(&mut self, now: Timestamp) -> Option<Observation> {
        let Reverse((_, n, trigger)) = self.due.peek().copied().filter(|Reverse((at, ..))| *at <= now)?;
        self.due.pop();
        let target = self.probes.get_mut(n)?;
        if target.tick <= now {
            target.tick = target.tick + target.every_ms;
            self.due.push(Reverse((target.tick, n, Trigger::Tick)));
        }
        let outcome = if target.down.contains(now) { Outcome::Fail(target.reason.clone()) } else { Outcome::Pass };
        Some(Observation { probe: target.id.clone(), started: now, took_ms: 5, trigger, outcome })
    }
}
