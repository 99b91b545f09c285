//! Orders of people: checked against what the window is and what policy allows, recorded with a name, then carried out.
//!
//! Not here: who somebody is (`web::access`), and what follows from a record (`window::lifecycle`). Invariants: what is
//! refused changes nothing and is in the audit log all the same; nobody lets through what they asked for themselves;
//! an order never takes maintenance outside policy, but for an override, which says so everywhere.
//!
//! Files: `changes` (another time, or how it goes on), `requests` (windows in no file), `refusals` (how no is said).

mod changes;
mod refusals;
mod requests;

pub(super) use refusals::{Refused, forbidden, refuse};

use super::*;
use crate::domain::access::{Caller, Scope};
use crate::domain::filing::Act;
use crate::domain::incident::Saying;
use crate::domain::order::{Action, NotOrdered, Order, Ordered, RunWish, Wanted, WhyNot};
use crate::domain::plan::Plan;
use crate::domain::window::{Amendment, Window};
use changes::{at_work, finished, pending};
use refusals::state_refusal;

impl Engine {
    /// Carries out one order at `now`, or says why not.
    pub fn order(&mut self, now: Timestamp, order: &Order) -> (Output, Result<Ordered, NotOrdered>) {
        let mut out = Output::default();
        self.hear(now);
        self.tick(&mut out);
        let result = self.may_order(order).and_then(|()| match &order.what {
            Wanted::Request(request) => self.request(&mut out, order, request),
            Wanted::Override { scope, lasts_ms, ticket } => self.overrule(&mut out, order, scope, *lasts_ms, ticket),
            Wanted::ApproveText(schedule) => self.approve_text(&mut out, order, schedule),
            Wanted::TakeLease { .. } | Wanted::UseLease(_) | Wanted::ReleaseLease(_) => self.lease(&mut out, order),
            Wanted::Correct { subsystem, span, counts_as } => {
                self.correct(&mut out, order, subsystem, *span, *counts_as)
            }
            Wanted::Filing(incident, act) => self.file(&mut out, order, *incident, act),
            Wanted::Incident(incident, saying) => self.say(&mut out, order, *incident, *saying, Vec::new()),
            Wanted::HandOver(incident, to) => self.hand_over(&mut out, order, *incident, to),
            Wanted::Silence(matches, lasts_ms) => self.silence(&mut out, order, matches, *lasts_ms),
            Wanted::Lift(silence) => self.lift(&mut out, order, *silence),
            Wanted::Window(window, action) => self.act(&mut out, order, window, *action),
            Wanted::Run(wish) => self.wish(&mut out, order, wish),
        });
        let (actor, action, subject) = (order.by.actor(), order.what.action(), order.what.subject());
        out.audit.push(match &result {
            Ok(done) => {
                let detail = [order.reason.as_str(), done.text.en.as_str()].join(" | ");
                AuditEntry::done(self.now, actor, &action, &subject, &detail)
            }
            Err(not) => AuditEntry::refused(self.now, actor, &action, &subject, &order.reason, &not.text.en),
        });
        if result.is_ok() {
            self.picture.touch_all();
            self.announce(&mut out);
        }
        self.tell_news(&mut out);
        (out, result)
    }

    fn may_order(&self, order: &Order) -> Result<(), Refused> {
        if self.journal == Journal::Refuses {
            return Err(refuse(
                WhyNot::Unrecorded,
                "存储拒绝写入，指令无法记录，未执行",
                "the store refuses writes, so the order cannot be recorded; nothing was changed",
            ));
        }
        let approves = matches!(order.what, Wanted::ApproveText(_) | Wanted::Window(_, Action::Approve))
            || matches!(order.what, Wanted::Run(RunWish::Approve(..)));
        let leases = matches!(order.what, Wanted::TakeLease { .. } | Wanted::UseLease(_) | Wanted::ReleaseLease(_));
        if order.reason.chars().count() > REASON_MAX {
            let en = format!("the reason is longer than {REASON_MAX} characters");
            return Err(refuse(WhyNot::Senseless, &format!("理由超过 {REASON_MAX} 字"), &en));
        }
        let takes =
            matches!(order.what, Wanted::Incident(_, Saying::Acknowledged) | Wanted::Filing(_, Act::Reported { .. }));
        if order.reason.trim().is_empty() && !approves && !leases && !takes {
            return Err(refuse(WhyNot::Senseless, "须写明理由", "say why: a reason is missing"));
        }
        if !approves {
            order.by.must(Scope::Operate).map_err(forbidden)?;
        }
        Ok(())
    }

