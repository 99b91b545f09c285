//! `/api/v1/hours`: the service-hours survey.

use crate::web::extract::Query;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use crate::web::survey::{SurveyDto, Surveys};
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Asked {
    /// Only what belongs to this owner, with the observed weeks.
    owner: Option<String>,
}

/// `GET /api/v1/hours?owner=`: every subsystem, with its observed weeks if an owner is named.
pub(in crate::web) async fn hours(
    State(state): State<WebState>,
    State(surveys): State<Surveys>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<SurveyDto>>, Problem> {
    let (all, snapshot) = (surveys.read(&state).await?, state.picture());
    let weeks = asked.owner.is_some();
    let wanted = all.iter().filter(|s| asked.owner.as_ref().is_none_or(|o| *o == s.subsystem.owner().as_str()));
    Ok(Json(wanted.map(|survey| SurveyDto::of(&snapshot.inventory, survey, weeks)).collect()))
}
