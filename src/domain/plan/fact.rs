//! What is stored about runs, and its words.
//!
//! Not here: what it adds up to (`run`). Invariants: an intent is stored and synced before its effect is tried; names of
//! secrets are stored, their values never; what an older version stored stays readable.

use super::*;
use schemars::JsonSchema;

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RunFact {
    /// It began. The plan is kept as it was, so that the run ends under it even if its text is gone.
    Started {
        /// As it was.
        plan: Box<Plan>,
        /// In which window.
        window: WindowId,
        /// From the start to the approved end.
        span: Span,
        /// What is affected.
        scope: Vec<SubsystemId>,
        /// Who or what started it.
        by: String,
    },
    /// A process took it over; whatever is reported under a lower epoch is refused from now on.
    Leased {
        /// Counted from 1.
        epoch: u32,
    },
    /// Its window got another time.
    Moved {
        /// From the start to the approved end.
        span: Span,
    },
    /// Something is about to be tried; stored before the effect.
    Intended {
        /// What.
        deed: Deed,
        /// For which step.
        step: StepId,
        /// Counted from 1.
        attempt: u32,
        /// The same for every try of this deed of this step in this run.
        key: String,
    },
    /// It ended.
    Finished {
        /// What.
        deed: Deed,
        /// For which step.
        step: StepId,
        /// How.
        end: End,
    },
    /// A person let a step of the run pass.
    Approved {
        /// Which.
        step: StepId,
        /// Who.
        by: String,
    },
    /// Nobody can tell what to do but a person.
    Parked {
        /// Which step is unclear.
        step: StepId,
        /// Why.
        why: Names,
    },
    /// A person said how it stands with the step.
    Resumed {
        /// What they said.
        verdict: Resolution,
        /// Who.
        by: String,
    },
    /// It turns back.
    Aborting {
        /// Why.
        why: Names,
        /// Who asked for it; empty when nobody did.
        by: String,
    },
    /// It is over.
    Ended {
        /// How.
        how: Ending,
    },
}

/// A fact of a run, and when it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: RunFact,
}

/// What is done about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Forward.
    Do,
    /// Back.
    Undo,
    /// Look whether the effect exists.
    Observe,
    /// Put back what the step drained: the `finally`.
    Restore,
}

impl Deed {
    /// The word in the facts and for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
            Self::Observe => "observe",
            Self::Restore => "restore",
        }
    }
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It was done.
    Done {
        /// What came, for people.
        note: String,
    },
    /// It was tried and did not succeed.
    Failed {
        /// What came, for people.
        note: String,
    },
    /// It was tried, and nobody knows what came of it.
    Unknown {
        /// What came, for people.
        note: String,
    },
    /// It was not tried at all.
    Withheld {
        /// Why, for people.
        note: String,
    },
    /// The answer to a look.
    Saw {
        /// What was seen.
        seen: Seen,
        /// What came, for people.
        note: String,
    },
    /// It cannot be done safely; a person has to.
    GivenUp {
        /// Why, for people.
        note: String,
    },
}

/// Whether an effect exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// It exists.
    Present,
    /// It does not.
    Absent,
    /// It cannot be told.
    Unclear,
}

/// What a person says about the step at which a run is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// The effect exists: go on.
    Done,
    /// It does not: once more.
    Again,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Every step was done, everything is back in service.
    Done,
    /// It turned back; everything is as before and back in service.
    Undone,
    /// It turned back, everything is in service, but something could not be taken back.
    Broken,
}
