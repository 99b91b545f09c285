//! May this scope be changed during this span? Allow, or deny with every reason and the next opening.
//!
//! Pure: no clock, so past, present and future are asked alike. Not here: notice, approvals and lengths (`admit`).

use super::opening::{Governed, Rules};
use super::reason;
use super::{Decision, DenyReason, Freeze, Policy};
use crate::domain::*;

/// The policies that govern a subsystem, in the order of the files.
pub fn governing<'a>(inventory: &'a Inventory, id: &SubsystemId) -> Vec<&'a Policy> {
    let tier = inventory.subsystems.get(id).map(|s| s.tier);
    let matches = |p: &&Policy| tier.is_some_and(|tier| p.applies_to.matches(id, tier));
    inventory.policies.iter().filter(matches).collect()
}

/// Whether every policy of every subsystem in `scope`, and `extra`, allows the whole of `span`.
pub fn decide(inventory: &Inventory, scope: &[SubsystemId], extra: Option<&PolicyId>, span: Span) -> Decision {
    let (rules, mut reasons) = rules(inventory, scope, extra);
    if scope.is_empty() || span.is_empty() {
        reasons.push(reason::empty(scope));
    }
    if !reasons.is_empty() {
        return Decision::Deny { reasons, next_open: None };
    }
    if let Some(block) = rules.block_from(span.start).filter(|b| b.covers(span)) {
        let because = rules.governed.iter().map(|g| reason::grant(g, inventory, span.start, block.end));
        return Decision::Allow { until: block.end, because: because.collect() };
    }
    let next_open = rules.first_fit(span.start, span.len_ms());
    Decision::Deny { reasons: reason::denials(&rules, span), next_open }
}

/// Collects what must allow; the reasons say which subsystems or policies nobody can answer for.
fn rules<'a>(
    inventory: &'a Inventory,
    scope: &[SubsystemId],
    extra: Option<&PolicyId>,
) -> (Rules<'a>, Vec<DenyReason>) {
    let mut unanswered = Vec::new();
    let named = extra.and_then(|id| inventory.policies.iter().find(|p| p.id == *id));
    if let Some(id) = extra.filter(|_| named.is_none()) {
        unanswered.push(reason::unknown_policy(id));
    }
    let mut governed: Vec<Governed<'a>> = Vec::new();
    for id in scope {
        let policies = governing(inventory, id);
        if policies.is_empty() {
            unanswered.push(reason::no_policy(id));
        }
        let owner = id.owner();
        let overlay = inventory.calendar.has_overlay(&owner).then_some(owner);
        for policy in policies.into_iter().chain(named) {
            let rule = Governed { policy, overlay: overlay.clone() };
            if !governed.contains(&rule) {
                governed.push(rule);
            }
        }
    }
    let freezes = inventory.freezes.iter().filter(|f| touches(inventory, f, scope)).collect();
    (Rules { inventory, governed, freezes }, unanswered)
}

fn touches(inventory: &Inventory, freeze: &Freeze, scope: &[SubsystemId]) -> bool {
    let mut members = scope.iter().filter_map(|id| inventory.subsystems.get(id));
    members.any(|s| freeze.applies_to.matches(&s.id, s.tier))
}
