//! The whole past from facts alone: what a report about any period is made of, however long ago it was.
//!
//! Not here: what the engine decides (`engine`, which forgets after [`super::engine::MEMORY`]) and figures (`sla`).
//! Invariants: facts go in by their order in the log; timelines are the pointwise combination of those of the probes that
//! the files name now, under their present ids; what is known of incidents includes every time that one opened again and
//! everybody who failed with it.

use super::attribution::Attribution;
use super::correction::Corrections;
use super::engine::window_view;
use super::health::ProbeHealth;
use super::timeline::{Health, Timeline, combine_timelines};
use super::window::Book;
use super::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What there is to report from: a picture with the whole past in it, and the incidents.
#[derive(Clone, Debug)]
pub struct Past {
    /// For figures. Its incidents are pieces: one for each time that one lasted, and for each who failed with it.
    pub snapshot: Snapshot,
    /// By number.
    pub incidents: Vec<PastIncident>,
    /// What it follows from; `None` if from the engine's memory.
    pub made: Option<Made>,
}

/// What a past follows from, so that it can be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The id of the last fact.
    pub facts: u64,
    /// SHA-256 of the files that were in force, hexadecimal; empty if no fact says so.
    pub files: String,
}

/// One incident, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastIncident {
    /// Its number.
    pub id: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// Each time that it lasted, in order; an open one ends at [`Timestamp::MAX`].
    pub lasted: Vec<Span>,
    /// Who failed with it, and when.
    pub joined: Vec<(SubsystemId, Span)>,
    /// What was seen first.
    pub reason: Option<Reason>,
    /// The window that it is about.
    pub window: Option<WindowId>,
    /// Whose undeclared maintenance it is, and what was declared.
    pub attribution: Option<Box<Attribution>>,
}

impl PastIncident {
    /// From the first beginning to the last end.
    pub fn span(&self) -> Span {
        let start = self.lasted.first().map_or(Timestamp::MAX, |s| s.start);
        Span::new(start, self.lasted.last().map_or(start, |s| s.end))
    }

    /// When it was over; `None` while it lasts.
    pub fn until(&self) -> Option<Timestamp> {
        Some(self.span().end).filter(|end| *end < Timestamp::MAX)
    }

    fn ended(&mut self, until: Timestamp) {
        let joined = self.joined.iter_mut().map(|(_, span)| span);
        for span in self.lasted.iter_mut().chain(joined).filter(|span| span.end == Timestamp::MAX) {
            span.end = until.max(span.start);
        }
    }

    fn left(&mut self, who: &SubsystemId, at: Timestamp) {
        for (_, span) in self.joined.iter_mut().filter(|(id, span)| id == who && span.end == Timestamp::MAX) {
            span.end = at.max(span.start);
        }
    }

    /// What the accounting asks for: whom it concerned, and when.
    fn pieces(&self) -> impl Iterator<Item = IncidentView> + '_ {
        let own = self.lasted.iter().map(|span| (&self.subsystem, span));
        own.chain(self.joined.iter().map(|(id, span)| (id, span))).map(|(subsystem, span)| IncidentView {
            id: self.id,
            subsystem: subsystem.clone(),
            symptom: self.symptom,
            severity: self.severity,
            since: span.start,
            until: Some(span.end).filter(|end| *end < Timestamp::MAX),
            affected: Vec::new(),
            told: 0,
            reason: self.reason.clone(),
            window: self.window.clone(),
            attribution: None,
            words: Vec::new(),
            acknowledged: None,
            handed_over: None,
        })
    }
}

impl From<&IncidentView> for PastIncident {
    fn from(view: &IncidentView) -> Self {
        let until = view.until.unwrap_or(Timestamp::MAX);
        let lasted = |since: Timestamp| Span::new(since.min(until), until);
        Self {
            id: view.id,
            subsystem: view.subsystem.clone(),
            symptom: view.symptom,
            severity: view.severity,
            lasted: vec![lasted(view.since)],
            joined: view.affected.iter().map(|(id, since)| (id.clone(), lasted(*since))).collect(),
            reason: view.reason.clone(),
            window: view.window.clone(),
            attribution: view.attribution.clone(),
        }
    }
}

