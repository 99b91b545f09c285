//! The worked day of `docs/sla.md`, digit by digit, and the rules behind it one at a time.

use super::timeline::{Health, Timeline};
use super::*;
use crate::domain::calendar::Calendar;
use crate::domain::civil::Zone;
use crate::domain::hours::Hours;
use jiff::civil::date;
use std::collections::HashMap;

mod composites;
mod model;

pub(super) fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

pub(super) fn objective(target_ppm: u32, figure: Figure) -> Objective {
    Objective {
        id: "public-7x24".into(),
        target_ppm,
        period: ObjectivePeriod::Month,
        figure,
        hours: None,
        exclusion_cap_ms: 8 * HOUR,
        pages: Pages::default(),
        origins: Origins::new(),
        source: Source { file: "schedules/objectives.yaml".into(), line: 1 },
    }
}

pub(super) fn always() -> SpanSet {
    Span::new(Timestamp::MIN, Timestamp::MAX).into()
}

/// The worked day, or any other, in seconds from its midnight.
struct Day {
    span: Span,
    timeline: Timeline<Health>,
    windows: Vec<UsedWindow>,
    undeclared: SpanSet,
}

impl Day {
    fn quiet() -> Self {
        let span = zone().day(date(2026, 10, 13));
        let mut timeline = Timeline::default();
        timeline.set(span.start, Health::Up);
        Self { span, timeline, windows: Vec::new(), undeclared: SpanSet::EMPTY }
    }

    fn at(&self, second: i64) -> Timestamp {
        self.span.start + second * SECOND
    }

    fn seen(mut self, from: i64, to: i64, health: Health) -> Self {
        let (from, to) = (self.at(from), self.at(to));
        assert_eq!(self.timeline.last().map(|(_, h)| h), Some(Health::Up));
        self.timeline.set(from, health);
        self.timeline.set(to, Health::Up);
        self
    }

    fn window(mut self, from: i64, to: i64, restored: i64, standing: Standing) -> Self {
        let approved = Span::new(self.at(from), self.at(to));
        let restored = self.at(restored);
        self.windows.push(UsedWindow { window: "bdc-monthly.1f3a9c02".into(), approved, restored, standing });
        self
    }

    fn account(&self, objective: &Objective) -> Account {
        self.account_at(self.span.end, objective)
    }

    fn account_at(&self, now: Timestamp, objective: &Objective) -> Account {
        let undeclared = self.undeclared.clone();
        let seen = Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared };
        account(objective, &always(), self.span, now, &seen, &zone())
    }
}

/// Down 600 s unplanned, blind 300 s, and a window of 7 200 s that is drained at its start, bad after 300 s.
fn worked_day(restored_after: i64, standing: Standing) -> Day {
    let start = 36_000;
    Day::quiet()
        .seen(3_600, 4_200, Health::Down)
        .seen(7_200, 7_500, Health::Unknown)
        .seen(start + 300, start + restored_after, Health::Down)
        .window(start, start + 7_200, start + restored_after, standing)
}

fn printed(figure: &Bounded) -> [String; 3] {
    [figure.low, figure.value, figure.high].map(|r| r.unwrap().percent())
}

#[test]
fn early_finish_gives_time_back_and_excludes_the_used_part_alone() {
    let account = worked_day(5_400, Standing::Valid).account(&objective(999_000, Figure::Contract));
    let seconds = [account.elapsed_ms, account.good_ms, account.bad_ms, account.unknown_ms, account.excluded_ms];
    assert_eq!(seconds.map(|ms| ms / SECOND), [86_400, 80_400, 5_700, 300, 5_400]);
    assert_eq!(account.public.value, Ratio::of(80_400 * SECOND, 86_100 * SECOND));
    assert_eq!(account.contract.value, Ratio::of(80_100 * SECOND, 80_700 * SECOND));
    assert_eq!(printed(&account.public), ["93.0556 %", "93.3798 %", "93.4028 %"]);
    assert_eq!(printed(&account.contract), ["98.8889 %", "99.2565 %", "99.2593 %"]);
    assert_eq!(account.spent_ms, BTreeMap::from([(Cause::Incident, 600 * SECOND)]));
    assert_eq!((account.policy_violation_ms, account.verdict), (0, super::Verdict::Missed));
}

#[test]
fn overrun_counts_from_the_approved_end_and_breaks_a_rule() {
    let account = worked_day(8_100, Standing::Valid).account(&objective(999_000, Figure::Contract));
    assert_eq!(account.excluded_ms, 7_200 * SECOND);
    assert_eq!(account.contract.value, Ratio::of((78_900 - 1_500) * SECOND, 78_900 * SECOND));
    assert_eq!(printed(&account.contract), ["97.7273 %", "98.0989 %", "98.1061 %"]);
    assert_eq!(account.public.value.unwrap().percent(), "90.2439 %");
    assert_eq!(account.policy_violation_ms, 900 * SECOND);
    let spent = BTreeMap::from([(Cause::Overrun, 900 * SECOND), (Cause::Incident, 600 * SECOND)]);
    assert_eq!(account.spent_ms, spent);
}

