//! How a thing looks at a glance: one of seven states, each with a shape, a colour and a word.
//!
//! Not here: what was seen (`timeline`); a look adds coverage and hours to it. Invariant: colour never speaks alone.

use super::figures;
use crate::domain::timeline::Health;
use crate::domain::*;

/// From harmless to bad, so that `max` is the look of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Look {
    /// Before the first attempt.
    Absent,
    /// Good.
    Up,
    /// Not good, and outside its declared hours.
    Closed,
    /// Not seen.
    Unknown,
    /// Under a valid window.
    Maintenance,
    /// Usable, not as it should be.
    Degraded,
    /// Not usable.
    Down,
}

impl Look {
    /// In the order of a legend.
    pub(super) const LEGEND: [Self; 6] =
        [Self::Up, Self::Degraded, Self::Down, Self::Maintenance, Self::Unknown, Self::Closed];

    /// Class of the style sheet and id of the shape.
    pub(super) fn css(self) -> &'static str {
        match self {
            Self::Absent => "abs",
            Self::Up => "up",
            Self::Closed => "cls",
            Self::Unknown => "unk",
            Self::Maintenance => "mnt",
            Self::Degraded => "deg",
            Self::Down => "down",
        }
    }
}

impl From<Health> for Look {
    fn from(health: Health) -> Self {
        match health {
            Health::Up => Self::Up,
            Health::Degraded => Self::Degraded,
            Health::Down => Self::Down,
            Health::Unknown => Self::Unknown,
        }
    }
}

/// The look of one subsystem at `now`.
pub(super) fn of(now: Timestamp, snapshot: &Snapshot, view: &SubsystemView) -> Look {
    if view.coverage.is_some() {
        return Look::Maintenance;
    }
    let look = Look::from(view.health);
    let subsystem = snapshot.inventory.subsystems.get(&view.id);
    match subsystem {
        Some(s) if look != Look::Up && !figures::in_hours(now, snapshot, s) => Look::Closed,
        _ => look,
    }
}
