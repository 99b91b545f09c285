//! What readers must know about a window, in order: each change makes a version, and the number only rises.
//!
//! Not here: who is told (`engine::windows::news`) and in which words (`notify::render`). Invariants: versions follow
//! from facts alone, so a restart numbers them alike; the number of versions is kept although old ones are forgotten.

use crate::domain::{DAY, HOUR, Millis, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Versions of one window that are kept.
pub const VERSIONS_MAX: usize = 32;

/// What changed for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A notice was accepted for the first time.
    Announced,
    /// It takes place at another time.
    Moved,
    /// It ends earlier than was said.
    Shortened,
    /// It ends later than was said.
    Extended,
    /// At the same time, but about something else.
    Rescoped,
    /// It began.
    Started,
    /// The service was verified before the approved end.
    FinishedEarly,
    /// The service was verified.
    Finished,
    /// It does not take place.
    Cancelled,
    /// The approved end passed and the service was not verified.
    Overrun,
}

impl Change {
    /// Every change, for documents and tests.
    pub const ALL: [Self; 10] = [
        Self::Announced,
        Self::Moved,
        Self::Shortened,
        Self::Extended,
        Self::Rescoped,
        Self::Started,
        Self::FinishedEarly,
        Self::Finished,
        Self::Cancelled,
        Self::Overrun,
    ];

    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Moved => "moved",
            Self::Shortened => "shortened",
            Self::Extended => "extended",
            Self::Rescoped => "rescoped",
            Self::Started => "started",
            Self::FinishedEarly => "finished_early",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Overrun => "overrun",
        }
    }

    /// What a change from one time to another is; `None` if it is none.
    pub fn between(former: Span, now: Span) -> Option<Self> {
        match (former.start == now.start, now.end.cmp(&former.end)) {
            (true, std::cmp::Ordering::Equal) => None,
            (true, std::cmp::Ordering::Less) => Some(Self::Shortened),
            (true, std::cmp::Ordering::Greater) => Some(Self::Extended),
            (false, _) => Some(Self::Moved),
        }
    }

    /// Whether what was said before the start is no longer right.
    pub fn amends(self) -> bool {
        matches!(self, Self::Moved | Self::Shortened | Self::Extended | Self::Rescoped)
    }
}

/// One change that readers must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Counts from 1.
    pub number: u32,
    /// What changed.
    pub change: Change,
    /// When.
    pub at: Timestamp,
    /// From the start to the approved end, as of this version.
    pub span: Span,
    /// The time that was said before, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Span>,
}

/// How long before the start people are reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Three days.
    ThreeDays,
    /// One day.
    OneDay,
    /// One hour.
    OneHour,
}

impl Reminder {
    /// The longest first.
    pub const ALL: [Self; 3] = [Self::ThreeDays, Self::OneDay, Self::OneHour];

    /// When it is due before a start.
    pub fn before(self) -> Millis {
        match self {
            Self::ThreeDays => 3 * DAY,
            Self::OneDay => DAY,
            Self::OneHour => HOUR,
        }
    }

    /// The one that is due last by `now`, if any is.
    pub fn last_due(now: Timestamp, start: Timestamp) -> Option<Self> {
        let due = |r: &Self| now < start && start - r.before() <= now;
        Self::ALL.into_iter().rev().find(due)
    }
}

/// What a mail besides the notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Telling {
    /// A version.
    Version(Change),
    /// Time that passed.
    Reminder(Reminder),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_reminders_that_were_slept_through_only_the_last_is_due() {
        let start = Timestamp(10 * DAY);
        assert_eq!(Reminder::last_due(start - 4 * DAY, start), None);
        assert_eq!(Reminder::last_due(start - 3 * DAY, start), Some(Reminder::ThreeDays));
        assert_eq!(Reminder::last_due(start - 2 * HOUR, start), Some(Reminder::OneDay));
        assert_eq!(Reminder::last_due(start - 1, start), Some(Reminder::OneHour));
        assert_eq!(Reminder::last_due(start, start), None);
    }

    #[test]
    fn a_change_of_time_has_one_name() {
        let span = |a: i64, b: i64| Span::new(Timestamp(a * HOUR), Timestamp(b * HOUR));
        assert_eq!(Change::between(span(1, 3), span(1, 3)), None);
        assert_eq!(Change::between(span(1, 3), span(1, 2)), Some(Change::Shortened));
        assert_eq!(Change::between(span(1, 3), span(1, 4)), Some(Change::Extended));
        assert_eq!(Change::between(span(1, 3), span(2, 4)), Some(Change::Moved));
        let words: std::collections::BTreeSet<&str> = Change::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(words.len(), Change::ALL.len());
    }
}
