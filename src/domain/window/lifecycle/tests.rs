//! The table of the life cycle, row by row, and what holds for every knowledge.

use super::*;
use WindowState::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp(10 * DAY);
const END: Timestamp = Timestamp(10 * DAY + 2 * HOUR);
const NOTICE_BY: Timestamp = Timestamp(5 * DAY);

fn known() -> Known {
    Known {
        span: Span::new(START, END),
        admission: Admission::Admitted { notice_by: Some(NOTICE_BY) },
        announced: Some(Timestamp(DAY)),
        hindrance: None,
        asked: None,
        work: Work::ByHand,
        needs_ms: 0,
        service: Service::Well,
        aborted: false,
        overran: false,
    }
}

fn planned(work: Work) -> Known {
    Known { work, needs_ms: HOUR, ..known() }
}

fn text(en: &str) -> Names {
    because("", en)
}

#[track_caller]
fn check(now: Timestamp, from: WindowState, known: &Known, expected: Option<WindowState>) {
    assert_eq!(next(now, from, known).map(|(state, _)| state), expected, "from {from:?}");
}

#[test]
fn a_window_without_a_plan_runs_its_course() {
    check(Timestamp(0), Draft, &known(), Some(Planned));
    check(Timestamp(0), Planned, &known(), Some(Announced));
    check(START - ARMED_BEFORE_MS - 1, Announced, &known(), None);
    check(START - ARMED_BEFORE_MS, Announced, &known(), Some(Armed));
    check(START - 1, Armed, &known(), None);
    check(START, Armed, &known(), Some(Entering));
    check(START, Entering, &known(), Some(Active));
    check(END - 1, Active, &known(), None);
    check(END, Active, &known(), Some(Completed));
}

#[test]
fn a_window_with_a_plan_follows_its_work() {
    check(START, Entering, &planned(Work::Waiting), None);
    check(START, Entering, &planned(Work::Running), Some(Active));
    check(START, Active, &planned(Work::Running), None);
    check(START, Active, &planned(Work::Done), Some(Verifying));
    check(START, Active, &planned(Work::Unwinding), Some(Aborting));
    check(START, Aborting, &planned(Work::Unwinding), None);
    check(START, Aborting, &planned(Work::Undone), Some(Verifying));
    check(END, Active, &planned(Work::Running), Some(Overrun));
    check(END, Overrun, &Known { overran: true, ..planned(Work::Running) }, None);
}

#[test]
fn finishing_early_needs_good_rounds() {
    let asked = Known { asked: Some(Asked::Finish), service: Service::Bad, ..known() };
    check(START, Active, &asked, Some(Verifying));
    check(START, Verifying, &Known { service: Service::Bad, ..known() }, None);
    check(START, Verifying, &known(), None);
    check(START, Verifying, &Known { service: Service::Verified, ..known() }, Some(Completed));
    check(END, Verifying, &known(), Some(Completed));
}

#[test]
fn an_abort_ends_verified_and_failed() {
    let abort = Known { asked: Some(Asked::Abort), ..known() };
    check(START, Active, &abort, Some(Aborting));
    let aborted = Known { aborted: true, ..known() };
    check(START, Aborting, &aborted, Some(Verifying));
    check(START, Verifying, &Known { service: Service::Verified, ..aborted.clone() }, Some(Failed));
    check(END, Aborting, &Known { work: Work::Unwinding, ..aborted }, Some(Overrun));
}

#[test]
fn overrun_starts_at_the_approved_end_and_ends_verified() {
    let broken = Known { service: Service::Bad, ..known() };
    check(END, Active, &broken, Some(Overrun));
    check(END, Verifying, &broken, Some(Overrun));
    let late = Known { overran: true, ..known() };
    check(END + MINUTE, Overrun, &Known { overran: true, ..broken.clone() }, None);
    check(END + MINUTE, Overrun, &late, Some(Verifying));
    check(END + MINUTE, Verifying, &late, None);
    check(END + MINUTE, Verifying, &Known { overran: true, ..broken.clone() }, Some(Overrun));
    check(END + MINUTE, Verifying, &Known { service: Service::Verified, ..late }, Some(Completed));
    // A plan that is done at the end is not verified yet, however well the service looks.
    check(END, Verifying, &planned(Work::Done), Some(Overrun));
}

#[test]
fn half_an_hour_over_is_stuck_until_a_person_says_otherwise() {
    let broken = Known { service: Service::Bad, overran: true, ..known() };
    check(END + STUCK_AFTER_MS - 1, Overrun, &broken, None);
    check(END + STUCK_AFTER_MS, Overrun, &broken, Some(Stuck));
    check(END + HOUR, Stuck, &Known { overran: true, ..known() }, None);
    let looked_at = Known { asked: Some(Asked::Finish), overran: true, ..known() };
    check(END + HOUR, Stuck, &looked_at, Some(Verifying));
    check(END + HOUR, Stuck, &Known { asked: Some(Asked::Finish), ..broken }, None);
}

#[test]
fn late_notice_blocks_and_what_is_blocked_to_its_end_is_missed() {
    let late = Known { announced: Some(NOTICE_BY + 1), ..known() };
    check(NOTICE_BY, Planned, &Known { announced: None, ..known() }, None);
    check(NOTICE_BY + 1, Planned, &late, Some(Blocked));
    check(START, Blocked, &late, None);
    check(END - 1, Blocked, &late, None);
    check(END, Blocked, &late, Some(Missed));
}

