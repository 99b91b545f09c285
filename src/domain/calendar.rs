//! Which civil days are working days, by layers, and how far that is known.
//!
//! Not here: what follows from it (`hours`, `policy`). Invariants: the first layer that names a date decides, a row
//! replaces the weekday, and a date is covered only if the State Council's notice for its year is in hand.

use super::civil::{Zone, day_before};
use super::*;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;

/// Who says it; the first layer that names a date decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// One owner's own swaps.
    Owner,
    /// The city's.
    Municipal,
    /// The State Council's notices; a later notice amends an earlier one.
    StateCouncil,
}

/// Whether a date is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayClass {
    /// Worked.
    Working,
    /// Not worked.
    NonWorking,
}

/// How far a year is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum YearStatus {
    /// The notice is in hand.
    Published,
    /// Statutory days alone; swaps unknown.
    Provisional,
    /// Nothing is known.
    Absent,
}

/// One row: a date that a notice takes out of the plain week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the notice makes of the date.
    pub class: DayClass,
    /// 国庆节 / National Day.
    pub name: Names,
    /// When the notice was published, if known; later wins within a layer.
    pub published: Option<Date>,
    /// Where it was written.
    pub source: Source,
}

/// What one layer says.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Whose word it is.
    pub kind: LayerKind,
    /// For whom, when `kind` is `Owner`.
    pub owner: Option<OwnerId>,
    /// Exceptions from the plain week.
    pub rows: BTreeMap<Date, Row>,
}

/// The layers and the years they cover.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    /// `china`.
    pub id: String,
    /// In order of precedence.
    pub layers: Vec<Layer>,
    /// Of the State Council's layer.
    pub years: BTreeMap<i16, YearStatus>,
}

/// What is known of one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day<'a> {
    /// The date itself.
    pub date: Date,
    /// Whether it is worked.
    pub class: DayClass,
    /// How far its year is known.
    pub status: YearStatus,
    /// The row that decides; `None` when the plain weekday does.
    pub row: Option<&'a Row>,
    /// Whose row it is.
    pub layer: Option<LayerKind>,
}

impl Day<'_> {
    /// Whether it is worked.
    pub fn is_working(&self) -> bool {
        self.class == DayClass::Working
    }

    /// For people, with the date: `11月24日 星期二（工作日）`, `Sat 14 Feb (make-up workday, Spring Festival)`.
    pub fn people(&self) -> Names {
        let name = |language| self.row.map(|row| row.name.get(language));
        let weekend = is_weekend(self.date);
        let (zh, en) = match (self.class, name(Language::Zh).zip(name(Language::En))) {
            (DayClass::Working, Some((zh, en))) if weekend => {
                (format!("{zh}调休上班日"), format!("make-up workday, {en}"))
            }
            (DayClass::NonWorking, Some((zh, en))) => (format!("{zh}放假"), format!("holiday, {en}")),
            (DayClass::Working, _) => ("工作日".to_owned(), "working day".to_owned()),
            (DayClass::NonWorking, None) => ("休息日".to_owned(), "non-working day".to_owned()),
        };
        let on = |language| civil::people_date(self.date, language);
        Names { zh: format!("{}（{zh}）", on(Language::Zh)), en: format!("{} ({en})", on(Language::En)) }
    }
}

