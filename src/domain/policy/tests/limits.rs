//! Limits between windows: one by one, and all of them against a model that looks at every hour.

use super::fixture::{at, city, once, source, subsystem};
use super::*;
use crate::domain::window::{Planned, Recurrence, Schedule};
use jiff::civil::Date;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const A: &str = "bdc/egress-a";
const B: &str = "bdc/egress-b";

/// The city with two ways out of which the portal needs one.
fn with_group() -> Inventory {
    let mut city = city();
    for id in [A, B] {
        city.subsystems.insert(id.into(), subsystem(id, Tier::Two, "7x24", Vec::new()));
    }
    depend(&mut city, "huangpu/portal", Dependency::AnyOf(vec![A.into(), B.into()]));
    city
}

fn depend(city: &mut Inventory, id: &str, on: Dependency) {
    for member in on.members() {
        let dependants = city.dependants.entry(member.clone()).or_default();
        if !dependants.contains(&id.into()) {
            dependants.push(id.into());
        }
    }
    city.subsystems.get_mut(id).unwrap().depends_on.push(on);
}

fn declare(city: &mut Inventory, id: &str, owner: &str, scope: &[&str], starts: &[&str], lasts_ms: Millis) {
    let (mut schedule, _) = once(owner, scope, starts[0], lasts_ms);
    schedule.id = id.into();
    schedule.starts = Recurrence::Dates(starts.iter().map(|s| city.zone.parse_civil(s).unwrap()).collect());
    schedule.source = source("windows/huangpu.yaml", 2);
    city.schedules.insert(id.into(), schedule);
}

/// `schedule: obstacle; obstacle` of every window of November and December 2026.
fn answers(city: &Inventory) -> Vec<String> {
    let asked = ask_all(city, Span::new(at("2026-11-15"), at("2027-01-01")));
    let each = asked.iter().map(|a| {
        let texts: Vec<String> = a.admission.obstacles.iter().map(|o| o.text().en).collect();
        format!("{}: {}", a.schedule.id, texts.join("; "))
    });
    each.collect()
}

#[test]
fn two_of_one_redundancy_group_never_stop_together_and_the_earlier_start_goes_first() {
    let mut city = with_group();
    declare(&mut city, "b", "bdc", &[B], &["2026-11-27T22:00"], 2 * HOUR);
    declare(&mut city, "a", "bdc", &[A], &["2026-11-27T23:00", "2026-11-28T00:00"], HOUR);
    assert_eq!(
        answers(&city),
        [
            "b: ".to_owned(),
            format!(
                "a: waits: {B} stops in the window {} at the same time, and huangpu/portal needs it or {A}",
                ask_all(&city, Span::new(at("2026-11-27"), at("2026-11-28")))[0].planned.id
            ),
            // Spans are half-open: one may begin where the other ends.
            "a: ".to_owned(),
        ]
    );
    let asked = ask_all(&city, Span::new(at("2026-11-27"), at("2026-11-28")));
    let Some(Obstacle::Waits(reason)) = asked[1].admission.obstacles.first() else { panic!("{asked:?}") };
    assert_eq!(reason.kind, DenyKind::Redundancy);
    assert_eq!(reason.source.as_ref().unwrap().to_string(), "probes/huangpu.yaml:4");
    assert!(reason.text.zh.contains("互为备份"), "{}", reason.text.zh);
    assert!(!asked[1].admission.is_rejected() && !asked[1].admission.is_admitted() && asked[1].admission.waits());
}

#[test]
fn one_window_over_a_whole_group_is_rejected_unless_it_holds_all_who_need_it() {
    let mut city = with_group();
    declare(&mut city, "both", "bdc", &[A, B], &["2026-11-27T22:00"], HOUR);
    assert!(answers(&city)[0].starts_with("both: denied: bdc/egress-a and bdc/egress-b stand in for each other"));
    declare(&mut city, "all", "bdc", &[A, B, "huangpu/portal"], &["2026-12-04T22:00"], HOUR);
    assert_eq!(answers(&city)[1], "all: needs the approval of huangpu");
}

