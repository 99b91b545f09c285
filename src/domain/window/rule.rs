//! Recurrence rules of RFC 5545: `RRULE`, `EXDATE` and `RDATE`, read as civil times.
//!
//! Not here: how civil times become instants (`recurrence`). Invariants: the engine crate is given civil times as if they
//! were UTC, so no zone and no change of a clock is its business; a rule is never asked for more than
//! [`WINDOWS_MAX`](super::WINDOWS_MAX) starts; what never starts is refused.

use super::WINDOWS_MAX;
use super::cron::{as_civil, as_utc};
use super::recurrence::STARTS_PER_DAY_MAX;
use jiff::civil::DateTime;
use rrule::{RRuleSet, Tz};
use std::collections::BTreeMap;

/// Longest text, in bytes.
pub const RULE_BYTES_MAX: usize = 2_000;
/// How far behind the first start is looked for, in years: a leap day comes within eight.
const FIRST_WITHIN_YEARS: i16 = 30;
/// So many starts are looked at: more than a fortnight of hours.
const FIRST: u16 = 400;
/// Parts of a rule that would start windows every minute or second.
const TOO_OFTEN: [&str; 2] = ["FREQ=MINUTELY", "FREQ=SECONDLY"];

/// A rule with its additions and exceptions.
#[derive(Clone, Debug)]
pub struct Rule(RRuleSet);

impl Rule {
    /// Reads the lines of `text`, counted from `from`; the error is a sentence with its byte offset.
    pub fn parse(text: &str, from: DateTime) -> Result<Self, (usize, String)> {
        if text.len() > RULE_BYTES_MAX {
            return Err((RULE_BYTES_MAX, format!("a rule has at most {RULE_BYTES_MAX} bytes")));
        }
        let mut lines = vec![format!("DTSTART:{}Z", digits(from))];
        let (mut offset, mut rules) = (0, 0);
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            if !bare.is_empty() {
                let at = offset + line.find(bare).unwrap_or_default();
                lines.push(content_line(bare).map_err(|(inside, why)| (at + inside, why))?);
                rules += usize::from(lines.last().is_some_and(|line| line.starts_with("RRULE:")));
            }
            offset += line.len();
        }
        if rules != 1 {
            return Err((0, format!("one `RRULE` is needed, like `FREQ=MONTHLY;BYDAY=4SA`, not {rules}")));
        }
        lines.join("\n").parse().map(Self).map_err(|error: rrule::RRuleError| (0, said(&error)))
    }

    /// The same, and refuses what never starts or starts too often.
    pub fn check(text: &str, from: DateTime) -> Result<Self, (usize, String)> {
        let rule = Self::parse(text, from)?;
        let end = from.checked_add(jiff::Span::new().years(FIRST_WITHIN_YEARS)).unwrap_or(DateTime::MAX);
        let first = rule.some(from, end, FIRST);
        if first.is_empty() {
            return Err((0, format!("this rule never starts in {FIRST_WITHIN_YEARS} years")));
        }
        let mut a_day = BTreeMap::new();
        first.iter().for_each(|start| *a_day.entry(start.date()).or_insert(0_usize) += 1);
        match a_day.into_iter().find(|(_, starts)| *starts > STARTS_PER_DAY_MAX) {
            Some((day, _)) => Err((0, format!("it starts more than {STARTS_PER_DAY_MAX} windows on {day}"))),
            None => Ok(rule),
        }
    }

    /// Starts from `first` to before `last`, in order.
    pub fn starts(&self, first: DateTime, last: DateTime) -> Vec<DateTime> {
        self.some(first, last, WINDOWS_MAX as u16)
    }

    fn some(&self, first: DateTime, last: DateTime, most: u16) -> Vec<DateTime> {
        let (Some(after), Some(before)) = (as_utc(first), as_utc(last)) else { return Vec::new() };
        let found =
            self.0.clone().after(after.with_timezone(&Tz::UTC)).before(before.with_timezone(&Tz::UTC)).all(most);
        let civil = found.dates.iter().filter_map(|start| as_civil(start.to_utc()));
        civil.filter(|start| *start < last).collect()
    }
}

