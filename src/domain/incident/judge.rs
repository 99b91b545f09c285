//! What must happen to the incidents of one subsystem, given what is known of it now.
//!
//! A pure decision over what is known; `docs/schedules.md` says what a window mutes and what it never hides.

use super::*;
use crate::domain::timeline::Health;

/// What is known of one subsystem at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its present health.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Whether its failure looks like maintenance.
    pub maintenance_like: bool,
    /// How loud its outage is.
    pub severity: Severity,
    /// Inside its declared hours.
    pub in_hours: bool,
    /// The window that mutes it now.
    pub covered: Option<WindowId>,
    /// The window that has overrun and whose scope it is in.
    pub overrun: Option<WindowId>,
    /// Where the blame leads.
    pub root: Root,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing.
    Stay,
    /// Open an incident of its own.
    Open(Symptom, Severity),
    /// Fail with the incident of another.
    Join(IncidentId),
    /// The root is in a valid window: its owner is told once, nobody is paged.
    Inform(SubsystemId),
}

/// Decides about a subsystem that no open outage explains. Closing is decided by [`closes`].
///
/// Downtime comes first; degraded opens only if nothing worse is open.
pub fn judge(
    desk: &Desk,
    id: &SubsystemId,
    known: &Condition,
    root_covered: &dyn Fn(&SubsystemId) -> bool,
) -> Judgement {
    if let (Health::Down, Some(window)) = (known.health, &known.overrun) {
        let same = desk.open().find(|i| i.symptom == Symptom::Overrun && i.window.as_ref() == Some(window));
        return match (desk.explains(id), same) {
            (Some(i), _) if i.symptom == Symptom::Overrun => Judgement::Stay,
            (_, Some(i)) => Judgement::Join(i.id),
            (_, None) => Judgement::Open(Symptom::Overrun, Severity::Page),
        };
    }
    if known.covered.is_some() || !known.in_hours {
        return Judgement::Stay;
    }
    match known.health {
        Health::Down if desk.explains(id).is_some() => Judgement::Stay,
        Health::Down => outage(desk, known, root_covered),
        Health::Degraded if desk.explains(id).is_some_and(|i| i.symptom == Symptom::Storm) => Judgement::Stay,
        Health::Degraded if desk.find(id, Symptom::Degraded, Severity::Ticket).is_none() => {
            Judgement::Open(Symptom::Degraded, Severity::Ticket)
        }
        _ => Judgement::Stay,
    }
}

fn outage(desk: &Desk, known: &Condition, root_covered: &dyn Fn(&SubsystemId) -> bool) -> Judgement {
    if let Root::Dependency(root) = &known.root {
        if let Some(incident) = desk.explains(root) {
            return Judgement::Join(incident.id);
        }
        if root_covered(root) {
            return Judgement::Inform(root.clone());
        }
    }
    if known.maintenance_like {
        // Somebody is at work who can stop now.
        return Judgement::Open(Symptom::MaintenanceOutsideWindow, Severity::Page);
    }
    Judgement::Open(Symptom::Down, known.severity)
}

/// Whether a subsystem no longer fails with an incident that it joined. `Unknown` never leaves.
pub fn leaves(symptom: Symptom, health: Health) -> bool {
    match symptom {
        Symptom::Storm => health == Health::Up,
        _ => matches!(health, Health::Up | Health::Degraded),
    }
}

/// Whether an open incident is over, given its root's health. `Unknown` never closes.
pub fn closes(symptom: Symptom, health: Health) -> bool {
    match symptom {
        Symptom::Degraded => health == Health::Up,
        Symptom::Down | Symptom::MaintenanceOutsideWindow => matches!(health, Health::Up | Health::Degraded),
        // An overrun ends with its window, a risk with its burn rate, a storm with its last member, blindness with the
        // first answer of the witnesses.
        Symptom::Overrun | Symptom::SlaAtRisk | Symptom::Storm | Symptom::Blind => false,
    }
}
