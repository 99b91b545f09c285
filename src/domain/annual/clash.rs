//! What in a year's plan does not go together.
//!
//! Not here: what the policies say (`policy`). Invariant: whatever they deny or let wait for the sake of others, or of a
//! freeze, is among it.

use super::YearWindow;
use crate::domain::policy::{Asked, AtOnce, DenyKind, DenyReason, Doubled, Obstacle, doubled};
use crate::domain::*;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// Windows that one clash names.
const NAMED_MAX: usize = 6;

/// What does not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClashKind {
    /// Two members of one redundancy group at once.
    Redundancy,
    /// More of a tier at one instant than a policy admits.
    AtOnce,
    /// More of a tier in one night than a policy admits at once, though not at one instant.
    Night,
    /// A dependant's window ends while what it needs still stops: it cannot be verified.
    Unverifiable,
    /// A shared module and its dependant stop on different nights of a month: citizens lose the dependant twice.
    Apart,
    /// A freeze.
    Freeze,
    /// More than an owner may take in a month.
    MonthCap,
    /// Two windows over one subsystem at one time: the later one cannot begin.
    Doubled,
}

impl ClashKind {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redundancy => "redundancy",
            Self::AtOnce => "at_once",
            Self::Night => "night",
            Self::Unverifiable => "unverifiable",
            Self::Apart => "apart",
            Self::Freeze => "freeze",
            Self::MonthCap => "month_cap",
            Self::Doubled => "doubled",
        }
    }

    /// What people call it.
    pub fn name(self) -> Names {
        let (zh, en) = match self {
            Self::Redundancy => ("互为备份", "redundancy"),
            Self::AtOnce => ("同时过多", "too many at once"),
            Self::Night => ("同夜过多", "too many in one night"),
            Self::Unverifiable => ("无法验证", "cannot be verified"),
            Self::Apart => ("可合并", "better together"),
            Self::Freeze => ("封网", "freeze"),
            Self::MonthCap => ("超月度上限", "month cap"),
            Self::Doubled => ("范围重叠", "same subsystem twice"),
        };
        Names { zh: zh.into(), en: en.into() }
    }

    fn of(kind: DenyKind) -> Option<Self> {
        match kind {
            DenyKind::Redundancy => Some(Self::Redundancy),
            DenyKind::AtOnce => Some(Self::AtOnce),
            DenyKind::MonthCap => Some(Self::MonthCap),
            DenyKind::Freeze => Some(Self::Freeze),
            _ => None,
        }
    }
}

/// Windows that do not go together, or not with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// What sort.
    pub kind: ClashKind,
    /// The start of the first window that is concerned.
    pub at: Timestamp,
    /// Those that are concerned; the first is the one that has to give way.
    pub windows: Vec<WindowId>,
    /// Their owners.
    pub owners: BTreeSet<OwnerId>,
    /// For people.
    pub text: Names,
    /// Where the rule is written.
    pub source: Option<Source>,
}