#[test]
fn a_late_start_is_allowed_only_if_what_is_left_fits_the_plan() {
    check(END - HOUR, Armed, &planned(Work::Waiting), Some(Entering));
    check(END - HOUR + 1, Armed, &planned(Work::Waiting), Some(Missed));
    check(END - 1, Armed, &known(), Some(Entering));
}

#[test]
fn what_stands_in_the_way_blocks_near_the_start_and_is_forgotten_when_mended() {
    let hindered = Known { hindrance: Some(text("INC-0007 is open")), ..known() };
    check(START - ARMED_BEFORE_MS - 1, Announced, &hindered, None);
    check(START - ARMED_BEFORE_MS, Announced, &hindered, Some(Blocked));
    check(START - 1, Armed, &hindered, Some(Blocked));
    check(START, Blocked, &hindered, None);
    check(START, Blocked, &known(), Some(Planned));
}

#[test]
fn a_change_of_an_announced_window_needs_a_new_notice() {
    let moved = Known { announced: None, ..known() };
    check(Timestamp(DAY), Announced, &moved, Some(Planned));
    check(NOTICE_BY + 1, Announced, &moved, Some(Blocked));
}

#[test]
fn what_cannot_be_decided_stays_a_draft_and_what_is_denied_is_rejected() {
    let waiting = Known { admission: Admission::Waiting(text("needs 2 approvals")), ..known() };
    check(Timestamp(0), Draft, &waiting, None);
    check(Timestamp(0), Announced, &waiting, Some(Blocked));
    check(Timestamp(0), Blocked, &waiting, None);
    let denied = Known { admission: Admission::Denied(text("longer than 8 h")), ..known() };
    check(Timestamp(0), Draft, &denied, Some(Rejected));
    check(Timestamp(0), Armed, &denied, Some(Blocked));
}

#[test]
fn a_person_may_call_off_what_has_not_begun() {
    let cancel = Known { asked: Some(Asked::Cancel), ..known() };
    for state in WindowState::ALL.into_iter().filter(|s| s.is_pending()) {
        check(Timestamp(0), state, &cancel, Some(Cancelled));
    }
}

prop_compose! {
    fn any_known()(
        admission in prop_oneof![
            (any::<bool>()).prop_map(|n| Admission::Admitted { notice_by: n.then_some(NOTICE_BY) }),
            Just(Admission::Waiting(text("waits"))),
            Just(Admission::Denied(text("denied"))),
        ],
        announced in prop::option::of(prop::sample::select(vec![Timestamp(DAY), NOTICE_BY + 1])),
        hindered in any::<bool>(),
        asked in prop::option::of(prop::sample::select(vec![Asked::Cancel, Asked::Finish, Asked::Abort])),
        work in prop::sample::select(vec![
            Work::ByHand, Work::Waiting, Work::Running, Work::Unwinding, Work::Done, Work::Undone,
        ]),
        needs_ms in prop::sample::select(vec![0, HOUR, 3 * HOUR]),
        service in prop::sample::select(vec![Service::Bad, Service::Well, Service::Verified]),
        (aborted, overran) in (any::<bool>(), any::<bool>()),
    ) -> Known {
        let hindrance = hindered.then(|| text("in the way"));
        Known {
            span: Span::new(START, END), admission, announced, hindrance, asked, work, needs_ms, service, aborted, overran,
        }
    }
}

/// Takes the steps as the engine does: what was asked for ends with a state, overruns and aborts are remembered.
fn come_to_rest(now: Timestamp, from: WindowState, known: &Known) -> (WindowState, Vec<WindowState>) {
    let (mut state, mut known, mut seen) = (from, known.clone(), vec![from]);
    while let Some((to, _)) = next(now, state, &known) {
        known.asked = None;
        known.overran |= to == Overrun;
        known.aborted |= to == Aborting;
        seen.push(to);
        assert!(seen.len() < 12, "no rest at {now:?} from {from:?}: {seen:?}");
        state = to;
    }
    (state, seen)
}

proptest! {
    #[test]
    fn from_any_state_and_knowledge_the_steps_come_to_rest_and_terminal_states_stay(
        known in any_known(),
        at in -20 * HOUR..6 * HOUR,
        from in prop::sample::select(WindowState::ALL.to_vec()),
    ) {
        let now = START + at;
        let (rest, seen) = come_to_rest(now, from, &known);
        if from.is_terminal() {
            prop_assert_eq!(rest, from);
        }
        let begins = seen.contains(&Entering) && from != Entering;
        if begins {
            prop_assert!(now >= START && now < END, "nothing begins outside its time");
            let admitted = matches!(known.admission, Admission::Admitted { .. });
            prop_assert!(admitted && known.hindrance.is_none());
        }
        if now >= END && rest.is_running() && !rest.is_late() {
            prop_assert!(seen.contains(&Overrun) || known.overran, "past its end it has said so: {:?}", seen);
        }
        prop_assert!(!rest.is_pending() || now < END, "nothing waits after its end");
    }
}
