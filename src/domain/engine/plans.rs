//! Runs of plans in time: begun with their window, taken as far as they go, put into facts before any effect.
//!
//! Not here: what a run does next (`plan::next`), who carries it out (`crate::step`), what people order (`plan_orders`).
//! Invariants: an order leaves with the record of its intent, in one output; a report that belongs to nothing in flight
//! changes nothing; a window and its run move each other on until both rest.

use super::*;
use crate::domain::plan::{
    Circumstances, Deed, End, Ending, Guard, Move, Order, Phase, Plan, Report, Run, RunFact, Task, Waiting, backoff_ms,
    next,
};
use crate::domain::policy::{Decision, decide};
use crate::domain::window::lifecycle::Work;
use crate::domain::window::{Window, WindowState};

/// How often it is looked again whether a guard holds, or whether probes are good.
const LOOK_AGAIN: Millis = 5 * SECOND;

/// After so many failed tries to put something back, people are told.
const RESTORES_TOLD: u32 = 3;

impl Engine {
    /// How far the plan of a window is.
    pub(super) fn work(&self, window: &Window) -> Work {
        let Some(plan) = &window.definition.plan else { return Work::ByHand };
        match self.runs.of_window(&window.id).last() {
            Some(run) => match run.phase {
                Phase::Forward | Phase::Parked { .. } => Work::Running,
                Phase::Unwinding { .. } => Work::Unwinding,
                Phase::Ended { how: Ending::Done, .. } => Work::Done,
                Phase::Ended { how: Ending::Undone | Ending::Broken, .. } => Work::Undone,
            },
            None if self.inventory.plans.contains_key(plan) => Work::Waiting,
            None => Work::ByHand,
        }
    }

    /// How much time the plan of a window needs at least, as long as it has not begun.
    pub(super) fn needs_ms(&self, window: &Window) -> Millis {
        let plan = window.definition.plan.as_ref().and_then(|id| self.inventory.plans.get(id));
        let pending = window.state.is_pending() || window.state == WindowState::Entering;
        plan.filter(|_| pending).map_or(0, Plan::needs_ms)
    }

    /// What follows for the run of a window that came to a state: it begins, or turns back.
    pub(super) fn run_follows(&mut self, out: &mut Output, id: &WindowId, to: WindowState) {
        let Some(window) = self.book.get(id) else { return };
        match to {
            WindowState::Entering if self.runs.of_window(id).is_empty() => {
                let (span, scope) = (window.span, window.definition.scope.clone());
                let plan = window.definition.plan.as_ref().and_then(|plan| self.inventory.plans.get(plan)).cloned();
                if let Some(plan) = plan {
                    self.begin_run(out, &plan, id, span, scope, "the window");
                }
            }
            WindowState::Aborting => {
                let live = self.runs.of_window(id).last().filter(|run| is_forward(run)).map(|run| run.id.clone());
                if let Some(run) = live {
                    let why = Names { zh: "窗口已中止".into(), en: "the window was called off".into() };
                    self.record_run(out, &run, RunFact::Aborting { why, by: String::new() });
                    self.advance_run(out, &run);
                }
            }
            _ => {}
        }
    }

    pub(super) fn begin_run(
        &mut self,
        out: &mut Output,
        plan: &Plan,
        window: &WindowId,
        span: Span,
        scope: Vec<SubsystemId>,
        by: &str,
    ) -> RunId {
        let run = self.runs.next_id(window);
        let plan = Box::new(plan.clone());
        let started = RunFact::Started { plan, window: window.clone(), span, scope, by: by.to_owned() };
        self.record_run(out, &run, started);
        self.record_run(out, &run, RunFact::Leased { epoch: 1 });
        self.advance_run(out, &run);
        run
    }

    /// After a start: every live run is in the hands of this process from now on.
    pub(super) fn lease_runs(&mut self, out: &mut Output) {
        let live: Vec<(RunId, u32)> = self.runs.live().map(|run| (run.id.clone(), run.epoch + 1)).collect();
        for (run, epoch) in live {
            self.record_run(out, &run, RunFact::Leased { epoch });
        }
    }

    /// Takes every live run as far as it goes.
    pub(super) fn advance_all_runs(&mut self, out: &mut Output) {
        let live: Vec<RunId> = self.runs.live().map(|run| run.id.clone()).collect();
        for run in live {
            self.advance_run(out, &run);
        }
    }

    pub(super) fn record_run(&mut self, out: &mut Output, run: &RunId, event: RunFact) {
        self.record(out, Fact::Run { run: run.clone(), event });
        self.picture.touch_runs();
    }

    /// A run keeps to the time of its window, which people may shorten or extend.
    pub(super) fn run_keeps_time(&mut self, out: &mut Output, id: &WindowId) {
        let Some(span) = self.book.get(id).map(|window| window.span) else { return };
        let late =
            self.runs.of_window(id).last().filter(|run| run.is_live() && run.span != span).map(|run| run.id.clone());
        if let Some(run) = late {
            self.record_run(out, &run, RunFact::Moved { span });
            self.advance_run(out, &run);
        }
    }

