//! The accounting against a model that walks over every instant and knows no spans.

use super::*;
use proptest::prelude::*;

/// The model's world is this far around the start of a month, in steps of one millisecond.
pub(super) const REACH: i64 = 240;

#[derive(Clone, Debug)]
struct World {
    objective: Objective,
    hours: SpanSet,
    timeline: Timeline<Health>,
    windows: Vec<UsedWindow>,
    undeclared: SpanSet,
}

impl World {
    fn seen(&self) -> Seen<'_> {
        Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared: self.undeclared.clone() }
    }

    fn account(&self, period: Span, now: Timestamp) -> Account {
        account(&self.objective, &self.hours, period, now, &self.seen(), &zone())
    }
}

/// The first instant of November 2026.
pub(super) fn border() -> Timestamp {
    zone().midnight(date(2026, 11, 1))
}

pub(super) fn instant() -> impl Strategy<Value = Timestamp> {
    (-REACH..=REACH).prop_map(|ms| border() + ms)
}

pub(super) fn span() -> impl Strategy<Value = Span> {
    (instant(), instant()).prop_map(|(a, b)| Span::new(a.min(b), a.max(b)))
}

pub(super) fn short_span() -> impl Strategy<Value = Span> {
    (instant(), 0i64..60).prop_map(|(start, ms)| Span::lasting(start, ms))
}

pub(super) fn timeline() -> impl Strategy<Value = Timeline<Health>> {
    prop::collection::vec((instant(), prop::sample::select(Health::ALL.to_vec())), 0..12).prop_map(|mut changes| {
        changes.sort_by_key(|(at, _)| *at);
        let mut timeline = Timeline::default();
        changes.iter().for_each(|(at, health)| timeline.set(*at, *health));
        timeline
    })
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![7 => Just(Standing::Valid), 2 => Just(Standing::Violation), 1 => Just(Standing::Emergency)]
}

pub(super) fn window() -> impl Strategy<Value = UsedWindow> {
    (short_span(), -20i64..40, standing()).prop_map(|(approved, late_ms, standing)| UsedWindow {
        window: "bdc-monthly.1f3a9c02".into(),
        approved,
        restored: (approved.end + late_ms).max(approved.start),
        standing,
    })
}

pub(super) fn hours() -> impl Strategy<Value = SpanSet> {
    prop_oneof![
        3 => Just(always()),
        2 => prop::collection::vec(short_span(), 0..12).prop_map(|spans| spans.into_iter().collect::<SpanSet>()),
    ]
}

prop_compose! {
    fn world()(
        hours in hours(),
        timeline in timeline(),
        windows in prop::collection::vec(window(), 0..9),
        undeclared in prop::collection::vec(short_span(), 0..3),
        cap_ms in prop_oneof![1 => Just(0), 4 => 0i64..80, 1 => Just(8 * HOUR)],
        target_ppm in prop_oneof![Just(1_000_000), 900_000u32..1_000_000, Just(0)],
        figure in prop::sample::select(vec![Figure::Public, Figure::Contract]),
    ) -> World {
        let objective = Objective { exclusion_cap_ms: cap_ms, ..objective(target_ppm, figure) };
        World { objective, hours, timeline, windows, undeclared: undeclared.into_iter().collect() }
    }
}

/// What the model found; `excluded` by instant.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sums {
    elapsed: i64,
    good: i64,
    bad: i64,
    unknown: i64,
    degraded: i64,
    excluded: i64,
    eligible: i64,
    contract: [i64; 3],
    violation: i64,
    spent: BTreeMap<Cause, i64>,
}

/// How one instant stands, before any cap.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standings {
    pub(super) health: Option<Health>,
    pub(super) valid: bool,
    pub(super) emergency: bool,
    pub(super) overrun: bool,
    pub(super) undeclared: bool,
    pub(super) invalid: bool,
}

/// The instant of one subsystem.
pub(super) fn standings(timeline: &Timeline<Health>, seen: &Seen<'_>, t: Timestamp) -> Standings {
    let inside = |start: Timestamp, end: Timestamp| start <= t && t < end;
    let used = |w: &UsedWindow| inside(w.approved.start, w.approved.end.min(w.restored));
    let stands = |standing| seen.windows.iter().any(|w| w.standing == standing && used(w));
    Standings {
        health: timeline.at(t),
        valid: stands(Standing::Valid),
        emergency: stands(Standing::Emergency),
        overrun: seen.windows.iter().any(|w| inside(w.approved.end, w.restored)),
        undeclared: seen.undeclared.contains(t),
        invalid: stands(Standing::Violation),
    }
}

