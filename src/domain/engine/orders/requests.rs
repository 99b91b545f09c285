//! Windows that are in no file: requests, and overrides for what cannot wait.
//!
//! Invariants: the id follows from what is asked for, by whom and when; a request that policy denies makes no window; an
//! override names a ticket and lasts a day at most.

use super::refusals::{Refused, forbidden, refuse, too_long};
use super::*;
use crate::domain::order::Request;
use crate::domain::policy::Obstacle;
use crate::domain::window::{Definition, Emergency, HORIZON_MS, LENGTH_MAX, window_id};
use sha2::Digest;

/// The longest time that an override is good for.
pub(super) const OVERRIDE_MAX: Millis = 24 * HOUR;

/// The shortest window that somebody may ask for.
const LENGTH_MIN: Millis = MINUTE;

/// Most subsystems of one request.
const SCOPE_MAX: usize = 500;

impl Engine {
    pub(super) fn request(&mut self, out: &mut Output, order: &Order, asked: &Request) -> Result<Ordered, Refused> {
        order.by.must_act_for(&asked.owner).map_err(forbidden)?;
        let scope = self.known_scope(&asked.scope)?;
        if !self.inventory.owners.contains_key(&asked.owner) {
            let en = format!("there is no owner {}", asked.owner);
            return Err(refuse(WhyNot::Unknown, &format!("没有单位 {}", asked.owner), &en));
        }
        self.in_range(asked.span)?;
        let (name, notice) = (asked.name.clone(), asked.notice.clone());
        let plan = self.plan_asked_for(order, asked)?;
        let definition = Definition { owner: asked.owner.clone(), name, scope, notice, policy: None, plan };
        let (id, schedule) = self.name_of(&definition, asked.span, &order.by);
        self.judged(&Window::new(&id, &schedule, asked.span, definition.clone()))?;
        self.enter(out, order, id, schedule, definition, asked.span, None)
    }

    pub(super) fn overrule(
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
    pub(super) fn in_range(&self, span: Span) -> Result<(), Refused> {
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

    /// Whether policy admits a window, apart from approvals and notice.
    pub(super) fn judged(&self, window: &Window) -> Result<(), Refused> {
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
