//! Runs of plans with their windows: they begin, restart, turn back and end together.

use super::*;
use crate::domain::access::{Caller, Scope};
use crate::domain::order::{Order, Ordered, RunWish, Wanted, WhyNot};
use crate::domain::plan::fixture::five_steps;
use crate::domain::plan::{Deed, End, Report, Resolution, RunState, Seen};
use crate::domain::window::WindowState;

/// A window of two hours over c/alone from second 1000 on, carried out by five steps.
pub(super) fn city() -> Inventory {
    let mut inventory = two_tiers().window("w", &["c/alone"], T0 + 1_000 * SECOND, 2 * HOUR).inventory();
    let plan = crate::domain::plan::Plan { owner: "c".into(), ..five_steps() };
    inventory.schedules.get_mut("w").unwrap().plan = Some(plan.id.clone());
    inventory.plans.insert(plan.id.clone(), plan);
    inventory
}

fn bench() -> Bench {
    let mut bench = Bench::of(city());
    bench.seen(0, 1_000, &["c/alone"], &Outcome::Pass);
    bench
}

impl Bench {
    fn window(&self) -> WindowState {
        self.engine.book.iter().next().unwrap().state
    }

    fn run(&self) -> RunState {
        self.engine.runs.iter().last().unwrap().state()
    }

    /// The only order in flight ends.
    fn report(&mut self, end: End) -> (Deed, String) {
        assert_eq!(self.orders.len(), 1, "{:?}", self.orders);
        let order = self.orders.remove(0);
        let done = (order.deed, order.step.to_string());
        let plan::Order { run, epoch, step, deed, attempt, .. } = order;
        let report = Box::new(Report { run, epoch, step, deed, attempt, end });
        let out = self.engine.handle(self.now, Event::Reported(report));
        self.take(out);
        done
    }

    fn tick(&mut self) {
        let out = self.engine.handle(self.now, Event::Tick);
        self.take(out);
    }

    /// kill -9, and a start from the facts alone.
    pub(super) fn restart(&mut self) {
        let mut engine = Engine::new(self.now, Arc::clone(self.engine.inventory()));
        engine.book.adopt(self.now, &Arc::clone(self.engine.inventory()));
        self.facts.iter().for_each(|fact| engine.apply(fact));
        self.orders.clear();
        self.engine = engine;
        let out = self.engine.start(self.now, Some(self.now), "digest");
        self.take(out);
    }

    pub(super) fn order(&mut self, wish: RunWish) -> Result<Ordered, WhyNot> {
        let by = Caller { name: "operator".into(), owner: None, scopes: self.scopes(), from: "127.0.0.1".into() };
        let order = Order { by, reason: "a test of the order".into(), what: Wanted::Run(wish) };
        let (out, result) = self.engine.order(self.now, &order);
        self.take(out);
        result.map_err(|not| not.kind)
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Operate, Scope::Approve("b".into()), Scope::Approve("c".into())]
    }
}

#[test]
fn a_live_page_while_drained_is_a_defect_once_until_the_notice_is_up() {
    let mut bench = bench();
    bench.until(1_000);
    let defects = |bench: &Bench| -> u32 { bench.engine.book.iter().next().unwrap().defects.values().sum() };
    bench.seen(1_000, 1_010, &["c/alone"], &Outcome::Pass);
    assert_eq!((bench.report(done()).1.as_str(), defects(&bench)), ("drain", 0), "it was not out yet");
    bench.seen(1_010, 1_040, &["c/alone"], &Outcome::Pass);
    assert_eq!(defects(&bench), 1, "live, and nobody showed a notice");
    let notice = Outcome::fail(ReasonKind::Maintenance, "503, retry-after 3600");
    bench.seen(1_040, 1_060, &["c/alone"], &notice);
    bench.seen(1_060, 1_080, &["c/alone"], &Outcome::Pass);
    assert_eq!(defects(&bench), 2, "a pass does not end what the plan keeps out");
    bench.seen(1_080, 1_090, &["c/alone"], &notice);
    bench.seen(1_090, 1_110, &["c/alone"], &refused());
    assert_eq!(defects(&bench), 3);
    for step in ["migrate", "switch"] {
        assert_eq!(bench.report(done()).1, step);
    }
    bench.seen(1_110, 1_120, &["c/alone"], &notice);
    assert_eq!(bench.orders[0].step.as_str(), "restore");
    bench.seen(1_120, 1_150, &["c/alone"], &Outcome::Pass);
    assert_eq!(defects(&bench), 3, "from the beginning of the restore on a live page is right");
}

fn done() -> End {
    End::Done { note: "good".into() }
}

#[test]
fn a_plan_begins_with_its_window_and_the_window_is_verified_when_it_is_done() {
    let mut bench = bench();
    bench.until(1_000);
    assert_eq!((bench.window(), bench.run()), (WindowState::Active, RunState::Running));
    for (step, drained) in [("drain", 1), ("migrate", 1), ("switch", 1), ("restore", 0)] {
        assert_eq!(bench.report(done()), (Deed::Do, step.to_owned()));
        let view = &bench.engine.run_views()[0];
        assert_eq!(view.drained.len(), drained, "after {step}");
    }
    assert_eq!((bench.window(), bench.run()), (WindowState::Verifying, RunState::Done));
    assert!(bench.mailed().iter().any(|mail| mail.starts_with("says w.")), "{:?}", bench.mailed());
    bench.seen(1_010, 1_050, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.window(), WindowState::Completed);
}

