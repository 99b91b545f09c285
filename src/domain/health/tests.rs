//! Rise and fall, one rule at a time, and all of them against the list of outcomes itself.

use super::*;
use proptest::prelude::*;

const DEFAULTS: Thresholds = Thresholds { fall: 3, rise: 2 };

fn outcome(letter: char) -> Outcome {
    match letter {
        'p' => Outcome::Pass,
        'd' => Outcome::degraded(ReasonKind::Slow, "slow"),
        'f' => Outcome::fail(ReasonKind::Timeout, "late"),
        _ => Outcome::unknown("no socket"),
    }
}

/// Counts one outcome per letter, at 0, 1, 2, …; the changes as `(when confirmed, to, since)`.
fn fold(counter: &mut Counter, letters: &str, thresholds: Thresholds) -> Vec<(i64, ProbeHealth, i64)> {
    let verdicts = letters.chars().zip(0..).map(|(c, at)| (at, counter.count(Timestamp(at), &outcome(c), thresholds)));
    verdicts
        .filter_map(|(at, verdict)| match verdict {
            Verdict::Changed(change) => Some((at, change.to, change.since.0)),
            Verdict::Settled | Verdict::Unconfirmed => None,
        })
        .collect()
}

#[track_caller]
fn check(from: Option<ProbeHealth>, letters: &str, expected: &[(i64, ProbeHealth, i64)]) {
    assert_eq!(fold(&mut Counter::resume(from), letters, DEFAULTS), expected, "{letters}");
}

use ProbeHealth::{Degraded, Failing, Passing};

#[test]
fn change_is_confirmed_forward_and_dated_backward() {
    check(Some(Passing), "fff", &[(2, Failing, 0)]);
    check(Some(Passing), "ppfff", &[(4, Failing, 2)]);
    check(Some(Failing), "fpp", &[(2, Passing, 1)]);
    check(Some(Passing), "fffpp", &[(2, Failing, 0), (4, Passing, 3)]);
}

#[test]
fn fewer_than_fall_or_rise_in_a_row_change_nothing() {
    check(Some(Passing), "ffpffpff", &[]);
    check(Some(Failing), "pfpfpf", &[]);
}

#[test]
fn unknown_neither_counts_nor_resets() {
    check(Some(Passing), "fufuf", &[(4, Failing, 0)]);
    check(Some(Failing), "puuup", &[(4, Passing, 0)]);
    check(Some(Passing), "uuuuuu", &[]);
    check(None, "uuu", &[]);
}

#[test]
fn first_state_is_whatever_is_confirmed_first() {
    check(None, "pp", &[(1, Passing, 0)]);
    check(None, "fff", &[(2, Failing, 0)]);
    check(None, "ffpp", &[(3, Passing, 2)]);
    check(None, "dd", &[(1, Degraded, 0)]);
    check(None, "pfpf", &[]);
}

#[test]
fn degraded_counts_as_a_pass_for_falling_and_rising() {
    check(Some(Passing), "ffdff", &[]);
    check(Some(Failing), "dd", &[(1, Degraded, 0)]);
    check(Some(Failing), "dp", &[(1, Passing, 0)]);
    check(Some(Failing), "pd", &[(1, Passing, 0)]);
}

#[test]
fn degraded_is_reached_by_fall_and_left_by_rise() {
    check(Some(Passing), "ddd", &[(2, Degraded, 0)]);
    check(Some(Passing), "ddpdd", &[]);
    check(Some(Degraded), "pp", &[(1, Passing, 0)]);
    check(Some(Degraded), "fff", &[(2, Failing, 0)]);
}

#[test]
fn clean_run_holds_clean_passes_alone_and_is_dated_from_the_first_of_them() {
    check(Some(Degraded), "dddpdpp", &[(6, Passing, 5)]);
    check(Some(Degraded), "pdpdpd", &[]);
}

#[test]
fn degraded_pass_at_the_end_of_a_recovery_is_the_first_contrary_one() {
    check(Some(Failing), "pddd", &[(1, Passing, 0), (3, Degraded, 1)]);
}

