//! One lost round is nothing, two are a page, and what is not known decides nothing.

use super::*;
use crate::domain::sla::tests::{always, objective, zone};
use jiff::civil::date;

const EVERY_MS: Millis = MINUTE;

/// One probe every 60 s around the clock, promised 99.9 % over 30 days, and passing for the last 40.
struct World {
    start: Timestamp,
    objective: Objective,
    hours: SpanSet,
    every_ms: Millis,
    timeline: Timeline<Health>,
    confirmed: Timeline<Option<ProbeHealth>>,
    contrary_since: Option<Timestamp>,
    windows: Vec<UsedWindow>,
}

impl World {
    fn new(target_ppm: u32) -> Self {
        Self::starting(target_ppm, zone().midnight(date(2026, 10, 13)) + 10 * HOUR)
    }

    fn starting(target_ppm: u32, start: Timestamp) -> Self {
        let period = ObjectivePeriod::Rolling30d;
        let mut world = Self {
            start,
            objective: Objective { period, ..objective(target_ppm, Figure::Public) },
            hours: always(),
            every_ms: EVERY_MS,
            timeline: Timeline::default(),
            confirmed: Timeline::default(),
            contrary_since: None,
            windows: Vec::new(),
        };
        world.set(start - 40 * DAY, Some(ProbeHealth::Passing));
        world
    }

    fn set(&mut self, since: Timestamp, to: Option<ProbeHealth>) {
        self.confirmed.set(since, to);
        self.timeline.set(since, super::timeline::combine([(Role::Critical, to)]));
    }

    /// Down from the start, or from a second after it.
    fn down_from(mut self, second: i64) -> Self {
        self.set(self.start + second * SECOND, Some(ProbeHealth::Failing));
        self
    }

    fn up_from(mut self, second: i64) -> Self {
        self.set(self.start + second * SECOND, Some(ProbeHealth::Passing));
        self
    }

    fn unknown_from(mut self, second: i64) -> Self {
        self.set(self.start + second * SECOND, None);
        self
    }

    fn burn(&self, second: i64) -> Burn {
        let rounds = Rounds {
            every_ms: self.every_ms,
            phase_ms: self.start.0.rem_euclid(self.every_ms),
            timeout_ms: 15 * SECOND,
            confirmed: &self.confirmed,
            contrary_since: self.contrary_since,
        };
        let seen = Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared: SpanSet::EMPTY };
        let now = self.start + second * SECOND;
        evaluate(&self.objective, &self.hours, now, &seen, &[rounds], &zone())
    }

    fn states(&self, second: i64) -> [State; 4] {
        self.burn(second).pairs.map(|p| p.state)
    }

    fn first_fire(&self) -> Option<i64> {
        (0..3_600).find(|second| self.burn(*second).is_firing())
    }
}

#[test]
fn factors_follow_the_real_length_of_the_period() {
    let factors = |days| PAIRS.each_ref().map(|p| (p.factor(days * DAY) * 1e6).round() / 1e6);
    assert_eq!(factors(30), [14.4, 6.0, 3.0, 1.0]);
    assert_eq!(factors(31), [14.88, 6.2, 3.1, 1.033333]);
    assert_eq!(factors(28), [13.44, 5.6, 2.8, 0.933333]);
    let mut world = World::new(999_000);
    world.objective.period = ObjectivePeriod::Month;
    assert_eq!(world.burn(0).pairs.map(|p| (p.factor * 1e6).round() / 1e6), factors(31));
}

#[test]
fn new_month_with_other_factors_is_looked_at_when_it_begins() {
    let november = zone().midnight(date(2026, 11, 1));
    let mut world = World::starting(999_000, november - 5 * MINUTE).down_from(-50_000).up_from(-49_400);
    assert_eq!(world.burn(0).next_look, Some(november + 5 * MINUTE), "what was bad drops out slowly");
    world.objective.period = ObjectivePeriod::Month;
    assert_eq!(world.burn(0).next_look, Some(november));
    assert_eq!(world.burn(300).next_look, Some(november + 10 * MINUTE));
}

