//! Leases of the gate: taken, used once, given back. The gate is asked again when a lease is used.
//!
//! Not here: what the gate says (`gate`). Invariant: of two changes on one subsystem the second waits.

use super::orders::{forbidden, refuse};
use super::*;
use crate::domain::access::{Caller, Scope};
use crate::domain::gate::{GateAnswer, gate_now};
use crate::domain::lease::{Lease, USE_WITHIN};
use crate::domain::order::{NotOrdered, Order, Ordered, Wanted, WhyNot};

impl Engine {
    /// Whether the gate opens for a subsystem, by the present book.
    fn gate(&self, id: &SubsystemId, span: Span) -> GateAnswer {
        let of_it = self.book.iter().filter(|w| w.definition.scope.contains(id));
        let views: Vec<WindowView> = of_it.map(picture::window_view).collect();
        gate_now(&self.inventory, &views, id, span, self.clock_is_doubtful().as_ref())
    }

    pub(super) fn lease(&mut self, out: &mut Output, order: &Order) -> Result<Ordered, NotOrdered> {
        match &order.what {
            Wanted::TakeLease { subsystem, lasts_ms, lease } => {
                self.take_lease(out, &order.by, subsystem, *lasts_ms, lease)
            }
            Wanted::UseLease(lease) => self.use_lease(out, &order.by, lease),
            Wanted::ReleaseLease(lease) => self.release_lease(out, &order.by, lease),
            _ => Err(refuse(WhyNot::Senseless, "不是通行证指令", "this is no order about a lease")),
        }
    }

    fn take_lease(
        &mut self,
        out: &mut Output,
        by: &Caller,
        id: &SubsystemId,
        lasts_ms: Millis,
        lease: &str,
    ) -> Result<Ordered, NotOrdered> {
        by.must(Scope::Operate).map_err(forbidden)?;
        if !self.inventory.subsystems.contains_key(id) {
            return Err(refuse(WhyNot::Unknown, &format!("没有子系统 {id}"), &format!("there is no subsystem {id}")));
        }
        by.must_act_for(&id.owner()).map_err(forbidden)?;
        self.opens(id, lasts_ms)?;
        self.is_free(id)?;
        let (subsystem, by) = (id.clone(), by.actor());
        self.record(out, Fact::LeaseGranted { lease: lease.to_owned(), subsystem, lasts_ms, by });
        let until = self.inventory.zone.people(self.now + USE_WITHIN, Language::En);
        let text = Names {
            zh: format!(
                "{id} 可变更；请在 {} 前使用通行证，只能用一次",
                self.inventory.zone.people(self.now + USE_WITHIN, Language::Zh)
            ),
            en: format!("{id} may be changed; use the lease by {until}, once"),
        };
        Ok(Ordered { subject: id.to_string(), state: None, span: Some(Span::lasting(self.now, USE_WITHIN)), text })
    }

    fn use_lease(&mut self, out: &mut Output, by: &Caller, hash: &str) -> Result<Ordered, NotOrdered> {
        let lease = self.own_lease(by, hash)?;
        if let Some(used) = lease.used {
            let (zh, en) = self.times(used);
            let (zh, en) =
                (format!("通行证已于 {zh} 用过，请重新申请"), format!("the lease was used at {en}; take another one"));
            return Err(refuse(WhyNot::Conflict, &zh, &en));
        }
        if self.now >= lease.until() {
            let (zh, en) = self.times(lease.until());
            let (zh, en) =
                (format!("通行证已于 {zh} 失效，请重新申请"), format!("the lease expired at {en}; take another one"));
            return Err(refuse(WhyNot::Conflict, &zh, &en));
        }
        let span = self.opens(&lease.subsystem, lease.lasts_ms)?;
        self.record(out, Fact::LeaseUsed { lease: hash.to_owned() });
        let (zh, en) = self.times(span.end);
        let text = Names {
            zh: format!("变更开始，须于 {zh} 前完成"),
            en: format!("the change begins; be done by {en}"),
        };
        Ok(Ordered { subject: lease.subsystem.to_string(), state: None, span: Some(span), text })
    }

    fn release_lease(&mut self, out: &mut Output, by: &Caller, hash: &str) -> Result<Ordered, NotOrdered> {
        let lease = self.own_lease(by, hash)?;
        if lease.released.is_none() {
            self.record(out, Fact::LeaseReleased { lease: hash.to_owned() });
        }
        let text = Names { zh: "通行证已交还".into(), en: "the lease is given back".into() };
        Ok(Ordered { subject: lease.subsystem.to_string(), state: None, span: None, text })
    }

    fn own_lease(&self, by: &Caller, hash: &str) -> Result<Lease, NotOrdered> {
        let lease = self.leases.get(hash).filter(|l| l.holder == by.name).cloned();
        lease.ok_or_else(|| {
            let en = "you hold no such lease; it may be over, take another one";
            refuse(WhyNot::Unknown, "您没有这张通行证，或早已失效", en)
        })
    }

    /// The gate's answer for a change that begins now.
    fn opens(&self, id: &SubsystemId, lasts_ms: Millis) -> Result<Span, NotOrdered> {
        let span = Span::lasting(self.now, lasts_ms);
        let answer = self.gate(id, span);
        if answer.allow {
            return Ok(span);
        }
        let (mut zh, mut en) = (format!("{id} 现在不得变更"), format!("{id} may not be changed now"));
        for reason in answer.reasons.iter().take(3) {
            zh += &format!("；{}", reason.text.zh);
            en += &format!("; {}", reason.text.en);
        }
        Err(NotOrdered { kind: WhyNot::Denied, text: Names { zh, en }, next_open: answer.next_open })
    }

    fn is_free(&self, id: &SubsystemId) -> Result<(), NotOrdered> {
        let Some(other) = self.leases.live(self.now).find(|l| l.subsystem == *id) else { return Ok(()) };
        let (zh, en) = self.times(other.until());
        let text = Names {
            zh: format!("{} 正在变更 {id}，至 {zh}", other.holder),
            en: format!("{} is changing {id}, until {en}", other.holder),
        };
        Err(NotOrdered { kind: WhyNot::Conflict, text, next_open: Some(other.until()) })
    }

    fn times(&self, at: Timestamp) -> (String, String) {
        let zone = &self.inventory.zone;
        (zone.people(at, Language::Zh), zone.people(at, Language::En))
    }
}
