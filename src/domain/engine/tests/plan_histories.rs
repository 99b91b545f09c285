//! Engine and plans together: random plans in two windows, random results, kills, clocks that are set either way, disks
//! that fill up, people. The rules of single runs are tried in `plan::tests::histories`.

use super::*;
use crate::domain::order::RunWish;
use crate::domain::plan::fixture::world::{World, random_plan};
use crate::domain::plan::{Deed, End, Order, Phase, Plan, Report, Resolution, Seen, Task};
use proptest::prelude::*;
use std::collections::BTreeMap;

struct Play {
    bench: Bench,
    world: World,
    flights: Vec<Order>,
    /// Facts that the disk holds.
    stored: usize,
    is_full: bool,
    /// A kill took facts that were not stored.
    lost_facts: bool,
    /// Steps that a person asked for once more.
    again: BTreeMap<(RunId, usize), u32>,
}

fn city(first: Plan, second: Plan) -> Inventory {
    let start = T0 + 100 * SECOND;
    let city = two_tiers().window("w", &["c/alone"], start, 4 * HOUR).window("v", &["b/hall"], start, 3 * HOUR);
    let mut inventory = city.inventory();
    for (schedule, owner, plan) in [("w", "c", first), ("v", "b", second)] {
        let plan = Plan { id: format!("plan-{owner}").as_str().into(), owner: owner.into(), ..plan };
        inventory.schedules.get_mut(schedule).unwrap().plan = Some(plan.id.clone());
        inventory.plans.insert(plan.id.clone(), plan);
    }
    inventory
}

impl Play {
    fn new(first: Plan, second: Plan) -> Self {
        let mut bench = Bench::of(city(first, second));
        bench.seen(60, 90, &["c/alone", "b/hall", "a/web"], &Outcome::Pass);
        let (world, stored) = (World::default(), bench.facts.len());
        let (flights, again) = (Vec::new(), BTreeMap::new());
        let mut play = Self { bench, world, flights, stored, is_full: false, lost_facts: false, again };
        play.pass(20 * SECOND);
        assert_eq!(play.bench.engine.runs.live().count(), 2, "both have begun");
        play
    }

    fn tell(&mut self, event: Event) {
        let out = self.bench.engine.handle(self.bench.now, event);
        self.bench.take(out);
        self.settle();
    }

    /// What the shell does with an output: facts are stored or not, orders leave or are withheld.
    fn settle(&mut self) {
        let orders = std::mem::take(&mut self.bench.orders);
        orders.iter().for_each(|order| self.judge(order));
        if !self.is_full {
            self.stored = self.bench.facts.len();
        } else if self.bench.facts.len() > self.stored {
            self.bench.engine.note_journal(Journal::Refuses);
        }
        for order in orders {
            if self.is_full && !order.safe {
                self.report(order, End::Withheld { note: String::new() });
            } else {
                self.flights.push(order);
            }
        }
        self.reconcile();
    }

    /// What may never be ordered.
    fn judge(&self, order: &Order) {
        let engine = &self.bench.engine;
        let run = engine.runs.get(&order.run).unwrap();
        let step = &run.plan.steps[run.plan.step(order.step.as_str()).unwrap()];
        let same = |o: &&Order| (&o.run, &o.step, o.deed) == (&order.run, &order.step, order.deed);
        assert!(!self.flights.iter().any(|o| same(&o)), "twice in the air: {order:?}");
        if order.deed == Deed::Do {
            assert!(engine.now + step.longest_ms() <= run.point_of_no_return(), "too late: {order:?}");
            assert!(engine.refused_since.is_none(), "unrecorded: {order:?}");
            let leads_back = matches!(step.task, Task::Restore(_));
            assert!(leads_back || engine.clock_holds_runs().is_none(), "by a doubtful clock: {order:?}");
        }
    }

    /// Nothing is drained without a live run that keeps it so; only a kill that took facts may leave something.
    fn reconcile(&mut self) {
        let held = |target: &String| self.bench.engine.runs.live().any(|run| run.held.contains_key(target));
        let stranded: Vec<String> = self.world.drained.iter().filter(|target| !held(target)).cloned().collect();
        if stranded.is_empty() {
            return;
        }
        assert!(self.lost_facts, "drained without a run: {stranded:?}");
        let out = self.bench.engine.handle(self.bench.now, Event::Drained(stranded));
        self.bench.take(out);
        for target in std::mem::take(&mut self.bench.released) {
            self.world.drained.remove(&target);
        }
    }

    fn pass(&mut self, ms: Millis) {
        let end = self.bench.now + ms;
        while let Some(at) = self.bench.engine.next_deadline().filter(|at| *at <= end) {
            self.bench.now = self.bench.now.max(at);
            self.tell(Event::Tick);
        }
        self.bench.now = end;
        self.tell(Event::Tick);
    }

    fn jump(&mut self, ms: Millis) {
        let from = self.bench.now;
        self.bench.now = from + ms;
        let to = self.bench.now;
        self.tell(if ms > CLOCK_STEP_MAX { Event::ClockStepped { from, to } } else { Event::Tick });
    }

    fn report(&mut self, order: Order, end: End) {
        let Order { run, epoch, step, deed, attempt, .. } = order;
        self.tell(Event::Reported(Box::new(Report { run, epoch, step, deed, attempt, end })));
    }

