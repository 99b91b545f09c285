//! What people order of runs: begin, turn back, go on after a park, let a step pass.
//!
//! Not here: orders about windows (`orders`), and who somebody is (`web::access`). Invariants: what is refused changes
//! nothing and says why; nobody lets a step pass of a run that they started or of a window that they asked for.

use super::orders::{forbidden, refuse};
use super::*;
use crate::domain::access::Scope;
use crate::domain::order::{NotOrdered, Order, Ordered, Request, RunWish, WhyNot};
use crate::domain::plan::{Phase, Plan, Resolution, Run, RunFact, Standing, Task};
use crate::domain::policy::people_length;
use crate::domain::window::{Window, WindowState};

fn conflict(zh: &str, en: &str) -> NotOrdered {
    refuse(WhyNot::Conflict, zh, en)
}

/// Forward steps, reserve and verification lie inside the window.
fn fits(plan: &Plan, span: Span) -> Result<(), NotOrdered> {
    if plan.needs_ms() <= span.len_ms() {
        return Ok(());
    }
    let [needs, steps, reserve, verify, has] =
        [plan.needs_ms(), plan.forward_ms(), plan.reserve_ms, plan.verify_ms, span.len_ms()].map(people_length);
    let id = &plan.id;
    let zh = format!(
        "计划 {id} 需要 {needs}：步骤 {steps}、回退预留 {reserve}、验证 {verify}；窗口只有 {has}，请延长窗口或缩短计划"
    );
    let en = format!(
        "the plan {id} needs {needs}: steps {steps}, reserve {reserve}, verification {verify}; the window has {has}: \
         lengthen it, or shorten the plan"
    );
    Err(refuse(WhyNot::Senseless, &zh, &en))
}

impl Engine {
    pub(super) fn wish(&mut self, out: &mut Output, order: &Order, wish: &RunWish) -> Result<Ordered, NotOrdered> {
        match wish {
            RunWish::Start(window) => self.start_run(out, order, window),
            RunWish::Abort(id) => {
                let run = self.may_steer(order, id)?;
                if matches!(run.phase, Phase::Unwinding { .. }) {
                    return Err(conflict("运行已在回退", "the run turns back already"));
                }
                let (by, reason) = (order.by.name.clone(), &order.reason);
                let why =
                    Names { zh: format!("由 {by} 中止：{reason}"), en: format!("called off by {by}: {reason}") };
                Ok(self.go_on(out, id, RunFact::Aborting { why, by }))
            }
            RunWish::Resume(id, verdict) => {
                let run = self.may_steer(order, id)?;
                let Phase::Parked { step, .. } = run.phase else {
                    return Err(conflict("运行并未停放等待", "the run is not parked"));
                };
                // Once more in spite of what must not be tried twice: only where it was seen not to be there.
                let unclear = run.steps.get(step).is_some_and(|p| p.seen != Some(plan::Seen::Absent));
                let never = run.plan.steps.get(step).is_some_and(|s| !s.repeat.is_safe());
                if *verdict == Resolution::Again && unclear && never && order.reason.chars().count() < 10 {
                    let zh = "该步骤不可重复且结果未知：请写明如何确认它未执行（至少 10 字）";
                    let en = "the step must not be tried twice and nobody saw whether it was done: say in the reason \
                              how you know that it was not, in 10 characters at least";
                    return Err(refuse(WhyNot::Senseless, zh, en));
                }
                Ok(self.go_on(out, id, RunFact::Resumed { verdict: *verdict, by: order.by.name.clone() }))
            }
            RunWish::Approve(id, step) => self.let_pass(out, order, id, step),
        }
    }

    /// A live run that this person may steer.
    fn may_steer(&self, order: &Order, id: &RunId) -> Result<&Run, NotOrdered> {
        let run = self.live_run(id)?;
        order.by.must_act_for(&run.plan.owner).map_err(forbidden)?;
        Ok(run)
    }

    fn live_run(&self, id: &RunId) -> Result<&Run, NotOrdered> {
        match self.runs.get(id) {
            None => {
                let en = format!("there is no run {id}; `gengfu plan status` lists them");
                Err(refuse(WhyNot::Unknown, &format!("没有运行 {id}；用 `gengfu plan status` 查看"), &en))
            }
            Some(run) if !run.is_live() => Err(conflict("运行已结束", "the run is over")),
            Some(run) => Ok(run),
        }
    }

