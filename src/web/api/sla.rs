//! `/api/v1/sla`: accounts by period and owner.

use crate::domain::sla::{Grain, Period};
use crate::domain::{DAY, Millis};
use crate::web::dto::AccountDto;
use crate::web::figures;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

/// What a snapshot remembers of every timeline.
const REMEMBERED_MS: Millis = 40 * DAY;

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Asked {
    period: Option<String>,
    owner: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::web) struct Row {
    subsystem: String,
    objective: String,
    /// The hours rest on a year whose holidays are not published.
    provisional: bool,
    #[serde(flatten)]
    account: AccountDto,
}

/// `GET /api/v1/sla?period=&owner=`.
pub(in crate::web) async fn sla(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Row>>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let period = match asked.period.as_deref() {
        None | Some("month") => Period::current(Grain::Month, now, &snapshot.inventory.zone),
        Some("day") => Period::current(Grain::Day, now, &snapshot.inventory.zone),
        Some(text) => Period::parse(text).map_err(Problem::bad_request)?,
    };
    if period.span(now, &snapshot.inventory.zone).start < now - REMEMBERED_MS {
        let detail = format!("{period} began more than 40 days ago; `gengfu report --period {period}` reads the store");
        return Err(Problem::bad_request(detail));
    }
    let mut reader = figures::Reader::new(now, &snapshot);
    let mut rows = Vec::new();
    for view in &snapshot.subsystems {
        if asked.owner.as_ref().is_some_and(|o| *o != view.id.owner().as_str()) {
            continue;
        }
        let Some(subsystem) = snapshot.inventory.subsystems.get(&view.id) else { continue };
        let Some(objective) = snapshot.inventory.objectives.get(&subsystem.objective) else { continue };
        if let Some(account) = reader.account(view, period) {
            rows.push(Row {
                subsystem: view.id.to_string(),
                objective: objective.id.to_string(),
                provisional: reader.is_provisional(view, period),
                account: AccountDto::of(period.to_string(), objective.target_ppm, &account),
            });
        }
    }
    Ok(Json(rows))
}