#[test]
fn one_is_enough_where_the_thresholds_say_so() {
    let mut counter = Counter::resume(Some(Passing));
    let once = Thresholds { fall: 1, rise: 1 };
    let changes = fold(&mut counter, "fpdpf", once);
    assert_eq!(changes, [(0, Failing, 0), (1, Passing, 1), (2, Degraded, 2), (3, Passing, 3), (4, Failing, 4)]);
    let nought = Thresholds { fall: 0, rise: 0 };
    assert_eq!(fold(&mut Counter::default(), "uf", nought), [(1, Failing, 1)]);
}

#[test]
fn probe_is_retried_only_while_a_change_is_unconfirmed() {
    let verdicts = |from, letters: &str| {
        let mut counter = Counter::resume(from);
        let count = |(c, at)| match counter.count(Timestamp(at), &outcome(c), DEFAULTS) {
            Verdict::Settled => '.',
            Verdict::Unconfirmed => '?',
            Verdict::Changed(_) => '!',
        };
        letters.chars().zip(0..).map(count).collect::<String>()
    };
    assert_eq!(verdicts(Some(Passing), "pfpffufff"), ".?.???!..");
    assert_eq!(verdicts(Some(Failing), "fpfpp"), ".?.?!");
    assert_eq!(verdicts(Some(Degraded), "dpdfdpp"), ".?.?.?!");
    assert_eq!(verdicts(Some(Passing), "dpddd"), "?.??!");
    assert_eq!(verdicts(None, "upfpp"), ".???!", "our own trouble speaks for no change");
}

#[test]
fn resumed_state_starts_a_new_count() {
    let mut before = Counter::resume(Some(Passing));
    assert_eq!(fold(&mut before, "ff", DEFAULTS), []);
    assert_eq!(before.contrary_since(), Some(Timestamp(0)));
    let mut after = Counter::resume(before.confirmed());
    assert_eq!(after.contrary_since(), None);
    assert_eq!(fold(&mut after, "ff", DEFAULTS), []);
}

/// Looks at the whole list each time: how long is its tail of one class, and where does it begin?
fn naive(
    from: Option<ProbeHealth>,
    letters: &str,
    Thresholds { fall, rise }: Thresholds,
) -> Vec<(i64, ProbeHealth, i64)> {
    let (mut state, mut changes) = (from, Vec::new());
    let known: Vec<(char, i64)> = letters.chars().zip(0..).filter(|(c, _)| *c != 'u').collect();
    for end in 1..=known.len() {
        let tail = |class: &str| {
            let run = known[..end].iter().rev().take_while(|(c, _)| class.contains(*c));
            run.fold((0u32, 0), |(length, _), (_, at)| (length + 1, *at))
        };
        let (fails, passes, degraded, clean) = (tail("f"), tail("pd"), tail("d"), tail("p"));
        let next = match state {
            Some(Passing) if fails.0 >= fall => Some((Failing, fails.1)),
            Some(Passing) if degraded.0 >= fall => Some((Degraded, degraded.1)),
            Some(Degraded) if fails.0 >= fall => Some((Failing, fails.1)),
            Some(Degraded) if clean.0 >= rise => Some((Passing, clean.1)),
            None if fails.0 >= fall => Some((Failing, fails.1)),
            None | Some(Failing) if passes.0 >= rise && degraded.0 == passes.0 => Some((Degraded, passes.1)),
            None | Some(Failing) if passes.0 >= rise => Some((Passing, passes.1)),
            _ => None,
        };
        if let Some((to, since)) = next {
            state = Some(to);
            changes.push((known[end - 1].1, to, since));
        }
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn counter_agrees_with_the_list_of_outcomes(
        letters in "[pdfu]{0,40}", fall in 1u32..5, rise in 1u32..5,
        from in prop::sample::select(vec![None, Some(Passing), Some(Degraded), Some(Failing)]),
    ) {
        let thresholds = Thresholds { fall, rise };
        let changes = fold(&mut Counter::resume(from), &letters, thresholds);
        prop_assert_eq!(&changes, &naive(from, &letters, thresholds));
        prop_assert!(changes.iter().all(|(at, _, since)| since <= at));
        prop_assert!(changes.windows(2).all(|w| w[0].2 < w[1].2 && w[0].1 != w[1].1), "{:?}", changes);
    }
}
