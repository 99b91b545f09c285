//! `/api/v1/sla`: accounts by period and owner.

use crate::web::dto::AccountDto;
use crate::web::figures;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Asked {
    period: Option<String>,
    owner: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::web) struct Row {
    subsystem: String,
    objective: String,
    #[serde(flatten)]
    account: AccountDto,
}

/// `GET /api/v1/sla?period=&owner=`.
pub(in crate::web) async fn sla(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Row>>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let period = asked.period.as_deref().unwrap_or("month");
    if !["day", "month", "rolling_30d"].contains(&period) {
        return Err(Problem::bad_request(format!("period is day, month or rolling_30d, not {period:?}")));
    }
    let mut rows = Vec::new();
    for view in &snapshot.subsystems {
        if asked.owner.as_ref().is_some_and(|o| *o != view.id.owner().as_str()) {
            continue;
        }
        let Some(subsystem) = snapshot.inventory.subsystems.get(&view.id) else { continue };
        let Some(objective) = snapshot.inventory.objectives.get(&subsystem.objective) else { continue };
        let figures = figures::subsystem(now, &snapshot, view);
        if let Some((_, account)) = figures.accounts().find(|(name, _)| *name == period) {
            rows.push(Row {
                subsystem: view.id.to_string(),
                objective: objective.id.to_string(),
                account: AccountDto::of(period, objective.target_ppm, account),
            });
        }
    }
    Ok(Json(rows))
}
