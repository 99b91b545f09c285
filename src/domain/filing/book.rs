//! The fold over facts: every filing, what was said about it, and which mail is due.
//!
//! Invariants: state changes by facts alone, so a restart neither doubles nor forgets a warning; each stage is told at
//! most once; after a person settled a filing one mail says so, and nothing follows but a higher grade.

use super::*;
use std::collections::BTreeMap;

/// Acts that are kept about one filing.
pub const ACTS_MAX: usize = 50;

/// Settled filings that are kept.
const SETTLED_MAX: usize = 500;

/// What a person did, and when it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it was stored.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub act: Act,
    /// In that person's words.
    pub text: String,
}

/// What came of a filing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A person sent the report.
    Reported {
        /// When.
        at: Timestamp,
        /// To whom.
        to: String,
        /// Who says so.
        by: String,
    },
    /// A person judged that none is due.
    NotDue {
        /// Who.
        by: String,
        /// Why.
        text: String,
    },
}

/// One filing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What is wrong with it.
    pub symptom: Symptom,
    /// Since when.
    pub since: Timestamp,
    /// Who reports to whom within how long.
    pub duty: Duty,
    /// From when on it counts, by our own knowledge.
    pub known: Timestamp,
    /// The same as a person says.
    pub stated: Option<Timestamp>,
    /// The gravest grade that thresholds gave.
    pub suggested: Grade,
    /// Which thresholds, for people.
    pub why: Vec<Names>,
    /// What a person judged, and who.
    pub graded: Option<(Grade, String)>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What people did, in order, the last [`ACTS_MAX`].
    pub acts: Vec<Said>,
    /// Everybody who got a mail about it.
    pub told: Vec<Recipient>,
    /// Sequence of the next mail.
    pub sequence: u32,
    /// The stage that was told; nothing before the first mail.
    stage: Option<Stage>,
    /// A higher grade was reached since the last mail.
    rose: bool,
    /// The outcome was told.
    settled_told: bool,
}

impl Filing {
    /// From when on the time counts.
    pub fn clock(&self) -> Clock {
        Clock { known: self.stated.unwrap_or(self.known), within_ms: self.duty.within_ms }
    }

    /// The grade that holds.
    pub fn grade(&self) -> Grade {
        self.graded.as_ref().map_or(self.suggested, |(grade, _)| *grade)
    }

    /// Whether somebody has to act.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none() && self.grade().is_reportable()
    }

    /// The mail that is due at `now`.
    pub fn due(&self, now: Timestamp) -> Option<Turn> {
        if self.outcome.is_some() {
            let untold = !self.settled_told && !self.told.is_empty();
            return if untold { Some(Turn::Settled) } else { self.rose.then_some(Turn::Rose) };
        }
        if !self.is_open() {
            return None;
        }
        let stage = self.clock().stage(now);
        match self.stage {
            None if stage == Stage::Overdue => Some(Turn::Overdue),
            None => Some(Turn::Due),
            Some(told) if told < stage => Some(match stage {
                Stage::Running | Stage::Half => Turn::Half,
                Stage::Soon => Turn::Soon,
                Stage::Overdue => Turn::Overdue,
            }),
            Some(_) => self.rose.then_some(Turn::Rose),
        }
    }

    /// When to look again, if nothing is due before.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.is_open().then(|| self.clock().next(now)).flatten()
    }

    fn apply(&mut self, at: Timestamp, fact: &FilingFact) {
        match fact {
            FilingFact::Opened { .. } => {}
            FilingFact::Tightened { duty } => self.duty = duty.clone(),
            FilingFact::Suggested { grade, why } => {
                let known = !self.told.is_empty() || self.outcome.is_some();
                self.rose |= known && *grade > self.suggested.max(self.grade());
                (self.suggested, self.why) = (*grade, why.clone());
            }
            FilingFact::Told { turn, stage, sequence, to } => {
                self.sequence = sequence + 1;
                (self.stage, self.rose) = (self.stage.max(Some(*stage)), false);
                // Whatever is told of a settled one says how it was settled.
                self.settled_told |= *turn == Turn::Settled || self.outcome.is_some();
                let new: Vec<Recipient> = to.iter().filter(|one| !self.told.contains(one)).cloned().collect();
                self.told.extend(new);
            }
            FilingFact::Said { act, by, text } => {
                self.hears(Said { at, by: by.clone(), act: act.clone(), text: text.clone() })
            }
        }
    }

    fn hears(&mut self, said: Said) {
        let by = said.by.name.clone();
        match &said.act {
            Act::Graded { grade } => {
                self.graded = Some((*grade, by.clone()));
                let sent = matches!(self.outcome, Some(Outcome::Reported { .. }));
                if !grade.is_reportable() && !sent {
                    self.settle(Outcome::NotDue { by, text: said.text.clone() });
                } else if grade.is_reportable() && !sent && self.outcome.take().is_some() {
                    // Somebody judges it reportable after all: the clock is told anew.
                    self.stage = None;
                }
            }
            Act::Known { at } => self.stated = Some(*at),
            Act::Reported { at, to } => self.settle(Outcome::Reported { at: *at, to: to.clone(), by }),
            Act::Dismissed => self.settle(Outcome::NotDue { by, text: said.text.clone() }),
        }
        if self.acts.len() >= ACTS_MAX {
            self.acts.remove(0);
        }
        self.acts.push(said);
    }

    fn settle(&mut self, outcome: Outcome) {
        (self.outcome, self.settled_told, self.rose) = (Some(outcome), false, false);
    }
}

/// All filings, by facts alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Filings {
    by_incident: BTreeMap<IncidentId, Filing>,
}

impl Filings {
    /// The filing about an incident.
    pub fn get(&self, incident: IncidentId) -> Option<&Filing> {
        self.by_incident.get(&incident)
    }

    /// All of them, newest incident first.
    pub fn iter(&self) -> impl Iterator<Item = (IncidentId, &Filing)> {
        self.by_incident.iter().rev().map(|(id, filing)| (*id, filing))
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        let Fact::Filing { incident, event } = fact else { return };
        if let FilingFact::Opened { subsystem, symptom, since, duty, known } = event {
            self.make_room();
            let filing = Filing {
                subsystem: subsystem.clone(),
                symptom: *symptom,
                since: *since,
                duty: duty.clone(),
                known: *known,
                stated: None,
                suggested: Grade::Ordinary,
                why: Vec::new(),
                graded: None,
                outcome: None,
                acts: Vec::new(),
                told: Vec::new(),
                sequence: 0,
                stage: None,
                rose: false,
                settled_told: false,
            };
            self.by_incident.entry(*incident).or_insert(filing);
        } else if let Some(filing) = self.by_incident.get_mut(incident) {
            filing.apply(at, event);
        }
    }

    /// Forgets the oldest that nobody has to act on; open ones are never forgotten.
    fn make_room(&mut self) {
        let settled: Vec<IncidentId> =
            self.by_incident.iter().filter(|(_, filing)| !filing.is_open()).map(|(id, _)| *id).collect();
        let many = settled.len().saturating_sub(SETTLED_MAX - 1);
        for id in settled.into_iter().take(many) {
            self.by_incident.remove(&id);
        }
    }
}
