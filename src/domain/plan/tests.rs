//! Plans rule by rule; `histories` tries them all at once, over random plans, outcomes and crashes.

mod histories;

use super::fixture::*;
use super::next::UNDO_WAITS_MAX;
use super::*;

/// One run that a test drives by hand.
struct Bench {
    runs: Runs,
    now: Timestamp,
    around: Circumstances,
}

impl Bench {
    fn new(plan: &Plan) -> Self {
        let mut runs = Runs::default();
        begin(&mut runs, "r", plan);
        Self { runs, now: START, around: Circumstances::default() }
    }

    fn run(&self) -> &Run {
        self.runs.get(&"r".into()).unwrap()
    }

    fn next(&self) -> Move {
        next(self.now, self.run(), &self.around)
    }

    fn fact(&mut self, fact: &RunFact) {
        self.runs.apply(self.now, &"r".into(), fact);
    }

    /// Takes the next move into the facts, and says what it was.
    fn step(&mut self) -> Move {
        let found = self.next();
        let run = self.run();
        let id = |step: usize| run.plan.steps[step].id.clone();
        let fact = match &found {
            Move::Intend { deed, step } => {
                let attempt = run.steps[*step].track(*deed).attempts + 1;
                let key = run.key(*deed, &id(*step));
                RunFact::Intended { deed: *deed, step: id(*step), attempt, key }
            }
            Move::Settle { deed, step, end } => RunFact::Finished { deed: *deed, step: id(*step), end: end.clone() },
            Move::Park { step, why } => RunFact::Parked { step: id(*step), why: why.clone() },
            Move::Abort { why } => RunFact::Aborting { why: why.clone(), by: String::new() },
            Move::End { how } => RunFact::Ended { how: *how },
            Move::Wait { .. } => return found,
        };
        self.fact(&fact);
        found
    }

    fn finish(&mut self, deed: Deed, step: &str, end: End) {
        self.fact(&RunFact::Finished { deed, step: step.into(), end });
    }

    fn do_step(&mut self, position: usize, step: &str) {
        assert_eq!(self.step(), Move::Intend { deed: Deed::Do, step: position });
        self.finish(Deed::Do, step, done());
    }

    fn crash(&mut self) {
        let epoch = self.run().epoch + 1;
        self.fact(&RunFact::Leased { epoch });
    }
}

fn done() -> End {
    End::Done { note: String::new() }
}

fn failed() -> End {
    End::Failed { note: "no".into() }
}

fn unknown() -> End {
    End::Unknown { note: "late".into() }
}

fn saw(seen: Seen) -> End {
    End::Saw { seen, note: String::new() }
}

const fn intend(deed: Deed, step: usize) -> Move {
    Move::Intend { deed, step }
}

#[test]
fn five_steps_are_done_in_order_and_nothing_stays_drained() {
    let mut bench = Bench::new(&five_steps());
    for (position, step) in ["drain", "migrate", "switch", "restore"].into_iter().enumerate() {
        assert_eq!(bench.run().held.is_empty(), position == 0);
        bench.do_step(position, step);
    }
    assert_eq!(bench.step(), intend(Deed::Do, 4));
    assert!(matches!(bench.step(), Move::Settle { step: 4, .. }));
    assert!(bench.run().held.is_empty());
    assert_eq!(bench.step(), Move::End { how: Ending::Done });
    assert_eq!(bench.run().state(), RunState::Done);
    assert!(matches!(bench.next(), Move::Wait { until: None, why: Waiting::Over }));
}

#[test]
fn a_plan_without_a_restore_step_restores_at_its_end() {
    let mut plan = five_steps();
    plan.steps.truncate(2);
    let mut bench = Bench::new(&plan);
    bench.do_step(0, "drain");
    bench.do_step(1, "migrate");
    assert_eq!(bench.step(), intend(Deed::Restore, 0));
    bench.finish(Deed::Restore, "drain", failed());
    assert!(matches!(bench.next(), Move::Wait { until: Some(_), .. }), "it is tried again, not at once");
    bench.now = bench.now + BACKOFF_FIRST;
    assert_eq!(bench.step(), intend(Deed::Restore, 0));
    bench.finish(Deed::Restore, "drain", done());
    assert_eq!(bench.step(), Move::End { how: Ending::Done });
}

