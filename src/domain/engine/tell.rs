//! Who is told what: openings, closings, announcements. The message rows are stored together with the facts.

use super::*;
use crate::domain::incident::{Incident, Turn};
use crate::domain::window::Window;
use std::collections::BTreeSet;

/// Most affected subsystems that one message lists.
pub(super) const AFFECTED_MAX: usize = 50;

impl Engine {
    /// The opening mail of an incident, once its time to settle is over.
    pub(super) fn tell_opening(&mut self, out: &mut Output, id: IncidentId) {
        let Some(incident) = self.desk.get(id).cloned() else { return };
        if !incident.told.is_empty() {
            return;
        }
        if let Some(at) = self.held_by_storm(&incident) {
            return self.wakes.at(at, Wake::Tell(id));
        }
        if let Some(at) = self.silenced_until(&incident) {
            return self.wakes.at(at, Wake::Tell(id));
        }
        let to = self.audience(&incident);
        let say: fn(IncidentNews) -> Content = if incident.reopened { Content::Reopened } else { Content::Opened };
        self.send_news(out, &incident, &to, None, say);
        self.record(out, Fact::IncidentTold { incident: id, sequence: incident.sequence, to, turn: None });
        self.follow(out, id);
    }

    /// Everybody who is to hear of an incident: who was told, who is on duty for its root, and who is at work beside it;
    /// of a storm, who is on duty for any of those who belong to it.
    pub(super) fn audience(&self, incident: &Incident) -> Vec<Recipient> {
        let owners = answering(incident);
        let on_duty = owners.iter().filter_map(|owner| self.inventory.on_call(owner, 0, self.now)).flatten();
        let mut to = incident.told.clone();
        let mut add = |one: Recipient| {
            if !to.contains(&one) {
                to.push(one)
            }
        };
        on_duty.map(|contact| Recipient::from(&contact)).for_each(&mut add);
        incident.handed_over().iter().flat_map(|word| &word.to).cloned().for_each(&mut add);
        self.people_beside(&incident.subsystem, &[]).into_iter().for_each(&mut add);
        self.not_spared(incident, to)
    }

    /// The closing mail, to those who got the opening.
    pub(super) fn tell_closing(&mut self, out: &mut Output, incident: &Incident, until: Timestamp) {
        if incident.told.is_empty() {
            return;
        }
        self.send_news(out, incident, &incident.told, Some(until), Content::Closed);
        let (incident, sequence) = (incident.id, incident.sequence);
        self.record(out, Fact::IncidentTold { incident, sequence, to: Vec::new(), turn: None });
    }

    /// The opening of an incident for the fallback roster, too: nobody else has mended it.
    pub(super) fn tell_fallback(&mut self, out: &mut Output, id: IncidentId) {
        let Some(incident) = self.desk.get(id).cloned() else { return };
        let fallback = self.people(&self.inventory.fallback).into_iter();
        let to: Vec<Recipient> = fallback.filter(|r| !incident.told.contains(r)).collect();
        if to.is_empty() {
            return;
        }
        self.send(out, &id.to_string(), incident.sequence, &to, &Content::Opened(self.news(&incident, None)));
        let turn = Some(Turn::Escalated);
        self.record(out, Fact::IncidentTold { incident: id, sequence: incident.sequence, to, turn });
    }

    /// Tells the owner of a dependant, once, that what it needs is in a valid window.
    pub(super) fn inform_dependant(&mut self, out: &mut Output, root: &SubsystemId, dependant: &SubsystemId) {
        let Some(window) = self.book.covering(root).cloned() else { return };
        if window.informed.contains(dependant) {
            return;
        }
        let to: Vec<Recipient> = self.on_duty(&dependant.owner());
        let affected = self.affected(dependant, self.now).into_iter().collect();
        let content = Content::DependencyInMaintenance { window: self.announced(&window), affected };
        self.send(out, &format!("window-{}-{}", window.id, dependant.as_str().replace('/', "-")), 0, &to, &content);
        self.record(out, Fact::DependantsTold { window: window.id, subsystem: dependant.clone() });
    }