    /// Takes a run as far as what is known takes it, and asks to be woken for the rest.
    pub(super) fn advance_run(&mut self, out: &mut Output, id: &RunId) {
        while let Some(run) = self.runs.get(id).filter(|run| run.is_live()).cloned() {
            self.keep_run_rounds(&run);
            let run = &run;
            let around = self.around(run);
            let name = |step: usize| run.plan.steps.get(step).map(|s| s.id.clone());
            let fact = match next(self.now, run, &around) {
                Move::Wait { until, why } => {
                    self.wake_for_run(id, until, &why);
                    break;
                }
                Move::Intend { deed, step } => {
                    self.intend(out, id, deed, step);
                    continue;
                }
                Move::Settle { deed, step, end } => match name(step) {
                    Some(step) => RunFact::Finished { deed, step, end },
                    None => break,
                },
                Move::Park { step, why } => match name(step) {
                    Some(step) => RunFact::Parked { step, why },
                    None => break,
                },
                Move::Abort { why } => RunFact::Aborting { why, by: String::new() },
                Move::End { how } => RunFact::Ended { how },
            };
            self.record_run(out, id, fact.clone());
            self.tell_of_run(out, id, &fact);
        }
        let Some(run) = self.runs.get(id) else { return };
        let (window, over) = (run.window.clone(), !run.is_live());
        if over {
            self.run_rounds.remove(id);
        }
        self.advance_window(out, &window);
    }

    /// Records an intent, and lets what follows from it leave with the same record.
    fn intend(&mut self, out: &mut Output, id: &RunId, deed: Deed, index: usize) {
        let Some(run) = self.runs.get(id) else { return };
        let Some((step, progress)) = run.plan.steps.get(index).zip(run.steps.get(index)) else { return };
        let step = step.clone();
        let failures = progress.track(deed).failures;
        let stands = self.time_stands() && failures > 0;
        let (attempt, key) = (progress.track(deed).attempts + 1, run.key(deed, &step.id));
        let (epoch, plan, owner) = (run.epoch, run.plan.id.clone(), run.plan.owner.clone());
        let intended = RunFact::Intended { deed, step: step.id.clone(), attempt, key: key.clone() };
        self.record_run(out, id, intended);
        match (step.order(deed), &step.task) {
            (Some(action), _) => {
                let safe = step.is_safe_unrecorded(deed);
                let (run, step_id, action) = (id.clone(), step.id.clone(), action.clone());
                let timeout_ms = step.timeout_ms;
                let pause_ms = if stands { backoff_ms(failures) } else { 0 };
                let step = step_id;
                let order =
                    Order { run, epoch, plan, owner, step, deed, attempt, key, action, timeout_ms, pause_ms, safe };
                out.effects.push(Effect::Step(Box::new(order)));
            }
            (None, Task::Announce { text } | Task::Notify { text, .. }) => {
                self.tell_by_step(out, id, &step, text);
            }
            (None, _) => {}
        }
    }

    /// A report of the shell.
    pub(super) fn reported(&mut self, out: &mut Output, report: &Report) {
        // What the dead or the slow report belongs to nothing any more.
        let Ok(fact) = self.runs.accept(report) else { return };
        let failed = matches!(
            fact,
            RunFact::Finished { deed: Deed::Restore, end: End::Failed { .. } | End::Unknown { .. }, .. }
        );
        self.record_run(out, &report.run, fact.clone());
        if failed {
            self.tell_of_run(out, &report.run, &fact);
        }
        self.advance_run(out, &report.run);
    }

    /// What is out of service although no live run keeps it so is put back.
    pub(super) fn found_drained(&mut self, out: &mut Output, drained: &[String]) {
        let stranded = self.runs.stranded(drained).into_iter().cloned();
        out.effects.extend(stranded.map(|target| Effect::Release { target }));
    }

    fn around(&self, run: &Run) -> Circumstances {
        Circumstances {
            denied: self.guard(run),
            clock: self.clock_holds_runs(),
            time_stands: self.time_stands(),
            good_rounds: self.rounds_for_run(&run.id),
            restoring: self.runs.restoring_besides(&run.id),
            shared: self.runs.held_besides(&run.id),
            unrecorded: self.refused_since,
        }
    }

    /// Why no step may start now, if so.
    fn guard(&self, run: &Run) -> Option<Names> {
        if run.plan.guards.contains(&Guard::Policy) {
            let window = self.book.get(&run.window);
            let extra = window.and_then(|w| w.definition.policy.as_ref());
            let emergency = window.is_some_and(|w| w.emergency.is_some());
            let rest = Span::new(self.now, run.span.end);
            if !emergency
                && !rest.is_empty()
                && let Decision::Deny { reasons, .. } = decide(&self.inventory, &run.scope, extra, rest)
                && let Some(reason) = reasons.into_iter().next()
            {
                return Some(reason.text);
            }
        }
        if run.plan.guards.contains(&Guard::Incidents) {
            return self.incident_near(&run.scope);
        }
        None
    }

