//! `/api/v1/silences`: what is held back from whom until when, in whose name and why.
//!
//! Not here: whether somebody may set one (`domain::engine`). Invariant: it takes a token that may read, since silences
//! name people.

use super::orders::{self, give, length, read, unprocessable};
use crate::domain::access::Caller;
use crate::domain::order::{Order, Wanted};
use crate::domain::silence::{Matcher, Silence, SilenceId};
use crate::domain::{OwnerId, SubsystemId, Symptom};
use crate::web::dto::{Rfc3339, at};
use crate::web::extract::Path;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be held back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SilenceWanted")]
pub(super) struct Body {
    /// Mail about this owner's subsystems. At least one of the first four is given.
    #[schemars(with = "Option<String>")]
    owner: Option<OwnerId>,
    /// Mail about this subsystem: `owner/id`.
    #[schemars(with = "Option<String>")]
    subsystem: Option<SubsystemId>,
    /// Mail about this symptom, such as `down`.
    symptom: Option<String>,
    /// Mail to this address.
    person: Option<String>,
    /// For how long: `8h`.
    lasts: String,
    /// Why, for the audit log.
    reason: String,
}

/// Why it is over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SilenceLifted")]
pub(super) struct Why {
    /// For the audit log.
    reason: String,
}

/// One silence.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct SilenceDto {
    id: String,
    /// Whether it holds now.
    holds: bool,
    owner: Option<String>,
    subsystem: Option<String>,
    symptom: Option<&'static str>,
    person: Option<String>,
    from: Rfc3339,
    until: Rfc3339,
    by: String,
    reason: String,
    lifted_by: Option<String>,
}

/// `GET /api/v1/silences`: those that hold, and the last ones that did; newest first.
pub(in crate::web) async fn list(State(state): State<WebState>) -> Json<Vec<SilenceDto>> {
    let picture = state.picture();
    let dto = |silence: &Silence| SilenceDto {
        id: silence.id.to_string(),
        holds: silence.span.contains(picture.at),
        owner: silence.matches.owner.as_ref().map(ToString::to_string),
        subsystem: silence.matches.subsystem.as_ref().map(ToString::to_string),
        symptom: silence.matches.symptom.map(Symptom::as_str),
        person: silence.matches.person.clone(),
        from: at(silence.span.start),
        until: at(silence.span.end),
        by: silence.by.name.clone(),
        reason: silence.reason.clone(),
        lifted_by: silence.lifted.as_ref().map(|by| by.name.clone()),
    };
    Json(picture.silences.iter().map(dto).collect())
}

/// `POST /api/v1/silences`.
pub(in crate::web) async fn set(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    body: Bytes,
) -> orders::Answer {
    let Body { owner, subsystem, symptom, person, lasts, reason } = read(&body)?;
    let symptom = symptom.map(|word| symptom_of(&word)).transpose()?;
    let what = Wanted::Silence(Matcher { owner, subsystem, symptom, person }, length(&lasts)?);
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await
}

/// `POST /api/v1/silences/{id}/lift`.
pub(in crate::web) async fn lift(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path(id): Path<String>,
    body: Bytes,
) -> orders::Answer {
    let Ok(silence) = id.parse::<SilenceId>() else {
        return Err(Problem::not_found(format!("{id:?} is no number of a silence; they look like SIL-0007")));
    };
    let Why { reason } = read(&body)?;
    give(&state, reads, Order { by: caller, reason, what: Wanted::Lift(silence) }, StatusCode::OK).await
}

fn symptom_of(word: &str) -> Result<Symptom, Problem> {
    let known = Symptom::ALL.into_iter().find(|symptom| symptom.as_str() == word);
    let words = Symptom::ALL.map(Symptom::as_str).join(", ");
    known.ok_or_else(|| unprocessable(format!("`symptom` is one of {words}, not {word:?}")))
}
