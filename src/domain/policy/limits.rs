//! What binds windows to one another: caps per owner and month, how many at once, redundancy groups, the error budget.
//!
//! Not here: which windows may concern one (`crowd`), and permission in time (`decide`). Invariants: of two windows that
//! clash, the one that ranks behind waits, and never both: settled before asking, then the earlier start, then the id;
//! what the withdrawal of another, or time, would mend never rejects; what a window does alone does.

use super::admit::{Obstacle, people_length, policies};
use super::{DenyKind, DenyReason, Policy};
use crate::domain::sla::{Grain, Period};
use crate::domain::window::{Planned, Schedule};
use crate::domain::*;
use std::collections::{BTreeMap, BTreeSet};

/// Clashes that one answer names; more say nothing new.
const NAMED_MAX: usize = 5;

/// Limits of a policy; what is left out does not bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most windows of an owner that start in one civil month.
    pub per_month: Option<u32>,
    /// Most maintenance of an owner whose windows start in one civil month.
    pub hours_per_month_ms: Option<Millis>,
    /// Most subsystems of a tier under maintenance at one instant.
    pub at_once: Option<AtOnce>,
    /// The share of the month's error budget that must be left, in parts per million.
    pub budget_needs_ppm: Option<u32>,
}

/// Most subsystems of a tier, of all owners, under maintenance at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtOnce {
    /// Which tier.
    pub tier: Tier,
    /// How many.
    pub most: u32,
}

/// How firmly a window holds its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// Admitted, running or over.
    Settled,
    /// A draft, or blocked.
    #[default]
    Asking,
}

/// Another window that holds, or asks for, its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other<'a> {
    /// Which one.
    pub id: &'a WindowId,
    /// Whose.
    pub owner: &'a OwnerId,
    /// What is affected.
    pub scope: &'a [SubsystemId],
    /// The stricter policy that its text adds.
    pub policy: Option<&'a PolicyId>,
    /// From its start to its approved end, or to its real one.
    pub span: Span,
    /// How firmly.
    pub hold: Hold,
}

/// What is known around a window when it is admitted. The default knows of nothing, and so binds nothing but the window
/// itself.
#[derive(Clone, Debug, Default)]
pub struct Circumstances<'a> {
    /// How firmly the window itself holds its place.
    pub hold: Hold,
    /// Other windows; those that neither overlap nor fall in the same civil month do not matter.
    pub others: &'a [Other<'a>],
    /// What is left of the month's error budget, in parts per million of the whole; what is not named is not judged.
    pub budgets: BTreeMap<SubsystemId, u32>,
}

/// Whether a window's answer hangs on error budgets.
pub fn asks_budgets(policies: &[&Policy]) -> bool {
    policies.iter().any(|p| p.limits.budget_needs_ppm.is_some())
}

/// Whether a window finds its place among those that go before it; approvals, notice and hours aside.
pub fn has_room(inventory: &Inventory, schedule: &Schedule, planned: &Planned, around: &Circumstances<'_>) -> bool {
    obstacles(inventory, schedule, planned, &policies(inventory, schedule), around).is_empty()
}

/// What the limits of its policies, and redundancy, say to a window.
pub(super) fn obstacles(
    inventory: &Inventory,
    schedule: &Schedule,
    planned: &Planned,
    policies: &[&Policy],
    around: &Circumstances<'_>,
) -> Vec<Obstacle> {
    let asked = Asked { inventory, schedule, planned, ahead: ahead(planned, around) };
    let mut found: Vec<Obstacle> = asked.group_alone().into_iter().map(denied).collect();
    found.extend(asked.groups().into_iter().map(Obstacle::Waits));
    for policy in policies {
        found.extend(asked.at_once(policy));
        found.extend(asked.caps(policy));
        found.extend(asked.budget(policy, &around.budgets).map(Obstacle::Waits));
    }
    found
}

/// The other windows that go before this one, in the order in which they do.
fn ahead<'a>(planned: &Planned, around: &Circumstances<'a>) -> Vec<Other<'a>> {
    let mine = (around.hold, planned.span.start, &planned.id);
    let before = |o: &&Other<'a>| *o.id != planned.id && (o.hold, o.span.start, o.id) < mine;
    let mut ahead: Vec<Other<'a>> = around.others.iter().filter(before).copied().collect();
    ahead.sort_by_key(|o| (o.hold, o.span.start, o.id));
    ahead
}

fn denied(reason: DenyReason) -> Obstacle {
    Obstacle::Denied { reasons: vec![reason], next_open: None }
}

/// One window that asks, and those that go before it.
struct Asked<'a> {
    inventory: &'a Inventory,
    schedule: &'a Schedule,
    planned: &'a Planned,
    ahead: Vec<Other<'a>>,
}