#[test]
fn an_intent_leaves_in_one_output_with_its_record() {
    let mut bench = bench();
    bench.until(999);
    bench.now = T0 + 1_000 * SECOND;
    let out = bench.engine.handle(bench.now, Event::Tick);
    let intended = |f: &Recorded| matches!(&f.fact, Fact::Run { event: plan::RunFact::Intended { .. }, .. });
    assert_eq!(out.facts.iter().filter(|f| intended(f)).count(), 1);
    assert!(matches!(out.effects[..], [Effect::Step(_)]));
}

#[test]
fn a_restart_looks_before_it_goes_on_and_refuses_the_reports_of_the_dead() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    let lost = bench.orders[0].clone();
    bench.restart();
    assert_eq!(bench.report(End::Saw { seen: Seen::Absent, note: String::new() }), (Deed::Observe, "migrate".into()));
    let again = bench.orders[0].clone();
    assert_eq!((again.key == lost.key, again.epoch, again.attempt), (true, 2, 2));
    let plan::Order { run, epoch, step, deed, attempt, .. } = lost;
    let report = Box::new(Report { run, epoch, step, deed, attempt, end: done() });
    let out = bench.engine.handle(bench.now, Event::Reported(report));
    assert!(out.facts.is_empty() && out.effects.is_empty());
    for _ in 0..3 {
        bench.report(done());
    }
    assert_eq!(bench.run(), RunState::Done);
    let (mut restored, shape) = (Engine::new(T0, Arc::clone(bench.engine.inventory())), bench.engine.checkpoint());
    assert!(restored.restore(&shape));
    assert_eq!(restored.runs, bench.engine.runs);
}

#[test]
fn a_person_turns_a_run_back_and_its_window_fails_once_the_service_is_verified() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    bench.report(done());
    let run = bench.engine.run_views()[0].id.clone();
    assert!(matches!(bench.order(RunWish::Abort("none".into())), Err(WhyNot::Unknown)));
    bench.order(RunWish::Abort(run.clone())).unwrap();
    assert_eq!((bench.window(), bench.run()), (WindowState::Aborting, RunState::Aborting));
    assert!(matches!(bench.order(RunWish::Abort(run)), Err(WhyNot::Conflict)));
    let ends = [(Deed::Do, "switch"), (Deed::Undo, "switch"), (Deed::Undo, "migrate"), (Deed::Restore, "drain")];
    for (deed, step) in ends {
        assert_eq!(bench.report(done()), (deed, step.to_owned()));
    }
    assert_eq!((bench.window(), bench.run()), (WindowState::Verifying, RunState::Undone));
    bench.seen(1_010, 1_050, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.window(), WindowState::Failed);
}

#[test]
fn a_parked_run_pages_and_goes_on_by_the_word_of_a_person() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    bench.report(done());
    bench.restart();
    bench.report(End::Saw { seen: Seen::Absent, note: String::new() });
    assert_eq!(bench.run(), RunState::Parked);
    assert!(bench.mailed().iter().any(|mail| mail.starts_with("parked w.")), "{:?}", bench.mailed());
    let run = bench.engine.run_views()[0].id.clone();
    bench.order(RunWish::Resume(run.clone(), Resolution::Done)).unwrap();
    assert_eq!(bench.report(done()), (Deed::Do, "restore".into()));
    assert!(bench.order(RunWish::Resume(run, Resolution::Done)).is_err(), "it is not parked any more");
}

#[test]
fn while_the_store_refuses_a_run_waits_and_then_goes_on() {
    let mut bench = bench();
    bench.until(1_000);
    bench.engine.note_journal(Journal::Refuses);
    bench.report(done());
    assert!(bench.orders.is_empty(), "the next intent could not be recorded");
    bench.engine.note_journal(Journal::Writes);
    bench.until(1_010);
    assert_eq!(bench.report(done()), (Deed::Do, "migrate".into()));
}

#[test]
fn what_is_out_of_service_without_a_run_is_put_back() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    let drained = vec!["flag:a".to_owned(), "flag:c.left".to_owned()];
    let out = bench.engine.handle(bench.now, Event::Drained(drained));
    bench.take(out);
    assert_eq!(bench.released, ["flag:c.left"]);
}

#[test]
fn a_plan_whose_text_is_gone_is_ended_as_it_was() {
    let mut bench = bench();
    bench.until(1_000);
    let inventory = Arc::new(two_tiers().inventory());
    let out = bench
        .engine
        .handle(bench.now, Event::Reloaded { inventory, digest: "other".into(), by: Actor::ourselves("files") });
    bench.take(out);
    for step in ["drain", "migrate", "switch", "restore"] {
        assert_eq!(bench.report(done()), (Deed::Do, step.to_owned()));
    }
    assert_eq!((bench.window(), bench.run()), (WindowState::Verifying, RunState::Done));
}