    /// Tells the administrators that a set of files was refused, once for each text; the audit log has also whoever
    /// asked again.
    pub(super) fn refused(&mut self, out: &mut Output, text: String, by: Actor) {
        let known = self.reload_refused.as_deref() == Some(text.as_str());
        if !known || !by.is_ourselves() {
            // The first problem and its place.
            let first: Vec<&str> = text.lines().take(2).map(str::trim).collect();
            out.audit.push(AuditEntry::refused(self.now, by, "reload", "", "", &first.join(" ")));
        }
        if known {
            return;
        }
        let to = self.people(&self.admins);
        let thread = format!("reload-{}", self.now.0);
        self.send(out, &thread, 0, &to, &Content::ReloadRefused { text: text.chars().take(16 * 1024).collect() });
        self.reload_refused = Some(text.into());
    }

    /// Whoever is on duty for an owner now.
    pub(super) fn on_duty(&self, owner: &OwnerId) -> Vec<Recipient> {
        self.inventory.contacts(owner, self.now).iter().map(Recipient::from).collect()
    }

    /// Whoever is on duty on a roster now.
    pub(super) fn people(&self, id: &RosterId) -> Vec<Recipient> {
        self.inventory.contacts_on(id, self.now).iter().map(Recipient::from).collect()
    }

    /// Puts one row for each recipient into the outbox.
    pub(super) fn send(&self, out: &mut Output, thread: &str, sequence: u32, to: &[Recipient], content: &Content) {
        let incident = IncidentId::of_thread(thread).and_then(|id| self.desk.remembered(id));
        let can_wait = content.incident().is_some_and(|n| n.severity == Severity::Ticket && n.tier == Tier::Three);
        out.messages.extend(to.iter().map(|to| {
            let first = incident.map_or(0, |incident| incident.entered(to, sequence));
            let row = Message::new(thread.to_owned(), sequence, to.clone(), self.now, MESSAGE_LIFE, content.clone());
            row.since(first).held_until(self.next_quiet_digest(&to.mail).filter(|_| can_wait))
        }));
    }

    /// When an address gets its next quiet digest, if it wants one.
    fn next_quiet_digest(&self, mail: &str) -> Option<Timestamp> {
        let at = self.inventory.digest_at(mail)?;
        let zone = &self.inventory.zone;
        let today = zone.date(self.now);
        let next = [today, civil::day_after(today)].map(|date| zone.instant(date.to_datetime(at)));
        next.into_iter().find(|at| *at > self.now)
    }

    pub(super) fn announced(&self, window: &Window) -> AnnouncedWindow {
        let named = |id: &SubsystemId| Some((id.clone(), self.inventory.subsystems.get(id)?.name.clone()));
        AnnouncedWindow {
            window: window.id.clone(),
            name: window.definition.name.clone(),
            span: window.span,
            scope: window.definition.scope.iter().filter_map(named).take(AFFECTED_MAX).collect(),
            notice: window.definition.notice.clone(),
            about: Some(window.about()),
            version: window.version,
            former: window.formerly(),
            dependants: self.dependants_of(window),
            goes_on: self.goes_on_beside(window),
            emergency: window.emergency.clone(),
        }
    }

    /// Those outside the scope that cannot do without it.
    fn dependants_of(&self, window: &Window) -> Vec<(SubsystemId, Names)> {
        let scope = &window.definition.scope;
        let needed_by = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let hard = |id: &&SubsystemId| {
            let needs = self.inventory.subsystems.get(*id).map(|s| &s.depends_on);
            let alone = |need: &Dependency| matches!(need, Dependency::One(on) if scope.contains(on));
            needs.is_some_and(|needs| needs.iter().any(alone)) && !scope.contains(*id)
        };
        let found: BTreeSet<&SubsystemId> = needed_by.filter(hard).collect();
        let named = |id: &&SubsystemId| Some(((*id).clone(), self.inventory.subsystems.get(*id)?.name.clone()));
        found.iter().filter_map(named).take(AFFECTED_MAX).collect()
    }

