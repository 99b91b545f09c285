//! When much goes bad at once: pages wait a moment, and become one incident with a table.
//!
//! Not here: whether we can see at all (`blindness`). Invariants: pages are held for at most a minute, tier 1 too; what has
//! one cause is told as that, as soon as it is clear; what was told before the storm keeps its own incident.

use super::tell::AFFECTED_MAX;
use super::*;
use crate::domain::incident::{Condition, Incident, Root, root_of};
use crate::domain::timeline::Health;
use std::collections::{BTreeSet, VecDeque};

/// A storm: at least so many subsystems …
const SUBSYSTEMS_MIN: usize = 10;
/// … and at least this share of them in percent …
const SHARE_PERCENT: usize = 30;
/// … go bad within this time.
const WITHIN: Millis = MINUTE;

/// Pages wait for at most so long.
const HOLD_MAX: Millis = MINUTE;

/// What goes bad within this time of the last sign of a storm belongs to it.
const RAGES: Millis = 2 * MINUTE;

/// A share of those that were tried within this time tells before all were tried.
const SAMPLE: Millis = 5 * SECOND;

/// First bad results and attempts of the last minute, in steps of a second; memory only.
#[derive(Debug, Default)]
pub(super) struct Storm {
    /// Second, scheduled attempts, those of them that were the first bad ones.
    seconds: VecDeque<(i64, usize, usize)>,
    /// Until when pages wait.
    held_until: Option<Timestamp>,
    /// Until when what goes bad belongs to it.
    rages_until: Option<Timestamp>,
}

impl Storm {
    /// Counts a scheduled attempt; true if a storm is seen.
    fn count(&mut self, now: Timestamp, turned_bad: bool, watched: usize) -> bool {
        let second = now.0.div_euclid(SECOND);
        while self.seconds.front().is_some_and(|(at, ..)| *at <= second - WITHIN / SECOND) {
            self.seconds.pop_front();
        }
        match self.seconds.back_mut() {
            Some((at, tried, bad)) if *at == second => {
                *tried += 1;
                *bad += usize::from(turned_bad);
            }
            _ => self.seconds.push_back((second, 1, usize::from(turned_bad))),
        }
        if !turned_bad {
            return false;
        }
        let all: usize = self.seconds.iter().map(|(_, _, bad)| bad).sum();
        let sample = self.seconds.iter().filter(|(at, ..)| *at > second - SAMPLE / SECOND);
        let (tried, bad) = sample.fold((0, 0), |(t, b), (_, tried, bad)| (t + tried, b + bad));
        is_storm(all, watched) || is_storm(bad, tried)
    }

    /// Whether pages wait.
    fn holds(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Whether what goes bad belongs to it.
    fn rages(&self, now: Timestamp) -> bool {
        self.rages_until.is_some_and(|until| now < until)
    }
}

fn is_storm(bad: usize, of: usize) -> bool {
    bad >= SUBSYSTEMS_MIN && bad * 100 >= of * SHARE_PERCENT
}

/// What a storm takes in; overruns and undeclared maintenance say something else.
fn belongs(symptom: Symptom) -> bool {
    matches!(symptom, Symptom::Down | Symptom::Degraded)
}

impl Engine {
    /// Counts an attempt of a critical probe that met its tick.
    pub(super) fn watch_for_storm(&mut self, out: &mut Output, turned_bad: bool) {
        let watched = self.inventory.subsystems.len();
        if !self.storm.count(self.now, turned_bad, watched) {
            return;
        }
        if !self.storm.rages(self.now) {
            self.storm.held_until = Some(self.now + HOLD_MAX);
            self.gather(out);
        }
        self.storm.rages_until = Some(self.now + RAGES);
    }

    /// Until when the opening mail of an incident waits for a storm to settle.
    pub(super) fn held_by_storm(&self, incident: &Incident) -> Option<Timestamp> {
        let waits = belongs(incident.symptom) && self.storm.holds(self.now);
        waits.then_some(self.storm.held_until).flatten()
    }

    /// Lets an outage belong to the storm that rages, if one does; false if it stands for itself.
    pub(super) fn storms(
        &mut self,
        out: &mut Output,
        subsystem: &Subsystem,
        known: &Condition,
        symptom: Symptom,
    ) -> bool {
        if !belongs(symptom) || !self.storm.rages(self.now) {
            return false;
        }
        match self.desk.storm() {
            Some(storm) => self.join(out, storm.id, &subsystem.id, known.since),
            None if self.storm.holds(self.now) => self.open_storm(out, &subsystem.id, known.since),
            None => return false,
        }
        self.supersede(out, &subsystem.id);
        true
    }

