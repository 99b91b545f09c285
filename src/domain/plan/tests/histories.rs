//! Random plans, outcomes, people and crashes against the promises that plans make.
//!
//! The world applies effects as the other side would, whereas the run knows its facts alone.

use super::*;
use crate::domain::plan::fixture::world::{World, random_plan};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Something that was asked for and has not been reported.
#[derive(Clone)]
struct Flight {
    run: RunId,
    epoch: u32,
    step: usize,
    deed: Deed,
    attempt: u32,
    key: String,
}

struct History {
    runs: Runs,
    world: World,
    log: Vec<(Timestamp, RunId, RunFact)>,
    flights: Vec<Flight>,
    lost: Vec<Report>,
    now: Timestamp,
    denied: bool,
    /// Steps that a person asked for once more.
    again: BTreeMap<(RunId, usize), u32>,
}

impl History {
    fn new(plans: &[Plan]) -> Self {
        let mut history = Self {
            runs: Runs::default(),
            world: World::default(),
            log: Vec::new(),
            flights: Vec::new(),
            lost: Vec::new(),
            now: START,
            denied: false,
            again: BTreeMap::new(),
        };
        for (n, plan) in plans.iter().enumerate() {
            let id = RunId::new(format!("r{n}"));
            let started = RunFact::Started {
                plan: Box::new(plan.clone()),
                window: "w.1".into(),
                span: Span::lasting(START, 4 * HOUR),
                scope: Vec::new(),
                by: "operator".into(),
            };
            history.record(&id, started);
            history.record(&id, RunFact::Leased { epoch: 1 });
        }
        history
    }

    fn record(&mut self, run: &RunId, fact: RunFact) {
        self.runs.apply(self.now, run, &fact);
        self.log.push((self.now, run.clone(), fact));
    }

    fn around(&self, run: &RunId) -> Circumstances {
        Circumstances {
            denied: self.denied.then(|| Names { zh: "否".into(), en: "no".into() }),
            good_rounds: 9,
            restoring: self.runs.restoring_besides(run),
            shared: self.runs.held_besides(run),
            ..Circumstances::default()
        }
    }

    /// Takes every run as far as it goes without anybody's answer. A crash may fall behind any record.
    fn advance(&mut self, crash_after: &mut Option<usize>) {
        let ids: Vec<RunId> = self.runs.live().map(|run| run.id.clone()).collect();
        for id in ids {
            for moves in 0.. {
                assert!(moves < 2_000, "{id} never comes to rest");
                let around = self.around(&id);
                let found = next(self.now, self.runs.get(&id).unwrap(), &around);
                if !self.take(&id, found) {
                    break;
                }
                match crash_after {
                    Some(0) => {
                        *crash_after = None;
                        return self.crash();
                    }
                    Some(n) => *n -= 1,
                    None => {}
                }
            }
        }
    }

    /// Takes one move into the log, and into the air; false when there is nothing to do.
    fn take(&mut self, id: &RunId, found: Move) -> bool {
        let run = self.runs.get(id).unwrap();
        let name = |step: usize| run.plan.steps[step].id.clone();
        let fact = match found {
            Move::Wait { .. } => return false,
            Move::Intend { deed, step } => {
                self.judge(id, deed, step);
                let attempt = run.steps[step].track(deed).attempts + 1;
                let key = run.key(deed, &name(step));
                if run.plan.steps[step].order(deed).is_some() {
                    let flight = Flight { run: id.clone(), epoch: run.epoch, step, deed, attempt, key: key.clone() };
                    self.flights.push(flight);
                }
                RunFact::Intended { deed, step: name(step), attempt, key }
            }
            Move::Settle { deed, step, end } => RunFact::Finished { deed, step: name(step), end },
            Move::Park { step, why } => RunFact::Parked { step: name(step), why },
            Move::Abort { why } => RunFact::Aborting { why, by: String::new() },
            Move::End { how } => RunFact::Ended { how },
        };
        self.record(id, fact);
        true
    }