    fn act(&mut self, out: &mut Output, order: &Order, id: &WindowId, action: Action) -> Result<Ordered, Refused> {
        let Some(window) = self.book.get(id).cloned() else {
            let en = format!("there is no window {id}; `gengfu windows` lists them");
            return Err(refuse(WhyNot::Unknown, &format!("没有窗口 {id}；用 `gengfu windows` 查看"), &en));
        };
        if action == Action::Approve {
            return self.approve(out, order, &window);
        }
        order.by.must_act_for(&window.definition.owner).map_err(forbidden)?;
        let amendment = match action {
            Action::Approve => return self.approve(out, order, &window),
            Action::Skip if window.requested => {
                return Err(state_refusal(
                    &window,
                    "不属于任何计划；请用 cancel",
                    "belongs to no schedule: use `cancel`",
                ));
            }
            Action::Skip => pending(&window, Amendment::Skipped)?,
            Action::Cancel => pending(&window, Amendment::Cancelled)?,
            Action::Start => pending(&window, Amendment::Waived)?,
            Action::Move { to, lasts_ms } => self.moved(&window, to, lasts_ms)?,
            Action::Shorten { end } => self.shortened(&window, end)?,
            Action::Extend { end } => self.extended(&window, end)?,
            Action::Finish => finished(&window, &self.known(&window))?,
            Action::Abort => at_work(&window, Amendment::Aborted)?,
        };
        Ok(self.amend(out, order, &window, amendment))
    }

    /// Records an amendment, lets the life cycle go on, and says where the window stands.
    fn amend(&mut self, out: &mut Output, order: &Order, window: &Window, amendment: Amendment) -> Ordered {
        let fact = Fact::WindowAmended {
            window: window.id.clone(),
            schedule: window.schedule.clone(),
            written: window.written,
            by: order.by.actor(),
            reason: order.reason.clone(),
            amendment,
        };
        self.record(out, fact);
        self.carried_out(out, &window.id)
    }

    fn carried_out(&mut self, out: &mut Output, id: &WindowId) -> Ordered {
        self.advance_window(out, id);
        let window = self.book.get(id);
        let text = window.map_or_else(Names::default, |w| Names {
            zh: format!("{}：{}", w.state.as_str(), w.why.zh),
            en: format!("{}: {}", w.state.as_str(), w.why.en),
        });
        let (state, span) = (window.map(|w| w.state), window.map(|w| w.span));
        Ordered { subject: id.to_string(), state, span, text }
    }

    fn approve(&mut self, out: &mut Output, order: &Order, window: &Window) -> Result<Ordered, Refused> {
        let extension = window.extension.as_ref().filter(|_| window.state.is_running() && !window.is_past_its_end());
        if !window.state.is_pending() && extension.is_none() {
            return Err(state_refusal(window, "没有待批准的内容", "has nothing that waits for an approval"));
        }
        if let Some(why) = window.why_no_approver(&order.by.actor()) {
            return Err(NotOrdered { kind: WhyNot::Forbidden, text: why, next_open: None });
        }
        let owners = approving(&order.by, &window.definition.owner, &window.definition.scope)?;
        let mut about = window.about_with(&self.wording(window));
        if let Some(extension) = extension {
            about.span.end = extension.end;
        }
        let longer = about.span;
        let done = self.amend(out, order, window, Amendment::Approved { owners, about });
        let Some(approved) = self.book.get(&window.id).cloned() else { return Ok(done) };
        if extension.is_some() && !self.missing_for(&approved, longer) {
            return Ok(self.amend(out, order, &approved, Amendment::Extended { end: longer.end }));
        }
        Ok(done)
    }

    fn approve_text(&mut self, out: &mut Output, order: &Order, id: &ScheduleId) -> Result<Ordered, Refused> {
        let inventory = Arc::clone(&self.inventory);
        let Some(schedule) = inventory.schedules.get(id) else {
            let en = format!("there is no schedule {id} in the files");
            return Err(refuse(WhyNot::Unknown, &format!("文件中没有计划 {id}"), &en));
        };
        if order.by.owner.as_ref() == Some(&schedule.owner) {
            let (zh, en) =
                ("该计划由您所代表的单位申请，不能批准", "you act for the applicant of this text; ask somebody else");
            return Err(refuse(WhyNot::Forbidden, zh, en));
        }
        let owners = approving(&order.by, &schedule.owner, &schedule.scope)?;
        let plan = schedule.plan.as_ref().and_then(|id| inventory.plans.get(id)).map(Plan::digest);
        let (digest, by, reason) = (schedule.digest(plan.as_deref()), order.by.actor(), order.reason.clone());
        self.record(out, Fact::ScheduleApproved { schedule: id.clone(), digest: digest.clone(), owners, by, reason });
        let of_this = |w: &&Window| w.schedule == *id && w.state.is_pending();
        let windows: Vec<WindowId> = self.book.iter().filter(of_this).map(|w| w.id.clone()).collect();
        windows.iter().for_each(|window| self.advance_window(out, window));
        let text = Names {
            zh: format!("已批准计划文本 {}（{} 个窗口）", &digest[..12], windows.len()),
            en: format!("approved the text {} ({} windows)", &digest[..12], windows.len()),
        };
        Ok(Ordered { subject: id.to_string(), state: None, span: None, text })
    }
}

/// In whose names the caller approves; refused if in nobody's.
fn approving(by: &Caller, owner: &OwnerId, scope: &[SubsystemId]) -> Result<Vec<OwnerId>, Refused> {
    let mut owners: Vec<OwnerId> = scope.iter().map(SubsystemId::owner).chain([owner.clone()]).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.retain(|o| by.may(&Scope::Approve(o.clone())));
    if owners.is_empty() {
        by.must(Scope::Approve(owner.clone())).map_err(forbidden)?;
    }
    Ok(owners)
}
