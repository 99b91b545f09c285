//! Pages for people: complete without scripts, in the reader's language, from one snapshot.
//!
//! Not here: figures (`figures`) and the API. Each page is a struct that an askama template prints; askama escapes
//! whatever comes from files and targets. `Frame` is what all of them share.

mod audit;
mod composites;
mod filing;
mod find;
mod hours;
mod incidents;
mod maintenance;
mod on_call;
mod outbox;
mod overview;
mod owner;
mod plan;
mod printed;
mod report;
mod request;
mod runs;
mod sign_in;
mod strip;
mod subsystem;
mod take;
mod tonight;
mod window;

use super::Shared;
use super::access::{Asker, Doors, Needs, sign_in_href};
use super::format;
use super::guard::Viewer;
use super::language::Reads;
use super::problem::Problem;
use super::state::WebState;
use super::text::Texts;
use crate::domain::access::Scope;
use crate::domain::*;
use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::{HeaderValue, StatusCode, Uri, header, request::Parts};
use axum::response::{Html, IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) use printed::Prints;

pub(super) fn doors() -> Doors {
    Doors::default()
        .get("/", Needs::Nothing, overview::page)
        .get("/owners/{owner}", Needs::Nothing, owner::page)
        .get("/subsystems/{owner}/{id}", Needs::Nothing, subsystem::page)
        .get("/incidents", Needs::Nothing, incidents::list)
        .get("/incidents/{id}", Needs::Nothing, incidents::page)
        // The link's signature is the permission.
        .get("/incidents/{id}/take", Needs::Nothing, take::page)
        .post("/incidents/{id}/take", Needs::Nothing, take::take)
        .post("/incidents/{id}/say", Needs::Scope(Scope::Operate), take::say)
        .get("/incidents/{id}/filing", Needs::Sight, filing::page)
        .post("/incidents/{id}/filing", Needs::Scope(Scope::Operate), filing::say)
        .get("/find", Needs::Nothing, find::page)
        .get("/composites", Needs::Nothing, composites::page)
        .get("/hours", Needs::Nothing, hours::page)
        .get("/hours/{owner}", Needs::Nothing, hours::sheet)
        .get("/maintenance", Needs::Nothing, maintenance::page)
        .get("/maintenance/request", Needs::Sight, request::page)
        .post("/maintenance/request", Needs::Scope(Scope::Operate), request::file)
        .get("/maintenance/windows/{id}", Needs::Nothing, window::page)
        // Whoever approves need not operate; the order is asked who gives it.
        .post("/maintenance/windows/{id}", Needs::Token, window::order)
        .get("/maintenance/plan", Needs::Nothing, plan::page)
        .get("/maintenance/runs", Needs::Nothing, runs::list)
        .get("/maintenance/runs/{id}", Needs::Nothing, runs::page)
        .get("/on-call", Needs::Sight, on_call::page)
        .get("/sla", Needs::Nothing, report::list)
        .get("/sla/{period}", Needs::Nothing, report::page)
        .get("/audit", Needs::Scope(Scope::Read), audit::page)
        .get("/outbox", Needs::Scope(Scope::Read), outbox::page)
        .post("/outbox/{id}/{action}", Needs::Scope(Scope::Admin), outbox::act)
        .get("/sign-in", Needs::Nothing, sign_in::page)
        // Whoever has no token yet signs in; whoever has no session any more may sign out.
        .post("/sign-in", Needs::Nothing, sign_in::sign_in)
        .post("/sign-out", Needs::Nothing, sign_in::sign_out)
}

/// One request for a page: who asks, in which language, about which moment.
pub(super) struct Asked {
    pub(super) now: Timestamp,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) language: Language,
    pub(super) t: &'static Texts,
    pub(super) viewer: Viewer,
    /// This vantage judges no target for now.
    pub(super) is_blind: bool,
    /// Whoever asks.
    pub(super) asker: Asker,
    reads: Reads,
    path: String,
    version: &'static str,
}

impl FromRequestParts<Shared> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Infallible> {
        let reads = Reads::from_request_parts(parts, shared).await?;
        let viewer = Viewer::from_request_parts(parts, shared).await?;
        let state: &WebState = &shared.web;
        Ok(Self {
            now: state.now(),
            snapshot: state.picture(),
            language: reads.language,
            t: Texts::of(reads.language),
            viewer,
            is_blind: state.metrics.vantage_blind.get() != 0,
            asker: Asker::of(&parts.extensions),
            reads,
            path: parts.uri.path().to_owned(),
            version: state.site.version,
        })
    }
}