    /// What may never be intended.
    fn judge(&self, id: &RunId, deed: Deed, index: usize) {
        let run = self.runs.get(id).unwrap();
        let step = &run.plan.steps[index];
        let is_done = |n: usize| matches!(run.steps[n].forward.standing, Standing::Done { .. });
        let again = self.again.get(&(id.clone(), index)).copied().unwrap_or(0);
        match deed {
            Deed::Do => {
                assert_eq!(run.phase, Phase::Forward);
                assert!(self.now + step.longest_ms() <= run.point_of_no_return(), "late start of {}", step.id);
                assert!(step.needs.iter().all(|n| is_done(*n)), "{} before what it needs", step.id);
                assert!(!self.denied || run.steps[index].forward.attempts > 0, "against a guard");
                for (other, earlier) in run.plan.steps.iter().enumerate().filter(|(_, s)| s.wave < step.wave) {
                    assert!(is_done(other), "{} before wave {}", step.id, earlier.wave);
                }
                let tried = self.launched(id, index, Deed::Do);
                assert!(step.repeat.is_safe() || tried <= again, "a blind second run of {}", step.id);
            }
            Deed::Undo => {
                assert!(matches!(run.phase, Phase::Unwinding { .. }));
                let undo = step.undo.as_ref().unwrap();
                assert!(undo.repeat.is_safe() || self.launched(id, index, Deed::Undo) == 0, "a blind second undo");
                for (later, progress) in run.steps.iter().enumerate().skip(index + 1) {
                    let open = progress.undo.standing == Standing::Idle && progress.forward.attempts > 0;
                    let has = run.plan.steps[later].order(Deed::Undo).is_some();
                    assert!(!(open && has && is_done(later)), "undone before what came after it");
                }
            }
            Deed::Observe | Deed::Restore => {}
        }
    }

    /// How often a deed was intended.
    fn launched(&self, id: &RunId, index: usize, asked: Deed) -> u32 {
        let name = &self.runs.get(id).unwrap().plan.steps[index].id;
        let of = |(_, run, fact): &&(Timestamp, RunId, RunFact)| {
            run == id && matches!(fact, RunFact::Intended { deed, step, .. } if *deed == asked && step == name)
        };
        u32::try_from(self.log.iter().filter(of).count()).unwrap()
    }

    /// The other side does what it was asked for.
    fn perform(&mut self, flight: &Flight) {
        let run = self.runs.get(&flight.run).unwrap();
        self.world.perform(run, flight.step, flight.deed, &flight.key);
    }

    fn saw(&self, flight: &Flight) -> Seen {
        self.world.saw(self.runs.get(&flight.run).unwrap(), flight.step)
    }

    /// One flight ends; `how` decides what came of it and what is known about that.
    fn land(&mut self, which: usize, how: u8) {
        if self.flights.is_empty() {
            return;
        }
        let flight = self.flights.remove(which % self.flights.len());
        let note = String::new();
        let observes = flight.deed == Deed::Observe;
        let end = match how % 8 {
            0..=3 if observes => End::Saw { seen: self.saw(&flight), note },
            4 if observes => End::Saw { seen: Seen::Unclear, note },
            5 if !observes => {
                self.perform(&flight);
                End::Unknown { note }
            }
            5 | 6 => End::Unknown { note },
            7 => End::Failed { note },
            _ => {
                self.perform(&flight);
                End::Done { note }
            }
        };
        self.report(&flight, end);
    }

    fn report(&mut self, flight: &Flight, end: End) {
        let run = self.runs.get(&flight.run).unwrap();
        let step = run.plan.steps[flight.step].id.clone();
        let (deed, attempt, epoch) = (flight.deed, flight.attempt, flight.epoch);
        let report = Report { run: flight.run.clone(), epoch, step, deed, attempt, end };
        let fact = self.runs.accept(&report).expect("what is in flight under the present epoch is accepted");
        self.record(&flight.run, fact);
    }

    /// kill -9: what was in the air took effect or not, nobody heard of it, and the facts are all that is left.
    fn crash(&mut self) {
        for (n, flight) in std::mem::take(&mut self.flights).into_iter().enumerate() {
            if (n + self.log.len()).is_multiple_of(2) {
                self.perform(&flight);
            }
            let step = self.runs.get(&flight.run).unwrap().plan.steps[flight.step].id.clone();
            let Flight { run, epoch, deed, attempt, .. } = flight;
            self.lost.push(Report { run, epoch, step, deed, attempt, end: done() });
        }
        let mut runs = Runs::default();
        self.log.iter().for_each(|(at, run, fact)| runs.apply(*at, run, fact));
        assert_eq!(runs, self.runs, "the facts say all");
        for (id, epoch) in runs.live().map(|run| (run.id.clone(), run.epoch + 1)).collect::<Vec<_>>() {
            self.record(&id, RunFact::Leased { epoch });
        }
        for report in self.lost.drain(..) {
            assert!(self.runs.accept(&report).is_err(), "a report of the dead");
        }
    }

