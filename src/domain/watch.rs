//! What is known of every probe and subsystem: confirmed health, freshness, timelines.
//!
//! Not here: what follows for people (`incident`) and for the promise (`sla`). Invariants: timelines change by facts
//! alone; a probe without a fresh result is unknown, never the last state; pending counts are memory only.

use super::health::{Counter, ProbeHealth, Thresholds, Verdict};
use super::timeline::{Health, Timeline, recombine_from};
use super::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One probe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProbeState {
    /// Rise, fall and the last confirmed state.
    pub counter: Counter,
    /// Confirmed states; `None` is unknown.
    pub timeline: Timeline<Option<ProbeHealth>>,
    /// What was seen at the last change that was not a pass.
    pub reason: Option<Reason>,
    /// Start of the last attempt that measured something; none since the last start of the daemon or clock step.
    #[serde(skip)]
    pub fresh: Option<Timestamp>,
    /// Whether somebody looks when the last result goes stale.
    #[serde(skip)]
    awaited: bool,
}

impl ProbeState {
    /// The fact that an attempt begins a timeline, or ends a gap: the last confirmed state resumes there. To be
    /// recorded before the outcome is counted.
    pub fn arrival(&mut self, seen: &Observation) -> Option<Fact> {
        let measured = !matches!(seen.outcome, Outcome::Unknown(_));
        if measured {
            self.fresh = Some(self.fresh.map_or(seen.started, |f| f.max(seen.started)));
        }
        let (to, reason) = match (self.timeline.last(), self.counter.confirmed()) {
            (None, _) => (None, None),
            (Some((_, None)), Some(confirmed)) if measured => (Some(confirmed), self.reason.clone()),
            _ => return None,
        };
        Some(Fact::ProbeChanged { probe: seen.probe.clone(), to, since: seen.started, reason })
    }

    /// Counts one outcome; the change that it confirms is not applied yet.
    pub fn count(&mut self, plan: &ProbePlan, seen: &Observation) -> Verdict {
        self.counter.count(seen.started, &seen.outcome, Thresholds { fall: plan.fall, rise: plan.rise })
    }

    /// Start of the first attempt of a recovery that is not confirmed yet.
    pub fn recovering_since(&self) -> Option<Timestamp> {
        let failing = self.counter.confirmed() == Some(ProbeHealth::Failing);
        self.counter.contrary_since().filter(|_| failing)
    }

    /// When the last result goes stale, unless somebody looks already. The caller looks then.
    pub fn begins_to_await(&mut self, plan: &ProbePlan) -> Option<Timestamp> {
        let at = self.stale_at(plan)?;
        (!std::mem::replace(&mut self.awaited, true)).then_some(at)
    }

    fn stale_at(&self, plan: &ProbePlan) -> Option<Timestamp> {
        self.fresh.map(|fresh| fresh + 2 * plan.every_ms + plan.timeout_ms)
    }
}

/// One subsystem.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SubsystemState {
    /// The pointwise combination of its probes.
    pub timeline: Timeline<Health>,
    /// Down time that looked like maintenance outside any window; the last one may be open.
    pub undeclared: Vec<Span>,
    /// Until when another's incident explained its outage.
    pub explained_until: Option<Timestamp>,
}

/// Everything that is watched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    probes: HashMap<ProbeId, ProbeState>,
    subsystems: BTreeMap<SubsystemId, Arc<SubsystemState>>,
}

impl Watch {
    /// The state of one probe that an observation is counted in.
    pub fn probe_mut(&mut self, id: &ProbeId) -> Option<&mut ProbeState> {
        self.probes.get_mut(id)
    }

    /// When the probe's last result goes stale; none while it is unknown anyway. The caller looks then.
    pub fn looks_at(&mut self, plan: &ProbePlan) -> Option<Timestamp> {
        let state = self.probes.get_mut(&plan.id)?;
        state.awaited = state.fresh.is_some();
        state.stale_at(plan)
    }

