//! Words about incidents: who has it, and notes; they hold for one opening, over a restart, and for one's own alone.

use super::orders::{caller, is_refused, operator};
use super::*;
use crate::domain::incident::{Saying, WORDS_MAX};
use crate::domain::order::{Wanted, WhyNot};

fn ack(id: u64) -> Wanted {
    Wanted::Incident(IncidentId(id), Saying::Acknowledged)
}

fn note(id: u64) -> Wanted {
    Wanted::Incident(IncidentId(id), Saying::Noted)
}

/// `a/web` is down, as INC-0001.
fn down() -> Bench {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 90, &["a/web"], &refused());
    bench
}

fn holder(bench: &mut Bench) -> Option<String> {
    let snapshot = bench.engine.snapshot();
    snapshot.incidents.iter().find(|i| i.id == IncidentId(1))?.acknowledged.as_ref().map(|word| word.by.name.clone())
}

#[test]
fn whoever_said_so_last_has_it_until_it_is_over() {
    let mut bench = down();
    assert_eq!(holder(&mut bench), None);
    let mails = bench.mails.len();
    bench.give(&operator(), ack(1)).unwrap();
    assert_eq!(holder(&mut bench).as_deref(), Some("operator"));
    is_refused(bench.give(&operator(), ack(1)), WhyNot::Conflict, "you have INC-0001 already");
    let second = bench.give(&caller("night", None, &["operate"]), ack(1)).unwrap();
    assert_eq!(second.text.en, "night takes it over from operator");
    assert_eq!(holder(&mut bench).as_deref(), Some("night"));
    assert_eq!(bench.mails.len(), mails);
    bench.seen(90, 150, &["a/web"], &Outcome::Pass);
    assert_eq!(holder(&mut bench), None, "it is over");
    is_refused(bench.give(&operator(), ack(1)), WhyNot::Conflict, "is over");
    bench.give(&operator(), note(1)).unwrap();
    bench.seen(150, 200, &["a/web"], &refused());
    assert_eq!(bench.outages().last().map(String::as_str), Some("reopened down a/web"));
    assert_eq!(holder(&mut bench), None, "whoever had it before the relapse has to say so again");
    let said = |engine: &mut Engine| {
        let snapshot = engine.snapshot();
        snapshot.incidents.iter().find(|i| i.id == IncidentId(1)).map(|i| i.words.clone()).unwrap_or_default()
    };
    assert_eq!(said(&mut bench.engine).len(), 3);
    let mut replayed = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| replayed.apply(fact));
    let mut restored = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    assert!(restored.restore(&replayed.checkpoint()));
    restored.start(bench.now, Some(bench.now), "digest");
    assert_eq!(said(&mut restored), said(&mut bench.engine));
}

#[test]
fn whoever_owns_something_that_fails_with_it_may_say_so_and_nobody_else() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web", "b/hall"], &Outcome::Pass);
    bench.seen(30, 90, &["a/web"], &refused());
    let neighbour = caller("neighbour", Some("b"), &["operate"]);
    is_refused(bench.give(&neighbour, ack(1)), WhyNot::Forbidden, "belongs to `a`");
    bench.seen(90, 150, &["a/web", "b/hall"], &refused());
    assert_eq!(bench.engine.desk.get(IncidentId(1)).unwrap().joined.len(), 1, "one cause");
    bench.give(&neighbour, ack(1)).unwrap();
    assert_eq!(holder(&mut bench).as_deref(), Some("neighbour"));
    is_refused(bench.give(&caller("other", Some("c"), &["operate"]), ack(1)), WhyNot::Forbidden, "belongs to `a`");
    let root = bench.give(&caller("own", Some("a"), &["operate"]), ack(1)).unwrap();
    assert_eq!(root.text.en, "own takes it over from neighbour");
    bench.seen(150, 250, &["a/web", "b/hall"], &Outcome::Pass);
    bench.give(&neighbour, note(1)).unwrap();
}

#[test]
fn each_owner_whom_a_storm_hits_may_take_it() {
    let ids: Vec<String> = (0..20).map(|n| format!("o{}/s{n:02}", n % 5)).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let city = all.iter().fold(City::new(), |city, id| city.subsystem(id, 2, &[])).subsystem("far/web", 2, &[]);
    let mut bench = Bench::new(&city);
    bench.seen(0, 30, &[&all[..], &["far/web"]].concat(), &Outcome::Pass);
    bench.seen(30, 130, &all, &refused());
    let storm = bench.engine.desk.storm().unwrap();
    let (id, root) = (storm.id.0, storm.subsystem.owner());
    is_refused(bench.give(&caller("far", Some("far"), &["operate"]), ack(id)), WhyNot::Forbidden, "far");
    for owner in ["o4", "o0", "o3"] {
        bench.give(&caller(owner, Some(owner), &["operate"]), ack(id)).unwrap_or_else(|not| panic!("{root}: {not:?}"));
    }
}

#[test]
fn an_owners_people_speak_about_their_own_incidents_alone_and_not_without_end() {
    let mut bench = down();
    is_refused(bench.give(&caller("other", Some("c"), &["operate"]), ack(1)), WhyNot::Forbidden, "c");
    is_refused(bench.give(&caller("reader", None, &["read"]), ack(1)), WhyNot::Forbidden, "operate");
    is_refused(bench.give(&operator(), ack(7)), WhyNot::Unknown, "no incident INC-0007");
    bench.give(&caller("own", Some("a"), &["operate"]), ack(1)).unwrap();
    for _ in 1..WORDS_MAX {
        bench.give(&operator(), note(1)).unwrap();
    }
    is_refused(bench.give(&operator(), note(1)), WhyNot::Conflict, "no more are kept");
    let said = bench.facts.iter().filter(|f| matches!(f.fact, Fact::IncidentSaid { .. })).count();
    assert_eq!(said, WORDS_MAX);
}
