//! `/outbox`: what waits to leave, what was given up and what left lately, and what people do about it.

use super::{Asked, Frame, show};
use crate::domain::access::{Caller, Scope};
use crate::web::OutboxRow;
use crate::web::api::outbox::carry_out;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

#[derive(Template)]
#[template(path = "web/templates/outbox.html")]
struct Page {
    f: Frame,
    sentence: String,
    rows: Vec<Row>,
    /// Whether the reader may do something about them.
    may_act: bool,
}

struct Row {
    id: String,
    at: String,
    to: String,
    thread: String,
    state: &'static str,
    is_bad: bool,
    is_open: bool,
    attempts: u32,
    next: String,
    error: String,
}

fn row(asked: &Asked, row: &OutboxRow) -> Row {
    Row {
        id: row.id.clone(),
        at: asked.moment(row.at),
        to: row.to.clone(),
        thread: format!("{} #{}", row.thread, row.sequence),
        state: asked.t.letter_state(row.state),
        is_bad: row.state == "dead",
        is_open: matches!(row.state, "dead" | "pending"),
        attempts: row.attempts,
        next: row.next_at.map(|at| asked.moment_s(at)).unwrap_or_default(),
        error: row.last_error.clone().unwrap_or_default(),
    }
}

/// `GET /outbox`.
pub(super) async fn page(asked: Asked, State(state): State<WebState>) -> Response {
    let view = state.outbox.borrow().clone();
    let (pending, dead) = (view.counts.pending, view.counts.dead_letters);
    let page = Page {
        sentence: asked.t.letters(pending, dead),
        rows: view.rows.iter().map(|found| row(&asked, found)).collect(),
        may_act: asked.asker.caller().is_some_and(|caller| caller.may(&Scope::Admin)),
        f: asked.frame("outbox", asked.t.outbox),
    };
    show(&asked, StatusCode::OK, &page)
}

/// `POST /outbox/{id}/{action}`.
pub(super) async fn act(
    caller: Caller,
    State(state): State<WebState>,
    Path((id, action)): Path<(String, String)>,
) -> Result<Response, Problem> {
    carry_out(&state, &caller, &id, &action).await?;
    Ok(Redirect::to("/outbox").into_response())
}
