//! Five-field POSIX cron for people, translated for the engine crate, which counts weekdays and seconds otherwise.
//!
//! Civil times only: the caller maps them to instants, so the engine's own rules for changed clocks never run.
//! Invariants: Sunday is 0 and 7; weekday ranges may wrap; if both day fields are other than `*`, either one matches;
//! what never fires is refused; every error names a byte offset.

mod field;

use chrono::{DateTime as Utc, Datelike, Timelike};
use field::{Field, Values};
use jiff::civil::DateTime;
use std::str::FromStr;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Cron {
    /// One engine schedule, or two of which either matches: by day of month and by weekday.
    engines: Vec<cron::Schedule>,
    starts_per_day: usize,
}

impl Cron {
    /// Parses `minute hour day-of-month month day-of-week`; the error is a sentence with its byte offset.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let words = words(text);
        let [minute, hour, dom, month, dow] = words[..] else {
            let found = words.len();
            let hint = "minute hour day-of-month month day-of-week, like `0 23 * * 6`";
            return Err((0, format!("a cron expression has five fields, not {found}; write {hint}")));
        };
        let minutes = field::parse(&Field::MINUTE, minute)?;
        let hours = field::parse(&Field::HOUR, hour)?;
        let days = field::parse(&Field::DAY_OF_MONTH, dom)?;
        let months = field::parse(&Field::MONTH, month)?;
        let weekdays = field::parse(&Field::DAY_OF_WEEK, dow)?;
        if weekdays.is_star() && !fires(&days, &months) {
            return Err((
                dom.0,
                format!("`{} {} {}` never fires; no such month has such a day", dom.1, month.1, dow.1),
            ));
        }
        let engine = |days: &str, weekdays: &str| {
            let (minutes, hours, months) = (minutes.list(), hours.list(), months.list());
            let expression = format!("0 {minutes} {hours} {days} {months} {weekdays}");
            cron::Schedule::from_str(&expression).map_err(|e| (0, format!("`{text}` cannot be understood: {e}")))
        };
        let engines = match (days.is_star(), weekdays.is_star()) {
            (_, true) => vec![engine(&days.list(), "*")?],
            (true, false) => vec![engine("*", &weekdays.list_from_one())?],
            (false, false) => vec![engine(&days.list(), "*")?, engine("*", &weekdays.list_from_one())?],
        };
        Ok(Self { engines, starts_per_day: minutes.count() * hours.count() })
    }

    /// How often it fires on a day on which it fires.
    pub fn starts_per_day(&self) -> usize {
        self.starts_per_day
    }

    /// The civil times from `from` to before `to` at which it fires, in order, each once.
    pub fn starts(&self, from: DateTime, to: DateTime) -> impl Iterator<Item = DateTime> + '_ {
        // The engine asks for the instant before the first; civil times stand in as UTC.
        let after = as_utc(from).map(|t| t - chrono::Duration::seconds(1));
        let mut each: Vec<_> =
            after.into_iter().flat_map(|t| self.engines.iter().map(move |e| e.after(&t).peekable())).collect();
        std::iter::from_fn(move || {
            let next = each.iter_mut().filter_map(|e| e.peek().copied()).min()?;
            each.iter_mut().for_each(|e| {
                e.next_if_eq(&next);
            });
            as_civil(next)
        })
        .take_while(move |t| *t < to)
    }
}

/// Words with their byte offsets.
fn words(text: &str) -> Vec<(usize, &str)> {
    let offset = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(|word| (offset(word), word)).collect()
}

/// Whether any of the months has any of the days, leap years counted in.
fn fires(days: &Values, months: &Values) -> bool {
    const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let first = days.least();
    (1..=12u8).zip(LENGTHS).any(|(month, length)| months.has(month) && first <= length)
}

pub(super) fn as_utc(civil: DateTime) -> Option<Utc<chrono::Utc>> {
    let part = |n: i8| u32::from(n.unsigned_abs());
    let date = chrono::NaiveDate::from_ymd_opt(civil.year().into(), part(civil.month()), part(civil.day()))?;
    Some(date.and_hms_opt(part(civil.hour()), part(civil.minute()), part(civil.second()))?.and_utc())
}

pub(super) fn as_civil(utc: Utc<chrono::Utc>) -> Option<DateTime> {
    let part = |n: u32| i8::try_from(n).ok();
    let (month, day) = (part(utc.month())?, part(utc.day())?);
    let year = i16::try_from(utc.year()).ok()?;
    DateTime::new(year, month, day, part(utc.hour())?, part(utc.minute())?, part(utc.second())?, 0).ok()
}

#[cfg(test)]
mod tests;
