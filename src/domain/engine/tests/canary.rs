//! The canary by behaviour: once a day, also over restarts and reloads.

use super::*;

/// 10:00 in Shanghai is T0; the canary is due at 11:00.
fn with_canary() -> Inventory {
    let canary = Canary { to: "canary@watch.test".into(), at: jiff::civil::time(11, 0, 0, 0) };
    Inventory { canary: Some(canary), ..two_tiers().inventory() }
}

fn bench(inventory: Inventory, alive_until: Option<Timestamp>) -> Bench {
    let mut bench = Bench::of(inventory.clone());
    bench.engine = Engine::new(T0, Arc::new(inventory));
    bench.engine.send_digests();
    let out = bench.engine.start(T0, alive_until, "digest");
    bench.take(out);
    bench
}

fn canaries(bench: &Bench) -> Vec<(Timestamp, String)> {
    let of = bench.mails.iter().filter(|m| m.content == Content::Canary);
    of.map(|m| (m.at, m.thread.clone())).collect()
}

const HOURS: i64 = 3_600;

#[test]
fn a_canary_leaves_once_a_day_at_its_time() {
    let mut bench = bench(with_canary(), None);
    bench.until(3 * 24 * HOURS);
    let expected: Vec<Timestamp> = (0..3).map(|day| T0 + HOUR + day * DAY).collect();
    assert_eq!(canaries(&bench).iter().map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    let mut threads: Vec<String> = canaries(&bench).into_iter().map(|(_, thread)| thread).collect();
    threads.dedup();
    assert_eq!(threads.len(), 3, "{threads:?}");
    assert!(bench.mails.iter().filter(|m| m.content == Content::Canary).all(|m| m.to.mail == "canary@watch.test"));
}

#[test]
fn a_daemon_that_was_down_at_the_time_sends_it_when_it_starts() {
    let mut early = with_canary();
    early.canary.as_mut().unwrap().at = jiff::civil::time(9, 0, 0, 0);
    assert_eq!(
        canaries(&bench(early.clone(), Some(T0 - 5 * HOUR))).len(),
        0,
        "it is sent by the first look at the clock"
    );
    let mut late = bench(early.clone(), Some(T0 - 5 * HOUR));
    late.until(1);
    assert_eq!(canaries(&late).len(), 1);
    let mut in_time = bench(early, Some(T0 - MINUTE));
    in_time.until(HOURS);
    assert_eq!(canaries(&in_time).len(), 0, "the former run sent it");
}

#[test]
fn a_reload_brings_it_puts_it_off_or_takes_it_away() {
    let mut bench = bench(two_tiers().inventory(), None);
    bench.until(HOURS / 2);
    let out = bench.engine.handle(bench.now, reloaded(with_canary()));
    bench.take(out);
    let mut later = with_canary();
    later.canary.as_mut().unwrap().at = jiff::civil::time(13, 0, 0, 0);
    let out = bench.engine.handle(bench.now, reloaded(later));
    bench.take(out);
    bench.until(2 * HOURS);
    assert_eq!(canaries(&bench).len(), 0);
    bench.until(4 * HOURS);
    assert_eq!(canaries(&bench).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [T0 + 3 * HOUR]);
    let out = bench.engine.handle(bench.now, reloaded(two_tiers().inventory()));
    bench.take(out);
    bench.until(48 * HOURS);
    assert_eq!(canaries(&bench).len(), 1);
}
