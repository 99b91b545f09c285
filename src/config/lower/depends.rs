//! Dependencies: cycles are refused, and who hangs on whom is turned round.
//!
//! Not here: reading them (`owners`). Invariant: hard and soft dependencies together form a DAG.

use super::Draft;
use super::registry::Thing;
use crate::domain::{Subsystem, SubsystemId};
use crate::field::{Code, Place, Problem};
use std::collections::{BTreeMap, HashMap};

/// `from` names `to` at `at`.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) from: SubsystemId,
    pub(super) to: SubsystemId,
    pub(super) at: Place,
}

/// Subsystems that name each one as a hard dependency, directly.
pub(super) fn dependants(subsystems: &BTreeMap<SubsystemId, Subsystem>) -> HashMap<SubsystemId, Vec<SubsystemId>> {
    let mut dependants: HashMap<SubsystemId, Vec<SubsystemId>> = HashMap::new();
    for subsystem in subsystems.values() {
        for member in subsystem.depends_on.iter().filter(|d| d.is_hard()).flat_map(|d| d.members()) {
            let list = dependants.entry(member.clone()).or_default();
            if list.last() != Some(&subsystem.id) {
                list.push(subsystem.id.clone());
            }
        }
    }
    dependants
}

/// Where the search stands with a subsystem.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// On the path that is being followed.
    Open,
    /// Done with.
    Closed,
}

impl Draft {
    /// Reports each circle once, at the edge that closes it, with the edges that lead there.
    pub(super) fn check_cycles(&mut self) {
        let mut edges = std::mem::take(&mut self.edges);
        edges.sort_by(|a, b| a.from.cmp(&b.from));
        let out = |id: &SubsystemId| {
            let first = edges.partition_point(|e| e.from < *id);
            let last = edges.partition_point(|e| e.from <= *id);
            first..last
        };
        let mut marks: HashMap<&SubsystemId, Mark> = HashMap::new();
        for root in edges.iter().map(|e| &e.from) {
            if marks.contains_key(root) {
                continue;
            }
            marks.insert(root, Mark::Open);
            // The path: a subsystem, and the edges of it that are still to be followed. No recursion: chains are long.
            let mut path = vec![(root, out(root))];
            while let Some((id, rest)) = path.last_mut() {
                let Some(edge) = rest.next().map(|i| &edges[i]) else {
                    marks.insert(*id, Mark::Closed);
                    path.pop();
                    continue;
                };
                match marks.get(&edge.to) {
                    Some(Mark::Closed) => {}
                    Some(Mark::Open) => {
                        let ids: Vec<&SubsystemId> = path.iter().map(|(id, _)| *id).collect();
                        self.problems.push(circle(&ids, edge, &edges));
                    }
                    None => {
                        marks.insert(&edge.to, Mark::Open);
                        path.push((&edge.to, out(&edge.to)));
                    }
                }
            }
        }
    }

    /// Notes that `from` names `to`.
    pub(super) fn depend(&mut self, from: &SubsystemId, to: &str, at: &Place) {
        self.known.refer(super::Reference::new(Thing::Subsystem, to, at));
        self.edges.push(Edge { from: from.clone(), to: to.into(), at: at.clone() });
    }
}

fn circle(path: &[&SubsystemId], closing: &Edge, edges: &[Edge]) -> Problem {
    let first = path.iter().position(|id| **id == closing.to).unwrap_or_default();
    let round = &path[first..];
    let mut names: Vec<&str> = round.iter().map(|id| id.as_str()).collect();
    names.push(closing.to.as_str());
    let message = format!("dependencies lead in a circle: {}", names.join(" → "));
    let mut problem = Problem::error(Code::Cycle, &closing.at, message).hint("take one of them out, or turn it round");
    for pair in round.windows(2) {
        if let Some(edge) = edges.iter().find(|e| e.from == *pair[0] && e.to == *pair[1]) {
            problem = problem.related(&edge.at, format!("`{}` needs `{}`", edge.from, edge.to));
        }
    }
    problem
}
