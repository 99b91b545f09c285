//! From a changed health to incidents: gathers what is known, lets `incident::judge` decide, records the outcome.

use super::*;
use crate::domain::incident::{Condition, Judgement, closes, is_outage, judge, leaves, root_of};
use crate::domain::timeline::Health;

impl Engine {
    /// A subsystem's health changed: its incidents, those of its dependants, its windows and its burn rate follow.
    pub(super) fn health_changed(&mut self, out: &mut Output, id: &SubsystemId) {
        self.picture.touch(Some(id.clone()));
        self.note_flapping(out, id);
        self.close_recovered(out, id);
        self.reconsider(out, id);
        self.note_flapping(out, id);
        self.merge_dependants(out, id);
        self.windows_of(out, id);
        self.consider_risk(out, id);
    }

    /// Decides again about one subsystem that may be down or degraded.
    pub(super) fn reconsider(&mut self, out: &mut Output, id: &SubsystemId) {
        let inventory = Arc::clone(&self.inventory);
        let Some(subsystem) = inventory.subsystems.get(id) else { return };
        let Some(known) = self.condition(subsystem) else { return };
        let covered = |root: &SubsystemId| self.book.covering(root).is_some();
        match judge(&self.desk, id, &known, &covered) {
            Judgement::Stay => self.wake_when_hours_begin(subsystem, &known),
            Judgement::Open(symptom, severity) => self.open(out, subsystem, &known, symptom, severity),
            Judgement::Join(incident) => self.join(out, incident, id, known.since),
            Judgement::Inform(root) => self.inform_dependant(out, &root, id),
        }
        self.follow_soon(id);
    }

    pub(super) fn join(&mut self, out: &mut Output, incident: IncidentId, id: &SubsystemId, since: Timestamp) {
        self.record(out, Fact::IncidentJoined { incident, subsystem: id.clone(), since });
        self.raise_if(out, incident, id);
        self.picture.touch(Some(id.clone()));
        self.wakes.at(self.now, Wake::Follow(incident));
    }

    fn condition(&self, subsystem: &Subsystem) -> Option<Condition> {
        let (since, health) = self.watch.subsystem(&subsystem.id)?.timeline.last()?;
        let id = &subsystem.id;
        Some(Condition {
            health,
            since,
            maintenance_like: self.watch.looks_like_maintenance(&self.inventory, subsystem),
            severity: self.severity_of(subsystem),
            in_hours: self.in_hours(subsystem),
            covered: self.book.covering(id).map(|w| w.id.clone()),
            overrun: self.book.overrun(id).map(|w| w.id.clone()),
            root: root_of(&self.inventory, id, &|id| self.watch.health(id)),
        })
    }

    pub(super) fn in_hours(&self, subsystem: &Subsystem) -> bool {
        let instant = Span::lasting(self.now, 1);
        self.hours(subsystem, instant).contains(self.now)
    }

    /// The declared hours of a subsystem inside a span.
    pub(super) fn hours(&self, subsystem: &Subsystem, within: Span) -> SpanSet {
        let owner = subsystem.id.owner();
        subsystem.hours.spans(&self.inventory.zone, &self.inventory.calendar, Some(&owner), within).set
    }

    /// What is still bad when hours begin opens then.
    fn wake_when_hours_begin(&mut self, subsystem: &Subsystem, known: &Condition) {
        if known.in_hours || !matches!(known.health, Health::Down | Health::Degraded) {
            return;
        }
        // A fortnight holds the next opening of any weekly rule; a longer closure asks again.
        let ahead = Span::lasting(self.now, 14 * DAY);
        let begins = self.hours(subsystem, ahead).spans().first().map_or(ahead.end, |s| s.start);
        self.wakes.at(begins, Wake::Subsystem(subsystem.id.clone()));
    }

