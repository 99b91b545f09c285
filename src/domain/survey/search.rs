//! When days agree well enough, and too well for chance.

use super::Days;
use super::confidence::tail;
use super::grid::{DayKind, DaySeen};
use std::collections::BTreeSet;

/// The share of days that must agree, in per cent.
const AGREE_FROM: u32 = 85;
/// The share of every part of them that must at least agree, in per cent: Sundays that are open are no part of "daily".
const PART_FROM: u32 = 50;
/// A pattern that chance alone makes more often than this is none.
const CHANCE_MAX: f64 = 1e-5;
/// Chance is never taken for smaller than this a day: nobody has seen enough days to say so.
const BASE_MIN: f64 = 0.01;

/// Days with what was seen of each: whether it bears the pattern out.
pub(super) type Evidence<'a> = Vec<(&'a DaySeen, bool)>;

/// Whether days that `days` names agree, and others do not alike.
///
/// `inside` are those days, `outside` the others; both without those of which too little was seen.
pub(super) fn holds(days: Days, inside: &Evidence<'_>, outside: &Evidence<'_>) -> bool {
    let (n, k) = count(inside);
    if n < least(days) || 100 * k < AGREE_FROM * n {
        return false;
    }
    if monthly(days) && inside.iter().map(|(day, _)| day.date.first_of_month()).collect::<BTreeSet<_>>().len() < 3 {
        return false;
    }
    if !parts(days).iter().all(|part| part_agrees(part, inside)) {
        return false;
    }
    let (others, alike) = count(outside);
    let base = if others == 0 { BASE_MIN } else { f64::from(alike) / f64::from(others) };
    tail(n, k, base.max(BASE_MIN)) <= CHANCE_MAX
}

/// How many, and how many of them bear the pattern out.
pub(super) fn count(days: &Evidence<'_>) -> (u32, u32) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(days.len()), number(days.iter().filter(|(_, bears)| *bears).count()))
}

/// Whether days recur by the month rather than by the week.
pub(super) fn monthly(days: Days) -> bool {
    matches!(days, Days::MonthEnd(_) | Days::MonthStart)
}

/// Below this number of days nothing is said.
fn least(days: Days) -> u32 {
    match days {
        Days::Every | Days::Working => 10,
        Days::NonWorking | Days::Weekends => 6,
        Days::Weekday(_) => 4,
        Days::Holidays | Days::MonthEnd(_) | Days::MonthStart => 3,
        Days::MakeUp => 1,
    }
}

/// A part of the days, and from how many on it has a say; those that must be there need at least one.
struct Part {
    holds: fn(&DaySeen) -> bool,
    from: u32,
    must_be: bool,
}

fn parts(days: Days) -> Vec<Part> {
    let part = |holds, from| Part { holds, from, must_be: false };
    let weekdays: [fn(&DaySeen) -> bool; 7] = [
        |d| d.weekday == 0,
        |d| d.weekday == 1,
        |d| d.weekday == 2,
        |d| d.weekday == 3,
        |d| d.weekday == 4,
        |d| d.weekday == 5,
        |d| d.weekday == 6,
    ];
    match days {
        Days::Every => {
            let kinds: [fn(&DaySeen) -> bool; 2] = [|d| d.kind == DayKind::Working, |d| d.kind == DayKind::NonWorking];
            let kinds = kinds.into_iter().map(|holds| Part { holds, from: 3, must_be: true });
            weekdays.into_iter().map(|w| part(w, 3)).chain(kinds).collect()
        }
        Days::Working => weekdays[..5].iter().map(|w| part(*w, 3)).collect(),
        Days::NonWorking => {
            vec![part(weekdays[5], 3), part(weekdays[6], 3), part(DaySeen::is_holiday, 2)]
        }
        Days::Weekends => vec![part(weekdays[5], 3), part(weekdays[6], 3)],
        Days::MonthEnd(last) => {
            let each: [fn(&DaySeen) -> bool; 3] = [|d| d.from_end == 0, |d| d.from_end == 1, |d| d.from_end == 2];
            each.into_iter().take(usize::from(last)).map(|holds| Part { holds, from: 2, must_be: true }).collect()
        }
        Days::Weekday(_) | Days::Holidays | Days::MonthStart | Days::MakeUp => Vec::new(),
    }
}

fn part_agrees(part: &Part, inside: &Evidence<'_>) -> bool {
    let mine: Evidence<'_> = inside.iter().filter(|(day, _)| (part.holds)(day)).copied().collect();
    let (n, k) = count(&mine);
    if n < part.from { !part.must_be } else { 100 * k >= PART_FROM * n }
}
