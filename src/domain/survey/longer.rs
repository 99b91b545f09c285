//! Hours that are served though nobody declares them: a declaration that could be longer.

use super::confidence::wilson;
use super::finding::{Days, Finding, FindingKind, Minute};
use super::grid::{DaySeen, Declared, Grid, State};

/// The lower bound that open days must reach before an hour counts as served.
const SERVED_FROM: f64 = 0.8;
/// Shorter runs are not worth a word.
const HOURS_MIN: usize = 2;

/// Runs of undeclared hours that are as good as always open, by kind of day.
pub(super) fn open(grid: &Grid) -> Vec<Finding> {
    [Days::Working, Days::NonWorking].into_iter().flat_map(|days| runs(grid, days)).collect()
}

fn runs(grid: &Grid, which: Days) -> Vec<Finding> {
    let days: Vec<&DaySeen> = grid.days.iter().filter(|day| which.hold(day)).collect();
    let served: Vec<bool> = (0..24).map(|hour| is_served(&days, hour)).collect();
    let mut found = Vec::new();
    let mut first = 0;
    while first < 24 {
        let len = served[first..].iter().take_while(|s| **s).count();
        if len >= HOURS_MIN {
            let kind = FindingKind::OpenLonger { days: which, from: minute(first), to: minute(first + len) };
            let seen = days.iter().filter_map(|day| Some((*day, bears(day, first, len)?)));
            found.push(Finding::of(kind, seen));
        }
        first += len.max(1);
    }
    found
}

/// Never declared on those days, and open on as good as all of them.
fn is_served(days: &[&DaySeen], hour: usize) -> bool {
    let cells = || days.iter().map(|day| &day.cells[hour]);
    let (n, k) = cells()
        .filter(|c| c.is_known())
        .fold((0_u32, 0_u32), |(n, k), cell| (n + 1, k + u32::from(cell.state == State::Open)));
    let undeclared = cells().all(|cell| cell.declared == Declared::None);
    undeclared && n > 0 && wilson(f64::from(k) / f64::from(n), n).low >= SERVED_FROM
}

fn bears(day: &DaySeen, first: usize, len: usize) -> Option<bool> {
    let known = day.cells[first..first + len].iter().filter(|c| c.is_known());
    let (n, k) = known.fold((0, 0), |(n, k), cell| (n + 1, k + usize::from(cell.state == State::Open)));
    (2 * n >= len).then_some(n == k)
}

fn minute(hour: usize) -> Minute {
    Minute::try_from(hour * 60).unwrap_or(Minute::MAX)
}
