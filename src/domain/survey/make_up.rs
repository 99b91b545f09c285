//! Saturdays and Sundays that are worked, and a service that keeps its weekend all the same.
//!
//! One make-up workday alone proves little: an outage may hit it. So it takes a service that is open on ordinary
//! working days and shut on ordinary weekends, in the very hours that were shut on the make-up workday.

use super::finding::{Days, Finding, FindingKind};
use super::grid::{DaySeen, Grid, State};

/// Ordinary days that must be seen of either sort.
const DAYS_MIN: usize = 4;
/// Hours that are served on working days; fewer say nothing.
const HOURS_MIN: usize = 3;

/// The finding, if every make-up workday that was seen was shut but for one in ten.
pub(super) fn ignored(grid: &Grid) -> Option<Finding> {
    let worked = |day: &&DaySeen| Days::Working.hold(day) && !day.is_weekend();
    let weekend = |day: &&DaySeen| day.is_weekend() && !day.is_make_up();
    let served: Vec<usize> = (0..24)
        .filter(|hour| share(grid, worked, *hour, State::Open).is_some_and(|s| s >= 0.8))
        .filter(|hour| share(grid, weekend, *hour, State::Shut).is_some_and(|s| s >= 0.85))
        .collect();
    if served.len() < HOURS_MIN {
        return None;
    }
    let make_up = grid.days.iter().filter(|day| day.is_make_up());
    let seen: Vec<(&DaySeen, bool)> = make_up.filter_map(|day| Some((day, is_shut(day, &served)?))).collect();
    let shut = seen.iter().filter(|(_, shut)| *shut).count();
    (shut > 0 && 10 * shut >= 9 * seen.len()).then(|| Finding::of(FindingKind::IgnoresMakeUp, seen.into_iter()))
}

/// The share of those days on which an hour was in a state; none if too few were seen.
fn share(grid: &Grid, which: impl Fn(&&DaySeen) -> bool, hour: usize, state: State) -> Option<f64> {
    let known: Vec<State> =
        grid.days.iter().filter(which).map(|day| day.cells[hour].state).filter(|s| *s != State::Unknown).collect();
    let alike = known.iter().filter(|s| **s == state).count();
    (known.len() >= DAYS_MIN).then(|| alike as f64 / known.len() as f64)
}

fn is_shut(day: &DaySeen, served: &[usize]) -> Option<bool> {
    let known: Vec<State> = served.iter().map(|h| day.cells[*h].state).filter(|s| *s != State::Unknown).collect();
    let shut = known.iter().filter(|s| **s == State::Shut).count();
    (known.len() >= HOURS_MIN && 2 * known.len() >= served.len()).then_some(10 * shut >= 9 * known.len())
}
