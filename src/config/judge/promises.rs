//! Promises that planned maintenance alone would break.
//!
//! Not here: what was really lost (`domain::sla`). Only whole civil months within the horizon are looked at, and a
//! contract's maintenance counts beyond its cap alone.

use super::{HORIZON_MS, Places};
use crate::domain::civil::Zone;
use crate::domain::window::Schedule;
use crate::domain::*;
use crate::field::{Code, Problem, format_duration};
use std::collections::BTreeMap;

/// One warning for each promise that breaks in some month ahead, at the first schedule that
/// touches its subsystem.
pub(super) fn broken(
    inventory: &Inventory,
    from: Timestamp,
    kept: &[(&Schedule, SpanSet)],
    places: &impl Places,
) -> Vec<Problem> {
    let mut planned: BTreeMap<&SubsystemId, (&ScheduleId, SpanSet)> = BTreeMap::new();
    for (schedule, spans) in kept {
        for id in &schedule.scope {
            let (_, all) = planned.entry(id).or_insert_with(|| (&schedule.id, SpanSet::default()));
            *all = all.union(spans);
        }
    }
    let months = months(&inventory.zone, from);
    let broken = planned.iter().filter_map(|(id, (schedule, windows))| {
        let subsystem = inventory.subsystems.get(*id)?;
        let objective = inventory.objectives.get(&subsystem.objective)?;
        let month = months.iter().find_map(|m| overspent(inventory, subsystem, objective, windows, *m))?;
        Some(Problem::warning(Code::PromiseBroken, &places.schedule(schedule), month).hint(
            "shorten or move its windows, or promise what can be kept: `figure: contract` leaves approved windows out",
        ))
    });
    broken.collect()
}

/// The whole civil months within the horizon.
fn months(zone: &Zone, from: Timestamp) -> Vec<Span> {
    let first = zone.date(from).first_of_month();
    let starts: Vec<Timestamp> = std::iter::successors(Some(first), |d| d.last_of_month().tomorrow().ok())
        .map(|d| zone.midnight(d))
        .take_while(|start| *start <= from + HORIZON_MS)
        .collect();
    starts.windows(2).map(|pair| Span::new(pair[0], pair[1])).collect()
}

/// The sentence, if what is planned in `month` is more than the promise leaves.
fn overspent(
    inventory: &Inventory,
    subsystem: &Subsystem,
    objective: &Objective,
    windows: &SpanSet,
    month: Span,
) -> Option<String> {
    let touched = windows.clip(month);
    if touched.is_empty() {
        return None;
    }
    let hours = objective.hours.as_ref().unwrap_or(&subsystem.hours);
    let owner = subsystem.id.owner();
    let eligible = hours.spans(&inventory.zone, &inventory.calendar, Some(&owner), month).set;
    let planned = touched.intersect(&eligible).len_ms();
    let counted = match objective.figure {
        Figure::Public => planned,
        Figure::Contract => (planned - objective.exclusion_cap_ms).max(0),
    };
    let budget = eligible.len_ms() * i64::from(1_000_000 - objective.target_ppm.min(1_000_000)) / 1_000_000;
    (counted > budget).then(|| {
        let date = inventory.zone.date(month.start);
        format!(
            "planned maintenance alone breaks `{}` of `{}` in {}-{:02}: {} planned, {} may be lost",
            objective.id,
            subsystem.id,
            date.year(),
            date.month(),
            format_duration(counted / SECOND * SECOND),
            format_duration(budget / SECOND * SECOND)
        )
    })
}