#[test]
fn unannounced_or_outside_policy_window_excludes_nothing() {
    let account = worked_day(5_400, Standing::Violation).account(&objective(999_000, Figure::Public));
    assert_eq!(account.excluded_ms, 0);
    assert_eq!(account.contract, account.public);
    assert_eq!(printed(&account.public), ["93.0556 %", "93.3798 %", "93.4028 %"]);
    assert_eq!(account.policy_violation_ms, 5_100 * SECOND);
    let spent = BTreeMap::from([(Cause::PolicyViolation, 5_100 * SECOND), (Cause::Incident, 600 * SECOND)]);
    assert_eq!(account.spent_ms, spent);
}

#[test]
fn gap_of_a_restart_is_unknown_and_leaves_the_figure() {
    let account = Day::quiet().seen(100, 1_300, Health::Unknown).account(&objective(999_000, Figure::Public));
    assert_eq!((account.unknown_ms, account.bad_ms), (1_200 * SECOND, 0));
    assert_eq!(printed(&account.public), ["98.6111 %", "100.0000 %", "100.0000 %"]);
    assert_eq!(account.verdict, super::Verdict::Undetermined);
}

#[test]
fn met_is_said_only_of_the_low_bound_and_missed_only_of_the_high_one() {
    let verdict = |down: i64, unknown: i64| {
        let day = Day::quiet().seen(0, down, Health::Down).seen(40_000, 40_000 + unknown, Health::Unknown);
        day.account(&objective(999_000, Figure::Public)).verdict
    };
    assert_eq!(verdict(43, 43), super::Verdict::Met);
    assert_eq!(verdict(43, 44), super::Verdict::Undetermined);
    assert_eq!(verdict(86, 0), super::Verdict::Met);
    assert_eq!(verdict(87, 0), super::Verdict::Missed);
}

#[test]
fn agreed_figure_decides_what_is_spent_and_promised() {
    let day = worked_day(5_400, Standing::Valid);
    let public = day.account(&objective(990_000, Figure::Public));
    let contract = day.account(&objective(990_000, Figure::Contract));
    assert_eq!((public.spent_total_ms(), contract.spent_total_ms()), (5_700 * SECOND, 600 * SECOND));
    assert_eq!((public.budget_ms, contract.budget_ms), (864 * SECOND, 810 * SECOND));
    assert_eq!((public.budget_left_ms(), contract.budget_left_ms()), (-4_836 * SECOND, 210 * SECOND));
    assert_eq!((public.verdict, contract.verdict), (super::Verdict::Missed, super::Verdict::Undetermined));
}

#[test]
fn cap_is_spent_in_order_of_time_and_what_is_over_it_counts() {
    let mut agreed = objective(999_000, Figure::Contract);
    agreed.exclusion_cap_ms = 3_000 * SECOND;
    let day = Day::quiet()
        .seen(1_000, 3_000, Health::Down)
        .seen(5_000, 7_000, Health::Down)
        .window(1_000, 3_000, 3_000, Standing::Valid)
        .window(5_000, 7_000, 7_000, Standing::Valid);
    let account = day.account(&agreed);
    assert_eq!((account.excluded_ms, account.bad_ms), (3_000 * SECOND, 4_000 * SECOND));
    assert_eq!(account.spent_ms, BTreeMap::from([(Cause::Incident, 1_000 * SECOND)]));
}

#[test]
fn window_earlier_in_the_month_spends_the_cap_of_a_later_day() {
    let agreed = objective(999_000, Figure::Contract);
    let mut day = Day::quiet().window(0, 3_600, 3_600, Standing::Valid);
    day.timeline.set(day.span.start - 20 * DAY, Health::Up);
    assert_eq!(day.account(&agreed).excluded_ms, HOUR);
    let earlier = Span::lasting(day.span.start - 3 * DAY, 8 * HOUR - 60 * SECOND);
    day.windows.insert(0, UsedWindow { approved: earlier, restored: earlier.end, ..day.windows[0].clone() });
    assert_eq!(day.account(&agreed).excluded_ms, MINUTE);
    // The month before has a cap of its own.
    let earlier = Span::lasting(day.span.start - 13 * DAY, 8 * HOUR);
    day.windows[0] = UsedWindow { approved: earlier, restored: earlier.end, ..day.windows[0].clone() };
    assert_eq!(day.account(&agreed).excluded_ms, HOUR);
}

#[test]
fn cap_that_was_not_spent_is_not_carried_into_the_next_month() {
    let mut agreed = objective(999_000, Figure::Contract);
    agreed.exclusion_cap_ms = HOUR;
    let mut day = Day::quiet();
    day.timeline = Timeline::default();
    day.timeline.set(day.span.start - 60 * DAY, Health::Up);
    let border = zone().midnight(date(2026, 10, 1));
    let approved = Span::new(border - MINUTE, border + 2 * HOUR);
    day.windows = vec![UsedWindow { window: "w".into(), approved, restored: approved.end, standing: Standing::Valid }];
    day.span = Span::new(border - DAY, border + DAY);
    assert_eq!(day.account(&agreed).excluded_ms, HOUR + MINUTE);
}

