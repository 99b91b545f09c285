//! `agenda` by behaviour.

use super::*;
use crate::domain::*;
use crate::probe::{Attempt, BoxFuture, Prober, Slot};
use proptest::prelude::*;
use std::sync::Arc;

mod per_host;

/// Asks nothing, of this host.
struct Idle(Option<&'static str>);
impl Prober for Idle {
    fn probe<'a>(&'a self, _: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Pass })
    }

    fn host(&self) -> Option<&str> {
        self.0
    }
}

pub(crate) fn plan(id: &str, every_ms: Millis) -> Arc<ProbePlan> {
    Arc::new(ProbePlan {
        id: ProbeId::new(id),
        kind: "tcp",
        every_ms,
        timeout_ms: 15 * SECOND,
        fall: 3,
        rise: 2,
        confirm_every_ms: 5 * SECOND,
        role: Role::Critical,
        knows_notices: false,
        source: Source { file: "probes/a.yaml".into(), line: 1 },
    })
}

fn probe(id: &str, every_ms: Millis) -> ScheduledProbe {
    asking(None, id, every_ms)
}

fn asking(host: Option<&'static str>, id: &str, every_ms: Millis) -> ScheduledProbe {
    ScheduledProbe { plan: plan(id, every_ms), prober: Arc::new(Idle(host)), slot: Slot::alone(id.into(), "tcp") }
}

fn limits(concurrency: usize) -> Limits {
    Limits { concurrency, per_host: 8 }
}

fn agenda(limit: usize, probes: &[ScheduledProbe]) -> Agenda {
    let mut agenda = Agenda::new(limits(limit));
    agenda.replace(Timestamp(0), probes.to_vec());
    agenda
}

/// Everything that happens up to `now`, as `id trigger scheduled` or the reason of a skip.
fn happens(agenda: &mut Agenda, now: Millis) -> (Vec<String>, Vec<Key>) {
    agenda.advance(Timestamp(now));
    let (mut texts, mut keys) = (Vec::new(), Vec::new());
    for action in agenda.take_actions() {
        match action {
            Action::Start { key, probe, trigger, scheduled } => {
                keys.push(key);
                texts.push(format!("{} {trigger:?} {}", probe.plan.id, scheduled.0));
            }
            Action::Skip(reason) => texts.push(reason.as_str().to_owned()),
        }
    }
    (texts, keys)
}

const EVERY: Millis = 10_000;

fn first_tick(id: &str) -> Millis {
    phase_ms(&id.into(), EVERY)
}

#[test]
fn phase_is_the_head_of_the_hash_modulo_the_interval() {
    // SHA-256("huangpu/portal/home") begins with these 8 bytes; computed with sha256sum.
    let expected = u64::from_str_radix("8890ef610efa5eb3", 16).unwrap() % 30_000;
    assert_eq!(phase_ms(&"huangpu/portal/home".into(), 30_000).unsigned_abs(), expected);
}

#[test]
fn ticks_come_at_a_fixed_rate_from_the_epoch_and_survive_a_restart() {
    let first = first_tick("a/b/c");
    let mut agenda = agenda(9, &[probe("a/b/c", EVERY)]);
    for round in 0..5 {
        let at = first + round * EVERY;
        assert_eq!(agenda.next_due(), Some(Timestamp(at)));
        let (texts, keys) = happens(&mut agenda, at + 3);
        assert_eq!(texts, [format!("a/b/c Tick {at}")]);
        agenda.finished(Timestamp(at + 4_000), keys[0]);
    }
    let mut restarted = Agenda::new(limits(9));
    restarted.replace(Timestamp(first + 4 * EVERY + 1), vec![probe("a/b/c", EVERY)]);
    assert_eq!(restarted.next_due(), Some(Timestamp(first + 5 * EVERY)));
}

