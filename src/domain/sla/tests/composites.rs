//! Composites against a model that asks every member at every instant, and breakdowns that sum to the whole.

use super::model::{
    REACH, Standings, border, hours, instant, same, short_span, span, standings, timeline, walk, window,
};
use super::*;
use crate::domain::composite::Expression;
use proptest::prelude::*;

const IDS: [&str; 4] = ["a/a", "b/b", "c/c", "d/d"];

#[derive(Clone, Debug)]
struct Member {
    timeline: Timeline<Health>,
    windows: Vec<UsedWindow>,
    undeclared: SpanSet,
}

impl Member {
    fn seen(&self) -> Seen<'_> {
        Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared: self.undeclared.clone() }
    }
}

#[derive(Clone, Debug)]
struct World {
    objective: Objective,
    hours: SpanSet,
    needs: Expression,
    members: Vec<Member>,
}

impl World {
    /// Whether enough parts hold, in words rather than by rank.
    fn holds(needs: &Expression, does: &impl Fn(usize) -> bool) -> bool {
        match needs {
            Expression::One(id) => does(IDS.iter().position(|known| *known == id.as_str()).unwrap()),
            Expression::AtLeast(n, parts) => parts.iter().filter(|part| Self::holds(part, does)).count() >= *n,
        }
    }

    fn at(&self, t: Timestamp) -> Standings {
        let all: Vec<Standings> = self.members.iter().map(|m| standings(&m.timeline, &m.seen(), t)).collect();
        let seen = |i: usize| all[i].health.unwrap_or(Health::Unknown);
        let usable = |health| matches!(health, Health::Up | Health::Degraded);
        let holds = |does: &dyn Fn(usize) -> bool| Self::holds(&self.needs, &|i| does(i));
        let health = if holds(&|i| seen(i) == Health::Up) {
            Health::Up
        } else if holds(&|i| usable(seen(i))) {
            Health::Degraded
        } else if holds(&|i| seen(i) != Health::Down) {
            Health::Unknown
        } else {
            Health::Down
        };
        let class = |is_in: fn(&Standings) -> bool, excuse: bool| {
            let enough = !holds(&|i| !is_in(&all[i]) || seen(i) != Health::Down);
            let certainly_good_without = holds(&|i| is_in(&all[i]) || usable(seen(i)));
            let perhaps_good_without = holds(&|i| is_in(&all[i]) || seen(i) != Health::Down);
            let decides = if excuse { enough && certainly_good_without } else { enough || perhaps_good_without };
            health == Health::Down && all.iter().any(is_in) && decides
        };
        Standings {
            health: Some(health),
            valid: class(|s| s.valid, true),
            emergency: class(|s| s.emergency, false),
            overrun: class(|s| s.overrun, false),
            undeclared: class(|s| s.undeclared, false),
            invalid: class(|s| s.invalid, false),
        }
    }

    fn evidence(&self) -> Evidence<'static> {
        let seen: Vec<Evidence<'_>> = self.members.iter().map(|m| Evidence::of(&m.seen())).collect();
        derived(&self.needs, &|id| seen.get(IDS.iter().position(|known| *known == id.as_str())?))
    }
}

fn one(i: usize) -> Expression {
    Expression::One(IDS[i].into())
}

/// All shapes of four members: flat, nested on either side, with redundancy.
fn needs() -> impl Strategy<Value = Expression> {
    prop_oneof![
        (1usize..=4).prop_map(|n| Expression::AtLeast(n, (0..4).map(one).collect())),
        (1usize..=3, 1usize..=2).prop_map(|(n, inner)| {
            let pair = Expression::AtLeast(inner, vec![one(2), one(3)]);
            Expression::AtLeast(n, vec![one(0), one(1), pair])
        }),
        Just(one(1)),
    ]
}

prop_compose! {
    fn member()(
        timeline in timeline(),
        windows in prop::collection::vec(window(), 0..5),
        undeclared in prop::collection::vec(short_span(), 0..2),
    ) -> Member {
        Member { timeline, windows, undeclared: undeclared.into_iter().collect() }
    }
}

