//! The instants at which a set of rules allows maintenance, computed day by day and only as far as asked; days that
//! cannot hold what is asked for are passed over.
//!
//! Not here: reasons (`reason`). Invariants: a date that the calendar does not cover holds no allowed instant; a search
//! ends where the covered dates end; a block is joined over midnights for as long as no instant is missing.

use super::{DateSpan, DayPart, Freeze, Policy};
use crate::domain::calendar::YearStatus;
use crate::domain::civil::{day_after, day_before};
use crate::domain::*;
use jiff::civil::{Date, DateTime, Time};
use std::iter::successors;

/// No civil day is longer: clocks are put back by an hour, or less.
const LONGEST_DAY_MS: Millis = 27 * HOUR;
/// Whole days that are looked at ahead of a start.
const WHOLE_DAYS_MAX: usize = 366;
/// No clock is put forward or back by more, but where a whole day is left out.
const LONGEST_CHANGE_MS: Millis = 3 * HOUR;

/// One policy as it governs part of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Governed<'a> {
    /// The policy.
    pub(super) policy: &'a Policy,
    /// Whose calendar overlay counts; `None` for owners without one.
    pub(super) overlay: Option<OwnerId>,
}

/// Everything that must allow one request.
#[derive(Clone, Debug)]
pub(super) struct Rules<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) governed: Vec<Governed<'a>>,
    pub(super) freezes: Vec<&'a Freeze>,
}

/// Instants of `within` at which a policy allows maintenance: (nights ∪ non-working days) − freezes − denials.
///
/// A freeze counts if it holds every subsystem that the policy governs. Overlays of single owners are left out.
pub fn allowed(inventory: &Inventory, policy: &Policy, within: Span) -> SpanSet {
    Rules::of_policy(inventory, policy).set(within)
}

/// Whether a policy allows maintenance at an instant, in the sense of `allowed`.
pub fn is_open(inventory: &Inventory, policy: &Policy, at: Timestamp) -> bool {
    Rules::of_policy(inventory, policy).day(inventory.zone.date(at)).contains(at)
}

/// The earliest instant from `at` on at which a policy allows maintenance; `at` itself while it does.
pub fn next_open(inventory: &Inventory, policy: &Policy, at: Timestamp) -> Option<Timestamp> {
    Rules::of_policy(inventory, policy).first_fit(at, 1)
}

/// The end of the allowed block that holds `at`; `None` while the policy is shut.
pub fn open_until(inventory: &Inventory, policy: &Policy, at: Timestamp) -> Option<Timestamp> {
    Rules::of_policy(inventory, policy).block_from(at).map(|block| block.end)
}

impl<'a> Rules<'a> {
    fn of_policy(inventory: &'a Inventory, policy: &'a Policy) -> Self {
        let ids = || inventory.subsystems.values().filter(|s| policy.applies_to.matches(&s.id, s.tier));
        let holds_all = |f: &&Freeze| ids().all(|s| f.applies_to.matches(&s.id, s.tier)) && ids().next().is_some();
        let freezes = inventory.freezes.iter().filter(holds_all).collect();
        Self { inventory, governed: vec![Governed { policy, overlay: None }], freezes }
    }

    /// The allowed instants of one civil day.
    pub(super) fn day(&self, date: Date) -> SpanSet {
        if self.governed.is_empty() || self.is_closed(date) {
            return SpanSet::EMPTY;
        }
        let day = self.inventory.zone.day(date);
        let mut set = SpanSet::from(day);
        for governed in &self.governed {
            if let Some(part) = governed.open_part(self.inventory, date) {
                set = set.intersect(&part);
            }
        }
        set
    }

    /// Whether no instant of a date is allowed, whatever its hours: not covered, frozen or denied.
    fn is_closed(&self, date: Date) -> bool {
        !self.inventory.calendar.covered(date) || self.closings().any(|dates| dates.contains(date))
    }

    /// Dates of the freezes and of the policies' own denials.
    fn closings(&self) -> impl Iterator<Item = &DateSpan> {
        let frozen = self.freezes.iter().flat_map(|f| &f.dates);
        frozen.chain(self.governed.iter().flat_map(|g| &g.policy.deny))
    }