#[test]
fn tick_that_finds_the_last_attempt_running_is_skipped_and_counted() {
    let (it, first) = (probe("a/b/c", EVERY), first_tick("a/b/c"));
    let mut agenda = agenda(9, std::slice::from_ref(&it));
    let (_, keys) = happens(&mut agenda, first);
    assert_eq!(happens(&mut agenda, first + EVERY).0, ["in_flight"]);
    agenda.finished(Timestamp(first + EVERY + 1), keys[0]);
    assert_eq!(happens(&mut agenda, first + 2 * EVERY).0.len(), 1);
    assert_eq!(it.slot.take_tally_for_tests(), (3, 1));
}

#[test]
fn without_a_permit_a_tick_waits_until_the_next_one_and_is_then_skipped() {
    let mut agenda = agenda(1, &[probe("a/b/hog", EVERY), probe("a/b/c", EVERY)]);
    let (hog, late) = (first_tick("a/b/hog"), first_tick("a/b/c"));
    let begin = hog.max(late);
    let (texts, keys) = happens(&mut agenda, begin);
    assert_eq!((texts.len(), agenda.in_flight()), (1, 1));
    let (texts, _) = happens(&mut agenda, begin + EVERY);
    assert_eq!((texts.contains(&"no_permit".into()), texts.contains(&"in_flight".into())), (true, true));
    agenda.finished(Timestamp(begin + EVERY + 1), keys[0]);
    let (texts, _) = happens(&mut agenda, begin + EVERY + 1);
    assert_eq!(texts.len(), 1, "the one that waited got the permit at once: {texts:?}");
}

#[test]
fn retry_starts_when_asked_but_never_before_the_last_attempt_ended() {
    let first = first_tick("a/b/c");
    let mut agenda = agenda(9, &[probe("a/b/c", EVERY)]);
    let (_, keys) = happens(&mut agenda, first);
    agenda.retry(&"a/b/c".into(), Timestamp(first + 1_000));
    assert_eq!(happens(&mut agenda, first + 2_000).0, [""; 0]);
    agenda.finished(Timestamp(first + 2_500), keys[0]);
    let (texts, keys) = happens(&mut agenda, first + 2_500);
    assert_eq!(texts, [format!("a/b/c Retry {}", first + 1_000)]);
    agenda.finished(Timestamp(first + 2_600), keys[0]);
    agenda.retry(&"a/b/c".into(), Timestamp(first + 5_000));
    assert_eq!(happens(&mut agenda, first + 4_999).0, [""; 0]);
    assert_eq!(happens(&mut agenda, first + 5_000).0, [format!("a/b/c Retry {}", first + 5_000)]);
}

#[test]
fn tick_met_by_a_retry_is_served() {
    let (it, first) = (probe("a/b/c", EVERY), first_tick("a/b/c"));
    let mut agenda = agenda(9, std::slice::from_ref(&it));
    let (_, keys) = happens(&mut agenda, first);
    agenda.finished(Timestamp(first + 10), keys[0]);
    // Pending at the very instant of the tick: one attempt, the tick's.
    agenda.retry(&"a/b/c".into(), Timestamp(first + EVERY));
    let (texts, keys) = happens(&mut agenda, first + EVERY);
    assert_eq!(texts, [format!("a/b/c Tick {}", first + EVERY)]);
    agenda.finished(Timestamp(first + EVERY + 10), keys[0]);
    // In flight when the tick comes: no second attempt, no skip.
    agenda.retry(&"a/b/c".into(), Timestamp(first + 2 * EVERY - 5));
    let (_, keys) = happens(&mut agenda, first + 2 * EVERY - 5);
    assert_eq!(happens(&mut agenda, first + 2 * EVERY).0, [""; 0]);
    assert!(it.slot.take_tick_met());
    agenda.finished(Timestamp(first + 2 * EVERY + 10), keys[0]);
    // Pending behind the tick: the tick's attempt answers it.
    agenda.retry(&"a/b/c".into(), Timestamp(first + 3 * EVERY + 900));
    let (_, keys) = happens(&mut agenda, first + 3 * EVERY);
    agenda.finished(Timestamp(first + 3 * EVERY + 1), keys[0]);
    assert_eq!(happens(&mut agenda, first + 3 * EVERY + 1_000).0, [""; 0]);
    assert_eq!(it.slot.take_tally_for_tests(), (4, 0));
}