    fn perform(&mut self, order: &Order) {
        let run = self.bench.engine.runs.get(&order.run).unwrap();
        let index = run.plan.step(order.step.as_str()).unwrap();
        self.world.perform(run, index, order.deed, &order.key);
    }

    fn land(&mut self, which: usize, how: u8) {
        if self.flights.is_empty() {
            return;
        }
        let order = self.flights.remove(which % self.flights.len());
        let note = String::new();
        let end = match (how % 6, order.deed) {
            (4, _) => End::Failed { note },
            (5, Deed::Observe) => End::Unknown { note },
            (_, Deed::Observe) => {
                let run = self.bench.engine.runs.get(&order.run).unwrap();
                End::Saw { seen: self.world.saw(run, run.plan.step(order.step.as_str()).unwrap()), note }
            }
            (how, _) => {
                self.perform(&order);
                if how == 5 { End::Unknown { note } } else { End::Done { note } }
            }
        };
        self.report(order, end);
    }

    /// kill -9: what was in the air took effect or not, and what is stored is all that is left.
    fn kill(&mut self) {
        let lost = std::mem::take(&mut self.flights);
        for order in lost.iter().skip(usize::from(self.stored.is_multiple_of(2))).step_by(2) {
            self.perform(order);
        }
        self.lost_facts |= self.bench.facts.len() > self.stored;
        self.bench.facts.truncate(self.stored);
        self.is_full = false;
        self.bench.restart();
        self.settle();
        for order in lost {
            let out = self.bench.engine.handle(self.bench.now, Event::Reported(Box::new(Report::done(order))));
            let finished = |f: &Recorded| matches!(f.fact, Fact::Run { event: plan::RunFact::Finished { .. }, .. });
            assert!(!out.facts.iter().any(finished), "a report of the dead");
            self.bench.take(out);
            self.settle();
        }
    }

    /// A person who looks before they answer, and lets pass what waits.
    fn person(&mut self) {
        let mut wishes = Vec::new();
        for run in self.bench.engine.runs.live() {
            if let Phase::Parked { step, .. } = run.phase {
                let there = self.world.saw(run, step) == Seen::Present;
                let verdict = if there { Resolution::Done } else { Resolution::Again };
                wishes.push((RunWish::Resume(run.id.clone(), verdict), (!there).then(|| (run.id.clone(), step))));
            }
            for step in run.plan.steps.iter().filter(|s| matches!(s.task, Task::Approve { .. })) {
                wishes.push((RunWish::Approve(run.id.clone(), step.id.clone()), None));
            }
        }
        for (wish, again) in wishes {
            if let (Ok(_), Some(again)) = (self.bench.order(wish), again) {
                *self.again.entry(again).or_default() += 1;
            }
            self.settle();
        }
    }

    fn abort(&mut self) {
        let first = self.bench.engine.runs.live().next().map(|run| run.id.clone());
        if let Some(run) = first {
            let _ = self.bench.order(RunWish::Abort(run));
            self.settle();
        }
    }

    fn probe(&mut self) {
        for probe in self.bench.engine.inventory().probes.keys().cloned().collect::<Vec<_>>() {
            let (started, trigger, outcome) = (self.bench.now, Trigger::Tick, Outcome::Pass);
            self.tell(Event::Observed(Observation { probe, started, took_ms: 5, trigger, outcome }));
        }
    }

    /// The disk has room, the clock is right, everything works: all runs come to their end.
    fn in_peace(&mut self) {
        self.is_full = false;
        self.bench.engine.note_journal(Journal::Writes);
        self.bench.now = self.bench.now.max(self.bench.engine.now);
        for round in 0.. {
            let live = || self.bench.engine.runs.live();
            assert!(round < 4_000, "it never ends: {:?}", live().collect::<Vec<_>>());
            if live().next().is_none() {
                return;
            }
            while !self.flights.is_empty() {
                self.land(0, 0);
            }
            self.person();
            self.probe();
            self.pass(2 * MINUTE);
        }
    }
}

fn play(plans: [Plan; 2], script: &[(u8, u8)]) {
    let [first, second] = plans;
    let mut play = Play::new(first, second);
    for (what, how) in script {
        let how = *how;
        match what % 20 {
            0 | 1 => play.kill(),
            2 => play.pass(i64::from(how) * 5 * SECOND),
            3 => play.jump(i64::from(how) * MINUTE / 2),
            4 => play.jump(-i64::from(how) * MINUTE / 2),
            5 => play.bench.now = play.bench.now.max(play.bench.engine.now),
            6 => play.is_full = true,
            7 => {
                play.is_full = false;
                play.bench.engine.note_journal(Journal::Writes);
                play.tell(Event::Tick);
            }
            8 => play.person(),
            9 if how > 150 => play.abort(),
            10 => play.probe(),
            _ => play.land(usize::from(how), how / 16),
        }
    }
    play.in_peace();
    play.world.judge(play.bench.engine.runs.iter(), &play.again);
}

/// One for 256 of the others: each is a night of two runs, second by second.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: (usual.cases / 256).max(1), ..usual }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn whatever_happens_to_engine_disk_and_clock_effects_happen_once_and_all_is_restored(
        first in prop::collection::vec(any::<[u8; 5]>(), 1..7),
        second in prop::collection::vec(any::<[u8; 5]>(), 1..5),
        script in prop::collection::vec(any::<(u8, u8)>(), 0..50),
    ) {
        play([random_plan(&first), random_plan(&second)], &script);
    }
}
