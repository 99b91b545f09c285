//! The vectors of the policy, and `decide` against a sampler that asks minute by minute.

mod against_sampler;
mod limits;

use super::fixture::{at, city, lasting, night, once};
use super::*;
use crate::domain::calendar::{DayClass, Layer, LayerKind, YearStatus};
use jiff::civil::date;

fn ask(subsystem: &str, from: &str, ms: Millis) -> Decision {
    decide(&city(), &[subsystem.into()], None, lasting(from, ms))
}

#[track_caller]
fn allowed_until(subsystem: &str, from: &str, ms: Millis) -> String {
    match ask(subsystem, from, ms) {
        Decision::Allow { until, because } => {
            assert!(!because.is_empty());
            city().zone.local(until).to_string()
        }
        Decision::Deny { reasons, .. } => panic!("denied: {reasons:?}"),
    }
}

#[track_caller]
fn denied(subsystem: &str, from: &str, ms: Millis) -> (Vec<DenyKind>, Option<String>, String) {
    match ask(subsystem, from, ms) {
        Decision::Deny { reasons, next_open } => {
            let texts: Vec<_> = reasons.iter().map(|r| format!("{} / {}", r.text.zh, r.text.en)).collect();
            let opens = next_open.map(|t| city().zone.local(t).to_string());
            (reasons.iter().map(|r| r.kind).collect(), opens, texts.join("\n"))
        }
        Decision::Allow { until, .. } => panic!("allowed until {until}"),
    }
}

const PORTAL: &str = "huangpu/portal";

#[test]
fn minute_before_the_night_is_denied_and_the_night_is_the_next_opening() {
    let (kinds, opens, text) = denied(PORTAL, "2026-11-27T21:59", 30 * MINUTE);
    assert_eq!(
        (kinds.as_slice(), opens.as_deref()),
        (&[DenyKind::OutsideAllowedHours][..], Some("2026-11-27T22:00:00"))
    );
    assert!(text.contains("11月27日 星期五（工作日） 21:59 不在允许时段（夜间 22:00-06:00+1、非工作日）内"), "{text}");
    assert!(
        text.contains("Fri 27 Nov (working day) 21:59 is outside nights 22:00-06:00+1 and non-working days"),
        "{text}"
    );
}

#[test]
fn friday_night_weekend_and_sunday_night_are_one_block_to_the_second() {
    assert_eq!(allowed_until(PORTAL, "2026-11-27T23:00", 55 * HOUR), "2026-11-30T06:00:00");
    let (kinds, opens, text) = denied(PORTAL, "2026-11-27T23:00", 55 * HOUR + SECOND);
    assert_eq!(kinds, [DenyKind::RunsOver]);
    assert_eq!(opens.as_deref(), Some("2026-12-04T22:00:00"));
    assert!(text.contains("Mon 30 Nov (working day)") && text.contains("06:00"), "{text}");
}

#[test]
fn make_up_saturday_is_denied_by_day_naming_the_row_and_allowed_by_night() {
    let (kinds, opens, text) = denied(PORTAL, "2026-02-14T10:00", HOUR);
    assert_eq!(kinds, [DenyKind::OutsideAllowedHours; 2]);
    assert!(text.contains("2026-02-14 是春节调休上班日") && text.contains("2026-02-14 is a make-up workday"), "{text}");
    assert_eq!(opens.as_deref(), Some("2026-02-14T22:00:00"));
    // From that night on the Spring Festival joins, up to the morning of Tuesday 24.
    assert_eq!(allowed_until(PORTAL, "2026-02-14T22:30", HOUR), "2026-02-24T06:00:00");
    let (kinds, _, text) = denied(PORTAL, "2026-02-13T23:00", 55 * HOUR);
    assert_eq!(kinds, [DenyKind::RunsOver; 2]);
    assert!(text.contains("春节调休上班日"), "{text}");
}

#[test]
fn reasons_name_file_and_line_of_the_rule_and_of_the_calendar_row() {
    let decision = ask(PORTAL, "2026-02-14T10:00", HOUR);
    let chain: Vec<_> =
        decision.reasons().iter().map(|r| (r.rule.as_str(), r.source.clone().unwrap().to_string())).collect();
    assert_eq!(
        chain,
        [
            ("policy off-hours", "policies/off-hours.yaml:2".to_owned()),
            ("calendar china", "calendars/china.yaml:30".to_owned())
        ]
    );
}

#[test]
fn holiday_wednesday_is_allowed_by_day() {
    assert_eq!(allowed_until(PORTAL, "2026-02-18T10:00", 4 * HOUR), "2026-02-24T06:00:00");
    let Decision::Allow { because, .. } = ask(PORTAL, "2026-10-07T10:00", HOUR) else { panic!() };
    assert_eq!(because[0].kind, GrantKind::NonWorkingDay);
    assert!(because[0].text.zh.contains("国庆节放假"), "{}", because[0].text.zh);
}

