//! Finds out whose undeclared maintenance it is: the owner, the windows of the book, the policies' answer.
//!
//! Not here: how it reads (`attribution`). Invariants: it asks for the instant at which the failure began, not for the
//! one at which it was confirmed; a window that counts is never named, because then nothing is undeclared.

use super::*;
use crate::domain::attribution::{Attribution, Declared, NAMED_CONTACTS_MAX, NAMED_WINDOWS_MAX, Ruling};
use crate::domain::policy::{Decision, decide};
use crate::domain::window::Window;

impl Engine {
    /// Who should have declared the maintenance of `subsystem` that began `at`.
    pub(super) fn attribute(&self, subsystem: &Subsystem, at: Timestamp) -> Attribution {
        let (id, owner) = (&subsystem.id, subsystem.id.owner());
        let contacts = self.inventory.contacts(&owner, self.now);
        let contacts = contacts.iter().take(NAMED_CONTACTS_MAX);
        let about = |w: &&Window| w.definition.scope.contains(id);
        let mut holding: Vec<Declared> =
            self.book.iter().filter(about).filter(|w| w.span.contains(at)).map(declared).collect();
        holding.sort_by(|a, b| (a.span.start, &a.window).cmp(&(b.span.start, &b.window)));
        holding.truncate(NAMED_WINDOWS_MAX);
        let far = |d: &Declared| if d.span.end <= at { at.since(d.span.end) } else { d.span.start.since(at) };
        let others = self.book.iter().filter(about).filter(|_| holding.is_empty()).map(declared);
        let nearest = others.min_by(|a, b| (far(a), &a.window).cmp(&(far(b), &b.window)));
        Attribution {
            at,
            name: self.inventory.owners.get(&owner).map(|o| o.name.clone()).unwrap_or_default(),
            owner,
            contacts: contacts.map(|c| format!("{} <{}>", c.name, c.mail)).collect(),
            nearest,
            declared: holding,
            ruling: self.ruling(id, at),
        }
    }

    fn ruling(&self, id: &SubsystemId, at: Timestamp) -> Ruling {
        match decide(&self.inventory, std::slice::from_ref(id), None, Span::lasting(at, 1)) {
            Decision::Allow { until, .. } => Ruling::Allowed { until },
            Decision::Deny { reasons, next_open } => {
                Ruling::Denied { why: reasons.into_iter().next().map(|r| r.text).unwrap_or_default(), next_open }
            }
        }
    }
}

fn declared(window: &Window) -> Declared {
    let end = window.restored.map_or(window.span.end, |restored| restored.min(window.span.end));
    let span = Span::new(window.span.start, end);
    Declared { window: window.id.clone(), state: window.state, span, why: window.why.clone() }
}
