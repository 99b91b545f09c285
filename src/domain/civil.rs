//! The one civil time zone of an installation: local times to instants and back, and how people read and write them.
//!
//! Not here: what a day is worth (`calendar`). Invariants: a local time inside a gap is the gap's end, one that occurs
//! twice is its first occurrence, and a civil day is as long as the zone makes it.

use super::*;
use jiff::Timestamp as Instant;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A civil time zone.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// A zone of the bundled database by its IANA name; the error is a sentence.
    pub fn named(name: &str) -> Result<Self, String> {
        TimeZone::get(name).map(Self).map_err(|e| e.to_string())
    }

    /// UTC.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its IANA name: `Asia/Shanghai`.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The local date and time at an instant.
    pub fn local(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(instant_of(at))
    }

    /// The date whose day holds an instant.
    pub fn date(&self, at: Timestamp) -> Date {
        let date = self.local(at).date();
        // A clock that is put back over midnight shows yesterday's date again; the day that has begun goes on.
        let next = day_after(date);
        if date < next && self.midnight(next) <= at { next } else { date }
    }

    /// The instant of a local time: a gap's end inside a gap, the first of two occurrences.
    pub fn instant(&self, local: DateTime) -> Timestamp {
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let at = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local),
            // The offset before the gap places the local time behind the transition that made the gap.
            AmbiguousOffset::Gap { before, .. } => before.to_timestamp(local).map(|behind| self.gap_end(behind)),
        };
        let end_of_time = if local.year() < 0 { Instant::MIN } else { Instant::MAX };
        Timestamp(at.unwrap_or(end_of_time).as_millisecond())
    }

    fn gap_end(&self, behind: Instant) -> Instant {
        let after = behind.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(Instant::MAX);
        self.0.preceding(after).next().map_or(behind, |transition| transition.timestamp())
    }

    /// Whether no clock is changed within a span.
    pub fn is_steady(&self, span: Span) -> bool {
        self.0
            .following(instant_of(span.start))
            .next()
            .is_none_or(|change| span.end <= Timestamp(change.timestamp().as_millisecond()))
    }

    /// The first instant of a date; 00:00 unless the zone skips it.
    pub fn midnight(&self, date: Date) -> Timestamp {
        self.instant(date.at(0, 0, 0, 0))
    }

    /// All of a date.
    pub fn day(&self, date: Date) -> Span {
        Span::new(self.midnight(date), self.midnight(day_after(date)))
    }

    /// Every date that shares an instant with `within`, in order.
    pub fn dates(&self, within: Span) -> impl Iterator<Item = Date> + use<> {
        let last = self.date(within.end - 1);
        let first = if within.is_empty() { None } else { Some(self.date(within.start)) };
        std::iter::successors(first, |d| d.tomorrow().ok()).take_while(move |d| *d <= last)
    }

    /// Reads what people and scripts write: RFC 3339, or a local `2026-12-19T23:00[:SS]`, or a local date.
    pub fn parse(&self, text: &str) -> Result<Timestamp, String> {
        if let Ok(at) = text.parse::<Instant>() {
            return Ok(Timestamp(at.as_millisecond()));
        }
        self.parse_civil(text).map(|local| self.instant(local))
    }

    /// Reads a local time alone: `2026-12-19T23:00[:SS]`, or a date for its midnight.
    pub fn parse_civil(&self, text: &str) -> Result<DateTime, String> {
        let plain =
            matches!(text.len(), 10 | 16 | 19) && text.bytes().all(|b| b.is_ascii_digit() || b"-:T ".contains(&b));
        let read = match (plain, text.len()) {
            (true, 10) => text.parse::<Date>().map(|d| d.at(0, 0, 0, 0)).ok(),
            (true, _) => text.parse::<DateTime>().ok(),
            _ => None,
        };
        read.ok_or_else(|| format!("`{text}` is not a time; write 2026-12-19T23:00 (local) or 2026-12-19T15:00:00Z"))
    }

    /// For people: `11月24日 星期二 22:48`, `Tue 24 Nov 22:48`.
    pub fn people(&self, at: Timestamp, language: Language) -> String {
        let local = self.local(at);
        format!("{} {:02}:{:02}", people_date(local.date(), language), local.hour(), local.minute())
    }

    /// RFC 3339 with the zone's offset: `2026-11-24T22:48:00+08:00`.
    pub fn rfc3339(&self, at: Timestamp) -> String {
        let instant = instant_of(at);
        instant.display_with_offset(self.0.to_offset(instant)).to_string()
    }
}

/// A date for people: `11月24日 星期二`, `Tue 24 Nov`.
pub fn people_date(date: Date, language: Language) -> String {
    let (zh, en) = WEEKDAYS[weekday_index(date.weekday())];
    match language {
        Language::Zh => format!("{}月{}日 {zh}", date.month(), date.day()),
        Language::En => format!("{en} {} {}", date.day(), month_name(date.month())),
    }
}

