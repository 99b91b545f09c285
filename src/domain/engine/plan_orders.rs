//! What people order of runs: start one more, turn back, go on after a park, let a step pass.
//!
//! Not here: who may (`web`). Invariants: what is refused changes nothing and says why; whoever started a run lets none
//! of its steps pass.

use super::*;
use crate::domain::plan::{Phase, Resolution, RunFact, Task};
use crate::domain::window::WindowState;

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunWish {
    /// Once more in a window that runs and whose last run is over.
    Start(WindowId),
    /// Turn back.
    Abort(RunId),
    /// Go on: it was done, or do it once more.
    Resume(RunId, Resolution),
    /// Let a step that waits for people pass.
    Approve(RunId, StepId),
}

impl RunWish {
    /// `plan.start`, for the audit log.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Start(_) => "plan.start",
            Self::Abort(_) => "plan.abort",
            Self::Resume(..) => "plan.resume",
            Self::Approve(..) => "plan.approve",
        }
    }

    /// The run or the window.
    pub fn subject(&self) -> &str {
        match self {
            Self::Start(window) => window.as_str(),
            Self::Abort(run) | Self::Resume(run, _) | Self::Approve(run, _) => run.as_str(),
        }
    }
}

/// Why an order is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRefusal {
    /// There is no such thing.
    Unknown(Names),
    /// It stands otherwise.
    State(Names),
}

impl RunRefusal {
    /// The sentence.
    pub fn text(&self) -> &Names {
        match self {
            Self::Unknown(text) | Self::State(text) => text,
        }
    }
}

fn unknown(zh: String, en: String) -> RunRefusal {
    RunRefusal::Unknown(Names { zh, en })
}

fn state(zh: &str, en: &str) -> RunRefusal {
    RunRefusal::State(Names { zh: zh.to_owned(), en: en.to_owned() })
}

impl Engine {
    /// The owner whose people may order it; `None` if there is nothing of that name.
    pub fn owner_of(&self, wish: &RunWish) -> Option<&OwnerId> {
        match wish {
            RunWish::Start(window) => self.book.get(window).map(|w| &w.definition.owner),
            RunWish::Abort(run) | RunWish::Resume(run, _) | RunWish::Approve(run, _) => {
                self.runs.get(run).map(|run| &run.plan.owner)
            }
        }
    }

    /// Carries out one order at `now`; the run, or why not.
    pub fn order_run(&mut self, now: Timestamp, wish: &RunWish, by: &str) -> (Output, Result<RunId, RunRefusal>) {
        let mut out = Output::default();
        self.now = self.now.max(now);
        self.tick(&mut out);
        let result = if self.journal == Journal::Refuses {
            Err(state(
                "存储拒绝写入，指令无法记录，未执行",
                "the store refuses writes, so the order cannot be recorded",
            ))
        } else {
            self.carry_out(&mut out, wish, by)
        };
        (out, result)
    }

    fn carry_out(&mut self, out: &mut Output, wish: &RunWish, by: &str) -> Result<RunId, RunRefusal> {
        match wish {
            RunWish::Start(window) => self.start_run(out, window, by),
            RunWish::Abort(id) => {
                let run = self.live_run(id)?;
                if matches!(run.phase, Phase::Unwinding { .. }) {
                    return Err(state("运行已在回退", "the run turns back already"));
                }
                let why = Names { zh: format!("由 {by} 中止"), en: format!("called off by {by}") };
                self.go_on(out, id, RunFact::Aborting { why, by: by.to_owned() })
            }
            RunWish::Resume(id, verdict) => {
                let run = self.live_run(id)?;
                if !matches!(run.phase, Phase::Parked { .. }) {
                    return Err(state("运行并未停放等待", "the run is not parked"));
                }
                self.go_on(out, id, RunFact::Resumed { verdict: *verdict, by: by.to_owned() })
            }
            RunWish::Approve(id, step) => {
                let run = self.live_run(id)?;
                let waits = run.plan.step(step.as_str()).and_then(|i| run.plan.steps.get(i));
                if !waits.is_some_and(|s| matches!(s.task, Task::Approve { .. })) {
                    let (zh, en) = (format!("没有等待批准的步骤 {step}"), format!("no step {step} waits for people"));
                    return Err(unknown(zh, en));
                }
                if run.by == by {
                    return Err(state("启动者不能批准自己的运行", "whoever started a run does not let it pass"));
                }
                self.go_on(out, id, RunFact::Approved { step: step.clone(), by: by.to_owned() })
            }
        }
    }

    fn live_run(&self, id: &RunId) -> Result<&plan::Run, RunRefusal> {
        match self.runs.get(id) {
            None => {
                Err(unknown(format!("没有运行 {id}"), format!("there is no run {id}; `gengfu plan status` lists them")))
            }
            Some(run) if !run.is_live() => Err(state("运行已结束", "the run is over")),
            Some(run) => Ok(run),
        }
    }

    fn go_on(&mut self, out: &mut Output, id: &RunId, fact: RunFact) -> Result<RunId, RunRefusal> {
        self.record_run(out, id, fact);
        self.advance_run(out, id);
        Ok(id.clone())
    }

    /// Once more, if what is left of the window still holds it.
    fn start_run(&mut self, out: &mut Output, id: &WindowId, by: &str) -> Result<RunId, RunRefusal> {
        let Some(window) = self.book.get(id) else {
            return Err(unknown(
                format!("没有窗口 {id}"),
                format!("there is no window {id}; `gengfu windows` lists them"),
            ));
        };
        let plan = window.definition.plan.as_ref().and_then(|plan| self.inventory.plans.get(plan)).cloned();
        let Some(plan) = plan else {
            return Err(state("该窗口没有计划", "the window names no plan"));
        };
        if self.runs.of_window(id).iter().any(|run| run.is_live()) {
            return Err(state("该窗口的计划正在执行", "a run of this window goes on"));
        }
        // Once a window turned back it is verified and closed; only one whose plan has not begun can begin now.
        if !matches!(window.state, WindowState::Entering | WindowState::Active) {
            return Err(state("窗口不在进行中", "the window does not run, or is being closed"));
        }
        if self.now + plan.needs_ms() > window.span.end {
            return Err(state("剩余时间已放不下该计划", "what is left of the window no longer holds the plan"));
        }
        let (span, scope) = (window.span, window.definition.scope.clone());
        Ok(self.begin_run(out, &plan, id, span, scope, by))
    }
}
