//! Filings: when a report to an authority may be due, who is told, and what people say about it.
//!
//! Not here: thresholds, the clock, and which mail is due (`filing`). Invariants: nothing leaves for an authority; what is told
//! is stored with it, so a restart neither doubles nor forgets; an outage that is over leaves its clock running, since the
//! duty stays; silences and windows hide none of it.

use super::orders::{Refused, forbidden, refuse};
use super::tell::AFFECTED_MAX;
use super::*;
use crate::domain::filing::{
    Act, BACK_MAX, CountsFrom, Duty, Filing, FilingFact, Outcome, Reached, Rules, Sheet, TO_MAX, Turn,
};
use crate::domain::incident::{Incident, Saying, is_outage};
use crate::domain::order::{Order, Ordered, WhyNot};
use crate::domain::timeline::Health;

/// An outage about which nobody was told yet may still turn out to be part of another.
const SETTLES: Millis = 2 * MINUTE;

/// Filings in a picture.
const SHEETS_MAX: usize = 200;

/// Notes of people in a sheet.
const NOTES_MAX: usize = 20;

impl Engine {
    /// Looks soon at what an incident may have to be reported for, if a fact is about that.
    pub(super) fn note_reportable(&mut self, fact: &Fact) {
        if self.inventory.filing.is_none() {
            return;
        }
        let (Fact::IncidentOpened { incident, .. }
        | Fact::IncidentReopened { incident, .. }
        | Fact::IncidentJoined { incident, .. }
        | Fact::IncidentTold { incident, .. }) = fact
        else {
            return;
        };
        // Thousands may join within a second.
        self.wakes.at(self.now + SECOND, Wake::Filing(*incident));
    }

    /// Sets everything that may have to be reported to be looked at now.
    pub(super) fn look_at_all_filings(&mut self) {
        let open = self.desk.open().filter(|i| is_outage(i.symptom)).map(|i| i.id);
        let all: Vec<IncidentId> = open.chain(self.filings.iter().map(|(id, _)| id)).collect();
        all.into_iter().for_each(|id| self.wakes.at(self.now, Wake::Filing(id)));
    }

    /// Suggests a grade, tells what is due, and sees to it that it is looked at again.
    pub(super) fn consider_filing(&mut self, out: &mut Output, id: IncidentId) {
        let Some(rules) = self.inventory.filing.clone() else { return };
        let mut next = self.suggest_grade(out, &rules, id);
        while let Some(turn) = self.filings.get(id).and_then(|filing| filing.due(self.now)) {
            self.tell_filing(out, &rules, id, turn);
        }
        next = next.into_iter().chain(self.filings.get(id).and_then(|filing| filing.next(self.now))).min();
        next.into_iter().for_each(|at| self.wakes.at(at, Wake::Filing(id)));
    }

    /// Records what the thresholds say of an incident; when to look again.
    fn suggest_grade(&mut self, out: &mut Output, rules: &Rules, id: IncidentId) -> Option<Timestamp> {
        let incident = self.desk.get(id).filter(|i| is_outage(i.symptom)).cloned()?;
        if incident.course.is_none() && self.now < incident.opened + SETTLES {
            return Some(incident.opened + SETTLES);
        }
        let failing = self.failing(&incident);
        if let Some(reached) = rules.reached(self.now, &failing).filter(|r| r.grade.is_reportable()) {
            let duty = rules.duty(failing.keys());
            if self.filings.get(id).is_none() {
                let known = known(rules, &incident, Some(&reached));
                self.open_filing(out, &incident, duty.clone(), known);
            }
            self.tighten(out, id, duty);
            if self.filings.get(id).is_some_and(|filing| filing.suggested < reached.grade) {
                let Reached { grade, why, .. } = reached;
                self.record_filing(out, id, FilingFact::Suggested { grade, why });
            }
        }
        rules.next(self.now, &failing)
    }

    fn open_filing(&mut self, out: &mut Output, incident: &Incident, duty: Duty, known: Timestamp) {
        let (subsystem, symptom, since) = (incident.subsystem.clone(), incident.symptom, incident.since);
        self.record_filing(out, incident.id, FilingFact::Opened { subsystem, symptom, since, duty, known });
    }

    /// Something with less time fails with it, or the files give it less.
    fn tighten(&mut self, out: &mut Output, id: IncidentId, duty: Duty) {
        let less = |filing: &&Filing| filing.is_open() && duty.within_ms < filing.duty.within_ms;
        if self.filings.get(id).filter(less).is_some() {
            self.record_filing(out, id, FilingFact::Tightened { duty });
        }
    }