prop_compose! {
    fn world()(
        hours in hours(),
        needs in needs(),
        members in prop::collection::vec(member(), 4),
        cap_ms in prop_oneof![1 => Just(0), 3 => 0i64..80, 2 => Just(8 * HOUR)],
        figure in prop::sample::select(vec![Figure::Public, Figure::Contract]),
    ) -> World {
        let objective = Objective { exclusion_cap_ms: cap_ms, ..objective(990_000, figure) };
        World { objective, hours, needs, members }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn account_of_a_composite_equals_a_look_at_every_member_at_every_instant(
        world in world(), period in span(), now in instant(),
    ) {
        let evidence = world.evidence();
        let named = world.needs.members();
        let begun = |(i, member): (usize, &Member)| member.timeline.first().filter(|_| named.contains(&SubsystemId::from(IDS[i])));
        let first = world.members.iter().enumerate().filter_map(begun).min();
        let sums = walk(&world.objective, &world.hours, first, (period, now), |t| world.at(t));
        let ledger = Ledger::open(&world.objective, &world.hours, period, now, &evidence, &zone());
        same(&ledger.account(), &sums, &world.objective)?;
        let plain = world.needs.timeline(&|id| {
            world.members.get(IDS.iter().position(|known| *known == id.as_str())?).map(|m| &m.timeline)
        });
        prop_assert_eq!(&*evidence.timeline, &plain);
    }

    #[test]
    fn shares_of_every_breakdown_sum_to_the_account(
        world in world(), period in span(), parts in prop::collection::vec(span(), 0..5), which in 0usize..4,
    ) {
        let now = border() + REACH / 2;
        let derived = world.evidence();
        let single = Evidence::of(&world.members[which].seen());
        for evidence in [&derived, &single] {
            let ledger = Ledger::open(&world.objective, &world.hours, period, now, evidence, &zone());
            let mut sum = Share::default();
            let shares = ledger.breakdown(parts.iter().enumerate().map(|(i, part)| (i, SpanSet::from(*part))));
            shares.iter().for_each(|(_, share)| sum.add(share));
            prop_assert_eq!(&sum, &ledger.account().share());
            let by_cause: Millis = ledger.spent().iter().map(|(_, set)| set.len_ms()).sum();
            prop_assert_eq!(by_cause, ledger.account().spent_total_ms());
        }
    }
}

/// A composite of two, or of one of two, over a day in which windows and failures meet.
fn day(needs: &Expression, members: [Day; 2]) -> Account {
    let seen = members.each_ref().map(|m| {
        Evidence::of(&Seen { timeline: Some(&m.timeline), windows: &m.windows, undeclared: m.undeclared.clone() })
    });
    let evidence = derived(needs, &|id| seen.get(IDS.iter().position(|known| *known == id.as_str())?));
    let agreed = objective(999_000, Figure::Contract);
    let span = members[0].span;
    Ledger::open(&agreed, &always(), span, span.end, &evidence, &zone()).account()
}

fn down_in_a_window(from: i64, to: i64, standing: Standing) -> Day {
    let mut day = Day::quiet().seen(from, to, Health::Down);
    let approved = Span::new(day.at(from), day.at(to));
    day.windows.push(UsedWindow { window: "w.00000001".into(), approved, restored: approved.end, standing });
    day
}

#[test]
fn composite_is_in_maintenance_while_windows_alone_take_it_down() {
    let all = Expression::all_of(vec![one(0), one(1)]);
    let account = day(&all, [down_in_a_window(1_000, 4_000, Standing::Valid), Day::quiet()]);
    assert_eq!((account.bad_ms, account.excluded_ms), (3_000 * SECOND, 3_000 * SECOND));
    assert_eq!(account.spent_total_ms(), 0);
    // The other fails as well: from then on it is not maintenance alone.
    let failing = Day::quiet().seen(3_000, 4_000, Health::Down);
    let account = day(&all, [down_in_a_window(1_000, 4_000, Standing::Valid), failing]);
    assert_eq!((account.bad_ms, account.excluded_ms), (3_000 * SECOND, 2_000 * SECOND));
    assert_eq!(account.spent_ms[&Cause::Incident], 1_000 * SECOND);
}

#[test]
fn redundancy_that_an_unplanned_failure_had_used_up_is_not_maintenance() {
    let any = Expression::any_of(vec![one(0), one(1)]);
    let maintained = || down_in_a_window(1_000, 4_000, Standing::Valid);
    let account = day(&any, [maintained(), Day::quiet()]);
    assert_eq!((account.bad_ms, account.excluded_ms), (0, 0));
    let account = day(&any, [maintained(), Day::quiet().seen(500, 2_000, Health::Down)]);
    assert_eq!((account.bad_ms, account.excluded_ms), (1_000 * SECOND, 0));
    // Both at once, as planned: allowed, and excused.
    let account = day(&any, [maintained(), maintained()]);
    assert_eq!((account.bad_ms, account.excluded_ms), (3_000 * SECOND, 3_000 * SECOND));
}

#[test]
fn rule_that_a_member_broke_is_named_where_it_takes_part_in_the_outage() {
    let any = Expression::any_of(vec![one(0), one(1)]);
    let broken = || down_in_a_window(1_000, 4_000, Standing::Violation);
    assert_eq!(day(&any, [broken(), Day::quiet()]).spent_total_ms(), 0);
    let account = day(&any, [broken(), Day::quiet().seen(500, 2_000, Health::Down)]);
    assert_eq!(account.spent_ms, BTreeMap::from([(Cause::PolicyViolation, 1_000 * SECOND)]));
    assert_eq!(account.policy_violation_ms, 1_000 * SECOND);
}
