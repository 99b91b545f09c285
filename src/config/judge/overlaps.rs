//! Windows that would find another at work on their scope: policy allows both, and the later one cannot begin.
//!
//! Not here: what the policies make wait (`judge`). One warning for each schedule that gives way.

use super::{NAMED_MAX, Places};
use crate::domain::policy::{Asked, Doubled, doubled};
use crate::domain::*;
use crate::field::{Code, Problem};
use std::collections::BTreeMap;

/// One warning for each schedule with windows that would have to wait.
pub(super) fn told(inventory: &Inventory, all: &[Asked<'_>], places: &impl Places) -> Vec<Problem> {
    let asked: Vec<&Asked<'_>> = all.iter().collect();
    let mut found: BTreeMap<&ScheduleId, Vec<Doubled<'_>>> = BTreeMap::new();
    for pair in doubled(&asked) {
        found.entry(&asked[pair.later].schedule.id).or_default().push(pair);
    }
    let people = |at| inventory.zone.people(at, Language::En);
    let warning = |(id, pairs): (&ScheduleId, Vec<Doubled<'_>>)| {
        let named = pairs.iter().take(NAMED_MAX).map(|pair| {
            let (later, running) = (&asked[pair.later].planned, &asked[pair.running].planned);
            let (start, end) = (people(later.span.start), people(running.span.end));
            format!("{start} ({} is in the window {} until {end})", pair.subsystem, running.id)
        });
        let named = named.collect::<Vec<_>>().join("; ");
        let more = pairs.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let count = pairs.len();
        let windows = if count == 1 { "window" } else { "windows" };
        let message = format!("{count} {windows} of `{id}` could not begin on time: {named}{more}");
        let problem = Problem::warning(Code::Clash, &places.schedule(id), message);
        let other = pairs.first().map(|pair| &asked[pair.running].schedule.id).filter(|other| *other != id);
        let problem = match other {
            Some(other) => problem.related(&places.schedule(other), "the other one"),
            None => problem,
        };
        problem.hint("make one window of the two, or move one of them")
    };
    found.into_iter().map(warning).collect()
}