impl Past {
    /// A picture with these incidents in the place of its own.
    pub fn new(mut snapshot: Snapshot, incidents: Vec<PastIncident>) -> Self {
        snapshot.incidents = Arc::new(incidents.iter().flat_map(PastIncident::pieces).collect());
        Self { snapshot, incidents, made: None }
    }
}

impl From<Snapshot> for Past {
    /// What the engine remembers: enough for periods that lie within its memory.
    fn from(snapshot: Snapshot) -> Self {
        let mut incidents: Vec<PastIncident> = snapshot.incidents.iter().map(PastIncident::from).collect();
        incidents.sort_by_key(|i| i.id);
        Self { snapshot, incidents, made: None }
    }
}

/// The fold over a whole log.
#[derive(Debug)]
pub struct History {
    inventory: Arc<Inventory>,
    probes: HashMap<ProbeId, Timeline<Option<ProbeHealth>>>,
    /// Present ids of subsystems by their former ones.
    renamed: HashMap<SubsystemId, SubsystemId>,
    book: Book,
    corrections: Corrections,
    incidents: BTreeMap<IncidentId, PastIncident>,
    files: String,
    last: Option<Timestamp>,
}

impl History {
    /// Nothing happened yet to what the files name.
    pub fn new(inventory: Arc<Inventory>) -> Self {
        let renamed = inventory.subsystems.values().filter_map(|s| Some((s.was.clone()?, s.id.clone()))).collect();
        let probes = inventory.probes.keys().map(|id| (id.clone(), Timeline::default())).collect();
        let (book, corrections) = (Book::default(), Corrections::default());
        let (incidents, files) = (BTreeMap::new(), String::new());
        Self { inventory, probes, renamed, book, corrections, incidents, files, last: None }
    }

