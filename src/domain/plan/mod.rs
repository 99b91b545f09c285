//! Plans: maintenance that is carried out step by step, and put back whatever happens.
//!
//! Not here: what a step of a kind does (`crate::step`) and how files are read (`config`). Reading order: this file
//! (what a plan is), `fact` and `run` (what has happened), `next` (what is to be done, a total function),
//! `unwind` (the same on the way back), `runs` (all of them together). Invariants: steps stand in an order in which
//! every step comes after those that it needs; the intent is a fact before the effect is tried; restoring is a
//! `finally`.

mod drained;
mod fact;
mod next;
mod run;
mod runs;
mod unwind;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use fact::{Deed, End, Ending, Logged, Resolution, RunFact, Seen};
pub use next::{Circumstances, Move, Waiting, next};
pub use run::{LOG_MAX, Phase, Progress, Run, RunState, Standing, Track};
pub use runs::{Order, RUNS_MAX, Report, Runs, run_id};

use super::*;
use serde::{Deserialize, Serialize};

/// Most steps of a plan.
pub const STEPS_MAX: usize = 200;

/// A failed try is repeated after this time, then twice as long, up to [`BACKOFF_MAX`].
pub const BACKOFF_FIRST: Millis = 2 * SECOND;

/// Longest pause between two tries.
pub const BACKOFF_MAX: Millis = MINUTE;

/// A plan: steps in an order in which every step comes after those that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// `portal-upgrade`.
    pub id: PlanId,
    /// Whose; its programs and secrets are those that are granted to this owner.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// In order.
    pub steps: Vec<Step>,
    /// What must hold before the first step and before each.
    pub guards: Vec<Guard>,
    /// Between the end of a wave and the start of the next one.
    pub rest_ms: Millis,
    /// Kept free before the end for the way back.
    pub reserve_ms: Millis,
    /// Kept free before the end for verification.
    pub verify_ms: Millis,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique within the plan.
    pub id: StepId,
    /// Positions of the steps that must be done before, all of them smaller than its own.
    pub needs: Vec<usize>,
    /// Canary first: a wave begins when the former one is done and has rested.
    pub wave: u32,
    /// Deadline of one try.
    pub timeout_ms: Millis,
    /// How often a failed try is repeated.
    pub retries: u32,
    /// What it does.
    pub task: Task,
    /// Whether it may be tried again.
    pub repeat: Repeat,
    /// What takes it back.
    pub undo: Option<Undo>,
    /// How to see whether its effect exists.
    pub observe: Option<Action>,
    /// What to do when it cannot be seen whether it was done.
    pub on_unknown: OnUnknown,
}

/// What a step does, as far as the domain has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// A runner of a kind carries it out.
    Run(Action),
    /// Takes something out of service; whatever happens, it is put back at the end.
    Drain(Action),
    /// Puts it back early.
    Restore(Action),
    /// Lets time pass.
    Wait {
        /// How long.
        ms: Millis,
    },
    /// Waits for people.
    Approve {
        /// How many, whoever started the run not among them.
        people: u32,
    },
    /// Waits until the probes of the window's scope and of its dependants are good.
    Verify {
        /// Consecutive good rounds.
        rounds: u32,
    },
    /// Tells everybody concerned.
    Announce {
        /// The words.
        text: Names,
    },
    /// Tells a roster.
    Notify {
        /// Which; the owner's when absent.
        roster: Option<RosterId>,
        /// The words.
        text: Names,
    },
}

/// Something that a runner at the edge carries out. Names of secrets stand in the body, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// A row of `crate::step::KINDS`.
    pub kind: String,
    /// Its body as written, as JSON.
    pub body: String,
    /// What is drained or restored, so that it can be counted; empty for other kinds.
    #[serde(default)]
    pub target: String,
}

/// What takes a step back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// What to do.
    pub action: Action,
    /// Whether it may be tried again.
    pub repeat: Repeat,
}

