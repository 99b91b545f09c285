//! Expansion: stable ids, changed clocks, exceptions, edges of what is looked at.

use super::*;
use crate::domain::policy::fixture;
use jiff::civil::{Time, Weekday, date};

fn schedule(starts: Recurrence) -> Schedule {
    let (mut schedule, _) = fixture::once("bdc", &["bdc/portal-home"], "2026-01-01", 4 * HOUR);
    schedule.id = "bdc-monthly".into();
    schedule.starts = starts;
    schedule
}

fn fourth_saturday() -> Schedule {
    schedule(Recurrence::Nth { weekday: Weekday::Saturday, n: 4, at: Time::constant(23, 0, 0, 0) })
}

fn cron(text: &str) -> Schedule {
    schedule(check_cron(text).unwrap())
}

fn shanghai() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

fn starts(schedule: &Schedule, zone: &Zone, from: Date, to: Date) -> Vec<String> {
    let within = Span::new(zone.midnight(from), zone.midnight(to));
    expand(schedule, zone, within).iter().map(|p| zone.local(p.span.start).to_string()).collect()
}

#[test]
fn nth_weekday_comes_once_a_month_and_a_fifth_only_where_there_is_one() {
    let (zone, from, to) = (shanghai(), date(2026, 10, 1), date(2027, 1, 1));
    assert_eq!(
        starts(&fourth_saturday(), &zone, from, to),
        ["2026-10-24T23:00:00", "2026-11-28T23:00:00", "2026-12-26T23:00:00"]
    );
    let nth = |n| schedule(Recurrence::Nth { weekday: Weekday::Saturday, n, at: Time::constant(1, 30, 0, 0) });
    assert_eq!(starts(&nth(5), &zone, from, to), ["2026-10-31T01:30:00"]);
    assert_eq!(
        starts(&nth(-1), &zone, from, to),
        ["2026-10-31T01:30:00", "2026-11-28T01:30:00", "2026-12-26T01:30:00"]
    );
}

#[test]
fn ids_follow_from_schedule_and_civil_start_alone() {
    let zone = shanghai();
    let year = Span::new(zone.midnight(date(2026, 1, 1)), zone.midnight(date(2027, 1, 1)));
    let all = expand(&fourth_saturday(), &zone, year);
    assert_eq!((all.len(), all[10].id.as_str()), (12, "bdc-monthly.aa0d7684"));
    assert_eq!(window_id(&"bdc-monthly".into(), date(2026, 11, 28).at(23, 0, 0, 0)), all[10].id);
    // Another length, another zone, another part of the year: the same names.
    let mut longer = fourth_saturday();
    longer.lasts_ms = 6 * HOUR;
    let ids = |planned: Vec<Planned>| planned.into_iter().map(|p| p.id).collect::<Vec<_>>();
    let autumn = Span::new(zone.midnight(date(2026, 11, 1)), zone.midnight(date(2026, 12, 1)));
    assert_eq!(ids(expand(&longer, &Zone::utc(), autumn)), [all[10].id.clone()]);
}

#[test]
fn window_that_only_reaches_into_the_span_is_expanded_and_a_touching_one_is_not() {
    let zone = shanghai();
    let within = |from: &str, to: &str| Span::new(zone.parse(from).unwrap(), zone.parse(to).unwrap());
    let count = |from, to| expand(&fourth_saturday(), &zone, within(from, to)).len();
    assert_eq!(count("2026-11-29T02:59:59", "2026-11-29T04:00"), 1);
    assert_eq!(count("2026-11-29T03:00", "2026-11-29T04:00"), 0);
    assert_eq!(count("2026-11-28T22:00", "2026-11-28T23:00"), 0);
    assert_eq!(count("2026-11-28T22:00", "2026-11-28T23:00:01"), 1);
}

#[test]
fn excepted_dates_are_left_out_by_the_date_of_their_start() {
    let mut schedule = fourth_saturday();
    schedule.except = vec![date(2026, 12, 26), date(2026, 11, 29)];
    let found = starts(&schedule, &shanghai(), date(2026, 11, 1), date(2027, 2, 1));
    assert_eq!(found, ["2026-11-28T23:00:00", "2027-01-23T23:00:00"]);
}

