//! Doors: every route is registered with what it needs, and is shut to everybody else.
//!
//! Reading order: `Needs` and `Doors` here, `identify` (who asks), `session` (browsers), `limits` (how often), `denial`
//! (what is answered).
//! Not here: scopes and tokens (`domain::access`). Invariants: there is no way to register a route without saying what
//! it needs; what changes state needs a token, on loopback too; each denial is counted, and a holder's is audited.

mod denial;
mod identify;
pub(super) mod limits;
pub(super) mod session;

pub(super) use denial::{Denial, Denied};
pub(super) use identify::{Asker, Porter, address, identify, is_on_this_machine};

use super::Shared;
use super::problem::Problem;
use crate::domain::access::{Caller, Scope};
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::{Method, Uri, header, request::Parts};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, on};
use std::sync::Arc;

const SHOW_A_TOKEN: &str = "show a token: `Authorization: Bearer …`; `gengfu token` makes one";

/// What a route needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Anybody may come.
    Nothing,
    /// Somebody who sees what the public does not: on this machine, or with a token.
    Sight,
    /// Whoever holds a token; the handler asks for the scope, which depends on what the request names.
    Token,
    /// A token with this scope.
    Scope(Scope),
}

impl Needs {
    fn are_met_by(&self, asker: &Asker) -> Result<(), Problem> {
        match (self, asker.caller()) {
            (Self::Nothing, _) => Ok(()),
            (Self::Sight, _) if asker.is_inside() => Ok(()),
            (Self::Token, Some(_)) => Ok(()),
            (Self::Scope(needed), Some(caller)) => Ok(caller.must(needed.clone())?),
            (Self::Sight, _) => Err(Problem::no_token("show a token, or ask from the machine that gengfu runs on")),
            (Self::Token | Self::Scope(_), None) => Err(Problem::no_token(SHOW_A_TOKEN)),
        }
    }
}

/// One route, for whoever walks them all: the description of the API, and tests.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// How it is asked.
    pub(super) method: Method,
    /// Its pattern.
    pub(super) path: String,
    /// What it needs.
    pub(super) needs: Needs,
}

/// Routes, each with what it needs.
#[derive(Default)]
pub(super) struct Doors {
    router: Router<Shared>,
    listed: Vec<Door>,
}

impl Doors {
    /// A route that reads.
    pub(super) fn get<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.on(MethodFilter::GET, Method::GET, path, needs, handler)
    }

    /// A route that changes something.
    pub(super) fn post<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.on(MethodFilter::POST, Method::POST, path, needs, handler)
    }

    fn on<H, T>(mut self, filter: MethodFilter, method: Method, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        self.listed.push(Door { method, path: path.to_owned(), needs: needs.clone() });
        let guarded = on(filter, handler).layer(middleware::from_fn_with_state(Arc::new(needs), open));
        Self { router: self.router.route(path, guarded), ..self }
    }

    /// These routes below a prefix.
    pub(super) fn nest(mut self, prefix: &str, inner: Self) -> Self {
        let below = |door: Door| Door { path: format!("{prefix}{}", door.path), ..door };
        self.listed.extend(inner.listed.into_iter().map(below));
        Self { router: self.router.nest(prefix, inner.router), ..self }
    }

    /// These routes beside those.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.listed.extend(other.listed);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// What answers where there is no route.
    pub(super) fn fallback<H, T>(self, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self { router: self.router.fallback(handler), ..self }
    }

    /// The routes, and the list of them.
    pub(super) fn into_parts(self) -> (Router<Shared>, Vec<Door>) {
        (self.router, self.listed)
    }
}

/// Lets through whoever has what the route needs.
async fn open(State(needs): State<Arc<Needs>>, request: Request, next: Next) -> Response {
    match needs.are_met_by(&Asker::of(request.extensions())) {
        Ok(()) => next.run(request).await,
        Err(problem) if problem.asks_for_a_token() && is_a_look(&request) => sign_in_first(&problem, request.uri()),
        Err(problem) => problem.into_response(),
    }
}

/// Whether a person looks at a page.
fn is_a_look(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && accepts.contains("text/html")
}

/// Sends a person to the page where tokens are shown, and back afterwards.
fn sign_in_first(problem: &Problem, uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let mut response = Redirect::to(&sign_in_href(wanted)).into_response();
    if let Some(denied) = problem.as_denied() {
        response.extensions_mut().insert(denied);
    }
    response
}

/// `/sign-in?next=…`.
pub(super) fn sign_in_href(next: &str) -> String {
    let Ok(url) = reqwest::Url::parse_with_params("http://gengfu.test/sign-in", [("next", next)]) else {
        return "/sign-in".to_owned();
    };
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// For handlers that answer everybody, and some of them otherwise.
impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

/// For handlers: whoever asks, or the answer that a token is needed.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let missing = || Problem::no_token(SHOW_A_TOKEN).into_response();
        Asker::of(&parts.extensions).caller().cloned().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests;