#[test]
fn year_without_a_published_table_is_not_covered_and_has_no_next_opening() {
    for (from, day) in [("2027-01-23T23:00", "2027-01-23"), ("2030-06-01T23:00", "2030-06-01")] {
        let (kinds, opens, text) = denied(PORTAL, from, HOUR);
        assert_eq!((kinds.as_slice(), opens), (&[DenyKind::CalendarNotCovered][..], None));
        assert!(text.contains(&format!("calendar does not cover {day}")), "{text}");
    }
}

#[test]
fn dates_before_the_first_published_year_open_with_it() {
    let (kinds, opens, _) = denied(PORTAL, "2024-12-31T23:00", 2 * HOUR);
    assert_eq!(
        (kinds.as_slice(), opens.as_deref()),
        (&[DenyKind::CalendarNotCovered][..], Some("2025-01-01T00:00:00"))
    );
}

#[test]
fn request_that_outlasts_the_night_of_a_working_day_is_told_when_it_closes() {
    let (kinds, opens, text) = denied(PORTAL, "2026-11-25T04:00", 3 * HOUR);
    assert_eq!((kinds.as_slice(), opens.as_deref()), (&[DenyKind::RunsOver][..], Some("2026-11-25T22:00:00")));
    assert!(text.contains("closes at 06:00 on Wed 25 Nov") && text.contains("06:00 结束"), "{text}");
}

#[test]
fn freeze_over_a_non_working_day_denies_and_is_named() {
    let (kinds, opens, text) = denied(PORTAL, "2026-11-07T10:00", HOUR);
    assert_eq!((kinds.as_slice(), opens.as_deref()), (&[DenyKind::Freeze][..], Some("2026-11-11T00:00:00")));
    assert!(text.contains("进博会") && text.contains("Import Expo"), "{text}");
    // Kiosks are of tier 3, which the freeze leaves alone.
    assert_eq!(allowed_until("huangpu/kiosks", "2026-11-07T10:00", HOUR), "2026-11-09T06:00:00");
}

#[test]
fn freeze_cuts_a_night_at_midnight() {
    assert_eq!(allowed_until(PORTAL, "2026-10-31T22:00", 2 * HOUR), "2026-11-01T00:00:00");
    assert_eq!(denied(PORTAL, "2026-10-31T22:00", 2 * HOUR + 1).0, [DenyKind::Freeze]);
}

#[test]
fn requests_may_end_at_midnight_of_any_month_and_leap_day() {
    for from in ["2026-11-23T22:00", "2026-12-30T22:00", "2026-02-28T22:00", "2026-08-31T22:00"] {
        allowed_until(PORTAL, from, 2 * HOUR);
    }
    let mut leap = city();
    leap.calendar.years.insert(2028, YearStatus::Published);
    let span = Span::new(leap.zone.parse("2028-02-28T22:00").unwrap(), leap.zone.parse("2028-02-29T06:00").unwrap());
    assert!(decide(&leap, &[PORTAL.into()], None, span).is_allow());
    let later = Span::new(span.start, span.end + 1);
    assert!(!decide(&leap, &[PORTAL.into()], None, later).is_allow());
}

#[test]
fn night_of_31_december_belongs_to_two_years_and_needs_both() {
    assert_eq!(allowed_until(PORTAL, "2026-12-31T22:00", 2 * HOUR), "2027-01-01T00:00:00");
    let (kinds, opens, text) = denied(PORTAL, "2026-12-31T23:00", 2 * HOUR);
    assert_eq!((kinds.as_slice(), opens), (&[DenyKind::CalendarNotCovered][..], None));
    assert!(text.contains("2027-01-01") && text.contains("推定"), "{text}");
    let mut next = city();
    next.calendar.years.insert(2027, YearStatus::Published);
    assert!(decide(&next, &[PORTAL.into()], None, lasting("2026-12-31T23:00", 7 * HOUR)).is_allow());
}