/// Every clash, in order of time.
pub(super) fn all(inventory: &Inventory, windows: &[YearWindow<'_>]) -> Vec<Clash> {
    let mut clashes: Vec<Clash> = windows.iter().flat_map(told).collect();
    clashes.extend(nights(inventory, windows));
    clashes.extend(shared(inventory, windows));
    clashes.extend(twice(windows));
    clashes.sort_by(|a, b| (a.at, a.kind, &a.windows).cmp(&(b.at, b.kind, &b.windows)));
    clashes
}

/// What the policies said to a window that is a clash.
fn told<'a>(window: &'a YearWindow<'_>) -> impl Iterator<Item = Clash> + 'a {
    let reasons = window.asked.admission.obstacles.iter().flat_map(|obstacle| match obstacle {
        Obstacle::Denied { reasons, .. } => reasons.as_slice(),
        Obstacle::Waits(reason) => std::slice::from_ref(reason),
        _ => &[],
    });
    reasons.filter_map(move |reason| told_by(window, reason))
}

fn told_by(window: &YearWindow<'_>, reason: &DenyReason) -> Option<Clash> {
    Some(Clash { source: reason.source.clone(), ..clash(ClashKind::of(reason.kind)?, &[window], reason.text.clone()) })
}

fn clash(kind: ClashKind, windows: &[&YearWindow<'_>], text: Names) -> Clash {
    Clash {
        kind,
        at: windows.iter().map(|w| w.asked.planned.span.start).min().unwrap_or_default(),
        windows: windows.iter().take(NAMED_MAX).map(|w| w.asked.planned.id.clone()).collect(),
        owners: windows.iter().map(|w| w.asked.schedule.owner.clone()).collect(),
        text,
        source: windows.first().map(|w| w.asked.schedule.source.clone()),
    }
}

/// Nights, from noon to noon, in which more of a tier stop than a policy admits at once.
fn nights(inventory: &Inventory, windows: &[YearWindow<'_>]) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for policy in &inventory.policies {
        let Some(AtOnce { tier, most }) = policy.limits.at_once else { continue };
        let counts = |id: &&SubsystemId| {
            let found = inventory.subsystems.get(*id);
            found.is_some_and(|s| s.tier == tier && policy.applies_to.matches(id, tier))
        };
        let mut nights: BTreeMap<Date, (BTreeSet<&SubsystemId>, Vec<&YearWindow<'_>>)> = BTreeMap::new();
        for window in windows.iter().filter(|w| w.happens() && w.asked.schedule.scope.iter().any(|id| counts(&id))) {
            let night = nights.entry(inventory.zone.date(window.asked.planned.span.start - 12 * HOUR)).or_default();
            night.0.extend(window.asked.schedule.scope.iter().filter(counts));
            night.1.push(window);
        }
        for (date, (stopped, windows)) in nights.into_iter().filter(|(_, (stopped, _))| stopped.len() > most as usize) {
            let (count, level) = (stopped.len(), u8::from(tier));
            let text = Names {
                zh: format!("{date} 夜间共 {count} 个 {level} 级子系统停机，政策 {} 同时至多 {most} 个", policy.id),
                en: format!(
                    "{count} subsystems of tier {level} stop in the night of {date}; the policy {} admits {most} at once",
                    policy.id
                ),
            };
            clashes.push(Clash { source: Some(policy.source.clone()), ..clash(ClashKind::Night, &windows, text) });
        }
    }
    clashes
}

/// Windows that find another at work on their scope.
fn twice(windows: &[YearWindow<'_>]) -> Vec<Clash> {
    let asked: Vec<&Asked<'_>> = windows.iter().map(|w| &w.asked).collect();
    let told = |Doubled { later, running, subsystem }: Doubled<'_>| {
        let other = &windows[running].asked.planned.id;
        let text = Names {
            zh: format!("{subsystem} 届时仍在窗口 {other} 内，本窗口须等其结束"),
            en: format!(
                "{subsystem} is still in the window {other} by then, so this one cannot begin before that ends"
            ),
        };
        clash(ClashKind::Doubled, &[&windows[later], &windows[running]], text)
    };
    doubled(&asked).into_iter().map(told).collect()
}

/// Shared modules and their direct dependants: a dependant's window that ends while the module stops, and, once for
/// each pair of schedules, months in which the two stop at different times.
fn shared(inventory: &Inventory, windows: &[YearWindow<'_>]) -> Vec<Clash> {
    let happening: Vec<&YearWindow<'_>> = windows.iter().filter(|w| w.happens()).collect();
    let mut by_scope: BTreeMap<&SubsystemId, Vec<&YearWindow<'_>>> = BTreeMap::new();
    for window in &happening {
        window.asked.schedule.scope.iter().for_each(|id| by_scope.entry(id).or_default().push(window));
    }
    let mut clashes = Vec::new();
    let mut apart: BTreeMap<(&ScheduleId, &ScheduleId), (Clash, BTreeSet<usize>)> = BTreeMap::new();
    for module in &happening {
        let stopped = &module.asked.schedule.scope;
        let mut seen: BTreeSet<&WindowId> = BTreeSet::new();
        for (needed, dependant) in dependants(inventory, stopped) {
            for window in by_scope.get(dependant).into_iter().flatten() {
                let same = window.asked.schedule.id == module.asked.schedule.id;
                let near = window.month == module.month || overlap(module, window);
                if same || !near || !seen.insert(&window.asked.planned.id) {
                    continue;
                }
                if overlap(module, window) {
                    clashes.extend(unverifiable(module, window, needed, dependant));
                } else {
                    let key = (&module.asked.schedule.id, &window.asked.schedule.id);
                    let first = || (separate(module, window, needed, dependant), BTreeSet::new());
                    apart.entry(key).or_insert_with(first).1.insert(module.month);
                }
            }
        }
    }
    clashes.extend(apart.into_values().map(|(mut clash, months)| {
        let list = months.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        clash.text.zh.push_str(&format!("（涉及月份：{list}）"));
        clash.text.en.push_str(&format!(" (months {list})"));
        clash
    }));
    clashes
}

/// Who outside needs one of `stopped`, with nothing else to turn to.
fn dependants<'a>(
    inventory: &'a Inventory,
    stopped: &'a [SubsystemId],
) -> impl Iterator<Item = (&'a SubsystemId, &'a SubsystemId)> {
    let each = stopped.iter().flat_map(|id| {
        let needing = inventory.dependants.get(id).into_iter().flatten();
        needing.map(move |dependant| (id, dependant))
    });
    each.filter(|(id, dependant)| {
        let subsystem = inventory.subsystems.get(*dependant);
        let alone = |d: &Dependency| matches!(d, Dependency::One(one) if one == *id);
        !stopped.contains(dependant) && subsystem.is_some_and(|s| s.depends_on.iter().any(alone))
    })
}

fn overlap(a: &YearWindow<'_>, b: &YearWindow<'_>) -> bool {
    a.asked.planned.span.overlaps(b.asked.planned.span)
}

fn unverifiable(
    module: &YearWindow<'_>,
    window: &YearWindow<'_>,
    needed: &SubsystemId,
    dependant: &SubsystemId,
) -> Option<Clash> {
    let (stops, ends) = (module.asked.planned.span, window.asked.planned.span.end);
    let text = Names {
        zh: format!("结束时所依赖的 {needed} 仍在窗口 {} 内停机，{dependant} 无法验证", module.asked.planned.id),
        en: format!(
            "it ends while {needed} stops in the window {}, so {dependant} cannot be verified",
            module.asked.planned.id
        ),
    };
    (stops.start < ends && ends < stops.end).then(|| clash(ClashKind::Unverifiable, &[window, module], text))
}

fn separate(module: &YearWindow<'_>, window: &YearWindow<'_>, needed: &SubsystemId, dependant: &SubsystemId) -> Clash {
    let (theirs, its) = (&module.asked.schedule.id, &window.asked.schedule.id);
    let text = Names {
        zh: format!("{dependant} 在 {its} 与 {theirs}（{needed}）的窗口中各停用一次，合在一起只停一次"),
        en: format!(
            "{dependant} is lost once with {its} and once with {needed} in {theirs}; together it would be once"
        ),
    };
    clash(ClashKind::Apart, &[window, module], text)
}