    /// Folds a fact in.
    pub fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        self.last = self.last.max(Some(at));
        match &recorded.fact {
            Fact::ProbeChanged { probe, to, since, .. } => self.changed(at, probe.as_str(), *to, *since),
            Fact::Started { alive_until: Some(since), .. } | Fact::ClockStepped { from: since, .. } => {
                self.lost_sight(*since);
            }
            Fact::Reloaded { digest } => self.files.clone_from(digest),
            Fact::ProbeRetired { probe } => {
                if let Some(timeline) = self.probes.get_mut(probe.as_str()) {
                    lose(timeline, at);
                }
            }
            fact => {
                self.told(at, fact);
                self.corrections.apply(at, fact);
                self.book.apply(at, fact, &self.inventory);
            }
        }
    }

    /// A probe's confirmed health changed, as a fact of `at` says.
    pub fn changed(&mut self, at: Timestamp, probe: &str, to: Option<ProbeHealth>, since: Timestamp) {
        self.last = self.last.max(Some(at));
        if let Some(timeline) = self.probes.get_mut(probe) {
            timeline.set(since, to);
            return;
        }
        let probe = ProbeId::new(probe);
        let Some(now) = self.renamed.get(&probe.subsystem()) else { return };
        if let Some(timeline) = self.probes.get_mut(&ProbeId::of(now, probe.name())) {
            timeline.set(since, to);
        }
    }

    /// Nobody watched from `since` on.
    pub fn lost_sight(&mut self, since: Timestamp) {
        self.probes.values_mut().for_each(|timeline| lose(timeline, since));
    }

    /// SHA-256 of the files that are in force, as the facts have it.
    pub fn files(&self) -> &str {
        &self.files
    }

    /// When the last fact was written.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    fn told(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::IncidentOpened { incident, subsystem, symptom, severity, since, window, reason, attribution } => {
                let opened = PastIncident {
                    id: *incident,
                    subsystem: subsystem.clone(),
                    symptom: *symptom,
                    severity: *severity,
                    lasted: vec![Span::new(*since, Timestamp::MAX)],
                    joined: Vec::new(),
                    reason: reason.clone(),
                    window: window.clone(),
                    attribution: attribution.clone(),
                };
                self.incidents.insert(*incident, opened);
            }
            Fact::IncidentReopened { incident, since } => {
                self.with(*incident, |i| i.lasted.push(Span::new(*since, Timestamp::MAX)));
            }
            Fact::IncidentRaised { incident } => self.with(*incident, |i| i.severity = Severity::Page),
            Fact::IncidentJoined { incident, subsystem, since } => {
                self.with(*incident, |i| i.joined.push((subsystem.clone(), Span::new(*since, Timestamp::MAX))));
            }
            Fact::IncidentLeft { incident, subsystem } => self.with(*incident, |i| i.left(subsystem, at)),
            Fact::IncidentClosed { incident, until } => self.with(*incident, |i| i.ended(*until)),
            _ => {}
        }
    }

    fn with(&mut self, id: IncidentId, change: impl FnOnce(&mut PastIncident)) {
        if let Some(incident) = self.incidents.get_mut(&id) {
            change(incident);
        }
    }

    /// The past as it is known at `now`.
    pub fn past(self, now: Timestamp) -> Past {
        let Self { inventory, probes, book, corrections, incidents, .. } = self;
        let mut used = book.used_by_all();
        let mut undeclared: HashMap<&SubsystemId, Vec<Span>> = HashMap::new();
        for incident in incidents.values().filter(|i| i.symptom == Symptom::MaintenanceOutsideWindow) {
            undeclared.entry(&incident.subsystem).or_default().extend(&incident.lasted);
        }
        let view = |subsystem: &Subsystem| {
            let of = |probe: &ProbeId| Some((inventory.probes.get(probe)?.role, probes.get(probe)?));
            let timeline = combine_timelines(&subsystem.probes.iter().filter_map(of).collect::<Vec<_>>());
            let looked = undeclared.get(&subsystem.id).into_iter().flatten();
            let down = looked.flat_map(|span| timeline.spans(*span)).filter(|(_, health)| *health == Health::Down);
            Arc::new(SubsystemView {
                id: subsystem.id.clone(),
                health: timeline.last().map_or(Health::Unknown, |(_, health)| health),
                since: timeline.last().map(|(since, _)| since),
                probes: Vec::new(),
                windows: used.remove(&subsystem.id).unwrap_or_default(),
                undeclared: down.map(|(span, _)| span).collect(),
                coverage: None,
                in_maintenance: false,
                corrected: Corrected::of(&timeline, corrections.of(subsystem)),
                timeline,
            })
        };
        let subsystems = inventory.subsystems.values().map(view).collect();
        let incidents: Vec<PastIncident> = incidents.into_values().collect();
        let mut windows: Vec<WindowView> = book.iter().map(window_view).collect();
        windows.sort_by(|a, b| (a.span.start, &a.id).cmp(&(b.span.start, &b.id)));
        let snapshot = Snapshot {
            at: now,
            subsystems,
            windows: Arc::new(windows),
            incidents: Arc::default(),
            clock_doubt: None,
            silences: Arc::default(),
            filings: Arc::default(),
            runs: Arc::default(),
            store_failed: false,
            reload_refused: None,
            reported: None,
            evidence: None,
            inventory,
        };
        Past::new(snapshot, incidents)
    }
}

/// Nothing is known from `since` on; what was confirmed after it was still seen.
fn lose(timeline: &mut Timeline<Option<ProbeHealth>>, since: Timestamp) {
    if let Some((last, _)) = timeline.last() {
        timeline.set(since.max(last + 1), None);
    }
}
