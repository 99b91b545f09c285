//! Open incidents, found by number, by whom they concern, and by whether anybody was told.
//!
//! Not here: what opens and closes them. Invariant: the indexes say what a look at every incident would say; a day on
//! which everything fails must not cost the square of it.

use super::*;
use serde::Serializer;
use std::collections::{BTreeSet, HashMap};

/// Open incidents by number. On disk it is that map; the indexes are made again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "BTreeMap<IncidentId, Incident>")]
pub(super) struct Open {
    by_id: BTreeMap<IncidentId, Incident>,
    /// Incidents of which a subsystem is the root, or which it joined.
    concerning: HashMap<SubsystemId, BTreeSet<IncidentId>>,
    /// Incidents about which no mail was ever decided.
    untold: BTreeSet<IncidentId>,
    /// The storm, if there is one.
    storm: Option<IncidentId>,
}

impl Serialize for Open {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl From<BTreeMap<IncidentId, Incident>> for Open {
    fn from(incidents: BTreeMap<IncidentId, Incident>) -> Self {
        let mut open = Self::default();
        incidents.into_values().for_each(|incident| open.insert(incident));
        open
    }
}

impl Open {
    /// All, oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &Incident> {
        self.by_id.values()
    }

    /// One.
    pub(super) fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.by_id.get(&id)
    }

    /// Those of which the subsystem is the root, or which it joined; oldest first.
    pub(super) fn concerning(&self, subsystem: &SubsystemId) -> impl Iterator<Item = &Incident> {
        self.concerning.get(subsystem).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Those about which no mail was ever decided, oldest first.
    pub(super) fn untold(&self) -> impl Iterator<Item = &Incident> {
        self.untold.iter().filter_map(|id| self.by_id.get(id))
    }

    /// The storm, if there is one.
    pub(super) fn storm(&self) -> Option<&Incident> {
        self.storm.and_then(|id| self.by_id.get(&id))
    }

    /// Adds one.
    pub(super) fn insert(&mut self, incident: Incident) {
        let id = incident.id;
        self.note(&incident.subsystem, id);
        incident.joined.keys().for_each(|subsystem| self.note(subsystem, id));
        if incident.sequence == 0 && incident.told.is_empty() {
            self.untold.insert(id);
        }
        if incident.symptom == Symptom::Storm {
            self.storm = Some(id);
        }
        self.by_id.insert(id, incident);
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: IncidentId) -> Option<Incident> {
        let incident = self.by_id.remove(&id)?;
        self.untold.remove(&id);
        self.storm = self.storm.filter(|storm| *storm != id);
        self.forget(&incident.subsystem, id);
        incident.joined.keys().for_each(|subsystem| self.forget(subsystem, id));
        Some(incident)
    }

    /// One, to be changed; what its indexes say is told apart (`join`, `leave`, `is_told`).
    pub(super) fn get_mut(&mut self, id: IncidentId) -> Option<&mut Incident> {
        self.by_id.get_mut(&id)
    }

    /// A subsystem fails with an incident.
    pub(super) fn join(&mut self, id: IncidentId, subsystem: &SubsystemId) {
        if self.by_id.contains_key(&id) {
            self.note(subsystem, id);
        }
    }

    fn note(&mut self, subsystem: &SubsystemId, id: IncidentId) {
        self.concerning.entry(subsystem.clone()).or_default().insert(id);
    }

    fn forget(&mut self, subsystem: &SubsystemId, id: IncidentId) {
        if let Some(ids) = self.concerning.get_mut(subsystem) {
            ids.remove(&id);
            if ids.is_empty() {
                self.concerning.remove(subsystem);
            }
        }
    }

    /// A subsystem no longer fails with an incident.
    pub(super) fn leave(&mut self, id: IncidentId, subsystem: &SubsystemId) {
        if self.by_id.get(&id).is_some_and(|incident| incident.subsystem != *subsystem) {
            self.forget(subsystem, id);
        }
    }

    /// A mail was decided.
    pub(super) fn is_told(&mut self, id: IncidentId) {
        self.untold.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 4] = ["a/a", "a/b", "b/a", "b/b"];

    fn fact() -> impl Strategy<Value = Fact> {
        let named = (1..6u64, prop::sample::select(&NAMES[..]));
        (0..6, named).prop_map(|(kind, (id, name))| {
            let (incident, subsystem, since) = (IncidentId(id), SubsystemId::from(name), Timestamp(0));
            match kind {
                0 => Fact::IncidentOpened {
                    incident,
                    subsystem,
                    symptom: Symptom::Down,
                    severity: Severity::Page,
                    since,
                    window: None,
                    reason: None,
                    attribution: None,
                },
                1 => Fact::IncidentReopened { incident, since },
                2 => Fact::IncidentJoined { incident, subsystem, since },
                3 => Fact::IncidentLeft { incident, subsystem },
                4 => Fact::IncidentTold { incident, sequence: 0, to: Vec::new(), turn: None },
                _ => Fact::IncidentClosed { incident, until: since },
            }
        })
    }

    proptest! {
        #[test]
        fn indexes_say_what_a_look_at_every_incident_says(facts in prop::collection::vec(fact(), 0..60)) {
            let mut desk = Desk::default();
            for fact in &facts {
                let taken = matches!(fact, Fact::IncidentOpened { incident, .. } if incident.0 <= desk.last);
                if !taken {
                    desk.apply(Timestamp(1), fact);
                }
            }
            let text = serde_json::to_string(&desk).unwrap();
            for desk in [&desk, &serde_json::from_str(&text).unwrap()] {
                for id in NAMES.map(SubsystemId::from) {
                    let about = |i: &&Incident| i.subsystem == id || i.joined.contains_key(&id);
                    let all: Vec<_> = desk.open().filter(about).map(|i| i.id).collect();
                    prop_assert_eq!(desk.concerning(&id).map(|i| i.id).collect::<Vec<_>>(), all);
                }
                let untold = desk.open().filter(|i| i.told.is_empty() && i.sequence == 0).map(|i| i.id);
                prop_assert_eq!(desk.untold().map(|i| i.id).collect::<Vec<_>>(), untold.collect::<Vec<_>>());
            }
        }
    }
}