    /// An incident on what needs the scope, or on what stands in for it.
    fn incident_near(&self, scope: &[SubsystemId]) -> Option<Names> {
        let needed_by = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let near = self.near(scope);
        let others = needed_by.chain(&near).filter(|id| !scope.contains(id));
        let found = others.filter_map(|id| self.desk.explains(id).map(|incident| (incident, id)));
        let mut open = found.filter(|(incident, _)| !scope.contains(&incident.subsystem));
        open.next().map(|(incident, id)| Names {
            zh: format!("{id} 有未关闭的事件 {}", incident.id),
            en: format!("{} is open on {id}", incident.id),
        })
    }

    fn wake_for_run(&mut self, id: &RunId, until: Option<Timestamp>, why: &Waiting) {
        let verifies = self.run_rounds.contains_key(id);
        let again = (verifies || matches!(why, Waiting::Guard(_))).then_some(self.now + LOOK_AGAIN);
        if let Some(at) = until.into_iter().chain(again).filter(|at| *at > self.now).min() {
            self.wakes.at(at, Wake::Run(id.clone()));
        }
    }

    /// Mails what a step says; the rows are stored with the step's record.
    fn tell_by_step(&mut self, out: &mut Output, id: &RunId, step: &plan::Step, text: &Names) {
        let Some(run) = self.runs.get(id) else { return };
        let to = match &step.task {
            Task::Notify { roster: Some(roster), .. } => self.people(roster),
            Task::Announce { .. } => self.concerned(&run.scope),
            _ => self.on_duty(&run.plan.owner),
        };
        let news = self.run_news(run, RunNewsKind::Says, Some(&step.id), text.clone());
        self.send(out, &format!("run-{id}-{}", step.id), 0, &to, &Content::Plan(news));
    }

    /// On-call of everything in the scope, and of what needs it.
    fn concerned(&self, scope: &[SubsystemId]) -> Vec<Recipient> {
        let needed_by = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let mut owners: Vec<OwnerId> = scope.iter().chain(needed_by).map(SubsystemId::owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut to: Vec<Recipient> = Vec::new();
        for recipient in owners.iter().flat_map(|owner| self.on_duty(owner)) {
            if !to.contains(&recipient) {
                to.push(recipient);
            }
        }
        to
    }

    /// Pages people when a run cannot help itself.
    fn tell_of_run(&mut self, out: &mut Output, id: &RunId, fact: &RunFact) {
        let Some(run) = self.runs.get(id) else { return };
        let (kind, step, why) = match fact {
            RunFact::Parked { step, why } => (RunNewsKind::Parked, Some(step), why.clone()),
            RunFact::Aborting { why, .. } => (RunNewsKind::TurnsBack, None, why.clone()),
            RunFact::Ended { how: Ending::Broken } => (RunNewsKind::Broken, None, left_behind(run)),
            RunFact::Finished { deed: Deed::Restore, step, end: End::Failed { note } | End::Unknown { note } } => {
                let tried = run.plan.step(step.as_str()).and_then(|i| run.steps.get(i)).map(|p| p.restore.failures);
                if tried != Some(RESTORES_TOLD) {
                    return;
                }
                (RunNewsKind::StaysDrained, Some(step), Names { zh: note.clone(), en: note.clone() })
            }
            _ => return,
        };
        let mut to: Vec<Recipient> = self.on_duty(&run.plan.owner);
        if kind != RunNewsKind::TurnsBack {
            let more = self.people(&self.inventory.fallback);
            let new: Vec<Recipient> = more.into_iter().filter(|r| !to.contains(r)).collect();
            to.extend(new);
        }
        let news = self.run_news(run, kind, step, why);
        let thread = format!("run-{id}-{}-{}", kind.as_str(), self.now.0);
        self.send(out, &thread, 0, &to, &Content::Plan(news));
    }

    fn run_news(&self, run: &Run, kind: RunNewsKind, step: Option<&StepId>, text: Names) -> RunNews {
        RunNews {
            kind,
            run: run.id.clone(),
            plan: run.plan.name.clone(),
            window: run.window.clone(),
            span: run.span,
            step: step.cloned(),
            point_of_no_return: run.point_of_no_return(),
            text,
        }
    }

    /// The runs as readers see them.
    pub(super) fn run_views(&self) -> Vec<RunView> {
        let mut runs: Vec<RunView> = self.runs.iter().map(RunView::from).collect();
        runs.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
        runs
    }
}

fn is_forward(run: &Run) -> bool {
    matches!(run.phase, Phase::Forward | Phase::Parked { .. })
}

/// Which steps are left to people.
fn left_behind(run: &Run) -> Names {
    let left = run.plan.steps.iter().zip(&run.steps).filter(|(_, p)| p.undo.standing == plan::Standing::GivenUp);
    let left: Vec<&str> = left.map(|(step, _)| step.id.as_str()).collect();
    Names {
        zh: format!("未能回退的步骤：{}", left.join("、")), en: format!("not undone: {}", left.join(", "))
    }
}
