//! What is left of the promise: three figures that always go together, the budget, and how fast it burns.
//!
//! The rules with worked examples: `docs/sla.md`. Not here: what was seen (`timeline`). Invariants: durations are
//! integers until a ratio is printed; the parts sum to the whole; "met" is said only if the low bound reaches the
//! target, "missed" only if the high one does not.

mod account;
mod derived;
mod evidence;
mod exclusion;
mod ledger;
mod period;
mod promise;
mod ratio;
mod reader;
mod statement;

pub mod burn;

pub use account::{Tally, account, tally};
pub use derived::derived;
pub use evidence::Evidence;
pub use exclusion::{excluded, reach};
pub use ledger::{Ledger, Share};
pub use period::{Grain, Period};
pub use promise::{account_of, account_within, promised_hours};
pub use ratio::Ratio;
pub use reader::{Reader, SubsystemFigures};
pub use statement::{Answers, Statement, Subject, Totals};

use super::*;
use std::collections::BTreeMap;

/// A figure and what it would be if unknown time had been down, or up. `None` where nothing is eligible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// Unknown time left out.
    pub value: Option<Ratio>,
    /// Unknown time as down.
    pub low: Option<Ratio>,
    /// Unknown time as up.
    pub high: Option<Ratio>,
}

/// What may be said about a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The low bound reaches the target.
    Met,
    /// The high bound does not.
    Missed,
    /// Neither.
    Undetermined,
}

/// Whose doing a spent second was; the first that matches, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Emergency maintenance under an override.
    Emergency,
    /// After a window's approved end.
    Overrun,
    /// Looks like maintenance, outside any window.
    UndeclaredMaintenance,
    /// Inside a window that was not approved, announced in time or inside policy.
    PolicyViolation,
    /// Everything else.
    Incident,
}

/// How a window was really used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedWindow {
    /// Which one.
    pub window: WindowId,
    /// From its real start to its approved end.
    pub approved: Span,
    /// End of the work: the verified restore, or the end of time while it runs, so that an account of any later instant
    /// counts it up to then. May lie after the approved end.
    pub restored: Timestamp,
    /// Whether it excludes, and whose doing its bad time is.
    pub standing: Standing,
}

/// How a window stands to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Approved, announced in time and inside policy: it excludes.
    Valid,
    /// Work that could not wait, under an override: possible, not free.
    Emergency,
    /// Not approved, late or outside policy.
    Violation,
}

/// All that the accounting needs to know about one subsystem.
#[derive(Clone, Debug, Default)]
pub struct Seen<'a> {
    /// What the probes saw.
    pub timeline: Option<&'a timeline::Timeline<timeline::Health>>,
    /// Windows that touched it, in order of time.
    pub windows: &'a [UsedWindow],
    /// Down time that looked like maintenance, outside any window.
    pub undeclared: SpanSet,
}

/// The figures of one subsystem or composite over one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The whole period, future included.
    pub period: Span,
    /// Period ∩ hours, up to now, since the first attempt.
    pub elapsed_ms: Millis,
    /// Seen up or degraded.
    pub good_ms: Millis,
    /// Seen down.
    pub bad_ms: Millis,
    /// Not seen.
    pub unknown_ms: Millis,
    /// Excluded by valid windows, within the cap.
    pub excluded_ms: Millis,
    /// Degraded part of the good time.
    pub degraded_ms: Millis,
    /// What was seen outside exclusions.
    pub kept: Tally,
    /// Maintenance as the probes saw it.
    pub public: Bounded,
    /// Valid maintenance left out.
    pub contract: Bounded,
    /// (1 − target) × eligible of the whole period.
    pub budget_ms: Millis,
    /// What was spent of it under the agreed figure, by cause; the parts sum to the whole.
    pub spent_ms: BTreeMap<Cause, Millis>,
    /// Undeclared, late and outside-policy maintenance and overruns.
    pub policy_violation_ms: Millis,
    /// What may be said.
    pub verdict: Verdict,
    /// The subsystem began inside the period.
    pub partial: bool,
}

impl Standing {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Emergency => "emergency",
            Self::Violation => "violation",
        }
    }
}

impl Cause {
    /// Every cause, in the order in which they are matched.
    pub const ALL: [Self; 5] =
        [Self::Emergency, Self::Overrun, Self::UndeclaredMaintenance, Self::PolicyViolation, Self::Incident];
}

impl Account {
    /// The figure that was agreed, with its bounds.
    pub fn figure(&self, agreed: Figure) -> &Bounded {
        match agreed {
            Figure::Public => &self.public,
            Figure::Contract => &self.contract,
        }
    }

    /// What was spent of the budget, whatever the cause.
    pub fn spent_total_ms(&self) -> Millis {
        self.spent_ms.values().sum()
    }

    /// What is left of the budget; negative once it is overdrawn.
    pub fn budget_left_ms(&self) -> Millis {
        self.budget_ms - self.spent_total_ms()
    }

    /// The share of good time that was not degraded; `None` without good time.
    pub fn quality(&self) -> Option<Ratio> {
        Ratio::of(self.good_ms - self.degraded_ms, self.good_ms)
    }
}

#[cfg(test)]
mod tests;