    /// The first closed date from a date on.
    fn first_closed(&self, from: Date) -> Date {
        let is_unknown = |year: &i16| self.inventory.calendar.status(*year) != YearStatus::Published;
        let unknown = (from.year()..Date::MAX.year()).find(is_unknown).and_then(|year| Date::new(year, 1, 1).ok());
        let unknown = unknown.map_or(Date::MAX, |new_year| new_year.max(from));
        self.closings().filter_map(|dates| dates.first_inside(from, unknown)).fold(unknown, Date::min)
    }

    /// The allowed instants inside a span.
    pub(super) fn set(&self, within: Span) -> SpanSet {
        let days = self.inventory.zone.dates(within).map(|d| self.day(d));
        days.flat_map(|set| set.spans().to_vec()).collect::<SpanSet>().clip(within)
    }

    /// The earliest start from `from` on of an allowed stretch of `ms` milliseconds.
    pub(super) fn first_fit(&self, from: Timestamp, ms: Millis) -> Option<Timestamp> {
        let zone = &self.inventory.zone;
        let until = self.inventory.calendar.covered_until(zone)?;
        let steady = zone.is_steady(Span::new(from - DAY, until));
        let too_long = self.governed.iter().any(|g| g.longest_ms().is_some_and(|longest_ms| longest_ms < ms));
        if too_long && steady {
            return None;
        }
        // What begins on a date and lasts so long holds all of so many dates after it; more of them, if it begins on a
        // date that is not whole and ends on another.
        let whole_days = ms / if steady { DAY } else { LONGEST_DAY_MS } - 1;
        let edges_ms = self.edges_ms().filter(|_| steady);
        let behind_an_edge = edges_ms.map_or(whole_days, |edges| (ms - edges + DAY - 1).div_euclid(DAY));
        let count = |days: Millis| usize::try_from(days).unwrap_or_default().min(WHOLE_DAYS_MAX);
        let (whole_days, behind_an_edge) = (count(whole_days), count(behind_an_edge.max(whole_days)));
        let mut ahead: Vec<Date> = Vec::with_capacity(behind_an_edge);
        let (mut at, mut date) = (from, zone.date(from));
        loop {
            date = self.covered_from(date)?;
            ahead.clear();
            ahead.extend(successors(Some(day_after(date)), |d| Some(day_after(*d))).take(behind_an_edge));
            let (always, on_edges) = ahead.split_at(whole_days);
            let cut = |dates: &[Date]| dates.iter().rev().copied().find(|d| !self.is_whole(*d, steady));
            let is_edge = || !on_edges.is_empty() && !self.is_whole(date, steady);
            if let Some(cut) = cut(always).or_else(|| is_edge().then(|| cut(on_edges)).flatten()) {
                date = cut;
                continue;
            }
            at = at.max(zone.midnight(date));
            let begins = self.day(date).spans().iter().find(|s| s.end > at).copied();
            match begins.and_then(|part| self.block_from(part.start.max(at))) {
                Some(block) if block.len_ms() >= ms => return Some(block.start),
                Some(block) => (at, date) = (block.end, zone.date(block.end)),
                None => date = day_after(date),
            }
        }
    }

    /// The most that a stretch can hold of the dates on which it begins and ends, if neither is whole and no clock is
    /// changed; `None` if that has no such bound.
    fn edges_ms(&self) -> Option<Millis> {
        let nights = self.governed.iter().filter_map(|g| g.policy.allow.nights);
        let mut most = (0, 0);
        for night in nights {
            let (evening, morning) = night.edges_ms()?;
            most = (most.0.max(evening), most.1.max(morning));
        }
        Some(most.0 + most.1)
    }

    /// Whether every instant of a date is allowed; `steady`: no clock is changed on it.
    fn is_whole(&self, date: Date, steady: bool) -> bool {
        self.governed.iter().all(|g| g.is_whole(self.inventory, date, steady)) && !self.is_closed(date)
    }

    /// A date itself if its year is covered, else the first of the next year that is.
    fn covered_from(&self, date: Date) -> Option<Date> {
        let calendar = &self.inventory.calendar;
        if calendar.covered(date) {
            return Some(date);
        }
        let years = calendar.years.range(date.year().checked_add(1)?..);
        years.filter_map(|(year, _)| Date::new(*year, 1, 1).ok()).find(|d| calendar.covered(*d))
    }

