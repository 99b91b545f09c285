//! Promises as OpenSLO v1 documents, for whoever reads those.
//!
//! Not here: writing files (`cli`). Invariants: every document can be read back into the promise that it came from; what
//! OpenSLO has no place for is an annotation, and is told.

use super::super::tree::{list, map, quoted, text};
use super::super::{slug, unique};
use super::window::CALENDAR;
use super::{OURS, VERSION};
use crate::config::modules::Secrets;
use crate::domain::hours::Hours;
use crate::domain::*;
use crate::field::{Node, format_duration};
use std::collections::BTreeSet;

/// Documents, and what readers of OpenSLO will not see in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// A stream of YAML documents.
    pub text: String,
    /// One sentence each.
    pub losses: Vec<String>,
}

/// Whose promise.
struct Promised<'a> {
    /// `subsystem` or `composite`.
    sort: &'static str,
    id: &'a str,
    name: &'a Names,
    hours: &'a Hours,
    objective: &'a Objective,
}

/// Every promise of `owner`, or all of them with those of the composites.
pub fn write(inventory: &Inventory, owner: Option<&OwnerId>) -> Exported {
    let is_asked = |subsystem: &&Subsystem| owner.is_none_or(|owner| subsystem.id.owner() == *owner);
    let subsystems = inventory.subsystems.values().filter(is_asked).filter_map(|s| {
        let objective = inventory.objectives.get(&s.objective)?;
        let hours = objective.hours.as_ref().unwrap_or(&s.hours);
        Some(Promised { sort: "subsystem", id: s.id.as_str(), name: &s.name, hours, objective })
    });
    let composites = inventory.composites.values().filter(|_| owner.is_none()).filter_map(|c| {
        let objective = inventory.objectives.get(c.objective.as_ref()?)?;
        let hours = objective.hours.as_ref().unwrap_or(&c.hours);
        Some(Promised { sort: "composite", id: c.id.as_str(), name: &c.name, hours, objective })
    });
    let promised: Vec<Promised<'_>> = subsystems.chain(composites).collect();
    let mut taken = BTreeSet::new();
    let documents = promised.iter().map(|promised| promised.document(inventory.zone.name(), &mut taken));
    let texts: Vec<String> =
        documents.map(|document| crate::config::modules::write(&document, Secrets::Written)).collect();
    Exported { text: texts.join("---\n"), losses: losses(&promised) }
}

impl Promised<'_> {
    fn document(&self, zone: &str, taken: &mut BTreeSet<String>) -> Node {
        let name = unique(slug(self.id), taken);
        let annotations = [
            (self.sort, self.id.to_owned()),
            ("objective", self.objective.id.to_string()),
            ("figure", figure(self.objective).to_owned()),
            ("hours", self.hours.as_str().to_owned()),
            ("exclusion-cap", format_duration(self.objective.exclusion_cap_ms)),
            ("pages", self.objective.pages.words().join(",")),
        ];
        let keys = annotations.each_ref().map(|(key, _)| format!("{OURS}{key}"));
        let annotations = keys.iter().zip(&annotations).map(|(key, (_, value))| (key.as_str(), quoted(value.clone())));
        let metadata = map([
            ("name", quoted(name.clone())),
            ("displayName", quoted(format!("{} · {}", self.name.zh, self.name.en))),
            ("annotations", map(annotations)),
        ]);
        let ppm = self.objective.target_ppm;
        let target = map([
            ("targetPercent", text(super::percent(ppm).trim_end_matches('%'))),
            ("timeSliceTarget", text("1")),
            ("timeSliceWindow", text("1m")),
        ]);
        let spec = map([
            ("service", quoted(name.clone())),
            ("indicator", self.indicator(&name)),
            ("timeWindow", list(vec![window(self.objective.period, zone)])),
            ("budgetingMethod", text("Timeslices")),
            ("objectives", list(vec![target])),
        ]);
        map([("apiVersion", text(VERSION)), ("kind", text("SLO")), ("metadata", metadata), ("spec", spec)])
    }

    /// The share of scrapes at which it was good; it is absent while nothing is known. Of a composite, the API knows.
    fn indicator(&self, name: &str) -> Node {
        let query = |over: &str| match self.sort {
            "composite" => map([("composite", quoted(self.id)), ("path", text("/api/v1/composites"))]),
            _ => map([("query", quoted(format!("{over}(gengfu_subsystem_up{{subsystem=\"{}\"}}[1m])", self.id)))]),
        };
        let kind = if self.sort == "composite" { "gengfu" } else { "Prometheus" };
        let metric = |over| map([("metricSource", map([("type", text(kind)), ("spec", query(over))]))]);
        let ratio =
            map([("counter", text("false")), ("good", metric("sum_over_time")), ("total", metric("count_over_time"))]);
        map([("metadata", map([("name", quoted(format!("{name}-up")))])), ("spec", map([("ratioMetric", ratio)]))])
    }
}

fn figure(objective: &Objective) -> &'static str {
    match objective.figure {
        Figure::Public => "public",
        Figure::Contract => "contract",
    }
}

fn window(period: ObjectivePeriod, zone: &str) -> Node {
    let rolling = |length| map([("duration", text(length)), ("isRolling", text("true"))]);
    let calendar = CALENDAR.into_iter().find(|(known, ..)| *known == period);
    match (period, calendar) {
        (_, Some((_, length, start))) => {
            let calendar = map([("startTime", quoted(start)), ("timeZone", quoted(zone))]);
            map([("duration", text(length)), ("isRolling", text("false")), ("calendar", calendar)])
        }
        (ObjectivePeriod::Rolling7d, None) => rolling("7d"),
        (_, None) => rolling("30d"),
    }
}

/// What a reader who knows nothing of our annotations takes to be otherwise.
fn losses(promised: &[Promised<'_>]) -> Vec<String> {
    let count = |is: &dyn Fn(&Promised<'_>) -> bool| promised.iter().filter(|p| is(p)).count();
    let told = [
        (
            count(&|p| p.objective.figure == Figure::Contract),
            "agree on the contract figure: OpenSLO leaves no maintenance out",
        ),
        (count(&|p| !p.hours.is_always()), "have hours: OpenSLO counts all time"),
        (
            count(&|p| p.objective.pages != Pages::default()),
            "say what pages: an alert policy has one condition, and ours are pairs",
        ),
        (count(&|p| p.sort == "composite"), "are composites: their indicator is not a query but our API"),
        (promised.len(), "are counted to the millisecond: a slice of a minute is bad as a whole"),
        (promised.len(), "have bounds for time that is not known: OpenSLO has one figure"),
    ];
    let sentence = |(count, what): (usize, &str)| (count > 0).then(|| format!("{count} promises {what}"));
    told.into_iter().filter_map(sentence).collect()
}