/// The day after, or the last of all days.
pub fn day_after(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

/// The day before, or the first of all days.
pub fn day_before(date: Date) -> Date {
    date.yesterday().unwrap_or(Date::MIN)
}

/// Counted from Monday, which is 0.
pub fn weekday_index(weekday: Weekday) -> usize {
    weekday.to_monday_zero_offset().unsigned_abs().into()
}

const WEEKDAYS: [(&str, &str); 7] = [
    ("星期一", "Mon"),
    ("星期二", "Tue"),
    ("星期三", "Wed"),
    ("星期四", "Thu"),
    ("星期五", "Fri"),
    ("星期六", "Sat"),
    ("星期日", "Sun"),
];

fn month_name(month: i8) -> &'static str {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS[usize::from(month.unsigned_abs()).clamp(1, 12) - 1]
}

fn instant_of(at: Timestamp) -> Instant {
    let end_of_time = if at.0 < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(at.0).unwrap_or(end_of_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn shanghai() -> Zone {
        Zone::named("Asia/Shanghai").unwrap()
    }

    #[test]
    fn local_times_and_instants_agree_where_no_clock_is_changed() {
        let zone = shanghai();
        let at = zone.instant(date(2026, 11, 24).at(22, 48, 0, 0));
        assert_eq!(at.to_string(), "2026-11-24T14:48:00Z");
        assert_eq!(zone.local(at), date(2026, 11, 24).at(22, 48, 0, 0));
        assert_eq!(zone.people(at, Language::Zh), "11月24日 星期二 22:48");
        assert_eq!(zone.people(at, Language::En), "Tue 24 Nov 22:48");
        assert_eq!(zone.rfc3339(at), "2026-11-24T22:48:00+08:00");
    }

    #[test]
    fn time_inside_a_gap_is_its_end_and_a_repeated_time_its_first_occurrence() {
        let zone = Zone::named("America/New_York").unwrap();
        for minute in [0, 1, 30, 59] {
            assert_eq!(zone.instant(date(2026, 3, 8).at(2, minute, 0, 0)).to_string(), "2026-03-08T07:00:00Z");
        }
        assert_eq!(zone.instant(date(2026, 3, 8).at(3, 0, 0, 0)).to_string(), "2026-03-08T07:00:00Z");
        assert_eq!(zone.instant(date(2026, 11, 1).at(1, 30, 0, 0)).to_string(), "2026-11-01T05:30:00Z");
        assert_eq!(zone.day(date(2026, 3, 8)).len_ms(), 23 * HOUR);
        assert_eq!(zone.day(date(2026, 11, 1)).len_ms(), 25 * HOUR);
    }

    #[test]
    fn day_whose_midnight_is_skipped_begins_at_the_end_of_the_gap() {
        let zone = Zone::named("America/Sao_Paulo").unwrap();
        assert_eq!(zone.midnight(date(2018, 11, 4)).to_string(), "2018-11-04T03:00:00Z");
        let days: Vec<_> =
            zone.dates(Span::new(zone.midnight(date(2018, 11, 3)), zone.midnight(date(2018, 11, 5)))).collect();
        assert_eq!(days, [date(2018, 11, 3), date(2018, 11, 4)]);
    }

    #[test]
    fn clock_put_back_over_midnight_does_not_bring_yesterday_back() {
        let zone = Zone::named("America/St_Johns").unwrap();
        let midnight = zone.midnight(date(2010, 11, 7));
        assert_eq!(zone.local(midnight + 30 * MINUTE).date(), date(2010, 11, 6));
        assert!((0..120).all(|m| zone.date(midnight + m * MINUTE) == date(2010, 11, 7)));
    }

    #[test]
    fn what_people_write_is_read_in_the_zone_and_anything_else_is_refused() {
        let zone = shanghai();
        let noon = zone.instant(date(2026, 12, 19).at(12, 0, 0, 0));
        for text in ["2026-12-19T12:00", "2026-12-19 12:00:00", "2026-12-19T04:00:00Z", "2026-12-19T12:00:00+08:00"] {
            assert_eq!(zone.parse(text), Ok(noon), "{text}");
        }
        assert_eq!(zone.parse("2026-12-19"), Ok(zone.midnight(date(2026, 12, 19))));
        for text in ["", "tomorrow", "2026-02-30T10:00", "2026-12-19T25:00", "12:00", "2026-12-19T12"] {
            assert!(zone.parse(text).unwrap_err().contains("is not a time"), "{text}");
        }
    }

    #[test]
    fn ends_of_time_are_clamped_and_do_not_panic() {
        let zone = shanghai();
        assert!(zone.local(Timestamp::MAX).year() > 9000);
        assert!(zone.local(Timestamp::MIN).year() < -9000);
        assert!(zone.day(Date::MAX).start <= zone.day(Date::MAX).end);
    }
}