/// One line as the engine reads it: with its name, its times marked as UTC.
fn content_line(line: &str) -> Result<String, (usize, String)> {
    let upper = line.to_ascii_uppercase();
    let (name, start) = match upper.split_once(':') {
        Some((name, _)) => (name, name.len() + 1),
        None => ("RRULE", 0),
    };
    let body = &upper[start..];
    match name {
        "RRULE" => {
            if let Some(part) = TOO_OFTEN.iter().find(|part| body.contains(**part)) {
                let at = start + body.find(part).unwrap_or_default();
                return Err((at, format!("`{part}` is more often than maintenance can be; HOURLY is the most")));
            }
            if let (Some(at), true) = (body.find("COUNT="), body.contains("UNTIL=")) {
                return Err((start + at, "`COUNT` and `UNTIL` exclude each other".into()));
            }
            let parts = body.split(';').map(|part| match part.strip_prefix("UNTIL=") {
                Some(until) => civil(until, "T235959").map(|until| format!("UNTIL={until}")),
                None => Ok(part.to_owned()),
            });
            let parts: Result<Vec<String>, String> = parts.collect();
            Ok(format!("RRULE:{}", parts.map_err(|why| (start, why))?.join(";")))
        }
        "EXDATE" | "RDATE" => {
            let times: Result<Vec<String>, String> = body.split(',').map(|time| civil(time.trim(), "")).collect();
            Ok(format!("{name}:{}", times.map_err(|why| (start, why))?.join(",")))
        }
        "DTSTART" => Err((0, "the first start is written as `from`, not as `DTSTART`".into())),
        other => Err((0, format!("`{other}` is not read here; lines are RRULE, EXDATE and RDATE, without parameters"))),
    }
}

/// A time without a zone, marked as UTC for the engine; `otherwise` completes a bare date.
fn civil(text: &str, otherwise: &str) -> Result<String, String> {
    let all_digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('T') {
        Some((date, time)) if all_digits(date, 8) && all_digits(time, 6) => Ok(format!("{text}Z")),
        None if all_digits(text, 8) && !otherwise.is_empty() => Ok(format!("{text}{otherwise}Z")),
        _ if text.ends_with('Z') => Err(format!("`{text}` is in UTC; write the local time, without `Z`")),
        _ => Err(format!("`{text}` is no local time like 20261219T230000")),
    }
}

fn digits(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// The engine's words, without those that are about its own API.
fn said(error: &rrule::RRuleError) -> String {
    let text = error.to_string();
    let text = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
    format!("this rule cannot be understood: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn starts(text: &str, from: DateTime) -> Vec<String> {
        let rule = Rule::check(text, from).unwrap();
        let all = rule.starts(from, date(2028, 1, 1).at(0, 0, 0, 0));
        all.iter().take(4).map(ToString::to_string).collect()
    }

    #[test]
    fn rules_additions_and_exceptions_are_civil_times() {
        let from = date(2026, 12, 1).at(23, 0, 0, 0);
        let text = "FREQ=MONTHLY;BYDAY=4SA\nEXDATE:20261226T230000\nRDATE:20261219T220000";
        assert_eq!(
            starts(text, from),
            ["2026-12-19T22:00:00", "2027-01-23T23:00:00", "2027-02-27T23:00:00", "2027-03-27T23:00:00"]
        );
        assert_eq!(starts("rrule:freq=weekly;byday=sa,su;until=20261206", from).len(), 2);
        assert_eq!(starts("FREQ=DAILY;COUNT=2", from), ["2026-12-01T23:00:00", "2026-12-02T23:00:00"]);
        assert_eq!(starts("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", from), Vec::<String>::new());
        assert_eq!(
            starts("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", from)[..2],
            ["2026-12-31T23:00:00", "2027-01-29T23:00:00"]
        );
    }

    #[test]
    fn what_cannot_be_right_is_refused_where_it_stands() {
        let from = date(2026, 12, 1).at(23, 0, 0, 0);
        for (text, at, part) in [
            ("", 0, "one `RRULE` is needed"),
            ("FREQ=MINUTELY", 0, "HOURLY is the most"),
            ("RRULE:FREQ=SECONDLY", 6, "HOURLY is the most"),
            ("FREQ=MONTHLY;UNTIL=20261219T230000Z", 0, "write the local time, without `Z`"),
            ("FREQ=MONTHLY\nEXDATE:2026-12-26", 20, "is no local time like"),
            ("FREQ=MONTHLY\nEXDATE;TZID=Asia/Shanghai:20261226T230000", 13, "without parameters"),
            ("DTSTART:20261201T230000\nRRULE:FREQ=MONTHLY", 0, "as `from`"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 0, "never starts"),
            ("FREQ=HOURLY;BYMINUTE=0,30", 0, "more than 24 windows on 2026-12-02"),
            ("FREQ=FORTNIGHTLY", 0, "cannot be understood"),
            ("FREQ=MONTHLY;BYDAY=9SA", 0, "cannot be understood"),
            ("FREQ=DAILY;COUNT=2;UNTIL=20261219T230000", 11, "exclude each other"),
        ] {
            match Rule::check(text, from) {
                Err((offset, why)) => {
                    assert!(why.contains(part), "{text:?}: {why}");
                    assert_eq!(offset, at, "{text:?}: {why}");
                }
                Ok(_) => panic!("{text:?} is taken"),
            }
        }
    }
}
