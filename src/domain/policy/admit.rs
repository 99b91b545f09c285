//! What binds windows alone: length, notice, approvals, limits between windows, on top of `decide`.
//!
//! Not here: who approved and when notice went out (facts, folded by `window::lifecycle`), and the limits themselves
//! (`limits`). Invariant: an obstacle says whether time or people can mend it; a window with none is admitted.

use super::limits::{self, Circumstances};
use super::{Decision, DenyKind, DenyReason, NoticeRule, Policy, decide, governing};
use crate::domain::window::{Planned, Schedule, WindowState};
use crate::domain::*;

/// Public subsystems are announced at least this long before.
const PUBLIC_NOTICE_MS: Millis = 48 * HOUR;

/// What stands in the way of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Dates that the calendar does not cover: stays a draft until they are.
    NotCovered(DenyReason),
    /// People must approve first: stays a draft.
    Approvals {
        /// How many, the applicant not among them.
        needed: u8,
        /// Owners of foreign subsystems in the scope, who must approve too.
        owners: Vec<OwnerId>,
    },
    /// Denied for a reason that time alone will not mend, with the next start at which `decide` would allow it.
    Denied {
        /// Why.
        reasons: Vec<DenyReason>,
        /// When it would be allowed.
        next_open: Option<Timestamp>,
    },
    /// Longer than a policy admits.
    TooLong(DenyReason),
    /// Another window goes before it, or the error budget is spent: stays a draft, or blocked, until that changes.
    Waits(DenyReason),
}

impl Obstacle {
    /// Whether the window is rejected rather than left a draft.
    pub fn rejects(&self) -> bool {
        matches!(self, Self::Denied { .. } | Self::TooLong(_))
    }

    /// One line for people: `needs 2 approvals`, `calendar does not cover 2027-01-23`, `too long: …`.
    pub fn text(&self) -> Names {
        let (first, mut text) = match self {
            Self::NotCovered(reason) => return reason.text.clone(),
            Self::Approvals { needed, owners } => return approvals_text(*needed, owners),
            Self::Denied { reasons, .. } => (reasons.first(), Names { zh: "不允许".into(), en: "denied".into() }),
            Self::TooLong(reason) => (Some(reason), Names { zh: "过长".into(), en: "too long".into() }),
            Self::Waits(reason) => (Some(reason), Names { zh: "等待".into(), en: "waits".into() }),
        };
        if let Some(reason) = first {
            text = Names {
                zh: format!("{}：{}", text.zh, reason.text.zh),
                en: format!("{}: {}", text.en, reason.text.en),
            };
        }
        text
    }
}

/// The answer of `admit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Everything that stands in the way; empty when the window is admitted.
    pub obstacles: Vec<Obstacle>,
    /// The latest instant at which its announcement is in time; `None` if no notice is needed.
    pub notice_by: Option<Timestamp>,
    /// What is allowed but unwise, for people.
    pub warnings: Vec<Names>,
}

impl Admission {
    /// Nothing stands in the way.
    pub fn is_admitted(&self) -> bool {
        self.obstacles.is_empty()
    }

    /// Something stands in the way that time alone will not mend.
    pub fn is_rejected(&self) -> bool {
        self.obstacles.iter().any(Obstacle::rejects)
    }

    /// Where a window stands by this answer alone, before any announcement.
    pub fn state(&self) -> WindowState {
        match (self.is_rejected(), self.is_admitted()) {
            (true, _) => WindowState::Rejected,
            (false, false) => WindowState::Draft,
            (false, true) => WindowState::Planned,
        }
    }

    /// What stands in its way; where something rejects it, only that. Empty if nothing does.
    pub fn why(&self, language: Language) -> String {
        let rejected = self.is_rejected();
        let shown = self.obstacles.iter().filter(|o| o.rejects() == rejected);
        let texts = shown.flat_map(|o| match o {
            Obstacle::Denied { reasons, .. } => reasons.iter().map(|r| r.text.get(language).to_owned()).collect(),
            Obstacle::TooLong(reason) | Obstacle::Waits(reason) => vec![reason.text.get(language).to_owned()],
            other => vec![other.text().get(language).to_owned()],
        });
        texts.collect::<Vec<String>>().join(if language == Language::Zh { "；" } else { "; " })
    }

    /// It waits for another window to go, or for the error budget to come back.
    pub fn waits(&self) -> bool {
        self.obstacles.iter().any(|o| matches!(o, Obstacle::Waits(_)))
    }

    /// Whether an announcement at `announced` is too late.
    pub fn is_late(&self, announced: Timestamp) -> bool {
        self.notice_by.is_some_and(|by| announced > by)
    }
}

