//! Corrections: a fact more that changes how a span counts, beside what was seen of it.

use super::orders::{caller, is_refused, operator};
use super::*;
use crate::domain::access::Caller;
use crate::domain::correction::{CORRECTED_MAX, CORRECTIONS_MAX};
use crate::domain::history::History;
use crate::domain::order::{Wanted, WhyNot};
use crate::domain::sla::{Grain, Period, Reader};

fn admin() -> Caller {
    caller("keeper", None, &["admin"])
}

fn wish(from: i64, to: i64, counts_as: Option<Health>) -> Wanted {
    let span = Span::new(T0 + from * SECOND, T0 + to * SECOND);
    Wanted::Correct { subsystem: "c/alone".into(), span, counts_as }
}

/// Good but for 100 s down, by the probes' own network, as it turned out.
fn seen() -> Bench {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 300, &["c/alone"], &Outcome::Pass);
    bench.seen(300, 400, &["c/alone"], &refused());
    bench.seen(400, 1_000, &["c/alone"], &Outcome::Pass);
    bench
}

/// (unknown, down) as it counts, and down as it was measured.
fn lost(snapshot: &Snapshot, now: Timestamp) -> (Millis, Millis, Millis) {
    let day = Period::current(Grain::Day, now, &snapshot.inventory.zone);
    let view = snapshot.subsystem(&"c/alone".into()).unwrap();
    let counts = Reader::new(now, snapshot).account(view, day).unwrap();
    let measured = Reader::of_measured(now, snapshot).account(view, day).unwrap();
    (counts.unknown_ms / SECOND, counts.bad_ms / SECOND, measured.bad_ms / SECOND)
}

#[test]
fn a_correction_counts_and_what_was_seen_stays_beside_it() {
    let mut bench = seen();
    let now = bench.now;
    let (mails, before) = (bench.mails.len(), lost(&bench.engine.snapshot(), now));
    assert_eq!(before, (0, 100, 100));
    let done = bench.give(&admin(), wish(250, 350, Some(Health::Unknown))).unwrap();
    assert_eq!(done.text.en, "counts as unknown; the probes saw: up 50s, down 50s");
    assert_eq!(lost(&bench.engine.snapshot(), now), (100, 50, 100));
    assert_eq!(bench.health("c/alone"), Health::Up);
    assert_eq!(bench.mails.len(), mails, "nobody is mailed about the past");
    // The last word holds, and it can be taken back in part.
    bench.give(&admin(), wish(300, 350, Some(Health::Up))).unwrap();
    assert_eq!(lost(&bench.engine.snapshot(), now), (50, 50, 100));
    bench.give(&admin(), wish(250, 310, None)).unwrap();
    assert_eq!(lost(&bench.engine.snapshot(), now), (0, 60, 100));
}

#[test]
fn a_restart_a_checkpoint_and_the_facts_alone_know_the_same_corrections() {
    let mut bench = seen();
    bench.give(&admin(), wish(300, 400, Some(Health::Degraded))).unwrap();
    let (now, live) = (bench.now, bench.engine.snapshot());
    let corrected = live.subsystem(&"c/alone".into()).unwrap().corrected.clone();
    let said = &corrected.as_ref().unwrap().corrections[0];
    assert_eq!((said.by.name.as_str(), said.reason.as_str(), said.at), ("keeper", "because of CHG-7", now));

    let inventory = Arc::new(two_tiers().inventory());
    let mut replayed = Engine::new(T0, Arc::clone(&inventory));
    bench.facts.iter().for_each(|recorded| replayed.apply(recorded));
    let mut restored = Engine::new(T0, Arc::clone(&inventory));
    assert!(restored.restore(&replayed.checkpoint()));
    let mut history = History::new(inventory);
    bench.facts.iter().for_each(|recorded| history.apply(recorded));
    let mut pictures = vec![history.past(now).snapshot];
    for engine in [&mut replayed, &mut restored] {
        engine.start(now, Some(now), "digest");
        pictures.push(engine.snapshot());
    }
    for picture in &pictures {
        let known = picture.subsystem(&"c/alone".into()).unwrap().corrected.as_ref();
        assert_eq!(known.map(|k| &k.corrections), corrected.as_ref().map(|c| &c.corrections));
        assert_eq!(lost(picture, now), (0, 0, 100));
    }
}

#[test]
fn only_an_administrator_corrects_and_only_what_was_seen_and_is_over() {
    let mut bench = seen();
    let up = Some(Health::Up);
    is_refused(bench.give(&operator(), wish(300, 400, up)), WhyNot::Forbidden, "admin");
    is_refused(bench.give(&admin(), wish(300, 2_000, up)), WhyNot::Senseless, "be over");
    is_refused(bench.give(&admin(), wish(400, 400, up)), WhyNot::Senseless, "begin before it ends");
    is_refused(bench.give(&admin(), wish(-100, 400, up)), WhyNot::Senseless, "only what was seen from");
    is_refused(bench.give(&admin(), wish(-3 * CORRECTED_MAX / SECOND, 0, up)), WhyNot::Senseless, "write several");
    let span = Span::new(T0, T0 + SECOND);
    let unknown = Wanted::Correct { subsystem: "a/web".into(), span, counts_as: up };
    is_refused(bench.give(&admin(), unknown), WhyNot::Senseless, "never watched");
    let nobody = Wanted::Correct { subsystem: "x/y".into(), span, counts_as: up };
    is_refused(bench.give(&admin(), nobody), WhyNot::Unknown, "no subsystem x/y");
    for _ in 0..CORRECTIONS_MAX {
        bench.give(&admin(), wish(300, 400, up)).unwrap();
    }
    is_refused(bench.give(&admin(), wish(300, 400, up)), WhyNot::Conflict, "corrected 200 times");
}

#[test]
fn burn_alerts_are_about_what_was_seen() {
    let mut bench = seen();
    let rate = |bench: &mut Bench| {
        let snapshot = bench.engine.snapshot();
        let view = snapshot.subsystem(&"c/alone".into()).unwrap();
        Reader::new(bench.now, &snapshot).subsystem(view).burn.map(|burn| burn.pairs[0].long.bad_ms)
    };
    let before = rate(&mut bench);
    assert!(before.is_some_and(|ms| ms > 0), "{before:?}");
    bench.give(&admin(), wish(300, 400, Some(Health::Up))).unwrap();
    assert_eq!(rate(&mut bench), before);
}
