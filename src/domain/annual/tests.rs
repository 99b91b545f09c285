//! The plan of a year over a small city.

use super::*;
use crate::domain::policy::fixture::{city, once, source, subsystem};
use crate::domain::policy::{AtOnce, Limits};
use crate::domain::window::Recurrence;

fn declare(city: &mut Inventory, id: &str, owner: &str, scope: &str, starts: &[&str], lasts_ms: Millis) {
    let (mut schedule, _) = once(owner, &[scope], starts[0], lasts_ms);
    schedule.id = id.into();
    schedule.starts = Recurrence::Dates(starts.iter().map(|s| city.zone.parse_civil(s).unwrap()).collect());
    schedule.source = source("windows/huangpu.yaml", 2);
    city.schedules.insert(id.into(), schedule);
}

/// One clash of every kind, and an owner whose windows have nothing to do with it.
fn busy() -> Inventory {
    let mut city = city();
    for id in ["bdc/egress-a", "bdc/egress-b"] {
        city.subsystems.insert(id.into(), subsystem(id, Tier::Two, "7x24", Vec::new()));
    }
    for id in ["bdc/identity", "bdc/payment"] {
        city.subsystems.insert(id.into(), subsystem(id, Tier::One, "7x24", Vec::new()));
    }
    let group = Dependency::AnyOf(vec!["bdc/egress-a".into(), "bdc/egress-b".into()]);
    city.subsystems.get_mut("huangpu/portal").unwrap().depends_on.push(group);
    city.dependants = [("bdc/egress-a", "huangpu/portal"), ("bdc/egress-b", "huangpu/portal")]
        .into_iter()
        .chain([("bdc/portal-home", "huangpu/portal"), ("huangpu/portal", "huangpu/kiosks")])
        .map(|(needed, by)| (needed.into(), vec![by.into()]))
        .collect();
    city.policies[0].limits = Limits { per_month: Some(2), ..Limits::default() };
    city.policies[1].limits.at_once = Some(AtOnce { tier: Tier::One, most: 1 });
    // The two egresses overlap.
    declare(&mut city, "a", "bdc", "bdc/egress-a", &["2026-03-06T22:00"], 2 * HOUR);
    declare(&mut city, "b", "bdc", "bdc/egress-b", &["2026-03-06T23:00"], 2 * HOUR);
    // Identity at once with the portal's front; payment in the same night only.
    declare(&mut city, "front", "bdc", "bdc/portal-home", &["2026-04-10T22:00"], 2 * HOUR);
    declare(&mut city, "identity", "bdc", "bdc/identity", &["2026-04-10T23:00"], HOUR);
    declare(&mut city, "payment", "bdc", "bdc/payment", &["2026-04-11T01:00"], HOUR);
    // A dependant that ends while the front stops, and one that stops on another night of the month.
    declare(&mut city, "portal", "huangpu", "huangpu/portal", &["2026-04-10T22:30", "2026-04-17T22:00"], HOUR);
    // Two texts over one subsystem at one time.
    declare(&mut city, "disks", "bdc", "bdc/payment", &["2026-08-07T23:00"], HOUR);
    declare(&mut city, "network", "bdc", "bdc/payment", &["2026-08-07T22:00"], 2 * HOUR);
    // Three in a month, two admitted, and a freeze.
    declare(
        &mut city,
        "kiosks",
        "huangpu",
        "huangpu/kiosks",
        &["2026-06-05T22:00", "2026-06-12T22:00", "2026-06-26T22:00"],
        HOUR,
    );
    declare(&mut city, "frozen", "huangpu", "huangpu/portal", &["2026-11-06T22:00"], HOUR);
    city
}

fn found<'a>(plan: &'a AnnualPlan<'_>, kind: ClashKind) -> Vec<&'a str> {
    plan.clashes.iter().filter(|c| c.kind == kind).map(|c| c.windows[0].as_str().split('.').next().unwrap()).collect()
}

#[test]
fn every_kind_of_clash_is_found_once_and_named_after_who_gives_way() {
    let city = busy();
    let plan = annual_plan(&city, 2026).unwrap();
    assert_eq!(found(&plan, ClashKind::Redundancy), ["b"]);
    assert_eq!(found(&plan, ClashKind::AtOnce), ["identity"]);
    assert_eq!(found(&plan, ClashKind::Night), ["front"]);
    assert_eq!(found(&plan, ClashKind::Unverifiable), ["portal"]);
    assert_eq!(found(&plan, ClashKind::Apart), ["portal"]);
    assert_eq!(found(&plan, ClashKind::MonthCap), ["kiosks"]);
    assert_eq!(found(&plan, ClashKind::Freeze), ["frozen"]);
    assert_eq!(found(&plan, ClashKind::Doubled), ["disks"]);
    let apart = plan.clashes.iter().find(|c| c.kind == ClashKind::Apart).unwrap();
    assert!(apart.text.en.ends_with("together it would be once (months 4)"), "{}", apart.text.en);
    let night = plan.clashes.iter().find(|c| c.kind == ClashKind::Night).unwrap();
    assert!(night.text.en.starts_with("3 subsystems of tier 1 stop in the night of 2026-04-10"), "{}", night.text.en);
    assert!(plan.clashes.iter().all(|c| c.source.is_some()));
    assert!(plan.clashes.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn an_owner_sees_its_windows_and_every_clash_that_concerns_it() {
    let city = busy();
    let plan = annual_plan(&city, 2026).unwrap().only(&"huangpu".into());
    assert!(plan.windows.iter().all(|w| w.asked.schedule.owner.as_str() == "huangpu"));
    assert_eq!(plan.windows.len(), 6);
    assert!(found(&plan, ClashKind::Redundancy).is_empty());
    assert_eq!(found(&plan, ClashKind::Unverifiable), ["portal"]);
    let [total] = &plan.totals()[..] else { panic!() };
    assert_eq!((total.year.planned, total.year.drafts, total.year.denied, total.year.ms), (4, 1, 1, 5 * HOUR));
    assert_eq!((total.months[5].windows(), total.months[3].windows(), total.months[0].windows()), (3, 2, 0));
}

#[test]
fn totals_add_up_to_all_windows() {
    let city = busy();
    let plan = annual_plan(&city, 2026).unwrap();
    let totals = plan.totals();
    assert_eq!(totals.iter().map(|t| t.year.windows()).sum::<usize>(), plan.windows.len());
    for total in totals {
        assert_eq!(total.months.iter().map(Taken::windows).sum::<usize>(), total.year.windows());
        assert_eq!(total.months.iter().map(|m| m.ms).sum::<Millis>(), total.year.ms);
    }
}

#[test]
fn a_year_that_is_not_published_is_all_drafts_until_its_provisional_table_is_trusted() {
    let mut city = busy();
    declare(&mut city, "next", "huangpu", "huangpu/portal", &["2027-01-08T22:00"], HOUR);
    let states = |city: &Inventory| {
        let plan = annual_plan(city, 2027).unwrap();
        plan.windows.iter().map(|w| w.asked.admission.state()).collect::<Vec<_>>()
    };
    assert_eq!(states(&city), [WindowState::Draft]);
    assert_eq!(city.calendar.trust_provisional(), [2027]);
    assert_eq!(states(&city), [WindowState::Planned]);
    assert!(city.calendar.trust_provisional().is_empty());
    assert!(annual_plan(&city, i16::MAX).is_none());
}