#[test]
fn every_policy_of_every_member_must_allow_and_a_stricter_one_may_be_added() {
    let mut city = city();
    let mut strict = fixture::policy("strict", &[], GateMode::Hours);
    strict.applies_to.ids = vec!["nobody/nothing".into()];
    strict.allow.non_working_days = false;
    strict.source = fixture::source("policies/strict.yaml", 9);
    city.policies.push(strict);
    let (scope, span) = ([PORTAL.into(), "huangpu/kiosks".into()], lasting("2026-11-28T10:00", HOUR));
    assert!(decide(&city, &scope, None, span).is_allow());
    let added = decide(&city, &scope, Some(&"strict".into()), span);
    assert_eq!(added.reasons().len(), 1);
    assert_eq!(added.reasons()[0].rule, "policy strict");
    let unknown = decide(&city, &scope, Some(&"ghost".into()), span);
    assert_eq!(unknown.reasons()[0].kind, DenyKind::NoPolicy);
    city.policies[0].applies_to.except = vec!["huangpu/kiosks".into()];
    let ungoverned = decide(&city, &scope, None, span);
    assert_eq!((ungoverned.reasons().len(), ungoverned.reasons()[0].kind), (1, DenyKind::NoPolicy));
}

#[test]
fn nothing_asked_for_is_denied() {
    assert_eq!(decide(&city(), &[], None, lasting("2026-11-28T10:00", HOUR)).reasons()[0].kind, DenyKind::Empty);
    assert_eq!(denied(PORTAL, "2026-11-28T10:00", 0).0, [DenyKind::Empty]);
}

#[test]
fn denied_dates_of_a_policy_are_named_and_may_run_over_the_new_year() {
    let mut city = city();
    city.calendar.years.insert(2027, YearStatus::Published);
    let yearly = |m, d| DateOrYearly::Yearly(m, d);
    city.policies[0].deny = vec![DateSpan { first: yearly(12, 25), last: yearly(1, 5) }];
    let decision = decide(&city, &[PORTAL.into()], None, lasting("2026-12-26T10:00", HOUR));
    let Decision::Deny { reasons, next_open } = decision else { panic!() };
    assert_eq!(reasons.iter().map(|r| r.kind).collect::<Vec<_>>(), [DenyKind::Denied]);
    assert_eq!(next_open, Some(at("2027-01-06T00:00")));
}

#[test]
fn overlay_of_one_owner_counts_for_that_owner_alone() {
    let mut city = city();
    let day = date(2026, 11, 25);
    let row = calendar::Row { class: DayClass::NonWorking, ..city.calendar.layers[0].rows[&date(2026, 2, 14)].clone() };
    city.calendar
        .layers
        .insert(0, Layer { kind: LayerKind::Owner, owner: Some("huangpu".into()), rows: [(day, row)].into() });
    let span = lasting("2026-11-25T10:00", HOUR);
    assert!(decide(&city, &[PORTAL.into()], None, span).is_allow());
    assert!(!decide(&city, &[PORTAL.into(), "bdc/portal-home".into()], None, span).is_allow());
}

#[test]
fn policy_that_allows_any_time_still_asks_whether_the_calendar_covers_the_date() {
    let mut city = city();
    city.policies[0].allow = Allowed { always: true, nights: None, non_working_days: false };
    let decision = decide(&city, &["huangpu/kiosks".into()], None, lasting("2026-11-25T10:00", HOUR));
    assert_eq!(
        decision,
        Decision::Allow {
            until: at("2027-01-01"),
            because: match &decision {
                Decision::Allow { because, .. } if because[0].kind == GrantKind::Always => because.clone(),
                other => panic!("{other:?}"),
            }
        }
    );
    assert!(!decide(&city, &["huangpu/kiosks".into()], None, lasting("2027-01-04T10:00", HOUR)).is_allow());
}

#[test]
fn policies_open_and_close_as_the_metrics_say() {
    let city = city();
    let [off_hours, front] = &city.policies[..] else { panic!() };
    assert!(is_open(&city, off_hours, at("2026-11-28T10:00")) && !is_open(&city, off_hours, at("2026-11-27T10:00")));
    assert_eq!(next_open(&city, off_hours, at("2026-11-27T10:00")), Some(at("2026-11-27T22:00")));
    assert_eq!(next_open(&city, off_hours, at("2026-11-28T10:00")), Some(at("2026-11-28T10:00")));
    assert_eq!(next_open(&city, off_hours, at("2027-01-01T10:00")), None);
    assert_eq!(open_until(&city, off_hours, at("2026-11-28T10:00")), Some(at("2026-11-30T06:00")));
    assert_eq!(open_until(&city, off_hours, at("2026-11-27T10:00")), None);
    // The freeze holds all of tier 1, but only part of what off-hours governs.
    assert!(is_open(&city, off_hours, at("2026-11-07T10:00")) && !is_open(&city, front, at("2026-11-07T10:00")));
    let week = Span::new(at("2026-11-23"), at("2026-11-30"));
    assert_eq!(allowed(&city, off_hours, week).len_ms(), (5 * 8 + 2 * 24) * HOUR);
    assert_eq!(night().to_string(), "22:00-06:00+1");
}

