//! What a subsystem needs and what needs it, as a small graph: three columns that lines join.
//!
//! Not here: what follows from a failure (`domain::impact`, `domain::incident`). Invariant: a redundancy group stands as
//! one, with all its members.

use crate::domain::*;
use crate::web::look::{self, Look};
use crate::web::pages::Asked;

/// Dependants that are shown at once.
const SHOWN_MAX: usize = 8;
/// Dependants that are listed when unfolded.
const LISTED_MAX: usize = 200;

#[derive(Debug)]
pub(super) struct Graph {
    pub(super) needs: Vec<Needs>,
    pub(super) needed: Vec<Node>,
    /// Behind a fold.
    pub(super) others: Vec<Node>,
    /// All dependants.
    pub(super) total: usize,
}

/// One edge of a dependency: a single node, or any of some.
#[derive(Debug)]
pub(super) struct Needs {
    pub(super) note: String,
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) look: Look,
    pub(super) href: String,
    pub(super) name: String,
}

impl Graph {
    pub(super) fn of(asked: &Asked, subsystem: &Subsystem) -> Self {
        let dependants = asked.snapshot.inventory.dependants.get(&subsystem.id).map(Vec::as_slice).unwrap_or_default();
        let mut nodes = dependants.iter().take(LISTED_MAX).map(|id| node(asked, id));
        Self {
            needs: subsystem.depends_on.iter().map(|dependency| needs(asked, dependency)).collect(),
            needed: nodes.by_ref().take(SHOWN_MAX).collect(),
            others: nodes.collect(),
            total: dependants.len(),
        }
    }
}

fn needs(asked: &Asked, dependency: &Dependency) -> Needs {
    let note = match dependency {
        Dependency::One(_) => String::new(),
        Dependency::AnyOf(members) => format!("{} {}", asked.t.any_of, members.len()),
        Dependency::Soft(_) => asked.t.soft.to_owned(),
    };
    Needs { note, nodes: dependency.members().iter().map(|id| node(asked, id)).collect() }
}

fn node(asked: &Asked, id: &SubsystemId) -> Node {
    let view = asked.snapshot.subsystem(id);
    Node {
        look: view.map_or(Look::Absent, |view| look::of(asked.now, &asked.snapshot, view)),
        href: format!("/subsystems/{id}"),
        name: asked.name(id),
    }
}
