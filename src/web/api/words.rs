//! `POST /api/v1/incidents/{id}/ack` and `/notes`: who has an incident, and what the next one on duty should know.
//!
//! Not here: whether somebody may say so (`domain::engine`). Invariant: nothing is changed by reading an address, so programs
//! that follow links acknowledge nothing.

use super::orders::{self, give, read};
use super::read::incident_number;
use crate::domain::access::Caller;
use crate::domain::incident::Saying;
use crate::domain::order::{Order, Wanted};
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    text: String,
}

/// `POST /api/v1/incidents/{id}/ack`: I have it. The body may hold a `text`.
pub(in crate::web) async fn ack(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path(id): Path<String>,
    body: Bytes,
) -> orders::Answer {
    let said = if body.is_empty() { Body::default() } else { read(&body)? };
    say(&state, reads, caller, &id, Saying::Acknowledged, said.text).await
}

/// `POST /api/v1/incidents/{id}/notes`: `{"text": …}`.
pub(in crate::web) async fn note(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path(id): Path<String>,
    body: Bytes,
) -> orders::Answer {
    let said: Body = read(&body)?;
    say(&state, reads, caller, &id, Saying::Noted, said.text).await
}

async fn say(state: &WebState, reads: Reads, by: Caller, id: &str, saying: Saying, text: String) -> orders::Answer {
    let Some(incident) = incident_number(id) else {
        return Err(Problem::not_found(format!("{id:?} is no number of an incident; they look like INC-0042")));
    };
    let what = Wanted::Incident(incident, saying);
    give(state, reads, Order { by, reason: text, what }, StatusCode::OK).await
}
