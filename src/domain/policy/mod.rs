//! When maintenance is allowed: rules, freezes, and the decision with its reasons.
//!
//! `decide` answers for any request; `admit` adds what binds windows alone. Not here: what becomes of a window
//! (`window::lifecycle`) and what a pipeline is told (`gate`). Invariants: every policy that governs a subsystem must
//! allow, deny beats allow, and what cannot be decided is denied.

mod admit;
mod asked;
mod crowd;
mod dates;
mod decide;
mod doubled;
mod limits;
mod opening;
mod reason;

pub use admit::{Admission, Obstacle, admit, notice_deadline, people_length, policies, working_days_of_notice};
pub use asked::{Asked, ask_all};
pub use crowd::Crowd;
pub use dates::{DateOrYearly, DateSpan};
pub use decide::{decide, governing};
pub use doubled::{Doubled, doubled};
pub use limits::{AtOnce, Circumstances, Hold, Limits, Other, asks_budgets, has_room};
pub use opening::{allowed, is_open, next_open, open_until};

use super::*;
use jiff::civil::Time;

/// What a policy or a freeze is about; an empty list means "any".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Any of these tiers.
    pub tiers: Vec<Tier>,
    /// Any of these owners.
    pub owners: Vec<OwnerId>,
    /// Any of these subsystems.
    pub ids: Vec<SubsystemId>,
    /// None of these subsystems.
    pub except: Vec<SubsystemId>,
}

impl Selector {
    /// Whether a subsystem is meant.
    pub fn matches(&self, id: &SubsystemId, tier: Tier) -> bool {
        (self.tiers.is_empty() || self.tiers.contains(&tier))
            && (self.owners.is_empty() || self.owners.iter().any(|o| *o == id.owner()))
            && (self.ids.is_empty() || self.ids.contains(id))
            && !self.except.contains(id)
    }
}

/// What a policy's gate asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateMode {
    /// What `decide` allows.
    Hours,
    /// An announced or running window that covers scope and interval.
    Window,
}

/// A part of a civil day; `end` may lie on the next day, or be 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DayPart {
    /// Local start.
    pub start: Time,
    /// Local end, on the day `end_day_offset` days later; 24:00 is 00:00 of the next day.
    pub end: Time,
    /// 0 or 1.
    pub end_day_offset: u8,
}

/// Instants at which a policy allows maintenance, before freezes and denials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Any instant.
    pub always: bool,
    /// These nights.
    pub nights: Option<DayPart>,
    /// The whole of non-working days.
    pub non_working_days: bool,
}

/// How much notice a window needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeRule {
    /// By length, in working days, and 48 h for public subsystems.
    ByLength,
    /// None.
    None,
}

/// Nothing may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// `import-expo`.
    pub id: String,
    /// What people call it.
    pub name: Names,
    /// What it is about.
    pub applies_to: Selector,
    /// When.
    pub dates: Vec<DateSpan>,
    /// Where it was written.
    pub source: Source,
}

/// Rules for the subsystems that it governs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `off-hours`.
    pub id: PolicyId,
    /// What it governs.
    pub applies_to: Selector,
    /// What its gate asks for.
    pub gate: GateMode,
    /// When.
    pub allow: Allowed,
    /// Denied dates of its own.
    pub deny: Vec<DateSpan>,
    /// Longer windows are warned about.
    pub longest_warn_ms: Option<Millis>,
    /// Longer windows are denied.
    pub longest_deny_ms: Option<Millis>,
    /// How much notice a window needs.
    pub notice: NoticeRule,
    /// How many people must approve a window, the applicant not among them.
    pub approvals: u8,
    /// What binds windows to one another.
    pub limits: Limits,
    /// Where it was written.
    pub source: Source,
}

/// Why a request was denied; a closed set for metrics, with a sentence and a source for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyKind {
    /// A date whose year is not published.
    CalendarNotCovered,
    /// A freeze.
    Freeze,
    /// A denial of the policy.
    Denied,
    /// Neither night nor non-working day.
    OutsideAllowedHours,
    /// Begins inside the allowed hours and ends outside them.
    RunsOver,
    /// No policy governs a subsystem of the scope.
    NoPolicy,
    /// Longer than the policy admits.
    TooLong,
    /// The gate asks for a window.
    NoWindow,
    /// The clock is not to be trusted.
    ClockUnsynchronised,
    /// Nothing is asked for: an empty scope or an empty interval.
    Empty,
    /// The owner has taken what a civil month allows.
    MonthCap,
    /// Too many of a tier would stop at once.
    AtOnce,
    /// Another member of a redundancy group stops.
    Redundancy,
    /// Too little is left of the error budget.
    Budget,
}

impl DenyKind {
    /// The metric label and JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CalendarNotCovered => "calendar_not_covered",
            Self::Freeze => "freeze",
            Self::Denied => "denied",
            Self::OutsideAllowedHours => "outside_allowed_hours",
            Self::RunsOver => "runs_over",
            Self::NoPolicy => "no_policy",
            Self::TooLong => "too_long",
            Self::NoWindow => "no_window",
            Self::ClockUnsynchronised => "clock_unsynchronised",
            Self::Empty => "empty",
            Self::MonthCap => "month_cap",
            Self::AtOnce => "at_once",
            Self::Redundancy => "redundancy",
            Self::Budget => "budget",
        }
    }
}

/// One link of the rule chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyReason {
    /// For machines.
    pub kind: DenyKind,
    /// For people.
    pub text: Names,
    /// Who says so: `policy off-hours`, `freeze import-expo`, `calendar china`.
    pub rule: String,
    /// Where it is written; `None` for what is built in.
    pub source: Option<Source>,
}

/// Why a request was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantKind {
    /// The policy allows any time.
    Always,
    /// It begins on a non-working day.
    NonWorkingDay,
    /// It begins in a night.
    Night,
    /// A window covers it.
    Window,
}

impl GrantKind {
    /// The metric label and JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::NonWorkingDay => "non_working_day",
            Self::Night => "night",
            Self::Window => "window",
        }
    }
}

/// One link of the rule chain of an answer that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// For machines.
    pub kind: GrantKind,
    /// For people.
    pub text: Names,
    /// Who says so: `policy off-hours`, `window bdc-monthly.1f3a9c02`.
    pub rule: String,
    /// Where it is written; `None` for what is built in.
    pub source: Option<Source>,
}

/// The answer of `decide`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The whole interval is allowed.
    Allow {
        /// End of the allowed block that holds it.
        until: Timestamp,
        /// What allows it, one grant of each policy.
        because: Vec<Grant>,
    },
    /// It is not.
    Deny {
        /// Every rule that denies it, and the calendar rows behind them.
        reasons: Vec<DenyReason>,
        /// The earliest start at or after the asked one at which this very request would be allowed.
        next_open: Option<Timestamp>,
    },
}

impl Decision {
    /// Whether the whole interval is allowed.
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// What denies it; empty if nothing does.
    pub fn reasons(&self) -> &[DenyReason] {
        match self {
            Self::Allow { .. } => &[],
            Self::Deny { reasons, .. } => reasons,
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
