//! Neighbours of running maintenance, watched more closely: what needs its scope, and what stands in for it.
//!
//! Not here: what is measured, which is the same with and without a neighbour at work (adr/0011). Invariants: as many
//! contrary attempts confirm as always, only sooner; a neighbour is never in the scope itself; who is beside what is
//! memory only, since it follows from the book and the inventory.

use super::*;
use crate::domain::window::Window;
use std::collections::BTreeSet;

/// Re-tries of neighbours are never closer than this.
const CONFIRM_EVERY_MIN: Millis = SECOND;

impl Engine {
    /// Finds the neighbours of all maintenance that runs: to be called when a window begins or is over, and when the
    /// inventory changed.
    pub(super) fn find_neighbours(&mut self) {
        let mut beside = BTreeMap::new();
        for window in self.book.at_work() {
            for id in self.neighbours(window) {
                beside.entry(id).or_insert_with(|| window.id.clone());
            }
        }
        self.beside = beside;
    }

    fn neighbours(&self, window: &Window) -> BTreeSet<SubsystemId> {
        let scope = &window.definition.scope;
        let dependants = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten().cloned();
        let mut all = self.near(scope);
        all.extend(dependants);
        all.retain(|id| !scope.contains(id));
        all
    }

    /// The maintenance beside a subsystem, while it runs.
    pub(super) fn maintenance_beside(&self, id: &SubsystemId) -> Option<&Window> {
        self.book.get(self.beside.get(id)?).filter(|window| window.state.is_running())
    }

    /// From one re-try's start to the next while a change is unconfirmed: half as long beside maintenance.
    pub(super) fn confirm_every_ms(&self, plan: &ProbePlan) -> Millis {
        let usual = plan.confirm_every_ms;
        if self.beside.is_empty() || self.maintenance_beside(&plan.id.subsystem()).is_none() {
            return usual;
        }
        (usual / 2).max(CONFIRM_EVERY_MIN).min(usual)
    }

    /// Those who are at work beside a subsystem, to be told of its trouble as well as its own people.
    pub(super) fn people_beside(&self, id: &SubsystemId, told: &[Recipient]) -> Vec<Recipient> {
        let Some(window) = self.maintenance_beside(id) else { return Vec::new() };
        let contacts = self.on_duty(&window.definition.owner).into_iter();
        contacts.filter(|recipient| !told.contains(recipient)).collect()
    }
}