/// Walks over every instant of promised time; `at` is asked about each from the first attempt on.
pub(super) fn walk(
    objective: &Objective,
    hours: &SpanSet,
    first: Option<Timestamp>,
    (period, now): (Span, Timestamp),
    at: impl Fn(Timestamp) -> Standings,
) -> Sums {
    let mut sums = Sums::default();
    let mut cap_left = [objective.exclusion_cap_ms; 2];
    for ms in -2 * REACH..2 * REACH {
        let t = border() + ms;
        if !hours.contains(t) || t < first.unwrap_or(now) {
            continue;
        }
        let stands = if t < now { at(t) } else { Standings::default() };
        let left = &mut cap_left[usize::from(t >= border())];
        let excluded = t < now && *left > 0 && stands.valid;
        *left -= i64::from(excluded);
        if !period.contains(t) {
            continue;
        }
        let public = objective.figure == Figure::Public;
        sums.eligible += i64::from(public || !excluded);
        if t >= now {
            continue;
        }
        sums.elapsed += 1;
        sums.excluded += i64::from(excluded);
        let class = match stands.health.unwrap() {
            Health::Up | Health::Degraded => 0,
            Health::Down => 1,
            Health::Unknown => 2,
        };
        *[&mut sums.good, &mut sums.bad, &mut sums.unknown][class] += 1;
        sums.contract[class] += i64::from(!excluded);
        sums.degraded += i64::from(stands.health == Some(Health::Degraded));
        if class == 1 {
            let cause = if stands.emergency {
                Cause::Emergency
            } else if stands.overrun {
                Cause::Overrun
            } else if stands.undeclared {
                Cause::UndeclaredMaintenance
            } else if stands.invalid {
                Cause::PolicyViolation
            } else {
                Cause::Incident
            };
            sums.violation += i64::from(!excluded && (stands.overrun || stands.undeclared || stands.invalid));
            if public || !excluded {
                *sums.spent.entry(cause).or_default() += 1;
            }
        }
    }
    sums
}

/// Every number of an account is the model's.
pub(super) fn same(account: &Account, sums: &Sums, objective: &Objective) -> Result<(), TestCaseError> {
    prop_assert_eq!(account.elapsed_ms, sums.elapsed);
    prop_assert_eq!(account.excluded_ms, sums.excluded);
    prop_assert_eq!(account.degraded_ms, sums.degraded);
    prop_assert_eq!([account.good_ms, account.bad_ms, account.unknown_ms], [sums.good, sums.bad, sums.unknown]);
    prop_assert_eq!(account.public, bounded([sums.good, sums.bad, sums.unknown]));
    prop_assert_eq!(account.contract, bounded(sums.contract));
    prop_assert_eq!(&account.spent_ms, &sums.spent);
    prop_assert_eq!(account.policy_violation_ms, sums.violation);
    let budget = sums.eligible * i64::from(1_000_000 - objective.target_ppm) / 1_000_000;
    prop_assert_eq!(account.budget_ms, budget);
    Ok(())
}

fn bounded([good, bad, unknown]: [i64; 3]) -> Bounded {
    let whole = good + bad + unknown;
    Bounded { value: Ratio::of(good, good + bad), low: Ratio::of(good, whole), high: Ratio::of(good + unknown, whole) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn account_equals_a_walk_over_every_instant(world in world(), period in span(), now in instant()) {
        let at = |t| standings(&world.timeline, &world.seen(), t);
        let sums = walk(&world.objective, &world.hours, world.timeline.first(), (period, now), at);
        same(&world.account(period, now), &sums, &world.objective)?;
    }

    #[test]
    fn over_a_finished_period_overspent_and_missed_are_one(world in world(), period in span()) {
        let account = world.account(period, border() + 2 * REACH);
        let figure = account.figure(world.objective.figure);
        let missed = figure.high.is_some_and(|high| !high.reaches(world.objective.target_ppm));
        prop_assert_eq!(account.budget_left_ms() < 0, missed);
        prop_assert_eq!(account.verdict == crate::domain::sla::Verdict::Missed, missed);
    }

    #[test]
    fn accounts_of_parts_sum_to_the_account_of_the_whole(
        world in world(), period in span(), cut in instant(), now in instant(),
    ) {
        let cut = cut.clamp(period.start, period.end);
        let whole = world.account(period, now);
        let parts = [Span::new(period.start, cut), Span::new(cut, period.end)].map(|p| world.account(p, now));
        let sums = |f: fn(&Account) -> Millis| (f(&whole), f(&parts[0]) + f(&parts[1]));
        let figures: [fn(&Account) -> Millis; 7] = [
            |a| a.elapsed_ms, |a| a.good_ms, |a| a.bad_ms, |a| a.unknown_ms,
            |a| a.excluded_ms, |a| a.degraded_ms, |a| a.policy_violation_ms,
        ];
        for figure in figures {
            let (whole, sum) = sums(figure);
            prop_assert_eq!(whole, sum);
        }
        for cause in Cause::ALL {
            let spent = |a: &Account| a.spent_ms.get(&cause).copied().unwrap_or_default();
            prop_assert_eq!(spent(&whole), spent(&parts[0]) + spent(&parts[1]));
        }
        prop_assert_eq!(whole.good_ms + whole.bad_ms + whole.unknown_ms, whole.elapsed_ms);
    }
}