fn admitted(owner: &str, scope: &[&str], start: &str, ms: Millis) -> Admission {
    let (schedule, planned) = once(owner, scope, start, ms);
    admit(&city(), &schedule, &planned, &Circumstances::default())
}

#[test]
fn window_of_tier_two_inside_policy_is_admitted_with_its_notice_deadline() {
    let admission = admitted("huangpu", &[PORTAL], "2026-11-28T23:00", 4 * HOUR);
    assert!(admission.is_admitted() && admission.warnings.is_empty(), "{admission:?}");
    // Five working days with announcement < d ≤ Saturday 28: Mon 23 to Fri 27, so Sunday 22 is the last day.
    assert_eq!(admission.notice_by, Some(at("2026-11-23") - 1));
}

#[test]
fn nine_hours_on_tier_one_are_too_long_and_five_are_a_warning() {
    let admission = admitted("bdc", &["bdc/portal-home"], "2026-11-28T08:00", 9 * HOUR);
    assert!(admission.is_rejected());
    assert!(
        admission
            .obstacles
            .iter()
            .any(|o| matches!(o, Obstacle::TooLong(r) if r.text.en.starts_with("9h is over the 8h")))
    );
    let admission = admitted("bdc", &["bdc/portal-home"], "2026-11-28T08:00", 5 * HOUR);
    assert!(!admission.is_rejected() && admission.warnings.len() == 1);
    let texts: Vec<_> = admission.obstacles.iter().map(|o| o.text().en).collect();
    assert_eq!(texts, ["needs 2 approvals"]);
}

#[test]
fn notice_one_working_day_short_across_a_make_up_saturday_is_late() {
    // The make-up Saturday 28 February is worked: Tue 24 to Sat 28 are five days up to the start on that Saturday.
    let admission = admitted("huangpu", &[PORTAL], "2026-02-28T22:00", 4 * HOUR);
    assert_eq!(admission.notice_by, Some(at("2026-02-24") - 1));
    assert!(!admission.is_late(at("2026-02-23T23:59")) && admission.is_late(at("2026-02-24T00:00")));
    // If that Saturday were free, Friday 13 would have to count, which lies before the Spring Festival.
    let mut plain = city();
    plain.calendar.layers[0].rows.remove(&date(2026, 2, 28));
    let (schedule, planned) = once("huangpu", &[PORTAL], "2026-02-28T22:00", 4 * HOUR);
    assert_eq!(notice_deadline(&plain, &schedule, &planned), Some(at("2026-02-14") - 1));
}

#[test]
fn notice_grows_with_length_and_public_ones_get_48_hours() {
    for (ms, days) in [(30 * MINUTE, 1), (30 * MINUTE + 1, 5), (4 * HOUR, 5), (12 * HOUR, 10), (12 * HOUR + 1, 30)] {
        assert_eq!(working_days_of_notice(ms), days);
    }
    // One working day would do for half an hour, but citizens see it.
    let start = "2026-11-25T22:00";
    assert_eq!(admitted("huangpu", &[PORTAL], start, 30 * MINUTE).notice_by, Some(at("2026-11-23T22:00")));
    assert_eq!(admitted("huangpu", &["huangpu/kiosks"], start, 30 * MINUTE).notice_by, Some(at("2026-11-25") - 1));
    let mut silent = city();
    silent.policies[0].notice = NoticeRule::None;
    let (schedule, planned) = once("huangpu", &[PORTAL], start, HOUR);
    assert_eq!(notice_deadline(&silent, &schedule, &planned), None);
}

#[test]
fn window_in_an_uncovered_year_stays_a_draft_and_one_by_day_is_rejected() {
    let draft = admitted("huangpu", &[PORTAL], "2027-01-23T23:00", HOUR);
    assert!(!draft.is_admitted() && !draft.is_rejected());
    assert!(draft.obstacles[0].text().en.starts_with("calendar does not cover 2027-01-23"));
    let rejected = admitted("huangpu", &[PORTAL], "2026-11-25T10:00", HOUR);
    let [Obstacle::Denied { next_open, .. }] = &rejected.obstacles[..] else { panic!("{rejected:?}") };
    assert_eq!(*next_open, Some(at("2026-11-25T22:00")));
}

#[test]
fn foreign_subsystems_need_their_owners_approval() {
    let admission = admitted("huangpu", &[PORTAL, "bdc/portal-home"], "2026-11-28T23:00", HOUR);
    assert_eq!(admission.obstacles, [Obstacle::Approvals { needed: 2, owners: vec!["bdc".into()] }]);
    assert_eq!(admission.obstacles[0].text().en, "needs 2 approvals and that of bdc");
}