    fn record_filing(&mut self, out: &mut Output, incident: IncidentId, event: FilingFact) {
        self.record(out, Fact::Filing { incident, event });
        self.picture.touch_runs();
    }

    /// Who fails with an incident since when; of a storm, its first one only while it is down itself.
    fn failing(&self, incident: &Incident) -> BTreeMap<SubsystemId, Timestamp> {
        let mut failing = incident.joined.clone();
        if incident.symptom != Symptom::Storm || self.watch.health(&incident.subsystem) == Health::Down {
            failing.insert(incident.subsystem.clone(), incident.since);
        }
        failing
    }

    fn tell_filing(&mut self, out: &mut Output, rules: &Rules, id: IncidentId, turn: Turn) {
        let Some(filing) = self.filings.get(id).cloned() else { return };
        let mut to = self.people(&rules.roster);
        if turn == Turn::Settled {
            to = filing.told.clone();
        }
        let sheet = Box::new(self.sheet(id, &filing));
        self.send(out, &thread(id), filing.sequence, &to, &Content::Filing { turn, sheet });
        let stage = filing.clock().stage(self.now);
        self.record_filing(out, id, FilingFact::Told { turn, stage, sequence: filing.sequence, to });
    }

    /// What a person did about a filing, or says about it.
    pub(super) fn file(
        &mut self,
        out: &mut Output,
        order: &Order,
        id: IncidentId,
        act: &Act,
    ) -> Result<Ordered, Refused> {
        let Some(rules) = self.inventory.filing.clone() else {
            let en = "gengfu.yaml has no section `filing`, so nothing is graded; see docs/reporting-duty.md";
            return Err(refuse(
                WhyNot::Conflict,
                "gengfu.yaml 没有 `filing` 一节，未启用上报；见 docs/reporting-duty.md",
                en,
            ));
        };
        let incident = self.desk.remembered(id).cloned();
        let root = match (self.filings.get(id), &incident) {
            (Some(filing), _) => filing.subsystem.clone(),
            (None, Some(incident)) if is_outage(incident.symptom) => incident.subsystem.clone(),
            (None, _) => {
                let en = format!("there is no outage {id} among the last ones; `gengfu incidents` lists them");
                return Err(refuse(WhyNot::Unknown, &format!("没有中断事件 {id}；用 `gengfu incidents` 查看"), &en));
            }
        };
        order.by.must_act_for(&root.owner()).map_err(forbidden)?;
        self.may_say(id, incident.as_ref(), &rules, act)?;
        if let (None, Some(incident)) = (self.filings.get(id), &incident) {
            let duty = rules.duty(self.failing(incident).keys());
            self.open_filing(out, incident, duty, known(&rules, incident, None));
        }
        let (by, text) = (order.by.actor(), order.reason.clone());
        self.record_filing(out, id, FilingFact::Said { act: act.clone(), by, text });
        self.wakes.at(self.now, Wake::Filing(id));
        let text = self.filings.get(id).map_or_else(Names::default, |filing| self.stands(filing));
        Ok(Ordered { subject: id.to_string(), state: None, span: None, text })
    }

    /// Whether an act makes sense.
    fn may_say(&self, id: IncidentId, incident: Option<&Incident>, rules: &Rules, act: &Act) -> Result<(), Refused> {
        let past = |at: Timestamp| {
            if at <= self.now && at >= self.now - BACK_MAX {
                return Ok(());
            }
            let en = "that time is in the future, or more than 30 days ago";
            Err(refuse(WhyNot::Senseless, "该时间在将来，或早于 30 天前", en))
        };
        match act {
            Act::Known { at } => {
                let ours = self.filings.get(id).map(|filing| filing.known);
                let ours = ours.or_else(|| incident.map(|i| known(rules, i, None)));
                if ours.is_some_and(|ours| *at > ours) {
                    let en = "we knew it earlier than that; only an earlier time can be stated";
                    return Err(refuse(WhyNot::Senseless, "本系统在此之前已获知；只能填写更早的时间", en));
                }
                past(*at)
            }
            Act::Reported { to, .. } if to.trim().is_empty() || to.chars().count() > TO_MAX => {
                let en = format!("say to whom it was sent, in 1 to {TO_MAX} characters");
                Err(refuse(WhyNot::Senseless, &format!("须写明报送对象，1 至 {TO_MAX} 字"), &en))
            }
            Act::Reported { at, .. } => past(*at),
            Act::Graded { .. } | Act::Dismissed => Ok(()),
        }
    }

