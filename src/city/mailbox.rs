//! The mails that arrived, kept in memory, and the small site that shows them.
//!
//! Not here: how they look (`page`). Invariants: at most [`MAILS_MAX`] mails, the oldest go first; the site answers to
//! loopback names only, so that no page of another origin can read it by a name that it made up.

use super::mail::Mail;
use super::page;
use crate::domain::Language;
use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How many mails are kept.
pub const MAILS_MAX: usize = 1_000;

/// Scripts and frames of the page are its own; a mail brings neither.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// The last mails.
pub struct Mailbox {
    kept: Mutex<Kept>,
    arrived: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    last_id: u64,
    mails: VecDeque<Arc<Mail>>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { kept: Mutex::default(), arrived: watch::Sender::new(0) }
    }
}

impl Mailbox {
    /// Keeps a mail under the next id, which it returns.
    pub fn keep(&self, mail: Mail) -> u64 {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last_id += 1;
        let id = kept.last_id;
        kept.mails.push_back(Arc::new(Mail { id, ..mail }));
        if kept.mails.len() > MAILS_MAX {
            kept.mails.pop_front();
        }
        drop(kept);
        self.arrived.send_replace(id);
        id
    }

    /// Everything that is kept, the oldest first.
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).mails.iter().cloned().collect()
    }

    /// Forgets everything; ids go on.
    pub fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).mails.clear();
    }

    /// Waits until a mail is there that `wanted` accepts. The caller sets the deadline.
    pub async fn wait_for(&self, wanted: impl Fn(&Mail) -> bool) -> Arc<Mail> {
        let mut arrived = self.arrived.subscribe();
        loop {
            arrived.mark_unchanged();
            if let Some(mail) = self.mails().into_iter().find(|m| wanted(m)) {
                return mail;
            }
            if arrived.changed().await.is_err() {
                // The sender lives in `self`, so this cannot be; waiting for ever is what was asked for.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Serves the site until the city stops.
pub(super) async fn serve(listener: TcpListener, mails: Arc<Mailbox>, stop: CancellationToken) {
    let site = router(mails).into_make_service();
    tokio::select! {
        () = stop.cancelled() => {}
        served = axum::serve(listener, site) => {
            if let Err(error) = served {
                tracing::warn!(%error, "the mailbox page ended");
            }
        }
    }
}

pub(super) fn router(mails: Arc<Mailbox>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/mails/{id}", get(one))
        .route("/api/mails", get(all).delete(forget))
        .route("/mailbox.css", get(|| async { ([(header::CONTENT_TYPE, "text/css")], page::CSS) }))
        .route("/mailbox.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], page::JS) }))
        .layer(from_fn(loopback_names_only))
        .with_state(mails)
}

async fn loopback_names_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !(loopback || bare.eq_ignore_ascii_case("localhost")) {
        return (StatusCode::FORBIDDEN, "ask for localhost or 127.0.0.1; this page answers to no other name\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn list(
    State(mails): State<Arc<Mailbox>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    show(&mails, None, language(&query, &headers))
}

async fn one(
    State(mails): State<Arc<Mailbox>>,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    show(&mails, Some(id), language(&query, &headers))
}

fn show(mails: &Mailbox, chosen: Option<u64>, language: Language) -> Response {
    let mails = mails.mails();
    let chosen = match chosen {
        None => None,
        Some(id) => match mails.iter().find(|m| m.id == id) {
            Some(mail) => Some(mail.clone()),
            None => return (StatusCode::NOT_FOUND, "no such mail; the oldest are forgotten first\n").into_response(),
        },
    };
    match page::render(&mails, chosen.as_deref(), language) {
        Ok(html) => Html(html).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn all(State(mails): State<Arc<Mailbox>>) -> Response {
    Json(mails.mails()).into_response()
}

async fn forget(State(mails): State<Arc<Mailbox>>) -> StatusCode {
    mails.clear();
    StatusCode::NO_CONTENT
}

/// `?lang=`, else the first language that the browser names, else Chinese.
fn language(query: &HashMap<String, String>, headers: &HeaderMap) -> Language {
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let wanted = query.get("lang").cloned().or_else(accepted).unwrap_or_default();
    if wanted.to_ascii_lowercase().starts_with("en") { Language::En } else { Language::Zh }
}
