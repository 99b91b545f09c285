//! Pages, API and feeds over the latest snapshot. Reads only; the few requests for change go to the runtime.
//!
//! Reading order: `state` (what comes in), `access` (who asks, and what each route needs), `guard`, `pages` and `api` (what goes out), `dto` (the wire).
//! Invariants: a handler never waits for the engine but for a bounded reply; whoever is neither on this machine nor holds a
//! token sees no host names, addresses or traces; every answer carries the security headers.

mod access;
mod api;
mod archive;
mod assets;
pub mod audit;
mod badge;
mod banner;
mod channel;
mod dto;
mod etag;
mod extract;
mod feed;
mod format;
mod guard;
mod inspection;
mod language;
mod look;
mod notices;
mod pages;
mod probe;
mod problem;
mod query;
mod scrape;
mod text;

pub mod figures;
pub mod on_call;
pub mod serve;
pub mod state;
pub mod survey;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use guard::Viewer;
pub use scrape::render as render_metrics;
pub use state::{Asked, Command, Commands, OrderAsked, OutboxRow, OutboxView, Site, WebState};

use crate::domain::access::{Caller, Scope};
use access::{Doors, Needs, Porter};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// Subscribers of `/api/v1/events` at one time.
const SUBSCRIBERS_MAX: usize = 1_024;

/// What the routes share.
#[derive(Clone, FromRef)]
struct Shared {
    web: WebState,
    scrapes: scrape::Scrapes,
    subscribers: Subscribers,
    gate_meter: api::gate::GateMeter,
    turns: probe::Turns,
    porter: Porter,
    surveys: survey::Surveys,
    overviews: pages::Prints,
}

/// Permits of event streams.
#[derive(Clone)]
struct Subscribers(Arc<Semaphore>);

/// Every route. Serve it with connect info, or all peers are strangers:
/// `axum::serve(listener, router(state).into_make_service_with_connect_info::<SocketAddr>())`.
pub fn router(web: WebState) -> Router {
    let porter = Porter::default();
    let shared = Shared {
        web: web.clone(),
        scrapes: scrape::Scrapes::default(),
        subscribers: Subscribers(Arc::new(Semaphore::new(SUBSCRIBERS_MAX))),
        gate_meter: api::gate::GateMeter::default(),
        turns: probe::Turns::default(),
        porter: porter.clone(),
        surveys: survey::Surveys::default(),
        overviews: pages::Prints::default(),
    };
    // The series exist from the start, so that `rate()` sees their first increment.
    access::Denial::ALL
        .iter()
        .for_each(|denial| web.metrics.http_denied.with_label_values(&[denial.as_str()]).inc_by(0));
    let (routes, _) = doors().into_parts();
    routes
        .with_state(shared)
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state((web.clone(), porter), access::identify))
        .layer(middleware::from_fn_with_state(web, guard::known_host))
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(RequestBodyLimitLayer::new(guard::BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, guard::ANSWER_WITHIN))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(guard::with_headers))
}

/// Every route, with what it needs.
fn doors() -> Doors {
    Doors::default()
        .merge(pages::doors())
        .nest("/api/v1", api::doors())
        .get("/maintenance.ics", Needs::Nothing, feed::maintenance)
        .get("/maintenance.atom", Needs::Nothing, feed::news)
        .get("/incidents.atom", Needs::Nothing, feed::incidents)
        .get("/badge/{owner}/{file}", Needs::Nothing, badge::badge)
        .get("/banner.json", Needs::Nothing, banner::json)
        .get("/banner.js", Needs::Nothing, banner::script)
        .get("/on-call.ics", Needs::Sight, api::on_call::shifts)
        .get("/notices.html", Needs::Nothing, notices::fragment)
        .get("/assets/{file}", Needs::Nothing, assets::asset)
        .get("/probe", Needs::Nothing, probe::probe)
        .get("/metrics", Needs::Nothing, scrape::metrics)
        .get("/-/healthy", Needs::Nothing, async || "healthy\n")
        .get("/-/ready", Needs::Nothing, ready)
        .post("/-/reload", Needs::Scope(Scope::Admin), reload)
        .fallback(pages::not_found)
}

/// Ready once the first snapshot is in and while the store takes what happens.
async fn ready(State(state): State<WebState>) -> Response {
    if state.picture().store_failed {
        return Problem::unavailable("the store refuses writes; pages leave from memory").into_response();
    }
    "ready\n".into_response()
}

async fn reload(caller: Caller, State(state): State<WebState>) -> Result<&'static str, Problem> {
    caller.must(Scope::Admin)?;
    match state.commands.ask(|reply| Command::Reload { by: caller.actor(), reply }).await {
        Ok(Ok(())) => Ok("reloaded\n"),
        Ok(Err(text)) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text)),
        Err(unanswered) => Err(Problem::unavailable(unanswered.to_string())),
    }
}
