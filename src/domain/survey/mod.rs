//! The service-hours survey: what owners declare, what was observed, and what dependencies leave of it.
//!
//! Reading order: `hours` (what was counted), `grid` (civil days of it), `week` (2 × 168 cells), `confidence`, then
//! `search`, `whole_days`, `parts`, `longer` and `chain` (what is found), `finding` and `words` (how it is told).
//! Not here: where the counts come from (the store's hourly tallies). Invariants: hours inside planned maintenance say
//! nothing, nor do hours of which less than half was seen; a finding names its occasions, its exceptions and its interval.

mod chain;
mod confidence;
mod finding;
mod grid;
mod hours;
mod longer;
mod make_up;
mod parts;
mod search;
mod week;
mod whole_days;
mod words;

#[cfg(test)]
mod tests;

pub use chain::{Link, chain};
pub use confidence::{Interval, tail, wilson};
pub use finding::{Days, Finding, FindingKind, Minute};
pub use grid::DayKind;
pub use hours::{Gathering, HourSeen, planned_maintenance};
pub use week::{Cell, Week};
pub use words::{chain_text, clock, days_text};

use super::hours::EffectiveHours;
use super::*;
use grid::Grid;

/// The longest stretch that is surveyed.
pub const PERIOD_MAX_MS: Millis = 400 * DAY;

/// The stretch that is surveyed when none is asked for: long enough for three ends of a month.
pub const PERIOD_MS: Millis = 92 * DAY;

/// What is known of the hours of one subsystem.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Which one.
    pub subsystem: SubsystemId,
    /// What was surveyed.
    pub period: Span,
    /// Declared time inside the period.
    pub declared_ms: Millis,
    /// What dependencies leave of it.
    pub effective_ms: Millis,
    /// The hours rest on a year that is not published.
    pub provisional: bool,
    /// Days of the period of which anything was seen.
    pub days_seen: u32,
    /// Days that the period has.
    pub days: u32,
    /// Visits inside declared hours and outside planned maintenance, and how many of them failed.
    pub visits: (u64, u64),
    /// Observed weeks: of working days, and of the others.
    pub weeks: [Week; 2],
    /// What is wrong with the declaration, the heaviest first.
    pub findings: Vec<Finding>,
}

/// Surveys one subsystem over the span of `effective`; `seen` in order of time.
pub fn survey(
    inventory: &Inventory,
    effective: &mut EffectiveHours<'_>,
    subsystem: &Subsystem,
    seen: &[HourSeen],
    maintenance: &SpanSet,
) -> Survey {
    let (period, owner) = (effective.within(), subsystem.id.owner());
    let declared = subsystem.hours.spans(&inventory.zone, &inventory.calendar, Some(&owner), period);
    let left = effective.of(&subsystem.id);
    let grid = Grid::new(inventory, &owner, period, &declared.set, seen, maintenance);
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(chain::shortened(inventory, effective, subsystem, &declared.set));
    match whole_days::never_open(&grid) {
        Some(never) => findings.push(never),
        None => {
            let closed = whole_days::closed(&grid);
            findings.extend(make_up::ignored(&grid));
            findings.extend(parts::closed(&grid));
            findings.extend(closed);
            findings.extend(longer::open(&grid));
        }
    }
    findings.sort_by_key(|finding| finding.kind.rank());
    Survey {
        subsystem: subsystem.id.clone(),
        period,
        declared_ms: declared.set.len_ms(),
        effective_ms: left.set.len_ms(),
        provisional: declared.provisional || left.provisional,
        days_seen: grid.days_seen(),
        days: u32::try_from(grid.days.len()).unwrap_or(u32::MAX),
        visits: grid.visits(),
        weeks: DayKind::ALL.map(|kind| Week::of(&grid, kind)),
        findings,
    }
}
