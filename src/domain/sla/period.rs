//! The stretches of time that figures are about: civil days to years, and the last 7 and 30 times 24 hours.
//!
//! Not here: hours (`domain::hours`). Invariants: a civil period begins and ends at a midnight of the zone, however
//! long its days are; its name is what it is parsed from.

use super::*;
use crate::domain::civil::Zone;
use jiff::ToSpan;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use std::fmt;

/// How long a civil period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// Midnight to midnight.
    Day,
    /// Monday to Sunday.
    Week,
    /// The first to the last.
    Month,
    /// Three months.
    Quarter,
    /// January to December.
    Year,
}

/// What a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One civil period, by its first date; made by [`Period::civil`].
    Civil(Grain, Date),
    /// The last 7 × 24 hours.
    Rolling7d,
    /// The last 30 × 24 hours.
    Rolling30d,
}

impl Period {
    /// The civil period that holds a date.
    pub fn civil(grain: Grain, date: Date) -> Self {
        let first = match grain {
            Grain::Day => date,
            Grain::Week => date.iso_week_date().first_of_week().map_or(date, |week| week.date()),
            Grain::Month => date.first_of_month(),
            Grain::Quarter => first_of_month(date.year(), (date.month() - 1) / 3 * 3 + 1).unwrap_or(date),
            Grain::Year => date.first_of_year(),
        };
        Self::Civil(grain, first)
    }

    /// The civil period that holds `now`.
    pub fn current(grain: Grain, now: Timestamp, zone: &Zone) -> Self {
        Self::civil(grain, zone.date(now))
    }

    /// The period of a promise as it stands at `now`.
    pub fn promised(period: ObjectivePeriod, now: Timestamp, zone: &Zone) -> Self {
        match period {
            ObjectivePeriod::Week => Self::current(Grain::Week, now, zone),
            ObjectivePeriod::Month => Self::current(Grain::Month, now, zone),
            ObjectivePeriod::Quarter => Self::current(Grain::Quarter, now, zone),
            ObjectivePeriod::Year => Self::current(Grain::Year, now, zone),
            ObjectivePeriod::Rolling7d => Self::Rolling7d,
            ObjectivePeriod::Rolling30d => Self::Rolling30d,
        }
    }

    /// Its instants, future included; a rolling one ends `now`.
    pub fn span(self, now: Timestamp, zone: &Zone) -> Span {
        match self {
            Self::Civil(grain, first) => Span::new(zone.midnight(first), zone.midnight(next(grain, first))),
            Self::Rolling7d => Span::new(now - 7 * DAY, now),
            Self::Rolling30d => Span::new(now - 30 * DAY, now),
        }
    }

    /// The one before; a rolling one has none.
    pub fn previous(self) -> Option<Self> {
        match self {
            Self::Civil(grain, first) => first.yesterday().ok().map(|date| Self::civil(grain, date)),
            Self::Rolling7d | Self::Rolling30d => None,
        }
    }