impl Calendar {
    /// What is known of a date, for one owner or, without one, for the city as a whole.
    pub fn day(&self, date: Date, owner: Option<&OwnerId>) -> Day<'_> {
        let status = self.status(date.year());
        let row = self.row(date, owner);
        let class = row.map_or_else(
            || if is_weekend(date) { DayClass::NonWorking } else { DayClass::Working },
            |(_, row)| row.class,
        );
        Day { date, class, status, row: row.map(|(_, row)| row), layer: row.map(|(layer, _)| layer) }
    }

    /// Whether a date is a working day: `day` without the rest of it.
    pub fn is_working(&self, date: Date, owner: Option<&OwnerId>) -> bool {
        self.row(date, owner).map_or(!is_weekend(date), |(_, row)| row.class == DayClass::Working)
    }

    fn row(&self, date: Date, owner: Option<&OwnerId>) -> Option<(LayerKind, &Row)> {
        let speaks =
            |layer: &&Layer| layer.kind != LayerKind::Owner || (layer.owner.is_some() && layer.owner.as_ref() == owner);
        // Most layers are notices of earlier years; their last row tells that more cheaply than a search.
        let reaches = |layer: &&Layer| layer.rows.last_key_value().is_some_and(|(last, _)| date <= *last);
        let layers = self.layers.iter().filter(reaches).filter(speaks);
        let rows = layers.filter_map(|l| l.rows.get(&date).map(|row| (l.kind, row)));
        // `max_by_key` takes the last of equals, so among undated notices the one that was read last amends.
        rows.max_by_key(|(kind, row)| (std::cmp::Reverse(*kind), row.published))
    }

    /// How far a year is known.
    pub fn status(&self, year: i16) -> YearStatus {
        self.years.get(&year).copied().unwrap_or(YearStatus::Absent)
    }

    /// Takes provisional years for published ones, for questions about a year whose notice is not out; which ones.
    ///
    /// Never in a daemon: an answer that rests on this is a guess, and whoever shows it says so.
    pub fn trust_provisional(&mut self) -> Vec<i16> {
        let guessed = self.years.iter_mut().filter(|(_, status)| **status == YearStatus::Provisional);
        let trusted = guessed.map(|(year, status)| {
            *status = YearStatus::Published;
            *year
        });
        trusted.collect()
    }

    /// Whether permissions can be given on a date: the notice for its year is in hand.
    pub fn covered(&self, date: Date) -> bool {
        self.status(date.year()) == YearStatus::Published
    }

    /// The end of the last published year; `None` if none is.
    pub fn covered_until(&self, zone: &Zone) -> Option<Timestamp> {
        let last = self.years.iter().rev().find(|(_, status)| **status == YearStatus::Published)?;
        Some(zone.midnight(Date::new(last.0.checked_add(1)?, 1, 1).ok()?))
    }

    /// The first date of a span that is not covered.
    pub fn first_uncovered(&self, zone: &Zone, span: Span) -> Option<Date> {
        if span.is_empty() {
            return None;
        }
        let (first, last) = (zone.date(span.start), zone.date(span.end - 1));
        let year = (first.year()..=last.year()).find(|y| self.status(*y) != YearStatus::Published)?;
        Some(Date::new(year, 1, 1).map_or(first, |new_year| new_year.max(first)))
    }

    /// Whether an owner has swaps of its own.
    pub fn has_overlay(&self, owner: &OwnerId) -> bool {
        self.layers.iter().any(|l| l.kind == LayerKind::Owner && l.owner.as_ref() == Some(owner))
    }

    /// The instants of `within` that lie on non-working days.
    pub fn non_working(&self, zone: &Zone, owner: Option<&OwnerId>, within: Span) -> SpanSet {
        let days = zone.dates(within).filter(|d| !self.is_working(*d, owner));
        days.map(|d| zone.day(d).intersect(within)).collect()
    }

    /// How many working days lie after `announced` and not after `start`.
    pub fn working_days_between(&self, announced: Date, start: Date, owner: Option<&OwnerId>) -> u32 {
        let days = std::iter::successors(Some(start), |d| d.yesterday().ok()).take_while(|d| *d > announced);
        days.fold(0, |n, d| n + u32::from(self.is_working(d, owner)))
    }

    /// The latest date on which an announcement leaves `needed` working days until `start`.
    pub fn last_notice_date(&self, start: Date, needed: u32, owner: Option<&OwnerId>) -> Date {
        let mut date = start;
        let mut left = needed;
        while left > 0 && date > Date::MIN {
            left -= u32::from(self.is_working(date, owner));
            date = day_before(date);
        }
        date
    }
}

/// Whether the plain week does not work on a date.
pub fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests;
