//! `decide`, its `until` and its `next_open` against a sampler that asks the words of the policy minute by minute.

use super::fixture::{city, policy, source};
use super::*;
use crate::domain::calendar::{Row, YearStatus};
use crate::domain::civil::{Zone, day_before};
use proptest::prelude::*;

/// Minutes that are sampled, from 2026-10-28 on, over the end of daylight saving in New York.
const MINUTES: usize = 6 * 24 * 60;

#[derive(Clone, Debug)]
struct World {
    inventory: Inventory,
    from: Timestamp,
}

/// Whether one instant is allowed, in the order of the words: covered, not frozen, not denied, then night or day of rest.
fn allowed_at(inventory: &Inventory, t: Timestamp) -> bool {
    let (zone, calendar) = (&inventory.zone, &inventory.calendar);
    let date = zone.date(t);
    let frozen = inventory.freezes.iter().any(|f| f.dates.iter().any(|d| d.contains(date)));
    let each = |p: &Policy| {
        let resting = p.allow.non_working_days && !calendar.day(date, None).is_working();
        let in_night = p.allow.nights.is_some_and(|n| {
            [day_before(date), date].iter().any(|d| {
                let end = d.saturating_add(jiff::Span::new().days(i64::from(n.end_day_offset)));
                zone.instant(d.to_datetime(n.start)) <= t && t < zone.instant(end.to_datetime(n.end))
            })
        });
        !p.deny.iter().any(|d| d.contains(date)) && (p.allow.always || resting || in_night)
    };
    calendar.covered(date) && !frozen && inventory.policies.iter().all(each)
}

fn time(halves: i8) -> Time {
    Time::constant(halves / 2, halves % 2 * 30, 0, 0)
}

prop_compose! {
    fn rule()(
        always in prop::bool::weighted(0.1),
        rest in any::<bool>(),
        night in prop::option::weighted(0.8, (30i8..48, 0i8..28, any::<bool>())),
        denied in prop::option::weighted(0.3, (28i8..=31, 0i8..3)),
    ) -> Policy {
        let mut made = policy("any", &[], GateMode::Hours);
        let nights = night.map(|(start, end, same_day)| match same_day {
            true => DayPart { start: time(end / 2), end: time(start), end_day_offset: 0 },
            false => DayPart { start: time(start), end: time(end), end_day_offset: 1 },
        });
        made.allow = Allowed { always, nights, non_working_days: rest };
        made.deny = denied
            .map(|(day, more)| DateSpan {
                first: DateOrYearly::Yearly(10, day),
                last: DateOrYearly::Date(date(2026, 10, 31).saturating_add(jiff::Span::new().days(i64::from(more)))),
            })
            .into_iter()
            .collect();
        made
    }
}