    /// The fact that a probe's result has gone stale, if it has.
    pub fn stale(&mut self, now: Timestamp, plan: &ProbePlan) -> Option<Fact> {
        let state = self.probes.get_mut(&plan.id)?;
        state.awaited = false;
        if now < state.stale_at(plan)? {
            return None;
        }
        let since = state.fresh.take()? + plan.every_ms;
        let known = state.timeline.last().is_some_and(|(_, health)| health.is_some());
        known.then(|| Fact::ProbeChanged { probe: plan.id.clone(), to: None, since, reason: None })
    }

    /// Folds a fact in; returns the subsystem whose timeline changed. `id` is the probe's present id.
    pub fn changed(
        &mut self,
        inventory: &Inventory,
        id: &ProbeId,
        to: Option<ProbeHealth>,
        since: Timestamp,
        reason: Option<&Reason>,
    ) -> Option<SubsystemId> {
        let state = self.probes.entry(id.clone()).or_default();
        state.timeline.set(since, to);
        state.counter = Counter::resume(to.or(state.counter.confirmed()));
        if to.is_some() {
            state.reason = reason.cloned();
        }
        let subsystem = id.subsystem();
        self.recombine(inventory, &subsystem, since);
        Some(subsystem)
    }

    /// Everything is unknown from `since` on, until each probe's next result.
    pub fn lost_sight(&mut self, inventory: &Inventory, since: Timestamp) {
        for state in self.probes.values_mut().filter(|s| s.timeline.last().is_some()) {
            // What was confirmed after `since` was still seen; the gap begins behind it.
            let since = state.timeline.last().map_or(since, |(start, _)| since.max(start + 1));
            state.timeline.set(since, None);
            state.counter = Counter::resume(state.counter.confirmed());
            state.fresh = None;
        }
        let ids: Vec<SubsystemId> = self.subsystems.keys().cloned().collect();
        for id in ids {
            self.recombine(inventory, &id, since);
        }
    }

    fn recombine(&mut self, inventory: &Inventory, id: &SubsystemId, since: Timestamp) {
        let Some(subsystem) = inventory.subsystems.get(id) else { return };
        let probes: Vec<(Role, &Timeline<Option<ProbeHealth>>)> = subsystem
            .probes
            .iter()
            .filter_map(|p| Some((inventory.probes.get(p)?.role, &self.probes.get(p)?.timeline)))
            .collect();
        let state = self.subsystems.entry(id.clone()).or_default();
        recombine_from(&mut Arc::make_mut(state).timeline, &probes, since);
    }

    /// Makes room for new probes and forgets those that left; timelines of the rest go on. Returns who left.
    pub fn adopt(&mut self, now: Timestamp, inventory: &Inventory) -> Vec<ProbeId> {
        for subsystem in inventory.subsystems.values() {
            if let Some(was) = &subsystem.was {
                self.rename(was, subsystem);
            }
            self.subsystems.entry(subsystem.id.clone()).or_default();
            for probe in &subsystem.probes {
                self.probes.entry(probe.clone()).or_default();
            }
        }
        let mut left: Vec<ProbeId> =
            self.probes.keys().filter(|p| !inventory.probes.contains_key(*p)).cloned().collect();
        left.sort_unstable();
        for probe in &left {
            self.probes.remove(probe);
            self.recombine(inventory, &probe.subsystem(), now);
        }
        self.subsystems.retain(|id, _| inventory.subsystems.contains_key(id));
        left
    }

    fn rename(&mut self, was: &SubsystemId, subsystem: &Subsystem) {
        if let Some(state) = self.subsystems.remove(was) {
            self.subsystems.insert(subsystem.id.clone(), state);
        }
        for probe in &subsystem.probes {
            if let Some(mut state) = self.probes.remove(&ProbeId::of(was, probe.name())) {
                // Whoever looks, looks for the former id.
                state.awaited = false;
                self.probes.insert(probe.clone(), state);
            }
        }
    }

