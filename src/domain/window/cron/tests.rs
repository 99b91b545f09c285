//! The cron front-end: meanings, refusals, and agreement with an independent crate on random expressions.

use super::*;
use jiff::civil::date;
use proptest::prelude::*;

#[track_caller]
fn first(text: &str, n: usize) -> Vec<String> {
    let cron = Cron::parse(text).unwrap();
    let from = date(2026, 11, 23).at(22, 29, 30, 0);
    cron.starts(from, date(2036, 1, 1).at(0, 0, 0, 0)).take(n).map(|t| t.to_string()).collect()
}

#[test]
fn sunday_is_zero_and_seven_and_weekdays_may_be_named_and_wrap() {
    for text in ["0 23 * * 0", "0 23 * * 7", "0 23 * * sun", "0 23 * * SUN"] {
        assert_eq!(first(text, 1), ["2026-11-29T23:00:00"], "{text}");
    }
    for (text, days) in [
        ("0 1 * * 1-5", ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30"]),
        ("0 1 * * FRI-MON", ["2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30", "2026-12-04"]),
        ("0 1 * * 5-1", ["2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30", "2026-12-04"]),
        ("0 1 * * 5-7", ["2026-11-27", "2026-11-28", "2026-11-29", "2026-12-04", "2026-12-05"]),
        ("0 1 * * FRI-MON/2", ["2026-11-27", "2026-11-29", "2026-12-04", "2026-12-06", "2026-12-11"]),
        ("0 1 * * */3", ["2026-11-25", "2026-11-28", "2026-11-29", "2026-12-02", "2026-12-05"]),
    ] {
        assert_eq!(first(text, 5), days.map(|d| format!("{d}T01:00:00")), "{text}");
    }
}

#[test]
fn either_day_field_matches_when_both_are_restricted_and_each_start_comes_once() {
    // Friday 13 November has passed; the next Fridays and the 13 December, a Sunday.
    assert_eq!(
        first("0 0 13 * FRI", 4),
        ["2026-11-27T00:00:00", "2026-12-04T00:00:00", "2026-12-11T00:00:00", "2026-12-13T00:00:00"]
    );
    // `*/10` counts as restricted: 1, 11, 21, 31, or any Monday.
    assert_eq!(
        first("30 4 */10 12 1", 5),
        [
            "2026-12-01T04:30:00",
            "2026-12-07T04:30:00",
            "2026-12-11T04:30:00",
            "2026-12-14T04:30:00",
            "2026-12-21T04:30:00"
        ]
    );
}

#[test]
fn lists_steps_names_and_leap_days_are_understood() {
    assert_eq!(first("30 22 15-21 jan,APR,jul,oct *", 2), ["2027-01-15T22:30:00", "2027-01-16T22:30:00"]);
    assert_eq!(first("5-59/25 3 1 1 *", 3), ["2027-01-01T03:05:00", "2027-01-01T03:30:00", "2027-01-01T03:55:00"]);
    assert_eq!(first("0 0 29 2 *", 2), ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]);
    assert_eq!(first("0 0 30 2 1", 1), ["2027-02-01T00:00:00"]);
}

#[test]
fn start_that_is_asked_for_is_inside_and_the_end_is_not() {
    let cron = Cron::parse("0 23 * * 6").unwrap();
    let (start, end) = (date(2026, 11, 28).at(23, 0, 0, 0), date(2026, 12, 5).at(23, 0, 0, 0));
    assert_eq!(cron.starts(start, end).collect::<Vec<_>>(), [start]);
}

#[test]
fn wrong_expressions_are_refused_at_the_byte_that_is_wrong() {
    for (text, offset, says) in [
        ("", 0, "five fields, not 0"),
        ("0 23 * *", 0, "five fields, not 4"),
        ("0 0 23 * * 6", 0, "five fields, not 6"),
        ("@daily", 0, "five fields, not 1"),
        ("60 23 * * 6", 0, "`60` is no minute"),
        ("0 24 * * 6", 2, "`24` is no hour"),
        ("0 23 0 * *", 5, "`0` is no day of month"),
        ("0 23 * 13 *", 7, "a name from JAN to DEC"),
        ("0 23 * * 8", 9, "`8` is no day of week"),
        ("0 23 * * Sat,Son", 13, "`Son` is no day of week"),
        ("0 22-2 * * *", 2, "runs backward"),
        ("0 23 * nov-feb *", 7, "runs backward"),
        ("*/0 23 * * 6", 2, "`0` is no step"),
        ("5/10 23 * * 6", 0, "a step needs"),
        ("0 23 * * 6L", 9, "`6L` is no day of week"),
        ("0 23 ? * 6", 5, "`?` is no day of month"),
        ("0 23 30 2 *", 5, "never fires"),
        ("0 23 31 4,6,9,11 *", 5, "never fires"),
        ("+1 23 * * *", 0, "`+1` is no minute"),
        ("一 23 * * *", 0, "`一` is no minute"),
    ] {
        let (at, sentence) = Cron::parse(text).unwrap_err();
        assert!(at == offset && sentence.contains(says), "{text}: {at} {sentence}");
    }
}

fn number(least: u8, most: u8) -> impl Strategy<Value = String> {
    (least..=most, least..=most, 1..6u8).prop_flat_map(|(a, b, step)| {
        let (first, last) = (a.min(b), a.max(b));
        prop_oneof![Just(format!("{a}")), Just(format!("{first}-{last}")), Just(format!("{first}-{last}/{step}"))]
    })
}

fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    let list = prop::collection::vec(number(least, most), 1..4).prop_map(|items| items.join(","));
    prop_oneof![2 => Just("*".to_owned()), 3 => list]
}

proptest! {
    // The seed of a failing case is printed and kept by proptest.
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn random_expressions_agree_with_an_independent_crate(
        minute in field(0, 59), hour in field(0, 23), day in field(1, 31), month in field(1, 12), weekday in field(0, 6),
        offset in 0i64..4_000_000,
    ) {
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let from = chrono::DateTime::from_timestamp(1_767_225_600 + offset * 31, 0).unwrap();
        let oracle: croner::Cron = text.parse().unwrap();
        let expected: Vec<_> = oracle.iter_from(from, croner::Direction::Forward).take(6).map(|t| t.naive_utc()).collect();
        match Cron::parse(&text) {
            Err((_, sentence)) => {
                prop_assert!(sentence.contains("never fires"), "{}: {}", text, sentence);
                prop_assert!(expected.is_empty(), "{}", text);
            }
            Ok(cron) => {
                let end = date(2090, 1, 1).at(0, 0, 0, 0);
                let found: Vec<_> = cron.starts(as_civil(from).unwrap(), end).take(6).collect();
                let found: Vec<_> = found.into_iter().map(|t| as_utc(t).unwrap().naive_utc()).collect();
                prop_assert_eq!(found, expected, "{} from {}", text, from);
            }
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused_inside_itself(text in "[0-9*/,\\-A-Za-z 一]{0,24}") {
        if let Err((offset, _)) = Cron::parse(&text) {
            prop_assert!(offset <= text.len() && text.is_char_boundary(offset), "{:?} {}", text, offset);
        }
    }
}
