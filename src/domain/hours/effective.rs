//! What is left of declared hours once every hard dependency is counted in.
//!
//! Invariants: soft dependencies take nothing away; a redundancy group gives what any of its members gives; each
//! subsystem is computed once per `EffectiveHours`, however many stand on it.

use super::HoursSpans;
use crate::domain::*;
use std::collections::HashMap;
use std::rc::Rc;

/// Effective hours inside one span, for as many subsystems as are asked for.
#[derive(Debug)]
pub struct EffectiveHours<'a> {
    inventory: &'a Inventory,
    within: Span,
    known: HashMap<SubsystemId, Rc<HoursSpans>>,
}

/// Effective hours of one subsystem; ask `EffectiveHours` for many.
pub fn effective_hours(inventory: &Inventory, id: &SubsystemId, within: Span) -> HoursSpans {
    HoursSpans::clone(&EffectiveHours::new(inventory, within).of(id))
}

impl<'a> EffectiveHours<'a> {
    /// Nothing is computed yet.
    pub fn new(inventory: &'a Inventory, within: Span) -> Self {
        Self { inventory, within, known: HashMap::new() }
    }

    /// The span that is asked about.
    pub fn within(&self) -> Span {
        self.within
    }

    /// Declared hours ∩ the effective hours of every hard dependency; empty for an id that nobody knows.
    pub fn of(&mut self, id: &SubsystemId) -> Rc<HoursSpans> {
        if let Some(known) = self.known.get(id) {
            return Rc::clone(known);
        }
        let Some(subsystem) = self.inventory.subsystems.get(id) else {
            return Rc::new(HoursSpans::default());
        };
        let Inventory { zone, calendar, .. } = self.inventory;
        let mut hours = subsystem.hours.spans(zone, calendar, Some(&id.owner()), self.within);
        for dependency in subsystem.depends_on.iter().filter(|d| d.is_hard()) {
            let needed = self.any_of(dependency.members());
            hours.provisional |= needed.provisional;
            hours.set = hours.set.intersect(&needed.set);
        }
        let hours = Rc::new(hours);
        self.known.insert(id.clone(), Rc::clone(&hours));
        hours
    }

    fn any_of(&mut self, members: &[SubsystemId]) -> HoursSpans {
        let mut all = HoursSpans::default();
        for member in members {
            let hours = self.of(member);
            all.provisional |= hours.provisional;
            all.set = all.set.union(&hours.set);
        }
        all
    }
}