/// Whether a window may become planned, and what it still needs.
///
/// With the default circumstances no other window is in its way.
pub fn admit(inventory: &Inventory, schedule: &Schedule, planned: &Planned, around: &Circumstances<'_>) -> Admission {
    let policies = policies(inventory, schedule);
    let mut obstacles = Vec::new();
    if let Decision::Deny { reasons, next_open } =
        decide(inventory, &schedule.scope, schedule.policy.as_ref(), planned.span)
    {
        let (not_covered, denied): (Vec<_>, Vec<_>) =
            reasons.into_iter().partition(|r| r.kind == DenyKind::CalendarNotCovered);
        obstacles.extend(not_covered.into_iter().map(Obstacle::NotCovered));
        if !denied.is_empty() {
            obstacles.push(Obstacle::Denied { reasons: denied, next_open });
        }
    }
    let length = planned.span.len_ms();
    for policy in &policies {
        if let Some(most) = policy.longest_deny_ms.filter(|most| length > *most) {
            obstacles.push(Obstacle::TooLong(too_long(policy, length, most)));
        }
    }
    obstacles.extend(limits::obstacles(inventory, schedule, planned, &policies, around));
    let foreign = foreign_owners(schedule);
    let needed = policies.iter().map(|p| p.approvals).max().unwrap_or_default();
    if needed > 0 || !foreign.is_empty() {
        obstacles.push(Obstacle::Approvals { needed, owners: foreign });
    }
    let warnings = policies.iter().filter_map(|p| long_warning(p, length)).collect();
    Admission { obstacles, notice_by: notice_deadline(inventory, schedule, planned), warnings }
}

/// The latest instant at which a window's announcement is in time; `None` if no notice is needed.
pub fn notice_deadline(inventory: &Inventory, schedule: &Schedule, planned: &Planned) -> Option<Timestamp> {
    let needs_notice = policies(inventory, schedule).iter().any(|p| p.notice == NoticeRule::ByLength);
    if !needs_notice {
        return None;
    }
    let (zone, start) = (&inventory.zone, planned.span.start);
    let needed = working_days_of_notice(planned.span.len_ms());
    let last = inventory.calendar.last_notice_date(zone.date(start), needed, Some(&schedule.owner));
    let by_days = zone.day(last).end - 1;
    let public = schedule.scope.iter().filter_map(|id| inventory.subsystems.get(id)).any(|s| s.public);
    Some(if public { by_days.min(start - PUBLIC_NOTICE_MS) } else { by_days.min(start) })
}

/// Working days of notice that a window of this length needs.
pub fn working_days_of_notice(length_ms: Millis) -> u32 {
    const BY_LENGTH: [(Millis, u32); 3] = [(30 * MINUTE, 1), (4 * HOUR, 5), (12 * HOUR, 10)];
    BY_LENGTH.iter().find(|(longest, _)| length_ms <= *longest).map_or(30, |(_, days)| *days)
}

/// Every policy that a window of a schedule is under.
pub fn policies<'a>(inventory: &'a Inventory, schedule: &Schedule) -> Vec<&'a Policy> {
    let is_extra = |p: &&Policy| schedule.policy.as_ref() == Some(&p.id);
    let mut found: Vec<&Policy> = inventory.policies.iter().filter(is_extra).collect();
    for policy in schedule.scope.iter().flat_map(|id| governing(inventory, id)) {
        if !found.iter().any(|p| p.id == policy.id) {
            found.push(policy);
        }
    }
    found
}

fn foreign_owners(schedule: &Schedule) -> Vec<OwnerId> {
    let mut owners: Vec<_> = schedule.scope.iter().map(SubsystemId::owner).filter(|o| *o != schedule.owner).collect();
    owners.sort();
    owners.dedup();
    owners
}

fn approvals_text(needed: u8, owners: &[OwnerId]) -> Names {
    let of = owners.iter().map(OwnerId::as_str).collect::<Vec<_>>().join(", ");
    let people = if needed == 1 { "approval" } else { "approvals" };
    match (needed, owners.is_empty()) {
        (_, true) => Names { zh: format!("需 {needed} 人批准"), en: format!("needs {needed} {people}") },
        (0, _) => Names { zh: format!("需 {of} 同意"), en: format!("needs the approval of {of}") },
        _ => Names {
            zh: format!("需 {needed} 人批准及 {of} 同意"),
            en: format!("needs {needed} {people} and that of {of}"),
        },
    }
}

fn too_long(policy: &Policy, length: Millis, most: Millis) -> DenyReason {
    let (length, most) = (people_length(length), people_length(most));
    let text = Names {
        zh: format!("时长 {length} 超过政策 {} 的上限 {most}", policy.id),
        en: format!("{length} is over the {most} that the policy {} admits", policy.id),
    };
    let (rule, source) = (format!("policy {}", policy.id), Some(policy.source.clone()));
    DenyReason { kind: DenyKind::TooLong, text, rule, source }
}

fn long_warning(policy: &Policy, length: Millis) -> Option<Names> {
    let most = policy.longest_warn_ms.filter(|most| length > *most)?;
    let (length, most) = (people_length(length), people_length(most));
    Some(Names {
        zh: format!("时长 {length} 超过政策 {} 的建议上限 {most}", policy.id),
        en: format!("{length} is over the {most} that the policy {} advises", policy.id),
    })
}

/// `8h`, `1h30m`, `45s`: a length as it is written in the files.
pub fn people_length(ms: Millis) -> String {
    let (hours, minutes, seconds) = (ms / HOUR, ms % HOUR / MINUTE, ms % MINUTE / SECOND);
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { format!("{ms}ms") } else { text }
}
