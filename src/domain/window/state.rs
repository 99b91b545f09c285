//! Where a window stands in its life: the words, and the groups that others ask for.
//!
//! Not here: when a state changes (`lifecycle`). Invariant: the lists below hold every state, so that a new one cannot
//! be forgotten where states are counted, coloured or translated.

use serde::{Deserialize, Serialize};

/// Where a window stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// Not admitted yet: approvals missing, or dates not covered by the calendar.
    Draft,
    /// Admitted.
    Planned,
    /// Notice is out in time.
    Announced,
    /// A quarter of an hour before the start, and all is well for it.
    Armed,
    /// Permission lost, notice late, or something stands in the way of the start.
    Blocked,
    /// The start is reached; a plan is about to take the service out.
    Entering,
    /// Running.
    Active,
    /// The work is done; good rounds are counted.
    Verifying,
    /// The work failed or was called off; what was done is undone.
    Aborting,
    /// The approved end has passed and the service is not verified.
    Overrun,
    /// Half an hour after the approved end: a person must look.
    Stuck,
    /// Over, service verified. Terminal.
    Completed,
    /// Over, service verified, work not done. Terminal.
    Failed,
    /// Called off by a person. Terminal.
    Cancelled,
    /// Denied for a reason that time alone will not mend. Terminal.
    Rejected,
    /// Its time passed before it was ready. Terminal.
    Missed,
}

impl WindowState {
    /// Every state, for metrics and documents.
    pub const ALL: [Self; 16] = [
        Self::Draft,
        Self::Planned,
        Self::Announced,
        Self::Armed,
        Self::Blocked,
        Self::Entering,
        Self::Active,
        Self::Verifying,
        Self::Aborting,
        Self::Overrun,
        Self::Stuck,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Rejected,
        Self::Missed,
    ];

    /// Whether it can never change again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Rejected | Self::Missed)
    }

    /// Whether it has begun and is not over: its text can no longer change it.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Entering | Self::Active | Self::Verifying | Self::Aborting | Self::Overrun | Self::Stuck)
    }

    /// Whether it is past its approved end and not over.
    pub fn is_late(self) -> bool {
        matches!(self, Self::Overrun | Self::Stuck)
    }

    /// Whether it has not begun and may still.
    pub fn is_pending(self) -> bool {
        !self.is_terminal() && !self.is_running()
    }

    /// Whether it took place: what it used of its time is accounted for.
    pub fn took_place(self) -> bool {
        self.is_running() || matches!(self, Self::Completed | Self::Failed)
    }

    /// Whether a pipeline may rely on it: people know of it, or it is at work.
    pub fn opens_gates(self) -> bool {
        matches!(self, Self::Announced | Self::Armed | Self::Entering | Self::Active)
    }

    /// The label and the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Planned => "planned",
            Self::Announced => "announced",
            Self::Armed => "armed",
            Self::Blocked => "blocked",
            Self::Entering => "entering",
            Self::Active => "active",
            Self::Verifying => "verifying",
            Self::Aborting => "aborting",
            Self::Overrun => "overrun",
            Self::Stuck => "stuck",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Missed => "missed",
        }
    }
}
