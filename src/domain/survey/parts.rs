//! Hours of the day that are shut: nights, lunch, the evening of a month's last day.
//!
//! Not here: days that are shut from end to end (`whole_days`); they say nothing about their hours and are left out.

use super::finding::{Days, Finding, FindingKind, Minute};
use super::grid::{DaySeen, Grid, Seen};
use super::search::{Evidence, holds, monthly};

/// A pattern by the month is not looked for below so many hours: three times by chance is not rare enough.
const MONTHLY_HOURS: usize = 3;
/// Visits of the hours at the edges that must fail before the edge is moved into them, in per cent.
const EDGE_FROM: u64 = 15;
/// Edges are told to this many minutes.
const EDGE_STEP: u64 = 5;

/// Hours of a day, 24 of them; those behind the first may lie on the next day.
struct Block {
    first: usize,
    len: usize,
}

impl Block {
    fn hours(&self) -> impl Iterator<Item = usize> + '_ {
        (self.first..self.first + self.len).map(|hour| hour % 24)
    }
}

/// Hours in which it is shut, the widest pattern first; what one explains the next need not.
pub(super) fn closed(grid: &Grid) -> Vec<Finding> {
    let mut days: Vec<DaySeen> = grid.days.iter().filter(|day| day.closed() != Some(true)).cloned().collect();
    let mut found = Vec::new();
    let wide = [Days::Every, Days::Working, Days::NonWorking, Days::Weekends];
    let months = (1..=3).rev().map(Days::MonthEnd).chain([Days::MonthStart]);
    for which in wide.into_iter().chain((0..7).map(Days::Weekday)).chain(months) {
        for block in blocks(&days, which) {
            if let Some(finding) = judge(&days, which, &block) {
                found.push(finding);
                explain(&mut days, which, &block);
            }
        }
    }
    found
}

/// Runs of hours each of which is mostly shut on those days; around midnight where days follow one another.
fn blocks(days: &[DaySeen], which: Days) -> Vec<Block> {
    let shut: [bool; 24] = std::array::from_fn(|hour| {
        let cells = days.iter().filter(|day| which.hold(day)).map(|day| &day.cells[hour]).filter(|c| c.counts());
        let (n, k) = cells.fold((0, 0), |(n, k), cell| (n + 1, k + usize::from(cell.is_shut())));
        n >= 3 && 100 * k >= 85 * n
    });
    let around = matches!(which, Days::Every | Days::Working | Days::NonWorking);
    // Begin behind an hour that is open, so that a run over midnight is one.
    let begin = if around { shut.iter().position(|s| !s).unwrap_or(0) } else { 0 };
    let mut blocks: Vec<Block> = Vec::new();
    for step in 0..24 {
        let hour = begin + step;
        match blocks.last_mut() {
            _ if !shut[hour % 24] => {}
            Some(last) if last.first + last.len == hour => last.len += 1,
            _ => blocks.push(Block { first: hour, len: 1 }),
        }
    }
    blocks.into_iter().map(|b| Block { first: b.first % 24, len: b.len }).collect()
}

/// Whether the whole block is shut on a day; none if less than half of it was seen.
fn bears(day: &DaySeen, block: &Block) -> Option<bool> {
    let cells: Vec<&Seen> = block.hours().map(|hour| &day.cells[hour]).filter(|c| c.counts()).collect();
    let shut = cells.iter().filter(|c| c.is_shut()).count();
    (2 * cells.len() >= block.len).then_some(10 * shut >= 8 * cells.len())
}

fn judge(days: &[DaySeen], which: Days, block: &Block) -> Option<Finding> {
    if monthly(which) && block.len < MONTHLY_HOURS {
        return None;
    }
    let seen = days.iter().filter_map(|day| Some((day, bears(day, block)?)));
    let (inside, outside): (Evidence<'_>, Evidence<'_>) = seen.partition(|(day, _)| which.hold(day));
    holds(which, &inside, &outside).then(|| {
        let (from, to) = edges(&inside, block);
        Finding::of(FindingKind::ClosedHours { days: which, from, to }, inside.into_iter())
    })
}

/// From when to when, to a few minutes: what fails of the hours before and behind is taken to touch the block.
fn edges(inside: &Evidence<'_>, block: &Block) -> (Minute, Minute) {
    let (first, end) = (block.first * 60, (block.first + block.len) * 60);
    if block.len >= 23 {
        return (minute(first), minute(end));
    }
    let before = beside(inside, (block.first + 23) % 24);
    let behind = beside(inside, (block.first + block.len) % 24);
    // A run that would begin yesterday is told by the clock all the same.
    let first = if first < before { first + 1440 - before } else { first - before };
    let end = if first >= 1440 { end + 1440 } else { end };
    let (first, end) = if first >= 1440 { (first - 1440, end - 1440) } else { (first, end) };
    let end = if end <= first { end + 1440 } else { end };
    (minute(first), minute(end + behind))
}

/// Minutes of an hour that fail on days that bear the pattern out.
fn beside(inside: &Evidence<'_>, hour: usize) -> usize {
    let cells = inside.iter().filter(|(_, bears)| *bears).map(|(day, _)| &day.cells[hour]).filter(|c| c.counts());
    let (visits, failed) = cells.fold((0, 0), |(v, f), cell| (v + u64::from(cell.visits), f + u64::from(cell.failed)));
    if visits == 0 || 100 * failed < EDGE_FROM * visits {
        return 0;
    }
    let steps = (60 * failed / EDGE_STEP + visits / 2) / visits;
    usize::try_from(steps * EDGE_STEP).unwrap_or_default().min(60)
}

fn minute(of: usize) -> Minute {
    Minute::try_from(of).unwrap_or(Minute::MAX)
}

/// What is explained once is not seen again.
fn explain(days: &mut [DaySeen], which: Days, block: &Block) {
    for day in days.iter_mut().filter(|day| which.hold(day)) {
        for hour in block.hours() {
            day.cells[hour].state = super::grid::State::Unknown;
        }
    }
}