    /// Where a filing stands, as an answer.
    fn stands(&self, filing: &Filing) -> Names {
        let people = |at, language| self.inventory.zone.people(at, language);
        let deadline = filing.clock().deadline();
        match &filing.outcome {
            Some(Outcome::Reported { at, to, .. }) => {
                let (late_zh, late_en) = if *at > deadline { ("，已逾期", ", late") } else { ("", "") };
                Names {
                    zh: format!("已记录：{} 报送{to}{late_zh}", people(*at, Language::Zh)),
                    en: format!("on record: sent to {to} at {}{late_en}", people(*at, Language::En)),
                }
            }
            Some(Outcome::NotDue { by, .. }) => Names {
                zh: format!("已记录：由 {by} 判定无须上报"),
                en: format!("on record: {by} judges that no report is due"),
            },
            None if !filing.is_open() => {
                Names { zh: "已记录；尚未研判级别".into(), en: "on record; nobody has graded it yet".into() }
            }
            None => Names {
                zh: format!("{}，须于 {} 前报送", filing.grade().text(Language::Zh), people(deadline, Language::Zh)),
                en: format!("{}: report by {}", filing.grade().text(Language::En), people(deadline, Language::En)),
            },
        }
    }

    /// For pages, newest first.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        let (open, settled): (Vec<_>, Vec<_>) = self.filings.iter().partition(|(_, filing)| filing.is_open());
        let all = open.into_iter().chain(settled).take(SHEETS_MAX);
        all.map(|(id, filing)| self.sheet(id, filing)).collect()
    }

    fn sheet(&self, id: IncidentId, filing: &Filing) -> Sheet {
        let root = &filing.subsystem;
        let incident = self.desk.remembered(id);
        let unknown = || Names { zh: root.to_string(), en: root.to_string() };
        let joined: Vec<(&SubsystemId, &Timestamp)> = incident.iter().flat_map(|i| &i.joined).collect();
        let words = incident.map(|i| i.words.as_slice()).unwrap_or_default();
        let notes: Vec<(Timestamp, String)> =
            words.iter().filter(|w| w.saying == Saying::Noted).map(|w| (w.at, w.text.clone())).collect();
        let rules = self.inventory.filing.as_deref();
        let clock = filing.clock();
        Sheet {
            incident: id,
            subsystem: root.clone(),
            name: self.inventory.subsystems.get(root).map_or_else(unknown, |s| s.name.clone()),
            owner: self.inventory.owners.get(&root.owner()).map_or_else(unknown, |o| o.name.clone()),
            unit: rules.map(|rules| rules.unit.clone()).unwrap_or_default(),
            symptom: filing.symptom,
            since: filing.since,
            until: incident.and_then(|i| i.until),
            seen: incident.and_then(|i| i.reason.clone()),
            affected: joined.iter().filter_map(|(id, at)| self.affected(id, **at)).take(AFFECTED_MAX).collect(),
            affected_total: joined.len(),
            people: rules.and_then(|r| r.people_of(joined.iter().map(|(id, _)| *id).chain([root]))),
            taken: incident.and_then(Incident::acknowledged).map(|word| word.by.name.clone()),
            notes: notes[notes.len().saturating_sub(NOTES_MAX)..].to_vec(),
            duty: filing.duty.clone(),
            grade: filing.grade(),
            graded_by: filing.graded.as_ref().map(|(_, by)| by.clone()),
            suggested: filing.suggested,
            why: filing.why.clone(),
            known: clock.known,
            stated: filing.stated.is_some(),
            outcome: filing.outcome.clone(),
            acts: filing.acts.clone(),
        }
    }
}

/// From when on the time counts, by our own knowledge: the opening mail, else the confirmation.
fn known(rules: &Rules, incident: &Incident, reached: Option<&Reached>) -> Timestamp {
    let told = incident.course.map_or(incident.opened, |course| course.opened);
    match (rules.counts_from, reached) {
        (CountsFrom::Grade, Some(reached)) => told.max(reached.at),
        _ => told,
    }
}

/// The thread of all mails about one filing.
fn thread(id: IncidentId) -> String {
    format!("filing-{id}")
}
