//! The deadline of a filing and the warnings before it, in plain hours: nights and holidays count.
//!
//! Invariant: stages come in order; which one it is at an instant follows from "known" and the length alone.

use super::*;

/// The last warning before the deadline.
pub const SOON: Millis = 15 * MINUTE;

/// How far the time is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Less than half.
    Running,
    /// Half of it.
    Half,
    /// At most [`SOON`] is left.
    Soon,
    /// All of it.
    Overdue,
}

/// From when on, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// From when on.
    pub known: Timestamp,
    /// For how long.
    pub within_ms: Millis,
}

impl Clock {
    /// By when the report has to be sent; at that very instant it is not late.
    pub fn deadline(self) -> Timestamp {
        self.known + self.within_ms
    }

    /// When each stage begins. With 30 minutes or less, half comes no earlier than [`Stage::Soon`], and is left out.
    pub fn begins(self, stage: Stage) -> Timestamp {
        let half = self.known + self.within_ms / 2;
        match stage {
            Stage::Running => self.known,
            Stage::Half => half,
            Stage::Soon => half.max(self.deadline() - SOON),
            // Late is what comes after the deadline.
            Stage::Overdue => self.deadline() + 1,
        }
    }

    /// The stage at `now`.
    pub fn stage(self, now: Timestamp) -> Stage {
        let later = [Stage::Overdue, Stage::Soon, Stage::Half];
        later.into_iter().find(|stage| self.begins(*stage) <= now).unwrap_or(Stage::Running)
    }

    /// When the next stage begins; `None` once it is overdue.
    pub fn next(self, now: Timestamp) -> Option<Timestamp> {
        let stages = [Stage::Half, Stage::Soon, Stage::Overdue];
        stages.into_iter().map(|stage| self.begins(stage)).find(|at| *at > now)
    }
}
