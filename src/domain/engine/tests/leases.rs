//! Leases of the gate: one use, one holder, one change at a time.

use super::*;
use crate::domain::access::Caller;
use crate::domain::order::{NotOrdered, Order, Ordered, Wanted, WhyNot};

fn holder(name: &str) -> Caller {
    Caller { name: name.into(), owner: None, scopes: vec!["operate".parse().unwrap()], from: "127.0.0.1".into() }
}

fn give(bench: &mut Bench, by: &str, what: Wanted) -> Result<Ordered, NotOrdered> {
    let order = Order { by: holder(by), reason: String::new(), what };
    let (out, result) = bench.engine.order(bench.now, &order);
    assert_eq!(out.audit.len(), 1);
    bench.take(out);
    result
}

fn take(bench: &mut Bench, by: &str, lease: &str) -> Result<Ordered, NotOrdered> {
    let what = Wanted::TakeLease { subsystem: "c/alone".into(), lasts_ms: HOUR, lease: lease.into() };
    give(bench, by, what)
}

#[track_caller]
fn refused_as(result: Result<Ordered, NotOrdered>, kind: WhyNot, says: &str) {
    let not = result.expect_err("refused");
    assert!(not.kind == kind && not.text.en.contains(says), "{not:?}");
}

#[test]
fn a_lease_is_used_once_and_told_when_it_was() {
    let mut bench = Bench::new(&two_tiers());
    take(&mut bench, "pipeline", "l1").unwrap();
    let used = give(&mut bench, "pipeline", Wanted::UseLease("l1".into())).unwrap();
    assert_eq!(used.span, Some(Span::lasting(T0, HOUR)));
    refused_as(give(&mut bench, "pipeline", Wanted::UseLease("l1".into())), WhyNot::Conflict, "was used at");
}

#[test]
fn a_lease_that_nobody_used_expires_and_is_of_no_use_to_others() {
    let mut bench = Bench::new(&two_tiers());
    take(&mut bench, "pipeline", "l1").unwrap();
    refused_as(give(&mut bench, "other", Wanted::UseLease("l1".into())), WhyNot::Unknown, "no such lease");
    bench.until(15 * 60);
    refused_as(give(&mut bench, "pipeline", Wanted::UseLease("l1".into())), WhyNot::Conflict, "expired at");
    take(&mut bench, "other", "l2").unwrap();
}

#[test]
fn of_two_changes_on_one_subsystem_the_second_waits_until_the_first_is_over() {
    let mut bench = Bench::new(&two_tiers());
    take(&mut bench, "pipeline", "l1").unwrap();
    give(&mut bench, "pipeline", Wanted::UseLease("l1".into())).unwrap();
    refused_as(take(&mut bench, "other", "l2"), WhyNot::Conflict, "pipeline is changing c/alone");
    give(&mut bench, "pipeline", Wanted::ReleaseLease("l1".into())).unwrap();
    take(&mut bench, "other", "l2").unwrap();
    // What is used and never given back ends with the time that was asked for.
    give(&mut bench, "other", Wanted::UseLease("l2".into())).unwrap();
    bench.until(3_599);
    refused_as(take(&mut bench, "third", "l3"), WhyNot::Conflict, "other is changing");
    bench.until(3_600);
    take(&mut bench, "third", "l3").unwrap();
}

#[test]
fn a_gate_that_shut_meanwhile_denies_the_use_of_a_lease() {
    let mut bench = Bench::new(&two_tiers());
    take(&mut bench, "pipeline", "l1").unwrap();
    let shut = two_tiers().policy(|p| p.allow.always = false);
    let out = bench.engine.handle(bench.now, reloaded(shut.inventory()));
    bench.take(out);
    refused_as(give(&mut bench, "pipeline", Wanted::UseLease("l1".into())), WhyNot::Denied, "may not be changed now");
    refused_as(take(&mut bench, "pipeline", "l2"), WhyNot::Denied, "may not be changed now");
}

#[test]
fn leases_survive_a_restart() {
    let city = two_tiers();
    let mut bench = Bench::new(&city);
    take(&mut bench, "pipeline", "l1").unwrap();
    give(&mut bench, "pipeline", Wanted::UseLease("l1".into())).unwrap();
    let mut engine = Engine::new(T0, Arc::new(city.inventory()));
    bench.facts.iter().for_each(|f| engine.apply(f));
    bench.engine = engine;
    refused_as(take(&mut bench, "other", "l2"), WhyNot::Conflict, "pipeline is changing");
    let mut restored = Engine::new(T0, Arc::new(city.inventory()));
    assert!(restored.restore(&bench.engine.checkpoint()));
    bench.engine = restored;
    refused_as(give(&mut bench, "pipeline", Wanted::UseLease("l1".into())), WhyNot::Conflict, "was used");
}

#[test]
fn a_clock_that_jumped_or_is_not_synchronised_gives_no_lease_and_starts_no_window() {
    let mut bench = Bench::new(&two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, HOUR));
    let from = bench.now;
    bench.now = from + 10 * SECOND;
    let out = bench.engine.handle(bench.now, Event::ClockStepped { from, to: bench.now });
    bench.take(out);
    refused_as(take(&mut bench, "pipeline", "a"), WhyNot::Denied, "the clock jumped");
    bench.now = bench.now + 10 * MINUTE;
    take(&mut bench, "pipeline", "b").unwrap();
    let doubt = Names { zh: "未同步".into(), en: "not synchronised".into() };
    let out = bench.engine.handle(bench.now, Event::ClockAsked { doubt: Some(doubt) });
    bench.take(out);
    assert!(bench.engine.has_news() && bench.engine.snapshot().clock_doubt.is_some());
    refused_as(take(&mut bench, "pipeline", "c"), WhyNot::Denied, "not synchronised");
    let out = bench.engine.handle(bench.now, Event::ClockAsked { doubt: None });
    bench.take(out);
    assert!(bench.engine.snapshot().clock_doubt.is_none());
}