#[test]
fn undeclared_maintenance_is_a_cause_of_its_own() {
    let mut day = Day::quiet().seen(1_000, 2_000, Health::Down);
    day.undeclared = Span::new(day.at(1_000), day.at(1_600)).into();
    let account = day.account(&objective(999_000, Figure::Public));
    let spent = [(Cause::UndeclaredMaintenance, 600 * SECOND), (Cause::Incident, 400 * SECOND)];
    assert_eq!(account.spent_ms, BTreeMap::from(spent));
    assert_eq!(account.policy_violation_ms, 600 * SECOND);
}

#[test]
fn degraded_time_is_good_and_has_its_own_figure() {
    let account = Day::quiet().seen(0, 8_640, Health::Degraded).account(&objective(999_000, Figure::Public));
    assert_eq!((account.good_ms, account.degraded_ms), (DAY, 8_640 * SECOND));
    assert_eq!(account.public.value.unwrap().percent(), "100.0000 %");
    assert_eq!(account.quality().unwrap().percent(), "90.0000 %");
}

#[test]
fn future_counts_as_eligible_for_the_budget_and_nothing_else() {
    let day = Day::quiet().seen(0, 60, Health::Down);
    let account = day.account_at(day.at(3_600), &objective(999_000, Figure::Public));
    assert_eq!((account.elapsed_ms, account.bad_ms), (HOUR, MINUTE));
    assert_eq!(account.budget_ms, 86_400);
    assert!(!account.partial);
}

#[test]
fn subsystem_that_began_inside_the_period_is_partial_and_promises_the_rest_alone() {
    let mut day = Day::quiet();
    day.timeline = Timeline::default();
    day.timeline.set(day.at(43_200), Health::Up);
    let account = day.account(&objective(999_000, Figure::Public));
    assert_eq!((account.elapsed_ms, account.budget_ms, account.partial), (DAY / 2, 43_200, true));
}

#[test]
fn subsystem_that_was_never_attempted_has_no_figures_and_the_budget_of_the_future() {
    let day = Day::quiet();
    let agreed = objective(999_000, Figure::Public);
    let none = |now| account(&agreed, &always(), day.span, now, &Seen::default(), &zone());
    let running = none(day.at(43_200));
    assert_eq!((running.elapsed_ms, running.budget_ms, running.partial), (0, 43_200, true));
    assert_eq!((running.public, running.verdict), (Bounded::default(), super::Verdict::Undetermined));
    assert_eq!((none(day.span.end).budget_ms, none(day.span.end).partial), (0, true));
    assert_eq!((none(day.span.start).budget_ms, none(day.span.start).partial), (86_400, false));
}

#[test]
fn account_of_a_view_asks_the_objective_for_hours_and_target() {
    let day = worked_day(5_400, Standing::Valid);
    let source = Source { file: "probes/platform/bdc.yaml".into(), line: 1 };
    let subsystem = Subsystem {
        id: "bdc/portal".into(),
        was: None,
        name: Names::default(),
        tier: Tier::One,
        public: true,
        hours: Hours::parse("daily 09:00-10:00").unwrap(),
        objective: "public-7x24".into(),
        depends_on: Vec::new(),
        probes: Vec::new(),
        runbook: None,
        source,
    };
    let mut inventory = Inventory {
        zone: zone(),
        owners: BTreeMap::new(),
        subsystems: BTreeMap::from([(subsystem.id.clone(), subsystem)]),
        probes: HashMap::new(),
        calendar: Calendar::default(),
        policies: Vec::new(),
        freezes: Vec::new(),
        schedules: BTreeMap::new(),
        composites: BTreeMap::new(),
        objectives: BTreeMap::from([("public-7x24".into(), objective(999_000, Figure::Contract))]),
        rosters: BTreeMap::new(),
        fallback: "duty".into(),
        admins: "duty".into(),
        canary: None,
        filing: None,
        timers: AlertTimers::default(),
        plans: Default::default(),
        dependants: HashMap::new(),
    };
    let view = SubsystemView {
        id: "bdc/portal".into(),
        health: Health::Up,
        since: None,
        timeline: day.timeline.clone(),
        probes: Vec::new(),
        windows: day.windows.clone(),
        undeclared: SpanSet::EMPTY,
        coverage: None,
        in_maintenance: false,
        corrected: None,
    };
    let period = Period::parse("2026-10-13").unwrap();
    let declared = account_of(day.span.end, &inventory, &view, period).unwrap();
    assert_eq!((declared.elapsed_ms, declared.excluded_ms), (HOUR, 0));
    inventory.objectives.values_mut().for_each(|o| o.hours = Some(Hours::always()));
    let own = account_of(day.span.end, &inventory, &view, period).unwrap();
    assert_eq!(own, day.account(&objective(999_000, Figure::Contract)));
    inventory.objectives.clear();
    assert_eq!(account_of(day.span.end, &inventory, &view, period), None);
}