impl Asked {
    /// What the base template needs.
    fn frame(&self, tab: &'static str, title: impl Into<String>) -> Frame {
        let other = match self.language {
            Language::Zh => "en",
            Language::En => "zh",
        };
        let q = match self.reads.explicit {
            None => "",
            Some(Language::Zh) => "?lang=zh",
            Some(Language::En) => "?lang=en",
        };
        Frame {
            t: self.t,
            tab,
            title: title.into(),
            q,
            other_code: if other == "zh" { "zh-CN" } else { other },
            other_href: format!("{}?lang={other}", self.path),
            who: self.asker.caller().map(|caller| caller.name.clone()),
            sign_in_href: format!("{}{}", sign_in_href(&format!("{}{q}", self.path)), q.replace('?', "&")),
            sees_people: self.asker.is_inside(),
            is_still: false,
            sought: String::new(),
            version: self.version,
            at: format::instant(self.language, self.zone(), self.now),
            // No finer than the words, so that a page that reads the same is the same.
            at_iso: Timestamp(self.now.0 - self.now.0.rem_euclid(MINUTE)).to_string(),
            open_incidents: self.snapshot.incidents.iter().filter(|i| i.until.is_none()).count(),
        }
    }

    fn zone(&self) -> &civil::Zone {
        &self.snapshot.inventory.zone
    }

    /// The time of day, with the date where it is not today's.
    fn moment(&self, at: Timestamp) -> String {
        format::moment(self.now, self.language, self.zone(), at)
    }

    /// The same, to the second.
    fn moment_s(&self, at: Timestamp) -> String {
        format::moment_s(self.now, self.language, self.zone(), at)
    }

    fn length(&self, ms: Millis) -> String {
        format::length(self.language, ms)
    }

    /// What a subsystem is called; its id where it left the inventory.
    fn name(&self, id: &SubsystemId) -> String {
        match self.snapshot.inventory.subsystems.get(id) {
            Some(subsystem) => subsystem.name.get(self.language).to_owned(),
            None if *id == our_sight() => our_names().get(self.language).to_owned(),
            None => id.to_string(),
        }
    }

    fn owner_name(&self, id: &OwnerId) -> String {
        match self.snapshot.inventory.owners.get(id) {
            Some(owner) => owner.name.get(self.language).to_owned(),
            None => id.to_string(),
        }
    }
}

/// What every page shares.
struct Frame {
    t: &'static Texts,
    tab: &'static str,
    title: String,
    /// Carries an explicit language on to links.
    q: &'static str,
    other_code: &'static str,
    other_href: String,
    /// The holder of the token by which somebody is signed in.
    who: Option<String>,
    sign_in_href: String,
    /// Whoever sees who is on duty.
    sees_people: bool,
    /// A page that somebody types into is not replaced under their hands.
    is_still: bool,
    /// What the field for names holds.
    sought: String,
    version: &'static str,
    at: String,
    at_iso: String,
    open_incidents: usize,
}

impl Frame {
    /// The explicit language behind another query.
    fn more_q(&self) -> String {
        self.q.replacen('?', "&", 1)
    }

    /// The explicit language; empty without one.
    fn lang(&self) -> &'static str {
        self.q.trim_start_matches("?lang=")
    }

    /// Between names in a sentence.
    fn sep(&self) -> &'static str {
        if self.t.code == "en" { ", " } else { "、" }
    }
}

/// Prints a page.
fn show(asked: &Asked, status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let mut response = (status, Html(html)).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(asked.t.code));
            headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
            response
        }
        Err(e) => {
            tracing::error!(error = %e, path = asked.path, "a page cannot be printed");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be printed; the log says more")
                .into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "web/templates/missing.html")]
struct Missing {
    f: Frame,
}

/// The page for what is not there.
fn missing(asked: &Asked) -> Response {
    show(asked, StatusCode::NOT_FOUND, &Missing { f: asked.frame("", asked.t.not_found_title) })
}

/// Whatever no route takes: a problem below `/api`, a page elsewhere.
pub(super) async fn not_found(State(_): State<WebState>, uri: Uri, asked: Asked) -> Response {
    if uri.path().starts_with("/api/") {
        return Problem::not_found("no such resource; see docs/api.md for what there is").into_response();
    }
    missing(&asked)
}
