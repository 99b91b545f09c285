//! `/sign-in` and `/sign-out`: a token is shown once, and a cookie stands for it afterwards.
//!
//! Not here: sessions (`access::session`). Invariants: the token goes into no address, page or log; after it a browser is
//! sent to a page of this site only; both leave a row in the audit log.

use super::{Asked, Frame, show};
use crate::domain::AuditEntry;
use crate::domain::access::TokenHash;
use crate::web::access::session::{Transport, set, unset};
use crate::web::access::{Porter, address};
use crate::web::problem::Problem;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Longest address that a browser is sent back to.
const NEXT_BYTES_MAX: usize = 2_000;

#[derive(Template)]
#[template(path = "web/templates/sign-in.html")]
struct Page {
    f: Frame,
    next: String,
    wrong: &'static str,
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Shown {
    token: String,
    next: Option<String>,
}

/// `GET /sign-in?next=`.
pub(super) async fn page(asked: Asked, Query(Next { next }): Query<Next>) -> Response {
    form(&asked, StatusCode::OK, next.as_deref(), "")
}

fn form(asked: &Asked, status: StatusCode, next: Option<&str>, wrong: &'static str) -> Response {
    let mut f = asked.frame("", asked.t.sign_in);
    f.is_still = true;
    show(asked, status, &Page { f, next: within_this_site(next).to_owned(), wrong })
}

/// A path of ours, or the overview: nobody is led elsewhere by a link that a stranger made.
fn within_this_site(next: Option<&str>) -> &str {
    let ours = |next: &&str| {
        let rooted = next.starts_with('/') && !next.starts_with("//");
        rooted
            && next.len() <= NEXT_BYTES_MAX
            && !next.contains('\\')
            && next.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(ours).unwrap_or("/")
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    asked: Asked,
    State(state): State<WebState>,
    State(porter): State<Porter>,
    headers: HeaderMap,
    extensions: Extensions,
    shown: Result<Form<Shown>, FormRejection>,
) -> Response {
    let Ok(Form(Shown { token, next })) = shown else {
        return form(&asked, StatusCode::BAD_REQUEST, None, asked.t.not_taken);
    };
    let ip = address(&extensions);
    let (token, next) = (token.trim(), next.as_deref());
    let caller = porter.look_at(&state, token, ip, asked.asker.from());
    // Each sign-in leaves a row, and is counted like a change.
    let caller = match caller.and_then(|caller| porter.count_change(&state, &caller).map(|()| caller)) {
        Ok(caller) => caller,
        Err(problem) => return refused(&asked, next, &problem),
    };
    let cookie = porter.sessions.begin(state.clock.monotonic(), TokenHash::of(token));
    let value =
        cookie.ok().and_then(|cookie| HeaderValue::try_from(set(&cookie, Transport::of(&headers, &extensions))).ok());
    let Some(value) = value else {
        return form(&asked, StatusCode::SERVICE_UNAVAILABLE, next, asked.t.cannot_sign_in);
    };
    state.commands.note(AuditEntry::done(state.now(), caller.actor(), "sign_in", &caller.name, ""));
    let mut response = Redirect::to(within_this_site(next)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, value);
    response
}

fn refused(asked: &Asked, next: Option<&str>, problem: &Problem) -> Response {
    let often = problem.status() == StatusCode::TOO_MANY_REQUESTS;
    let wrong = if often { asked.t.too_many_guesses } else { asked.t.not_taken };
    let mut response = form(asked, problem.status(), next, wrong);
    if let Some(denied) = problem.as_denied() {
        response.extensions_mut().insert(denied);
    }
    response
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    asked: Asked,
    State(state): State<WebState>,
    State(porter): State<Porter>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    if let (Some(session), Some(caller)) = (asked.asker.session(), asked.asker.caller()) {
        porter.sessions.end(session);
        state.commands.note(AuditEntry::done(state.now(), caller.actor(), "sign_out", &caller.name, ""));
    }
    let mut response = Redirect::to("/").into_response();
    if let Ok(value) = HeaderValue::try_from(unset(Transport::of(&headers, &extensions))) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests;
