//! The accounting wired to the inventory: which hours a promise is about, and the account of a view.
//!
//! Not here: any rule of its own. Invariants: the hours reach back to the start of the month in which the period
//! begins, so that the exclusion cap is spent as it was.

use super::*;
use crate::domain::hours::HoursSpans;

/// The hours of a subsystem's promise inside `within`: the objective's own, else the declared ones.
pub fn promised_hours(inventory: &Inventory, subsystem: &Subsystem, within: Span) -> HoursSpans {
    let own = inventory.objectives.get(&subsystem.objective).and_then(|objective| objective.hours.as_ref());
    let owner = subsystem.id.owner();
    own.unwrap_or(&subsystem.hours).spans(&inventory.zone, &inventory.calendar, Some(&owner), within)
}

/// The account of one subsystem over a period, as it stands at `now`; `None` without a known objective.
pub fn account_of(now: Timestamp, inventory: &Inventory, view: &SubsystemView, period: Period) -> Option<Account> {
    account_within(now, inventory, view, period.span(now, &inventory.zone))
}

/// The account of one subsystem over any span, as it stands at `now`; `None` without a known objective.
pub fn account_within(now: Timestamp, inventory: &Inventory, view: &SubsystemView, span: Span) -> Option<Account> {
    let subsystem = inventory.subsystems.get(&view.id)?;
    let objective = inventory.objectives.get(&subsystem.objective)?;
    let hours = promised_hours(inventory, subsystem, reach(span, &inventory.zone)).set;
    Some(account(objective, &hours, span, now, &view.seen(), &inventory.zone))
}
