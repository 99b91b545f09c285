//! Windows of 400 days: how long schedules take to expand, the policy to decide, and a whole plan to be judged.
//!
//! Not here: what becomes of windows (`engine`). A tenth of the schedules each are weekly cron, nth weekday and dates; the
//! rest are rules of RFC 5545, the dearest to expand.

use crate::files::{T0, loaded, silent};
use crate::table::{Goal, Unit, row};
use crate::{SUBSYSTEMS, fastest};
use gengfu::domain::calendar::Row;
use gengfu::domain::policy::{AtOnce, Limits, ask_all, decide};
use gengfu::domain::window::{Recurrence, Schedule, check_rule, expand};
use gengfu::domain::{DAY, HOUR, Inventory, MINUTE, Names, ScheduleId, Span, SubsystemId, Tier};
use jiff::civil::{Date, Weekday, date, time};

/// Schedules that are expanded.
const SCHEDULES: usize = 500;
/// Questions to the policy in one lap.
const QUESTIONS: i64 = 20_000;

pub(crate) fn rows() -> anyhow::Result<()> {
    let mut inventory = loaded(&silent(SUBSYSTEMS))?.inventory;
    // Every year has holidays; those of 2026 stand for the others'.
    for year in 2025..2029 {
        inventory.calendar.years.insert(year, gengfu::domain::calendar::YearStatus::Published);
        for layer in &mut inventory.calendar.layers {
            let rows = layer.rows.iter().filter(|(day, _)| day.year() == 2026);
            let again = |(day, row): (&Date, &Row)| Some((Date::new(year, day.month(), day.day()).ok()?, row.clone()));
            let rows: Vec<(Date, Row)> = rows.filter_map(again).collect();
            layer.rows.extend(rows);
        }
    }
    declare(&mut inventory)?;
    let within = Span::lasting(T0, 400 * DAY);
    let (windows, spent) =
        fastest(|| Ok(inventory.schedules.values().map(|s| expand(s, &inventory.zone, within).len()).sum::<usize>()))?;
    let what = format!("400 days of {SCHEDULES} schedules, {windows} windows, expanded");
    row(&what, Unit::Of("ms"), spent.wall_s * 1e3, Goal::AtMost(200.0), spent);

    let ids: Vec<SubsystemId> = inventory.subsystems.keys().cloned().collect();
    for (what, ms) in [("1 hour", HOUR), ("40 hours", 40 * HOUR), ("3 days", 3 * DAY), ("7 days", 7 * DAY)] {
        let (_, spent) = fastest(|| {
            let mut allowed = 0;
            for n in 0..QUESTIONS {
                let id = &ids[usize::try_from(n)? * 7 % ids.len()];
                let span = Span::lasting(T0 + n * 97 * MINUTE % (300 * DAY), ms);
                allowed += usize::from(decide(&inventory, std::slice::from_ref(id), None, span).is_allow());
            }
            Ok(allowed)
        })?;
        let each_us = spent.wall_s * 1e6 / QUESTIONS as f64;
        row(&format!("decide, one question for {what}"), Unit::Of("µs"), each_us, Goal::AtMost(20.0), spent);
    }

    let (judged, spent) = fastest(|| Ok(ask_all(&inventory, within).len()))?;
    row(&format!("{judged} windows judged by policy and limits"), Unit::Of("s"), spent.wall_s, Goal::None, spent);
    Ok(())
}

/// Schedules of all sorts, and limits that make every window look at the others.
fn declare(inventory: &mut Inventory) -> anyhow::Result<()> {
    let ids: Vec<SubsystemId> = inventory.subsystems.keys().cloned().collect();
    let source = inventory.policies[0].source.clone();
    let at_once = Some(AtOnce { tier: Tier::One, most: 50 });
    inventory.policies[0].limits =
        Limits { per_month: Some(40), hours_per_month_ms: Some(80 * HOUR), at_once, budget_needs_ppm: None };
    for n in 0..SCHEDULES {
        let scope = vec![ids[n * 19 % ids.len()].clone()];
        let hour = i8::try_from(n % 6)?;
        let rule =
            |text: &str| check_rule(text, date(2026, 1, 1).at(hour, 0, 0, 0)).map_err(|(_, why)| anyhow::anyhow!(why));
        let starts = match n % 10 {
            0 => Recurrence::Cron(format!("30 {hour} * * {}", n % 7)),
            1 => Recurrence::Nth { weekday: Weekday::Saturday, n: 4, at: time(23, 0, 0, 0) },
            2 => Recurrence::Dates((1..=12).map(|month| date(2026, month, 15).at(hour, 0, 0, 0)).collect()),
            3..6 => rule("FREQ=WEEKLY;BYDAY=SA\nEXDATE:20260502T000000")?,
            6..8 => rule("FREQ=MONTHLY;BYDAY=-1SA,2SU")?,
            8 => rule("FREQ=DAILY;INTERVAL=3")?,
            _ => rule("FREQ=YEARLY;BYMONTH=3,6,9,12;BYDAY=1SU")?,
        };
        let schedule = Schedule {
            id: ScheduleId::new(format!("schedule-{n:03}")),
            name: Names::default(),
            owner: scope[0].owner(),
            scope,
            starts,
            except: Vec::new(),
            also: Vec::new(),
            lasts_ms: HOUR,
            policy: None,
            plan: None,
            notice: None,
            source: source.clone(),
        };
        inventory.schedules.insert(schedule.id.clone(), schedule);
    }
    Ok(())
}
