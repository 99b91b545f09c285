//! Thresholds, the clock and the fold against models that look at every minute.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const IDS: [&str; 5] = ["a/a", "a/b", "b/a", "b/b", "c/c"];

fn minutes(n: i64) -> Timestamp {
    Timestamp(n * MINUTE)
}

fn source() -> Source {
    Source { file: "gengfu.yaml".into(), line: 1 }
}

fn rules(thresholds: Vec<Threshold>) -> Rules {
    Rules {
        roster: "duty".into(),
        unit: Names::default(),
        counts_from: CountsFrom::Incident,
        categories: Vec::new(),
        people: IDS.iter().zip([10, 20, 30, 40, 50]).map(|(id, n)| ((*id).into(), n)).collect(),
        thresholds,
    }
}

fn threshold() -> impl Strategy<Value = Threshold> {
    let share = prop_oneof![
        (1_u32..5).prop_map(Share::Number),
        prop::sample::select(vec![1_u32, 200_000, 333_333, 500_000, 666_667, 1_000_000]).prop_map(Share::Ppm),
        (1_u64..160).prop_map(Share::People),
    ];
    let of = prop::sample::subsequence(IDS.to_vec(), 1..=IDS.len());
    (1_usize..4, of, 1_i64..40, share).prop_map(|(grade, of, down, share)| Threshold {
        grade: Grade::ALL[grade],
        of: of.into_iter().map(SubsystemId::from).collect(),
        of_text: Names::default(),
        down_ms: down * MINUTE,
        share,
        source: source(),
    })
}

/// Whether a threshold is passed at an instant, in the words of the documentation.
fn is_passed(
    t: &Threshold,
    people: &BTreeMap<SubsystemId, u64>,
    failing: &BTreeMap<SubsystemId, Timestamp>,
    now: i64,
) -> bool {
    let long: BTreeSet<&SubsystemId> =
        t.of.iter()
            .filter(|id| failing.get(*id).is_some_and(|since| minutes(now).since(*since) >= t.down_ms))
            .collect();
    match t.share {
        Share::Number(n) => long.len() >= n as usize,
        Share::Ppm(ppm) => long.len() as f64 / t.of.len() as f64 >= f64::from(ppm) / 1e6 - 1e-12 && !long.is_empty(),
        Share::People(n) => long.iter().map(|id| people[*id]).sum::<u64>() >= n,
    }
}

