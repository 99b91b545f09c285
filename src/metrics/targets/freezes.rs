//! Families of freezes: dates on which nothing is changed, the present ones or else the next.
//!
//! Not here: what they forbid (`domain::policy`).

use super::{flag, seconds};
use crate::domain::*;
use crate::metrics::writer::{Labels, Page};

/// How far ahead the next one is looked for.
const AHEAD_MS: Millis = 400 * DAY;

/// Writes every family of freezes.
pub(super) fn write(now: Timestamp, page: &mut Page, inventory: &Inventory) {
    let zone = &inventory.zone;
    let (today, until) = (zone.date(now), zone.date(now + AHEAD_MS));
    let rows: Vec<_> = inventory
        .freezes
        .iter()
        .map(|freeze| {
            let next = freeze.dates.iter().filter_map(|dates| dates.row_from(today, until)).min();
            let span = next.map(|(first, last)| Span::new(zone.midnight(first), zone.day(last).end));
            (freeze, Labels::of(&[("freeze", &freeze.id)]), span)
        })
        .collect();
    let mut series = page.family("gengfu_freeze_active");
    for (freeze, labels, span) in &rows {
        let names = [("name_zh", freeze.name.zh.as_str()), ("name_en", freeze.name.en.as_str())];
        series.sample_with(labels, &names, flag(span.is_some_and(|span| span.contains(now))));
    }
    let mut series = page.family("gengfu_freeze_start_timestamp_seconds");
    for (labels, span) in rows.iter().filter_map(|(_, labels, span)| Some((labels, (*span)?))) {
        series.sample(labels, seconds(span.start.0));
    }
    let mut series = page.family("gengfu_freeze_end_timestamp_seconds");
    for (labels, span) in rows.iter().filter_map(|(_, labels, span)| Some((labels, (*span)?))) {
        series.sample(labels, seconds(span.end.0));
    }
}
