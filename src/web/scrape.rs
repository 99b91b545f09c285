//! `/metrics`: one rendering at a time, off the async threads, shared by everybody who asks within a second.

use super::figures;
use super::problem::Problem;
use super::state::WebState;
use crate::domain::Timestamp;
use crate::metrics::targets::{self, Sources};
use crate::metrics::writer::Page;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Scrapes closer than this share one text.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// The last text, and when it was rendered by the monotonic clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrapes(Arc<Mutex<Option<(Duration, Bytes)>>>);

impl Scrapes {
    /// The text of this second. Whoever comes while it is rendered waits for it instead of rendering again.
    async fn text(&self, state: &WebState) -> Result<Bytes, Problem> {
        let mut last = self.0.lock().await;
        let asked = state.clock.monotonic();
        if let Some((rendered, text)) = &*last
            && asked.saturating_sub(*rendered) < SHARED_FOR
        {
            return Ok(text.clone());
        }
        let (source, now) = (state.clone(), state.now());
        let text = tokio::task::spawn_blocking(move || render(now, &source)).await;
        let text = text.map_err(|_| Problem::unavailable("rendering the metrics failed; the log says more"))?;
        *last = Some((asked, text.clone()));
        Ok(text)
    }
}

/// Every family at `now`.
pub fn render(now: Timestamp, state: &WebState) -> Bytes {
    let snapshot = state.picture();
    let figures = figures::figures(now, &snapshot);
    let outbox = state.outbox.borrow().counts;
    let sources = Sources { snapshot: &snapshot, board: &state.board, figures: &figures, outbox };
    let inventory = &snapshot.inventory;
    // About what a probe and a subsystem come to, so that the text grows in place.
    let expected = 64 * 1024 + inventory.probes.len() * 2_000 + inventory.subsystems.len() * 4_000;
    let mut text = String::with_capacity(expected);
    if let Err(e) = state.metrics.write_own(&mut text) {
        tracing::error!(error = %e, "the daemon's own metrics cannot be rendered");
    }
    let mut page = Page::after(text);
    targets::write(now, &mut page, &sources);
    page.into_text().into()
}

/// `GET /metrics`.
pub(super) async fn metrics(State(state): State<WebState>, State(scrapes): State<Scrapes>) -> Response {
    match scrapes.text(&state).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(problem) => problem.into_response(),
    }
}
