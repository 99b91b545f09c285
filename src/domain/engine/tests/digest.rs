//! The daily digest: once a day, over restarts too, with what was and the head of the evidence.

use super::*;
use crate::domain::civil::Zone;
use crate::domain::inspection::Inspection;

fn bench() -> Bench {
    let mut bench = Bench::new(&City::new().subsystem("a/web", 2, &[]));
    bench.engine.send_digests();
    bench.engine.plan_digest(None);
    bench
}

fn digests(bench: &Bench) -> Vec<(String, DigestNews)> {
    let found = bench.mails.iter().filter_map(|m| match &m.content {
        Content::Digest(news) => Some((m.thread.clone(), (**news).clone())),
        _ => None,
    });
    found.collect()
}

/// Milliseconds from T0 to the next 08:30 of the bench's zone, and then some.
fn to_morning(zone: &Zone, days: i64) -> i64 {
    let date = zone.date(T0);
    let first = zone.instant(date.at(8, 30, 0, 0));
    let next = if first > T0 { first } else { first + DAY };
    (next + days * DAY).since(T0) / SECOND
}

#[test]
fn each_morning_one_digest_tells_of_the_day_before() {
    let mut bench = bench();
    let zone = bench.engine.inventory().zone.clone();
    bench.engine.note_evidence(EvidenceHead { day: "2026-11-22".into(), head: "3f".repeat(32) });
    bench.engine.note_dead_letters(2);
    let seen = Inspection { visits: 1_000, failed: 45 };
    bench.engine.note_inspections(vec![("a/web".into(), seen)]);
    let morning = to_morning(&zone, 0);
    bench.until(morning - 1);
    assert_eq!(digests(&bench).len(), 0);
    bench.until(morning + 3 * 86_400 + 60);
    let told = digests(&bench);
    assert_eq!(told.len(), 4);
    let threads: std::collections::BTreeSet<_> = told.iter().map(|(thread, _)| thread).collect();
    assert_eq!(threads.len(), 4, "each has a thread of its own");
    let (_, news) = &told[0];
    assert_eq!((news.dead_letters, news.head.as_ref().map(|h| &*h.day)), (2, Some("2026-11-22")));
    let [site] = &news.inspections[..] else { panic!("{news:?}") };
    assert_eq!((site.failed, site.left, news.inspections_total, news.is_quiet()), (45, 4, 1, false));
    assert_eq!(news.day.end, zone.midnight(zone.date(T0 + morning * SECOND)));
}

#[test]
fn an_outage_of_the_day_before_is_a_line_and_an_open_one_is_one_too() {
    let mut bench = bench();
    let morning = to_morning(&bench.engine.inventory().zone.clone(), 1);
    let noon_before = morning - 20 * 3_600;
    bench.seen(noon_before - 60, noon_before, &["a/web"], &Outcome::Pass);
    bench.seen(noon_before, morning + 60, &["a/web"], &refused());
    let (_, news) = digests(&bench).pop().unwrap();
    assert_eq!((news.outages.len(), news.totals[0]), (1, 1));
    assert!(news.open.contains(&news.outages[0]) && !news.is_quiet(), "{news:?}");
}

#[test]
fn a_start_that_was_late_for_the_digest_sends_it_and_one_that_was_not_does_not() {
    for (alive_before_s, expected) in [(Some(60), 1), (Some(-60), 0), (None, 0)] {
        let mut bench = bench();
        let zone = bench.engine.inventory().zone.clone();
        let morning = T0 + to_morning(&zone, 0) * SECOND;
        let mut engine = Engine::new(morning + HOUR, Arc::clone(bench.engine.inventory()));
        engine.send_digests();
        let alive_until = alive_before_s.map(|s| morning - s * SECOND);
        bench.mails.clear();
        let started = engine.start(morning + HOUR, alive_until, "digest");
        bench.mails.extend(started.messages);
        bench.mails.extend(engine.handle(morning + HOUR, Event::Tick).messages);
        assert_eq!(digests(&bench).len(), expected, "alive {alive_before_s:?} s before");
    }
}
