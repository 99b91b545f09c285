//! The service-hours survey on its way out: read from the store, written as JSON, CSV and sign-off sheets.
//!
//! Not here: what is found (`domain::survey`). Invariants: tallies are read a few days at a time, and only what the survey keeps of
//! them is held; a cell that a spreadsheet would take for a formula is defused, and so is markup in names.

mod kept;
mod written;

pub(in crate::web) use kept::Surveys;
pub use written::{CSV_HEAD, SurveyDto, csv, json, sheet};
pub(in crate::web) use written::{dates, observed, said};

use crate::domain::hours::EffectiveHours;
use crate::domain::survey::{Gathering, HourSeen, Survey, planned_maintenance, survey};
use crate::domain::*;
use crate::store::{Store, StoreError, Tally};

/// How much of the tallies is read at one time.
const READ_MS: Millis = 3 * DAY;

/// Collects what the store counted of the subsystems that `wanted` takes, in the hours that begin within `period`.
///
/// # Errors
/// What the store says.
pub async fn gather(
    store: &Store,
    inventory: &Inventory,
    period: Span,
    wanted: impl Fn(&Subsystem) -> bool,
) -> Result<Gathering, StoreError> {
    let mut gathering = Gathering::new(inventory, wanted);
    let mut from = period.start;
    while from < period.end {
        let to = (from + READ_MS).min(period.end);
        for tally in store.tallies(Span::new(from, to)).await? {
            gathering.add(&tally.probe, HourSeen::from(&tally));
        }
        from = to;
    }
    Ok(gathering)
}

/// The surveys of the subsystems that `wanted` takes, in the order of their ids.
pub fn surveys(
    inventory: &Inventory,
    gathering: &Gathering,
    period: Span,
    wanted: impl Fn(&Subsystem) -> bool,
) -> Vec<Survey> {
    let maintenance = planned_maintenance(inventory, period);
    let (mut effective, nothing) = (EffectiveHours::new(inventory, period), SpanSet::EMPTY);
    let chosen = inventory.subsystems.values().filter(|subsystem| wanted(subsystem));
    chosen
        .map(|subsystem| {
            let planned = maintenance.get(&subsystem.id).unwrap_or(&nothing);
            survey(inventory, &mut effective, subsystem, &gathering.of(&subsystem.id), planned)
        })
        .collect()
}

impl From<&Tally> for HourSeen {
    fn from(tally: &Tally) -> Self {
        Self {
            hour: tally.hour,
            ticks: tally.ticks,
            visits: tally.pass + tally.degraded + tally.fail,
            failed: tally.fail + tally.slow_pass,
        }
    }
}

#[cfg(test)]
mod tests;