#[test]
fn a_run_keeps_to_the_time_of_its_window() {
    let mut bench = bench();
    bench.until(1_000);
    let end = T0 + 1_000 * SECOND + HOUR;
    let before = bench.engine.run_views()[0].point_of_no_return;
    let window = bench.engine.book.iter().next().unwrap().clone();
    let (id, schedule, written) = (window.id.clone(), window.schedule.clone(), window.written);
    let amendment = crate::domain::window::Amendment::Shortened { end };
    let (by, reason) = (Actor::ourselves("files"), "done early".to_owned());
    bench.engine.record(
        &mut Output::default(),
        Fact::WindowAmended { window: id.clone(), schedule, written, by, reason, amendment },
    );
    let mut out = Output::default();
    bench.engine.advance_window(&mut out, &id);
    bench.take(out);
    assert_eq!(bench.engine.run_views()[0].point_of_no_return, before - HOUR);
}

/// The wall clock jumps by so much while a step is in flight.
fn stepped(bench: &mut Bench, by: Millis) {
    let from = bench.now;
    bench.now = bench.now + by;
    if by > 0 {
        let to = bench.now;
        let out = bench.engine.handle(to, Event::ClockStepped { from, to });
        bench.take(out);
    }
}

#[test]
fn a_clock_that_jumps_an_hour_forward_holds_the_run_for_ten_minutes_and_no_longer() {
    let mut bench = bench();
    bench.until(1_000);
    stepped(&mut bench, HOUR);
    bench.report(done());
    assert!(bench.orders.is_empty(), "nothing goes forward by a clock that jumped");
    let second = bench.now.since(T0) / SECOND;
    bench.until(second + 601);
    for step in ["migrate", "switch", "restore"] {
        assert_eq!(bench.report(done()), (Deed::Do, step.to_owned()));
    }
    assert_eq!(bench.run(), RunState::Done);
}

#[test]
fn a_clock_that_jumps_beyond_the_point_of_no_return_turns_the_run_back_and_all_is_restored() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    stepped(&mut bench, 2 * HOUR);
    let ends = [(Deed::Do, "migrate"), (Deed::Undo, "migrate"), (Deed::Restore, "drain")];
    for (deed, step) in ends {
        assert_eq!(bench.report(done()), (deed, step.to_owned()));
    }
    assert_eq!(bench.run(), RunState::Undone);
    assert!(bench.engine.run_views()[0].drained.is_empty());
}

#[test]
fn a_clock_that_is_set_back_an_hour_holds_every_step_forward_until_it_has_caught_up() {
    let mut bench = bench();
    bench.until(1_000);
    stepped(&mut bench, -HOUR);
    bench.report(done());
    assert!(bench.orders.is_empty(), "the drain ended, and no step follows it");
    bench.now = bench.now + HOUR - 10 * SECOND;
    bench.tick();
    assert!(bench.orders.is_empty());
    bench.now = bench.now + 20 * SECOND;
    bench.tick();
    for step in ["migrate", "switch", "restore"] {
        assert_eq!(bench.report(done()), (Deed::Do, step.to_owned()));
    }
    assert_eq!(bench.run(), RunState::Done);
}

#[test]
fn a_clock_that_is_set_back_a_minute_is_not_trusted_for_ten() {
    let mut bench = bench();
    bench.until(1_000);
    stepped(&mut bench, -MINUTE);
    bench.report(done());
    bench.until(1_000 - 60 + 595);
    assert!(bench.orders.is_empty());
    bench.until(1_000 - 60 + 606);
    assert_eq!(bench.report(done()), (Deed::Do, "migrate".into()));
}

#[test]
fn a_run_goes_back_while_the_clock_stands_and_tries_again_with_pauses_of_its_own() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    stepped(&mut bench, -HOUR);
    let run = bench.engine.run_views()[0].id.clone();
    bench.order(RunWish::Abort(run)).unwrap();
    assert_eq!(bench.report(done()), (Deed::Do, "migrate".into()));
    assert_eq!(bench.report(done()), (Deed::Undo, "migrate".into()));
    for tried in 0..4 {
        assert_eq!(bench.orders[0].pause_ms > 0, tried > 0);
        assert_eq!(bench.report(End::Failed { note: "no".into() }), (Deed::Restore, "drain".into()));
    }
    assert_eq!(bench.report(done()), (Deed::Restore, "drain".into()));
    assert_eq!(bench.run(), RunState::Undone);
}

#[test]
fn a_start_by_a_clock_that_is_behind_the_facts_looks_and_takes_no_step_forward() {
    let mut bench = bench();
    bench.until(1_000);
    bench.report(done());
    bench.now = bench.now - HOUR;
    bench.restart();
    assert_eq!(bench.report(End::Saw { seen: Seen::Absent, note: String::new() }), (Deed::Observe, "migrate".into()));
    assert!(bench.orders.is_empty());
    bench.now = bench.now + HOUR + 10 * SECOND;
    bench.tick();
    assert_eq!(bench.report(done()), (Deed::Do, "migrate".into()));
}
