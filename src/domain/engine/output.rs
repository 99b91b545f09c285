//! What comes out of the engine: facts and messages to be stored, then effects to be performed.

use super::*;

/// What the shell is asked to do, after the facts are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Try the probe again to confirm a change, at this instant, never before the last attempt's end.
    Retry {
        /// Which probe.
        probe: ProbeId,
        /// When.
        at: Timestamp,
    },
    /// Carry this out, and report how it ended.
    Step(Box<plan::Order>),
    /// Put this back into service: no run keeps it out.
    Release {
        /// What.
        target: String,
    },
}

/// The answer to an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// To be stored first, in this order.
    pub facts: Vec<Recorded>,
    /// To be stored with the facts, and then sent.
    pub messages: Vec<Message>,
    /// To be stored with the facts: who asked for what, and what came of it.
    pub audit: Vec<AuditEntry>,
    /// To be done last.
    pub effects: Vec<Effect>,
}

impl Output {
    /// Adds what follows from a later event.
    pub fn append(&mut self, later: Self) {
        self.facts.extend(later.facts);
        self.messages.extend(later.messages);
        self.audit.extend(later.audit);
        self.effects.extend(later.effects);
    }
}