#[test]
fn an_intent_without_a_result_is_looked_at_and_taken_as_seen() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    assert_eq!(bench.step(), intend(Deed::Do, 1));
    assert!(matches!(bench.next(), Move::Wait { why: Waiting::Flight, .. }));
    bench.crash();
    assert_eq!(bench.step(), intend(Deed::Observe, 1));
    bench.finish(Deed::Observe, "migrate", saw(Seen::Present));
    assert!(matches!(bench.step(), Move::Settle { deed: Deed::Do, step: 1, end: End::Done { .. } }));
    assert_eq!(bench.next(), intend(Deed::Do, 2));
}

#[test]
fn what_is_absent_after_a_crash_is_done_again_under_the_same_key() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    let key = bench.run().key(Deed::Do, &"migrate".into());
    bench.step();
    bench.crash();
    bench.step();
    bench.finish(Deed::Observe, "migrate", saw(Seen::Absent));
    assert_eq!(bench.step(), intend(Deed::Do, 1));
    assert_eq!(bench.run().key(Deed::Do, &"migrate".into()), key);
    assert_ne!(bench.run().key(Deed::Undo, &"migrate".into()), key);
}

/// The five steps up to a switch whose result nobody knows.
fn unclear_switch() -> Bench {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.do_step(1, "migrate");
    assert_eq!(bench.step(), intend(Deed::Do, 2));
    bench.crash();
    assert_eq!(bench.step(), intend(Deed::Observe, 2));
    bench
}

#[test]
fn what_must_not_be_done_twice_parks_until_a_person_answers() {
    let mut bench = unclear_switch();
    bench.finish(Deed::Observe, "switch", saw(Seen::Absent));
    assert!(matches!(bench.step(), Move::Park { step: 2, .. }));
    let point = bench.run().point_of_no_return();
    assert_eq!(bench.next(), Move::Wait { until: Some(point), why: Waiting::Person });
    bench.fact(&RunFact::Resumed { verdict: Resolution::Again, by: "operator".into() });
    assert_eq!(bench.step(), intend(Deed::Do, 2));
}

#[test]
fn a_parked_run_turns_back_at_the_point_of_no_return_and_still_restores() {
    let mut bench = unclear_switch();
    bench.finish(Deed::Observe, "switch", saw(Seen::Unclear));
    assert!(matches!(bench.step(), Move::Park { .. }));
    bench.now = bench.run().point_of_no_return();
    assert!(matches!(bench.step(), Move::Abort { .. }));
    // Undoing the switch is keyed, so it is safe although nobody knows.
    for (step, name) in [(2, "switch"), (1, "migrate")] {
        assert_eq!(bench.step(), intend(Deed::Undo, step));
        bench.finish(Deed::Undo, name, done());
    }
    assert_eq!(bench.step(), intend(Deed::Restore, 0));
    bench.finish(Deed::Restore, "drain", done());
    assert_eq!(bench.step(), Move::End { how: Ending::Undone });
}

#[test]
fn an_undo_that_cannot_be_done_safely_is_left_to_people_and_the_service_is_restored() {
    let mut plan = five_steps();
    plan.steps[2].undo = Some(Undo { action: action("exec", ""), repeat: Repeat::Never });
    let mut bench = Bench::new(&plan);
    bench.do_step(0, "drain");
    bench.do_step(1, "migrate");
    bench.do_step(2, "switch");
    bench.fact(&RunFact::Aborting { why: Names::default(), by: "operator".into() });
    assert_eq!(bench.step(), intend(Deed::Undo, 2));
    bench.crash();
    assert_eq!(bench.step(), intend(Deed::Observe, 2));
    bench.finish(Deed::Observe, "switch", saw(Seen::Present));
    assert!(matches!(bench.step(), Move::Settle { deed: Deed::Undo, step: 2, end: End::GivenUp { .. } }));
    assert_eq!(bench.step(), intend(Deed::Undo, 1));
    bench.finish(Deed::Undo, "migrate", done());
    assert_eq!(bench.step(), intend(Deed::Restore, 0));
    bench.finish(Deed::Restore, "drain", done());
    assert_eq!(bench.step(), Move::End { how: Ending::Broken });
}

