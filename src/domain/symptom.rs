//! What is wrong with a subsystem, and how loud that is.
//!
//! Not here: what opens and closes (`incident`), and what it is called (`notify::render`, `web::text`).

use serde::{Deserialize, Serialize};

/// The symptom of an alert: what is wrong with a subsystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// Confirmed down.
    Down,
    /// Looks like maintenance, inside declared hours, outside any window. Replaces `Down`.
    MaintenanceOutsideWindow,
    /// A window's approved end has passed and the service is not verified.
    Overrun,
    /// Usable, but slow, or a certificate is due, or a supporting probe fails.
    Degraded,
    /// The budget burns too fast.
    SlaAtRisk,
    /// We do not see: our own references are silent.
    Blind,
    /// Much of what is watched went bad at once; the subsystem is the first of them.
    Storm,
}

impl Symptom {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::MaintenanceOutsideWindow,
        Self::Overrun,
        Self::Degraded,
        Self::SlaAtRisk,
        Self::Blind,
        Self::Storm,
    ];

    /// The label and the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::MaintenanceOutsideWindow => "maintenance_outside_window",
            Self::Overrun => "overrun",
            Self::Degraded => "degraded",
            Self::SlaAtRisk => "sla_at_risk",
            Self::Blind => "blind",
            Self::Storm => "storm",
        }
    }
}

/// How loud an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody must act now.
    Page,
    /// Somebody must act in working hours.
    Ticket,
}

impl Severity {
    /// The label and the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}