impl<'a> Asked<'a> {
    fn overlapping(&self) -> impl Iterator<Item = &Other<'a>> {
        self.ahead.iter().filter(|o| o.span.overlaps(self.planned.span))
    }

    /// Redundancy groups that hold a subsystem: who depends on them, and their members.
    fn groups_of(&self, id: &SubsystemId) -> impl Iterator<Item = (&'a Subsystem, &'a [SubsystemId])> {
        let inventory = self.inventory;
        let dependants = inventory.dependants.get(id).into_iter().flatten();
        let dependants = dependants.filter_map(|d| inventory.subsystems.get(d));
        let id = id.clone();
        dependants.flat_map(move |subsystem| {
            let id = id.clone();
            subsystem.depends_on.iter().filter_map(move |d| match d {
                Dependency::AnyOf(members) if members.contains(&id) => Some((subsystem, members.as_slice())),
                _ => None,
            })
        })
    }

    /// Two of one group in this very window, although somebody outside it needs one of them.
    fn group_alone(&self) -> Option<DenyReason> {
        let scope = &self.schedule.scope;
        if scope.len() < 2 {
            return None;
        }
        scope.iter().find_map(|id| {
            let (subsystem, members) = self.groups_of(id).find(|(dependant, members)| {
                !scope.contains(&dependant.id) && members.iter().any(|m| m != id && scope.contains(m))
            })?;
            let other = members.iter().find(|m| *m != id && scope.contains(m))?;
            let text = Names {
                zh: format!("{id} 与 {other} 互为备份（{} 依赖其一），不能在同一窗口内停机", subsystem.id),
                en: format!(
                    "{id} and {other} stand in for each other ({} needs one of them) and cannot stop in one window",
                    subsystem.id
                ),
            };
            Some(redundancy(subsystem, text))
        })
    }

    /// Members of one group in windows that overlap, one reason for each window.
    fn groups(&self) -> Vec<DenyReason> {
        let clashes = self.overlapping().filter_map(|other| {
            let (subsystem, mine, theirs) = self.schedule.scope.iter().find_map(|id| {
                self.groups_of(id).find_map(|(subsystem, members)| {
                    let theirs = members.iter().find(|m| *m != id && other.scope.contains(m))?;
                    Some((subsystem, id, theirs))
                })
            })?;
            let text = Names {
                zh: format!("{theirs} 同时在窗口 {} 内停机，与 {mine} 互为备份（{} 依赖其一）", other.id, subsystem.id),
                en: format!(
                    "{theirs} stops in the window {} at the same time, and {} needs it or {mine}",
                    other.id, subsystem.id
                ),
            };
            Some(redundancy(subsystem, text))
        });
        clashes.take(NAMED_MAX).collect()
    }

    /// How many of a tier would stop at the worst instant.
    fn at_once(&self, policy: &Policy) -> Option<Obstacle> {
        let AtOnce { tier, most } = policy.limits.at_once?;
        let of_tier = |id: &&SubsystemId| {
            let found = self.inventory.subsystems.get(*id);
            found.is_some_and(|s| s.tier == tier && policy.applies_to.matches(id, tier))
        };
        let mine: BTreeSet<&SubsystemId> = self.schedule.scope.iter().filter(of_tier).collect();
        if mine.is_empty() {
            return None;
        }
        let (level, most) = (u8::from(tier), most as usize);
        if mine.len() > most {
            let text = Names {
                zh: format!("本窗口含 {} 个 {level} 级子系统，政策 {} 同时至多 {most} 个", mine.len(), policy.id),
                en: format!(
                    "the window holds {} subsystems of tier {level}; the policy {} admits {most} at once",
                    mine.len(),
                    policy.id
                ),
            };
            return Some(denied(by(policy, DenyKind::AtOnce, text)));
        }
        let overlapping: Vec<&Other<'_>> =
            self.overlapping().filter(|o| o.scope.iter().any(|id| of_tier(&id))).collect();
        // The count only rises where a window starts.
        let start = self.planned.span.start;
        let instants = std::iter::once(start).chain(overlapping.iter().map(|o| o.span.start).filter(|t| *t > start));
        let (count, with) = instants
            .map(|t| {
                let with: Vec<&Other<'_>> = overlapping.iter().filter(|o| o.span.contains(t)).copied().collect();
                let theirs = with.iter().flat_map(|o| o.scope.iter().filter(of_tier));
                (mine.iter().copied().chain(theirs).collect::<BTreeSet<_>>().len(), with)
            })
            .max_by_key(|(count, _)| *count)?;
        let with = named(&with);
        let text = Names {
            zh: format!("与 {with} 合计，同时有 {count} 个 {level} 级子系统停机，政策 {} 至多 {most} 个", policy.id),
            en: format!(
                "with {with}, {count} subsystems of tier {level} would stop at once; the policy {} admits {most}",
                policy.id
            ),
        };
        (count > most).then(|| Obstacle::Waits(by(policy, DenyKind::AtOnce, text)))
    }

    /// What an owner takes in one civil month. A window counts in the month in which it starts.
    fn caps(&self, policy: &Policy) -> Option<Obstacle> {
        let Limits { per_month, hours_per_month_ms, .. } = policy.limits;
        if per_month.is_none() && hours_per_month_ms.is_none() {
            return None;
        }
        let (zone, owner) = (&self.inventory.zone, &self.schedule.owner);
        let month = Period::current(Grain::Month, self.planned.span.start, zone);
        let within = month.span(self.planned.span.start, zone);
        let counts = |o: &&Other<'_>| o.owner == owner && within.contains(o.span.start) && self.binds(policy, o);
        let own_ms = self.planned.span.len_ms();
        let (mut windows, mut taken_ms) = (1_usize, own_ms);
        for other in self.ahead.iter().filter(counts) {
            windows += 1;
            taken_ms += other.span.len_ms();
        }
        let in_month = Names { zh: month.label(Language::Zh), en: month.label(Language::En) };
        let too_long_alone = hours_per_month_ms.is_some_and(|most| own_ms > most);
        if let Some(most) = per_month.filter(|most| windows > *most as usize && !too_long_alone) {
            let text = Names {
                zh: format!("是 {owner} 在{}的第 {windows} 个窗口，政策 {} 每月至多 {most} 个", in_month.zh, policy.id),
                en: format!(
                    "it is window {windows} of {owner} in {}; the policy {} admits {most} a month",
                    in_month.en, policy.id
                ),
            };
            return Some(Obstacle::Waits(by(policy, DenyKind::MonthCap, text)));
        }
        let most = hours_per_month_ms.filter(|most| taken_ms > *most)?;
        let taken_ms = if too_long_alone { own_ms } else { taken_ms };
        let (taken, allowed) = (people_length(taken_ms), people_length(most));
        let text = Names {
            zh: format!("{owner} 在{}合计 {taken}，政策 {} 每月至多 {allowed}", in_month.zh, policy.id),
            en: format!(
                "{owner} would take {taken} in {}; the policy {} admits {allowed} a month",
                in_month.en, policy.id
            ),
        };
        let reason = by(policy, DenyKind::MonthCap, text);
        Some(if too_long_alone { denied(reason) } else { Obstacle::Waits(reason) })
    }

    fn binds(&self, policy: &Policy, other: &Other<'_>) -> bool {
        let governs =
            |id: &SubsystemId| self.inventory.subsystems.get(id).is_some_and(|s| policy.applies_to.matches(id, s.tier));
        other.policy == Some(&policy.id) || other.scope.iter().any(governs)
    }

    /// Whether enough of the month's error budget is left, of every promise in the scope.
    fn budget(&self, policy: &Policy, budgets: &BTreeMap<SubsystemId, u32>) -> Option<DenyReason> {
        let needs = policy.limits.budget_needs_ppm?;
        let left = self.schedule.scope.iter().filter_map(|id| Some((*budgets.get(id)?, id)));
        let (left, id) = left.min().filter(|(left, _)| *left < needs)?;
        let (left, needs) = (percent(left), percent(needs));
        let text = Names {
            zh: format!("{id} 本月误差预算仅余 {left}，政策 {} 要求至少 {needs}", policy.id),
            en: format!(
                "{left} of the month's error budget of {id} is left; the policy {} asks for {needs}",
                policy.id
            ),
        };
        Some(by(policy, DenyKind::Budget, text))
    }
}

fn named(others: &[&Other<'_>]) -> String {
    let mut text = others.iter().take(NAMED_MAX).map(|o| o.id.as_str()).collect::<Vec<_>>().join(", ");
    if others.len() > NAMED_MAX {
        text.push_str(", …");
    }
    text
}

/// `25%`, `12.5%`, rounded down: a share that is too small never looks large enough.
fn percent(ppm: u32) -> String {
    let (whole, tenths) = (ppm / 10_000, ppm % 10_000 / 1_000);
    if tenths == 0 { format!("{whole}%") } else { format!("{whole}.{tenths}%") }
}

fn by(policy: &Policy, kind: DenyKind, text: Names) -> DenyReason {
    DenyReason { kind, text, rule: format!("policy {}", policy.id), source: Some(policy.source.clone()) }
}

fn redundancy(dependant: &Subsystem, text: Names) -> DenyReason {
    let rule = format!("dependencies of {}", dependant.id);
    DenyReason { kind: DenyKind::Redundancy, text, rule, source: Some(dependant.source.clone()) }
}