#[test]
fn what_was_put_back_early_is_taken_out_again_before_more_is_undone() {
    let mut bench = Bench::new(&five_steps());
    for (position, step) in ["drain", "migrate", "switch", "restore"].into_iter().enumerate() {
        bench.do_step(position, step);
    }
    bench.fact(&RunFact::Aborting { why: Names::default(), by: "operator".into() });
    assert_eq!(bench.step(), intend(Deed::Undo, 3), "drained again");
    bench.finish(Deed::Undo, "restore", done());
    assert!(bench.run().held.contains_key("flag:a"));
    for (step, name) in [(2, "switch"), (1, "migrate")] {
        assert_eq!(bench.step(), intend(Deed::Undo, step));
        bench.finish(Deed::Undo, name, done());
    }
    assert_eq!(bench.step(), intend(Deed::Restore, 3));
    bench.finish(Deed::Restore, "restore", done());
    assert_eq!(bench.step(), Move::End { how: Ending::Undone });
}

#[test]
fn no_step_starts_that_could_go_on_after_the_point_of_no_return() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.now = bench.run().point_of_no_return() - MINUTE + 1;
    assert!(matches!(bench.step(), Move::Abort { .. }));
    bench.now = bench.run().point_of_no_return() - MINUTE;
    assert_eq!(bench.run().state(), RunState::Aborting, "there is no way forward again");
}

#[test]
fn a_failed_step_is_repeated_after_a_pause_and_then_the_run_turns_back() {
    let mut bench = Bench::new(&five_steps());
    for try_number in 1..=3 {
        assert_eq!(bench.step(), intend(Deed::Do, 0), "try {try_number}");
        bench.finish(Deed::Do, "drain", failed());
        bench.now = bench.now + BACKOFF_MAX;
    }
    assert!(matches!(bench.step(), Move::Abort { .. }));
    assert_eq!(bench.step(), intend(Deed::Restore, 0), "a drain that failed may have drained");
}

#[test]
fn waves_rest_and_a_guard_that_does_not_hold_is_waited_for() {
    let canary = step("canary", &[], Task::Run(action("http", "")));
    let rest = Step { wave: 2, ..step("rest", &[], Task::Run(action("http", ""))) };
    let mut bench = Bench::new(&Plan { rest_ms: 10 * MINUTE, ..plan_of(vec![canary, rest]) });
    bench.do_step(0, "canary");
    let rested = bench.now + 10 * MINUTE;
    assert_eq!(bench.next(), Move::Wait { until: Some(rested), why: Waiting::Time });
    bench.now = rested;
    let why = Names { zh: "冻结".into(), en: "a freeze".into() };
    bench.around.denied = Some(why.clone());
    let point = bench.run().point_of_no_return();
    assert_eq!(bench.next(), Move::Wait { until: Some(point), why: Waiting::Guard(why) });
    bench.around.denied = None;
    assert_eq!(bench.next(), intend(Deed::Do, 1));
}

#[test]
fn waiting_approving_and_verifying_survive_a_restart() {
    let steps = vec![
        step("pause", &[], Task::Wait { ms: 5 * MINUTE }),
        step("people", &[0], Task::Approve { people: 2 }),
        step("probes", &[1], Task::Verify { rounds: 3 }),
    ];
    let mut bench = Bench::new(&plan_of(steps));
    assert_eq!(bench.step(), intend(Deed::Do, 0));
    bench.crash();
    let due = bench.now + 5 * MINUTE;
    assert_eq!(bench.next(), Move::Wait { until: Some(due), why: Waiting::Flight });
    bench.now = due;
    assert!(matches!(bench.step(), Move::Settle { step: 0, end: End::Done { .. }, .. }));
    assert_eq!(bench.step(), intend(Deed::Do, 1));
    for by in ["first", "first"] {
        bench.fact(&RunFact::Approved { step: "people".into(), by: by.into() });
    }
    bench.crash();
    assert!(matches!(bench.next(), Move::Wait { .. }), "one person twice is one person");
    bench.fact(&RunFact::Approved { step: "people".into(), by: "second".into() });
    assert!(matches!(bench.step(), Move::Settle { step: 1, .. }));
    assert_eq!(bench.step(), intend(Deed::Do, 2));
    bench.now = bench.now + MINUTE;
    assert!(matches!(bench.step(), Move::Settle { step: 2, end: End::GivenUp { .. }, .. }), "not verified in time");
    assert!(matches!(bench.step(), Move::Abort { .. }));
}

