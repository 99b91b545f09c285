//! Times at which a roster has nobody.
//!
//! Not here: what happens then (`domain::roster`: the fallback roster is told). One error for each roster, about its
//! first hole; an owner whose calendar has days of its own is looked at apart.

use super::{HORIZON_MS, Places};
use crate::domain::roster::{Timetable, World};
use crate::domain::*;
use crate::field::{Code, Problem};

/// One error for each roster with a hole within the 400 days from `from` on.
pub(in crate::config) fn holes(inventory: &Inventory, from: Timestamp, places: &impl Places) -> Vec<Problem> {
    let within = Span::lasting(from, HORIZON_MS);
    let turning = inventory.rosters.values().filter(|roster| roster.has_turns());
    turning.filter_map(|roster| hole(inventory, roster, within, places)).collect()
}

fn hole(inventory: &Inventory, roster: &Roster, within: Span, places: &impl Places) -> Option<Problem> {
    let overlaid =
        inventory.owners.values().filter(|o| o.on_call == roster.id && inventory.calendar.has_overlay(&o.id));
    let mut calendars = std::iter::once(None).chain(overlaid.map(|o| Some(&o.id)));
    let (owner, holes) = calendars.find_map(|owner| {
        let world = World { zone: &inventory.zone, calendar: &inventory.calendar, owner };
        let holes = Timetable::new(roster, world, within).holes();
        (!holes.is_empty()).then_some((owner, holes))
    })?;
    let (first, zone) = (holes.spans().first()?, &inventory.zone);
    let [start, end] = [first.start, first.end].map(|at| zone.people(at, Language::En));
    let until = if first.end == within.end { "on, as far as 400 days go".to_owned() } else { format!("to {end}") };
    let whose = owner.map_or_else(String::new, |owner| format!(" by the calendar of `{owner}`"));
    let more = match holes.spans().len() - 1 {
        0 => String::new(),
        1 => "; and at one more time".to_owned(),
        more => format!("; and at {more} more times"),
    };
    let message = format!("nobody is on duty on `{}` from {start} {until}{whose}{more}", roster.id);
    let hint = "end `layers` with one that has no `when` and begins in time, or list the shifts that are missing";
    Some(Problem::error(Code::RosterHole, &places.roster(&roster.id), message).hint(hint))
}
