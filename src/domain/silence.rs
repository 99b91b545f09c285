//! Silences: mails about some incidents, or to some person, that are held back for a while, in a name and with a reason.
//!
//! Not here: who may set one (`engine::silences`). Invariants: a silence has an end; it holds mails back and changes no
//! figure and no timeline; it never holds a closing back, nor an overrun, undeclared maintenance, a storm or trouble of
//! gengfu itself.

use super::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The longest silence. What has to be quiet for longer has to be said again.
pub const SILENCE_MAX: Millis = 30 * DAY;

/// Most silences that hold at once.
pub const SILENCES_MAX: usize = 200;

/// Silences that are over and still shown.
const PAST_MAX: usize = 100;

/// A counter, never reused: `SIL-0007`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SilenceId(pub u64);

impl std::fmt::Display for SilenceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SIL-{:04}", self.0)
    }
}

impl std::str::FromStr for SilenceId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("SIL-").unwrap_or(text);
        digits.parse().map(Self).map_err(|_| ())
    }
}

/// What a silence is about: all that is given has to fit, and something has to be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// Incidents of this owner's subsystems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
    /// Incidents of this subsystem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsystem: Option<SubsystemId>,
    /// Incidents with this symptom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symptom: Option<Symptom>,
    /// Mails to this address; others on the roster get theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Matcher {
    /// Whether nothing is given, which would silence everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fits(&self, subsystem: &SubsystemId, symptom: Symptom) -> bool {
        self.owner.as_ref().is_none_or(|owner| subsystem.owner() == *owner)
            && self.subsystem.as_ref().is_none_or(|id| id == subsystem)
            && self.symptom.is_none_or(|one| one == symptom)
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { owner, subsystem, symptom, person } = self;
        let parts = [
            owner.as_ref().map(|owner| format!("owner={owner}")),
            subsystem.as_ref().map(|id| format!("subsystem={id}")),
            symptom.map(|symptom| format!("symptom={}", symptom.as_str())),
            person.as_ref().map(|mail| format!("person={mail}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

/// Whether a silence may hold mails about such an incident back at all.
pub fn can_be_silenced(symptom: Symptom) -> bool {
    matches!(symptom, Symptom::Down | Symptom::Degraded | Symptom::SlaAtRisk)
}

/// One silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: SilenceId,
    /// What it is about.
    pub matches: Matcher,
    /// From when to when.
    pub span: Span,
    /// Who set it.
    pub by: Actor,
    /// Why, in that person's words.
    pub reason: String,
    /// Who ended it early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Actor>,
}

/// All silences that hold, and the last ones that did; by facts alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Silences {
    /// In the order in which they were set.
    all: VecDeque<Silence>,
    last: u64,
}

impl Silences {
    /// The number of the next one.
    pub fn next_id(&self) -> SilenceId {
        SilenceId(self.last + 1)
    }

    /// Those that hold at `now`.
    pub fn holding(&self, now: Timestamp) -> impl Iterator<Item = &Silence> {
        self.all.iter().filter(move |silence| silence.span.contains(now))
    }

    /// All that are remembered, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.all.iter().rev()
    }

    /// Until when mails about an incident are held back, if they are.
    pub fn hides(&self, now: Timestamp, subsystem: &SubsystemId, symptom: Symptom) -> Option<Timestamp> {
        if !can_be_silenced(symptom) {
            return None;
        }
        let fits = |s: &&Silence| s.matches.person.is_none() && s.matches.fits(subsystem, symptom);
        self.holding(now).filter(fits).map(|s| s.span.end).max()
    }

    /// Whether somebody gets no mail about an incident.
    pub fn spares(&self, now: Timestamp, mail: &str, subsystem: &SubsystemId, symptom: Symptom) -> bool {
        let same = |s: &Silence| s.matches.person.as_deref().is_some_and(|person| person.eq_ignore_ascii_case(mail));
        can_be_silenced(symptom) && self.holding(now).any(|s| same(s) && s.matches.fits(subsystem, symptom))
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Silenced { silence } => {
                self.last = self.last.max(silence.id.0);
                self.all.push_back((**silence).clone());
                let mut past = self.all.iter().filter(|s| s.span.end <= at).count().saturating_sub(PAST_MAX);
                self.all.retain(|s| {
                    let goes = s.span.end <= at && past > 0;
                    past -= usize::from(goes);
                    !goes
                });
            }
            Fact::SilenceLifted { silence, by, .. } => {
                if let Some(found) = self.all.iter_mut().find(|s| s.id == *silence) {
                    found.span.end = found.span.end.min(at);
                    found.lifted = Some(by.clone());
                }
            }
            _ => {}
        }
    }
}
