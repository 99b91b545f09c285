//! From outcomes to confirmed health of one probe: rise, fall, and dating backward.
//!
//! Not here: freshness and subsystems (`timeline`). Invariants: the state flips on confirmation; the span starts at the
//! start of the first contrary attempt; `Unknown` neither counts nor resets; `Degraded` counts as a pass.

use super::*;
use serde::{Deserialize, Serialize};

/// What a probe's attempts have confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeHealth {
    /// All as expected.
    Passing,
    /// Usable, not as it should be.
    Degraded,
    /// Not usable.
    Failing,
}

/// How many in a row confirm a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Consecutive fails (or degraded passes) that make it failing (or degraded).
    pub fall: u32,
    /// Consecutive passes that make it passing.
    pub rise: u32,
}

/// A confirmed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is now.
    pub to: ProbeHealth,
    /// Start of the first contrary attempt.
    pub since: Timestamp,
}

/// What one outcome did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is pending.
    Settled,
    /// A change is pending: the probe is to be re-tried.
    Unconfirmed,
    /// The state flipped.
    Changed(Change),
}

/// The counters of one probe. Pending counts are memory only; the confirmed state is a fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    confirmed: Option<ProbeHealth>,
    /// Consecutive outcomes of one class that differ from the confirmed state.
    fails: Run,
    degraded: Run,
    passes: Run,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    length: u32,
    since: Timestamp,
}

impl Run {
    fn extend(&mut self, at: Timestamp) {
        if self.length == 0 {
            self.since = at;
        }
        self.length = self.length.saturating_add(1);
    }

    fn reset(&mut self) {
        self.length = 0;
    }
}

impl Counter {
    /// A counter that resumes from a confirmed state with nothing pending.
    pub fn resume(confirmed: Option<ProbeHealth>) -> Self {
        Self { confirmed, ..Self::default() }
    }

    /// The last confirmed state.
    pub fn confirmed(&self) -> Option<ProbeHealth> {
        self.confirmed
    }

    /// Counts one outcome of an attempt that started at `at`.
    pub fn count(&mut self, at: Timestamp, outcome: &Outcome, thresholds: Thresholds) -> Verdict {
        match outcome {
            Outcome::Unknown(_) => return self.pending(),
            Outcome::Fail(_) => {
                self.fails.extend(at);
                self.degraded.reset();
                self.passes.reset();
            }
            Outcome::Degraded(_) => {
                self.fails.reset();
                self.degraded.extend(at);
                self.passes.extend(at);
            }
            Outcome::Pass => {
                self.fails.reset();
                self.degraded.reset();
                self.passes.extend(at);
            }
        }
        match self.next(matches!(outcome, Outcome::Pass), thresholds) {
            Some(change) => {
                *self = Self::resume(Some(change.to));
                Verdict::Changed(change)
            }
            None => self.pending(),
        }
    }

    /// The change that the counts confirm, if any.
    fn next(&self, clean: bool, Thresholds { fall, rise }: Thresholds) -> Option<Change> {
        use ProbeHealth::*;
        let change = |to, run: Run| Some(Change { to, since: run.since });
        match self.confirmed {
            Some(Failing) | None if self.passes.length >= rise => {
                // A recovery made of degraded passes alone recovers into degraded.
                if self.degraded.length >= self.passes.length {
                    change(Degraded, self.passes)
                } else {
                    change(Passing, self.passes)
                }
            }
            Some(Passing | Degraded) | None if self.fails.length >= fall => change(Failing, self.fails),
            Some(Passing) if self.degraded.length >= fall => change(Degraded, self.degraded),
            Some(Degraded) if clean && self.clean_run() >= rise => {
                change(Passing, Run { length: self.clean_run(), since: self.clean_since() })
            }
            _ => None,
        }
    }

    fn clean_run(&self) -> u32 {
        self.passes.length
    }

    fn clean_since(&self) -> Timestamp {
        self.passes.since
    }

    fn pending(&self) -> Verdict {
        use ProbeHealth::*;
        let contrary = match self.confirmed {
            None => true,
            Some(Failing) => self.passes.length > 0,
            Some(Passing) => self.fails.length > 0 || self.degraded.length > 0,
            Some(Degraded) => self.fails.length > 0 || (self.passes.length > 0 && self.degraded.length == 0),
        };
        if contrary { Verdict::Unconfirmed } else { Verdict::Settled }
    }
}
