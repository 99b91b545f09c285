//! Figures that depend on the time of reading: accounts, burn rates, open policies, gate answers.
//!
//! Not here: how they are shown, and the accounts themselves (`domain::sla::Reader`). Everything follows from a snapshot
//! and an instant.

use crate::domain::gate::GateAnswer;
use crate::domain::policy::{Policy, allowed};
use crate::domain::*;

pub use crate::domain::sla::{Reader, SubsystemFigures};

/// How far ahead the end of an open block is looked for: longer than any holiday.
const OPEN_LOOK_AHEAD_MS: Millis = 15 * DAY;

/// Whether a policy allows maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFigure {
    /// Which one.
    pub id: PolicyId,
    /// End of the block that is open now.
    pub open_until: Option<Timestamp>,
    /// Start of the next block, when none is open now.
    pub next_open: Option<Timestamp>,
}

/// All of them at one instant.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// In the order of the ids.
    pub by_subsystem: Vec<(SubsystemId, SubsystemFigures)>,
    /// In the order of the files.
    pub policies: Vec<PolicyFigure>,
    /// The calendar's id and the end of its last published year.
    pub covered_until: Option<(String, Timestamp)>,
}

/// Everything at `now`.
pub fn figures(now: Timestamp, snapshot: &Snapshot) -> Figures {
    let mut reader = Reader::new(now, snapshot);
    let by_subsystem = snapshot.subsystems.iter().map(|view| (view.id.clone(), reader.subsystem(view))).collect();
    Figures { by_subsystem, policies: policies(now, snapshot), covered_until: covered_until(snapshot) }
}

/// Instants inside `within` at which the first policy of the files allows maintenance.
pub fn open_spans(snapshot: &Snapshot, within: Span) -> SpanSet {
    let first = snapshot.inventory.policies.first();
    first.map(|policy| allowed(&snapshot.inventory, policy, within)).unwrap_or_default()
}

/// Which policies are open at `now`.
pub fn policies(now: Timestamp, snapshot: &Snapshot) -> Vec<PolicyFigure> {
    let inventory = &snapshot.inventory;
    let figure = |policy: &Policy| {
        let ahead = Span::new(now, now + OPEN_LOOK_AHEAD_MS);
        let open_until = allowed(inventory, policy, ahead).span_at(now).map(|s| s.end);
        let next_open = match open_until {
            Some(_) => None,
            None => policy::next_open(inventory, policy, now),
        };
        PolicyFigure { id: policy.id.clone(), open_until, next_open }
    };
    inventory.policies.iter().map(figure).collect()
}

/// The calendar's id and the end of its last published year.
pub fn covered_until(snapshot: &Snapshot) -> Option<(String, Timestamp)> {
    let calendar = &snapshot.inventory.calendar;
    calendar.covered_until(&snapshot.inventory.zone).map(|at| (calendar.id.clone(), at))
}

/// Whether `now` lies inside the declared hours.
pub fn in_hours(now: Timestamp, snapshot: &Snapshot, subsystem: &Subsystem) -> bool {
    let inventory = &snapshot.inventory;
    let (at, owner) = (Span::lasting(now, 1), subsystem.id.owner());
    subsystem.hours.is_always()
        || subsystem.hours.spans(&inventory.zone, &inventory.calendar, Some(&owner), at).set.contains(now)
}

/// "May I change this then, for this long?"; `None` for a subsystem that the inventory does not know.
pub fn gate(snapshot: &Snapshot, id: &SubsystemId, span: Span) -> Option<GateAnswer> {
    let known = snapshot.inventory.subsystems.contains_key(id);
    known.then(|| gate::gate(&snapshot.inventory, &snapshot.windows, id, span))
}

/// "May I change this now, for this long?", by the clock as it is.
pub fn gate_now(snapshot: &Snapshot, id: &SubsystemId, span: Span) -> Option<GateAnswer> {
    let known = snapshot.inventory.subsystems.contains_key(id);
    let doubt = snapshot.clock_doubt.as_ref();
    known.then(|| gate::gate_now(&snapshot.inventory, &snapshot.windows, id, span, doubt))
}
