//! What readers see: an immutable picture of the engine, cheap to take because unchanged parts are shared.
//!
//! Not here: figures that depend on the time of reading (`sla`); readers compute them from the timelines.

use super::health::ProbeHealth;
use super::timeline::{Health, Timeline};
use super::window::WindowState;
use super::*;
use std::sync::Arc;

/// The present state of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeView {
    /// Which one.
    pub id: ProbeId,
    /// Confirmed health; `None` is unknown.
    pub health: Option<ProbeHealth>,
    /// Since when.
    pub since: Timestamp,
    /// What was seen when it changed, if it was not a pass.
    pub reason: Option<Reason>,
}

/// The present state of one subsystem, with its history.
#[derive(Clone, Debug)]
pub struct SubsystemView {
    /// Which one.
    pub id: SubsystemId,
    /// Present health; `Unknown` before the first result.
    pub health: Health,
    /// Since when; `None` before the first attempt.
    pub since: Option<Timestamp>,
    /// At least the last 62 days.
    pub timeline: Timeline<Health>,
    /// In the order of the file.
    pub probes: Vec<ProbeView>,
    /// Windows that touched it, in order of time, at least the last 62 days.
    pub windows: Vec<sla::UsedWindow>,
    /// Down time that looked like maintenance, outside any window.
    pub undeclared: SpanSet,
    /// The window that mutes and excludes it now.
    pub coverage: Option<WindowId>,
    /// Effective maintenance in the sense of `gengfu_subsystem_in_maintenance`: in any running window.
    pub in_maintenance: bool,
}

impl SubsystemView {
    /// What the accounting needs.
    pub fn seen(&self) -> sla::Seen<'_> {
        sla::Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared: self.undeclared.clone() }
    }
}

/// One window, past, running or to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowView {
    /// Which one.
    pub id: WindowId,
    /// Of which schedule.
    pub schedule: ScheduleId,
    /// Whose.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What is affected.
    pub scope: Vec<SubsystemId>,
    /// From the start to the approved end.
    pub span: Span,
    /// Where it stands.
    pub state: WindowState,
    /// Why, for people.
    pub why: Names,
    /// When a relay accepted its notice.
    pub announced: Option<Timestamp>,
    /// Work that could not wait for notice and off-hours.
    pub emergency: Option<window::Emergency>,
    /// When the service was verified, once over.
    pub restored: Option<Timestamp>,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// How many versions there were.
    pub version: u32,
    /// The last of them, in order.
    pub versions: Vec<window::Version>,
}

/// One incident, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// Its number.
    pub id: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// When it began.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
    /// Others that fail with it, and since when.
    pub affected: Vec<(SubsystemId, Timestamp)>,
    /// Messages sent so far.
    pub told: u32,
    /// What was seen.
    pub reason: Option<Reason>,
    /// The window it is about.
    pub window: Option<WindowId>,
}

/// The picture.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// The shape of the world.
    pub inventory: Arc<Inventory>,
    /// Sorted by id; one for every subsystem of the inventory.
    pub subsystems: Vec<Arc<SubsystemView>>,
    /// Sorted by start: the last 62 days and the next 400.
    pub windows: Arc<Vec<WindowView>>,
    /// Newest first, the last 1 000.
    pub incidents: Arc<Vec<IncidentView>>,
    /// The store refuses writes; pages leave from memory.
    pub store_failed: bool,
    /// Diagnostics of the last reload if it was refused.
    pub reload_refused: Option<Arc<str>>,
}

impl Snapshot {
    /// The view of one subsystem.
    pub fn subsystem(&self, id: &SubsystemId) -> Option<&Arc<SubsystemView>> {
        self.subsystems.binary_search_by(|v| v.id.cmp(id)).ok().map(|i| &self.subsystems[i])
    }
}