#[test]
fn a_report_of_a_former_epoch_or_of_nothing_in_flight_is_refused() {
    let mut bench = Bench::new(&five_steps());
    bench.step();
    let report =
        |epoch, attempt| Report { run: "r".into(), epoch, step: "drain".into(), deed: Deed::Do, attempt, end: done() };
    assert!(bench.runs.accept(&report(1, 1)).is_ok());
    assert!(bench.runs.accept(&report(1, 2)).is_err());
    bench.crash();
    assert!(bench.runs.accept(&report(1, 1)).is_err());
    assert!(bench.runs.accept(&report(2, 1)).is_err(), "under this epoch nothing was asked for");
}

#[test]
fn what_two_runs_drained_is_put_back_by_the_last_of_them() {
    let mut plan = five_steps();
    plan.steps.truncate(1);
    let mut bench = Bench::new(&plan);
    begin(&mut bench.runs, "s", &plan);
    for run in ["r", "s"] {
        let (step, key) = ("drain".into(), String::new());
        bench.runs.apply(START, &run.into(), &RunFact::Intended { deed: Deed::Do, step, attempt: 1, key });
        bench.runs.apply(START, &run.into(), &RunFact::Finished { deed: Deed::Do, step: "drain".into(), end: done() });
    }
    let drained = ["flag:a".to_owned(), "flag:b".to_owned()];
    assert_eq!(bench.runs.stranded(&drained), [&drained[1]]);
    bench.around.shared = bench.runs.held_besides(&"r".into());
    assert!(matches!(bench.step(), Move::Settle { deed: Deed::Restore, .. }), "left to the other");
    assert_eq!(bench.step(), Move::End { how: Ending::Done });
    assert!(bench.runs.held_besides(&"s".into()).is_empty());
    let last = bench.runs.get(&"s".into()).unwrap();
    assert_eq!(next(START, last, &Circumstances::default()), intend(Deed::Restore, 0));
}

#[test]
fn what_was_withheld_was_not_done_and_is_decided_anew() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.step();
    bench.finish(Deed::Do, "migrate", End::Withheld { note: "the store refused the intent".into() });
    assert_eq!(bench.next(), intend(Deed::Do, 1));
    bench.step();
    bench.finish(Deed::Do, "migrate", unknown());
    bench.step();
    bench.finish(Deed::Observe, "migrate", saw(Seen::Absent));
    bench.step();
    bench.finish(Deed::Do, "migrate", End::Withheld { note: "the store refused the intent".into() });
    bench.fact(&RunFact::Aborting { why: Names::default(), by: String::new() });
    assert_eq!(bench.step(), intend(Deed::Observe, 1), "an earlier try may have left something behind");
}

#[test]
fn while_nothing_can_be_recorded_only_what_leads_back_goes_on() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.around.unrecorded = Some(bench.now);
    assert!(matches!(bench.next(), Move::Wait { why: Waiting::Guard(_), .. }), "no step forward");
    bench.fact(&RunFact::Aborting { why: Names::default(), by: String::new() });
    assert_eq!(bench.next(), intend(Deed::Restore, 0));
}

/// A run that turns back before an undo that must not be tried twice.
fn turned_back_from_a_switch() -> Bench {
    let mut plan = five_steps();
    plan.steps[2].undo = Some(Undo { action: action("exec", ""), repeat: Repeat::Never });
    let mut bench = Bench::new(&plan);
    for (position, step) in ["drain", "migrate", "switch"].into_iter().enumerate() {
        bench.do_step(position, step);
    }
    bench.fact(&RunFact::Aborting { why: Names::default(), by: "operator".into() });
    bench.around.unrecorded = Some(bench.now);
    bench
}

#[test]
fn an_undo_that_cannot_be_recorded_waits_a_moment_and_never_keeps_from_restoring() {
    let mut bench = turned_back_from_a_switch();
    bench.now = bench.now + UNDO_WAITS_MAX - 1;
    assert!(matches!(bench.next(), Move::Wait { until: Some(_), why: Waiting::Guard(_) }));
    bench.now = bench.now + 1;
    assert!(matches!(bench.step(), Move::Settle { deed: Deed::Undo, step: 2, end: End::GivenUp { .. } }));
    assert_eq!(bench.step(), intend(Deed::Undo, 1), "keyed: safe without a record");
    bench.finish(Deed::Undo, "migrate", done());
    assert_eq!(bench.step(), intend(Deed::Restore, 0));
    bench.finish(Deed::Restore, "drain", done());
    assert_eq!(bench.step(), Move::End { how: Ending::Broken });
}

