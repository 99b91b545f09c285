//! From a schedule's text to its windows: civil starts, instants, stable ids.
//!
//! Not here: whether they are allowed (`policy::admit`). Invariants: what is expanded does not depend on the span that
//! is looked at; starts that fall on one instant are one window, named after the earliest civil start.

use super::cron::Cron;
use super::rule::Rule;
use super::{Planned, Recurrence, Schedule};
use crate::domain::civil::{Zone, day_after, day_before};
use crate::domain::*;
use jiff::civil::{Date, DateTime};
use sha2::Digest;

/// Windows of one schedule that `expand` gives at most, from the earliest on.
pub const WINDOWS_MAX: usize = 10_000;

/// Starts that one schedule may have on one day: maintenance more often than hourly is a mistake in the expression.
pub const STARTS_PER_DAY_MAX: usize = 24;

/// Checks a cron expression of a schedule; the error is a sentence with its byte offset.
pub fn check_cron(text: &str) -> Result<Recurrence, (usize, String)> {
    let starts = Cron::parse(text)?.starts_per_day();
    if starts > STARTS_PER_DAY_MAX {
        return Err((0, format!("`{text}` starts {starts} windows a day; at most {STARTS_PER_DAY_MAX} are possible")));
    }
    Ok(Recurrence::Cron(text.to_owned()))
}

/// Checks a rule of a schedule; the error is a sentence with its byte offset.
pub fn check_rule(text: &str, from: DateTime) -> Result<Recurrence, (usize, String)> {
    Rule::check(text, from)?;
    Ok(Recurrence::Rule { text: text.to_owned(), from })
}

/// The windows of a schedule that share an instant with `within`, in order of time.
pub fn expand(schedule: &Schedule, zone: &Zone, within: Span) -> Vec<Planned> {
    if within.is_empty() {
        return Vec::new();
    }
    // A day on either side is more than any change of a clock moves a start.
    let first = day_before(zone.date(within.start - schedule.lasts_ms)).at(0, 0, 0, 0);
    let last = day_after(day_after(zone.date(within.end))).at(0, 0, 0, 0);
    let mut starts: Vec<(Timestamp, DateTime)> = civil_starts(&schedule.starts, first, last)
        .into_iter()
        .filter(|civil| !schedule.except.contains(&civil.date()))
        .chain(schedule.also.iter().copied().filter(|civil| first <= *civil && *civil < last))
        .map(|civil| (zone.instant(civil), civil))
        .collect();
    starts.sort_unstable();
    starts.dedup_by_key(|(instant, _)| *instant);
    let planned = starts.into_iter().map(|(instant, civil_start)| Planned {
        id: window_id(&schedule.id, civil_start),
        civil_start,
        span: Span::lasting(instant, schedule.lasts_ms),
    });
    planned.filter(|p| p.span.overlaps(within)).collect()
}

/// `{schedule}.{first 8 hex of SHA-256(schedule id, LF, civil start as YYYY-MM-DDTHH:MM:SS)}`.
pub fn window_id(schedule: &ScheduleId, civil_start: DateTime) -> WindowId {
    let (date, time) = (civil_start.date(), civil_start.time());
    let civil = format!("{date}T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    let digest = sha2::Sha256::digest(format!("{schedule}\n{civil}"));
    let hex: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    WindowId::new(format!("{schedule}.{hex}"))
}

/// Whether a recurrence has a start on a date.
pub fn starts_on(recurrence: &Recurrence, date: Date) -> bool {
    !civil_starts(recurrence, date.at(0, 0, 0, 0), day_after(date).at(0, 0, 0, 0)).is_empty()
}

/// Whether a recurrence has a start at a local time.
pub fn starts_at(recurrence: &Recurrence, civil: DateTime) -> bool {
    let next = civil.checked_add(jiff::Span::new().seconds(1)).unwrap_or(DateTime::MAX);
    civil_starts(recurrence, civil, next).contains(&civil)
}

/// Civil starts from `first` to before `last`, at most `WINDOWS_MAX`.
fn civil_starts(recurrence: &Recurrence, first: DateTime, last: DateTime) -> Vec<DateTime> {
    let inside = |civil: &DateTime| first <= *civil && *civil < last;
    match recurrence {
        // `config` has checked the text; what does not parse starts nothing.
        Recurrence::Cron(text) => match Cron::parse(text) {
            Ok(cron) => cron.starts(first, last).take(WINDOWS_MAX).collect(),
            Err(_) => Vec::new(),
        },
        Recurrence::Rule { text, from } => match Rule::parse(text, *from) {
            Ok(rule) => rule.starts(first, last),
            Err(_) => Vec::new(),
        },
        Recurrence::Nth { weekday, n, at } => months(first.date(), last.date())
            .filter_map(|month| month.nth_weekday_of_month(*n, *weekday).ok())
            .map(|date| date.to_datetime(*at))
            .filter(inside)
            .take(WINDOWS_MAX)
            .collect(),
        Recurrence::Dates(dates) => {
            let mut dates: Vec<DateTime> = dates.iter().copied().filter(inside).collect();
            dates.sort_unstable();
            dates.truncate(WINDOWS_MAX);
            dates
        }
    }
}

/// The first of every month that two dates touch.
fn months(first: Date, last: Date) -> impl Iterator<Item = Date> {
    let next = |month: &Date| day_after(month.last_of_month());
    std::iter::successors(Some(first.first_of_month()), move |m| Some(next(m)).filter(|n| n > m))
        .take_while(move |month| *month <= last)
}

#[cfg(test)]
mod tests;
