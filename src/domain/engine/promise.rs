//! From what was seen to what is left of the promise, and to the incidents of a budget that burns too fast.
//!
//! Not here: the arithmetic (`sla`). A risk opens and closes on evidence alone: what is not known does neither.

use super::*;
use crate::domain::incident::is_outage;
use crate::domain::sla::burn::{self, Burn, Rounds, State};
use crate::domain::sla::{self, Grain, Period};
use crate::domain::timeline::Timeline;

/// What a mail says about the month.
pub(super) struct Promise {
    /// What is left of the month's budget; negative when overdrawn.
    pub(super) left_ms: Millis,
    /// Parts per million.
    pub(super) target_ppm: u32,
}

impl Engine {
    /// What is left of a subsystem's promise this month.
    pub(super) fn promise_of(&self, subsystem: &Subsystem) -> Option<Promise> {
        let objective = self.inventory.objectives.get(&subsystem.objective)?;
        let month = Period::current(Grain::Month, self.now, &self.inventory.zone);
        let account = sla::account_of(self.now, &self.inventory, &self.view(subsystem), month)?;
        Some(Promise { left_ms: account.budget_left_ms(), target_ppm: objective.target_ppm })
    }

    fn burn(&self, subsystem: &Subsystem) -> Option<Burn> {
        let objective = self.inventory.objectives.get(&subsystem.objective)?;
        let nothing = Timeline::default();
        let critical = subsystem.probes.iter().filter_map(|id| self.inventory.probes.get(id));
        let rounds: Vec<Rounds<'_>> = critical
            .filter(|plan| plan.role == Role::Critical)
            .map(|plan| {
                let state = self.watch.probe(&plan.id);
                let contrary_since = state.and_then(|s| s.counter.contrary_since());
                Rounds::of(plan, state.map_or(&nothing, |s| &s.timeline), contrary_since)
            })
            .collect();
        let zone = &self.inventory.zone;
        let within = sla::reach(burn::memory(self.now), zone);
        let hours = sla::promised_hours(&self.inventory, subsystem, Span::new(within.start, within.end + 1)).set;
        Some(burn::evaluate(objective, &hours, self.now, &self.view(subsystem).measured(), &rounds, zone))
    }

    /// Burn rates ×1000 of the pair that burns the fastest.
    pub(super) fn burn_milli(&self, id: &SubsystemId) -> Option<(i64, i64)> {
        let subsystem = self.inventory.subsystems.get(id)?;
        let target = self.inventory.objectives.get(&subsystem.objective)?.target_ppm;
        let rates = self.burn(subsystem)?;
        let firing = rates.pairs.iter().find(|p| p.state == State::Firing)?;
        let milli = |rate: Option<f64>| (rate.unwrap_or_default() * 1_000.0).round() as i64;
        Some((milli(firing.long.rate(target)), milli(firing.short.rate(target))))
    }

    /// Opens and closes the incidents of a budget at risk, and asks to look again while it matters.
    pub(super) fn consider_risk(&mut self, out: &mut Output, id: &SubsystemId) {
        let inventory = Arc::clone(&self.inventory);
        let Some(subsystem) = inventory.subsystems.get(id) else { return };
        let Some(state) = self.watch.subsystem(id) else { return };
        let told = [Severity::Page, Severity::Ticket].map(|s| self.desk.find(id, Symptom::SlaAtRisk, s).map(|i| i.id));
        if told == [None, None] && burn::is_quiet(self.now, &state.timeline) {
            return;
        }
        let Some(rates) = self.burn(subsystem) else { return };
        let pages = inventory.objectives.get(&subsystem.objective).map_or_else(Pages::default, |o| o.pages);
        let fires = |severity: Severity| rates.firing(pages).any(|found| found == severity);
        for (severity, open) in [Severity::Page, Severity::Ticket].into_iter().zip(told) {
            match open {
                None if fires(severity) && self.may_warn(subsystem) => self.open_risk(out, subsystem, severity),
                Some(incident) if !fires(severity) && rates.is_over() => self.close(out, incident),
                _ => {}
            }
        }
        if let Some(at) = rates.next_look {
            self.wakes.at(at, Wake::Risk(id.clone()));
        }
    }

    /// A risk is muted by a running window, and hidden while the subsystem fails, or has just failed, with another's
    /// incident: the bad time counts, the mail is the root's.
    fn may_warn(&self, subsystem: &Subsystem) -> bool {
        let id = &subsystem.id;
        let with_it = |i: &incident::Incident| i.joined.contains_key(id) || i.symptom == Symptom::Storm;
        let explained = self.desk.concerning(id).any(|i| is_outage(i.symptom) && with_it(i));
        let followed = self.watch.last_down(self.now, id).is_some_and(|end| self.follows(subsystem, end));
        self.book.covering(id).is_none() && !explained && !followed
    }

    fn open_risk(&mut self, out: &mut Output, subsystem: &Subsystem, severity: Severity) {
        // A ticket beside an open page would say the same less loudly.
        if severity == Severity::Ticket && self.desk.find(&subsystem.id, Symptom::SlaAtRisk, Severity::Page).is_some() {
            return;
        }
        let reopen_from = self.now - self.inventory.timers.reopen_ms;
        let incident = match self.desk.relapse_of(&subsystem.id, Symptom::SlaAtRisk, severity, reopen_from) {
            Some(incident) => {
                self.record(out, Fact::IncidentReopened { incident, since: self.now });
                incident
            }
            None => {
                let incident = self.desk.next_id();
                let opened = Fact::IncidentOpened {
                    incident,
                    subsystem: subsystem.id.clone(),
                    symptom: Symptom::SlaAtRisk,
                    severity,
                    since: self.now,
                    window: None,
                    reason: None,
                    attribution: None,
                };
                self.record(out, opened);
                incident
            }
        };
        self.picture.touch(Some(subsystem.id.clone()));
        let settle_ms = self.settle_ms(subsystem);
        self.wakes.at(self.now + settle_ms, Wake::Tell(incident));
    }
}
