//! Incidents: what is wrong with a subsystem, whose fault it is, and who was told.
//!
//! `Desk` is the fold over facts; `judge` decides, from what is known at an instant, what opens, joins and closes.
//! Not here: wording (`notify`) and timers (`engine`). Invariants: every opening that was sent gets exactly one
//! closing, also inside a window; `Unknown` neither opens nor closes; suppression hides messages, never measurement.

mod course;
mod judge;
mod open;
mod root;
mod word;

use super::attribution::Attribution;
use super::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use open::Open;

pub use course::{CHANGES_APART, Course, Turn};
pub use judge::{Condition, Judgement, closes, judge, leaves};
pub use root::{Root, root_of};
pub use word::{Saying, WORDS_MAX, Word, acknowledged, handed_over};

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
    /// With which sequence each address came into its thread.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entered: BTreeMap<String, u32>,
    /// Whether it opened again after a close.
    pub reopened: bool,
    /// The window it is about.
    pub window: Option<WindowId>,
    /// What was seen when it opened.
    pub reason: Option<Reason>,
    /// Whose undeclared maintenance it is, and what was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Box<Attribution>>,
    /// What people said about it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// What those who were told know; nothing while nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
    /// Who was named to them as failing with it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub named: BTreeSet<SubsystemId>,
    /// Whether it comes and goes so often that it closes only after a time of quiet.
    #[serde(default)]
    pub unstable: bool,
}

impl Incident {
    /// Who has it since it opened last, if anybody said so.
    pub fn acknowledged(&self) -> Option<&Word> {
        acknowledged(&self.words, self.opened)
    }

    /// The hand-over that nobody has confirmed yet.
    pub fn handed_over(&self) -> Option<&Word> {
        handed_over(&self.words, self.opened)
    }

    /// Whether it is an owner's, too: something of theirs is its root, or fails with it.
    pub fn hits(&self, owner: &OwnerId) -> bool {
        self.joined.keys().chain([&self.subsystem]).any(|id| id.owner() == *owner)
    }

    /// The sequence of its first message to somebody; `next` if they had none.
    ///
    /// Whoever was told before this was kept got the first one.
    pub fn entered(&self, to: &Recipient, next: u32) -> u32 {
        let before = if self.told.contains(to) { 0 } else { next };
        self.entered.get(&to.mail).copied().unwrap_or(before)
    }

    /// A mail about it was decided: the opening, one between, or, to nobody, the closing.
    fn told(&mut self, at: Timestamp, sequence: u32, to: &[Recipient], turn: Option<Turn>) {
        for recipient in to {
            let first = self.entered(recipient, sequence);
            self.entered.entry(recipient.mail.clone()).or_insert(first);
        }
        self.sequence = sequence + 1;
        match (turn, &mut self.course) {
            (Some(turn), Some(course)) => {
                course.goes_on(at, turn);
                let new = to.iter().filter(|one| !self.told.contains(one));
                let new: Vec<Recipient> = new.cloned().collect();
                self.told.extend(new);
            }
            _ => {
                self.told = to.to_vec();
                self.course = (!to.is_empty()).then(|| Course::begins(at));
            }
        }
        match (turn, to.is_empty()) {
            (None, true) => self.named.clear(),
            (Some(Turn::Escalated), _) => {}
            _ => self.named.extend(self.joined.keys().cloned()),
        }
    }

    /// Somebody fails with it, too.
    fn joins(&mut self, subsystem: &SubsystemId, since: Timestamp) {
        self.joined.insert(subsystem.clone(), since);
        self.news_if(!self.named.contains(subsystem));
    }

    /// Somebody said something.
    fn hears(&mut self, word: Word) {
        self.news_if(word.saying == Saying::Acknowledged);
        if let (Saying::HandedOver, Some(course)) = (word.saying, &mut self.course) {
            course.presses(word.at, Turn::HandedOver);
        }
        self.words.push(word);
    }

    /// Something more important fails with it.
    fn raise(&mut self, at: Timestamp) {
        self.severity = Severity::Page;
        if let Some(course) = &mut self.course {
            course.presses(at, Turn::Raised);
        }
    }

    /// It comes and goes.
    fn flaps(&mut self) {
        self.unstable = true;
        self.news_if(true);
    }

    fn news_if(&mut self, new: bool) {
        if let Some(course) = &mut self.course {
            course.news |= new;
        }
    }
}

