//! Who shortens a subsystem's hours: the way along hard dependencies to whoever's own declaration is short.

use super::finding::{Finding, FindingKind};
use crate::domain::hours::EffectiveHours;
use crate::domain::*;

/// Links that are followed; dependencies form a DAG, so this bounds only what is told.
const LINKS_MAX: usize = 16;

/// One step: a subsystem, or a redundancy group that together is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// One, or the members of a group.
    pub members: Vec<SubsystemId>,
    /// The hours that the one to go on with declares.
    pub declared: String,
}

/// The finding that dependencies leave less than is declared; none if they take less than a minute a week.
pub(super) fn shortened(
    inventory: &Inventory,
    effective: &mut EffectiveHours<'_>,
    subsystem: &Subsystem,
    declared: &SpanSet,
) -> Option<Finding> {
    let (declared_ms, left_ms) = (declared.len_ms(), effective.of(&subsystem.id).set.len_ms());
    let lost_ms = declared_ms - left_ms;
    let weeks = effective.within().len_ms() / (7 * DAY) + 1;
    (lost_ms >= weeks * MINUTE).then(|| {
        let kind = FindingKind::Shortened { chain: chain(inventory, effective, &subsystem.id), lost_ms, declared_ms };
        Finding { kind, occasions: 0, confirmed: 0, dates: Vec::new(), exceptions: Vec::new() }
    })
}

/// From a subsystem to the one whose own declared hours cut most; empty if nothing does.
pub fn chain(inventory: &Inventory, effective: &mut EffectiveHours<'_>, from: &SubsystemId) -> Vec<Link> {
    let (mut links, mut id) = (Vec::new(), from.clone());
    while links.len() < LINKS_MAX {
        let Some(subsystem) = inventory.subsystems.get(&id) else { break };
        let (zone, calendar) = (&inventory.zone, &inventory.calendar);
        let own = subsystem.hours.spans(zone, calendar, Some(&id.owner()), effective.within()).set;
        let hard = subsystem.depends_on.iter().filter(|d| d.is_hard());
        let cut = hard.map(|dependency| {
            let members = dependency.members();
            let spans = members.iter().flat_map(|m| effective.of(m).set.spans().to_vec());
            let left: SpanSet = spans.collect();
            (own.len_ms() - own.intersect(&left).len_ms(), members)
        });
        let Some((_, members)) = cut.filter(|(lost, _)| *lost > 0).max_by_key(|(lost, _)| *lost) else { break };
        // Of a group the member that gives most is the one to look at: all others give less.
        let Some(next) = members.iter().max_by_key(|m| effective.of(m).set.len_ms()) else { break };
        let declared = inventory.subsystems.get(next).map_or_else(String::new, |s| s.hours.as_str().to_owned());
        links.push(Link { members: members.to_vec(), declared });
        id = next.clone();
    }
    links
}
