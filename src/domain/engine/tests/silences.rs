//! Silences: what they hold back, what they never do, and that somebody hears of every page.

use super::course::with_ladder;
use super::orders::{caller, is_refused, operator};
use super::*;
use crate::domain::order::{Wanted, WhyNot};
use crate::domain::silence::{Matcher, SilenceId};

fn of_owner(owner: &str) -> Matcher {
    Matcher { owner: Some(owner.into()), ..Matcher::default() }
}

fn to_person(mail: &str) -> Matcher {
    Matcher { person: Some(mail.into()), ..Matcher::default() }
}

/// Kind and recipient of mails about outages.
fn told(bench: &Bench) -> Vec<String> {
    let kinds = bench.mails.iter().filter(|m| about(m).is_some_and(|n| n.symptom != Symptom::SlaAtRisk));
    kinds
        .map(|m| {
            let kind = match m.content {
                Content::Opened(_) => "opened",
                Content::Reminder(_) => "reminder",
                Content::Escalated(_) => "escalated",
                Content::Closed(_) => "closed",
                _ => "other",
            };
            format!("{kind} to {}", m.to.name)
        })
        .collect()
}

fn up(inventory: Inventory) -> Bench {
    let mut bench = Bench::of(inventory);
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench
}

#[test]
fn what_is_silenced_is_told_when_the_silence_ends_if_it_still_lasts() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), 10 * MINUTE)).unwrap();
    bench.seen(30, 600, &["a/web"], &refused());
    assert_eq!(told(&bench), [""; 0]);
    assert!(bench.engine.desk.open().any(|i| i.symptom == Symptom::Down), "it is on record all the same");
    bench.seen(600, 700, &["a/web"], &refused());
    assert_eq!(told(&bench), ["opened to team"]);
    assert_eq!(
        about(bench.mails.iter().rfind(|m| about(m).is_some_and(|n| n.symptom == Symptom::Down)).unwrap())
            .unwrap()
            .since,
        T0 + 30 * SECOND
    );
}

#[test]
fn what_is_over_before_the_silence_is_told_to_nobody() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), 10 * MINUTE)).unwrap();
    bench.seen(30, 300, &["a/web"], &refused());
    bench.seen(300, 900, &["a/web"], &Outcome::Pass);
    assert_eq!(told(&bench), [""; 0]);
}

#[test]
fn a_silence_after_the_opening_holds_reminders_and_the_ladder_back_and_never_the_closing() {
    let mut bench = up(with_ladder());
    bench.seen(30, 300, &["a/web"], &refused());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), HOUR)).unwrap();
    bench.seen(300, 2_400, &["a/web"], &refused());
    assert_eq!(told(&bench), ["opened to team"]);
    bench.seen(2_400, 2_500, &["a/web"], &Outcome::Pass);
    assert_eq!(told(&bench), ["opened to team", "closed to team"]);
}

#[test]
fn what_comes_and_goes_in_a_silence_closes_all_the_same() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), 10 * HOUR)).unwrap();
    for second in (60..1_260).step_by(10) {
        let bad = second / 60 % 2 == 1;
        bench.see(second, "a/web", &if bad { refused() } else { Outcome::Pass });
    }
    assert!(bench.engine.desk.open().any(|i| i.unstable));
    bench.seen(1_260, 3_600, &["a/web"], &Outcome::Pass);
    assert!(bench.engine.desk.open().all(|i| i.symptom == Symptom::SlaAtRisk), "{:?}", told(&bench));
    assert_eq!(told(&bench), [""; 0]);
}

#[test]
fn lifting_a_silence_tells_at_once() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), 10 * HOUR)).unwrap();
    bench.seen(30, 300, &["a/web"], &refused());
    bench.give(&operator(), Wanted::Lift(SilenceId(1))).unwrap();
    bench.until(301);
    assert_eq!(told(&bench), ["opened to team"]);
    is_refused(bench.give(&operator(), Wanted::Lift(SilenceId(1))), WhyNot::Unknown, "does not hold");
}

#[test]
fn who_is_spared_gets_nothing_and_somebody_else_hears_of_the_page() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(to_person("TEAM@a.test"), DAY)).unwrap();
    bench.seen(30, 90, &["a/web"], &refused());
    assert_eq!(told(&bench), ["opened to duty"]);
    bench.give(&operator(), Wanted::Silence(to_person("duty@city.test"), DAY)).unwrap();
    bench.seen(90, 200, &["c/alone"], &Outcome::Pass);
    bench.seen(200, 300, &["c/alone"], &refused());
    assert_eq!(told(&bench), ["opened to duty", "opened to duty"], "nobody else is left");
}

#[test]
fn maintenance_outside_a_window_is_told_through_any_silence() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), DAY)).unwrap();
    bench.seen(30, 90, &["a/web"], &Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"));
    assert_eq!(told(&bench), ["opened to team"]);
}

#[test]
fn a_silence_is_about_something_ends_some_time_and_belongs_to_its_owner() {
    let mut bench = up(with_ladder());
    let set = |matches: Matcher, lasts| Wanted::Silence(matches, lasts);
    is_refused(bench.give(&operator(), set(Matcher::default(), HOUR)), WhyNot::Senseless, "say what to silence");
    is_refused(bench.give(&operator(), set(of_owner("a"), 31 * DAY)), WhyNot::Senseless, "a silence lasts");
    is_refused(bench.give(&operator(), set(of_owner("z"), HOUR)), WhyNot::Unknown, "no owner z");
    let overrun = Matcher { symptom: Some(Symptom::Overrun), ..Matcher::default() };
    is_refused(bench.give(&operator(), set(overrun, HOUR)), WhyNot::Senseless, "always told");
    let other = caller("other", Some("b"), &["operate"]);
    is_refused(bench.give(&other, set(of_owner("a"), HOUR)), WhyNot::Forbidden, "acts for");
    is_refused(bench.give(&other, set(to_person("team@a.test"), HOUR)), WhyNot::Forbidden, "name that owner");
    bench.give(&operator(), set(of_owner("a"), HOUR)).unwrap();
    is_refused(bench.give(&other, Wanted::Lift(SilenceId(1))), WhyNot::Forbidden, "acts for");
}

#[test]
fn silences_come_from_the_facts_and_from_a_checkpoint_alike() {
    let mut bench = up(with_ladder());
    bench.give(&operator(), Wanted::Silence(of_owner("a"), 10 * HOUR)).unwrap();
    bench.give(&operator(), Wanted::Silence(of_owner("b"), 10 * HOUR)).unwrap();
    bench.give(&operator(), Wanted::Lift(SilenceId(1))).unwrap();
    let mut replayed = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| replayed.apply(fact));
    let mut restored = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    assert!(restored.restore(&bench.engine.checkpoint()));
    let all = |engine: &Engine| engine.silences.iter().cloned().collect::<Vec<_>>();
    assert_eq!(all(&replayed), all(&bench.engine));
    assert_eq!(all(&restored), all(&bench.engine));
}
