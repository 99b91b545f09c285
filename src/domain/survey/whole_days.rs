//! Days that are shut from end to end: weekends, holidays, the last days of a month.

use super::finding::{Days, Finding, FindingKind};
use super::grid::{DaySeen, Grid};
use super::search::{Evidence, holds};

/// Hours that must be known before a subsystem may be called dead.
const NEVER_FROM: usize = 72;

/// Nothing answered inside declared hours.
pub(super) fn never_open(grid: &Grid) -> Option<Finding> {
    let cells = || grid.days.iter().flat_map(|day| &day.cells).filter(|cell| cell.counts());
    let (known, shut) = (cells().count(), cells().filter(|cell| cell.is_shut()).count());
    let seen = grid.days.iter().filter_map(|day| day.closed().map(|closed| (day, closed)));
    (known >= NEVER_FROM && 100 * shut >= 97 * known).then(|| Finding::of(FindingKind::NeverOpen, seen))
}

/// Whole days on which it is shut, the widest pattern first; what one explains the next need not.
pub(super) fn closed(grid: &Grid) -> Vec<Finding> {
    let mut left: Evidence<'_> = grid.days.iter().filter_map(|day| Some((day, day.closed()?))).collect();
    let mut found = Vec::new();
    if let Some(days) = week_end(&left) {
        take(&mut found, &mut left, days);
    }
    for days in (0..7).map(Days::Weekday).chain([Days::Holidays]).chain((1..=3).rev().map(Days::MonthEnd)) {
        take_if(&mut found, &mut left, days);
    }
    take_if(&mut found, &mut left, Days::MonthStart);
    found
}

/// Days that are not worked, or the plain weekend: whichever fits better.
fn week_end(left: &Evidence<'_>) -> Option<Days> {
    let both = [Days::NonWorking, Days::Weekends].into_iter().filter(|days| stands(left, *days));
    both.min_by_key(|days| left.iter().filter(|(day, closed)| days.hold(day) != *closed).count())
}

fn stands(left: &Evidence<'_>, days: Days) -> bool {
    let (inside, outside): (Evidence<'_>, Evidence<'_>) = left.iter().copied().partition(|(day, _)| days.hold(day));
    holds(days, &inside, &outside)
}

fn take_if(found: &mut Vec<Finding>, left: &mut Evidence<'_>, days: Days) {
    if stands(left, days) {
        take(found, left, days);
    }
}

fn take(found: &mut Vec<Finding>, left: &mut Evidence<'_>, days: Days) {
    let inside = left.iter().copied().filter(|(day, _): &(&DaySeen, bool)| days.hold(day));
    found.push(Finding::of(FindingKind::ClosedDays(days), inside));
    left.retain(|(day, _)| !days.hold(day));
}
