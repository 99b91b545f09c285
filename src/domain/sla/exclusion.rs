//! Which time a promise leaves out: the used part of valid windows, up to the cap of each civil month.
//!
//! Not here: whether a window was valid (`window`, `policy`). Invariants: only eligible time spends the cap, in order
//! of time, by the month of the instant; so the answer about an instant does not depend on the period that asks.

use super::evidence::Evidence;
use super::*;
use crate::domain::civil::{Zone, day_after};

/// The span over which hours and windows must be known to account for `period`: from the start of the civil month
/// that holds its start, because that month's cap may be spent already.
pub fn reach(period: Span, zone: &Zone) -> Span {
    Span::new(month(period.start, zone).start, period.end)
}

/// The time that valid windows exclude in `within`, up to `now` and since the first attempt.
///
/// `hours` must be known over [`reach`] of `within`.
pub fn excluded(
    objective: &Objective,
    hours: &SpanSet,
    within: Span,
    now: Timestamp,
    evidence: &Evidence<'_>,
    zone: &Zone,
) -> SpanSet {
    let Some(first) = evidence.timeline.first() else { return SpanSet::EMPTY };
    // Most subsystems have no window near: nothing to ask the zone for.
    let ends = Span::new(first, now.min(within.end));
    let near = Span::new(within.start - 32 * DAY, ends.end);
    if evidence.valid.clip(near).is_empty() {
        return SpanSet::EMPTY;
    }
    let used = evidence.valid.clip(reach(within, zone).intersect(ends));
    capped(&used.intersect(hours), objective.exclusion_cap_ms, zone).clip(within)
}

impl UsedWindow {
    /// The used part: from the start to the restore or the approved end, whichever is first.
    pub fn used(&self) -> Span {
        Span::new(self.approved.start, self.restored.min(self.approved.end))
    }

    /// What followed its approved end.
    pub fn overrun(&self) -> Span {
        Span::new(self.approved.end, self.restored)
    }
}

/// The first `cap_ms` of each civil month.
fn capped(used: &SpanSet, cap_ms: Millis, zone: &Zone) -> SpanSet {
    let mut kept = Vec::new();
    let mut current = Span::new(Timestamp::MIN, Timestamp::MIN);
    let mut left_ms = 0;
    for span in used.spans() {
        let mut rest = *span;
        while !rest.is_empty() {
            if !current.contains(rest.start) {
                (current, left_ms) = (month(rest.start, zone), cap_ms);
            }
            let part = rest.intersect(current);
            let free = Span::lasting(part.start, part.len_ms().min(left_ms));
            left_ms -= free.len_ms();
            kept.push(free);
            rest.start = part.end;
        }
    }
    kept.into_iter().collect()
}

/// The civil month that holds `at`.
fn month(at: Timestamp, zone: &Zone) -> Span {
    let date = zone.date(at);
    Span::new(zone.midnight(date.first_of_month()), zone.midnight(day_after(date.last_of_month())))
}