    /// One probe's state.
    pub fn probe(&self, id: &ProbeId) -> Option<&ProbeState> {
        self.probes.get(id)
    }

    /// One subsystem's state.
    pub fn subsystem(&self, id: &SubsystemId) -> Option<&Arc<SubsystemState>> {
        self.subsystems.get(id)
    }

    /// Present health; unknown before the first result.
    pub fn health(&self, id: &SubsystemId) -> Health {
        self.subsystems.get(id).and_then(|s| s.timeline.last()).map_or(Health::Unknown, |(_, health)| health)
    }

    /// Notes that down time looks like maintenance from `since` on, or no longer does from `until` on.
    pub fn undeclared(&mut self, id: &SubsystemId, since: Timestamp, until: Option<Timestamp>) {
        let Some(state) = self.subsystems.get_mut(id) else { return };
        let spans = &mut Arc::make_mut(state).undeclared;
        match (spans.last_mut(), until) {
            (Some(last), Some(until)) if last.end == Timestamp::MAX => last.end = until,
            (Some(last), None) if last.end == Timestamp::MAX => {}
            (_, None) => spans.push(Span::new(since, Timestamp::MAX)),
            (_, Some(_)) => {}
        }
    }

    /// Those whose down time looks like undeclared maintenance for as long as is known.
    pub fn undeclared_now(&self) -> Vec<SubsystemId> {
        let open = |state: &SubsystemState| state.undeclared.last().is_some_and(|span| span.end == Timestamp::MAX);
        self.subsystems.iter().filter(|(_, state)| open(state)).map(|(id, _)| id.clone()).collect()
    }

    /// Notes that another's incident explained the subsystem's outage until `at`.
    pub fn explained(&mut self, id: &SubsystemId, at: Timestamp) {
        if let Some(state) = self.subsystems.get_mut(id) {
            Arc::make_mut(state).explained_until = Some(at);
        }
    }

    /// The end of the subsystem's last down time, `now` while it lasts; none if it was never down.
    pub fn last_down(&self, now: Timestamp, id: &SubsystemId) -> Option<Timestamp> {
        let changes = self.subsystems.get(id)?.timeline.changes();
        let last = changes.iter().rposition(|(_, health)| *health == Health::Down)?;
        Some(changes.get(last + 1).map_or(now, |(end, _)| *end))
    }

    /// What keeps the subsystem down or degraded: each contrary probe with the start of its span and its reason.
    pub fn evidence(&self, subsystem: &Subsystem) -> Vec<Evidence> {
        let contrary = subsystem.probes.iter().filter_map(|id| {
            let state = self.probes.get(id)?;
            let (at, health) = state.timeline.last()?;
            matches!(health, Some(ProbeHealth::Failing | ProbeHealth::Degraded)).then_some(())?;
            Some(Evidence { probe: id.clone(), at, reason: state.reason.clone()? })
        });
        contrary.take(10).collect()
    }

    /// Whether every failing critical probe reports what looks like maintenance.
    pub fn looks_like_maintenance(&self, inventory: &Inventory, subsystem: &Subsystem) -> bool {
        let mut failing = subsystem.probes.iter().filter_map(|id| {
            let state = self.probes.get(id)?;
            let critical = inventory.probes.get(id)?.role == Role::Critical;
            let failing = state.timeline.last()?.1 == Some(ProbeHealth::Failing);
            (critical && failing).then_some(state.reason.as_ref()?.kind)
        });
        let mut any = false;
        failing.all(|kind| {
            any = true;
            kind == ReasonKind::Maintenance
        }) && any
    }

    /// Forgets what ended before `t`, to bound memory; the facts keep it.
    pub fn forget_before(&mut self, t: Timestamp) {
        for state in self.probes.values_mut() {
            state.timeline.forget_before(t);
        }
        for state in self.subsystems.values_mut().map(Arc::make_mut) {
            state.timeline.forget_before(t);
            state.undeclared.retain(|span| span.end > t);
        }
    }
}
