//! Filings over random histories of outages, recoveries, people and restarts: what must hold of every mail.

use super::filing::{act, rules, with};
use super::*;
use crate::domain::filing::{Act, CountsFrom, Grade, Rules, Sheet, Stage, Turn};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Happening {
    /// Down, then up, for so many minutes each.
    Outage(i64, i64),
    /// Down for so many minutes more, while a person says this.
    Said(usize, i64),
    /// A restart in the middle of an outage.
    Restart(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (1_i64..70, 17_i64..30).prop_map(|(down, up)| Happening::Outage(down, up)),
        (0_usize..6, 1_i64..50).prop_map(|(what, down)| Happening::Said(what, down)),
        (1_i64..50).prop_map(Happening::Restart),
    ]
}

fn act_of(what: usize, now: Timestamp) -> Act {
    match what {
        0 => Act::Reported { at: now, to: "office".into() },
        1 => Act::Dismissed,
        2 => Act::Graded { grade: Grade::Ordinary },
        3 => Act::Graded { grade: Grade::Considerable },
        4 => Act::Graded { grade: Grade::EspeciallySerious },
        _ => Act::Known { at: now - 3 * HOUR },
    }
}

fn restarted(bench: &mut Bench) {
    let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| engine.apply(fact));
    bench.engine = engine;
    let out = bench.engine.start(bench.now, Some(bench.now), "digest");
    bench.take(out);
}

/// Lets a history happen, then five calm hours; the second at which it ended.
fn lived(bench: &mut Bench, happenings: &[Happening]) {
    let mut second = 30;
    bench.seen(0, second, &["a/web"], &Outcome::Pass);
    let mut goes = |bench: &mut Bench, minutes: i64, outcome: &Outcome| {
        bench.seen(second, second + 60 * minutes, &["a/web"], outcome);
        second += 60 * minutes;
    };
    for happening in happenings {
        match happening {
            Happening::Outage(down, up) => {
                goes(bench, *down, &refused());
                goes(bench, *up, &Outcome::Pass);
            }
            Happening::Said(what, down) => {
                goes(bench, *down, &refused());
                // Whether it is taken or refused, the invariants hold.
                drop(act(bench, act_of(*what, bench.now)));
            }
            Happening::Restart(down) => {
                goes(bench, *down, &refused());
                restarted(bench);
            }
        }
    }
    goes(bench, 5 * 60, &Outcome::Pass);
}

fn mails(bench: &Bench, incident: IncidentId) -> Vec<(Turn, Timestamp, &Sheet)> {
    let about = |m: &'_ Message| match &m.content {
        Content::Filing { sheet, .. } => sheet.incident == incident,
        _ => false,
    };
    let mails = bench.mails.iter().filter(|m| about(m));
    mails
        .filter_map(|m| match &m.content {
            Content::Filing { turn, sheet } => Some((*turn, m.at, &**sheet)),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_warning_is_due_comes_once_and_none_is_missed(
        happenings in prop::collection::vec(happening(), 1..9),
        from_grade in any::<bool>(),
    ) {
        let counts_from = if from_grade { CountsFrom::Grade } else { CountsFrom::Incident };
        let mut bench = Bench::of(with(Rules { counts_from, ..rules() }));
        lived(&mut bench, &happenings);
        let ids: BTreeSet<&String> = bench.mails.iter().map(|m| &m.id).collect();
        prop_assert_eq!(ids.len(), bench.mails.len(), "an id twice");
        let sheets = bench.engine.snapshot().filings;
        for sheet in sheets.iter() {
            let mut told: BTreeSet<&'static str> = BTreeSet::new();
            let mails = mails(&bench, sheet.incident);
            for (turn, at, then) in &mails {
                let (stage, name) = match turn {
                    Turn::Due => (Stage::Running, "due"),
                    Turn::Half => (Stage::Half, "half"),
                    Turn::Soon => (Stage::Soon, "soon"),
                    Turn::Overdue => (Stage::Overdue, "overdue"),
                    Turn::Rose => { prop_assert!(then.suggested > Grade::Considerable || then.outcome.is_some()); continue }
                    Turn::Settled => { prop_assert!(then.outcome.is_some()); told.clear(); continue }
                };
                prop_assert!(then.is_open(), "{:?} about what nobody has to act on", turn);
                prop_assert!(*at >= then.clock().begins(stage), "{:?} too early", turn);
                prop_assert!(told.insert(name), "{:?} twice", turn);
            }
            let last = mails.last().map(|(turn, ..)| *turn);
            if sheet.is_open() {
                let late = mails.iter().any(|(turn, ..)| *turn == Turn::Overdue);
                prop_assert!(late, "five hours later nobody was told that it is overdue: {:?}", last);
            } else if sheet.outcome.is_some() && !mails.is_empty() {
                prop_assert!(matches!(last, Some(Turn::Settled | Turn::Rose)), "{:?} after it was settled", last);
            }
        }
        for incident in bench.engine.desk.closed().filter(|i| i.symptom == Symptom::Down) {
            let lasted = incident.until.map_or(0, |until| until.since(incident.since));
            let is_filed = sheets.iter().any(|sheet| sheet.incident == incident.id);
            let by_hand = sheets.iter().any(|s| s.incident == incident.id && !s.acts.is_empty());
            prop_assert!(is_filed || lasted < 31 * MINUTE, "{} lasted {} min", incident.id, lasted / MINUTE);
            prop_assert!(!is_filed || by_hand || incident.reopened || lasted >= 30 * MINUTE, "{} is too short", incident.id);
        }
    }
}
