//! What the daily digest says: what was, is and will be.
//!
//! Not here: when it is sent (`engine::digest`) and how it is worded (`notify::render`).

use super::*;
use serde::{Deserialize, Serialize};

/// An incident in the daily digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Which one.
    pub incident: IncidentId,
    /// What was wrong.
    pub symptom: Symptom,
    /// The root cause, as people call it.
    pub name: Names,
    /// From its back-dated start to its end, or to now.
    pub span: Span,
}

/// A window in the daily digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestWindow {
    /// Which one.
    pub window: WindowId,
    /// What people call it.
    pub name: Names,
    /// From the start to the approved end.
    pub span: Span,
}

/// A public subsystem in the daily digest that an inspector would fail, or nearly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestInspection {
    /// As people call it.
    pub name: Names,
    /// Scheduled visits of the last seven days.
    pub visits: u64,
    /// Those that did not open in time.
    pub failed: u64,
    /// How many more may fail; negative once the limit is reached.
    pub left: i64,
}

/// Where the chain of evidence ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceHead {
    /// The last civil date that was sealed.
    pub day: String,
    /// Its head, 64 hexadecimal digits.
    pub head: String,
}

/// What was, is and will be, once a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestNews {
    /// The civil day that it is about.
    pub day: Span,
    /// Outages that touch it, in order of time, bounded to 50.
    pub outages: Vec<DigestLine>,
    /// Incidents that are open now, likewise.
    pub open: Vec<DigestLine>,
    /// Windows that run within the next 24 hours, likewise.
    pub windows: Vec<DigestWindow>,
    /// How many there are of each in all.
    pub totals: [usize; 3],
    /// Public subsystems that are at 80 % of the inspectors' limit or above, those with the least left first, bounded to 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inspections: Vec<DigestInspection>,
    /// How many of them there are in all.
    #[serde(default)]
    pub inspections_total: usize,
    /// Letters that were given up and that nobody has dropped.
    pub dead_letters: u64,
    /// Where the chain of evidence ends, once a day is sealed.
    pub head: Option<EvidenceHead>,
}

impl DigestNews {
    /// Whether nobody has to look at anything.
    pub fn is_quiet(&self) -> bool {
        let [outages, open, _] = self.totals;
        outages == 0 && open == 0 && self.dead_letters == 0 && self.inspections_total == 0
    }
}
