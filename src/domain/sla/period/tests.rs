//! Names, borders and lengths of periods, in zones with and without a clock that is changed.

use super::*;
use jiff::civil::date;
use proptest::prelude::*;

fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

fn bounds(text: &str) -> [String; 2] {
    let span = Period::parse(text).unwrap().span(Timestamp(0), &zone());
    [span.start, span.end].map(|at| zone().local(at).to_string())
}

#[test]
fn civil_periods_run_from_midnight_to_midnight_of_the_zone() {
    assert_eq!(bounds("2026-10-03"), ["2026-10-03T00:00:00", "2026-10-04T00:00:00"]);
    assert_eq!(bounds("2026-W01"), ["2025-12-29T00:00:00", "2026-01-05T00:00:00"]);
    assert_eq!(bounds("2026-W53"), ["2026-12-28T00:00:00", "2027-01-04T00:00:00"]);
    assert_eq!(bounds("2028-02"), ["2028-02-01T00:00:00", "2028-03-01T00:00:00"]);
    assert_eq!(bounds("2026-Q4"), ["2026-10-01T00:00:00", "2027-01-01T00:00:00"]);
    assert_eq!(bounds("2026"), ["2026-01-01T00:00:00", "2027-01-01T00:00:00"]);
}

#[test]
fn rolling_periods_end_now_and_are_elapsed_time() {
    let now = Timestamp(90 * DAY + 1);
    assert_eq!(Period::Rolling7d.span(now, &zone()), Span::new(Timestamp(83 * DAY + 1), now));
    assert_eq!(Period::Rolling30d.span(now, &zone()).len_ms(), 30 * DAY);
}

#[test]
fn civil_day_is_as_long_as_the_zone_makes_it() {
    let zone = Zone::named("America/New_York").unwrap();
    let hours = |text| Period::parse(text).unwrap().span(Timestamp(0), &zone).len_ms() / HOUR;
    assert_eq!((hours("2026-03-08"), hours("2026-11-01"), hours("2026-03")), (23, 25, 31 * 24 - 1));
}

#[test]
fn present_period_is_that_of_the_civil_date() {
    let late_utc = zone().midnight(date(2026, 10, 1)) + 2 * HOUR;
    assert_eq!(Period::current(Grain::Month, late_utc, &zone()).to_string(), "2026-10");
    assert_eq!(Period::promised(ObjectivePeriod::Month, late_utc - 3 * HOUR, &zone()).to_string(), "2026-09");
    assert_eq!(Period::current(Grain::Quarter, late_utc, &zone()).previous().unwrap().to_string(), "2026-Q3");
    assert_eq!(Period::Rolling7d.previous(), None);
}

#[test]
fn labels_read_in_both_languages() {
    let label = |text: &str| [Language::Zh, Language::En].map(|l| Period::parse(text).unwrap().label(l));
    assert_eq!(label("2026-10-03"), ["2026 年 10 月 3 日", "3 October 2026"]);
    assert_eq!(label("2025-W01"), ["2025 年第 1 周", "week 1 of 2025"]);
    assert_eq!(label("2026-10"), ["2026 年 10 月", "October 2026"]);
    assert_eq!(label("2026-Q4"), ["2026 年第 4 季度", "Q4 2026"]);
    assert_eq!(label("2026"), ["2026 年", "2026"]);
    assert_eq!(label("rolling_30d"), ["近 30 天", "last 30 days"]);
}

#[test]
fn anything_else_is_refused_with_what_may_be_written() {
    let wrong = [
        "",
        "-",
        "26",
        "2026-",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-02-30",
        "2026-02-1",
        "2026-Q0",
        "2026-Q5",
        "2026-Q",
        "2025-W53",
        "2026-W00",
        "2026-W1",
        "2026-10-03-1",
        "+026",
        "2026-10-0٣",
        "rolling",
        "2026-w40",
    ];
    for text in wrong {
        let error = Period::parse(text).unwrap_err();
        assert!(error.starts_with(&format!("`{text}` is not a period")) && error.contains("2026-Q4"), "{error}");
    }
}

proptest! {
    #[test]
    fn name_of_every_period_is_read_back_and_neighbours_touch(
        days in 0i32..20_000,
        zone in prop::sample::select(vec!["Asia/Shanghai", "America/New_York", "America/Sao_Paulo"]),
    ) {
        let zone = Zone::named(zone).unwrap();
        let day = date(1990, 1, 1).saturating_add(days.days());
        for grain in [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year] {
            let period = Period::civil(grain, day);
            prop_assert_eq!(Period::parse(&period.to_string()), Ok(period));
            let span = period.span(Timestamp(0), &zone);
            prop_assert!(span.contains(zone.midnight(day)));
            let before = period.previous().unwrap();
            prop_assert_eq!(before.span(Timestamp(0), &zone).end, span.start);
        }
    }
}
