//! Windows that wait for one another and for the error budget, by behaviour.

use super::*;
use crate::domain::access::Caller;
use crate::domain::order::{Action, Order, Wanted};
use crate::domain::window::WindowState;

/// Two windows at the same time over the members of one redundancy group; `first` starts earlier.
fn with_clash() -> City {
    let city = City::new().subsystem("a/one", 2, &[]).subsystem("a/two", 2, &[]).subsystem("b/hall", 2, &[]);
    city.needs_any_of("b/hall", &["a/one", "a/two"])
        .window("first", &["a/one"], T0 + 100 * SECOND, 200 * SECOND)
        .window("second", &["a/two"], T0 + 150 * SECOND, 200 * SECOND)
}

fn states(bench: &Bench) -> Vec<(&str, WindowState)> {
    bench.engine.book.iter().map(|w| (w.schedule.as_str(), w.state)).collect()
}

fn why<'a>(bench: &'a Bench, schedule: &str) -> &'a str {
    &bench.engine.book.iter().find(|w| w.schedule.as_str() == schedule).unwrap().why.en
}

#[test]
fn of_two_windows_that_clash_the_later_waits_and_says_for_what() {
    let mut bench = Bench::new(&with_clash());
    bench.until(1);
    assert_eq!(states(&bench), [("first", WindowState::Armed), ("second", WindowState::Draft)]);
    assert!(why(&bench, "second").starts_with("waits: a/one stops in the window first."), "{}", why(&bench, "second"));
    bench.until(351);
    assert_eq!(states(&bench)[1].1, WindowState::Missed);
}

#[test]
fn a_window_that_waited_is_planned_as_soon_as_the_other_is_withdrawn() {
    let city = with_clash();
    let mut bench = Bench::new(&city);
    bench.until(1);
    let mut fewer = city.inventory();
    fewer.schedules.remove("first");
    let event = reloaded(fewer);
    let out = bench.engine.handle(bench.now, event);
    bench.take(out);
    assert_eq!(states(&bench), [("first", WindowState::Cancelled), ("second", WindowState::Armed)]);
}

#[test]
fn a_settled_window_keeps_its_place_against_one_that_starts_earlier() {
    let mut bench = Bench::new(&with_clash());
    bench.until(1);
    let city = with_clash().window("third", &["a/two"], T0 + 90 * SECOND, 100 * SECOND);
    let event = reloaded(city.inventory());
    let out = bench.engine.handle(bench.now, event);
    bench.take(out);
    let found = states(&bench);
    assert_eq!((found[0].1, found[2].1), (WindowState::Armed, WindowState::Draft));
    assert!(why(&bench, "third").contains("a/one stops in the window first."), "{}", why(&bench, "third"));
}

#[test]
fn an_overrun_keeps_the_place_of_its_window() {
    let city = City::new().subsystem("a/one", 2, &[]).subsystem("a/two", 2, &[]).subsystem("b/hall", 2, &[]);
    let city = city
        .needs_any_of("b/hall", &["a/one", "a/two"])
        .window("first", &["a/one"], T0 + 100 * SECOND, 100 * SECOND)
        .window("second", &["a/two"], T0 + 250 * SECOND, 100 * SECOND);
    let mut bench = Bench::new(&city);
    bench.seen(0, 110, &["a/one"], &Outcome::Pass);
    bench.seen(110, 260, &["a/one"], &refused());
    assert_eq!(states(&bench), [("first", WindowState::Overrun), ("second", WindowState::Blocked)]);
    assert!(why(&bench, "second").contains("a/one stops in the window first."), "{}", why(&bench, "second"));
}

#[test]
fn a_spent_budget_blocks_windows_of_this_month_and_leaves_others_alone() {
    let city = two_tiers()
        .window("soon", &["a/web"], T0 + 2 * HOUR, 600 * SECOND)
        .window("later", &["a/web"], T0 + 40 * DAY, 600 * SECOND)
        .policy(|policy| policy.limits.budget_needs_ppm = Some(900_000));
    let mut bench = Bench::new(&city);
    bench.seen(0, 60, &["a/web"], &Outcome::Pass);
    assert_eq!(states(&bench), [("later", WindowState::Announced), ("soon", WindowState::Announced)]);
    // Twenty days of 99.9 % may lose about half an hour.
    bench.seen(60, 660, &["a/web"], &refused());
    bench.seen(660, 3_700, &["a/web"], &Outcome::Pass);
    assert_eq!(states(&bench), [("later", WindowState::Announced), ("soon", WindowState::Blocked)]);
    let why = why(&bench, "soon");
    assert!(why.contains("of the month's error budget of a/web is left; the policy always asks for 90%"), "{why}");
}

#[test]
fn an_extension_does_not_push_out_a_window_that_is_settled() {
    let city = City::new().subsystem("a/one", 2, &[]).subsystem("a/two", 2, &[]).subsystem("b/hall", 2, &[]);
    let city = city
        .needs_any_of("b/hall", &["a/one", "a/two"])
        .window("first", &["a/one"], T0 + 100 * SECOND, 1_000 * SECOND)
        .window("second", &["a/two"], T0 + 4_000 * SECOND, HOUR);
    let mut bench = Bench::new(&city);
    bench.seen(0, 120, &["a/one", "a/two"], &Outcome::Pass);
    assert_eq!(states(&bench), [("first", WindowState::Active), ("second", WindowState::Announced)]);
    let window = bench.engine.book.iter().next().unwrap().id.clone();
    let mut extend = |second| {
        let scopes = vec!["operate".parse().unwrap()];
        let by = Caller { name: "operator".into(), owner: None, scopes, from: "127.0.0.1".into() };
        let what = Wanted::Window(window.clone(), Action::Extend { end: T0 + second * SECOND });
        let (out, result) = bench.engine.order(bench.now, &Order { by, reason: "slow disks".into(), what });
        bench.take(out);
        result
    };
    let refused = extend(4_001).unwrap_err();
    assert!(refused.text.en.contains("a/two stops in the window second."), "{}", refused.text.en);
    extend(4_000).unwrap();
}
