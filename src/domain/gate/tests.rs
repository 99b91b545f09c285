//! The gate in its two modes.

use super::*;
use crate::domain::policy::fixture::{at, city, lasting};
use crate::domain::window::WindowState;

const FRONT: &str = "bdc/portal-home";

fn window(start: &str, ms: Millis, state: WindowState) -> WindowView {
    WindowView {
        id: "bdc-monthly.aa0d7684".into(),
        schedule: "bdc-monthly".into(),
        owner: "bdc".into(),
        name: Names { zh: "月度维护".into(), en: "Monthly maintenance".into() },
        scope: vec![FRONT.into()],
        span: lasting(start, ms),
        state,
        why: Names::default(),
        announced: None,
        emergency: None,
        restored: None,
        notice: None,
        version: 0,
        versions: Vec::new(),
        defects: Vec::new(),
        decisions: Vec::new(),
    }
}

fn ask(windows: &[WindowView], subsystem: &str, from: &str, ms: Millis) -> GateAnswer {
    gate(&city(), windows, &subsystem.into(), lasting(from, ms))
}

#[test]
fn hours_gate_allows_what_decide_allows_and_says_when_it_opens() {
    let open = ask(&[], "huangpu/portal", "2026-11-28T23:00", 40 * MINUTE);
    assert_eq!((open.allow, open.until, open.reasons.len()), (true, Some(at("2026-11-30T06:00")), 0));
    let shut = ask(&[], "huangpu/portal", "2026-11-25T10:00", 40 * MINUTE);
    assert_eq!((shut.allow, shut.until, shut.next_open), (false, None, Some(at("2026-11-25T22:00"))));
    assert_eq!(shut.reasons[0].kind, DenyKind::OutsideAllowedHours);
}

#[test]
fn a_clock_in_doubt_opens_nothing_now_but_an_emergency() {
    let doubt = Names { zh: "时钟可疑".into(), en: "the clock is in doubt".into() };
    let now = |windows: &[WindowView], from: &str| {
        gate_now(&city(), windows, &FRONT.into(), lasting(from, HOUR), Some(&doubt))
    };
    let mut windows = [window("2026-11-28T23:00", 4 * HOUR, WindowState::Active)];
    assert!(ask(&windows, FRONT, "2026-11-28T23:30", HOUR).allow);
    let shut = now(&windows, "2026-11-28T23:30");
    assert_eq!((shut.allow, shut.until, shut.because.len(), shut.reasons.len()), (false, None, 0, 1));
    assert_eq!((shut.reasons[0].kind, &shut.reasons[0].text), (DenyKind::ClockUnsynchronised, &doubt));
    assert!(now(&windows, "2026-11-25T10:00").reasons.len() > 1, "what denies by itself is told as well");
    windows[0].emergency = Some(window::Emergency { ticket: "INC-7".into() });
    assert!(now(&windows, "2026-11-28T23:30").allow);
}

#[test]
fn window_gate_allows_only_inside_an_announced_or_running_window() {
    for state in WindowState::ALL {
        let windows = [window("2026-11-28T23:00", 4 * HOUR, state)];
        let answer = ask(&windows, FRONT, "2026-11-28T23:30", HOUR);
        let open = matches!(state.as_str(), "announced" | "armed" | "entering" | "active");
        assert_eq!((answer.allow, answer.until), (open, open.then(|| at("2026-11-29T03:00"))), "{state:?}");
        assert_eq!(answer.because.last().map(|g| g.kind), open.then_some(GrantKind::Window));
    }
    assert_eq!(ask(&[], FRONT, "2026-11-28T23:30", HOUR).reasons[0].kind, DenyKind::NoWindow);
}

#[test]
fn window_of_another_scope_or_too_short_a_rest_does_not_count() {
    let mut windows = [window("2026-11-28T23:00", 4 * HOUR, WindowState::Announced)];
    let late = ask(&windows, FRONT, "2026-11-29T02:30", HOUR);
    assert_eq!((late.allow, late.next_open), (false, None));
    assert!(late.reasons.iter().any(|r| r.kind == DenyKind::NoWindow));
    windows[0].scope = vec!["bdc/citizen-page".into()];
    assert!(!ask(&windows, FRONT, "2026-11-28T23:30", HOUR).allow);
}

#[test]
fn next_opening_of_a_window_gate_is_the_start_of_the_next_window_that_fits() {
    let windows = [
        window("2026-11-25T23:00", 30 * MINUTE, WindowState::Announced),
        window("2026-12-05T23:00", 4 * HOUR, WindowState::Announced),
        window("2026-11-28T21:00", 4 * HOUR, WindowState::Announced),
    ];
    let answer = ask(&windows, FRONT, "2026-11-25T10:00", HOUR);
    assert_eq!(answer.next_open, Some(at("2026-11-28T21:00")));
    let kinds: Vec<_> = answer.reasons.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [DenyKind::OutsideAllowedHours, DenyKind::NoWindow]);
}

#[test]
fn window_that_fell_out_of_policy_does_not_open_the_gate() {
    let windows = [window("2026-11-25T20:00", 4 * HOUR, WindowState::Announced)];
    let early = ask(&windows, FRONT, "2026-11-25T20:30", HOUR);
    assert_eq!((early.allow, early.next_open), (false, Some(at("2026-11-25T22:00"))));
    assert_eq!(early.reasons[0].kind, DenyKind::OutsideAllowedHours);
}

#[test]
fn an_emergency_opens_both_kinds_of_gate_by_day_and_no_other_subsystem_s() {
    let mut emergency = window("2026-11-25T10:00", 2 * HOUR, WindowState::Active);
    emergency.emergency = Some(crate::domain::window::Emergency { ticket: "INC-7".into() });
    let windows = [emergency];
    let answer = ask(&windows, FRONT, "2026-11-25T10:30", HOUR);
    assert_eq!((answer.allow, answer.until), (true, Some(at("2026-11-25T12:00"))));
    assert!(answer.because[0].text.en.contains("INC-7"));
    assert!(!ask(&windows, FRONT, "2026-11-25T11:30", HOUR).allow, "longer than the emergency lasts");
    assert!(!ask(&windows, "huangpu/portal", "2026-11-25T10:30", HOUR).allow);
}
