//! Who answers at an instant, and why: people, layers of turns, listed shifts, overrides, ladders of escalation.
//!
//! Reading order: the shapes here, `turns` (whose turn it is), `duty` (who is told, and why), `ladder` (who comes next).
//! Not here: how it is written (`config`) and when a rung is told (`engine`). Invariants: at every instant somebody is
//! told; a hole is told to the fallback roster, a hole there to everybody that roster names.

mod duty;
mod ladder;
mod turns;

#[cfg(test)]
pub(crate) mod tests;

pub use duty::{Duties, Duty, Stint, Timetable, Why, World};
pub use ladder::{ESCALATE_AFTER, Rung};
pub use turns::Turns;

use super::hours::Hours;
use super::*;
use std::sync::Arc;

/// Somebody or some post that gets mail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contact {
    /// A name or a post: 黄浦区值班.
    pub name: String,
    /// An e-mail address, or `channel:` and the id of a channel.
    pub mail: String,
    /// What they read.
    pub language: Language,
    /// The local time at which they hear, in one mail a day, of what can wait: tickets of tier 3.
    pub digest_at: Option<jiff::civil::Time>,
}

/// A contact that rosters name by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `platform-one`.
    pub id: PersonId,
    /// How they are reached.
    pub contact: Contact,
}

/// Those who answer together.
pub type Group = Vec<Arc<Person>>;

/// Who answers for owners that name it.
#[derive(Clone, Debug)]
pub struct Roster {
    /// `huangpu`.
    pub id: RosterId,
    /// Told always, everyone.
    pub contacts: Vec<Contact>,
    /// Who is told besides, by turns; the first that has somebody decides.
    pub layers: Vec<Layer>,
    /// Listed shifts, by their start; they go before all layers.
    pub shifts: Vec<Shift>,
    /// What goes before shifts and layers, each upon the one before.
    pub overrides: Vec<Override>,
    /// Who is told when nobody says that they have it; `None` for the usual ladder.
    pub escalate: Option<Vec<Step>>,
    /// Where it was written.
    pub source: Source,
}

impl Roster {
    /// A roster of contacts who are told always.
    pub fn of_contacts(id: RosterId, contacts: Vec<Contact>, source: Source) -> Self {
        let (layers, shifts, overrides) = (Vec::new(), Vec::new(), Vec::new());
        Self { id, contacts, layers, shifts, overrides, escalate: None, source }
    }

    /// Whether who is told depends on the time.
    pub fn has_turns(&self) -> bool {
        !(self.layers.is_empty() && self.shifts.is_empty() && self.overrides.is_empty())
    }

    /// The people whom it names by id, in the order of the file.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        let layers = self.layers.iter().flat_map(|layer| layer.members.iter().flatten());
        let shifts = self.shifts.iter().flat_map(|shift| &shift.who);
        let overrides = self.overrides.iter().flat_map(|change| &change.who);
        layers.chain(shifts).chain(overrides).map(Arc::as_ref)
    }

    /// Everybody whom it names anywhere, each once, in the order of the file.
    pub fn everybody(&self) -> Vec<Contact> {
        let mut all: Vec<Contact> = Vec::new();
        let people = self.people().map(|person| person.contact.clone());
        for contact in self.contacts.iter().cloned().chain(people) {
            if !all.contains(&contact) {
                all.push(contact);
            }
        }
        all
    }
}

/// Whether a layer fills the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The first of these that has somebody decides.
    Decides,
    /// Told besides whoever that is; fills no hole.
    Beside,
}

/// A rotation.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `weekly`; unique in its roster.
    pub id: Arc<str>,
    /// Whether it fills the roster.
    pub weight: Weight,
    /// In the order of their turns; not empty.
    pub members: Vec<Group>,
    /// How turns change hands; `None` where there is one group alone.
    pub turns: Option<Turns>,
    /// When it has anybody at all.
    pub when: Hours,
    /// Where it was written.
    pub source: Source,
}

/// One shift of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// When.
    pub span: Span,
    /// Who.
    pub who: Group,
    /// Where it was written.
    pub source: Source,
}

/// Somebody for somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// When.
    pub span: Span,
    /// Who.
    pub who: Group,
    /// Whose place they take, when these are on duty; `None` for the place of all who would decide.
    pub instead_of: Option<PersonId>,
    /// Why, in the owner's words.
    pub reason: Option<String>,
    /// Where it was written.
    pub source: Source,
}

/// A step of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Counted from the opening mail, which nobody has answered for so long.
    pub after_ms: Millis,
    /// Who is told besides: whoever is on duty there.
    pub to: Vec<RosterId>,
}