#[test]
fn one_lost_round_never_pages() {
    let world = World::new(999_000).down_from(0).up_from(60);
    assert!((0..3_600).all(|second| world.burn(second).pairs[0].state == State::Ok));
    let hour = world.burn(60).pairs[0];
    assert!(hour.long.rate(999_000) > Some(hour.factor), "the rates alone would page");
    assert_eq!(world.first_fire(), None);
}

#[test]
fn two_bad_rounds_in_a_row_page_once_120_s_are_bad() {
    let world = World::new(999_000).down_from(0);
    assert_eq!(world.states(119), [State::Ok; 4]);
    assert_eq!(world.states(120)[0], State::Firing);
    assert_eq!(world.first_fire(), Some(120));
}

#[test]
fn bad_time_without_two_rounds_of_its_own_is_no_evidence() {
    // 10 s probes: 60 s of bad time are the later of the two; 5 min ones have no room in 5 min and wait for 30 min.
    let mut world = World::new(999_000).down_from(0);
    world.every_ms = 10 * SECOND;
    assert_eq!(world.first_fire(), Some(60));
    world.every_ms = 5 * MINUTE;
    assert_eq!(world.states(400)[0], State::CannotFire);
    let states = |second| (world.states(second)[1], world.states(second)[3]);
    assert_eq!(states(259), (State::Ok, State::Ok));
    assert_eq!(states(599), (State::Ok, State::Firing), "a ticket needs no second round");
    assert_eq!(states(600), (State::Firing, State::Firing));
}

#[test]
fn coverage_of_40_per_cent_is_insufficient_and_says_neither_fire_nor_over() {
    let world = World::new(999_000).down_from(0).unknown_from(120);
    assert_eq!(world.states(300)[0], State::InsufficientData);
    assert_eq!(world.burn(300).pairs[0].short.coverage().unwrap().percent(), "40.0000 %");
    assert!(!world.burn(300).is_over());
    assert_eq!(world.states(240)[0], State::Firing, "half of it is known");
}

#[test]
fn nothing_promised_is_not_evaluated() {
    let mut world = World::new(999_000).down_from(0);
    world.hours = Span::new(world.start - 10 * DAY, world.start).into();
    assert_eq!(world.states(300)[0], State::NotEvaluated);
    assert_eq!(world.burn(300).confirmed_down, None);
    let never = evaluate(&world.objective, &always(), world.start, &Seen::default(), &[], &zone());
    assert_eq!(never.pairs.map(|p| p.state), [State::NotEvaluated; 4]);
}

#[test]
fn coverage_counts_from_the_first_attempt() {
    let mut world = World::new(999_000);
    (world.timeline, world.confirmed) = (Timeline::default(), Timeline::default());
    world.set(world.start - 10 * MINUTE, Some(ProbeHealth::Passing));
    let world = world.down_from(0);
    let pair = world.burn(120).pairs[0];
    assert_eq!((pair.state, pair.long.eligible_ms), (State::Firing, 12 * MINUTE));
}

#[test]
fn target_without_room_for_the_factor_gets_the_confirmed_down_page_instead() {
    let world = World::new(930_000).down_from(0);
    assert_eq!(world.states(600)[0], State::CannotFire);
    assert!(!PAIRS[0].can_fire(930_000, 30 * DAY) && PAIRS[1].can_fire(930_000, 30 * DAY));
    assert_eq!(world.first_fire(), Some(75), "two rounds, the second of them answered");
}

#[test]
fn strict_target_pages_when_down_is_confirmed_for_60_s() {
    let mut world = World::new(999_500).down_from(0);
    world.every_ms = 20 * SECOND;
    assert_eq!(world.first_fire(), Some(60));
    assert_eq!(world.burn(60).confirmed_down, Some(world.start));
    world = World::new(999_499).down_from(0);
    world.every_ms = 20 * SECOND;
    assert_eq!(world.burn(3_000).confirmed_down, None);
}

