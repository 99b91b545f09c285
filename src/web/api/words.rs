//! `POST /api/v1/incidents/{id}/ack`, `/handover` and `/notes`: who has an incident, who has it next, and what that one
//! should know.
//!
//! Not here: whether somebody may say so (`domain::engine`). Invariant: nothing is changed by reading an address, so programs
//! that follow links acknowledge nothing.

use super::orders::{self, give, read};
use super::read::incident_number;
use crate::domain::IncidentId;
use crate::domain::access::Caller;
use crate::domain::incident::Saying;
use crate::domain::order::{Order, Wanted};
use crate::web::extract::Path;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Words about an incident.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Note")]
pub(super) struct Body {
    /// What whoever comes next should know.
    #[serde(default)]
    text: String,
}

/// Whose incident it is now.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    /// A roster, or the id, name or address of somebody on one.
    to: String,
    /// What that one should know.
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

/// `POST /api/v1/incidents/{id}/handover`: `{"to": …, "text": …}`.
pub(in crate::web) async fn hand_over(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path(id): Path<String>,
    body: Bytes,
) -> orders::Answer {
    let HandOver { to, text } = read(&body)?;
    let what = Wanted::HandOver(number(&id)?, to);
    give(&state, reads, Order { by: caller, reason: text, what }, StatusCode::OK).await
}

async fn say(state: &WebState, reads: Reads, by: Caller, id: &str, saying: Saying, text: String) -> orders::Answer {
    let what = Wanted::Incident(number(id)?, saying);
    give(state, reads, Order { by, reason: text, what }, StatusCode::OK).await
}

fn number(id: &str) -> Result<IncidentId, Problem> {
    let unknown = || Problem::not_found(format!("{id:?} is no number of an incident; they look like INC-0042"));
    incident_number(id).ok_or_else(unknown)
}
