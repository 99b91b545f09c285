//! Windows in time: the life cycle, the edges of muting, overruns, and what keeps a window from beginning.

use super::*;
use crate::domain::window::WindowState;

/// A window over c/alone from second 100 to second 200.
pub(super) fn with_window() -> City {
    two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, 100 * SECOND)
}

fn window_state(bench: &Bench) -> WindowState {
    bench.engine.book.iter().next().unwrap().state
}

#[test]
fn a_window_announces_runs_and_completes() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 100, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Armed);
    bench.until(100);
    assert_eq!(window_state(&bench), WindowState::Active);
    bench.seen(110, 180, &["c/alone"], &refused());
    bench.seen(180, 220, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Completed);
    assert!(bench.outages().is_empty(), "{:?}", bench.outages());
}

#[test]
fn overrun_is_mailed_at_the_approved_end_and_closed_on_restore() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 200, &["c/alone"], &refused());
    assert!(bench.outages().is_empty());
    bench.until(200);
    assert_eq!(window_state(&bench), WindowState::Overrun);
    assert_eq!(bench.outages(), ["opened overrun c/alone"]);
    let opened = bench.mails.iter().find(|m| matches!(m.content, Content::Opened(_))).unwrap();
    assert_eq!(opened.at, T0 + 200 * SECOND);
    bench.seen(210, 250, &["c/alone"], &refused());
    bench.seen(250, 300, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.outages(), ["opened overrun c/alone", "closed overrun c/alone"]);
    assert_eq!(window_state(&bench), WindowState::Completed);
}

/// Good rounds right after the approved end verify an overrun: three ticks of a probe of ten seconds.
#[test]
fn an_overrun_ends_with_good_rounds_and_not_with_the_first_pass() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 250, &["c/alone"], &refused());
    bench.seen(250, 270, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Verifying);
    bench.seen(270, 300, &["c/alone"], &refused());
    assert_eq!(window_state(&bench), WindowState::Overrun);
    assert_eq!(bench.outages(), ["opened overrun c/alone"]);
    bench.seen(300, 350, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Completed);
    assert_eq!(bench.outages(), ["opened overrun c/alone", "closed overrun c/alone"]);
}

#[test]
fn half_an_hour_over_a_window_is_stuck_and_waits_for_a_person() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 2_100, &["c/alone"], &refused());
    assert_eq!(window_state(&bench), WindowState::Stuck);
    bench.seen(2_100, 2_200, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Stuck);
    assert_eq!(bench.outages(), ["opened overrun c/alone", "reminder overrun c/alone"]);
}

#[test]
fn a_window_does_not_begin_while_its_scope_has_an_open_incident() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 110, &["c/alone"], &refused());
    assert_eq!(window_state(&bench), WindowState::Blocked);
    bench.seen(110, 150, &["c/alone"], &Outcome::Pass);
    bench.until(160);
    assert_eq!(window_state(&bench), WindowState::Active, "what is left of it is used once the way is clear");
    let begun = bench.engine.book.iter().next().unwrap().started.unwrap();
    assert!(begun > T0 + 120 * SECOND, "{begun:?}");
}

#[test]
fn nothing_begins_within_ten_minutes_of_a_step_of_the_clock() {
    let city = two_tiers().window("w", &["c/alone"], T0 + 700 * SECOND, 900 * SECOND);
    let mut bench = Bench::new(&city);
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    let (from, to) = (T0 + 30 * SECOND, T0 + 690 * SECOND);
    let out = bench.engine.handle(to, Event::ClockStepped { from, to });
    bench.now = to;
    bench.take(out);
    bench.seen(700, 1_280, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Blocked);
    bench.seen(1_280, 1_330, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Active);
}

#[test]
fn nothing_begins_while_the_store_refuses_writes() {
    let mut bench = Bench::new(&with_window());
    bench.engine.note_journal(Journal::Refuses);
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Blocked);
    bench.engine.note_journal(Journal::Writes);
    bench.seen(110, 150, &["c/alone"], &Outcome::Pass);
    assert_eq!(window_state(&bench), WindowState::Active);
}

#[test]
fn bad_before_a_window_and_recovered_inside_closes_at_once() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 120, &["c/alone"], &refused());
    assert_eq!(bench.outages(), ["opened down c/alone"]);
    bench.seen(120, 150, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.outages(), ["opened down c/alone", "closed down c/alone"]);
}

#[test]
fn a_window_mutes_its_scope_only() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone", "b/hall"], &Outcome::Pass);
    bench.seen(110, 180, &["c/alone", "b/hall"], &refused());
    assert_eq!(bench.outages(), ["opened down b/hall"]);
}

#[test]
fn owners_of_dependants_are_informed_once_and_nobody_is_paged() {
    let city = two_tiers().window("w", &["a/web"], T0 + 100 * SECOND, 100 * SECOND);
    let mut bench = Bench::new(&city);
    let both = ["a/web", "b/hall"];
    bench.seen(0, 110, &both, &Outcome::Pass);
    bench.seen(110, 180, &both, &refused());
    assert_eq!(bench.outages(), ["informed b/hall"]);
    bench.seen(180, 220, &both, &Outcome::Pass);
    assert_eq!(bench.outages(), ["informed b/hall"]);
}

fn changes(bench: &Bench) -> Vec<(u32, &'static str)> {
    let window = bench.engine.book.iter().next().unwrap();
    window.versions.iter().map(|v| (v.number, v.change.as_str())).collect()
}

#[test]
fn versions_rise_with_what_readers_must_know_and_survive_a_restart() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 250, &["c/alone"], &refused());
    bench.seen(250, 300, &["c/alone"], &Outcome::Pass);
    let expected = [(1, "announced"), (2, "started"), (3, "overrun"), (4, "finished")];
    assert_eq!(changes(&bench), expected);
    let mut again = Engine::new(T0, Arc::new(with_window().inventory()));
    bench.facts.iter().for_each(|fact| again.apply(fact));
    let window = |engine: &Engine| engine.book.iter().next().unwrap().versions.clone();
    assert_eq!(window(&again), window(&bench.engine));
}

#[test]
fn an_announced_window_whose_text_is_removed_is_called_off_and_a_longer_text_is_a_version() {
    let mut bench = Bench::new(&with_window());
    let longer = two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, 150 * SECOND);
    let out = bench.engine.handle(T0, reloaded(longer.inventory()));
    bench.take(out);
    assert_eq!(changes(&bench), [(1, "announced"), (2, "extended")]);
    let out = bench.engine.handle(T0, reloaded(two_tiers().inventory()));
    bench.take(out);
    assert_eq!(window_state(&bench), WindowState::Cancelled);
    assert_eq!(changes(&bench)[2..], [(3, "cancelled")]);
}

#[test]
fn a_text_that_comes_back_revives_nothing_and_says_what_to_do_instead() {
    let mut bench = Bench::new(&with_window());
    for city in [two_tiers(), with_window()] {
        let out = bench.engine.handle(T0, reloaded(city.inventory()));
        let noted: Vec<String> = out.audit.iter().map(|row| row.action.clone()).collect();
        let stays = noted.iter().any(|action| action == "window.stays_cancelled");
        assert_eq!(stays, city.inventory().schedules.len() == 1, "{noted:?}");
        bench.take(out);
    }
    assert_eq!(window_state(&bench), WindowState::Cancelled);
    let why = bench.engine.snapshot().windows[0].why.clone();
    assert!(why.en.contains("gengfu window request") && why.zh.contains("重新申请"), "{why:?}");
    bench.until(400);
    assert_eq!(window_state(&bench), WindowState::Cancelled);
}