    fn open(
        &mut self,
        out: &mut Output,
        subsystem: &Subsystem,
        known: &Condition,
        symptom: Symptom,
        severity: Severity,
    ) {
        let since = known.since;
        if let (Symptom::Overrun, Some(window)) = (symptom, &known.overrun) {
            return self.open_overrun(out, subsystem, window, since);
        }
        if self.storms(out, subsystem, known, symptom) {
            return;
        }
        let id = &subsystem.id;
        let relapse = self.desk.relapse_of(id, symptom, severity, self.now - self.inventory.timers.reopen_ms);
        let incident = match relapse {
            Some(incident) => {
                self.record(out, Fact::IncidentReopened { incident, since });
                self.raise_if(out, incident, id);
                incident
            }
            None => {
                let incident = self.desk.next_id();
                let undeclared = symptom == Symptom::MaintenanceOutsideWindow;
                let opened = Fact::IncidentOpened {
                    incident,
                    subsystem: id.clone(),
                    symptom,
                    severity,
                    since,
                    window: None,
                    reason: self.watch.evidence(subsystem).into_iter().next().map(|e| e.reason),
                    attribution: undeclared.then(|| Box::new(self.attribute(subsystem, since))),
                };
                self.record(out, opened);
                incident
            }
        };
        self.picture.touch(Some(id.clone()));
        if is_outage(symptom) {
            self.supersede(out, id);
        }
        self.wakes.at(self.now + self.settle_ms(subsystem), Wake::Tell(incident));
    }

    /// An overrun: told at once, and never a relapse.
    pub(super) fn open_overrun(
        &mut self,
        out: &mut Output,
        subsystem: &Subsystem,
        window: &WindowId,
        since: Timestamp,
    ) {
        let id = &subsystem.id;
        let opened = Fact::IncidentOpened {
            incident: self.desk.next_id(),
            subsystem: id.clone(),
            symptom: Symptom::Overrun,
            severity: Severity::Page,
            since,
            window: Some(window.clone()),
            reason: self.watch.evidence(subsystem).into_iter().next().map(|e| e.reason),
            attribution: None,
        };
        let incident = self.desk.next_id();
        self.record(out, opened);
        self.picture.touch(Some(id.clone()));
        self.supersede(out, id);
        self.wakes.at(self.now, Wake::Tell(incident));
    }

    /// How long an opening waits for what explains it: not at all for tier 1 and beside maintenance, unless its root has only just recovered
    /// and it is about to follow.
    pub(super) fn settle_ms(&self, subsystem: &Subsystem) -> Millis {
        match subsystem.tier {
            _ if self.follows(subsystem, self.now) => self.follow_ms(subsystem),
            _ if self.maintenance_beside(&subsystem.id).is_some() => 0,
            Tier::One => 0,
            Tier::Two | Tier::Three => self.inventory.timers.settle_ms,
        }
    }

    /// How long a dependant may take to follow a root that recovered: its own recovery shows one round later.
    fn follow_ms(&self, subsystem: &Subsystem) -> Millis {
        let plans = subsystem.probes.iter().filter_map(|id| self.inventory.probes.get(id));
        let round_ms = plans.map(|plan| plan.every_ms + plan.timeout_ms).max().unwrap_or_default();
        round_ms.max(self.inventory.timers.settle_ms)
    }

    /// Whether another's incident explains the subsystem's state at `at`, or did until a round before.
    pub(super) fn follows(&self, subsystem: &Subsystem, at: Timestamp) -> bool {
        let explained = self.watch.subsystem(&subsystem.id).and_then(|s| s.explained_until);
        explained.is_some_and(|until| at < until + self.follow_ms(subsystem))
    }

    /// An outage takes over from a degradation that nobody was told about yet.
    pub(super) fn supersede(&mut self, out: &mut Output, id: &SubsystemId) {
        let degraded = self.desk.find(id, Symptom::Degraded, Severity::Ticket).filter(|i| i.told.is_empty());
        if let Some(incident) = degraded.map(|i| i.id) {
            self.record(out, Fact::IncidentClosed { incident, until: self.now });
        }
    }

