//! `board` by behaviour.

use super::*;
use crate::probe::{Phases, Report, TraceLine};
use std::time::Duration;

const HOUR_0: Timestamp = Timestamp(1_795_000_000_000 - 1_795_000_000_000 % HOUR);

fn report(started: Timestamp, took_ms: u64, outcome: Outcome, trace_bytes: usize) -> Report {
    let trace = vec![TraceLine { at: Duration::ZERO, text: "x".repeat(trace_bytes).into() }];
    Report {
        started,
        took: Duration::from_millis(took_ms),
        outcome,
        phases: Phases::default(),
        http_status: None,
        certificate_not_after: None,
        fleet: None,
        trace,
    }
}

fn board(probes: &[(&str, &'static str, Tier)]) -> Board {
    let board = Board::default();
    rebuild(&board, probes);
    board
}

fn rebuild(board: &Board, probes: &[(&str, &'static str, Tier)]) {
    let ids: Vec<ProbeId> = probes.iter().map(|(id, ..)| ProbeId::new(*id)).collect();
    board.rebuild_for(probes.iter().zip(&ids).map(|((_, kind, tier), id)| (id, *kind, *tier)));
}

fn fail() -> Outcome {
    Outcome::fail(ReasonKind::Connect, "refused")
}

#[test]
fn slot_counts_by_result_and_reason_and_keeps_attempts() {
    let board = board(&[("a/b/c", "http", Tier::One)]);
    let slot = board.slot(&"a/b/c".into()).unwrap();
    slot.record(report(HOUR_0, 7, fail(), 1));
    slot.record(report(HOUR_0 + 1_000, 70, Outcome::Pass, 1));
    slot.record(report(HOUR_0 + 2_000, 0, Outcome::unknown("no socket"), 1));
    let reading = slot.read();
    let counters = reading.counters;
    assert_eq!(counters.by_result(), [("pass", 1), ("degraded", 0), ("fail", 1), ("unknown", 1)]);
    assert_eq!(counters.by_reason().find(|(reason, _)| *reason == "connect"), Some(("connect", 1)));
    assert_eq!(reading.last.unwrap().outcome.label(), "unknown");
    assert_eq!(
        slot.attempts().iter().map(|report| report.started - HOUR_0.0).collect::<Vec<_>>(),
        [Timestamp(2_000), Timestamp(1_000), Timestamp(0)]
    );
    let latencies = board.latencies();
    let (key, latency) = latencies.first_key_value().unwrap();
    assert_eq!((key.owner.as_str(), key.kind, key.tier), ("a", "http", Tier::One));
    assert_eq!(latency.cumulative(), [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert!((latency.sum_seconds() - 0.077).abs() < 1e-9);
}

#[test]
fn reload_keeps_counters_of_what_stays_and_drops_the_rest() {
    let board =
        board(&[("a/b/stays", "http", Tier::One), ("a/b/changes", "http", Tier::One), ("c/d/goes", "tcp", Tier::Two)]);
    board.slots().values().for_each(|slot| slot.record(report(HOUR_0, 1, Outcome::Pass, 1)));
    rebuild(&board, &[("a/b/stays", "http", Tier::Two), ("a/b/changes", "tls", Tier::One)]);
    let passes = |id: &str| board.slot(&id.into()).map(|slot| slot.read().counters.pass);
    assert_eq!((passes("a/b/stays"), passes("a/b/changes"), passes("c/d/goes")), (Some(1), Some(0), None));
    let latencies = board.latencies();
    let keys: Vec<_> = latencies.keys().map(|key| (key.owner.as_str(), key.kind, key.tier)).collect();
    assert_eq!(keys, [("a", "http", Tier::Two), ("a", "tls", Tier::One)]);
    board.slot(&"a/b/stays".into()).unwrap().record(report(HOUR_0, 1, Outcome::Pass, 1));
    assert_eq!(latencies.first_key_value().unwrap().1.cumulative()[0], 1);
}

#[test]
fn tallies_are_kept_per_hour_and_taken_once_the_hour_is_over() {
    let board = board(&[("a/b/c", "http", Tier::One)]);
    let slot = board.slot(&"a/b/c".into()).unwrap();
    slot.scheduled(HOUR_0 + HOUR - 1);
    slot.record(report(HOUR_0 + HOUR - 1, 15_001, fail(), 1));
    slot.scheduled(HOUR_0 + HOUR);
    slot.skipped(HOUR_0 + HOUR);
    assert_eq!(board.take_tallies(HOUR_0 + HOUR - 1), []);
    let tally = Tally { scheduled: 1, fail: 1, slow_fail: 1, ..Tally::default() };
    let first = HourTally { probe: "a/b/c".into(), hour: HOUR_0, tally };
    assert_eq!(board.take_tallies(HOUR_0 + HOUR), [first]);
    assert_eq!(board.take_tallies(HOUR_0 + HOUR), []);
    let tally = Tally { scheduled: 1, skipped: 1, ..Tally::default() };
    let rest = HourTally { probe: "a/b/c".into(), hour: HOUR_0 + HOUR, tally };
    assert_eq!(board.take_tallies(Timestamp::MAX), [rest]);
}

#[test]
fn tallies_that_nobody_takes_are_merged_not_lost() {
    let board = board(&[("a/b/c", "http", Tier::One)]);
    let slot = board.slot(&"a/b/c".into()).unwrap();
    (0..1_000).for_each(|hour| slot.scheduled(HOUR_0 + hour * HOUR));
    let taken = board.take_tallies(Timestamp::MAX);
    assert_eq!(taken.len(), TALLY_HOURS_MAX);
    assert_eq!(taken.iter().map(|hour| hour.tally.scheduled).sum::<u32>(), 1_000);
}

#[test]
fn attempts_of_all_slots_stay_within_their_budget_and_return_it() {
    let ids: Vec<String> = (0..100).map(|n| format!("a/b/{n}")).collect();
    let probes: Vec<_> = ids.iter().map(|id| (id.as_str(), "http", Tier::One)).collect();
    let board = board(&probes);
    for _ in 0..3 {
        board.slots().values().for_each(|slot| slot.record(report(HOUR_0, 1, fail(), 1 << 20)));
        let held = board.budget.held();
        assert!(held <= TRACE_BYTES, "{held}");
        assert!(held > TRACE_BYTES / 2, "{held}");
    }
    board.limit(1 << 20);
    board.slots().values().for_each(|slot| slot.record(report(HOUR_0, 1, fail(), 1 << 10)));
    assert!(board.budget.held() <= 1 << 20, "{}", board.budget.held());
    rebuild(&board, &[]);
    assert_eq!(board.budget.held(), 0);
}

#[test]
fn a_slot_without_attempts_is_small() {
    // Of 4 KiB that a probe may take; what it keeps of attempts counts towards their budget.
    assert!(size_of::<Slot>() <= 400, "{}", size_of::<Slot>());
}
