//! What is known of a window at an instant: the policy's answer, what stands in its way, how its service is.
//!
//! Not here: what follows from it (`window::lifecycle`). Invariant: an emergency waits for nothing but its second
//! approver.

use super::*;
use crate::domain::plan::Plan;
use crate::domain::policy::Obstacle;
use crate::domain::window::lifecycle::{ARMED_BEFORE_MS, Known, STUCK_AFTER_MS, Service};
use crate::domain::window::{Planned, Reminder, Wording};
use std::collections::BTreeSet;

impl Engine {
    pub(in crate::domain::engine) fn known(&self, window: &Window) -> Known {
        let pending = window.state.is_pending();
        let admission = if pending { self.admission(window) } else { Admission::Admitted { notice_by: None } };
        let near = pending && self.now >= window.span.start - ARMED_BEFORE_MS;
        Known {
            span: window.span,
            admission,
            announced: window.announced_at(),
            hindrance: if near { self.hindrance(window) } else { None },
            asked: window.asked,
            work: self.work(window),
            needs_ms: self.needs_ms(window),
            service: self.service(window),
            aborted: window.aborted,
            overran: window.overran,
        }
    }

    fn service(&self, window: &Window) -> Service {
        let well = |id: &SubsystemId| {
            !self.inventory.subsystems.contains_key(id)
                || matches!(self.watch.health(id), Health::Up | Health::Degraded)
        };
        match window.definition.scope.iter().all(well) {
            false => Service::Bad,
            true if self.rounds.get(&window.id).is_some_and(Rounds::are_good) => Service::Verified,
            true => Service::Well,
        }
    }

    /// The policy's answer, and who is still to approve.
    pub(in crate::domain::engine) fn admission(&self, window: &Window) -> Admission {
        if window.emergency.is_some() {
            return self.emergency_admission(window);
        }
        let written = self.inventory.schedules.get(&window.schedule);
        if written.is_none() && !window.requested {
            let (zh, en) = ("计划文件已删除", "its text is gone");
            return Admission::Denied(Names { zh: zh.into(), en: en.into() });
        }
        let asked = window.definition.as_schedule(&window.schedule, window.span, &self.inventory.zone);
        let schedule = written.filter(|_| !window.requested).unwrap_or(&asked);
        let admitted = self.ask(window, schedule);
        let missing = |obstacle: Obstacle| match obstacle {
            Obstacle::Approvals { needed, owners } => {
                let texts = self.book.text_approvals(&window.schedule);
                let missing = window.missing(needed, &owners, texts, || self.wording(window));
                let (needed, owners) = (missing.people, missing.owners.clone());
                (!missing.is_none()).then_some(Obstacle::Approvals { needed, owners })
            }
            other => Some(other),
        };
        let obstacles: Vec<Obstacle> = admitted.obstacles.into_iter().filter_map(missing).collect();
        let rejecting = obstacles.iter().find(|o| o.rejects());
        match (rejecting, obstacles.first()) {
            (Some(obstacle), _) => Admission::Denied(obstacle.text()),
            (None, Some(obstacle)) => Admission::Waiting(obstacle.text()),
            (None, None) => Admission::Admitted { notice_by: admitted.notice_by },
        }
    }

    /// What the files say now about a window.
    pub(in crate::domain::engine) fn wording(&self, window: &Window) -> Wording {
        let plan_text = |plan: Option<&PlanId>| plan.and_then(|id| self.inventory.plans.get(id)).map(Plan::digest);
        let schedule = self.inventory.schedules.get(&window.schedule);
        Wording {
            schedule: schedule.map(|s| s.digest(plan_text(s.plan.as_ref()).as_deref())),
            plan: plan_text(window.definition.plan.as_ref()),
        }
    }

    pub(in crate::domain::engine) fn as_planned(&self, window: &Window, span: Span) -> Planned {
        Planned { id: window.id.clone(), civil_start: self.inventory.zone.local(span.start), span }
    }

