//! Whose fault it is: the way down the dependency graph to what fails by itself.

use super::*;
use crate::domain::timeline::Health;

/// Where the blame for a down subsystem leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// Nothing that it needs is down.
    Itself,
    /// This one, by hard dependencies, redundancy respected.
    Dependency(SubsystemId),
}

/// Follows failed hard dependencies from a down subsystem to one whose own dependencies hold.
///
/// A redundancy group fails only when all its members are down; its first member then stands for it. The inventory is
/// a DAG, so the walk ends.
pub fn root_of(inventory: &Inventory, id: &SubsystemId, health: &dyn Fn(&SubsystemId) -> Health) -> Root {
    let mut at = id;
    while let Some(next) = failed_dependency(inventory, at, health) {
        at = next;
    }
    if at == id { Root::Itself } else { Root::Dependency(at.clone()) }
}

fn failed_dependency<'a>(
    inventory: &'a Inventory,
    id: &SubsystemId,
    health: &dyn Fn(&SubsystemId) -> Health,
) -> Option<&'a SubsystemId> {
    let hard = inventory.subsystems.get(id)?.depends_on.iter().filter(|d| d.is_hard());
    let mut failed = hard.map(Dependency::members).filter(|m| m.iter().all(|id| health(id) == Health::Down));
    failed.find_map(|members| members.first())
}