#[test]
fn turning_back_waits_for_its_record_but_not_beyond_the_point_of_no_return() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    for _ in 0..3 {
        bench.step();
        bench.finish(Deed::Do, "migrate", failed());
        bench.now = bench.now + BACKOFF_MAX;
    }
    bench.around.unrecorded = Some(bench.now);
    assert!(matches!(bench.next(), Move::Wait { until: Some(_), why: Waiting::Guard(_) }));
    bench.now = bench.run().point_of_no_return();
    assert!(matches!(bench.next(), Move::Abort { .. }));
}

#[test]
fn while_no_time_passes_an_undo_that_cannot_be_recorded_is_left_to_people_at_once() {
    let mut bench = turned_back_from_a_switch();
    bench.around.time_stands = true;
    assert!(matches!(bench.step(), Move::Settle { deed: Deed::Undo, step: 2, end: End::GivenUp { .. } }));
}

#[test]
fn by_a_doubtful_clock_nothing_goes_forward_and_what_leads_back_does() {
    let why = Names { zh: "跳变".into(), en: "it jumped".into() };
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.around.clock = Some(why.clone());
    let held = |bench: &Bench| matches!(bench.next(), Move::Wait { why: Waiting::Guard(_), .. });
    assert!(held(&bench), "no first try");
    bench.around.clock = None;
    bench.step();
    bench.finish(Deed::Do, "migrate", failed());
    bench.now = bench.now + BACKOFF_MAX;
    bench.around.clock = Some(why.clone());
    assert!(held(&bench), "no second one");
    bench.around.clock = None;
    bench.do_step(1, "migrate");
    bench.do_step(2, "switch");
    bench.around.clock = Some(why);
    assert_eq!(bench.next(), intend(Deed::Do, 3), "restoring waits for no clock");
    bench.fact(&RunFact::Aborting { why: Names::default(), by: "operator".into() });
    assert_eq!(bench.next(), intend(Deed::Undo, 2));
}

#[test]
fn while_no_time_passes_what_leads_back_is_tried_again_without_waiting_for_an_instant() {
    let mut bench = Bench::new(&five_steps());
    bench.do_step(0, "drain");
    bench.fact(&RunFact::Aborting { why: Names::default(), by: "operator".into() });
    bench.step();
    bench.finish(Deed::Restore, "drain", failed());
    assert!(matches!(bench.next(), Move::Wait { .. }));
    bench.around.time_stands = true;
    assert_eq!(bench.next(), intend(Deed::Restore, 0));
}

#[test]
fn time_that_the_clock_skipped_counts_for_no_step_that_waits() {
    let mut bench = Bench::new(&plan_of(vec![step("pause", &[], Task::Wait { ms: 5 * MINUTE })]));
    bench.step();
    bench.runs.skip(HOUR);
    bench.now = bench.now + HOUR + MINUTE;
    assert!(matches!(bench.next(), Move::Wait { .. }));
    bench.now = bench.now + 4 * MINUTE;
    assert!(matches!(bench.next(), Move::Settle { end: End::Done { .. }, .. }));
}

#[test]
fn the_time_that_a_plan_needs_follows_its_order() {
    let slow = Step { timeout_ms: 10 * MINUTE, ..step("slow", &[], Task::Run(action("http", ""))) };
    let quick = step("quick", &[], Task::Run(action("http", "")));
    let last = step("last", &[0, 1], Task::Run(action("http", "")));
    let second = Step { wave: 2, ..step("second", &[], Task::Wait { ms: 2 * MINUTE }) };
    let plan = Plan { rest_ms: 5 * MINUTE, ..plan_of(vec![slow, quick, last, second]) };
    assert_eq!(plan.forward_ms(), (10 + 1 + 5 + 2) * MINUTE);
    assert_eq!(plan.needs_ms(), (18 + 15) * MINUTE);
    assert_eq!(plan.point_of_no_return(START), START - 15 * MINUTE);
}
