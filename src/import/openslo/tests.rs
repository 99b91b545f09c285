//! OpenSLO documents there and back, and everything that has no place here told.

use super::*;
use proptest::prelude::*;

fn turned(text: &str) -> Imported {
    import(&[Input { path: "slo.yaml".into(), text: text.into() }])
}

fn slo(window: &str, rest: &str) -> String {
    format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{ name: forms-open }}\nspec:\n  service: forms\n  \
         timeWindow: [{window}]\n{rest}"
    )
}

const TARGET: &str = "  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9995 }]\n";

#[test]
fn slo_over_time_becomes_an_objective_that_check_takes() {
    let text = slo(
        "{ duration: 1M, isRolling: false, calendar: { startTime: 2026-03-01 00:00:00, timeZone: Asia/Shanghai } }",
        "  budgetingMethod: Timeslices\n  objectives:\n    - { targetPercent: 99.95, timeSliceTarget: 1, timeSliceWindow: 1m }\n",
    );
    let imported = turned(&text);
    assert_eq!(imported.left, []);
    let file = &imported.files["schedules/objectives.yaml"];
    for part in ["id: forms-open", "target: 99.95%", "period: month"] {
        assert!(file.contains(part), "{part}\n{file}");
    }
    let notes: Vec<u32> = imported.notes.iter().map(|note| note.line).collect();
    assert!(notes.contains(&5) && notes.contains(&6) && notes.contains(&9), "{:?}", imported.notes);
}

#[test]
fn windows_that_are_no_period_of_ours_are_told_and_not_rounded() {
    for (window, period) in [
        ("{ duration: 30d, isRolling: true }", Some("rolling_30d")),
        ("{ duration: 1w, isRolling: true }", Some("rolling_7d")),
        ("{ duration: 28d, isRolling: true }", None),
        ("{ duration: 4w, isRolling: true }", None),
        ("{ duration: 1Q, calendar: { startTime: 2026-04-01 00:00:00 } }", Some("quarter")),
        ("{ duration: 1Q, calendar: { startTime: 2026-05-01 00:00:00 } }", None),
        ("{ duration: 1Y, calendar: { startTime: 2026-01-01 08:00:00 } }", None),
        ("{ duration: 1w, calendar: { startTime: 2026-11-23 00:00:00 } }", Some("week")),
        ("{ duration: 2M, calendar: { startTime: 2026-01-01 00:00:00 } }", None),
    ] {
        let imported = turned(&slo(window, TARGET));
        let file = imported.files.get("schedules/objectives.yaml");
        match period {
            Some(period) => assert!(file.unwrap().contains(&format!("period: {period}\n")), "{window}"),
            None => assert!(file.is_none() && imported.left.len() == 1 && imported.left[0].line == 6, "{window}"),
        }
    }
}

#[test]
fn whatever_means_something_else_or_nothing_here_is_told_where_it_stands() {
    let rolling = "{ duration: 30d, isRolling: true }";
    for (rest, line, word) in [
        ("  budgetingMethod: Occurrences\n  objectives: [{ target: 0.99 }]\n", 7, "counts events"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 0.99, op: lte, value: 3 }]\n", 8, "probes"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9999999 }]\n", 8, "millionth"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 1.0 }]\n", 8, "between"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9, targetPercent: 90 }]\n", 8, "both"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ displayName: x }]\n", 8, "neither"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9, compositeWeight: 2 }]\n", 8, "composite"),
        ("  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9, shape: round }]\n", 8, "`shape`"),
        ("  budgetingMethod: Timeslices\n  indicatorRef: x\n  objectives: [{ target: 0.9 }]\n", 8, "probes"),
        ("  budgetingMethod: Timeslices\n  mood: x\n  objectives: [{ target: 0.9 }]\n", 8, "`mood`"),
        (
            "  alertPolicies: [{ alertPolicyRef: x }]\n  budgetingMethod: Timeslices\n  objectives: [{ target: 0.9 }]\n",
            7,
            "derived",
        ),
    ] {
        let imported = turned(&slo(rolling, rest));
        let told = imported.left.iter().any(|left| left.line == line && left.text.contains(word));
        assert!(told, "{rest}{:?}", imported.left);
    }
}

#[test]
fn other_documents_of_a_stream_are_told_with_their_lines() {
    let text = "apiVersion: openslo/v1\nkind: Service\nmetadata: { name: forms }\n---\napiVersion: openslo/v1alpha\n\
                kind: SLO\n---\napiVersion: openslo/v1\nkind: Wish\n---\nnot: [yaml\n";
    let imported = turned(text);
    let lines: Vec<u32> = imported.left.iter().map(|left| left.line).collect();
    assert_eq!(lines.len(), 4, "{:?}", imported.left);
    assert!(lines.starts_with(&[1, 5, 8]) || lines.contains(&8), "{lines:?}");
    assert!(imported.files.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn promise_survives_the_way_there_and_back(
        ppm in 1u32..1_000_000, period in 0usize..6, contract in any::<bool>(), cap_min in 0i64..2_000, pages in 0usize..8,
    ) {
        use crate::domain::*;
        const PERIODS: [ObjectivePeriod; 6] = [
            ObjectivePeriod::Week,
            ObjectivePeriod::Month,
            ObjectivePeriod::Quarter,
            ObjectivePeriod::Year,
            ObjectivePeriod::Rolling7d,
            ObjectivePeriod::Rolling30d,
        ];
        let mut inventory = crate::domain::policy::fixture::city();
        let words = Pages::WORDS.iter().enumerate().filter(|(i, _)| pages >> i & 1 == 1).map(|(_, word)| *word);
        let pages = Pages::of(words);
        let period = PERIODS[period];
        let figure = if contract { Figure::Contract } else { Figure::Public };
        for objective in inventory.objectives.values_mut() {
            (objective.target_ppm, objective.period, objective.figure) = (ppm, period, figure);
            (objective.exclusion_cap_ms, objective.pages) = (cap_min * MINUTE, pages);
        }
        let exported = write(&inventory, None);
        let imported = turned(&exported.text);
        let text = &imported.files["schedules/objectives.yaml"];
        let mut files = crate::config::tests::base();
        let name = super::slug(inventory.subsystems.keys().next().unwrap().as_str());
        files.insert("schedules/objectives.yaml".into(), text.replacen(&format!("id: {name}\n"), "id: public-7x24\n", 1));
        let (sources, options) = (crate::config::tests::from_memory(&files), crate::config::tests::options());
        let inventory = crate::config::load(&sources, &options).unwrap().inventory;
        let back = &inventory.objectives["public-7x24"];
        prop_assert_eq!((back.target_ppm, back.period, back.figure), (ppm, period, figure));
        prop_assert_eq!((back.exclusion_cap_ms, back.pages), (cap_min * MINUTE, pages));
        prop_assert!(exported.losses.iter().any(|loss| loss.contains("millisecond")));
    }
}