#[test]
fn round_whose_recovery_is_being_confirmed_is_not_bad() {
    let mut world = World::new(999_900).down_from(0);
    world.contrary_since = Some(world.start + MINUTE);
    assert_eq!(world.burn(100).confirmed_down, None);
    world.contrary_since = None;
    assert_eq!(world.burn(100).confirmed_down, Some(world.start));
}

#[test]
fn excluded_maintenance_changes_no_decision_about_the_time_around_it() {
    let mut world = World::new(999_000);
    world.objective.figure = Figure::Contract;
    let approved = Span::new(world.start - 2 * HOUR, world.start);
    world.windows = vec![UsedWindow {
        window: "w".into(),
        approved,
        restored: approved.end,
        standing: crate::domain::sla::Standing::Valid,
    }];
    world = world.down_from(-7_200).up_from(0);
    assert_eq!(world.first_fire(), None);
    assert_eq!(
        world.burn(1_200).pairs[1].long,
        Lookback { length_ms: 6 * HOUR, eligible_ms: 4 * HOUR, known_ms: 4 * HOUR, bad_ms: 0 }
    );
    let world = world.down_from(300);
    assert_eq!(world.first_fire(), Some(420));
}

#[test]
fn slow_loss_is_a_ticket_and_no_page() {
    // 30 s of every 3 h: 0.28 % of the time, 2.8 times the budget's pace.
    let mut world = World::new(999_000);
    for n in (0..24).rev() {
        world = world.down_from(-n * 10_800 - 60).up_from(-n * 10_800 - 30);
    }
    let states = world.states(0);
    assert_eq!(states, [State::Ok, State::Ok, State::Ok, State::Firing]);
}

#[test]
fn nothing_is_looked_at_again_while_all_is_quiet() {
    let world = World::new(999_000);
    assert_eq!(world.burn(0).next_look, None);
    assert!(is_quiet(world.start, &world.timeline));
    let world = world.down_from(0);
    assert!(!is_quiet(world.start, &world.timeline));
    // Nothing can fire before two minutes are bad.
    assert_eq!(world.burn(10).next_look, Some(world.start + 70 * SECOND));
    assert_eq!(world.burn(70).next_look, Some(world.start + 120 * SECOND));
    let world = world.up_from(600);
    assert_eq!(world.burn(700).next_look, Some(world.start + 710 * SECOND));
    assert_eq!(world.burn(10_000).next_look, Some(world.start + 10_010 * SECOND), "a ticket still fires");
    assert_eq!(world.burn(50_000).next_look, Some(world.start + 50_600 * SECOND), "what was bad drops out slowly");
    assert_eq!(world.burn(600 + 3 * 86_400).next_look, None);
}

#[test]
fn down_from_the_first_attempt_or_when_promised_time_begins_is_looked_at_in_time() {
    let mut world = World::new(999_000);
    (world.timeline, world.confirmed) = (Timeline::default(), Timeline::default());
    let mut world = world.down_from(0);
    assert_eq!(world.states(0), [State::NotEvaluated; 4]);
    assert_eq!(world.burn(0).next_look, Some(world.start + SECOND));
    assert_eq!(world.states(1)[3], State::Firing, "a ticket");
    world.hours = Span::new(world.start + 10 * MINUTE, world.start + 20 * MINUTE).into();
    assert_eq!(world.burn(300).next_look, Some(world.start + 310 * SECOND));
    assert_eq!(world.burn(600).next_look, Some(world.start + 601 * SECOND));
}

mod model {
    use super::*;
    use proptest::prelude::*;

