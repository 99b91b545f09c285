//! Words of people about incidents: who has it, to whom it is handed over, and notes for the next one on duty.
//!
//! Not here: what words mean (`incident::word`). Invariants: a word changes nobody's figures and no timeline; it is stored
//! before it is answered; an owner's people speak about incidents alone that hit something of theirs.

use super::orders::{Refused, forbidden, refuse};
use super::*;
use crate::domain::incident::{Incident, Saying, WORDS_MAX};
use crate::domain::order::{Order, Ordered, WhyNot};

impl Engine {
    pub(super) fn say(
        &mut self,
        out: &mut Output,
        order: &Order,
        id: IncidentId,
        saying: Saying,
        to: Vec<Recipient>,
    ) -> Result<Ordered, Refused> {
        let Some(incident) = self.desk.remembered(id) else {
            let en = format!("there is no incident {id} among the last ones; `gengfu incidents` lists them");
            return Err(refuse(WhyNot::Unknown, &format!("没有事件 {id}；用 `gengfu incidents` 查看"), &en));
        };
        if !order.by.owner.as_ref().is_some_and(|own| incident.hits(own)) {
            order.by.must_act_for(&incident.subsystem.owner()).map_err(forbidden)?;
        }
        if incident.words.len() >= WORDS_MAX {
            let en = format!("{WORDS_MAX} words were said about {id}, no more are kept");
            return Err(refuse(WhyNot::Conflict, &format!("{id} 的记录已满 {WORDS_MAX} 条"), &en));
        }
        let text = match saying {
            Saying::Acknowledged => taken_by(incident, &order.by.name)?,
            Saying::HandedOver if incident.until.is_some() => return Err(over(incident)),
            Saying::HandedOver => handed_to(incident, &to),
            Saying::Noted => Names { zh: "已记录".into(), en: "noted".into() },
        };
        let (by, words) = (order.by.actor(), order.reason.clone());
        self.record(out, Fact::IncidentSaid { incident: id, saying, by, text: words, to });
        self.wakes.at(self.now, Wake::Follow(id));
        Ok(Ordered { subject: id.to_string(), state: None, span: None, text })
    }

    /// Makes an incident somebody else's; nobody has it until they confirm that.
    pub(super) fn hand_over(
        &mut self,
        out: &mut Output,
        order: &Order,
        id: IncidentId,
        to: &str,
    ) -> Result<Ordered, Refused> {
        let people = self.inventory.people_called(to, self.now);
        let mut found: Vec<Recipient> = Vec::new();
        for one in people.iter().map(Recipient::from) {
            if !found.contains(&one) {
                found.push(one);
            }
        }
        if found.is_empty() {
            let en = format!("no roster has {to:?}; say a roster, or the id, name or address of somebody on one");
            let zh = format!("值班名单中没有“{to}”；请写名单编号，或名单上某人的编号、名称或地址");
            return Err(refuse(WhyNot::Unknown, &zh, &en));
        }
        self.say(out, order, id, Saying::HandedOver, found)
    }
}

/// Whether somebody may take an incident, and from whom it is taken.
fn taken_by(incident: &Incident, name: &str) -> Result<Names, Refused> {
    if incident.until.is_some() {
        return Err(over(incident));
    }
    match incident.acknowledged() {
        Some(word) if word.by.name == name => {
            let (zh, en) = (format!("您已确认接手 {}", incident.id), format!("you have {} already", incident.id));
            Err(refuse(WhyNot::Conflict, &zh, &en))
        }
        Some(word) => {
            let former = &word.by.name;
            Ok(Names {
                zh: format!("由 {name} 从 {former} 接手"), en: format!("{name} takes it over from {former}")
            })
        }
        None => Ok(Names { zh: format!("由 {name} 接手"), en: format!("{name} has it") }),
    }
}

fn over(incident: &Incident) -> Refused {
    let en = format!("{} is over; what is left to say about it is a note", incident.id);
    refuse(WhyNot::Conflict, &format!("{} 已关闭；可添加备注", incident.id), &en)
}

fn handed_to(incident: &Incident, to: &[Recipient]) -> Names {
    let names: Vec<&str> = to.iter().map(|one| one.name.as_str()).collect();
    Names {
        zh: format!("{} 已移交 {}，待对方确认", incident.id, names.join("、")),
        en: format!("{} is handed over to {}, who must confirm it", incident.id, names.join(", ")),
    }
}