    /// Remembers until when an outage was another's.
    pub(super) fn note_explained(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::IncidentLeft { subsystem, .. } => self.watch.explained(subsystem, at),
            Fact::IncidentClosed { incident, .. } => {
                let Some(incident) = self.desk.get(*incident) else { return };
                // The first of a storm is no more its cause than the others.
                let first = (incident.symptom == Symptom::Storm).then(|| incident.subsystem.clone());
                let explained: Vec<SubsystemId> = incident.joined.keys().cloned().chain(first).collect();
                explained.iter().for_each(|id| self.watch.explained(id, at));
            }
            _ => {}
        }
    }

    /// Closes what is over, lets those who failed with it stand for themselves, and takes leave of roots.
    fn close_recovered(&mut self, out: &mut Output, id: &SubsystemId) {
        let health = self.watch.health(id);
        let over: Vec<IncidentId> = self
            .desk
            .concerning(id)
            .filter(|i| i.subsystem == *id && closes(i.symptom, health) && !self.is_restless(i))
            .map(|i| i.id)
            .collect();
        for incident in over {
            self.close(out, incident);
        }
        let left = self.desk.concerning(id).filter(|i| i.joined.contains_key(id) && leaves(i.symptom, health));
        for incident in left.map(|i| i.id).collect::<Vec<_>>() {
            self.record(out, Fact::IncidentLeft { incident, subsystem: id.clone() });
        }
        self.close_storm(out);
    }

    /// Closes one incident, tells those who were told that it opened, and decides again about those who joined.
    pub(super) fn close(&mut self, out: &mut Output, incident: IncidentId) {
        let Some(open) = self.desk.get(incident).cloned() else { return };
        let recovered = self.watch.subsystem(&open.subsystem).and_then(|s| s.timeline.last());
        let until = match recovered {
            Some((since, Health::Up | Health::Degraded)) if is_outage(open.symptom) => since.max(open.since),
            _ => self.now,
        };
        self.tell_closing(out, &open, until);
        self.record(out, Fact::IncidentClosed { incident, until });
        self.picture.touch(Some(open.subsystem.clone()));
        for id in open.joined.keys() {
            if self.watch.health(id) == Health::Down {
                self.reconsider(out, id);
            }
        }
    }

    /// A root that went down takes over what nobody was told about yet.
    fn merge_dependants(&mut self, out: &mut Output, id: &SubsystemId) {
        if self.watch.health(id) != Health::Down {
            return;
        }
        let Some(root) = self.desk.explains(id).map(|i| i.id) else { return };
        let untold: Vec<(IncidentId, SubsystemId, Timestamp)> = self
            .desk
            .untold()
            .filter(|i| i.id != root)
            .filter(|i| matches!(i.symptom, Symptom::Down) && i.subsystem != *id)
            .filter(|i| {
                let blame = root_of(&self.inventory, &i.subsystem, &|id| self.watch.health(id));
                let explained = |root_id: &SubsystemId| self.desk.explains(root_id).map(|e| e.id) == Some(root);
                matches!(blame, incident::Root::Dependency(ref root_id) if explained(root_id))
            })
            .map(|i| (i.id, i.subsystem.clone(), i.since))
            .collect();
        for (incident, subsystem, since) in untold {
            self.record(out, Fact::IncidentClosed { incident, until: self.now });
            self.join(out, root, &subsystem, since);
        }
    }

    /// Closes the incidents of subsystems that left the inventory.
    pub(super) fn close_the_vanished(&mut self, out: &mut Output) {
        let gone: Vec<IncidentId> = self
            .desk
            .open()
            .filter(|i| i.symptom != Symptom::Blind && !self.inventory.subsystems.contains_key(&i.subsystem))
            .map(|i| i.id)
            .collect();
        for incident in gone {
            self.close(out, incident);
        }
        let known = |id: &SubsystemId| self.inventory.subsystems.contains_key(id);
        let left = self.desk.open().flat_map(|i| i.joined.keys().filter(|id| !known(id)).map(|id| (i.id, id.clone())));
        for (incident, subsystem) in left.collect::<Vec<_>>() {
            self.record(out, Fact::IncidentLeft { incident, subsystem });
        }
        self.close_storm(out);
    }

    /// Nothing was seen from `since` on.
    pub(super) fn lost_sight(&mut self, since: Timestamp) {
        self.watch.lost_sight(&self.inventory, since);
        for id in self.watch.undeclared_now() {
            self.note_undeclared(&id);
        }
    }

    /// Whose record of undeclared maintenance a fact about incidents may change.
    pub(super) fn subject_of(&self, fact: &Fact) -> Option<SubsystemId> {
        match fact {
            Fact::IncidentOpened { subsystem, .. } => Some(subsystem.clone()),
            Fact::IncidentReopened { incident, .. } | Fact::IncidentClosed { incident, .. } => {
                self.desk.get(*incident).map(|i| i.subsystem.clone())
            }
            _ => None,
        }
    }

    /// Keeps the record of down time that looks like maintenance outside any window.
    pub(super) fn note_undeclared(&mut self, id: &SubsystemId) {
        let open = self.desk.find(id, Symptom::MaintenanceOutsideWindow, Severity::Page).map(|i| i.since);
        let down = self.watch.health(id) == Health::Down;
        let last = self.watch.subsystem(id).and_then(|s| s.timeline.last()).map_or(self.now, |(since, _)| since);
        match open {
            Some(since) if down => self.watch.undeclared(id, since, None),
            _ => self.watch.undeclared(id, last, Some(last)),
        }
    }
}