    /// A person who looks before they answer.
    fn person(&mut self) {
        let parked = self.runs.live().find_map(|run| match run.phase {
            Phase::Parked { step, .. } => Some((run.id.clone(), step)),
            _ => None,
        });
        let Some((id, step)) = parked else { return };
        let exists = self.world.exists(&id, step);
        let verdict = if exists { Resolution::Done } else { Resolution::Again };
        if verdict == Resolution::Again {
            *self.again.entry((id.clone(), step)).or_default() += 1;
        }
        self.record(&id, RunFact::Resumed { verdict, by: "operator".into() });
    }

    fn approve(&mut self) {
        let mut waiting = Vec::new();
        for run in self.runs.live() {
            for step in run.plan.steps.iter().filter(|s| matches!(s.task, Task::Approve { .. })) {
                waiting.push((run.id.clone(), step.id.clone()));
            }
        }
        for (id, step) in waiting {
            self.record(&id, RunFact::Approved { step, by: "approver".into() });
        }
    }

    fn abort(&mut self) {
        let forward = self.runs.live().find(|run| !matches!(run.phase, Phase::Unwinding { .. })).map(|r| r.id.clone());
        if let Some(id) = forward {
            self.record(&id, RunFact::Aborting { why: Names::default(), by: "operator".into() });
        }
    }

    /// From here on everything works, and time passes when nothing else happens.
    fn in_peace(&mut self) {
        self.denied = false;
        for round in 0.. {
            assert!(round < 5_000, "it never ends: {:?}", self.runs.live().collect::<Vec<_>>());
            self.advance(&mut None);
            if self.runs.live().next().is_none() {
                return;
            }
            if self.flights.is_empty() {
                self.person();
                self.now = self.now + 20 * SECOND;
            } else {
                self.land(0, 0);
            }
        }
    }

    /// What holds when all is over.
    fn judge_end(&self) {
        self.world.judge(self.runs.iter(), &self.again);
    }
}

fn play(plans: &[Plan], script: &[(u8, u8)]) -> History {
    let mut history = History::new(plans);
    for (what, how) in script {
        let mut crash = (what % 16 == 0).then_some(usize::from(*how) % 4);
        history.advance(&mut crash);
        match what % 16 {
            1 => history.crash(),
            2 => history.now = history.now + i64::from(*how) * 10 * SECOND,
            3 => history.denied = how % 2 == 0,
            4 => history.person(),
            5 => history.approve(),
            6 if *how > 200 => history.abort(),
            7 if *how > 250 => history.now = history.now + HOUR,
            _ => history.land(usize::from(*how), how / 16),
        }
    }
    history.in_peace();
    history
}

proptest! {
    #[test]
    fn whatever_happens_effects_happen_once_and_nothing_stays_drained(
        first in prop::collection::vec(any::<[u8; 5]>(), 1..8),
        second in prop::collection::vec(any::<[u8; 5]>(), 0..5),
        script in prop::collection::vec(any::<(u8, u8)>(), 0..60),
    ) {
        let plans = [random_plan(&first), random_plan(&second)];
        let used = if second.is_empty() { 1 } else { 2 };
        play(&plans[..used], &script).judge_end();
    }
}

#[test]
fn a_crash_behind_any_record_changes_nothing_in_the_end() {
    let plan = five_steps();
    for at in 0.. {
        let mut history = History::new(std::slice::from_ref(&plan));
        let mut crash = Some(at);
        for _ in 0..20 {
            history.advance(&mut crash);
            let before = history.log.len();
            history.land(0, 0);
            match crash {
                Some(0) if history.log.len() > before => {
                    crash = None;
                    history.crash();
                }
                Some(n) if history.log.len() > before => crash = Some(n - 1),
                _ => {}
            }
        }
        history.in_peace();
        history.judge_end();
        for step in 1..=2 {
            let applied = history.world.applied.get(&("r0".into(), step, Deed::Do));
            assert_eq!(applied, Some(&1), "step {step}, crash behind record {at}");
        }
        assert_eq!(history.runs.get(&"r0".into()).unwrap().state(), RunState::Done);
        if crash.is_some() {
            assert!(at >= 11, "five intents, five results and the end");
            return;
        }
    }
}
