//! Who comes next when nobody says that they have it.
//!
//! Not here: when a rung is told (`engine`). Rung 0 is whoever is on duty for the owner; rungs above are counted from 1.

use super::*;

/// When the fallback roster is told, unless a roster has a ladder of its own.
pub const ESCALATE_AFTER: Millis = 15 * MINUTE;

/// A rung at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Counted from the opening mail; 0 for whoever gets that.
    pub after_ms: Millis,
    /// Which rosters it asks.
    pub rosters: Vec<RosterId>,
    /// Each contact once.
    pub told: Vec<Duty>,
}

impl Inventory {
    /// The roster that answers for an owner: the administrators' for ourselves, the fallback for owners that are not
    /// known.
    pub fn roster_of(&self, owner: &OwnerId) -> &RosterId {
        if owner.as_str() == OURSELVES {
            return &self.admins;
        }
        let named = self.owners.get(owner).map(|o| &o.on_call);
        named.filter(|id| self.rosters.contains_key(*id)).unwrap_or(&self.fallback)
    }

    /// Who is on duty at `at` on a roster; `owner` is for the calendar's overlays. A hole is filled by the fallback
    /// roster, a hole there by everybody it names.
    pub fn duty(&self, roster: &RosterId, owner: Option<&OwnerId>, at: Timestamp) -> Vec<Duty> {
        let found = self.duties_of(roster, owner, at);
        if !found.hole {
            return found.told;
        }
        let why = Why::Hole(roster.clone());
        let mut told: Vec<Duty> = found.told;
        let spare = match self.duties_of(&self.fallback, owner, at) {
            spare if !spare.hole && *roster != self.fallback => spare.told,
            _ => self.everybody_of(&self.fallback),
        };
        for duty in spare {
            if told.iter().all(|known| known.contact != duty.contact) {
                told.push(Duty { why: why.clone(), ..duty });
            }
        }
        told
    }

    fn duties_of(&self, roster: &RosterId, owner: Option<&OwnerId>, at: Timestamp) -> Duties {
        let Some(roster) = self.rosters.get(roster) else { return Duties { told: Vec::new(), hole: true } };
        let world = World { zone: &self.zone, calendar: &self.calendar, owner };
        Timetable::new(roster, world, Span::lasting(at, 1)).at(at)
    }

    fn everybody_of(&self, roster: &RosterId) -> Vec<Duty> {
        let Some(roster) = self.rosters.get(roster) else { return Vec::new() };
        let duty = |contact| Duty { id: None, contact, why: Why::Listed, source: roster.source.clone() };
        roster.everybody().into_iter().map(duty).collect()
    }

    /// Who is on duty when on a roster inside `within`, but for the contacts that are told always.
    pub fn stints(&self, roster: &RosterId, owner: Option<&OwnerId>, within: Span) -> Vec<Stint> {
        let Some(roster) = self.rosters.get(roster) else { return Vec::new() };
        let world = World { zone: &self.zone, calendar: &self.calendar, owner };
        Timetable::new(roster, world, within).stints()
    }

    /// The contacts of a roster at `at`.
    pub fn contacts_on(&self, roster: &RosterId, at: Timestamp) -> Vec<Contact> {
        self.duty(roster, None, at).into_iter().map(|duty| duty.contact).collect()
    }

    /// Whom people mean by `to`: a roster, then whoever is on duty there at `at`; or somebody on any roster, by id, name
    /// or address.
    pub fn people_called(&self, to: &str, at: Timestamp) -> Vec<Contact> {
        let roster = RosterId::from(to);
        if self.rosters.contains_key(&roster) {
            return self.contacts_on(&roster, at);
        }
        let named = |roster: &Roster| {
            let known: Vec<Contact> =
                roster.people().filter(|p| p.id.as_str() == to).map(|p| p.contact.clone()).collect();
            known.into_iter().chain(roster.everybody().into_iter().filter(|c| c.name == to || c.mail == to))
        };
        let mut found: Vec<Contact> = self.rosters.values().flat_map(named).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The local time of the quiet digest of an address; none unless every contact with it wants one.
    pub fn digest_at(&self, mail: &str) -> Option<jiff::civil::Time> {
        let mut same = self.rosters.values().flat_map(Roster::everybody).filter(|contact| contact.mail == mail);
        let first = same.next()?.digest_at?;
        same.all(|contact| contact.digest_at.is_some()).then_some(first)
    }

    /// The contacts who answer for `owner` at `at`, or the fallback's: rung 0.
    pub fn contacts(&self, owner: &OwnerId, at: Timestamp) -> Vec<Contact> {
        self.on_call(owner, 0, at).unwrap_or_default()
    }

    /// The contacts of a rung at `at`: rung 0 is on duty for the owner, rung n is the n-th step of the ladder. `None`
    /// when there is no such rung.
    pub fn on_call(&self, owner: &OwnerId, rung: usize, at: Timestamp) -> Option<Vec<Contact>> {
        Some(self.rung(owner, rung, at)?.told.into_iter().map(|duty| duty.contact).collect())
    }

    /// How long after the opening mail, unanswered, a rung is told; `None` when there is no such rung.
    pub fn rung_after_ms(&self, owner: &OwnerId, rung: usize) -> Option<Millis> {
        self.step(owner, rung).map(|(after_ms, _)| after_ms)
    }

    /// A rung at `at`, with the reasons.
    pub fn rung(&self, owner: &OwnerId, rung: usize, at: Timestamp) -> Option<Rung> {
        let (after_ms, rosters) = self.step(owner, rung)?;
        let mut told: Vec<Duty> = Vec::new();
        for duty in rosters.iter().flat_map(|roster| self.duty(roster, Some(owner), at)) {
            if told.iter().all(|known| known.contact != duty.contact) {
                told.push(duty);
            }
        }
        Some(Rung { after_ms, rosters, told })
    }

    /// All rungs at `at`, from rung 0 on.
    pub fn ladder(&self, owner: &OwnerId, at: Timestamp) -> Vec<Rung> {
        (0..).map_while(|rung| self.rung(owner, rung, at)).collect()
    }

    fn step(&self, owner: &OwnerId, rung: usize) -> Option<(Millis, Vec<RosterId>)> {
        let own = self.roster_of(owner);
        let Some(above) = rung.checked_sub(1) else { return Some((0, vec![own.clone()])) };
        match self.rosters.get(own).and_then(|roster| roster.escalate.as_ref()) {
            Some(steps) => steps.get(above).map(|step| (step.after_ms, step.to.clone())),
            None => (above == 0 && *own != self.fallback).then(|| (ESCALATE_AFTER, vec![self.fallback.clone()])),
        }
    }
}
