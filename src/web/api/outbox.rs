//! `POST outbox/{id}/retry` and `…/drop`: what people do about a message that was given up.
//!
//! Not here: listing (`read`) and sending (`crate::outbox`), which finds a message to be tried within 15 s.

use crate::domain::access::Caller;
use crate::domain::{AuditEntry, DAY};
use crate::store::StoreError;
use crate::web::extract::Path;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

/// What became of a message.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct ActedDto {
    id: String,
    state: &'static str,
}

/// `POST /api/v1/outbox/{id}/{action}`.
pub(in crate::web) async fn act(
    caller: Caller,
    State(state): State<WebState>,
    Path((id, action)): Path<(String, String)>,
) -> Result<Json<ActedDto>, Problem> {
    let became = carry_out(&state, &caller, &id, &action).await?;
    Ok(Json(ActedDto { id, state: became }))
}

/// Tries a message again for a day, or gives it up; stored, and in the audit log, before the answer.
pub(in crate::web) async fn carry_out(
    state: &WebState,
    caller: &Caller,
    id: &str,
    action: &str,
) -> Result<&'static str, Problem> {
    let Some(store) = &state.store else { return Err(Problem::unavailable("nothing is kept here")) };
    let now = state.now();
    let (done, became, name) = match action {
        "retry" => (store.outbox_retry(id.to_owned(), now + DAY).await, "pending", "outbox.retry"),
        "drop" => (store.outbox_drop(id.to_owned(), now).await, "dropped", "outbox.drop"),
        other => return Err(Problem::not_found(format!("a message cannot {other:?}; it can retry or drop"))),
    };
    match done {
        Ok(()) => {
            state.commands.note(AuditEntry::done(now, caller.actor(), name, id, ""));
            Ok(became)
        }
        Err(StoreError::Missing(_)) => Err(Problem::not_found(format!("no message {id:?} waits or was given up"))),
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}
