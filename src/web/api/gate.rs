//! `/api/v1/gate`: "may I change this, for this long?" — 200 allow, 423 deny. Pipelines act on the status alone.
//!
//! Not here: the decision (`domain::gate`). Every answer is counted; strangers are limited.

use crate::clock::Clock;
use crate::domain::gate::GateAnswer;
use crate::domain::*;
use crate::web::dto::{RuleDto, at};
use crate::web::figures;
use crate::web::guard::Viewer;
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Questions of all strangers together, in one minute.
const STRANGERS_PER_MINUTE: u32 = 60;

/// Counts the questions of strangers in the present minute.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Quota(Arc<Mutex<(Duration, u32)>>);

impl Quota {
    fn take(&self, clock: &dyn Clock) -> Result<(), Problem> {
        let now = clock.monotonic();
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(minute.0) >= Duration::from_secs(60) {
            *minute = (now, 0);
        }
        minute.1 += 1;
        if minute.1 > STRANGERS_PER_MINUTE {
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many questions; ask again in a minute"));
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Question {
    subsystem: Option<String>,
    #[serde(rename = "for")]
    lasts: Option<String>,
    at: Option<String>,
}

#[derive(Debug, Serialize)]
struct GateDto {
    subsystem: String,
    start: String,
    end: String,
    allow: bool,
    until: Option<String>,
    reasons: Vec<RuleDto>,
    next_open: Option<String>,
}

/// `GET /api/v1/gate?subsystem=&for=&at=`.
pub(in crate::web) async fn gate(
    viewer: Viewer,
    State(state): State<WebState>,
    State(quota): State<Quota>,
    Query(question): Query<Question>,
) -> Result<Response, Problem> {
    if !viewer.is_inside() {
        quota.take(&*state.clock)?;
    }
    let (now, snapshot) = (state.now(), state.picture());
    let subsystem = question.subsystem.ok_or_else(|| Problem::bad_request("name a subsystem: ?subsystem=owner/id"))?;
    let lasts = question.lasts.ok_or_else(|| Problem::bad_request("say for how long: &for=40m"))?;
    let lasts_ms = query::length(&lasts).map_err(Problem::bad_request)?;
    let start = match &question.at {
        Some(text) => query::instant(text, &snapshot.inventory.zone).map_err(Problem::bad_request)?,
        None => now,
    };
    let (id, span) = (SubsystemId::new(subsystem), Span::lasting(start, lasts_ms));
    let answer = figures::gate(&snapshot, &id, span)
        .ok_or_else(|| Problem::not_found(format!("no subsystem is called {:?}", id.as_str())))?;
    Ok(respond(now, &state, &id, span, &answer))
}

fn respond(now: Timestamp, state: &WebState, id: &SubsystemId, span: Span, answer: &GateAnswer) -> Response {
    let because = answer.because.iter().map(RuleDto::from);
    let dto = GateDto {
        subsystem: id.to_string(),
        start: at(span.start),
        end: at(span.end),
        allow: answer.allow,
        until: answer.until.map(at),
        reasons: answer.reasons.iter().map(RuleDto::from).chain(because).collect(),
        next_open: answer.next_open.map(at),
    };
    if answer.allow {
        state.metrics.gate_answered("allow", "");
        return Json(dto).into_response();
    }
    state.metrics.gate_answered("deny", answer.reasons.first().map_or("", |r| r.kind.as_str()));
    let mut response = (StatusCode::LOCKED, Json(dto)).into_response();
    if let Some(next_open) = answer.next_open {
        let seconds = next_open.since(now).max(0).unsigned_abs().div_ceil(SECOND.unsigned_abs());
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
