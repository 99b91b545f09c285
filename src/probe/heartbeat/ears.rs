//! What jobs and members of fleets told us, by token. Shared by the probers and the web.
//!
//! Not here: what silence means (`super`, `fleet`). Invariants: a beat costs the same however large its fleet; a fleet
//! has at most [`MEMBERS_MAX`] members; who may beat follows from the probers that are alive, so that a set of files that
//! was refused changes nothing for long; a reload forgets no beat.

use super::fleet::{Fleet, Members};
use crate::domain::{Millis, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Most members of one fleet.
pub(super) const MEMBERS_MAX: usize = 20_000;
/// Longest id of a member, in bytes.
pub const MEMBER_ID_MAX: usize = 64;

/// What a job may tell us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A run was good.
    Good,
    /// A run begins; it does not count as a beat.
    Start,
    /// A run was bad, with its exit code if it told.
    Bad(Option<u8>),
}

/// What became of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was heard.
    Heard,
    /// Nobody listens for this token.
    NobodyListens,
    /// A fleet listens, and wants to know which member it is.
    WhichMember,
    /// A single job is listened for, not a member.
    NoFleet,
    /// What was given is no id.
    NoId,
    /// The fleet has another list of members.
    NotAMember,
    /// The fleet has all members that it may have.
    Full,
}

/// How the last run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Good,
    Bad(Option<u8>),
}

/// What is remembered of one job or member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pulse {
    pub(super) last: Option<(Timestamp, Ending)>,
    pub(super) begun: Option<Timestamp>,
    /// How long the last run took, if its start was told.
    pub(super) ran_ms: Option<Millis>,
}

impl Pulse {
    fn take(&mut self, now: Timestamp, beat: Beat) {
        let ending = match beat {
            Beat::Start => return self.begun = Some(now),
            Beat::Good => Ending::Good,
            Beat::Bad(code) => Ending::Bad(code),
        };
        let ran_ms = self.begun.map(|begun| now.since(begun).max(0));
        *self = Self { last: Some((now, ending)), begun: None, ran_ms };
    }
}

/// Whom a prober listens for.
#[derive(Debug)]
pub(super) enum Audience {
    /// One job.
    Job,
    /// The members of a fleet.
    Fleet(Members),
}

/// What was heard under one token.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) job: Pulse,
    pub(super) fleet: Fleet,
    audiences: Vec<Weak<Audience>>,
}

#[derive(Debug, Default)]
pub(super) struct Ear(Mutex<Heard>);

impl Ear {
    pub(super) fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn take(&mut self, now: Timestamp, member: Option<&str>, beat: Beat) -> Taken {
        let audiences: Vec<Arc<Audience>> = self.audiences.iter().filter_map(Weak::upgrade).collect();
        let members = || {
            audiences.iter().filter_map(|audience| match &**audience {
                Audience::Fleet(members) => Some(members),
                Audience::Job => None,
            })
        };
        let Some(id) = member else {
            if !audiences.is_empty() && members().count() == audiences.len() {
                return Taken::WhichMember;
            }
            self.job.take(now, beat);
            return Taken::Heard;
        };
        if !is_member_id(id) {
            return Taken::NoId;
        }
        if members().next().is_none() {
            return Taken::NoFleet;
        }
        if self.fleet.knows(id) || members().any(|members| members.admit(id, self.fleet.len())) {
            return match self.fleet.pulse(id) {
                Some(pulse) => {
                    pulse.take(now, beat);
                    Taken::Heard
                }
                None => Taken::Full,
            };
        }
        let listed = members().any(|members| matches!(members, Members::Listed(_)));
        if listed { Taken::NotAMember } else { Taken::Full }
    }

    fn prune(&mut self) {
        self.audiences.retain(|audience| audience.strong_count() > 0);
        let audiences: Vec<Arc<Audience>> = self.audiences.iter().filter_map(Weak::upgrade).collect();
        self.fleet.retain(|place, id| {
            audiences.iter().any(|audience| match &**audience {
                Audience::Fleet(members) => members.admit(id, place),
                Audience::Job => false,
            })
        });
    }
}

/// Whether `id` may name a member: 1 to 64 of `[A-Za-z0-9._-]`.
pub(super) fn is_member_id(id: &str) -> bool {
    let fits = (1..=MEMBER_ID_MAX).contains(&id.len());
    fits && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// All tokens that some probe listens for, and what was heard. Shared by the probers and the web.
#[derive(Debug)]
pub struct Heartbeats {
    pub(super) daemon_started: Timestamp,
    ears: Mutex<HashMap<Arc<str>, Arc<Ear>>>,
}

impl Heartbeats {
    /// Nothing was heard yet by a daemon that started at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { daemon_started: now, ears: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Ear>>> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ear(&self, token: &str) -> Arc<Ear> {
        Arc::clone(self.lock().entry(token.into()).or_default())
    }

    /// Listens for a job under a token; what was heard under it before stays.
    pub fn listen(&self, token: &str) {
        self.ear(token);
    }

    /// Listens for an audience under a token, for as long as somebody holds it.
    pub(super) fn listen_for(&self, token: &str, audience: &Arc<Audience>) -> Arc<Ear> {
        let ear = self.ear(token);
        let mut heard = ear.lock();
        heard.audiences.retain(|audience| audience.strong_count() > 0);
        heard.audiences.push(Arc::downgrade(audience));
        drop(heard);
        ear
    }

    /// Forgets all tokens that `keep` refuses, and members of whom nobody wants to hear; called after a reload.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        let mut ears = self.lock();
        ears.retain(|token, _| keep(token));
        ears.values().for_each(|ear| ear.lock().prune());
    }

    /// Takes over what a former run of the daemon heard: the last good beat of `token`.
    pub fn resume(&self, token: &str, last: Timestamp) {
        let ear = self.ear(token);
        let mut heard = ear.lock();
        heard.job.last = heard.job.last.or(Some((last, Ending::Good)));
    }

    /// The last beat of each token, for [`Self::resume`] after a restart.
    pub fn last_beats(&self) -> Vec<(Arc<str>, Timestamp)> {
        let ears = self.lock();
        ears.iter().filter_map(|(token, ear)| Some((Arc::clone(token), ear.lock().job.last?.0))).collect()
    }

    /// Takes a beat at `now`, of a member of a fleet or of a job.
    #[must_use]
    pub fn take(&self, now: Timestamp, token: &str, member: Option<&str>, beat: Beat) -> Taken {
        let ear = self.lock().get(token).cloned();
        ear.map_or(Taken::NobodyListens, |ear| ear.lock().take(now, member, beat))
    }
}