prop_compose! {
    fn world()(
        zone in prop_oneof![Just("Asia/Shanghai"), Just("America/New_York"), Just("Australia/Lord_Howe")],
        policies in prop::collection::vec(rule(), 1..4),
        swaps in prop::collection::vec((28i64..36, any::<bool>()), 0..4),
        freeze in prop::option::weighted(0.3, 0i64..8),
        covered in prop::bool::weighted(0.9),
    ) -> World {
        let mut inventory = city();
        inventory.zone = Zone::named(zone).unwrap();
        inventory.policies = policies;
        let day = |n: i64| date(2026, 10, 1).saturating_add(jiff::Span::new().days(n - 1));
        let row = |working| Row {
            class: if working { DayClass::Working } else { DayClass::NonWorking },
            name: Names::default(),
            published: None,
            source: source("china.yaml", 1),
        };
        inventory.calendar.layers[0].rows = swaps.iter().map(|(n, working)| (day(*n), row(*working))).collect();
        inventory.freezes.truncate(0);
        inventory.freezes.extend(freeze.map(|n| Freeze {
            id: "some".into(),
            name: Names::default(),
            applies_to: Selector::default(),
            dates: vec![DateSpan { first: DateOrYearly::Date(day(28 + n)), last: DateOrYearly::Date(day(29 + n)) }],
            source: source("freezes.yaml", 1),
        }));
        if !covered {
            inventory.calendar.years.insert(2026, YearStatus::Provisional);
        }
        let from = inventory.zone.midnight(date(2026, 10, 28));
        World { inventory, from }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn decide_agrees_with_a_sampler_in_every_zone(
        world in world(),
        start in 0usize..MINUTES / 2,
        length in prop_oneof![1usize..120, 1usize..3_000],
    ) {
        let World { inventory, from } = world;
        let minutes: Vec<bool> = (0..MINUTES as i64).map(|m| allowed_at(&inventory, from + m * MINUTE)).collect();
        let fits = |m: usize| minutes[m..m + length].iter().all(|open| *open);
        let span = Span::lasting(from + start as i64 * MINUTE, length as i64 * MINUTE);
        match decide(&inventory, &["huangpu/kiosks".into()], None, span) {
            Decision::Allow { until, because } => {
                prop_assert!(fits(start));
                prop_assert_eq!(because.len(), inventory.policies.iter().enumerate()
                    .filter(|(i, p)| !inventory.policies[..*i].contains(p)).count());
                let closes = (start..MINUTES).find(|m| !minutes[*m]);
                prop_assert!(closes.is_none_or(|m| until == from + m as i64 * MINUTE));
            }
            Decision::Deny { reasons, next_open } => {
                prop_assert!(!fits(start));
                prop_assert!(!reasons.is_empty());
                // Whatever lies beyond the sample may open later, but nothing inside it may be missed.
                match (start..=MINUTES - length).find(|m| fits(*m)) {
                    Some(m) => prop_assert_eq!(next_open, Some(from + m as i64 * MINUTE)),
                    None => prop_assert!(next_open.is_none_or(|t| t > from + (MINUTES - length) as i64 * MINUTE)),
                }
                if let Some(open) = next_open {
                    let again = Span::lasting(open, span.len_ms());
                    prop_assert!(decide(&inventory, &["huangpu/kiosks".into()], None, again).is_allow());
                }
            }
        }
    }

    #[test]
    fn long_requests_find_the_blocks_of_all_covered_days(
        world in world(),
        is_free in prop::bool::weighted(0.2),
        next_year in any::<bool>(),
        start in 0i64..40 * 24 * 60,
        length in prop_oneof![1i64..24 * 60, 1i64..15 * 24 * 60, 1i64..400 * 24 * 60],
    ) {
        let World { mut inventory, from } = world;
        let free = |p: &mut Policy| p.allow = Allowed { always: true, ..p.allow.clone() };
        inventory.policies.iter_mut().filter(|_| is_free).for_each(free);
        inventory.calendar.years.extend(next_year.then_some((2027, YearStatus::Published)));
        let span = Span::lasting(from + start * MINUTE, length * MINUTE);
        let until = inventory.calendar.covered_until(&inventory.zone).map_or(span.start, |t| t.max(span.start));
        let within = Span::new(span.start - DAY, until);
        let sets = inventory.policies.iter().map(|p| allowed(&inventory, p, within));
        let open = sets.reduce(|all, set| all.intersect(&set)).unwrap_or_default().clip(Span::new(span.start, until));
        let fits = open.spans().iter().find(|block| block.len_ms() >= span.len_ms());
        match decide(&inventory, &["huangpu/kiosks".into()], None, span) {
            Decision::Allow { until, .. } => prop_assert_eq!(Some(&Span::new(span.start, until)), fits),
            Decision::Deny { next_open, .. } => {
                prop_assert_eq!(next_open, fits.map(|block| block.start));
                prop_assert!(next_open != Some(span.start));
            }
        }
    }

    #[test]
    fn allowed_set_of_a_policy_is_what_the_sampler_sees(world in world()) {
        let World { mut inventory, from } = world;
        inventory.policies.truncate(1);
        let within = Span::lasting(from, MINUTES as i64 * MINUTE);
        let set = allowed(&inventory, &inventory.policies[0], within);
        for m in (0..MINUTES as i64).step_by(10) {
            let t = from + m * MINUTE;
            prop_assert_eq!(set.contains(t), allowed_at(&inventory, t));
            prop_assert_eq!(is_open(&inventory, &inventory.policies[0], t), set.contains(t));
        }
    }
}
