//! What the survey has to say against a declaration, with its evidence.

use super::DayKind;
use super::chain::Link;
use super::confidence::{Interval, wilson};
use super::grid::DaySeen;
use crate::domain::Millis;
use jiff::civil::Date;

/// Minutes since midnight; more than 1440 is the next day.
pub type Minute = u16;

/// Dates that are named of each finding.
pub(super) const DATES_MAX: usize = 12;

/// On which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Days {
    /// Every day.
    Every,
    /// Working days.
    Working,
    /// Days that are not worked.
    NonWorking,
    /// Saturdays and Sundays of the plain week, make-up workdays included.
    Weekends,
    /// One weekday, counted from Monday, which is 0.
    Weekday(usize),
    /// Weekdays that are not worked.
    Holidays,
    /// The last so many days of a month.
    MonthEnd(u8),
    /// The first day of a month.
    MonthStart,
    /// Saturdays and Sundays that are worked.
    MakeUp,
}

impl Days {
    pub(super) fn hold(self, day: &DaySeen) -> bool {
        match self {
            Self::Every => true,
            Self::Working => day.kind == DayKind::Working,
            Self::NonWorking => day.kind == DayKind::NonWorking,
            Self::Weekends => day.is_weekend(),
            Self::Weekday(index) => day.weekday == index,
            Self::Holidays => day.is_holiday(),
            Self::MonthEnd(last) => day.from_end < last,
            Self::MonthStart => day.date.day() == 1,
            Self::MakeUp => day.is_make_up(),
        }
    }
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Nothing answered inside declared hours.
    NeverOpen,
    /// Shut on whole days.
    ClosedDays(Days),
    /// Shut in some hours.
    ClosedHours {
        /// On which days.
        days: Days,
        /// From when.
        from: Minute,
        /// Until when, of the next day if it is past midnight.
        to: Minute,
    },
    /// The plain week is kept where the calendar has a make-up workday.
    IgnoresMakeUp,
    /// Dependencies leave less than is declared.
    Shortened {
        /// What stands behind what, to whoever's own hours are short.
        chain: Vec<Link>,
        /// Declared time that is not left.
        lost_ms: Millis,
        /// Declared time.
        declared_ms: Millis,
    },
    /// Open beyond what is declared.
    OpenLonger {
        /// On which days.
        days: Days,
        /// From when.
        from: Minute,
        /// Until when.
        to: Minute,
    },
}

impl FindingKind {
    /// The JSON value.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NeverOpen => "never_open",
            Self::ClosedDays(_) => "closed_days",
            Self::ClosedHours { .. } => "closed_hours",
            Self::IgnoresMakeUp => "ignores_make_up_workdays",
            Self::Shortened { .. } => "shortened_by_dependencies",
            Self::OpenLonger { .. } => "open_longer_than_declared",
        }
    }

    /// The lower the heavier.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::NeverOpen => 0,
            Self::ClosedDays(_) => 1,
            Self::IgnoresMakeUp => 2,
            Self::ClosedHours { .. } => 3,
            Self::Shortened { .. } => 4,
            Self::OpenLonger { .. } => 5,
        }
    }

    /// Whether it says that less is served than is declared; else that more is.
    pub fn is_against_the_declaration(&self) -> bool {
        !matches!(self, Self::OpenLonger { .. })
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it says.
    pub kind: FindingKind,
    /// Days that were seen. 0 where it follows from the files alone.
    pub occasions: u32,
    /// Those that bear it out.
    pub confirmed: u32,
    /// The last of them, at most 12, in order.
    pub dates: Vec<Date>,
    /// The last of the others, at most 12, in order.
    pub exceptions: Vec<Date>,
}

impl Finding {
    pub(super) fn of<'a>(kind: FindingKind, days: impl Iterator<Item = (&'a DaySeen, bool)>) -> Self {
        let (mut yes, mut no): (Vec<Date>, Vec<Date>) = (Vec::new(), Vec::new());
        days.for_each(|(day, bears)| if bears { yes.push(day.date) } else { no.push(day.date) });
        let count = |dates: &[Date]| u32::try_from(dates.len()).unwrap_or(u32::MAX);
        let last = |dates: &[Date]| dates[dates.len().saturating_sub(DATES_MAX)..].to_vec();
        Self {
            kind,
            occasions: count(&yes).saturating_add(count(&no)),
            confirmed: count(&yes),
            dates: last(&yes),
            exceptions: last(&no),
        }
    }

    /// Wilson's interval of the share of days that bear it out; `None` where it follows from the files alone.
    pub fn interval(&self) -> Option<Interval> {
        let share = f64::from(self.confirmed) / f64::from(self.occasions.max(1));
        (self.occasions > 0).then(|| wilson(share, self.occasions))
    }
}
