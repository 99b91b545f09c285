//! Pages, API and feeds over the latest snapshot. Reads only; the few requests for change go to the runtime.
//!
//! Reading order: `state` (what comes in), `guard` (who asks), `pages` and `api` (what goes out), `dto` (the wire).
//! Invariants: a handler never waits for the engine but for a bounded reply; a peer that is not on loopback sees no host
//! names, addresses or traces; every answer carries the security headers.

mod api;
mod assets;
mod dto;
mod feed;
mod format;
mod guard;
mod language;
mod look;
mod pages;
mod probe;
mod problem;
mod query;
mod scrape;
mod text;

pub mod figures;
pub mod state;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use guard::Viewer;
pub use scrape::render as render_metrics;
pub use state::{Command, Commands, OutboxRow, OutboxView, Site, WebState};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
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
const SUBSCRIBERS_MAX: usize = 256;

/// What the routes share.
#[derive(Clone, FromRef)]
struct Shared {
    web: WebState,
    scrapes: scrape::Scrapes,
    subscribers: Subscribers,
    quota: api::gate::Quota,
    turns: probe::Turns,
}

/// Permits of event streams.
#[derive(Clone)]
struct Subscribers(Arc<Semaphore>);

/// Every route. Serve it with connect info, or all peers are strangers:
/// `axum::serve(listener, router(state).into_make_service_with_connect_info::<SocketAddr>())`.
pub fn router(web: WebState) -> Router {
    let shared = Shared {
        web: web.clone(),
        scrapes: scrape::Scrapes::default(),
        subscribers: Subscribers(Arc::new(Semaphore::new(SUBSCRIBERS_MAX))),
        quota: api::gate::Quota::default(),
        turns: probe::Turns::default(),
    };
    Router::new()
        .merge(pages::routes())
        .nest("/api/v1", api::routes())
        .route("/maintenance.ics", get(feed::maintenance))
        .route("/assets/{file}", get(assets::asset))
        .route("/probe", get(probe::probe))
        .route("/metrics", get(scrape::metrics))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload))
        .fallback(pages::not_found)
        .with_state(shared)
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(web, guard::known_host))
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(RequestBodyLimitLayer::new(guard::BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, guard::ANSWER_WITHIN))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(guard::with_headers))
}

/// Ready once the first snapshot is in and while the store takes what happens.
async fn ready(State(state): State<WebState>) -> Response {
    if state.picture().store_failed {
        return Problem::unavailable("the store refuses writes; pages leave from memory").into_response();
    }
    "ready\n".into_response()
}

async fn reload(viewer: Viewer, State(state): State<WebState>) -> Result<&'static str, Problem> {
    viewer.must_be_inside()?;
    match state.commands.ask(|reply| Command::Reload { reply }).await {
        Ok(Ok(())) => Ok("reloaded\n"),
        Ok(Err(text)) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text)),
        Err(unanswered) => Err(Problem::unavailable(unanswered.to_string())),
    }
}