#[test]
fn a_window_that_waits_holds_no_place_against_a_third() {
    let mut city = with_group();
    declare(&mut city, "first", "bdc", &[A], &["2026-11-27T22:00"], 2 * HOUR);
    declare(&mut city, "second", "bdc", &[B], &["2026-11-27T23:00"], 4 * HOUR);
    declare(&mut city, "third", "bdc", &[A], &["2026-11-28T01:00"], 2 * HOUR);
    let waiting: Vec<bool> = answers(&city).iter().map(|a| a.contains("waits")).collect();
    assert_eq!(waiting, [false, true, false]);
}

#[test]
fn settled_goes_before_asking_whatever_starts_first() {
    let city = with_group();
    let (schedule, planned) = once("bdc", &[A], "2026-11-27T22:00", HOUR);
    let (later, theirs) = once("bdc", &[B], "2026-11-27T22:30", HOUR);
    let other = |hold| Other {
        id: &theirs.id,
        owner: &later.owner,
        scope: &later.scope,
        policy: None,
        span: theirs.span,
        hold,
    };
    let waits = |mine, theirs| {
        let others = [other(theirs)];
        let around = Circumstances { hold: mine, others: &others, ..Circumstances::default() };
        admit(&city, &schedule, &planned, &around).waits()
    };
    use Hold::{Asking, Settled};
    assert_eq!(
        [waits(Asking, Asking), waits(Asking, Settled), waits(Settled, Settled), waits(Settled, Asking)],
        [false, true, false, false]
    );
}

#[test]
fn caps_count_an_owners_windows_of_the_civil_month_under_the_policy() {
    let mut city = city();
    city.policies[0].limits = Limits { per_month: Some(2), ..Limits::default() };
    let starts = ["2026-11-20T22:00", "2026-11-21T22:00", "2026-11-30T23:00", "2026-12-01T00:00"];
    declare(&mut city, "n", "huangpu", &["huangpu/portal"], &starts, HOUR);
    // Another owner's, and one of another policy, do not count.
    declare(&mut city, "front", "bdc", &["bdc/portal-home"], &["2026-11-19T22:00"], HOUR);
    let found = answers(&city);
    assert_eq!(found[1..=2], ["n: ", "n: "]);
    assert_eq!(found[3], "n: waits: it is window 3 of huangpu in November 2026; the policy off-hours admits 2 a month");
    assert_eq!(found[4], "n: ");
}

#[test]
fn hours_of_a_month_are_capped_and_one_window_over_the_cap_is_rejected() {
    let mut city = city();
    city.policies[0].limits = Limits { hours_per_month_ms: Some(5 * HOUR), ..Limits::default() };
    declare(&mut city, "n", "huangpu", &["huangpu/portal"], &["2026-11-20T22:00", "2026-11-21T22:00"], 3 * HOUR);
    declare(&mut city, "long", "huangpu", &["huangpu/kiosks"], &["2026-12-04T22:00"], 6 * HOUR);
    let found = answers(&city);
    assert_eq!(found[1], "n: waits: huangpu would take 6h in November 2026; the policy off-hours admits 5h a month");
    assert!(found[2].starts_with("long: denied: huangpu would take 6h"), "{found:?}");
}

#[test]
fn so_many_of_a_tier_stop_at_once_and_no_more() {
    let mut city = city();
    city.policies[1].limits.at_once = Some(AtOnce { tier: Tier::One, most: 1 });
    for id in ["bdc/identity", "bdc/payment"] {
        city.subsystems.insert(id.into(), subsystem(id, Tier::One, "7x24", Vec::new()));
    }
    declare(&mut city, "one", "bdc", &["bdc/identity"], &["2026-11-27T22:00"], 2 * HOUR);
    declare(&mut city, "two", "bdc", &["bdc/payment", "huangpu/portal"], &["2026-11-27T23:00"], HOUR);
    declare(&mut city, "wide", "bdc", &["bdc/identity", "bdc/payment"], &["2026-11-29T22:00"], HOUR);
    // Of another tier, so it does not count.
    declare(&mut city, "other", "huangpu", &["huangpu/portal"], &["2026-11-27T22:30"], HOUR);
    let found = answers(&city);
    assert_eq!(found[0], "one: needs 2 approvals");
    assert_eq!(found[1], "other: ");
    assert!(
        found[2].contains("2 subsystems of tier 1 would stop at once; the policy public-front admits 1"),
        "{found:?}"
    );
    assert!(found[3].starts_with("wide: denied: the window holds 2 subsystems of tier 1"), "{found:?}");
}

