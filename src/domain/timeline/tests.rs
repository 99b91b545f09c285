//! Gap-free, dated backward, and combined pointwise.

use super::*;
use proptest::prelude::*;

const LENGTH: i64 = 40;

fn span(start: i64, end: i64) -> Span {
    Span::new(Timestamp(start), Timestamp(end))
}

fn timeline<S: Copy + PartialEq>(changes: &[(i64, S)]) -> Timeline<S> {
    let mut timeline = Timeline::default();
    changes.iter().for_each(|(since, to)| timeline.set(Timestamp(*since), *to));
    timeline
}

#[test]
fn dating_backward_replaces_what_was_known_from_then_on() {
    let mut seen = timeline(&[(0, Health::Up), (10, Health::Degraded), (20, Health::Up)]);
    seen.set(Timestamp(5), Health::Down);
    assert_eq!(seen, timeline(&[(0, Health::Up), (5, Health::Down)]));
    seen.set(Timestamp(5), Health::Up);
    assert_eq!(seen, timeline(&[(0, Health::Up)]));
}

#[test]
fn pieces_are_gap_free_and_nothing_lies_before_the_beginning() {
    let seen = timeline(&[(10, Health::Up), (20, Health::Down)]);
    let pieces: Vec<_> = seen.spans(span(0, 30)).collect();
    assert_eq!(pieces, [(span(10, 20), Health::Up), (span(20, 30), Health::Down)]);
    assert_eq!(seen.spans(span(12, 15)).collect::<Vec<_>>(), [(span(12, 15), Health::Up)]);
    assert_eq!(seen.spans(span(0, 10)).count(), 0);
    assert_eq!((seen.at(Timestamp(9)), seen.at(Timestamp(10))), (None, Some(Health::Up)));
}

#[test]
fn forgetting_keeps_the_state_of_the_instant() {
    let mut seen = timeline(&[(0, Health::Up), (10, Health::Down), (20, Health::Up)]);
    seen.forget_before(Timestamp(15));
    assert_eq!(seen, timeline(&[(10, Health::Down), (20, Health::Up)]));
}

#[test]
fn critical_failure_is_down_and_supporting_failure_is_degraded() {
    use ProbeHealth::{Degraded, Failing, Passing};
    use Role::{Critical, Supporting};
    assert_eq!(combine([(Critical, Some(Passing)), (Critical, Some(Failing))]), Health::Down);
    assert_eq!(combine([(Critical, None), (Critical, Some(Failing))]), Health::Down);
    assert_eq!(combine([(Critical, None), (Supporting, Some(Failing))]), Health::Unknown);
    assert_eq!(combine([(Critical, Some(Passing)), (Supporting, Some(Failing))]), Health::Degraded);
    assert_eq!(combine([(Critical, Some(Degraded)), (Supporting, Some(Passing))]), Health::Degraded);
    assert_eq!(combine([(Critical, Some(Passing)), (Supporting, None)]), Health::Up);
}

#[test]
fn subsystem_begins_with_the_first_attempt_of_any_of_its_probes() {
    let early = timeline(&[(10, None), (12, Some(ProbeHealth::Passing))]);
    let late = timeline(&[(15, Some(ProbeHealth::Passing))]);
    let whole = combine_timelines(&[(Role::Critical, &early), (Role::Critical, &late)]);
    assert_eq!(whole, timeline(&[(10, Health::Unknown), (15, Health::Up)]));
    assert_eq!(combine_timelines(&[(Role::Critical, &Timeline::default())]), Timeline::default());
}

fn state() -> impl Strategy<Value = Option<ProbeHealth>> {
    use ProbeHealth::{Degraded, Failing, Passing};
    prop::sample::select(vec![None, Some(Passing), Some(Degraded), Some(Failing)])
}

type Changes = Vec<(i64, Option<ProbeHealth>)>;

fn changes() -> impl Strategy<Value = Changes> {
    prop::collection::vec((0..LENGTH, state()), 0..8)
}

fn probes() -> impl Strategy<Value = Vec<(Role, Changes)>> {
    prop::collection::vec((prop::sample::select(vec![Role::Critical, Role::Supporting]), changes()), 1..4)
}

proptest! {
    #[test]
    fn timeline_agrees_with_an_array_of_instants(changes in changes(), from in 0..LENGTH, to in 0..LENGTH) {
        let mut naive = [None; LENGTH as usize];
        for (since, state) in &changes {
            naive[*since as usize..].fill(Some(*state));
        }
        let timeline = timeline(&changes);
        let at = |t: i64| timeline.at(Timestamp(t));
        prop_assert_eq!((0..LENGTH).map(at).collect::<Vec<_>>(), naive.to_vec());
        prop_assert!(timeline.changes().windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 != w[1].1));
        let mut walked = vec![None; LENGTH as usize];
        for (piece, state) in timeline.spans(span(from, to)) {
            walked[piece.start.0 as usize..piece.end.0 as usize].fill(Some(state));
        }
        let inside = |t: i64| if from <= t && t < to { naive[t as usize] } else { None };
        prop_assert_eq!(walked, (0..LENGTH).map(inside).collect::<Vec<_>>());
    }

    #[test]
    fn combination_is_pointwise(probes in probes()) {
        let timelines: Vec<_> = probes.iter().map(|(role, changes)| (*role, timeline(changes))).collect();
        let parts: Vec<Part<'_>> = timelines.iter().map(|(role, t)| (*role, t)).collect();
        let whole = combine_timelines(&parts);
        let first = timelines.iter().filter_map(|(_, t)| t.first()).min();
        for t in (0..LENGTH).map(Timestamp) {
            let begun = first.is_some_and(|first| first <= t);
            let expected = begun.then(|| combine(timelines.iter().map(|(role, p)| (*role, p.at(t).flatten()))));
            prop_assert_eq!(whole.at(t), expected);
        }
        prop_assert!(whole.changes().windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 != w[1].1));
    }

    #[test]
    fn tail_written_again_equals_the_whole_written_anew(
        probes in probes(), which in 0usize..4, since in 0..LENGTH, to in state(),
    ) {
        let mut timelines: Vec<_> = probes.iter().map(|(role, changes)| (*role, timeline(changes))).collect();
        fn parts(timelines: &[(Role, Timeline<Option<ProbeHealth>>)]) -> Vec<Part<'_>> {
            timelines.iter().map(|(role, t)| (*role, t)).collect()
        }
        let mut whole = combine_timelines(&parts(&timelines));
        let which = which % timelines.len();
        timelines[which].1.set(Timestamp(since), to);
        recombine_from(&mut whole, &parts(&timelines), Timestamp(since));
        prop_assert_eq!(whole, combine_timelines(&parts(&timelines)));
    }
}