    fn let_pass(&mut self, out: &mut Output, order: &Order, id: &RunId, step: &StepId) -> Result<Ordered, NotOrdered> {
        let run = self.live_run(id)?;
        order.by.must(Scope::Approve(run.plan.owner.clone())).map_err(forbidden)?;
        let found = run.plan.step(step.as_str()).and_then(|i| run.plan.steps.get(i).zip(run.steps.get(i)));
        let waits = found.is_some_and(|(step, progress)| {
            matches!(step.task, Task::Approve { .. }) && !matches!(progress.forward.standing, Standing::Done { .. })
        });
        if !waits {
            let en = format!("no step {step} of this run waits for people");
            return Err(refuse(WhyNot::Unknown, &format!("该运行没有等待批准的步骤 {step}"), &en));
        }
        let by = &order.by.name;
        let asked = self.book.get(&run.window).is_some_and(|w| w.applicants.contains(by));
        if run.by == *by || asked {
            let en = "whoever started the run or asked for the window does not let it pass; ask somebody else";
            return Err(refuse(WhyNot::Forbidden, "启动者和申请者不能批准，请另找一人", en));
        }
        let (step, by) = (step.clone(), by.clone());
        Ok(self.go_on(out, id, RunFact::Approved { step, by }))
    }

    fn go_on(&mut self, out: &mut Output, id: &RunId, fact: RunFact) -> Ordered {
        self.record_run(out, id, fact);
        self.advance_run(out, id);
        self.run_ordered(id)
    }

    fn run_ordered(&self, id: &RunId) -> Ordered {
        let run = self.runs.get(id);
        let state = run.map_or("", |run| run.state().as_str());
        let text = Names { zh: format!("运行状态：{state}"), en: format!("the run is {state}") };
        Ordered { subject: id.to_string(), state: None, span: run.map(|run| run.span), text }
    }

    /// The plan that a request names: its owner's, one that the caller may act with, and one that fits.
    pub(super) fn plan_asked_for(&self, order: &Order, asked: &Request) -> Result<Option<PlanId>, NotOrdered> {
        let Some(id) = &asked.plan else { return Ok(None) };
        let Some(plan) = self.inventory.plans.get(id) else {
            let en = format!("there is no plan {id} in the files");
            return Err(refuse(WhyNot::Unknown, &format!("文件中没有计划 {id}"), &en));
        };
        order.by.must_act_for(&plan.owner).map_err(forbidden)?;
        if plan.owner != asked.owner {
            let (of, owner) = (&plan.owner, &asked.owner);
            let en = format!("a window of `{owner}` with a plan of `{of}`; let a plan of the same owner do it");
            let zh = format!("{owner} 的窗口不能用 {of} 的计划；请用同一单位的计划");
            return Err(refuse(WhyNot::Senseless, &zh, &en));
        }
        fits(plan, asked.span)?;
        Ok(Some(id.clone()))
    }

    /// Another time of a window that has not begun must hold its plan.
    pub(super) fn holds_its_plan(&self, window: &Window, span: Span) -> Result<(), NotOrdered> {
        let plan = window.definition.plan.as_ref().and_then(|id| self.inventory.plans.get(id));
        plan.filter(|_| window.state.is_pending()).map_or(Ok(()), |plan| fits(plan, span))
    }

    /// Begins in a window that runs and whose plan does not, if what is left still holds it.
    fn start_run(&mut self, out: &mut Output, order: &Order, id: &WindowId) -> Result<Ordered, NotOrdered> {
        let Some(window) = self.book.get(id) else {
            let en = format!("there is no window {id}; `gengfu windows` lists them");
            return Err(refuse(WhyNot::Unknown, &format!("没有窗口 {id}；用 `gengfu windows` 查看"), &en));
        };
        order.by.must_act_for(&window.definition.owner).map_err(forbidden)?;
        let plan = window.definition.plan.as_ref().and_then(|plan| self.inventory.plans.get(plan)).cloned();
        let Some(plan) = plan else {
            return Err(conflict("该窗口没有计划", "the window names no plan"));
        };
        if !self.runs.of_window(id).is_empty() {
            let en = "the plan of this window has begun; a run that is over is not begun again";
            return Err(conflict("该窗口的计划已经开始过", en));
        }
        // A window whose plan came with a reload after its start has none yet.
        if !matches!(window.state, WindowState::Entering | WindowState::Active) {
            return Err(conflict("窗口不在进行中", "the window does not run; its plan begins with it"));
        }
        if self.now + plan.needs_ms() > window.span.end {
            return Err(conflict("剩余时间已放不下该计划", "what is left of the window no longer holds the plan"));
        }
        let (span, scope) = (window.span, window.definition.scope.clone());
        let run = self.begin_run(out, &plan, id, span, scope, &order.by.name);
        Ok(self.run_ordered(&run))
    }
}
