//! The instants at which a set of rules allows maintenance, computed day by day and only as far as asked.
//!
//! Not here: reasons (`reason`). Invariants: a date that the calendar does not cover holds no allowed instant; a search
//! ends where the covered dates end; a block is joined over midnights for as long as no instant is missing.

use super::{DayPart, Freeze, Policy};
use crate::domain::civil::{day_after, day_before};
use crate::domain::*;
use jiff::civil::{Date, DateTime, Time};

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
        let closed = !self.inventory.calendar.covered(date)
            || self.freezes.iter().any(|f| f.dates.iter().any(|d| d.contains(date)))
            || self.governed.iter().any(|g| g.policy.deny.iter().any(|d| d.contains(date)));
        if closed || self.governed.is_empty() {
            return SpanSet::EMPTY;
        }
        let mut set = SpanSet::from(self.inventory.zone.day(date));
        for governed in &self.governed {
            if let Some(part) = governed.open_part(self.inventory, date) {
                set = set.intersect(&part);
            }
        }
        set
    }

    /// The allowed instants inside a span.
    pub(super) fn set(&self, within: Span) -> SpanSet {
        let days = self.inventory.zone.dates(within).map(|d| self.day(d));
        days.flat_map(|set| set.spans().to_vec()).collect::<SpanSet>().clip(within)
    }

    /// The earliest start from `from` on of an allowed stretch of `ms` milliseconds.
    pub(super) fn first_fit(&self, from: Timestamp, ms: Millis) -> Option<Timestamp> {
        let zone = &self.inventory.zone;
        let limit = self.inventory.calendar.covered_until(zone)?;
        let mut block = Span::new(from, from);
        let mut date = zone.date(from);
        while let Some(next) = self.covered_from(date).filter(|d| zone.midnight(*d) < limit) {
            for part in self.day(next).clip(Span::new(from, limit)).spans() {
                block = if block.end == part.start { Span::new(block.start, part.end) } else { *part };
                if block.len_ms() >= ms {
                    return Some(block.start);
                }
            }
            date = day_after(next);
        }
        None
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
        let mut date = self.inventory.zone.date(at);
        let mut block = Span::new(at, self.day(date).span_at(at)?.end);
        while block.end == self.inventory.zone.day(date).end && date < Date::MAX {
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
        let allow = &self.policy.allow;
        if allow.always {
            return None;
        }
        if allow.non_working_days && !inventory.calendar.day(date, self.overlay.as_ref()).is_working() {
            return None;
        }
        let zone = &inventory.zone;
        let night = |part: DayPart| {
            let nights = [day_before(date), date].map(|d| part.on(zone, d).intersect(zone.day(date)));
            nights.into_iter().collect()
        };
        Some(allow.nights.map_or(SpanSet::EMPTY, night))
    }
}

impl DayPart {
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