#[test]
fn reload_keeps_the_rhythm_of_what_stays_and_forgets_what_went() {
    let mut agenda = agenda(9, &[probe("a/b/stays", EVERY), probe("a/b/goes", EVERY)]);
    let (stays, goes) = (first_tick("a/b/stays"), first_tick("a/b/goes"));
    let (texts, keys) = happens(&mut agenda, stays.max(goes));
    assert_eq!(texts.len(), 2);
    agenda.replace(Timestamp(EVERY), vec![probe("a/b/stays", EVERY), probe("a/b/new", EVERY)]);
    assert_eq!(agenda.in_flight(), 2);
    keys.iter().for_each(|key| agenda.finished(Timestamp(EVERY), *key));
    let (mut texts, _) = happens(&mut agenda, 2 * EVERY - 1);
    texts.sort();
    let expected =
        [format!("a/b/new Tick {}", EVERY + first_tick("a/b/new")), format!("a/b/stays Tick {}", EVERY + stays)];
    assert_eq!((texts, agenda.in_flight()), (expected.to_vec(), 2));
}

#[test]
fn step_of_the_wall_clock_finds_ticks_anew_without_a_burst() {
    let ids: Vec<String> = (0..100).map(|n| format!("a/b/{n}")).collect();
    let probes: Vec<ScheduledProbe> = ids.iter().map(|id| probe(id, EVERY)).collect();
    for target in [1_000_000 * EVERY + 7, -30 * EVERY + 7] {
        let mut agenda = agenda(1_000, &probes);
        let (texts, keys) = happens(&mut agenda, EVERY - 1);
        assert_eq!(texts.len(), 100);
        keys.iter().for_each(|key| agenda.finished(Timestamp(EVERY), *key));
        agenda.step(Timestamp(target), target - EVERY);
        assert_eq!(happens(&mut agenda, target - 1).0, [""; 0]);
        let (texts, _) = happens(&mut agenda, target + EVERY - 1);
        assert_eq!(texts.len(), 100, "every probe ticks once within its interval");
    }
}

proptest! {
    /// Whatever happens, ticks are attempted, served or skipped exactly once, and never two attempts overlap.
    #[test]
    fn every_tick_is_accounted_for(steps in prop::collection::vec((0..6u8, 1..4_000i64, 0..4usize), 1..200)) {
        let ids = ["a/b/0", "a/b/1", "a/b/2", "a/b/3"];
        let probes: Vec<ScheduledProbe> = ids.iter().map(|id| probe(id, 1_000)).collect();
        let mut agenda = agenda(2, &probes);
        let (mut now, mut running) = (0, Vec::<(Key, ProbeId)>::new());
        for (what, ms, which) in steps {
            match what {
                0..3 => now += ms,
                3..5 if which < running.len() => agenda.finished(Timestamp(now), running.swap_remove(which).0),
                _ => agenda.retry(&ids[which].into(), Timestamp(now + ms)),
            }
            agenda.advance(Timestamp(now));
            for action in agenda.take_actions() {
                if let Action::Start { key, probe, .. } = action {
                    prop_assert!(running.iter().all(|(_, id)| *id != probe.plan.id));
                    running.push((key, probe.plan.id.clone()));
                }
            }
            prop_assert_eq!(agenda.in_flight(), running.len());
            prop_assert!(running.len() <= 2);
        }
        for probe in &probes {
            let ticks = (now - phase_ms(&probe.plan.id, 1_000)).div_euclid(1_000) + 1;
            let (scheduled, skipped) = probe.slot.take_tally_for_tests();
            prop_assert_eq!(i64::from(scheduled), ticks.max(0));
            prop_assert!(skipped <= scheduled);
        }
    }
}
