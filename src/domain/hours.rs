//! Declared service hours: a small grammar and the instants it covers.
//!
//! `7x24`, or rules joined by `;`, each `daily`, a weekday set, `workdays` or `non-workdays` with `HH:MM-HH:MM`; `-1`
//! behind a start is the day before, `+1` behind an end the day after, and 24:00 may end a day. Not here: which days
//! are worked (`calendar`). Invariant: what `parse` accepts, it accepts again in its normal form, with the same meaning.

mod effective;
mod grammar;

pub use effective::{EffectiveHours, effective_hours};

use super::calendar::{Calendar, YearStatus};
use super::civil::{Zone, day_after, day_before, weekday_index};
use super::*;
use jiff::civil::Date;

/// Parsed hours, with the text they were written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    text: String,
    /// Empty for `7x24`.
    rules: Vec<Rule>,
}

/// The days of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    /// Every day.
    Daily,
    /// Days of the plain week, Monday first.
    Week([bool; 7]),
    /// Days that the calendar says are worked.
    Working,
    /// Days that it says are not.
    NonWorking,
}

/// A part of some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    days: Days,
    start: Edge,
    end: Edge,
}

/// A local time on the day itself, the day before or the day after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    /// −1, 0 or 1.
    day: i8,
    /// 0 to 1440.
    minute: i16,
}

/// The instants that hours cover inside some span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoursSpans {
    /// The instants.
    pub set: SpanSet,
    /// A day was needed whose year is not published, so the set may yet change.
    pub provisional: bool,
}

impl Hours {
    /// `7x24`, or rules joined by `;`. The error is a sentence with the byte offset it is about.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        Ok(Self { text: text.to_owned(), rules: grammar::rules(text)? })
    }

    /// Around the clock.
    pub fn always() -> Self {
        Self { text: "7x24".to_owned(), rules: Vec::new() }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In the one form that every other way of writing the same rules has.
    pub fn normal(&self) -> String {
        grammar::normal(&self.rules)
    }

    /// Whether they were declared as around the clock.
    pub fn is_always(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule names the plain week from Monday to Friday, where the statutory calendar is often meant.
    pub fn names_plain_week(&self) -> bool {
        let plain = [true, true, true, true, true, false, false];
        self.rules.iter().any(|r| r.days == Days::Week(plain))
    }

    /// Whether an instant lies inside; `owner` is for the calendar's overlays.
    pub fn hold_at(&self, at: Timestamp, zone: &Zone, calendar: &Calendar, owner: Option<&OwnerId>) -> bool {
        !self.spans(zone, calendar, owner, Span::lasting(at, 1)).set.is_empty()
    }

    /// The instants inside `within`; `owner` is for the calendar's overlays.
    pub fn spans(&self, zone: &Zone, calendar: &Calendar, owner: Option<&OwnerId>, within: Span) -> HoursSpans {
        if self.is_always() || within.is_empty() {
            return HoursSpans { set: SpanSet::from(within), provisional: false };
        }
        let (mut parts, mut provisional) = (Vec::new(), false);
        // A rule reaches at most from the day before its own to the end of the day after.
        let reach = Span::new(zone.midnight(two_before(zone, within)), zone.midnight(three_after(zone, within)));
        for date in zone.dates(reach) {
            for rule in &self.rules {
                let part = rule.on(zone, date).intersect(within);
                if part.is_empty() {
                    continue;
                }
                provisional |= rule.asks_calendar() && calendar.status(date.year()) != YearStatus::Published;
                if rule.holds_on(calendar, owner, date) {
                    parts.push(part);
                }
            }
        }
        HoursSpans { set: parts.into_iter().collect(), provisional }
    }
}

fn two_before(zone: &Zone, within: Span) -> Date {
    day_before(day_before(zone.date(within.start)))
}

fn three_after(zone: &Zone, within: Span) -> Date {
    day_after(day_after(day_after(zone.date(within.end))))
}

impl Rule {
    fn asks_calendar(&self) -> bool {
        matches!(self.days, Days::Working | Days::NonWorking)
    }

    fn holds_on(&self, calendar: &Calendar, owner: Option<&OwnerId>, date: Date) -> bool {
        match self.days {
            Days::Daily => true,
            Days::Week(set) => set[weekday_index(date.weekday())],
            Days::Working => calendar.day(date, owner).is_working(),
            Days::NonWorking => !calendar.day(date, owner).is_working(),
        }
    }

    fn on(&self, zone: &Zone, date: Date) -> Span {
        Span::new(self.start.on(zone, date), self.end.on(zone, date))
    }
}

impl Edge {
    fn on(self, zone: &Zone, date: Date) -> Timestamp {
        let day = match self.day {
            ..0 => day_before(date),
            0 => date,
            1.. => day_after(date),
        };
        match i8::try_from(self.minute / 60) {
            Ok(hour @ 0..24) => zone.instant(day.at(hour, (self.minute % 60) as i8, 0, 0)),
            _ => zone.midnight(day_after(day)),
        }
    }
}

#[cfg(test)]
mod tests;
