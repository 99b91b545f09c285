//! Civil dates from one to another, once or every year: of freezes, and of a policy's own denials.
//!
//! Not here: the instants of a date (`civil`). Invariant: both dates are inside.

use crate::domain::civil::{day_after, day_before};
use jiff::civil::Date;

/// How many dates in a row are followed, to either side.
const ROW_MAX: usize = 400;

/// Civil dates from one to another, both inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateSpan {
    /// First date inside; the year is left out for every year.
    pub first: DateOrYearly,
    /// Last date inside.
    pub last: DateOrYearly,
}

impl DateSpan {
    /// The first date of `from..=until` that is inside.
    pub fn first_inside(&self, from: Date, until: Date) -> Option<Date> {
        let first_of = |year: i16| match self.first {
            DateOrYearly::Date(first) => first,
            DateOrYearly::Yearly(month, day) => date_or_next(year, month, day),
        };
        // The date that is asked from, or the first edge of one of the years.
        let edges = (from.year()..=until.year()).map(first_of);
        std::iter::once(from).chain(edges).find(|d| from <= *d && *d <= until && self.contains(*d))
    }

    /// The dates in a row that hold `from`, or else the next ones that begin by `until`: the first and the last of them.
    /// Rows of more than 400 dates are cut there.
    pub fn row_from(&self, from: Date, until: Date) -> Option<(Date, Date)> {
        let inside = self.first_inside(from, until)?;
        let edge = |step: fn(Date) -> Date| {
            let dates = std::iter::successors(Some(inside), move |date| Some(step(*date)));
            dates.take(ROW_MAX).take_while(|date| self.contains(*date)).last().unwrap_or(inside)
        };
        Some((edge(day_before), edge(day_after)))
    }

    /// Whether a date is inside. Yearly spans may run over the new year.
    pub fn contains(&self, date: Date) -> bool {
        let day = (date.month(), date.day());
        match (self.first, self.last) {
            (DateOrYearly::Date(first), DateOrYearly::Date(last)) => first <= date && date <= last,
            (DateOrYearly::Yearly(m, d), DateOrYearly::Yearly(n, e)) if (m, d) <= (n, e) => {
                (m, d) <= day && day <= (n, e)
            }
            (DateOrYearly::Yearly(m, d), DateOrYearly::Yearly(n, e)) => (m, d) <= day || day <= (n, e),
            // An edge without a year takes that of the other.
            (DateOrYearly::Date(first), DateOrYearly::Yearly(n, e)) => {
                first <= date && date.year() == first.year() && day <= (n, e)
            }
            (DateOrYearly::Yearly(m, d), DateOrYearly::Date(last)) => {
                date <= last && date.year() == last.year() && (m, d) <= day
            }
        }
    }
}

/// A month and a day of one year; what that year does not have is the first of the next month.
fn date_or_next(year: i16, month: i8, day: i8) -> Date {
    let next_month = || Date::new(year, month, 1).map_or(Date::MAX, |first| day_after(first.last_of_month()));
    Date::new(year, month, day).unwrap_or_else(|_| next_month())
}

/// A date, or a month and a day of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrYearly {
    /// One date.
    Date(Date),
    /// (month, day) of every year.
    Yearly(i8, i8),
}

/// `11-01`, `2026-11-01`.
impl std::fmt::Display for DateOrYearly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn edge() -> impl Strategy<Value = DateOrYearly> {
        let yearly = prop_oneof![Just((2, 29)), (1i8..13, 1i8..32)].prop_map(|(m, d)| DateOrYearly::Yearly(m, d));
        let dated = (2023i16..2030, 1i8..13, 1i8..29).prop_map(|(y, m, d)| DateOrYearly::Date(date(y, m, d)));
        prop_oneof![yearly, dated]
    }

    proptest! {
        #[test]
        fn first_date_inside_is_the_one_that_a_walk_over_all_dates_meets_first(
            (first, last) in (edge(), edge()),
            from in 0i64..1_500,
            days in 0i64..1_500,
        ) {
            let span = DateSpan { first, last };
            let day = |n: i64| date(2023, 12, 1).saturating_add(jiff::Span::new().days(n));
            let met = (from..=from + days).map(day).find(|d| span.contains(*d));
            prop_assert_eq!(span.first_inside(day(from), day(from + days)), met);
        }

        #[test]
        fn rows_hold_every_date_inside_and_stop_at_the_first_outside(
            (first, last) in (edge(), edge()),
            from in 0i64..1_500,
            days in 0i64..1_500,
        ) {
            let span = DateSpan { first, last };
            let day = |n: i64| date(2023, 12, 1).saturating_add(jiff::Span::new().days(n));
            let row = span.row_from(day(from), day(from + days));
            prop_assert_eq!(row.is_some(), span.first_inside(day(from), day(from + days)).is_some());
            let Some((start, end)) = row else { return Ok(()) };
            let inside: Vec<_> = (from - 800..from + 2_400).map(day).filter(|d| start <= *d && *d <= end).collect();
            prop_assert!(inside.iter().all(|d| span.contains(*d)));
            prop_assert!(inside.len() >= ROW_MAX || !span.contains(day_before(start)) && !span.contains(day_after(end)));
            prop_assert!(start <= day(from + days) && day(from) <= end);
        }
    }
}
