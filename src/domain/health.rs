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
///
/// Each run is the unbroken tail of outcomes of one class, `Unknown` left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    confirmed: Option<ProbeHealth>,
    /// Fails.
    fails: Run,
    /// Passes, clean or degraded.
    passes: Run,
    /// Degraded passes.
    degraded: Run,
    /// Passes without a blemish.
    clean: Run,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    length: u32,
    since: Timestamp,
}

impl Run {
    const NONE: Self = Self { length: 0, since: Timestamp(0) };

    fn extended(self, at: Timestamp) -> Self {
        Self { length: self.length.saturating_add(1), since: if self.length == 0 { at } else { self.since } }
    }

    /// A threshold of nought would confirm what nobody saw.
    fn reaches(self, threshold: u32) -> bool {
        self.length >= threshold.max(1)
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
        let Self { fails, passes, degraded, clean, .. } = *self;
        let none = Run::NONE;
        (self.fails, self.passes, self.degraded, self.clean) = match outcome {
            Outcome::Unknown(_) => return self.pending(),
            Outcome::Fail(_) => (fails.extended(at), none, none, none),
            Outcome::Degraded(_) => (none, passes.extended(at), degraded.extended(at), none),
            Outcome::Pass => (none, passes.extended(at), none, clean.extended(at)),
        };
        match self.next(thresholds) {
            Some(change) => {
                // The runs go on: a degraded pass at the end of a recovery is the first contrary one to `Passing`.
                self.confirmed = Some(change.to);
                Verdict::Changed(change)
            }
            None => self.pending(),
        }
    }

    /// Start of the first attempt that speaks against the confirmed state, while a change is pending.
    pub fn contrary_since(&self) -> Option<Timestamp> {
        use ProbeHealth::*;
        let contrary: &[Run] = match self.confirmed {
            None => &[self.fails, self.passes],
            Some(Failing) => &[self.passes],
            Some(Passing) => &[self.fails, self.degraded],
            Some(Degraded) => &[self.fails, self.clean],
        };
        contrary.iter().find(|run| run.length > 0).map(|run| run.since)
    }

    /// The change that the runs confirm, if any.
    fn next(&self, Thresholds { fall, rise }: Thresholds) -> Option<Change> {
        use ProbeHealth::*;
        let change = |to, run: Run| Some(Change { to, since: run.since });
        match self.confirmed {
            // A recovery without a single clean pass recovers into degraded.
            Some(Failing) | None if self.passes.reaches(rise) => {
                change(if self.degraded.length == self.passes.length { Degraded } else { Passing }, self.passes)
            }
            Some(Passing | Degraded) | None if self.fails.reaches(fall) => change(Failing, self.fails),
            Some(Passing) if self.degraded.reaches(fall) => change(Degraded, self.degraded),
            Some(Degraded) if self.clean.reaches(rise) => change(Passing, self.clean),
            _ => None,
        }
    }

    fn pending(&self) -> Verdict {
        if self.contrary_since().is_some() { Verdict::Unconfirmed } else { Verdict::Settled }
    }
}

#[cfg(test)]
mod tests;