#[test]
fn additions_start_besides_any_recurrence_on_excepted_dates_too_and_once() {
    let (zone, from, to) = (shanghai(), date(2026, 11, 1), date(2027, 1, 1));
    let mut schedule = fourth_saturday();
    schedule.except = vec![date(2026, 12, 26)];
    let (moved, anyway) = (date(2026, 12, 26).at(22, 0, 0, 0), date(2026, 11, 28).at(23, 0, 0, 0));
    schedule.also = vec![moved, anyway, date(2027, 1, 9).at(23, 0, 0, 0)];
    assert_eq!(starts(&schedule, &zone, from, to), ["2026-11-28T23:00:00", "2026-12-26T22:00:00"]);
    let within = Span::new(zone.midnight(from), zone.midnight(to));
    let ids: Vec<WindowId> = expand(&schedule, &zone, within).into_iter().map(|p| p.id).collect();
    assert_eq!(ids, [window_id(&schedule.id, anyway), window_id(&schedule.id, moved)]);
}

#[test]
fn recurrences_know_their_dates_and_times() {
    let saturday = fourth_saturday().starts;
    let cron = check_cron("30 1 * * SUN").unwrap();
    let rule = check_rule("FREQ=MONTHLY;BYDAY=4SA", date(2026, 1, 1).at(23, 0, 0, 0)).unwrap();
    for starts in [&saturday, &rule] {
        assert!(starts_on(starts, date(2026, 12, 26)) && !starts_on(starts, date(2026, 12, 27)));
        assert!(starts_at(starts, date(2026, 12, 26).at(23, 0, 0, 0)));
        assert!(!starts_at(starts, date(2026, 12, 26).at(22, 59, 59, 0)));
    }
    assert!(starts_on(&cron, date(2026, 12, 27)) && !starts_on(&cron, date(2026, 12, 26)));
}

#[test]
fn starts_that_fall_on_one_instant_merge_under_the_earliest_name() {
    let zone = Zone::named("America/New_York").unwrap();
    // 02:00 and 02:30 do not exist on that Sunday: both mean 03:00.
    let found = starts(&cron("0,30 2,3 * * SUN"), &zone, date(2026, 3, 8), date(2026, 3, 9));
    assert_eq!(found, ["2026-03-08T03:00:00", "2026-03-08T03:30:00"]);
    let within = zone.day(date(2026, 3, 8));
    let named = expand(&cron("0,30 2,3 * * SUN"), &zone, within);
    assert_eq!(named[0].civil_start, date(2026, 3, 8).at(2, 0, 0, 0));
}

#[test]
fn repeated_hour_starts_one_window_and_lengths_are_elapsed_time() {
    let zone = Zone::named("America/New_York").unwrap();
    let within = zone.day(date(2026, 11, 1));
    let windows = expand(&cron("30 1 * * SUN"), &zone, within);
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0].span.start.to_string(), "2026-11-01T05:30:00Z");
    assert_eq!(zone.local(windows[0].span.end), date(2026, 11, 1).at(4, 30, 0, 0));
    assert_eq!(windows[0].span.len_ms(), 4 * HOUR);
}

#[test]
fn dates_are_sorted_and_given_once() {
    let day = |d: i8| date(2026, 12, d).at(23, 0, 0, 0);
    let twice = schedule(Recurrence::Dates(vec![day(19), day(5), day(19)]));
    let found = starts(&twice, &shanghai(), date(2026, 12, 1), date(2027, 1, 1));
    assert_eq!(found, ["2026-12-05T23:00:00", "2026-12-19T23:00:00"]);
}

#[test]
fn four_hundred_days_of_a_nightly_schedule_are_as_many_windows() {
    let found = starts(&cron("0 2 * * *"), &shanghai(), date(2026, 11, 24), date(2027, 12, 29));
    assert_eq!(found.len(), 400);
}

#[test]
fn schedule_that_starts_more_often_than_hourly_is_refused() {
    assert!(check_cron("0 * * * *").is_ok());
    let (offset, sentence) = check_cron("*/30 * * * *").unwrap_err();
    assert_eq!(offset, 0);
    assert!(sentence.contains("48 windows a day; at most 24"), "{sentence}");
}
