//! The period as civil days of twenty-four cells each: what was seen there, and whether it was declared.
//!
//! Invariants: a cell is known only if at least half of its ticks measured something; it says nothing if planned
//! maintenance touches it. An hour of a tally belongs to the civil hour in which it begins.

use super::HourSeen;
use crate::domain::calendar::is_weekend;
use crate::domain::civil::{day_after, weekday_index};
use crate::domain::*;
use jiff::civil::Date;

/// From this share of failed visits on an hour counts as shut, in per cent.
const SHUT_FROM: u64 = 90;
/// From this share on it does not count as open.
const MIXED_FROM: u64 = 50;

/// Whether a date is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayKind {
    /// Worked, make-up workdays included.
    Working,
    /// Not worked, holidays included.
    NonWorking,
}

impl DayKind {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Working, Self::NonWorking];

    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::NonWorking => "non_working",
        }
    }
}

/// What an hour was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not seen, or in maintenance.
    Unknown,
    /// Mostly open.
    Open,
    /// Neither.
    Mixed,
    /// As good as always shut.
    Shut,
}

/// One hour of one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) visits: u32,
    pub(super) failed: u32,
    pub(super) state: State,
    /// Of the hour's length, how much was declared: none, some or all.
    pub(super) declared: Declared,
}

/// How much of an hour was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    None,
    Some,
    All,
}

impl Seen {
    pub(super) fn is_known(&self) -> bool {
        self.state != State::Unknown
    }

    pub(super) fn is_shut(&self) -> bool {
        self.state == State::Shut
    }

    /// Known, and wholly inside declared hours.
    pub(super) fn counts(&self) -> bool {
        self.is_known() && self.declared == Declared::All
    }
}

/// One civil day.
#[derive(Clone, Debug)]
pub(super) struct DaySeen {
    pub(super) date: Date,
    /// Counted from Monday, which is 0.
    pub(super) weekday: usize,
    pub(super) kind: DayKind,
    /// 0 for the last day of a month.
    pub(super) from_end: u8,
    pub(super) cells: [Seen; 24],
}

impl DaySeen {
    pub(super) fn is_weekend(&self) -> bool {
        self.weekday >= 5
    }

    /// A weekend day that is worked.
    pub(super) fn is_make_up(&self) -> bool {
        self.is_weekend() && self.kind == DayKind::Working
    }

    /// A weekday that is not worked.
    pub(super) fn is_holiday(&self) -> bool {
        !self.is_weekend() && self.kind == DayKind::NonWorking
    }

    /// Whether the whole declared day was shut; none if too little of it was seen.
    pub(super) fn closed(&self) -> Option<bool> {
        let declared = self.cells.iter().filter(|c| c.declared == Declared::All).count();
        let known = self.cells.iter().filter(|c| c.counts()).count();
        let shut = self.cells.iter().filter(|c| c.counts() && c.is_shut()).count();
        (known >= 3 && 2 * known >= declared).then_some(10 * shut >= 9 * known)
    }
}

/// All days of a period, in order.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) days: Vec<DaySeen>,
}

impl Grid {
    pub(super) fn new(
        inventory: &Inventory,
        owner: &OwnerId,
        period: Span,
        declared: &SpanSet,
        seen: &[HourSeen],
        maintenance: &SpanSet,
    ) -> Self {
        let zone = &inventory.zone;
        let mut days: Vec<DaySeen> = zone.dates(period).map(|date| day(inventory, owner, date, declared)).collect();
        let mut ticks = vec![[0_u32; 24]; days.len()];
        let Some(first) = days.first().map(|day| day.date) else { return Self { days } };
        for hour in seen.iter().filter(|seen| period.contains(seen.hour)) {
            let span = Span::lasting(hour.hour, HOUR);
            if !maintenance.clip(span).is_empty() {
                continue;
            }
            let local = zone.local(hour.hour);
            let place =
                zone.date(hour.hour).since(first).map_or(usize::MAX, |gap| gap.get_days().unsigned_abs() as usize);
            let at = usize::from(local.hour().unsigned_abs());
            let (Some(day), Some(ticks)) = (days.get_mut(place), ticks.get_mut(place)) else { continue };
            day.cells[at].visits += hour.visits;
            day.cells[at].failed += hour.failed;
            ticks[at] += hour.ticks;
        }
        for (day, ticks) in days.iter_mut().zip(&ticks) {
            for (cell, ticks) in day.cells.iter_mut().zip(ticks) {
                cell.state = state(cell.visits, cell.failed, *ticks);
            }
        }
        Self { days }
    }

    pub(super) fn days_seen(&self) -> u32 {
        let seen = self.days.iter().filter(|day| day.cells.iter().any(Seen::is_known)).count();
        u32::try_from(seen).unwrap_or(u32::MAX)
    }

    /// Visits in known cells inside declared hours, and those that failed.
    pub(super) fn visits(&self) -> (u64, u64) {
        let cells = self.days.iter().flat_map(|day| &day.cells).filter(|cell| cell.counts());
        cells.fold((0, 0), |(visits, failed), c| (visits + u64::from(c.visits), failed + u64::from(c.failed)))
    }
}

fn state(visits: u32, failed: u32, ticks: u32) -> State {
    let (visits, failed) = (u64::from(visits), u64::from(failed));
    if visits == 0 || 2 * visits < u64::from(ticks) {
        return State::Unknown;
    }
    match 100 * failed {
        share if share >= SHUT_FROM * visits => State::Shut,
        share if share > MIXED_FROM * visits => State::Mixed,
        _ => State::Open,
    }
}

fn day(inventory: &Inventory, owner: &OwnerId, date: Date, declared: &SpanSet) -> DaySeen {
    let zone = &inventory.zone;
    let working = inventory.calendar.day(date, Some(owner)).is_working();
    let whole = declared.clip(zone.day(date));
    let cell = |hour: i8| {
        let start = zone.instant(date.at(hour, 0, 0, 0));
        let end = if hour == 23 { zone.midnight(day_after(date)) } else { zone.instant(date.at(hour + 1, 0, 0, 0)) };
        let span = Span::new(start, end);
        let inside = match whole.clip(span).len_ms() {
            0 => Declared::None,
            ms if ms == span.len_ms() => Declared::All,
            _ => Declared::Some,
        };
        Seen { visits: 0, failed: 0, state: State::Unknown, declared: inside }
    };
    debug_assert_eq!(is_weekend(date), weekday_index(date.weekday()) >= 5);
    DaySeen {
        date,
        weekday: weekday_index(date.weekday()),
        kind: if working { DayKind::Working } else { DayKind::NonWorking },
        from_end: date.last_of_month().day().abs_diff(date.day()),
        cells: std::array::from_fn(|hour| cell(i8::try_from(hour).unwrap_or_default())),
    }
}