    /// Reads `2026-10-03`, `2026-W40`, `2026-10`, `2026-Q4`, `2026`, `rolling_7d` or `rolling_30d`.
    ///
    /// # Errors
    /// A sentence that names what was read and what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "rolling_7d" => return Ok(Self::Rolling7d),
            "rolling_30d" => return Ok(Self::Rolling30d),
            _ => {}
        }
        read_civil(text).ok_or_else(|| {
            format!(
                "`{text}` is not a period; write a day 2026-10-03, a week 2026-W40, a month 2026-10, \
                 a quarter 2026-Q4, a year 2026, rolling_7d or rolling_30d"
            )
        })
    }

    /// As [`Self::parse`]; `day`, `week`, `month`, `quarter` and `year` are those that hold `now`.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub fn named(text: &str, now: Timestamp, zone: &Zone) -> Result<Self, String> {
        let grain = match text {
            "day" => Grain::Day,
            "week" => Grain::Week,
            "month" => Grain::Month,
            "quarter" => Grain::Quarter,
            "year" => Grain::Year,
            _ => return Self::parse(text),
        };
        Ok(Self::current(grain, now, zone))
    }

    /// The civil periods of one grain that share an instant with `within`, in order.
    pub fn all_in(grain: Grain, within: Span, zone: &Zone) -> Vec<Self> {
        let mut all: Vec<Self> = zone.dates(within).map(|date| Self::civil(grain, date)).collect();
        all.dedup();
        all
    }

    /// What people call it.
    pub fn label(self, language: Language) -> String {
        let Self::Civil(grain, first) = self else {
            let days = if self == Self::Rolling7d { 7 } else { 30 };
            return match language {
                Language::Zh => format!("近 {days} 天"),
                Language::En => format!("last {days} days"),
            };
        };
        let (y, m, d, q) = (first.year(), first.month(), first.day(), quarter(first));
        let week = first.iso_week_date();
        let month = MONTHS[usize::from(m.unsigned_abs()).clamp(1, 12) - 1];
        match (language, grain) {
            (Language::Zh, Grain::Day) => format!("{y} 年 {m} 月 {d} 日"),
            (Language::Zh, Grain::Week) => format!("{} 年第 {} 周", week.year(), week.week()),
            (Language::Zh, Grain::Month) => format!("{y} 年 {m} 月"),
            (Language::Zh, Grain::Quarter) => format!("{y} 年第 {q} 季度"),
            (Language::Zh, Grain::Year) => format!("{y} 年"),
            (Language::En, Grain::Day) => format!("{d} {month} {y}"),
            (Language::En, Grain::Week) => format!("week {} of {}", week.week(), week.year()),
            (Language::En, Grain::Month) => format!("{month} {y}"),
            (Language::En, Grain::Quarter) => format!("Q{q} {y}"),
            (Language::En, Grain::Year) => format!("{y}"),
        }
    }
}

/// The name that [`Period::parse`] reads.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Civil(grain, first) = self else {
            return f.write_str(if *self == Self::Rolling7d { "rolling_7d" } else { "rolling_30d" });
        };
        let week = first.iso_week_date();
        match grain {
            Grain::Day => write!(f, "{:04}-{:02}-{:02}", first.year(), first.month(), first.day()),
            Grain::Week => write!(f, "{:04}-W{:02}", week.year(), week.week()),
            Grain::Month => write!(f, "{:04}-{:02}", first.year(), first.month()),
            Grain::Quarter => write!(f, "{:04}-Q{}", first.year(), quarter(*first)),
            Grain::Year => write!(f, "{:04}", first.year()),
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn quarter(date: Date) -> i8 {
    (date.month() - 1) / 3 + 1
}

fn first_of_month(year: i16, month: i8) -> Option<Date> {
    Date::new(year, month, 1).ok()
}

/// The first date behind a civil period.
fn next(grain: Grain, first: Date) -> Date {
    let length = match grain {
        Grain::Day => 1.day(),
        Grain::Week => 1.week(),
        Grain::Month => 1.month(),
        Grain::Quarter => 3.months(),
        Grain::Year => 1.year(),
    };
    first.saturating_add(length)
}

fn read_civil(text: &str) -> Option<Period> {
    let year = |part: &str| digits(part, 4);
    let mut fields = text.split('-');
    let (y, rest, day) = (year(fields.next()?)?, fields.next(), fields.next());
    if fields.next().is_some() {
        return None;
    }
    let date = match (rest, day) {
        (None, _) => return first_of_month(y, 1).map(|d| Period::civil(Grain::Year, d)),
        (Some(month), Some(day)) => {
            let date = Date::new(y, digits(month, 2)?.try_into().ok()?, digits(day, 2)?.try_into().ok()?).ok()?;
            return Some(Period::civil(Grain::Day, date));
        }
        (Some(rest), None) => rest,
    };
    if let Some(week) = date.strip_prefix('W') {
        let week = ISOWeekDate::new(y, digits(week, 2)?.try_into().ok()?, Weekday::Monday).ok()?;
        return Some(Period::civil(Grain::Week, week.date()));
    }
    if let Some(quarter) = date.strip_prefix('Q') {
        let quarter = digits(quarter, 1).filter(|q| (1..=4).contains(q))?;
        return first_of_month(y, i8::try_from(quarter * 3 - 2).ok()?).map(|d| Period::civil(Grain::Quarter, d));
    }
    first_of_month(y, digits(date, 2)?.try_into().ok()?).map(|d| Period::civil(Grain::Month, d))
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