    /// What of the owner's is neither in the scope nor in need of it.
    fn goes_on_beside(&self, window: &Window) -> Vec<(SubsystemId, Names)> {
        let scope = &window.definition.scope;
        let needs_it = |s: &Subsystem| s.depends_on.iter().flat_map(Dependency::members).any(|on| scope.contains(on));
        let own = self.inventory.subsystems.values().filter(|s| s.id.owner() == window.definition.owner);
        let going_on = own.filter(|s| !scope.contains(&s.id) && !needs_it(s));
        going_on.map(|s| (s.id.clone(), s.name.clone())).take(AFFECTED_MAX).collect()
    }

    pub(super) fn affected(&self, id: &SubsystemId, since: Timestamp) -> Option<Affected> {
        let name = self.inventory.subsystems.get(id)?.name.clone();
        Some(Affected { subsystem: id.clone(), name, since })
    }

    pub(super) fn news(&self, incident: &Incident, until: Option<Timestamp>) -> IncidentNews {
        let id = &incident.subsystem;
        let subsystem = self.inventory.subsystems.get(id);
        let owner = self.inventory.owners.get(&id.owner());
        let promise = subsystem.and_then(|s| self.promise_of(s));
        let joined = incident.joined.iter().filter_map(|(id, since)| self.affected(id, *since));
        let window = incident.window.as_ref().and_then(|w| self.book.get(w));
        let ours = incident.symptom == Symptom::Blind;
        let unknown = || Names { zh: id.to_string(), en: id.to_string() };
        let seen = subsystem.map(|s| self.watch.evidence(s)).unwrap_or_default();
        let said = incident.reason.iter().filter(|_| ours).map(|reason| Evidence {
            probe: ProbeId::of(id, "witnesses"),
            at: incident.since,
            reason: reason.clone(),
        });
        let is_storm = incident.symptom == Symptom::Storm;
        IncidentNews {
            incident: incident.id,
            symptom: incident.symptom,
            severity: incident.severity,
            subsystem: id.clone(),
            name: subsystem.map_or_else(|| if ours { our_names() } else { unknown() }, |s| s.name.clone()),
            owner: owner.map_or_else(|| if ours { ourselves() } else { unknown() }, |o| o.name.clone()),
            tier: subsystem.map_or(Tier::Three, |s| s.tier),
            since: incident.since,
            until,
            evidence: seen.into_iter().chain(said).collect(),
            affected: joined.take(AFFECTED_MAX).collect(),
            // Once a storm is over nobody fails with it; how far it went is who was named.
            affected_total: if is_storm && until.is_some() { incident.named.len() } else { incident.joined.len() },
            budget_left_ms: promise.as_ref().map(|p| p.left_ms),
            target_ppm: promise.as_ref().map(|p| p.target_ppm),
            burn_milli: (incident.symptom == Symptom::SlaAtRisk).then(|| self.burn_milli(id)).flatten(),
            window: incident.window.clone(),
            window_end: window.map(|w| w.span.end),
            attribution: incident.attribution.clone(),
            beside: self.maintenance_beside(id).map(|w| w.id.clone()),
            // Of a storm, the first one's day, work and page say nothing about the others.
            lately: if is_storm { None } else { self.lately(id) },
            recent: if is_storm { Vec::new() } else { self.recent_work(id, incident.window.as_ref()) },
            runbook: self.inventory.runbook(id).filter(|_| !is_storm).map(str::to_owned),
            taken: incident.acknowledged().map(|word| (word.by.name.clone(), word.at)),
            unstable: incident.unstable,
            raised: false,
            handed: incident.handed_over().map(|word| Box::new(HandedOver::of(word))),
        }
    }
}

/// Whose people answer for an incident: the root's; of a storm, those of everybody who belongs to it.
pub(super) fn answering(incident: &Incident) -> BTreeSet<OwnerId> {
    let mut owners = BTreeSet::from([incident.subsystem.owner()]);
    if incident.symptom == Symptom::Storm {
        owners.extend(incident.joined.keys().map(SubsystemId::owner));
    }
    owners
}
