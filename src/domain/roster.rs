//! Who is told at an instant, and who is told after that while nobody takes it.
//!
//! Not here: what they are told (`engine::tell`). Invariant: there is always somebody on the first rung, as long as the
//! fallback roster has anybody.

use super::*;

/// How long an incident waits for somebody to take it before the next rung is told.
pub const ESCALATE_AFTER: Millis = 15 * MINUTE;

impl Inventory {
    /// Who is on `rung` of the ladder of `owner` at `at`: rung 0 is on duty, each later one is told when nobody took it.
    /// `None` if there is no such rung.
    pub fn on_call(&self, owner: &OwnerId, rung: usize, _at: Timestamp) -> Option<Vec<Contact>> {
        match rung {
            0 => Some(self.contacts(owner).to_vec()),
            1 => Some(self.rosters.get(&self.fallback)?.contacts.clone()),
            _ => None,
        }
    }

    /// How long after the opening mail a rung is told; rung 0 at once. `None` if there is no such rung.
    pub fn rung_after_ms(&self, _owner: &OwnerId, rung: usize) -> Option<Millis> {
        match rung {
            0 => Some(0),
            1 => Some(ESCALATE_AFTER),
            _ => None,
        }
    }
}
