//! An incident after its opening mail: changes, reminders, the next rung of the ladder, and the quiet before the close
//! of one that comes and goes.
//!
//! Not here: when which mail is due (`incident::course`). Invariants: a window, closed hours and a silence hold back what
//! is between the opening and the closing, never the closing; what was held back is one mail when they end.

use super::tell::answering;
use super::*;
use crate::domain::incident::{Course, Incident, Turn, closes, is_outage};
use crate::domain::timeline::Health;

/// More confirmed changes than this within [`FLAPS_WITHIN`] make an incident unstable.
const FLAPS_MAX: usize = 6;
const FLAPS_WITHIN: Millis = 30 * MINUTE;

/// An unstable incident closes when its root did not change for so long.
const CALM: Millis = 15 * MINUTE;

impl Engine {
    /// Does what is due about an open incident, and sees to it that it is looked at again.
    pub(super) fn follow(&mut self, out: &mut Output, id: IncidentId) {
        self.close_calmed(out, id);
        // Each turn moves the course on, and none is due twice at an instant.
        while let Some(incident) = self.desk.get(id) {
            let Some(course) = incident.course else { return };
            if let Some(at) = self.left_in_peace_until(incident) {
                return self.wakes.at(at, Wake::Follow(id));
            }
            let escalates = self.escalates(incident, &course);
            let Some(turn) = course.due(self.now, escalates) else {
                return self.wakes.at(course.next(escalates), Wake::Follow(id));
            };
            self.tell_turn(out, id, turn);
        }
    }

    /// Looks at the incidents that a subsystem is the root of, soon: something changed that may hold mails back.
    pub(super) fn follow_soon(&mut self, id: &SubsystemId) {
        let own: Vec<IncidentId> =
            self.desk.concerning(id).filter(|i| i.course.is_some() || i.unstable).map(|incident| incident.id).collect();
        own.into_iter().for_each(|incident| self.wakes.at(self.now, Wake::Follow(incident)));
    }

    /// Until when nobody hears of an incident that was told: at most an hour ahead, since whatever holds mails back can
    /// end sooner.
    fn left_in_peace_until(&self, incident: &Incident) -> Option<Timestamp> {
        if incident.symptom == Symptom::Overrun {
            return None;
        }
        if let Some(at) = self.silenced_until(incident) {
            return Some(at);
        }
        let subsystem = self.inventory.subsystems.get(&incident.subsystem)?;
        let muted = self.book.covering(&subsystem.id).is_some() || !self.in_hours(subsystem);
        muted.then_some(self.now + HOUR)
    }

    /// When the next rung is told, if nobody takes a page until then.
    fn escalates(&self, incident: &Incident, course: &Course) -> Option<Timestamp> {
        if incident.severity != Severity::Page || incident.acknowledged().is_some() {
            return None;
        }
        let owners = answering(incident);
        let after = owners.iter().filter_map(|owner| self.inventory.rung_after_ms(owner, course.rung + 1)).min()?;
        Some(course.ladder_from() + after)
    }

    /// A mail between the opening and the closing.
    fn tell_turn(&mut self, out: &mut Output, id: IncidentId, turn: Turn) {
        let Some(incident) = self.desk.get(id).cloned() else { return };
        let say: fn(IncidentNews) -> Content = match turn {
            Turn::Changed | Turn::HandedOver => Content::Changed,
            Turn::Raised => |news| Content::Changed(IncidentNews { raised: true, ..news }),
            Turn::Reminded => Content::Reminder,
            Turn::Escalated => Content::Escalated,
        };
        let to: Vec<Recipient> = match turn {
            Turn::Changed | Turn::Raised | Turn::HandedOver => self.audience(&incident),
            Turn::Reminded => {
                let spared =
                    |one: &Recipient| self.silences.spares(self.now, &one.mail, &incident.subsystem, incident.symptom);
                incident.told.iter().filter(|one| !spared(one)).cloned().collect()
            }
            Turn::Escalated => {
                let rung = incident.course.map_or(0, |course| course.rung) + 1;
                let anew = incident.course.is_some_and(|course| course.is_anew());
                let owners = answering(&incident);
                let next = owners.iter().filter_map(|owner| self.inventory.on_call(owner, rung, self.now)).flatten();
                let mut each: Vec<Recipient> = Vec::new();
                for one in next.map(|contact| Recipient::from(&contact)) {
                    if !each.contains(&one) {
                        each.push(one);
                    }
                }
                let next = self.not_spared(&incident, each);
                next.into_iter().filter(|one| anew || !incident.told.contains(one)).collect()
            }
        };
        self.send_news(out, &incident, &to, None, say);
        self.record(out, Fact::IncidentTold { incident: id, sequence: incident.sequence, to, turn: Some(turn) });
        self.picture.touch(Some(incident.subsystem));
    }

    /// Marks the open incidents of a root that changes all the time.
    pub(super) fn note_flapping(&mut self, out: &mut Output, id: &SubsystemId) {
        let steady = |i: &&Incident| i.subsystem == *id && !i.unstable && can_flap(i.symptom);
        let Some(incident) = self.desk.concerning(id).find(steady).map(|i| i.id) else { return };
        if self.changes_lately(id) > FLAPS_MAX {
            self.record(out, Fact::IncidentUnstable { incident });
            self.wakes.at(self.now, Wake::Follow(incident));
        }
    }

    /// Confirmed changes of a subsystem within the last half hour; what was not known is no change.
    fn changes_lately(&self, id: &SubsystemId) -> usize {
        let Some(state) = self.watch.subsystem(id) else { return 0 };
        let known = state.timeline.changes().iter().rev().filter(|(_, health)| *health != Health::Unknown);
        let lately: Vec<&(Timestamp, Health)> =
            known.take_while(|(at, _)| *at > self.now - FLAPS_WITHIN).take(4 * FLAPS_MAX).collect();
        // A state that resumed after a gap is the same as before.
        lately.windows(2).filter(|pair| pair[0].1 != pair[1].1).count() + usize::from(!lately.is_empty())
    }

    /// Whether an unstable incident stays open although its root is well: until it has been calm for a while.
    pub(super) fn is_restless(&self, incident: &Incident) -> bool {
        let last = self.watch.subsystem(&incident.subsystem).and_then(|s| s.timeline.last());
        incident.unstable && last.is_some_and(|(since, _)| self.now < since + CALM)
    }

    /// Closes an unstable incident whose root is well and calm.
    fn close_calmed(&mut self, out: &mut Output, id: IncidentId) {
        let Some(incident) = self.desk.get(id).filter(|i| i.unstable) else { return };
        if !closes(incident.symptom, self.watch.health(&incident.subsystem)) {
            return;
        }
        if self.is_restless(incident) {
            let last = self.watch.subsystem(&incident.subsystem).and_then(|s| s.timeline.last());
            let at = last.map_or(self.now, |(since, _)| since + CALM);
            self.wakes.at(at, Wake::Follow(id));
        } else {
            self.close(out, id);
        }
    }
}

fn can_flap(symptom: Symptom) -> bool {
    (is_outage(symptom) && symptom != Symptom::Overrun && symptom != Symptom::Storm) || symptom == Symptom::Degraded
}