    /// An override needs a second person where the portal hangs on it, and consent where others' subsystems do.
    fn emergency_admission(&self, window: &Window) -> Admission {
        let scope = || window.definition.scope.iter().filter_map(|id| self.inventory.subsystems.get(id));
        let needed = u8::from(scope().any(|s| s.tier == Tier::One));
        let missing = window.missing(needed, &[], &[], || self.wording(window));
        if missing.is_none() {
            return Admission::Admitted { notice_by: None };
        }
        Admission::Waiting(Names {
            zh: "紧急维护涉及一级系统，须第二人批准".into(),
            en: "an emergency on tier 1 needs a second person's approval".into(),
        })
    }

    /// What stands in the way of a start that is near.
    fn hindrance(&self, window: &Window) -> Option<Names> {
        if window.emergency.is_some() {
            return None;
        }
        if let Some(why) = self.clock_is_doubtful() {
            return Some(why);
        }
        if self.journal == Journal::Refuses {
            return Some(Names {
                zh: "存储拒绝写入，无法记录维护".into(),
                en: "the store refuses writes, so the work could not be recorded".into(),
            });
        }
        if let Some(plan) = window.definition.plan.as_ref().filter(|id| !self.inventory.plans.contains_key(*id)) {
            return Some(Names {
                zh: format!("文件中已没有计划 {plan}；请补回，或取消后重新申请"),
                en: format!("the plan {plan} is no longer in the files; put it back, or cancel and ask anew"),
            });
        }
        if window.waived {
            return None;
        }
        let near = self.near(&window.definition.scope);
        self.open_incident(&near).or_else(|| self.running_window(window, &near))
    }

    /// The scope, and those that stand in for a member of it.
    pub(in crate::domain::engine) fn near(&self, scope: &[SubsystemId]) -> BTreeSet<SubsystemId> {
        let needs = self.inventory.subsystems.values().flat_map(|s| &s.depends_on);
        let groups = needs.filter_map(|need| match need {
            Dependency::AnyOf(members) => Some(members),
            _ => None,
        });
        let together = groups.filter(|members| members.iter().any(|m| scope.contains(m))).flatten();
        together.chain(scope).cloned().collect()
    }

    fn open_incident(&self, near: &BTreeSet<SubsystemId>) -> Option<Names> {
        let found = near.iter().find_map(|id| self.desk.explains(id).map(|incident| (incident.id, id)));
        found.map(|(incident, id)| Names {
            zh: format!("{id} 有未关闭的事件 {incident}；确需开始，由有权限者下令开始"),
            en: format!("{incident} is open on {id}; to start all the same, give the order to start"),
        })
    }

    fn running_window(&self, window: &Window, near: &BTreeSet<SubsystemId>) -> Option<Names> {
        let others = near.iter().flat_map(|id| self.book.running(id)).find(|w| w.id != window.id);
        others.map(|other| Names {
            zh: format!("窗口 {} 正在进行，范围相同或互为备用", other.id),
            en: format!("the window {} runs on the same scope, or on what stands in for it", other.id),
        })
    }

    pub(super) fn wake_for_window(&mut self, id: &WindowId, known: &Known) {
        let notice_by = match known.admission {
            Admission::Admitted { notice_by } => notice_by.map(|by| by + 1),
            _ => None,
        };
        let (start, end) = (known.span.start, known.span.end);
        let edges = [start - ARMED_BEFORE_MS, start, end - known.needs_ms, end, end + STUCK_AFTER_MS];
        let near = self.now >= start - ARMED_BEFORE_MS && self.now < end;
        let pending = self.book.get(id).is_some_and(|w| w.state.is_pending());
        let again = (near && pending).then_some(self.now + LOOK_AGAIN);
        let reminders = Reminder::ALL.map(|r| start - r.before());
        let due = edges.into_iter().chain(notice_by).chain(again).chain(reminders).filter(|at| *at > self.now).min();
        if let Some(at) = due {
            self.wakes.at(at, Wake::Window(id.clone()));
        }
    }
}
