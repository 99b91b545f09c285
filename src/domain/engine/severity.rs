//! How loud an outage is: by tier, by what is left of the promise, and by what fails with it.
//!
//! Not here: what severity changes: ladder (`follow`), urgency in the outbox, quiet digests (`tell`). Invariant: an
//! incident becomes louder and never less loud; whoever heard of the ticket hears at once that it is a page now.

use super::*;
use crate::domain::incident::is_outage;

impl Engine {
    /// How loud an outage of a subsystem is. Tier 3 can wait for working hours as long as its month has budget left.
    pub(super) fn severity_of(&self, subsystem: &Subsystem) -> Severity {
        if subsystem.tier != Tier::Three {
            return Severity::Page;
        }
        let overdrawn = self.promise_of(subsystem).is_some_and(|promise| promise.left_ms <= 0);
        if overdrawn { Severity::Page } else { Severity::Ticket }
    }

    /// An outage that was a ticket is a page once `id`, its root or one that fails with it, is worth one.
    pub(super) fn raise_if(&mut self, out: &mut Output, incident: IncidentId, id: &SubsystemId) {
        let inventory = Arc::clone(&self.inventory);
        let ticket = self.desk.get(incident).is_some_and(|i| is_outage(i.symptom) && i.severity == Severity::Ticket);
        let loud = inventory.subsystems.get(id).is_some_and(|s| self.severity_of(s) == Severity::Page);
        if ticket && loud {
            self.record(out, Fact::IncidentRaised { incident });
            self.wakes.at(self.now, Wake::Follow(incident));
        }
    }
}
