//! Leases of the gate: an answer that can be used once, by whoever asked, until it expires.
//!
//! Not here: whether the gate opens (`gate`), and the secret that names a lease (`web`); the fold knows its hash.
//! Invariants: a lease is used at most once; while a change is under way on a subsystem nobody else gets a lease there;
//! a lease never outlives what the gate allowed.

use super::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A lease that is not used within this time is void.
pub const USE_WITHIN: Millis = 15 * MINUTE;

/// Leases that are remembered, so that a second use is told as one: until this long after their end.
const REMEMBERED: Millis = DAY;

/// Most leases that are remembered; the oldest go first.
pub const LEASES_MAX: usize = 10_000;

/// One lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What may be changed.
    pub subsystem: SubsystemId,
    /// Who may.
    pub holder: String,
    /// When it was granted.
    pub granted: Timestamp,
    /// How long the change takes.
    pub lasts_ms: Millis,
    /// When it was used: the change began.
    pub used: Option<Timestamp>,
    /// When it was given back: the change is over.
    pub released: Option<Timestamp>,
}

impl Lease {
    /// Until when it holds its subsystem: until it is given back, or the change must be over, or nobody used it.
    pub fn until(&self) -> Timestamp {
        let end = self.used.map_or(self.granted + USE_WITHIN, |at| at + self.lasts_ms);
        self.released.map_or(end, |at| at.min(end))
    }
}

/// Every lease that may still matter, by the hash of its secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Leases(BTreeMap<String, Lease>);

impl Leases {
    /// One lease.
    pub fn get(&self, hash: &str) -> Option<&Lease> {
        self.0.get(hash)
    }

    /// Those that hold a subsystem at `now`.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Lease> {
        self.0.values().filter(move |l| now < l.until())
    }

    /// Those under which a change began at or after `t`.
    pub fn used_since(&self, t: Timestamp) -> impl Iterator<Item = &Lease> {
        self.0.values().filter(move |l| l.used.is_some_and(|at| at >= t))
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::LeaseGranted { lease, subsystem, lasts_ms, by } => {
                self.forget_before(at - REMEMBERED);
                let (subsystem, holder, lasts_ms) = (subsystem.clone(), by.name.clone(), *lasts_ms);
                let granted = Lease { subsystem, holder, granted: at, lasts_ms, used: None, released: None };
                self.0.insert(lease.clone(), granted);
            }
            Fact::LeaseUsed { lease } => self.with(lease, |l| l.used = Some(at)),
            Fact::LeaseReleased { lease } => self.with(lease, |l| l.released = Some(at)),
            _ => {}
        }
    }

    fn with(&mut self, hash: &str, change: impl FnOnce(&mut Lease)) {
        if let Some(lease) = self.0.get_mut(hash) {
            change(lease);
        }
    }

    fn forget_before(&mut self, t: Timestamp) {
        self.0.retain(|_, lease| lease.until() > t);
        while self.0.len() >= LEASES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, l)| l.granted).map(|(hash, _)| hash.clone());
            oldest.and_then(|hash| self.0.remove(&hash));
        }
    }
}
