//! Incidents after their opening mail: reminders, changes, the ladder, and those that come and go.

use super::orders::operator;
use super::*;
use crate::domain::incident::Saying;
use crate::domain::order::Wanted;

/// `two_tiers` with a roster for owner `a`; the fallback roster is the rung above it.
pub(super) fn with_ladder() -> Inventory {
    let mut inventory = two_tiers().inventory();
    let team = Contact { name: "team".into(), mail: "team@a.test".into(), language: Language::Zh, digest_at: None };
    let mut roster = inventory.rosters[&RosterId::from("duty")].clone();
    (roster.id, roster.contacts) = ("team".into(), vec![team]);
    inventory.rosters.insert(roster.id.clone(), roster);
    inventory.owners.get_mut(&OwnerId::from("a")).unwrap().on_call = "team".into();
    inventory
}

/// Minutes after T0, recipient, and what was mailed about incidents but risks.
pub(super) fn told(bench: &Bench) -> Vec<(i64, String)> {
    let shown = |m: &Message| {
        let news = about(m).filter(|n| n.symptom != Symptom::SlaAtRisk)?;
        let what = match &m.content {
            Content::Opened(_) => "opened",
            Content::Reopened(_) => "reopened",
            Content::Changed(_) => "changed",
            Content::Reminder(_) => "reminder",
            Content::Escalated(_) => "escalated",
            _ => "closed",
        };
        let with = if news.affected_total > 0 { format!(" +{}", news.affected_total) } else { String::new() };
        Some((m.at.since(T0) / MINUTE, format!("{what} to {}{with}", m.to.name)))
    };
    bench.mails.iter().filter_map(shown).collect()
}

fn expected(of: &[(i64, &str)]) -> Vec<(i64, String)> {
    of.iter().map(|(minute, what)| (*minute, (*what).to_owned())).collect()
}

/// `a/web` goes down at half a minute and is seen so until `minutes`.
fn down_until(inventory: Inventory, minutes: i64) -> Bench {
    let mut bench = Bench::of(inventory);
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, minutes * 60, &["a/web"], &refused());
    bench
}

#[test]
fn what_nobody_takes_climbs_the_ladder_and_is_reminded_of_until_it_is_over() {
    let mut bench = down_until(with_ladder(), 400);
    bench.seen(24_000, 24_100, &["a/web"], &Outcome::Pass);
    let all = [
        (0, "opened to team"),
        (15, "escalated to duty"),
        (30, "reminder to team"),
        (30, "reminder to duty"),
        (60, "reminder to team"),
        (60, "reminder to duty"),
        (120, "reminder to team"),
        (120, "reminder to duty"),
        (360, "reminder to team"),
        (360, "reminder to duty"),
        (400, "closed to team"),
        (400, "closed to duty"),
    ];
    assert_eq!(told(&bench), expected(&all));
}

#[test]
fn who_takes_it_stops_the_ladder_and_the_others_hear_who() {
    let mut bench = down_until(with_ladder(), 10);
    bench.give(&operator(), Wanted::Incident(IncidentId(1), Saying::Acknowledged)).unwrap();
    bench.seen(600, 1_900, &["a/web"], &refused());
    let all = [(0, "opened to team"), (9, "changed to team"), (30, "reminder to team")];
    assert_eq!(told(&bench), expected(&all));
    let taken = |m: &Message| about(m)?.taken.as_ref().map(|(by, _)| by.clone());
    assert_eq!(bench.mails.iter().filter_map(taken).collect::<std::collections::BTreeSet<_>>().len(), 1);
}

#[test]
fn those_who_fail_with_it_later_are_one_change_two_minutes_after_the_opening() {
    let mut bench = Bench::of(with_ladder());
    let both = ["a/web", "b/hall"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 80, &["a/web"], &refused());
    bench.seen(80, 400, &both, &refused());
    // It comes back, and fails again: that is no news.
    for second in (400..700).step_by(10) {
        bench.see(second, "a/web", &refused());
        bench.see(second, "b/hall", &if second < 450 { Outcome::Pass } else { refused() });
    }
    let all = [(0, "opened to team"), (2, "changed to team +1")];
    assert_eq!(told(&bench), expected(&all));
}

#[test]
fn a_restart_in_between_neither_repeats_nor_forgets() {
    let mut bench = down_until(with_ladder(), 40);
    let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| engine.apply(fact));
    bench.engine = engine;
    let out = bench.engine.start(bench.now, Some(bench.now), "digest");
    bench.take(out);
    bench.seen(2_400, 4_000, &["a/web"], &refused());
    let all = [
        (0, "opened to team"),
        (15, "escalated to duty"),
        (30, "reminder to team"),
        (30, "reminder to duty"),
        (60, "reminder to team"),
        (60, "reminder to duty"),
    ];
    assert_eq!(told(&bench), expected(&all));
}

#[test]
fn what_comes_and_goes_is_told_as_unstable_and_closes_once_after_a_time_of_quiet() {
    let mut bench = Bench::of(with_ladder());
    bench.seen(0, 60, &["a/web"], &Outcome::Pass);
    for second in (60..1_260).step_by(10) {
        let bad = second / 60 % 2 == 1;
        bench.see(second, "a/web", &if bad { refused() } else { Outcome::Pass });
    }
    bench.seen(1_260, 3_600, &["a/web"], &Outcome::Pass);
    let told = told(&bench);
    let unstable =
        told.iter().position(|(_, what)| what == "changed to team").expect("a mail says that it is unstable");
    assert!(told[unstable].0 < 10, "{told:?}");
    let after: Vec<&(i64, String)> = told[unstable + 1..].iter().filter(|(_, what)| !what.contains("duty")).collect();
    assert_eq!(after, [&(35, "closed to team".to_owned())], "the last change was at 20 min: {told:?}");
}

#[test]
fn a_window_holds_reminders_back_and_the_next_one_says_the_whole_time() {
    let city = two_tiers().window("w", &["c/alone"], T0 + 25 * MINUTE, 20 * MINUTE);
    let mut bench = Bench::new(&city);
    let slow = Outcome::degraded(ReasonKind::Slow, "4.1 s, expected under 2 s");
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 3_500, &["c/alone"], &slow);
    let reminders = bench.mails.iter().filter(|m| matches!(&m.content, Content::Reminder(_)));
    let told: Vec<i64> = reminders.clone().map(|m| m.at.since(T0) / MINUTE).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((45..47).contains(&told[0]), "half an hour is over inside the window, which ends at 45 min: {told:?}");
    assert!(reminders.map(|m| about(m).unwrap().since).all(|since| since == T0 + 30 * SECOND));
}
