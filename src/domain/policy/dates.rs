//! Civil dates from one to another, once or every year: of freezes, and of a policy's own denials.
//!
//! Not here: the instants of a date (`civil`). Invariant: both dates are inside.

use jiff::civil::Date;

/// Civil dates from one to another, both inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateSpan {
    /// First date inside; the year is left out for every year.
    pub first: DateOrYearly,
    /// Last date inside.
    pub last: DateOrYearly,
}

impl DateSpan {
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
