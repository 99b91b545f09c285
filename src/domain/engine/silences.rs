//! Orders about silences, and whom they spare.
//!
//! Not here: what a silence fits (`silence`). Invariants: somebody is told of every page: when a silence spares all who are
//! on duty, the next rung is told, and they themselves if there is nobody else.

use super::orders::{Refused, forbidden, refuse};
use super::*;
use crate::domain::incident::Incident;
use crate::domain::order::{Order, Ordered, WhyNot};
use crate::domain::policy::people_length;
use crate::domain::silence::{Matcher, SILENCE_MAX, SILENCES_MAX, Silence, SilenceId, can_be_silenced};

impl Engine {
    pub(super) fn silence(
        &mut self,
        out: &mut Output,
        order: &Order,
        matches: &Matcher,
        lasts_ms: Millis,
    ) -> Result<Ordered, Refused> {
        self.may_silence(order, matches, lasts_ms)?;
        let (id, span) = (self.silences.next_id(), Span::lasting(self.now, lasts_ms));
        let (matches, by, reason) = (matches.clone(), order.by.actor(), order.reason.clone());
        let until = |language| self.inventory.zone.people(span.end, language);
        let text = Names {
            zh: format!("{id} 生效至 {}；关闭通知、超时与窗外维护不受影响", until(Language::Zh)),
            en: format!(
                "{id} holds until {}; closings, overruns and undeclared maintenance are told all the same",
                until(Language::En)
            ),
        };
        let silence = Box::new(Silence { id, matches, span, by, reason, lifted: None });
        self.record(out, Fact::Silenced { silence });
        Ok(Ordered { subject: id.to_string(), state: None, span: Some(span), text })
    }

    fn may_silence(&self, order: &Order, matches: &Matcher, lasts_ms: Millis) -> Result<(), Refused> {
        if matches.is_empty() {
            let en = "say what to silence: an owner, a subsystem, a symptom or a person";
            return Err(refuse(WhyNot::Senseless, "须指明单位、子系统、症状或人员", en));
        }
        if let Some(symptom) = matches.symptom.filter(|symptom| !can_be_silenced(*symptom)) {
            let en = format!("{} cannot be silenced: it is always told", symptom.as_str());
            return Err(refuse(WhyNot::Senseless, &format!("{} 不可静默，始终通知", symptom.as_str()), &en));
        }
        if !(MINUTE..=SILENCE_MAX).contains(&lasts_ms) {
            let most = people_length(SILENCE_MAX);
            let en = format!("a silence lasts 1m to {most}");
            return Err(refuse(WhyNot::Senseless, &format!("静默时长为 1m 至 {most}"), &en));
        }
        if self.silences.holding(self.now).count() >= SILENCES_MAX {
            let en = format!("{SILENCES_MAX} silences hold already; lift some");
            return Err(refuse(WhyNot::Conflict, &format!("生效中的静默已达 {SILENCES_MAX} 个"), &en));
        }
        let known = |found: bool, what: String| {
            let en = format!("there is no {what}");
            if found { Ok(()) } else { Err(refuse(WhyNot::Unknown, &format!("没有 {what}"), &en)) }
        };
        if let Some(owner) = &matches.owner {
            known(self.inventory.owners.contains_key(owner), format!("owner {owner}"))?;
        }
        if let Some(id) = &matches.subsystem {
            known(self.inventory.subsystems.contains_key(id), format!("subsystem {id}"))?;
        }
        match (&matches.owner, &matches.subsystem, &order.by.owner) {
            (Some(owner), ..) => order.by.must_act_for(owner).map_err(forbidden),
            (None, Some(id), _) => order.by.must_act_for(&id.owner()).map_err(forbidden),
            (None, None, Some(own)) => {
                let en = format!("{} acts for `{own}`: name that owner, too", order.by.name);
                Err(refuse(WhyNot::Forbidden, &format!("须同时指明单位 {own}"), &en))
            }
            (None, None, None) => Ok(()),
        }
    }

    pub(super) fn lift(&mut self, out: &mut Output, order: &Order, id: SilenceId) -> Result<Ordered, Refused> {
        let Some(silence) = self.silences.holding(self.now).find(|s| s.id == id).cloned() else {
            let en = format!("{id} does not hold; `gengfu silence list` lists those that do");
            return Err(refuse(WhyNot::Unknown, &format!("{id} 未在生效；用 `gengfu silence list` 查看"), &en));
        };
        let owner = silence.matches.owner.or_else(|| silence.matches.subsystem.map(|s| s.owner()));
        if let (None, Some(own)) = (&owner, &order.by.owner) {
            let en = format!("{} acts for `{own}`, and {id} is about more", order.by.name);
            return Err(refuse(WhyNot::Forbidden, &format!("{id} 不限于单位 {own}"), &en));
        }
        owner.map_or(Ok(()), |owner| order.by.must_act_for(&owner)).map_err(forbidden)?;
        let (by, reason) = (order.by.actor(), order.reason.clone());
        self.record(out, Fact::SilenceLifted { silence: id, by, reason });
        self.look_at_all_incidents();
        let text = Names { zh: format!("{id} 已解除"), en: format!("{id} is lifted") };
        Ok(Ordered { subject: id.to_string(), state: None, span: None, text })
    }

    /// Until when mails about an incident wait for a silence to end; at most an hour ahead.
    pub(super) fn silenced_until(&self, incident: &Incident) -> Option<Timestamp> {
        let until = self.silences.hides(self.now, &incident.subsystem, incident.symptom)?;
        Some(until.min(self.now + HOUR))
    }

    /// Those who are not spared by a silence; all, if that were nobody.
    pub(super) fn not_spared(&self, incident: &Incident, to: Vec<Recipient>) -> Vec<Recipient> {
        let spared = |one: &Recipient| self.silences.spares(self.now, &one.mail, &incident.subsystem, incident.symptom);
        if !to.iter().any(spared) {
            return to;
        }
        let left: Vec<Recipient> = to.iter().filter(|one| !spared(one)).cloned().collect();
        if !left.is_empty() {
            return left;
        }
        let owner = incident.subsystem.owner();
        let rungs = (1..).map_while(|rung| self.inventory.on_call(&owner, rung, self.now));
        let mut rungs = rungs.map(|next| next.iter().map(Recipient::from).filter(|one| !spared(one)).collect());
        rungs.find(|next: &Vec<Recipient>| !next.is_empty()).unwrap_or(to)
    }

    /// Sets every open incident to be looked at now.
    pub(super) fn look_at_all_incidents(&mut self) {
        for (id, untold) in self.desk.open().map(|i| (i.id, i.told.is_empty())).collect::<Vec<_>>() {
            if untold {
                self.wakes.at(self.now, Wake::Tell(id));
            }
            self.wakes.at(self.now, Wake::Follow(id));
        }
    }
}