#[test]
fn too_little_budget_makes_a_window_wait_and_names_the_poorest() {
    let mut city = city();
    city.policies[0].limits.budget_needs_ppm = Some(250_000);
    let (schedule, planned) = once("huangpu", &["huangpu/portal", "huangpu/kiosks"], "2026-11-28T23:00", HOUR);
    let ask = |budgets: &[(&str, u32)]| {
        let budgets = budgets.iter().map(|(id, left)| (SubsystemId::from(*id), *left)).collect();
        let around = Circumstances { budgets, ..Circumstances::default() };
        admit(&city, &schedule, &planned, &around).obstacles.iter().map(|o| o.text().en).collect::<Vec<_>>()
    };
    assert_eq!(ask(&[]), Vec::<String>::new());
    assert_eq!(ask(&[("huangpu/portal", 250_000)]), Vec::<String>::new());
    assert_eq!(
        ask(&[("huangpu/portal", 249_999), ("huangpu/kiosks", 120_500)]),
        ["waits: 12% of the month's error budget of huangpu/kiosks is left; the policy off-hours asks for 25%"]
    );
}

// What follows looks at every hour, and knows nothing of crowds, ranks or sweeps.

#[derive(Clone, Debug)]
struct Plan {
    owner: usize,
    /// Hours from the first of the month, at night.
    night: i64,
    hour: i64,
    lasts: i64,
    scope: BTreeSet<usize>,
}

const IDS: [&str; 5] = ["o0/a", "o0/b", "o1/c", "o1/d", "o1/e"];

prop_compose! {
    fn plan()(
        owner in 0usize..2,
        night in 0i64..40,
        hour in 0i64..7,
        lasts in 1i64..4,
        scope in prop::collection::btree_set(0usize..IDS.len(), 1..4),
    ) -> Plan {
        Plan { owner, night, hour, lasts, scope }
    }
}

fn world(plans: &[Plan], groups: &[BTreeSet<usize>], limits: &Limits, tiers: &[bool]) -> Inventory {
    let mut city = city();
    city.policies.truncate(1);
    city.policies[0].applies_to = Selector::default();
    city.policies[0].allow = Allowed { always: true, nights: None, non_working_days: false };
    city.policies[0].limits = limits.clone();
    city.freezes.clear();
    for (id, first) in IDS.iter().zip(tiers) {
        let tier = if *first { Tier::One } else { Tier::Two };
        city.subsystems.insert((*id).into(), subsystem(id, tier, "7x24", Vec::new()));
    }
    for group in groups.iter().filter(|g| g.len() > 1) {
        let members = group.iter().map(|i| SubsystemId::from(IDS[*i])).collect();
        depend(&mut city, "huangpu/portal", Dependency::AnyOf(members));
    }
    for (n, plan) in plans.iter().enumerate() {
        let scope: Vec<&str> = plan.scope.iter().map(|i| IDS[*i]).collect();
        let (mut schedule, _) = once(&format!("o{}", plan.owner), &scope, "2026-03-01T00:00", plan.lasts * HOUR);
        schedule.id = format!("s{n:02}").as_str().into();
        let day = Date::constant(2026, 3, 1).saturating_add(jiff::Span::new().days(plan.night));
        schedule.starts = Recurrence::Dates(vec![day.at(plan.hour.try_into().unwrap(), 0, 0, 0)]);
        city.schedules.insert(schedule.id.clone(), schedule);
    }
    city
}

