//! `timeWindow` and our periods: those that are the same stretch of time.
//!
//! Invariant: a window that begins elsewhere than our period, or is of another length, is no period of ours.

use super::super::Imported;
use crate::domain::ObjectivePeriod;
use crate::field::Node;
use jiff::civil::{DateTime, Weekday};

/// A calendar window with its length, the word of OpenSLO, and a start of one.
pub(super) const CALENDAR: [(ObjectivePeriod, &str, &str); 4] = [
    (ObjectivePeriod::Week, "1w", "2026-01-05 00:00:00"),
    (ObjectivePeriod::Month, "1M", "2026-01-01 00:00:00"),
    (ObjectivePeriod::Quarter, "1Q", "2026-01-01 00:00:00"),
    (ObjectivePeriod::Year, "1Y", "2026-01-01 00:00:00"),
];

/// Our word.
pub(super) fn word(period: ObjectivePeriod) -> &'static str {
    match period {
        ObjectivePeriod::Week => "week",
        ObjectivePeriod::Month => "month",
        ObjectivePeriod::Quarter => "quarter",
        ObjectivePeriod::Year => "year",
        ObjectivePeriod::Rolling7d => "rolling_7d",
        ObjectivePeriod::Rolling30d => "rolling_30d",
    }
}

/// The period of an SLO: `None` if it has none of ours, `Some(None)` if it says nothing about it.
pub(super) fn period(spec: &Node, name: &str, imported: &mut Imported) -> Option<Option<ObjectivePeriod>> {
    let Some(node) = spec.get("timeWindow") else {
        imported
            .note(&spec.at, format!("`{name}` has no `timeWindow`; its period is what nobody says: see docs/sla.md"));
        return Some(None);
    };
    let [window] = node.items() else {
        imported.leave(&node.at, format!("`{name}`: `timeWindow` has not exactly one item"));
        return None;
    };
    for entry in window.entries() {
        if !matches!(entry.key.as_str(), "duration" | "isRolling" | "calendar") {
            imported.leave(&entry.key_at, format!("`{}`: no such key is known", entry.key));
        }
    }
    let duration = window.get("duration").and_then(Node::text).unwrap_or_default();
    let calendar = window.get("calendar");
    let rolling = window.get("isRolling").and_then(Node::text).map_or(calendar.is_none(), |text| text == "true");
    let found = match (rolling, duration) {
        (true, "7d" | "1w") => Some(ObjectivePeriod::Rolling7d),
        (true, "30d") => Some(ObjectivePeriod::Rolling30d),
        (true, _) => None,
        (false, _) => calendar_period(duration, calendar, imported),
    };
    if found.is_none() {
        let sort = if rolling { "rolling" } else { "calendar" };
        let text = format!(
            "`{name}`: no period here is a {sort} window of {duration} that begins there; there are rolling 7d and 30d, \
             and weeks, months, quarters and years that begin as people count them"
        );
        imported.leave(&window.at, text);
    }
    found.map(Some)
}

fn calendar_period(duration: &str, calendar: Option<&Node>, imported: &mut Imported) -> Option<ObjectivePeriod> {
    let (period, ..) = CALENDAR.into_iter().find(|(_, word, _)| *word == duration)?;
    let calendar = calendar?;
    if let Some(zone) = calendar.get("timeZone") {
        let name = zone.text().unwrap_or_default();
        imported.note(&zone.at, format!("`timeZone: {name}`: periods are counted in `zone` of gengfu.yaml"));
    }
    let start = calendar.get("startTime").and_then(Node::text)?;
    let start: DateTime = start.trim().replace(' ', "T").parse().ok()?;
    let first = match period {
        ObjectivePeriod::Week => start.weekday() == Weekday::Monday,
        ObjectivePeriod::Month => start.day() == 1,
        ObjectivePeriod::Quarter => start.day() == 1 && (start.month() - 1) % 3 == 0,
        _ => start.day() == 1 && start.month() == 1,
    };
    (first && start.time() == jiff::civil::Time::midnight()).then_some(period)
}
