//! Incidents: what is wrong with a subsystem, whose fault it is, and who was told.
//!
//! `Desk` is the fold over facts; `judge` decides, from what is known at an instant, what opens, joins and closes.
//! Not here: wording (`notify`) and timers (`engine`). Invariants: every opening that was sent gets exactly one
//! closing, also inside a window; `Unknown` neither opens nor closes; suppression hides messages, never measurement.

mod judge;
mod root;

use super::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

pub use judge::{Condition, Judgement, closes, judge};
pub use root::{Root, root_of};

/// Closed incidents that are kept for pages and for relapses.
pub const CLOSED_MAX: usize = 1_000;

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// When it opened, by engine time.
    pub opened: Timestamp,
    /// When it began, back-dated.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
    /// Who fails with it, and since when.
    pub joined: BTreeMap<SubsystemId, Timestamp>,
    /// Sequence of the next message.
    pub sequence: u32,
    /// Who got the last opening; empty while nobody was told. A close goes to the same and empties it.
    pub told: Vec<Recipient>,
    /// Whether it opened again after a close.
    pub reopened: bool,
    /// The window it is about.
    pub window: Option<WindowId>,
    /// What was seen when it opened.
    pub reason: Option<Reason>,
}

/// All incidents, by facts alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Desk {
    open: BTreeMap<IncidentId, Incident>,
    closed: VecDeque<Incident>,
    last: u64,
}

impl Desk {
    /// The number of the next incident.
    pub fn next_id(&self) -> IncidentId {
        IncidentId(self.last + 1)
    }

    /// Open incidents, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.values()
    }

    /// Closed incidents, newest first.
    pub fn closed(&self) -> impl Iterator<Item = &Incident> {
        self.closed.iter()
    }

    /// One open incident.
    pub fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.open.get(&id)
    }

    /// The open incident of a root and a symptom; paging and ticket risks are two.
    pub fn find(&self, subsystem: &SubsystemId, symptom: Symptom, severity: Severity) -> Option<&Incident> {
        let same = |i: &&Incident| {
            i.subsystem == *subsystem
                && i.symptom == symptom
                && (symptom != Symptom::SlaAtRisk || i.severity == severity)
        };
        self.open.values().find(same)
    }

    /// The open incident that says why a subsystem is down: its own, or the one that it joined.
    pub fn explains(&self, subsystem: &SubsystemId) -> Option<&Incident> {
        self.open
            .values()
            .filter(|i| is_outage(i.symptom))
            .find(|i| i.subsystem == *subsystem || i.joined.contains_key(subsystem))
    }

    /// The last incident of this root and symptom that closed at or after `t`.
    pub fn relapse_of(
        &self,
        subsystem: &SubsystemId,
        symptom: Symptom,
        severity: Severity,
        t: Timestamp,
    ) -> Option<IncidentId> {
        let same = |i: &&Incident| i.subsystem == *subsystem && i.symptom == symptom && i.severity == severity;
        let recent = |i: &&Incident| i.until.is_some_and(|until| until >= t);
        self.closed.iter().filter(same).find(recent).map(|i| i.id)
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::IncidentOpened { incident, subsystem, symptom, severity, since, window, reason } => {
                self.last = self.last.max(incident.0);
                let opened = Incident {
                    id: *incident,
                    subsystem: subsystem.clone(),
                    symptom: *symptom,
                    severity: *severity,
                    opened: at,
                    since: *since,
                    until: None,
                    joined: BTreeMap::new(),
                    sequence: 0,
                    told: Vec::new(),
                    reopened: false,
                    window: window.clone(),
                    reason: reason.clone(),
                };
                self.open.insert(*incident, opened);
            }
            Fact::IncidentReopened { incident, since } => self.reopen(at, *incident, *since),
            Fact::IncidentJoined { incident, subsystem, since } => {
                self.with(*incident, |i| _ = i.joined.insert(subsystem.clone(), *since));
            }
            Fact::IncidentLeft { incident, subsystem } => {
                self.with(*incident, |i| _ = i.joined.remove(subsystem));
            }
            Fact::IncidentTold { incident, sequence, to } => {
                self.with(*incident, |i| {
                    i.sequence = sequence + 1;
                    i.told.clone_from(to);
                });
            }
            Fact::IncidentClosed { incident, until } => {
                if let Some(mut closed) = self.open.remove(incident) {
                    closed.until = Some(*until);
                    closed.told.clear();
                    self.closed.push_front(closed);
                    self.closed.truncate(CLOSED_MAX);
                }
            }
            _ => {}
        }
    }

    fn with(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        if let Some(incident) = self.open.get_mut(&id) {
            change(incident);
        } else if let Some(incident) = self.closed.iter_mut().find(|i| i.id == id) {
            change(incident);
        }
    }

    fn reopen(&mut self, at: Timestamp, id: IncidentId, since: Timestamp) {
        let Some(position) = self.closed.iter().position(|i| i.id == id) else { return };
        if let Some(mut incident) = self.closed.remove(position) {
            incident.until = None;
            incident.opened = at;
            incident.since = since;
            incident.reopened = true;
            incident.joined.clear();
            self.open.insert(id, incident);
        }
    }
}

/// Whether a symptom means that citizens cannot use the subsystem.
pub fn is_outage(symptom: Symptom) -> bool {
    matches!(symptom, Symptom::Down | Symptom::MaintenanceOutsideWindow | Symptom::Overrun)
}