/// All incidents, by facts alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Desk {
    open: Open,
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
        self.open.get(id)
    }

    /// One that is open, or among the last that closed.
    pub fn remembered(&self, id: IncidentId) -> Option<&Incident> {
        self.open.get(id).or_else(|| self.closed.iter().find(|incident| incident.id == id))
    }

    /// Open incidents of which the subsystem is the root, or which it joined; oldest first.
    pub fn concerning(&self, subsystem: &SubsystemId) -> impl Iterator<Item = &Incident> {
        self.open.concerning(subsystem)
    }

    /// Open incidents about which no mail was ever decided, oldest first.
    pub fn untold(&self) -> impl Iterator<Item = &Incident> {
        self.open.untold()
    }

    /// The storm, while there is one.
    pub fn storm(&self) -> Option<&Incident> {
        self.open.storm()
    }

    /// The open incident of a root and a symptom; paging and ticket risks are two.
    pub fn find(&self, subsystem: &SubsystemId, symptom: Symptom, severity: Severity) -> Option<&Incident> {
        let same = |i: &&Incident| {
            i.subsystem == *subsystem
                && i.symptom == symptom
                && (symptom != Symptom::SlaAtRisk || i.severity == severity)
        };
        self.open.concerning(subsystem).find(same)
    }

    /// The open incident that says why a subsystem is down: its own, or the one that it joined.
    pub fn explains(&self, subsystem: &SubsystemId) -> Option<&Incident> {
        self.open.concerning(subsystem).find(|i| is_outage(i.symptom))
    }

    /// The last incident of this root and symptom that closed at or after `t`; paging and ticket risks are two.
    pub fn relapse_of(
        &self,
        subsystem: &SubsystemId,
        symptom: Symptom,
        severity: Severity,
        t: Timestamp,
    ) -> Option<IncidentId> {
        let same = |i: &&Incident| {
            i.subsystem == *subsystem
                && i.symptom == symptom
                && (symptom != Symptom::SlaAtRisk || i.severity == severity)
        };
        let recent = |i: &&Incident| i.until.is_some_and(|until| until >= t);
        self.closed.iter().filter(same).find(recent).map(|i| i.id)
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::IncidentOpened { incident, subsystem, symptom, severity, since, window, reason, attribution } => {
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
                    entered: BTreeMap::new(),
                    reopened: false,
                    window: window.clone(),
                    reason: reason.clone(),
                    attribution: attribution.clone(),
                    words: Vec::new(),
                    course: None,
                    named: BTreeSet::new(),
                    unstable: false,
                };
                self.open.insert(opened);
            }
            Fact::IncidentReopened { incident, since } => self.reopen(at, *incident, *since),
            Fact::IncidentJoined { incident, subsystem, since } => {
                self.open.join(*incident, subsystem);
                self.change(*incident, |i| i.joins(subsystem, *since));
            }
            Fact::IncidentLeft { incident, subsystem } => {
                self.open.leave(*incident, subsystem);
                self.change(*incident, |i| _ = i.joined.remove(subsystem));
            }
            Fact::IncidentTold { incident, sequence, to, turn } => {
                self.open.is_told(*incident);
                self.change(*incident, |i| i.told(at, *sequence, to, *turn));
            }
            Fact::IncidentUnstable { incident } => self.change(*incident, Incident::flaps),
            Fact::IncidentRaised { incident } => self.change(*incident, |i| i.raise(at)),
            Fact::IncidentSaid { incident, saying, by, text, to } => {
                let word = Word { at, by: by.clone(), saying: *saying, text: text.clone(), to: to.clone() };
                self.change(*incident, |i| i.hears(word));
            }
            Fact::IncidentClosed { incident, until } => {
                if let Some(mut closed) = self.open.remove(*incident) {
                    closed.until = Some(*until);
                    closed.told.clear();
                    (closed.course, closed.named) = (None, BTreeSet::new());
                    self.closed.push_front(closed);
                    self.closed.truncate(CLOSED_MAX);
                }
            }
            _ => {}
        }
    }

    /// Changes one that is open, or among the last that closed.
    fn change(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        let closed = &mut self.closed;
        let found = self.open.get_mut(id).or_else(|| closed.iter_mut().find(|i| i.id == id));
        if let Some(incident) = found {
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
            incident.unstable = false;
            incident.joined.clear();
            self.open.insert(incident);
        }
    }
}

/// Whether a symptom means that citizens cannot use the subsystem.
pub fn is_outage(symptom: Symptom) -> bool {
    matches!(symptom, Symptom::Down | Symptom::MaintenanceOutsideWindow | Symptom::Overrun | Symptom::Storm)
}