    /// Ticks, bad rounds and look-backs by walking over every second.
    fn walk(world: &World, second: i64) -> [bool; 4] {
        let now = world.start + second * SECOND;
        let bad = |t: Timestamp| world.timeline.at(t) == Some(Health::Down);
        let share = |length_ms: Millis| {
            let seconds = (1..=length_ms / SECOND).map(|n| now - n * SECOND);
            seconds.filter(|t| bad(*t)).count() as i64
        };
        PAIRS.each_ref().map(|pair| {
            let (long, short) = (share(pair.long_ms), share(pair.short_ms));
            // Above share × period × (1 − target) / long look-back, in whole seconds of a 30 d period.
            let over = |bad: i64, length_ms: Millis| {
                i128::from(bad) * 100 * i128::from(pair.long_ms) * 1_000_000
                    > i128::from(pair.share_percent)
                        * i128::from(30 * DAY)
                        * i128::from(length_ms / SECOND)
                        * i128::from(1_000_000 - world.objective.target_ppm)
            };
            let rounds = (1..=pair.short_ms / SECOND).map(|n| now - n * SECOND).filter(|t| {
                t.since(world.start).rem_euclid(world.every_ms) == 0 && bad(*t) && now.since(*t) >= 15 * SECOND
            });
            let needed = 60.max(2 * world.every_ms / SECOND);
            let evidence = pair.severity == Severity::Ticket || (rounds.count() >= 2 && short >= needed);
            over(long, pair.long_ms) && over(short, pair.short_ms) && evidence
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn pairs_fire_as_a_walk_over_every_second_says(
            gaps in prop::collection::vec((1i64..4_000, 1i64..400), 0..12),
            every_s in prop::sample::select(vec![10i64, 30, 60]),
            target_ppm in prop::sample::select(vec![990_000u32, 999_000, 999_900]),
            second in 0i64..400,
        ) {
            let mut world = World::new(target_ppm);
            world.every_ms = every_s * SECOND;
            let mut at = -gaps.iter().map(|(up, down)| up + down).sum::<i64>();
            for (up, down) in gaps {
                world = world.down_from(at + up).up_from(at + up + down);
                at += up + down;
            }
            prop_assert_eq!(world.states(second).map(|s| s == State::Firing), walk(&world, second));
        }

        #[test]
        fn nothing_begins_to_fire_between_two_looks(
            gaps in prop::collection::vec((1i64..9_000, 1i64..700), 1..12),
            every_s in prop::sample::select(vec![10i64, 30, 60, 300]),
            target_ppm in prop::sample::select(vec![950_000u32, 990_000, 999_000, 999_900, 1_000_000]),
            second in 0i64..900,
            is_down in any::<bool>(),
            month_ends in any::<bool>(),
            hours in prop::collection::vec((0i64..200, 1i64..200), 0..3),
        ) {
            let mut world = World::new(target_ppm);
            if month_ends {
                world = World::starting(target_ppm, zone().midnight(date(2026, 11, 1)) - 10 * MINUTE);
                world.objective.period = ObjectivePeriod::Month;
            }
            world.every_ms = every_s * SECOND;
            let mut at = -gaps.iter().map(|(up, down)| up + down).sum::<i64>();
            for (up, down) in gaps {
                world = world.down_from(at + up).up_from(at + up + down);
                at += up + down;
            }
            if is_down {
                world = world.down_from(0);
            }
            let shut = hours.iter().map(|(after, lasts)| Span::lasting(world.start + after * 10 * SECOND, lasts * 10 * SECOND));
            world.hours = world.hours.subtract(&shut.collect());
            let now = world.burn(second);
            let firing = |burn: &Burn| burn.pairs.map(|p| p.state == State::Firing);
            let next = now.next_look.map_or(second + 900, |at| at.since(world.start) / SECOND);
            for between in second + 1..next {
                let then = world.burn(between);
                let began = firing(&now).iter().zip(firing(&then)).any(|(before, after)| !before && after);
                let confirmed = now.confirmed_down.is_none() && then.confirmed_down.is_some();
                prop_assert!(!began && !confirmed, "at {} between {} and {}", between, second, next);
            }
        }
    }
}
