//! The observed week: seven days of twenty-four cells, once for working days and once for the others.

use super::confidence::{Interval, wilson};
use super::grid::{DayKind, Grid};

/// One hour of one weekday, over all days of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Days on which it was seen.
    pub days: u32,
    /// Visits on those days.
    pub visits: u64,
    /// Those that did not open in time.
    pub failed: u64,
}

impl Cell {
    /// The share of visits that opened; `None` if there was none.
    pub fn availability(&self) -> Option<f64> {
        (self.visits > 0).then(|| 1.0 - self.failed as f64 / self.visits as f64)
    }

    /// Wilson's interval of it, over days.
    pub fn interval(&self) -> Option<Interval> {
        self.availability().map(|share| wilson(share, self.days))
    }
}

/// 168 cells, Monday 00:00 first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Of which days.
    pub kind: DayKind,
    /// Seven rows, Monday first, of 24 hours.
    pub cells: [[Cell; 24]; 7],
}

impl Week {
    pub(super) fn of(grid: &Grid, kind: DayKind) -> Self {
        let mut cells = [[Cell::default(); 24]; 7];
        for day in grid.days.iter().filter(|day| day.kind == kind) {
            for (cell, seen) in cells[day.weekday].iter_mut().zip(&day.cells).filter(|(_, seen)| seen.is_known()) {
                cell.days += 1;
                cell.visits += u64::from(seen.visits);
                cell.failed += u64::from(seen.failed);
            }
        }
        Self { kind, cells }
    }
}