proptest! {
    #[test]
    fn a_grade_is_what_a_look_at_every_minute_says(
        thresholds in prop::collection::vec(threshold(), 0..5),
        failing in prop::collection::btree_map(prop::sample::select(IDS.to_vec()), 0_i64..60, 0..5),
    ) {
        let rules = rules(thresholds);
        let failing: BTreeMap<SubsystemId, Timestamp> =
            failing.into_iter().map(|(id, since)| (id.into(), minutes(since))).collect();
        let passed = |now: i64| {
            let passed = rules.thresholds.iter().enumerate().filter(|(_, t)| is_passed(t, &rules.people, &failing, now));
            passed.map(|(i, _)| i).collect::<BTreeSet<usize>>()
        };
        let all: Vec<BTreeSet<usize>> = (0..=100).map(passed).collect();
        for now in 0..100 {
            let expected = &all[now as usize];
            let grade = expected.iter().map(|i| rules.thresholds[*i].grade).max();
            let found = rules.reached(minutes(now), &failing);
            prop_assert_eq!(found.as_ref().map(|r| r.grade), grade);
            if let Some(found) = found {
                let of_grade = |now: i64| all[now as usize].iter().any(|i| rules.thresholds[*i].grade == found.grade);
                prop_assert_eq!(Some(found.at), (0..=now).find(|t| of_grade(*t)).map(minutes));
                prop_assert_eq!(found.why.len(), expected.iter().filter(|i| rules.thresholds[**i].grade == found.grade).count());
            }
            // A look between two announced ones would find nothing new.
            let change = (now + 1..=100).find(|later| all[*later as usize] != *expected).map(minutes);
            prop_assert_eq!(rules.next(minutes(now), &failing), change);
        }
    }

    #[test]
    fn the_clock_is_what_a_look_at_every_minute_says(known in 0_i64..100, within in 10_i64..=240, now in 0_i64..400) {
        let clock = Clock { known: minutes(known), within_ms: within * MINUTE };
        let (now_ms, left) = (minutes(now), (known + within - now) * MINUTE);
        let stage = if left < 0 {
            Stage::Overdue
        } else if 2 * left > within * MINUTE {
            Stage::Running
        } else if left <= SOON {
            Stage::Soon
        } else {
            Stage::Half
        };
        prop_assert_eq!(clock.stage(now_ms), stage);
        match clock.next(now_ms) {
            Some(at) => prop_assert!(at > now_ms && clock.stage(at) > stage && clock.stage(at - 1) == stage),
            None => prop_assert_eq!(stage, Stage::Overdue),
        }
    }

    /// Whatever people say and whenever we look: a stage is told once, and a settled filing is told once and then at rest.
    #[test]
    fn each_stage_is_told_at_most_once_and_what_is_settled_stays_quiet(
        steps in prop::collection::vec((1_i64..50, 0_usize..9), 1..40),
    ) {
        let incident = IncidentId(1);
        let mut filings = Filings::default();
        let mut now = 0;
        let apply = |filings: &mut Filings, now: i64, event| filings.apply(minutes(now), &Fact::Filing { incident, event });
        let duty = Duty { category: Category::Other, within_ms: 4 * HOUR, to: Names::default() };
        let (subsystem, symptom, since) = ("a/a".into(), Symptom::Down, Timestamp(0));
        apply(&mut filings, 0, FilingFact::Opened { subsystem, symptom, since, duty, known: Timestamp(0) });
        apply(&mut filings, 0, FilingFact::Suggested { grade: Grade::Considerable, why: Vec::new() });
        let mut told: Vec<Turn> = Vec::new();
        for (wait, what) in steps {
            now += wait;
            let by = Actor { name: "officer".into(), owner: None, from: "127.0.0.1".into() };
            let act = match what {
                0 => Some(Act::Reported { at: minutes(now), to: "office".into() }),
                1 => Some(Act::Dismissed),
                2 => Some(Act::Graded { grade: Grade::Ordinary }),
                3 => Some(Act::Graded { grade: Grade::Serious }),
                4 => Some(Act::Known { at: minutes(-now) }),
                _ => None,
            };
            let suggested = filings.get(incident).unwrap().suggested;
            let higher = if what == 5 { Grade::Serious } else { Grade::EspeciallySerious };
            if (5..7).contains(&what) && higher > suggested {
                apply(&mut filings, now, FilingFact::Suggested { grade: higher, why: Vec::new() });
                told.retain(|turn| *turn != Turn::Rose);
            }
            let reopens = matches!(filings.get(incident).unwrap().outcome, Some(Outcome::NotDue { .. }))
                && act == Some(Act::Graded { grade: Grade::Serious });
            if reopens {
                told.clear();
            }
            let settled_anew = act.as_ref().is_some_and(Act::settles);
            if let Some(act) = act {
                apply(&mut filings, now, FilingFact::Said { act, by, text: String::new() });
            }
            if settled_anew {
                told.retain(|turn| *turn != Turn::Settled);
            }
            let mut mails = 0;
            while let Some(turn) = filings.get(incident).unwrap().due(minutes(now)) {
                let filing = filings.get(incident).unwrap();
                prop_assert!(turn != Turn::Settled || filing.outcome.is_some());
                prop_assert!(matches!(turn, Turn::Settled | Turn::Rose) || filing.outcome.is_none());
                prop_assert!(!told.contains(&turn), "{:?} again after {:?}", turn, told);
                told.push(turn);
                mails += 1;
                let to = Recipient { name: "duty".into(), mail: "duty@a.test".into(), language: Language::Zh };
                let (stage, sequence) = (filing.clock().stage(minutes(now)), filing.sequence);
                apply(&mut filings, now, FilingFact::Told { turn, stage, sequence, to: vec![to] });
            }
            prop_assert!(mails <= 1, "{} mails at one instant", mails);
            let filing = filings.get(incident).unwrap();
            prop_assert_eq!(filing.next(minutes(now)).is_some(), filing.is_open() && filing.clock().stage(minutes(now)) < Stage::Overdue);
            // A restart finds the same state.
            let again: Filings = serde_json::from_str(&serde_json::to_string(&filings).unwrap()).unwrap();
            prop_assert_eq!(again.get(incident), filings.get(incident));
        }
    }
}

#[test]
fn the_category_with_the_least_time_holds_and_what_nobody_names_is_of_the_last() {
    let named = |category: Category, ids: &[&str], owners: &[&str]| Assigned {
        duty: Duty { category, within_ms: category.within_ms(), to: category.authority() },
        owners: owners.iter().map(|id| OwnerId::from(*id)).collect(),
        subsystems: ids.iter().map(|id| SubsystemId::from(*id)).collect(),
    };
    let mut rules = rules(Vec::new());
    rules.categories = vec![named(Category::Central, &["b/a"], &[]), named(Category::Critical, &[], &["b"])];
    let category = |ids: &[&str]| {
        let ids: Vec<SubsystemId> = ids.iter().map(|id| SubsystemId::from(*id)).collect();
        let duty = rules.duty(ids.iter());
        (duty.category, duty.within_ms)
    };
    assert_eq!(category(&["a/a"]), (Category::Other, 4 * HOUR));
    assert_eq!(category(&["b/a"]), (Category::Central, 2 * HOUR), "the first that names it");
    assert_eq!(category(&["a/a", "b/a", "b/b"]), (Category::Critical, HOUR));
    assert_eq!(category(&[]), (Category::Other, 4 * HOUR));
}
