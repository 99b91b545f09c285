//! `/banner.json` and `/banner.js`: the maintenance that runs and that comes next, for pages of others.
//!
//! A portal includes one line of HTML; what is shown is what `/api/v1/notices` says. Not here: the sentences (`notices`).
//! Invariants: both may be read by pages of any origin, and say nothing that strangers may not know; reading them makes
//! no window known; the script writes text alone and asks nobody but this daemon.

use super::notices::{Channel, text};
use super::problem::Problem;
use super::state::WebState;
use crate::domain::*;
use crate::web::extract::Query;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Windows of each sort in one answer.
const SHOWN_MAX: usize = 5;
/// How far ahead the next ones are shown, unless it is asked otherwise.
const AHEAD_DAYS: u32 = 3;
/// How long a copy may be shown.
const FRESH_FOR: &str = "public, max-age=30";

/// For pages of any origin.
const FOR_ALL: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, FRESH_FOR),
    (super::guard::ELSEWHERE, "cross-origin"),
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
];

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    owner: Option<String>,
    days: Option<u32>,
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Banner {
    at: String,
    /// Under way, the one that ends last first.
    current: Vec<Shown>,
    /// To come, in order of their start.
    next: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    window: String,
    owner: String,
    start: String,
    end: String,
    late: bool,
    emergency: bool,
    text: Names,
    url: String,
}

/// `GET /banner.json?owner=&days=`.
pub(super) async fn json(State(state): State<WebState>, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let known = |owner: &&str| snapshot.inventory.owners.contains_key(&OwnerId::new(*owner));
    if let Some(owner) = wanted.owner.as_deref().filter(|owner| !known(owner)) {
        return Err(Problem::not_found(format!("no owner is called {owner:?}; leave it out for all of them")));
    }
    let days = wanted.days.unwrap_or(AHEAD_DAYS);
    if !(1..=62).contains(&days) {
        return Err(Problem::bad_request(format!("`days` is 1 to 62, not {days}")));
    }
    let until = now + i64::from(days) * DAY;
    let of = |w: &&WindowView| wanted.owner.as_ref().is_none_or(|owner| w.owner.as_str() == owner);
    let shown = |w: &WindowView| Shown {
        window: w.id.to_string(),
        owner: w.owner.to_string(),
        start: w.span.start.to_string(),
        end: w.span.end.to_string(),
        late: w.state.is_late() || w.span.end <= now,
        emergency: w.emergency.is_some(),
        text: Names {
            zh: text(Channel::APP, &snapshot, w, Language::Zh),
            en: text(Channel::APP, &snapshot, w, Language::En),
        },
        url: format!("{}/maintenance#{}", state.site.public_url, w.id),
    };
    let windows = || snapshot.windows.iter().filter(of);
    let mut current: Vec<&WindowView> = windows().filter(|w| w.state.is_running()).collect();
    current.sort_by(|a, b| (b.span.end, &a.id).cmp(&(a.span.end, &b.id)));
    let coming = |w: &&WindowView| w.announced.is_some() && !w.state.is_terminal() && !w.state.is_running();
    let mut next: Vec<&WindowView> =
        windows().filter(coming).filter(|w| w.span.start < until && w.span.end > now).collect();
    next.sort_by(|a, b| (a.span.start, &a.id).cmp(&(b.span.start, &b.id)));
    let first = |all: Vec<&WindowView>| all.into_iter().take(SHOWN_MAX).map(shown).collect();
    let banner = Banner { at: snapshot.at.to_string(), current: first(current), next: first(next) };
    Ok((FOR_ALL, Json(banner)).into_response())
}

/// `GET /banner.js`.
pub(super) async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (FOR_ALL, kind, include_str!("assets/banner.js")).into_response()
}
