//! `GET /probe?module=&target=`: one attempt for whoever scrapes, answered as blackbox_exporter does.
//!
//! Not here: modules and whom they may be pointed at (`config::modules`), the figures' text (`render`). Invariants: at
//! most [`AT_ONCE_MAX`] attempts run for strangers and insiders together; nothing here enters health or history; only
//! somebody on this machine sees logs and the module.

mod render;

use super::guard::Viewer;
use super::state::WebState;
use crate::config::modules::{Module, Refused};
use crate::probe::{Facts, Report, attempt_with_facts};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Attempts that run at one time.
const AT_ONCE_MAX: usize = 64;
/// How long a question waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(1);
/// What the scraper needs to hear the answer.
const OFFSET_S: f64 = 0.5;
/// Where neither the scraper nor the module names a time; and the most that a page may take in all.
const TIMEOUT_MAX: Duration = Duration::from_secs(28);
/// The module that is meant where none is named.
const USUAL_MODULE: &str = "http_2xx";
/// How Prometheus says what it grants.
const GRANTED: &str = "x-prometheus-scrape-timeout-seconds";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Turns of `/probe`.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE_MAX)))
    }
}

/// What is asked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Question {
    module: Option<String>,
    target: Option<String>,
    hostname: Option<String>,
    debug: Option<String>,
}

/// `GET /probe`.
pub(super) async fn probe(
    viewer: Viewer,
    State(state): State<WebState>,
    State(turns): State<Turns>,
    headers: HeaderMap,
    Query(question): Query<Question>,
) -> Response {
    answer(viewer, &state, &turns, &headers, &question).await.unwrap_or_else(|refusal| refusal)
}

async fn answer(
    viewer: Viewer,
    state: &WebState,
    turns: &Turns,
    headers: &HeaderMap,
    question: &Question,
) -> Result<Response, Response> {
    let name = question.module.as_deref().filter(|name| !name.is_empty()).unwrap_or(USUAL_MODULE);
    let desk = state.desk.load_full();
    let Some(module) = desk.module(name) else {
        let name: String = name.chars().take(100).collect();
        return Err(refuse(StatusCode::BAD_REQUEST, &format!("Unknown module {name:?}")));
    };
    let timeout = timeout(headers, module).map_err(|text| refuse(StatusCode::INTERNAL_SERVER_ERROR, &text))?;
    let Some(target) = question.target.as_deref().filter(|target| !target.is_empty()) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "Target parameter is missing"));
    };
    let debug = question.debug.as_deref() == Some("true");
    if debug {
        viewer.must_be_inside().map_err(IntoResponse::into_response)?;
    }
    let asked = desk.ask(module, target, question.hostname.as_deref()).map_err(|refused| {
        let status = match &refused {
            Refused::NotAllowed(_) => StatusCode::FORBIDDEN,
            Refused::NotUnderstood(_) | Refused::Unfit(_) => StatusCode::BAD_REQUEST,
        };
        refuse(status, &refused.to_string())
    })?;
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WITHIN, turns.0.acquire()).await else {
        let text = format!("{AT_ONCE_MAX} probes are running already; scrape less often, or spread the scrapes");
        return Err(refuse(StatusCode::TOO_MANY_REQUESTS, &text));
    };
    let (report, facts) = attempt_with_facts(&*asked.prober, timeout, &*state.clock).await;
    let metrics = render::metrics(module.kind.name, &report, &facts);
    if debug {
        return Ok(text(StatusCode::OK, "text/plain", debugged(module, target, timeout, &report, &facts, &metrics)));
    }
    Ok(text(StatusCode::OK, METRICS, metrics))
}

/// What the scraper grants, less the way back, or the module's own deadline if that is shorter.
fn timeout(headers: &HeaderMap, module: &Module) -> Result<Duration, String> {
    let granted = match headers.get(GRANTED).map(HeaderValue::to_str) {
        None => None,
        Some(Ok("")) => None,
        Some(text) => {
            let text = text.unwrap_or("?");
            let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
            let wrong = || format!("Failed to parse timeout from Prometheus header: {:?} is not a number", text);
            Some(seconds.ok_or_else(wrong)?).filter(|seconds| *seconds != 0.0)
        }
    };
    let left = granted.map_or(TIMEOUT_MAX.as_secs_f64(), |seconds| seconds - OFFSET_S);
    let granted = Duration::try_from_secs_f64(left).ok();
    let timeout = match (module.timeout, granted) {
        (Some(own), Some(granted)) => own.min(granted),
        (Some(own), None) => own,
        (None, granted) => granted.unwrap_or(TIMEOUT_MAX),
    };
    Ok(timeout.min(TIMEOUT_MAX))
}

fn refuse(status: StatusCode, why: &str) -> Response {
    text(status, PLAIN, format!("{why}\n"))
}

fn text(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

/// The log, the figures and the module, for somebody who looks into it.
fn debugged(module: &Module, target: &str, timeout: Duration, report: &Report, facts: &Facts, metrics: &str) -> String {
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let mut out = String::from("Logs for the probe:\n");
    let head =
        |at: Duration| format!("ts={} module={} target={}", report.started + millis(at), module.name, clean(target));
    let seconds = timeout.as_secs_f64();
    let begin = head(Duration::ZERO);
    let _ = writeln!(out, "{begin} msg=\"Beginning probe\" probe={} timeout_seconds={seconds}", module.kind.name);
    for line in &report.trace {
        let _ = writeln!(out, "{} msg={:?}", head(line.at), line.text);
    }
    if let Some(peer) = facts.peer {
        let _ = writeln!(out, "{} msg=\"Resolved target address\" ip={peer}", head(report.took));
    }
    let end = head(report.took);
    match report.outcome.reason() {
        Some(reason) => {
            let (verdict, kind) = (report.outcome.label(), reason.kind.as_str());
            let _ = writeln!(out, "{end} result={verdict} reason={kind} msg={:?}", reason.text);
        }
        None => {
            let took = report.took.as_secs_f64();
            let _ = writeln!(out, "{end} msg=\"Probe succeeded\" duration_seconds={took}");
        }
    }
    let _ = write!(out, "\n\n\nMetrics that would have been returned:\n{metrics}");
    let _ = write!(out, "\n\n\nModule configuration:\n{}", module.shown());
    out
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
