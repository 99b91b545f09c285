//! `/api/v1/corrections`: how spans that are over count, in whose name and why.
//!
//! Not here: whether somebody may say so (`domain::engine`). Invariant: strangers are told that a span was corrected and what
//! it counts as, not by whom and why.

use super::orders::{self, give, read, unprocessable};
use crate::domain::access::Caller;
use crate::domain::correction::{Correction, seen_in};
use crate::domain::order::{Order, Wanted};
use crate::domain::timeline::Health;
use crate::domain::*;
use crate::web::dto::{Rfc3339, at};
use crate::web::extract::Query;
use crate::web::guard::Viewer;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a span counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CorrectionWanted")]
pub(super) struct Body {
    /// `owner/id`.
    #[schemars(with = "String")]
    subsystem: SubsystemId,
    /// RFC 3339, or a local civil time like `2026-12-19T23:00`.
    from: String,
    /// Likewise; the span must be over.
    to: String,
    /// `up`, `degraded`, `down`, `unknown`, or `measured`: as the probes saw it.
    #[serde(rename = "as")]
    counts_as: String,
    /// Why, for the evidence.
    reason: String,
}

/// One correction.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct CorrectionDto {
    subsystem: String,
    from: Rfc3339,
    to: Rfc3339,
    /// `measured` takes former ones back.
    counts_as: &'static str,
    /// What the probes saw in the span, as far as it is remembered.
    measured_ms: BTreeMap<&'static str, Millis>,
    written: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl CorrectionDto {
    /// Those of one subsystem that are about some of `within`, in the order in which they were written.
    pub(in crate::web) fn all(viewer: Viewer, view: &SubsystemView, within: Span) -> Vec<Self> {
        view.corrections(within).map(|said| Self::of(viewer, view, said)).collect()
    }

    fn of(viewer: Viewer, view: &SubsystemView, said: &Correction) -> Self {
        let seen = seen_in(&view.timeline, said.span);
        Self {
            subsystem: view.id.to_string(),
            from: at(said.span.start),
            to: at(said.span.end),
            counts_as: said.counts_as.map_or("measured", Health::as_str),
            measured_ms: seen.into_iter().map(|(health, ms)| (health.as_str(), ms)).collect(),
            written: at(said.at),
            by: viewer.is_inside().then(|| said.by.name.clone()),
            reason: viewer.is_inside().then(|| said.reason.clone()),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Asked {
    /// Only those about this subsystem: `owner/id`.
    #[schemars(with = "Option<String>")]
    subsystem: Option<SubsystemId>,
}

/// `GET /api/v1/corrections?subsystem=`: about the days that the engine remembers.
pub(in crate::web) async fn list(
    viewer: Viewer,
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Json<Vec<CorrectionDto>> {
    let picture = state.picture();
    let always = Span::new(Timestamp::MIN, Timestamp::MAX);
    let wanted = |view: &&std::sync::Arc<SubsystemView>| asked.subsystem.as_ref().is_none_or(|id| view.id == *id);
    Json(picture.subsystems.iter().filter(wanted).flat_map(|v| CorrectionDto::all(viewer, v, always)).collect())
}

/// `POST /api/v1/corrections`.
pub(in crate::web) async fn correct(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    body: Bytes,
) -> orders::Answer {
    let Body { subsystem, from, to, counts_as, reason } = read(&body)?;
    let zone = &state.picture().inventory.zone;
    let (start, end) = (orders::instant(&from, zone)?, orders::instant(&to, zone)?);
    if end <= start {
        return Err(unprocessable("`from` must lie before `to`".to_owned()));
    }
    let what = Wanted::Correct { subsystem, span: Span::new(start, end), counts_as: health(&counts_as)? };
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await
}

fn health(word: &str) -> Result<Option<Health>, Problem> {
    if word == "measured" {
        return Ok(None);
    }
    let known = Health::ALL.into_iter().find(|health| health.as_str() == word);
    known
        .map(Some)
        .ok_or_else(|| unprocessable(format!("`as` is up, degraded, down, unknown or measured, not {word:?}")))
}