/// Whether an effect may be tried a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// Twice is as good as once.
    Idempotent,
    /// The other side knows the key and does it once.
    Keyed,
    /// A second time would be another effect.
    Never,
}

impl Repeat {
    /// Whether a second try is safe.
    pub fn is_safe(self) -> bool {
        self != Self::Never
    }
}

/// What to do when it cannot be seen whether a step was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Again, with the same key; only where that is safe.
    Again,
    /// Stop and ask a person.
    Park,
    /// Turn back.
    Abort,
}

/// What must hold before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// The policy still allows the rest of the window.
    Policy,
    /// No incident is open on a dependant of the scope or in its redundancy groups.
    Incidents,
}

impl Guard {
    /// The word in the files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Incidents => "incidents",
        }
    }
}

impl Task {
    /// What an edge runner is given, if one carries it out.
    pub fn action(&self) -> Option<&Action> {
        match self {
            Self::Run(action) | Self::Drain(action) | Self::Restore(action) => Some(action),
            _ => None,
        }
    }

    /// The kind, as written in the files.
    pub fn kind(&self) -> &str {
        match self {
            Self::Run(action) | Self::Drain(action) | Self::Restore(action) => &action.kind,
            Self::Wait { .. } => "wait",
            Self::Approve { .. } => "approve",
            Self::Verify { .. } => "verify",
            Self::Announce { .. } => "announce",
            Self::Notify { .. } => "notify",
        }
    }
}

impl Step {
    /// Whether a deed may be done although its intent could not be stored: it leads back to service, and twice is as good
    /// as once.
    pub fn is_safe_unrecorded(&self, deed: Deed) -> bool {
        match deed {
            Deed::Do => false,
            Deed::Undo => self.undo.as_ref().is_some_and(|undo| undo.repeat.is_safe()),
            Deed::Observe | Deed::Restore => true,
        }
    }

    /// How long the step takes at most, if nothing is repeated.
    pub fn longest_ms(&self) -> Millis {
        match self.task {
            Task::Wait { ms } => ms,
            _ => self.timeout_ms,
        }
    }
}

impl Plan {
    /// The whole text by hash: any change voids the approvals of windows that it carries out.
    pub fn digest(&self) -> String {
        use sha2::Digest;
        // Plain data with text keys always serialises.
        let text = serde_json::to_vec(self).unwrap_or_default();
        sha2::Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The step of that id.
    pub fn step(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|s| s.id.as_str() == id)
    }

    /// How long the forward steps take by their longest times along the order: as much in parallel as the order
    /// allows, with the rests between waves.
    pub fn forward_ms(&self) -> Millis {
        self.timeline(Step::longest_ms).iter().map(|span| span.end.0).max().unwrap_or_default()
    }

    /// How long a window must be to hold it: forward steps, the reserve for the way back, and verification.
    pub fn needs_ms(&self) -> Millis {
        self.forward_ms() + self.reserve_ms + self.verify_ms
    }

    /// From when on no forward step starts in a window that ends at `end`.
    pub fn point_of_no_return(&self, end: Timestamp) -> Timestamp {
        end - (self.reserve_ms + self.verify_ms)
    }

    /// When each step runs if it takes as long as `lasts` says, counted from 0.
    pub fn timeline(&self, lasts: impl Fn(&Step) -> Millis) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let earlier =
                || self.steps.iter().zip(&spans).filter(|(s, _)| s.wave < step.wave).map(|(_, span)| span.end);
            let rested = earlier().max().map(|end| end + self.rest_ms);
            let needed = step.needs.iter().filter_map(|n| spans.get(*n)).map(|span| span.end).max();
            let start = rested.into_iter().chain(needed).max().unwrap_or(Timestamp(0));
            spans.push(Span::lasting(start, lasts(step)));
        }
        spans
    }
}

/// The pause before the next try after `failures` failed ones.
pub(crate) fn backoff_ms(failures: u32) -> Millis {
    let doubled = BACKOFF_FIRST << failures.saturating_sub(1).min(16);
    doubled.min(BACKOFF_MAX)
}