    fn open_storm(&mut self, out: &mut Output, id: &SubsystemId, since: Timestamp) {
        let reason = self.inventory.subsystems.get(id).and_then(|s| self.watch.evidence(s).into_iter().next());
        let opened = Fact::IncidentOpened {
            incident: self.desk.next_id(),
            subsystem: id.clone(),
            symptom: Symptom::Storm,
            severity: Severity::Page,
            since,
            window: None,
            reason: reason.map(|evidence| evidence.reason),
            attribution: None,
        };
        self.record(out, opened);
        self.picture.touch(Some(id.clone()));
        self.gather(out);
        // Soon it is clear whether all this has one cause; if not, more is to come.
        self.wakes.at(self.now + self.inventory.timers.settle_ms, Wake::Storm);
    }

    /// Takes what nobody was told about yet into the storm.
    fn gather(&mut self, out: &mut Output) {
        let untold: Vec<Incident> = self.desk.untold().filter(|i| belongs(i.symptom)).cloned().collect();
        for incident in untold {
            match self.desk.storm().map(|i| i.id) {
                Some(storm) => {
                    self.record(out, Fact::IncidentClosed { incident: incident.id, until: self.now });
                    let members = std::iter::once((incident.subsystem, incident.since)).chain(incident.joined);
                    for (id, since) in members {
                        self.join(out, storm, &id, since);
                    }
                }
                // It stays until another one makes it a storm.
                None => self.wakes.at(self.now + HOLD_MAX, Wake::Tell(incident.id)),
            }
        }
    }

    /// Tells of the storm once it is clear what it is: one cause at once, many when the hold is over.
    pub(super) fn settle_storm(&mut self, out: &mut Output) {
        let Some(storm) = self.desk.storm().filter(|i| i.told.is_empty()).cloned() else { return };
        let members = std::iter::once(&storm.subsystem).chain(storm.joined.keys());
        let bad: Vec<SubsystemId> = members.filter(|id| self.is_bad(id)).cloned().collect();
        let causes: BTreeSet<SubsystemId> = bad.iter().map(|id| self.cause_of(id)).collect();
        if causes.len() > 1 && self.storm.holds(self.now) {
            let until = self.storm.held_until.unwrap_or(self.now);
            return self.wakes.at(until, Wake::Storm);
        }
        if causes.len() > 1 {
            return self.tell_opening(out, storm.id);
        }
        // No storm: who is bad stands for itself, or fails with what it needs.
        self.storm = Storm::default();
        self.record(out, Fact::IncidentClosed { incident: storm.id, until: self.now });
        self.picture.touch(Some(storm.subsystem.clone()));
        for id in causes.iter().chain(&bad) {
            self.reconsider(out, id);
        }
        for incident in self.desk.untold().map(|i| i.id).collect::<Vec<_>>() {
            self.wakes.at(self.now, Wake::Tell(incident));
        }
    }

    fn is_bad(&self, id: &SubsystemId) -> bool {
        matches!(self.watch.health(id), Health::Down | Health::Degraded)
    }

    fn cause_of(&self, id: &SubsystemId) -> SubsystemId {
        match root_of(&self.inventory, id, &|id| self.watch.health(id)) {
            Root::Itself => id.clone(),
            Root::Dependency(root) => root,
        }
    }

    /// Puts the mails about an incident into the outbox; in a storm's table each recipient's own come first.
    pub(super) fn send_news(
        &self,
        out: &mut Output,
        incident: &Incident,
        to: &[Recipient],
        until: Option<Timestamp>,
        say: impl Fn(IncidentNews) -> Content,
    ) {
        let (thread, news) = (incident.id.to_string(), self.news(incident, until));
        if incident.symptom != Symptom::Storm {
            return self.send(out, &thread, incident.sequence, to, &say(news));
        }
        let owners: BTreeSet<OwnerId> = incident.joined.keys().map(SubsystemId::owner).collect();
        let on_duty: Vec<(OwnerId, Vec<Recipient>)> =
            owners.into_iter().map(|owner| (owner.clone(), self.on_duty(&owner))).collect();
        for recipient in to {
            let own = |owner: &OwnerId| on_duty.iter().any(|(o, people)| o == owner && people.contains(recipient));
            let own: BTreeSet<&OwnerId> = on_duty.iter().map(|(owner, _)| owner).filter(|owner| own(owner)).collect();
            let (first, rest): (Vec<_>, Vec<_>) = incident.joined.iter().partition(|(id, _)| own.contains(&id.owner()));
            let lines = first.into_iter().chain(rest).filter_map(|(id, since)| self.affected(id, *since));
            let table = IncidentNews { affected: lines.take(AFFECTED_MAX).collect(), ..news.clone() };
            self.send(out, &thread, incident.sequence, std::slice::from_ref(recipient), &say(table));
        }
    }

    /// Closes the storm when the last of those who belong to it is well.
    pub(super) fn close_storm(&mut self, out: &mut Output) {
        let over = |storm: &&Incident| storm.joined.is_empty() && self.watch.health(&storm.subsystem) == Health::Up;
        if let Some(storm) = self.desk.storm().filter(over).map(|i| i.id) {
            self.close(out, storm);
        }
    }
}
