//! `composites`: services that are made of others, as they are and as they were.
//!
//! Invariant: health and figures follow from the members' timelines by the composite's expression, never from a mean.

use crate::domain::composite::Composite;
use crate::domain::impact::Impact;
use crate::domain::sla::{Grain, Period, Reader};
use crate::domain::timeline::Health;
use crate::domain::*;
use crate::web::dto::{AccountDto, Rfc3339, at};
use crate::web::state::WebState;
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

/// A service that is made of others.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct CompositeDto {
    id: String,
    name: Names,
    #[schemars(extend("enum" = Health::ALL.map(Health::as_str)))]
    health: &'static str,
    since: Option<Rfc3339>,
    /// Down only because members are in valid windows.
    in_maintenance: bool,
    /// Members that are not as they should be.
    failing: Vec<String>,
    members: Vec<String>,
    objective: Option<String>,
    accounts: Vec<AccountDto>,
}

/// `GET /api/v1/composites`.
pub(in crate::web) async fn composites(State(state): State<WebState>) -> Json<Vec<CompositeDto>> {
    let (now, snapshot) = (state.now(), state.picture());
    let mut reader = Reader::new(now, &snapshot);
    Json(snapshot.inventory.composites.values().map(|c| CompositeDto::of(now, &snapshot, &mut reader, c)).collect())
}

impl CompositeDto {
    fn of<'a>(now: Timestamp, snapshot: &'a Snapshot, reader: &mut Reader<'a>, composite: &'a Composite) -> Self {
        let inventory = &snapshot.inventory;
        let seen = reader.evidence_of(composite);
        let health = |id: &SubsystemId| snapshot.subsystem(id).map_or(Health::Unknown, |view| view.health);
        let members = composite.needs.members();
        let failing = members.iter().filter(|id| matches!(health(id), Health::Down | Health::Unknown));
        let objective = composite.objective.as_ref();
        let target_ppm = objective.and_then(|id| inventory.objectives.get(id)).map_or(0, |o| o.target_ppm);
        let current = |grain| Period::current(grain, now, &inventory.zone);
        let periods =
            [("day", current(Grain::Day)), ("month", current(Grain::Month)), ("rolling_30d", Period::Rolling30d)];
        let accounts = periods.into_iter().filter_map(|(name, period)| {
            Some(AccountDto::of(name, target_ppm, &reader.composite(composite, &seen, period)?))
        });
        Self {
            id: composite.id.to_string(),
            name: composite.name.clone(),
            health: composite.needs.health(&health).as_str(),
            since: seen.timeline.last().map(|(since, _)| at(since)),
            in_maintenance: seen.valid.contains(now - 1),
            failing: failing.map(ToString::to_string).collect(),
            members: members.iter().map(ToString::to_string).collect(),
            objective: objective.map(ToString::to_string),
            accounts: accounts.collect(),
        }
    }
}

/// What would be down with a window.
#[derive(Debug, Serialize, JsonSchema)]
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