    /// From `at` to the end of the allowed block that holds it.
    pub(super) fn block_from(&self, at: Timestamp) -> Option<Span> {
        let zone = &self.inventory.zone;
        let mut date = zone.date(at);
        if !self.governed.is_empty() && self.governed.iter().all(|g| g.policy.allow.always) {
            let closed = self.first_closed(date);
            return (date < closed).then(|| Span::new(at, zone.midnight(closed)));
        }
        let mut block = Span::new(at, self.day(date).span_at(at)?.end);
        while block.end == zone.day(date).end && date < Date::MAX {
            date = day_after(date);
            match self.day(date).span_at(block.end) {
                Some(part) => block.end = part.end,
                None => break,
            }
        }
        Some(block)
    }
}

impl Governed<'_> {
    /// The instants of a day before freezes and denials; `None` stands for the whole day.
    pub(super) fn open_part(&self, inventory: &Inventory, date: Date) -> Option<SpanSet> {
        if self.is_free(inventory, date) {
            return None;
        }
        let (zone, day) = (&inventory.zone, inventory.zone.day(date));
        let night = |part: DayPart| {
            let nights = [day_before(date), date].map(|d| part.on(zone, d).intersect(day));
            nights.into_iter().collect()
        };
        Some(self.policy.allow.nights.map_or(SpanSet::EMPTY, night))
    }

    /// Whether a date is open whatever the hour, before freezes and denials.
    fn is_free(&self, inventory: &Inventory, date: Date) -> bool {
        let allow = &self.policy.allow;
        let rests = || !inventory.calendar.is_working(date, self.overlay.as_ref());
        allow.always || allow.non_working_days && rests()
    }

    /// Whether every instant of a date is open, before freezes and denials; `steady`: no clock is changed on it.
    fn is_whole(&self, inventory: &Inventory, date: Date, steady: bool) -> bool {
        let day = || inventory.zone.day(date);
        self.is_free(inventory, date)
            || match self.policy.allow.nights {
                Some(nights) if nights.pause_ms() <= LONGEST_CHANGE_MS => {
                    self.open_part(inventory, date).is_none_or(|open| open.covers(day()))
                }
                // Only a date that the zone skips.
                _ => !steady && day().is_empty(),
            }
    }

    /// The longest block that its hours can make while no clock is changed; `None` if it has no such bound.
    fn longest_ms(&self) -> Option<Millis> {
        let allow = &self.policy.allow;
        let bounded = !allow.always && !allow.non_working_days;
        allow.nights.filter(|nights| bounded && nights.pause_ms() > 0).map(|nights| DAY - nights.pause_ms())
    }
}

/// Local time since midnight.
fn of_day(time: Time) -> Millis {
    HOUR * Millis::from(time.hour()) + MINUTE * Millis::from(time.minute()) + SECOND * Millis::from(time.second())
}

impl DayPart {
    /// Local time between its end and its next start; negative if they overlap.
    fn pause_ms(self) -> Millis {
        of_day(self.start) + DAY - of_day(self.end) - DAY * Millis::from(self.end_day_offset)
    }

    /// How much of it touches the end of the day on which it begins, and the beginning of the next; `None` if there is no
    /// pause.
    fn edges_ms(self) -> Option<(Millis, Millis)> {
        let edges =
            if self.end_day_offset == 0 { (0, of_day(self.end)) } else { (DAY - of_day(self.start), of_day(self.end)) };
        (self.pause_ms() > 0).then_some(edges)
    }

    /// The instants of the part that begins on a date.
    pub(super) fn on(self, zone: &civil::Zone, date: Date) -> Span {
        let last = (0..self.end_day_offset).fold(date, |d, _| day_after(d));
        Span::new(
            zone.instant(DateTime::from_parts(date, self.start)),
            zone.instant(DateTime::from_parts(last, self.end)),
        )
    }
}

/// `22:00-06:00+1`.
impl std::fmt::Display for DayPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock = |t: Time| format!("{:02}:{:02}", t.hour(), t.minute());
        match self.end_day_offset {
            0 => write!(f, "{}-{}", clock(self.start), clock(self.end)),
            n => write!(f, "{}-{}+{n}", clock(self.start), clock(self.end)),
        }
    }
}
