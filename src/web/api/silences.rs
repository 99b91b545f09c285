//! `/api/v1/silences`: what is held back from whom until when, in whose name and why.
//!
//! Not here: whether somebody may set one (`domain::engine`). Invariant: it takes a token that may read, since silences
//! name people.

use super::orders::{self, give, length, read, unprocessable};
use crate::domain::access::Caller;
use crate::domain::order::{Order, Wanted};
use crate::domain::silence::{Matcher, Silence, SilenceId};
use crate::domain::{OwnerId, SubsystemId, Symptom};
use crate::web::dto::at;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    owner: Option<OwnerId>,
    subsystem: Option<SubsystemId>,
    symptom: Option<String>,
    /// A mail address.
    person: Option<String>,
    /// `8h`.
    lasts: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

/// One silence.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SilenceDto {
    id: String,
    /// Whether it holds now.
    holds: bool,
    owner: Option<String>,
    subsystem: Option<String>,
    symptom: Option<&'static str>,
    person: Option<String>,
    from: String,
    until: String,
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
