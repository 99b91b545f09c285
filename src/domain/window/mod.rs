//! Maintenance windows: from a schedule's text to spans with stable ids, and what becomes of each.
//!
//! Not here: whether a window is allowed (`policy::admit`). Invariant: an id follows from the schedule's id and the
//! original civil start alone, so it survives restarts, reloads and other changes of the text.

mod amend;
mod book;
pub mod cron;
mod decision;
mod entry;
pub mod lifecycle;
mod recurrence;
pub mod rule;
mod state;
mod version;

pub use amend::{About, Amendment, Approval, Assent, Definition, Emergency, Extension, Missing, Wording};
pub use book::{Book, HORIZON_MS};
pub use decision::{DECISIONS_MAX, Decided, Decision, DecisionView};
pub use entry::Window;
pub use recurrence::{
    STARTS_PER_DAY_MAX, WINDOWS_MAX, check_cron, check_rule, expand, starts_at, starts_on, window_id,
};

pub use state::WindowState;
pub use version::{Change, Reminder, Telling, VERSIONS_MAX, Version};

use super::civil::Zone;
use super::*;
use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// The longest window that can be, whatever a policy admits: what lasts longer is no maintenance.
pub const LENGTH_MAX: Millis = 7 * DAY;

/// When the windows of a schedule start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// Five-field POSIX cron, validated.
    Cron(String),
    /// A rule of RFC 5545 with its additions and exceptions, validated, counted from a local time.
    Rule {
        /// Its lines.
        text: String,
        /// `DTSTART`.
        from: DateTime,
    },
    /// The nth weekday of every month at a local time; 5 means the fifth, where there is one; -1 the last.
    Nth {
        /// Which weekday.
        weekday: Weekday,
        /// 1 to 5, or -1.
        n: i8,
        /// Local time.
        at: Time,
    },
    /// These local times; `once` is a list of one.
    Dates(Vec<DateTime>),
}

/// What a window is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These subsystems.
    Ids(Vec<SubsystemId>),
    /// Those of one owner, of one tier or of any.
    Owner(OwnerId, Option<Tier>),
}

/// The text from which windows follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `bdc-monthly`.
    pub id: ScheduleId,
    /// What people call it.
    pub name: Names,
    /// Whose it is: its applicant.
    pub owner: OwnerId,
    /// What is affected, resolved to ids, sorted, never empty.
    pub scope: Vec<SubsystemId>,
    /// When its windows start.
    pub starts: Recurrence,
    /// Dates on which nothing of `starts` starts.
    pub except: Vec<Date>,
    /// Starts besides those, whatever `except` says.
    pub also: Vec<DateTime>,
    /// From start to approved end, elapsed time.
    pub lasts_ms: Millis,
    /// A stricter policy that is added to those that match.
    pub policy: Option<PolicyId>,
    /// How it is carried out; by people when absent.
    pub plan: Option<PlanId>,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// Where it was written.
    pub source: Source,
}

/// A notice as a channel got it: what it said of when and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Of which window.
    pub window: WindowId,
    /// From the start to the approved end.
    pub span: Span,
    /// What is affected.
    pub scope: Vec<SubsystemId>,
}

/// One window as the schedule yields it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// `{schedule}.{8 hex}`: stable over restarts and reloads.
    pub id: WindowId,
    /// The original civil start, from which the id follows.
    pub civil_start: DateTime,
    /// From start to approved end.
    pub span: Span,
}
