//! Promises that planned maintenance alone would break.
//!
//! Not here: what was really lost (`domain::sla`). Only whole civil months within the horizon are looked at, and a
//! contract's maintenance counts beyond its cap alone.

use super::{HORIZON_MS, Places};
use crate::domain::civil::Zone;
use crate::domain::window::Schedule;
use crate::domain::*;
use crate::field::{Code, Problem, format_duration};
use std::collections::{BTreeMap, BTreeSet};

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

/// One warning for each promise whose exclusions may be as long as all that is promised in a month: then a month of
/// maintenance alone would be a promise that was kept.
pub(super) fn boundless(inventory: &Inventory, from: Timestamp, places: &impl Places) -> Vec<Problem> {
    let Some(month) = months(&inventory.zone, from).into_iter().nth(1) else { return Vec::new() };
    let (mut asked, mut told) = (BTreeSet::new(), BTreeSet::new());
    let mut problems = Vec::new();
    for subsystem in inventory.subsystems.values() {
        let Some(objective) = inventory.objectives.get(&subsystem.objective) else { continue };
        let hours = objective.hours.as_ref().unwrap_or(&subsystem.hours);
        let is_agreed = objective.figure == Figure::Contract;
        // Many subsystems share a promise and its hours: each pair is looked at once.
        if !is_agreed || told.contains(&objective.id) || !asked.insert((&objective.id, hours.as_str())) {
            continue;
        }
        let promised = sla::promised_hours(inventory, subsystem, month).set.len_ms();
        if promised > 0 && objective.exclusion_cap_ms >= promised {
            told.insert(&objective.id);
            let message = format!(
                "the exclusion cap of `{}` is {}, and `{}` promises only {} a month: all of it could be left out",
                objective.id,
                format_duration(objective.exclusion_cap_ms),
                subsystem.id,
                format_duration(promised / SECOND * SECOND)
            );
            let at = places.objective(&objective.id);
            problems.push(Problem::warning(Code::BoundlessCap, &at, message).hint("lower `exclusion_cap`"));
        }
    }
    problems
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
