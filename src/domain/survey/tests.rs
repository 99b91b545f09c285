//! Planted closures are found, and honest services are left alone, over a simulated quarter.

mod city;

use super::*;
use crate::domain::fixture::City;
use city::{Closure, QUARTER, Rng, Service, calendar, simulate};
use jiff::civil::date;

/// Surveys one service as the simulated quarter saw it.
fn found(service: &Service) -> Survey {
    let mut inventory = City::new().subsystem("a/s", 2, &[]).hours("a/s", service.declared).inventory();
    inventory.calendar = calendar();
    let period = QUARTER.span(&inventory.zone);
    let (seen, maintenance) = simulate(service, &inventory, period);
    let mut effective = EffectiveHours::new(&inventory, period);
    survey(&inventory, &mut effective, &inventory.subsystems["a/s"], &seen, &maintenance)
}

fn kinds(survey: &Survey) -> Vec<FindingKind> {
    survey.findings.iter().map(|finding| finding.kind.clone()).collect()
}

/// `make soak` compiles with more.
fn seeds() -> u64 {
    option_env!("GENGFU_SEEDS").and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn every_planted_closure_is_found_and_nothing_else() {
    let nightly = Closure::Nightly { from: 23 * 60, to: 6 * 60 };
    let lunch = Closure::Daily { from: 12 * 60, to: 13 * 60, working: true };
    let hours = |days, from, to| FindingKind::ClosedHours { days, from, to };
    let cases: Vec<(&'static str, Closure, Vec<FindingKind>)> = vec![
        ("7x24", nightly, vec![hours(Days::Every, 1380, 1800)]),
        ("7x24", Closure::Daily { from: 12 * 60, to: 13 * 60, working: false }, vec![hours(Days::Every, 720, 780)]),
        ("7x24", lunch, vec![hours(Days::Working, 720, 780)]),
        ("workdays 09:00-17:00", lunch, vec![hours(Days::Working, 720, 780)]),
        ("7x24", Closure::NonWorking, vec![FindingKind::ClosedDays(Days::NonWorking)]),
        ("7x24", Closure::Weekends, vec![FindingKind::ClosedDays(Days::Weekends), FindingKind::IgnoresMakeUp]),
        ("7x24", Closure::Weekday(6), vec![FindingKind::ClosedDays(Days::Weekday(6))]),
        ("7x24", Closure::MonthEnd(1), vec![FindingKind::ClosedDays(Days::MonthEnd(1))]),
        ("7x24", Closure::MonthEnd(2), vec![FindingKind::ClosedDays(Days::MonthEnd(2))]),
        ("workdays 09:00-17:00", Closure::Weekends, vec![FindingKind::IgnoresMakeUp]),
        ("Mon-Fri 09:00-17:00", Closure::Weekends, vec![FindingKind::IgnoresMakeUp]),
        ("7x24", Closure::Always, vec![FindingKind::NeverOpen]),
    ];
    for seed in 0..4 * seeds() {
        for (declared, closure, wanted) in &cases {
            let survey = found(&Service { declared, closure: *closure, seed, flaky: 1 });
            assert_eq!(&kinds(&survey), wanted, "seed {seed}, {declared}, {closure:?}: {:#?}", survey.findings);
        }
    }
}

#[test]
fn two_hundred_honest_services_are_left_alone() {
    for seed in 0..seeds() {
        let mut rng = Rng::new(seed);
        for number in 0..200 {
            let hours = [
                "7x24",
                "7x24",
                "7x24",
                "workdays 09:00-17:00",
                "daily 06:00-23:00",
                "workdays 08:30-17:00; Sat 09:00-12:00",
            ];
            let declared = hours[rng.below(hours.len() as u64) as usize];
            let service =
                Service { declared, closure: Closure::None, seed: seed * 1_000 + number, flaky: rng.below(5) };
            let survey = found(&service);
            assert_eq!(survey.findings, [], "seed {seed}, {service:?}");
        }
    }
}

#[test]
fn edges_inside_an_hour_are_told_to_five_minutes() {
    let closure = Closure::Daily { from: 11 * 60 + 30, to: 13 * 60 + 15, working: false };
    let survey = found(&Service { declared: "7x24", closure, seed: 7, flaky: 0 });
    assert_eq!(kinds(&survey), [FindingKind::ClosedHours { days: Days::Every, from: 690, to: 795 }]);
    let closure = Closure::Nightly { from: 22 * 60 + 30, to: 5 * 60 + 45 };
    let survey = found(&Service { declared: "7x24", closure, seed: 7, flaky: 0 });
    assert_eq!(kinds(&survey), [FindingKind::ClosedHours { days: Days::Every, from: 1350, to: 1785 }]);
}

#[test]
fn findings_name_days_exceptions_and_confidence() {
    let survey = found(&Service { declared: "7x24", closure: Closure::Weekends, seed: 3, flaky: 1 });
    let [weekends, make_up] = &survey.findings[..] else { panic!("{:?}", survey.findings) };
    let name = |id: &SubsystemId| id.to_string();
    let said = make_up.sentence(Language::En, name);
    assert!(said.contains("So on 1 of 1 days seen") && said.contains("Sat 10 Oct"), "{said}");
    assert_eq!(make_up.dates, [date(2026, 10, 10)]);
    let said = weekends.sentence(Language::Zh, name);
    assert!(said.starts_with("每个周末（不看调休）全天停服") && said.contains("95 % 置信区间"), "{said}");
    assert!(weekends.interval().is_some_and(|i| i.low > 0.85));
}

#[test]
fn served_hours_that_nobody_declares_are_told_last() {
    let survey = found(&Service { declared: "workdays 09:00-17:00", closure: Closure::OpenAnyway, seed: 5, flaky: 1 });
    let longer = |days, from, to| FindingKind::OpenLonger { days, from, to };
    let wanted = [longer(Days::Working, 0, 540), longer(Days::Working, 1020, 1440), longer(Days::NonWorking, 0, 1440)];
    assert_eq!(kinds(&survey), wanted);
    assert!(survey.findings.iter().all(|finding| !finding.kind.is_against_the_declaration()));
}

#[test]
fn the_chain_that_shortens_is_named_to_its_end() {
    let city = City::new()
        .subsystem("pboc/high-value", 1, &[])
        .hours("pboc/high-value", "workdays 08:30-17:15")
        .subsystem("treasury/payments", 1, &["pboc/high-value"])
        .subsystem("bdc/mirror-a", 1, &[])
        .hours("bdc/mirror-a", "daily 06:00-24:00")
        .subsystem("bdc/public-payment", 1, &["treasury/payments"])
        .needs_any_of("bdc/public-payment", &["bdc/mirror-a"]);
    let mut inventory = city.inventory();
    inventory.calendar = calendar();
    let period = QUARTER.span(&inventory.zone);
    let mut effective = EffectiveHours::new(&inventory, period);
    let paid = &inventory.subsystems["bdc/public-payment"];
    let survey = survey(&inventory, &mut effective, paid, &[], &SpanSet::EMPTY);
    let [finding] = &survey.findings[..] else { panic!("{:?}", survey.findings) };
    let said = finding.sentence(Language::En, |id| id.name().to_owned());
    assert!(said.ends_with("it needs payments → high-value (workdays 08:30-17:15)"), "{said}");
    let FindingKind::Shortened { lost_ms, declared_ms, .. } = finding.kind else { panic!("{finding:?}") };
    assert_eq!((declared_ms, declared_ms - lost_ms), (92 * DAY, survey.effective_ms));
    assert_eq!(survey.effective_ms, 62 * (8 * HOUR + 45 * MINUTE));
}

#[test]
fn too_little_evidence_says_nothing() {
    let mut inventory = City::new().subsystem("a/s", 2, &[]).inventory();
    inventory.calendar = calendar();
    let whole = QUARTER.span(&inventory.zone);
    let service = Service { declared: "7x24", closure: Closure::Weekends, seed: 1, flaky: 0 };
    let (seen, none) = simulate(&service, &inventory, whole);
    for days in 1..=9 {
        let period = Span::lasting(whole.start + 10 * DAY, days * DAY);
        let mut effective = EffectiveHours::new(&inventory, period);
        let survey = survey(&inventory, &mut effective, &inventory.subsystems["a/s"], &seen, &none);
        assert_eq!(survey.findings, [], "{days} days");
    }
}

#[test]
fn intervals_and_tails_are_those_of_the_books() {
    // Wilson at 95 %: 13 of 13, 3 of 3, and 90 of 92, to four decimals.
    for (k, n, low, high) in [(13, 13, 0.7719, 1.0), (3, 3, 0.4385, 1.0), (90, 92, 0.9242, 0.9940)] {
        let interval = wilson(f64::from(k) / f64::from(n), n);
        assert!((interval.low - low).abs() < 1e-4 && (interval.high - high).abs() < 1e-4, "{k}/{n}: {interval:?}");
    }
    for n in 0..12_u32 {
        for k in 0..=n {
            let naive: f64 = (0_u32..1 << n)
                .filter(|bits| bits.count_ones() >= k)
                .map(|bits| 0.3_f64.powi(bits.count_ones() as i32) * 0.7_f64.powi((n - bits.count_ones()) as i32))
                .sum();
            assert!((tail(n, k, 0.3) - naive).abs() < 1e-9, "{n} {k}");
        }
    }
}
