//! `/api/v1/on-call` and `/on-call.ics`: who answers for an owner at an instant, and the shifts to come.

use crate::domain::*;
use crate::field::suggestion;
use crate::web::extract::Query;
use crate::web::language::Reads;
use crate::web::on_call::{OnCallDto, calendar};
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Asked {
    /// Only for this owner.
    owner: Option<String>,
    /// At which instant, now without it: RFC 3339, or a local civil time like `2026-12-19T23:00`.
    at: Option<String>,
}

impl Asked {
    fn owner<'a>(&self, inventory: &'a Inventory) -> Result<Option<&'a Owner>, Problem> {
        let Some(id) = &self.owner else { return Ok(None) };
        let near = || suggestion(id, inventory.owners.keys().map(OwnerId::as_str));
        let hint = || near().map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let found = inventory.owners.get(id.as_str());
        found.map(Some).ok_or_else(|| Problem::not_found(format!("no owner is called {id:?}{}", hint())))
    }
}

/// `GET /api/v1/on-call?owner=&at=`.
pub(in crate::web) async fn on_call(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<OnCallDto>>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let inventory = &snapshot.inventory;
    let at = asked.at.as_deref().map_or(Ok(now), |text| query::instant(text, &inventory.zone));
    let at = at.map_err(Problem::bad_request)?;
    let owner = asked.owner(inventory)?;
    let owners = inventory.owners.values().filter(|o| owner.is_none_or(|owner| owner.id == o.id));
    Ok(Json(owners.map(|owner| OnCallDto::of(inventory, owner, at)).collect()))
}

/// `GET /on-call.ics?owner=`.
pub(in crate::web) async fn shifts(
    reads: Reads,
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, Problem> {
    let snapshot = state.picture();
    let owner = asked.owner(&snapshot.inventory)?.map(|owner| &owner.id);
    let text = calendar(&snapshot.inventory, owner, state.now(), reads.language);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text))
}