/// What the last of some windows breaks when all of them happen: a word for each rule, looked up at each of its hours.
fn broken(city: &Inventory, windows: &[(&Schedule, &Planned)], groups: &[BTreeSet<usize>]) -> BTreeSet<&'static str> {
    let mut broken = BTreeSet::new();
    let limits = &city.policies[0].limits;
    let Some((_, last)) = windows.last() else { return broken };
    for hour in 0..last.span.len_ms() / HOUR {
        let hour = last.span.start + hour * HOUR;
        let now: Vec<&(&Schedule, &Planned)> = windows.iter().filter(|(_, p)| p.span.contains(hour)).collect();
        let stopped: BTreeSet<&str> = now.iter().flat_map(|(s, _)| s.scope.iter().map(SubsystemId::as_str)).collect();
        for group in groups.iter().filter(|g| g.len() > 1) {
            // Two windows over one and the same member stop no more than one of them does.
            if group.iter().filter(|i| stopped.contains(IDS[**i])).count() > 1 {
                broken.insert("group");
            }
        }
        if let Some(AtOnce { tier, most }) = limits.at_once {
            let first = stopped.iter().filter(|id| city.subsystems[**id].tier == tier).count();
            if first > most as usize {
                broken.insert("at once");
            }
        }
    }
    let mut months: BTreeMap<(&str, i8), (u32, Millis)> = BTreeMap::new();
    for (schedule, planned) in windows {
        let month = months.entry((schedule.owner.as_str(), planned.civil_start.month())).or_default();
        month.0 += 1;
        month.1 += planned.span.len_ms();
    }
    for (count, taken) in months.values() {
        if limits.per_month.is_some_and(|most| *count > most)
            || limits.hours_per_month_ms.is_some_and(|most| *taken > most)
        {
            broken.insert("cap");
        }
    }
    broken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_admitted_breaks_nothing_and_what_waits_would(
        plans in prop::collection::vec(plan(), 1..14),
        groups in prop::collection::vec(prop::collection::btree_set(0usize..IDS.len(), 2..4), 0..3),
        per_month in prop::option::of(1u32..4),
        hours in prop::option::of(2i64..9),
        most in prop::option::of(1u32..3),
        tiers in prop::collection::vec(any::<bool>(), IDS.len()),
    ) {
        let at_once = most.map(|most| AtOnce { tier: Tier::One, most });
        let hours_per_month_ms = hours.map(|h| h * HOUR);
        let limits = Limits { per_month, hours_per_month_ms, at_once, budget_needs_ppm: None };
        let city = world(&plans, &groups, &limits, &tiers);
        let asked = ask_all(&city, Span::new(at("2026-03-01"), at("2026-05-01")));
        prop_assert_eq!(asked.len(), plans.len());
        let mut kept: Vec<(&Schedule, &Planned)> = Vec::new();
        for asked in &asked {
            let stopping = |o: &&Obstacle| matches!(o, Obstacle::Waits(_) | Obstacle::Denied { .. });
            let kinds: Vec<&Obstacle> = asked.admission.obstacles.iter().filter(stopping).collect();
            let with = |kept: &[(&'_ Schedule, &'_ Planned)]| {
                let all: Vec<_> = kept.iter().copied().chain([(asked.schedule, &asked.planned)]).collect();
                broken(&city, &all, &groups)
            };
            let (alone, together) = (with(&[]), with(&kept));
            // Alone it is rejected, with others it waits, and each rule is named when it is broken.
            prop_assert_eq!(asked.admission.is_rejected(), !alone.is_empty(), "{:?} {:?}", &kinds, &alone);
            prop_assert_eq!(kinds.is_empty(), together.is_empty(), "{:?} {:?}", &kinds, &together);
            let named: BTreeSet<&str> = kinds.iter().flat_map(|o| match o {
                Obstacle::Denied { reasons, .. } => reasons.clone(),
                Obstacle::Waits(reason) => vec![reason.clone()],
                _ => Vec::new(),
            }).map(|r| match r.kind {
                DenyKind::Redundancy => "group",
                DenyKind::AtOnce => "at once",
                DenyKind::MonthCap => "cap",
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(&named, &together);
            if kinds.is_empty() {
                kept.push((asked.schedule, &asked.planned));
            }
        }
    }
}
