//! `/api/v1/gate`: "may I change this, for this long?" — 200 allow, 423 deny. Pipelines act on the status alone.
//!
//! Not here: the decision (`domain::gate`). Every answer is counted, what a holder is told is kept; strangers are limited.

use crate::domain::access::Caller;
use crate::domain::gate::GateAnswer;
use crate::domain::*;
use crate::web::access::Asker;
use crate::web::access::limits::{self, GATE, Meter};
use crate::web::dto::{Rfc3339, RuleDto, at};
use crate::web::extract::Query;
use crate::web::figures;
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::state::WebState;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Counts the questions of strangers, by their addresses.
#[derive(Clone, Debug)]
pub(in crate::web) struct GateMeter(Arc<Meter<IpAddr>>);

impl Default for GateMeter {
    fn default() -> Self {
        Self(Arc::new(Meter::new(GATE)))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Question {
    /// What is changed: `owner/id`.
    #[schemars(required)]
    subsystem: Option<String>,
    /// For how long: `40m`, `8h` or `1h30m`.
    #[schemars(required)]
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// From when on, now without it: RFC 3339, or a local civil time like `2026-12-19T23:00`.
    at: Option<String>,
}

/// What the gate says.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct GateDto {
    subsystem: String,
    start: Rfc3339,
    end: Rfc3339,
    allow: bool,
    /// Until when it is allowed; null if it is denied.
    until: Option<Rfc3339>,
    /// The chain of rules, for allowances too.
    reasons: Vec<RuleDto>,
    /// From when on this very request would be allowed; null if the covered dates hold no opening.
    next_open: Option<Rfc3339>,
}

/// `GET /api/v1/gate?subsystem=&for=&at=`.
pub(in crate::web) async fn gate(
    asker: Asker,
    State(state): State<WebState>,
    State(meter): State<GateMeter>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    Query(question): Query<Question>,
) -> Result<Response, Problem> {
    if !asker.is_inside() {
        let ip = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(info)| info.0.ip());
        let often = |wait| Problem::too_often("too many questions to the gate from one address", wait);
        meter.0.take(state.clock.monotonic(), limits::peer(ip)).map_err(often)?;
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
    let asked = if question.at.is_some() { figures::gate } else { figures::gate_now };
    let answer = asked(&snapshot, &id, span)
        .ok_or_else(|| Problem::not_found(format!("no subsystem is called {:?}", id.as_str())))?;
    if let Some(caller) = asker.caller() {
        state.commands.note(recorded(now, caller, &id, &lasts, &answer));
    }
    Ok(respond(now, &state, &id, span, &answer))
}

/// What a holder was told is kept, as other rows of the audit log are.
fn recorded(now: Timestamp, by: &Caller, id: &SubsystemId, lasts: &str, answer: &GateAnswer) -> AuditEntry {
    let detail = format!("for {lasts}");
    match answer.reasons.first().filter(|_| !answer.allow) {
        Some(reason) => AuditEntry::refused(now, by.actor(), "gate.ask", id.as_str(), &detail, &reason.text.en),
        None => AuditEntry::done(now, by.actor(), "gate.ask", id.as_str(), &detail),
    }
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
