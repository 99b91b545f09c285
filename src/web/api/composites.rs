//! `composites`: services that are made of others, as they are and as they were.
//!
//! Invariant: health and figures follow from the members' timelines by the composite's expression, never from a mean.

use crate::domain::composite::Composite;
use crate::domain::impact::Impact;
use crate::domain::sla::{Grain, Period};
use crate::domain::timeline::{Health, Timeline};
use crate::domain::*;
use crate::web::dto::{BoundedDto, at};
use crate::web::state::WebState;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub(in crate::web) struct CompositeDto {
    id: String,
    name: Names,
    health: &'static str,
    since: Option<String>,
    /// Members that are not as they should be.
    failing: Vec<String>,
    members: Vec<String>,
    availability: BTreeMap<&'static str, AvailabilityDto>,
}

#[derive(Debug, Serialize)]
struct AvailabilityDto {
    #[serde(flatten)]
    figure: BoundedDto,
    good_ms: Millis,
    degraded_ms: Millis,
    bad_ms: Millis,
    unknown_ms: Millis,
}

/// `GET /api/v1/composites`.
pub(in crate::web) async fn composites(State(state): State<WebState>) -> Json<Vec<CompositeDto>> {
    let (now, snapshot) = (state.now(), state.picture());
    Json(snapshot.inventory.composites.values().map(|c| CompositeDto::of(now, &snapshot, c)).collect())
}

impl CompositeDto {
    fn of(now: Timestamp, snapshot: &Snapshot, composite: &Composite) -> Self {
        let inventory = &snapshot.inventory;
        let line = |id: &SubsystemId| snapshot.subsystem(id).map(|view| &view.timeline);
        let whole = composite.needs.timeline(&line);
        let health = |id: &SubsystemId| snapshot.subsystem(id).map_or(Health::Unknown, |view| view.health);
        let members = composite.needs.members();
        let failing = members.iter().filter(|id| matches!(health(id), Health::Down | Health::Unknown));
        let month = Period::current(Grain::Month, now, &inventory.zone).span(now, &inventory.zone);
        let periods = [
            ("day", Span::new(now - DAY, now)),
            ("month", Span::new(month.start, now)),
            ("rolling_30d", Span::new(now - 30 * DAY, now)),
        ];
        let figure = |within| AvailabilityDto::of(inventory, composite, &whole, within);
        Self {
            id: composite.id.to_string(),
            name: composite.name.clone(),
            health: composite.needs.health(&health).as_str(),
            since: whole.last().map(|(since, _)| at(since)),
            failing: failing.map(ToString::to_string).collect(),
            members: members.iter().map(ToString::to_string).collect(),
            availability: periods.into_iter().map(|(name, within)| (name, figure(within))).collect(),
        }
    }
}

impl AvailabilityDto {
    fn of(inventory: &Inventory, composite: &Composite, whole: &Timeline<Health>, within: Span) -> Self {
        let tally = composite.tally(inventory, whole, within);
        Self {
            figure: (&tally.bounded()).into(),
            good_ms: tally.good_ms,
            degraded_ms: tally.degraded_ms,
            bad_ms: tally.bad_ms,
            unknown_ms: tally.unknown_ms,
        }
    }
}

/// What would be down with a window.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ImpactDto {
    composites: Vec<String>,
    dependants: Vec<String>,
    carried: Vec<String>,
}

impl From<Impact> for ImpactDto {
    fn from(impact: Impact) -> Self {
        let texts = |ids: &[SubsystemId]| ids.iter().map(ToString::to_string).collect();
        Self {
            composites: impact.composites.iter().map(ToString::to_string).collect(),
            dependants: texts(&impact.dependants),
            carried: texts(&impact.carried),
        }
    }
}
