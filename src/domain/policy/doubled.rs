//! Windows that stop one subsystem at one time.
//!
//! Policy does not forbid it, and still the later one cannot begin while the earlier one runs. Not here: what stands in
//! the way of a start when it is near (`engine::windows::readiness`).

use super::asked::Asked;
use crate::domain::*;
use std::collections::{BTreeMap, BTreeSet};

/// A window that would find a subsystem of its scope in another window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubled<'a> {
    /// The place of the window that starts later, among those asked about.
    pub later: usize,
    /// The place of the window that runs by then.
    pub running: usize,
    /// A subsystem of both.
    pub subsystem: &'a SubsystemId,
}

/// Every window that would find another at work on its scope, once, with the one that ends last; those that are denied
/// stop nothing. `asked` is in order of start.
pub fn doubled<'a>(asked: &[&'a Asked<'_>]) -> Vec<Doubled<'a>> {
    let mut running: BTreeMap<&SubsystemId, usize> = BTreeMap::new();
    let mut found: Vec<Doubled<'a>> = Vec::new();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    let ends = |place: usize| asked[place].planned.span.end;
    for (later, window) in asked.iter().enumerate().filter(|(_, a)| !a.admission.is_rejected()) {
        for subsystem in &window.schedule.scope {
            let place = running.entry(subsystem).or_insert(later);
            if *place != later && ends(*place) > window.planned.span.start && told.insert(later) {
                found.push(Doubled { later, running: *place, subsystem });
            }
            if ends(later) > ends(*place) {
                *place = later;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::ask_all;
    use crate::domain::policy::fixture::{city, once};
    use proptest::prelude::*;

    type Row = (u8, i64, i64);

    /// Windows over the subsystems of a mask, from an hour of January on, for so many hours.
    fn asked_of(rows: &[Row]) -> Inventory {
        let mut city = city();
        for policy in &mut city.policies {
            policy.allow.always = true;
            policy.limits = crate::domain::policy::Limits::default();
        }
        let ids: Vec<SubsystemId> = city.subsystems.keys().take(3).cloned().collect();
        for (number, (mask, hour, hours)) in rows.iter().enumerate() {
            let (mut schedule, _) = once("bdc", &[], "2026-01-01T00:00", hours * HOUR);
            schedule.id = ScheduleId::new(format!("w{number}"));
            schedule.scope =
                ids.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, id)| id.clone()).collect();
            let day = 1 + hour / 24;
            let start = format!("2026-01-{day:02}T{:02}:00", hour % 24);
            schedule.starts = crate::domain::window::Recurrence::Dates(vec![city.zone.parse_civil(&start).unwrap()]);
            city.schedules.insert(schedule.id.clone(), schedule);
        }
        city
    }

    proptest! {
        #[test]
        fn those_are_found_that_looking_at_every_pair_finds(
            rows in proptest::collection::vec((1_u8..8, 0_i64..200, 1_i64..20), 0..12)
        ) {
            let city = asked_of(&rows);
            let within = Span::new(city.zone.instant(jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0)),
                city.zone.instant(jiff::civil::datetime(2026, 2, 1, 0, 0, 0, 0)));
            let all = ask_all(&city, within);
            let all: Vec<&Asked<'_>> = all.iter().collect();
            let standing = |place: &usize| !all[*place].admission.is_rejected();
            let naive: Vec<usize> = (0..all.len())
                .filter(standing)
                .filter(|later| {
                    (0..*later).filter(standing).any(|earlier| {
                        all[earlier].planned.span.overlaps(all[*later].planned.span)
                            && all[earlier].schedule.scope.iter().any(|id| all[*later].schedule.scope.contains(id))
                    })
                })
                .collect();
            let found = doubled(&all);
            prop_assert_eq!(found.iter().map(|d| d.later).collect::<Vec<_>>(), naive);
            for d in found {
                prop_assert!(all[d.running].planned.span.end > all[d.later].planned.span.start && d.running < d.later);
                prop_assert!(all[d.running].schedule.scope.contains(d.subsystem));
            }
        }
    }
}
