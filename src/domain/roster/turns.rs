//! Hand-overs every so many civil days at one local time.
//!
//! Invariants: turns are half-open and leave no gap from the first hand-over on; a hand-over keeps its local time over
//! every change of the clock, so that a turn may be an hour longer or shorter than others.

use crate::domain::civil::Zone;
use crate::domain::*;
use jiff::ToSpan;
use jiff::civil::DateTime;

/// When turns change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// The first hand-over, local; before it nobody has a turn.
    pub from: DateTime,
    /// Civil days of one turn, at least 1.
    pub days: u32,
}

impl Turns {
    /// The number of the turn that holds `at`, counted from 0, and its span.
    pub fn at(&self, zone: &Zone, at: Timestamp) -> Option<(u64, Span)> {
        let days = self.from.date().until(zone.date(at)).ok()?.get_days();
        // The date alone may be one turn off, as hand-overs have a time of day.
        let mut turn = (i64::from(days) / i64::from(self.days.max(1)) - 1).max(0);
        while self.start(zone, turn + 1) <= at {
            turn += 1;
        }
        let span = Span::new(self.start(zone, turn), self.start(zone, turn + 1));
        span.contains(at).then_some((turn.unsigned_abs(), span))
    }

    /// Every turn that shares an instant with `within`, in order, each whole.
    pub fn within(&self, zone: &Zone, within: Span) -> impl Iterator<Item = (u64, Span)> {
        let first = self.at(zone, within.start.max(zone.instant(self.from)));
        let next = move |(turn, span): &(u64, Span)| {
            let end = self.start(zone, i64::try_from(*turn).ok()?.checked_add(2)?);
            (span.end < end).then_some((turn + 1, Span::new(span.end, end)))
        };
        std::iter::successors(first, next).take_while(move |(_, span)| span.start < within.end)
    }

    fn start(&self, zone: &Zone, turn: i64) -> Timestamp {
        let days = turn.saturating_mul(i64::from(self.days.max(1)));
        let later = i32::try_from(days).ok().and_then(|days| self.from.checked_add(days.days()).ok());
        zone.instant(later.unwrap_or(DateTime::MAX))
    }
}
