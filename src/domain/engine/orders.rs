//! Orders of people: checked against what the window is and what policy allows, recorded with a name, then carried out.
//!
//! Not here: who somebody is (`web::access`), and what follows from a record (`window::lifecycle`). Invariants: what is
//! refused changes nothing and is in the audit log all the same; nobody lets through what they asked for themselves;
//! an order never takes maintenance outside policy, but for an override, which says so everywhere.

use super::*;
use crate::domain::access::{Caller, Scope};
use crate::domain::order::{Action, NotOrdered, Order, Ordered, Request, RunWish, Wanted, WhyNot};
use crate::domain::policy::{Obstacle, people_length};
use crate::domain::window::{Amendment, Definition, Emergency, HORIZON_MS, LENGTH_MAX, Window, WindowState, window_id};
use sha2::Digest;

/// The longest time that an override is good for.
const OVERRIDE_MAX: Millis = 24 * HOUR;

/// The shortest window that somebody may ask for.
const LENGTH_MIN: Millis = MINUTE;

/// Most subsystems of one request.
const SCOPE_MAX: usize = 500;

type Refused = NotOrdered;

impl Engine {
    /// Carries out one order at `now`, or says why not.
    pub fn order(&mut self, now: Timestamp, order: &Order) -> (Output, Result<Ordered, NotOrdered>) {
        let mut out = Output::default();
        self.now = self.now.max(now);
        self.tick(&mut out);
        let result = self.may_order(order).and_then(|()| match &order.what {
            Wanted::Request(request) => self.request(&mut out, order, request),
            Wanted::Override { scope, lasts_ms, ticket } => self.overrule(&mut out, order, scope, *lasts_ms, ticket),
            Wanted::ApproveText(schedule) => self.approve_text(&mut out, order, schedule),
            Wanted::TakeLease { .. } | Wanted::UseLease(_) | Wanted::ReleaseLease(_) => self.lease(&mut out, order),
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
        if order.reason.trim().is_empty() && !approves && !leases {
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

    fn moved(&self, window: &Window, to: Timestamp, lasts_ms: Option<Millis>) -> Result<Amendment, Refused> {
        let amendment = |to| pending(window, Amendment::Moved { to });
        let span = Span::lasting(to, lasts_ms.unwrap_or(window.span.len_ms()));
        amendment(span)?;
        if window.emergency.is_some() {
            return Err(state_refusal(window, "是紧急维护，不能改期", "is an emergency and cannot be moved"));
        }
        self.in_range(span)?;
        self.admissible(window, span)?;
        amendment(span)
    }

    fn shortened(&self, window: &Window, end: Timestamp) -> Result<Amendment, Refused> {
        if window.state.is_terminal() || window.is_past_its_end() {
            return Err(state_refusal(window, "已结束或已超时", "is over, or past its approved end"));
        }
        let earliest = window.span.start.max(self.now) + 1;
        if end < earliest || end >= window.span.end {
            return Err(refuse(
                WhyNot::Senseless,
                "新的结束时间须晚于现在和开始时间，早于原结束时间",
                "the new end must lie after now and after the start, and before the present end",
            ));
        }
        Ok(Amendment::Shortened { end })
    }

    /// A later end: inside policy, without new notice, and approved where the window had to be.
    fn extended(&self, window: &Window, end: Timestamp) -> Result<Amendment, Refused> {
        if window.state.is_pending() {
            return Err(state_refusal(
                window,
                "尚未开始；请用 move --for 改变时长",
                "has not begun: change its length with `move --for`",
            ));
        }
        if !window.state.is_running() || window.is_past_its_end() || self.now >= window.span.end {
            return Err(state_refusal(
                window,
                "已结束或已超时；延长须在批准的结束时间之前提出",
                "is over, or past its approved end; an extension must be asked for before that",
            ));
        }
        if end <= window.span.end {
            return Err(refuse(
                WhyNot::Senseless,
                "新的结束时间须晚于原结束时间",
                "the new end is not later than the present one",
            ));
        }
        let longer = Span::new(window.span.start, end);
        if window.emergency.is_some() {
            too_long(longer, OVERRIDE_MAX)?;
        } else {
            too_long(longer, LENGTH_MAX)?;
            self.admissible(window, longer)?;
        }
        let missing = self.missing_for(window, longer);
        Ok(if missing { Amendment::ExtensionAsked { end } } else { Amendment::Extended { end } })
    }

    /// Whether approvals are missing for another time of this window.
    fn missing_for(&self, window: &Window, span: Span) -> bool {
        let other = Window { span, ..window.clone() };
        matches!(self.admission(&other), window::lifecycle::Admission::Waiting(_))
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
        let mut about = window.about();
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
        let (digest, by) = (schedule.digest(), order.by.actor());
        self.record(out, Fact::ScheduleApproved { schedule: id.clone(), digest: digest.clone(), owners, by });
        let of_this = |w: &&Window| w.schedule == *id && w.state.is_pending();
        let windows: Vec<WindowId> = self.book.iter().filter(of_this).map(|w| w.id.clone()).collect();
        windows.iter().for_each(|window| self.advance_window(out, window));
        let text = Names {
            zh: format!("已批准计划文本 {}（{} 个窗口）", &digest[..12], windows.len()),
            en: format!("approved the text {} ({} windows)", &digest[..12], windows.len()),
        };
        Ok(Ordered { subject: id.to_string(), state: None, span: None, text })
    }

    fn request(&mut self, out: &mut Output, order: &Order, asked: &Request) -> Result<Ordered, Refused> {
        order.by.must_act_for(&asked.owner).map_err(forbidden)?;
        let scope = self.known_scope(&asked.scope)?;
        if !self.inventory.owners.contains_key(&asked.owner) {
            let en = format!("there is no owner {}", asked.owner);
            return Err(refuse(WhyNot::Unknown, &format!("没有单位 {}", asked.owner), &en));
        }
        self.in_range(asked.span)?;
        let (name, notice) = (asked.name.clone(), asked.notice.clone());
        let definition = Definition { owner: asked.owner.clone(), name, scope, notice, policy: None, plan: None };
        let (id, schedule) = self.name_of(&definition, asked.span, &order.by);
        self.judged(&Window::new(&id, &schedule, asked.span, definition.clone()))?;
        self.enter(out, order, id, schedule, definition, asked.span, None)
    }

    fn overrule(
        &mut self,
        out: &mut Output,
        order: &Order,
        scope: &[SubsystemId],
        lasts_ms: Millis,
        ticket: &str,
    ) -> Result<Ordered, Refused> {
        let scope = self.known_scope(scope)?;
        for id in &scope {
            order.by.must_act_for(&id.owner()).map_err(forbidden)?;
        }
        let ticket = ticket.trim();
        if ticket.is_empty() || ticket.chars().count() > 100 {
            return Err(refuse(
                WhyNot::Senseless,
                "须写明工单号，至多 100 字",
                "name the ticket, in 100 characters at most",
            ));
        }
        let span = Span::lasting(self.now, lasts_ms);
        if lasts_ms < LENGTH_MIN {
            return Err(refuse(WhyNot::Senseless, "时长至少 1 分钟", "an override lasts a minute at least"));
        }
        too_long(span, OVERRIDE_MAX)?;
        let Some(owner) = order.by.owner.clone().or_else(|| scope.first().map(SubsystemId::owner)) else {
            return Err(refuse(WhyNot::Senseless, "范围为空", "the scope is empty"));
        };
        let name = Names { zh: format!("紧急维护 {ticket}"), en: format!("Emergency maintenance {ticket}") };
        let definition = Definition { owner, name, scope, notice: None, policy: None, plan: None };
        let (id, schedule) = self.name_of(&definition, span, &order.by);
        let emergency = Emergency { ticket: ticket.to_owned() };
        self.enter(out, order, id, schedule, definition, span, Some(emergency))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one fact")]
    fn enter(
        &mut self,
        out: &mut Output,
        order: &Order,
        window: WindowId,
        schedule: ScheduleId,
        definition: Definition,
        span: Span,
        emergency: Option<Emergency>,
    ) -> Result<Ordered, Refused> {
        if self.book.get(&window).is_some() {
            return Err(refuse(WhyNot::Conflict, "相同的请求已存在", "this very request was made already"));
        }
        let (id, by, reason) = (window.clone(), order.by.actor(), order.reason.clone());
        self.record(out, Fact::WindowRequested { window, schedule, definition, span, emergency, reason, by });
        Ok(self.carried_out(out, &id))
    }

    /// The id of a request follows from what is asked for, by whom and when.
    fn name_of(&self, definition: &Definition, span: Span, by: &Caller) -> (WindowId, ScheduleId) {
        let text = format!("{}\n{}\n{}\n{}\n{}", definition.digest(), span.start.0, span.end.0, by.name, self.now.0);
        let digest = sha2::Sha256::digest(text);
        let hex: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
        let schedule = ScheduleId::new(format!("request-{hex}"));
        (window_id(&schedule, self.inventory.zone.local(span.start)), schedule)
    }

    fn known_scope(&self, scope: &[SubsystemId]) -> Result<Vec<SubsystemId>, Refused> {
        let mut ids = scope.to_vec();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() || ids.len() > SCOPE_MAX {
            let en = format!("name 1 to {SCOPE_MAX} subsystems");
            return Err(refuse(WhyNot::Senseless, &format!("须指明 1 至 {SCOPE_MAX} 个子系统"), &en));
        }
        match ids.iter().find(|id| !self.inventory.subsystems.contains_key(*id)) {
            None => Ok(ids),
            Some(id) => {
                Err(refuse(WhyNot::Unknown, &format!("没有子系统 {id}"), &format!("there is no subsystem {id}")))
            }
        }
    }

    /// In the future, within the horizon, of a sensible length.
    fn in_range(&self, span: Span) -> Result<(), Refused> {
        if span.start < self.now {
            let now = self.inventory.zone.people(self.now, Language::En);
            let en = format!("the start lies in the past; it is {now}");
            return Err(refuse(WhyNot::Senseless, "开始时间已过", &en));
        }
        if span.start > self.now + HORIZON_MS {
            let en = "the start is more than 400 days ahead";
            return Err(refuse(WhyNot::Senseless, "开始时间超过 400 天之后", en));
        }
        if span.len_ms() < LENGTH_MIN {
            return Err(refuse(WhyNot::Senseless, "时长至少 1 分钟", "a window lasts a minute at least"));
        }
        too_long(span, LENGTH_MAX)
    }

    fn admissible(&self, window: &Window, span: Span) -> Result<(), Refused> {
        self.judged(&Window { span, ..window.clone() })
    }

    /// Whether policy admits a window, apart from approvals and notice.
    fn judged(&self, window: &Window) -> Result<(), Refused> {
        let text = window.definition.as_schedule(&window.schedule, window.span, &self.inventory.zone);
        let admission = self.ask(window, &text);
        let standing = |o: &&Obstacle| !matches!(o, Obstacle::Approvals { .. });
        let Some(obstacle) = admission.obstacles.iter().find(standing) else { return Ok(()) };
        let next_open = match obstacle {
            Obstacle::Denied { next_open, .. } => *next_open,
            _ => None,
        };
        let mut text = obstacle.text();
        if let Some(at) = next_open {
            let zone = &self.inventory.zone;
            text.zh += &format!("；最早可于 {} 开始", zone.people(at, Language::Zh));
            text.en += &format!("; it would be allowed from {} on", zone.people(at, Language::En));
        }
        Err(NotOrdered { kind: WhyNot::Denied, text, next_open })
    }
}

pub(super) fn refuse(kind: WhyNot, zh: &str, en: &str) -> Refused {
    NotOrdered { kind, text: Names { zh: zh.to_owned(), en: en.to_owned() }, next_open: None }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn forbidden(why: crate::domain::access::Refusal) -> Refused {
    let text = why.to_string();
    NotOrdered { kind: WhyNot::Forbidden, text: Names { zh: format!("无权限：{text}"), en: text }, next_open: None }
}

fn state_refusal(window: &Window, zh: &str, en: &str) -> Refused {
    let (id, state) = (&window.id, window.state.as_str());
    refuse(WhyNot::Conflict, &format!("窗口 {id}（{state}）{zh}"), &format!("the window {id} ({state}) {en}"))
}

fn too_long(span: Span, most: Millis) -> Result<(), Refused> {
    if span.len_ms() <= most {
        return Ok(());
    }
    let (length, most) = (people_length(span.len_ms()), people_length(most));
    let en = format!("{length} is longer than the {most} that are possible at most");
    Err(refuse(WhyNot::Senseless, &format!("时长 {length} 超过上限 {most}"), &en))
}

fn pending(window: &Window, amendment: Amendment) -> Result<Amendment, Refused> {
    if window.state.is_pending() {
        return Ok(amendment);
    }
    if window.state.is_running() {
        return Err(state_refusal(window, "已开始；请用 finish 或 abort", "has begun: use `finish` or `abort`"));
    }
    Err(state_refusal(window, "已结束", "is over"))
}

fn at_work(window: &Window, amendment: Amendment) -> Result<Amendment, Refused> {
    if matches!(window.state, WindowState::Entering | WindowState::Active) {
        return Ok(amendment);
    }
    Err(state_refusal(window, "并未在进行", "is not at work"))
}

fn finished(window: &Window, known: &window::lifecycle::Known) -> Result<Amendment, Refused> {
    use window::lifecycle::Service;
    match window.state {
        WindowState::Active => Ok(Amendment::Finished),
        WindowState::Stuck if known.service == Service::Bad => Err(state_refusal(
            window,
            "服务尚未恢复，恢复后再报告完工",
            "has subsystems that are not up yet; report it done once they are",
        )),
        WindowState::Stuck => Ok(Amendment::Finished),
        WindowState::Overrun => {
            Err(state_refusal(window, "服务恢复后会自动验证", "is verified by itself as soon as its subsystems are up"))
        }
        _ => Err(state_refusal(window, "并未在进行", "is not at work")),
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
