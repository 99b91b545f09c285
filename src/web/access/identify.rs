//! Who asks: somebody on this machine, a holder of a token, or a stranger; and what is counted about it.
//!
//! Invariants: a peer that is unknown, or that speaks for somebody else (`Forwarded`), is not on this machine; a token
//! that is shown and not taken is refused everywhere, so that whoever mistyped it learns it; nothing that was shown
//! enters a log.

use super::limits::{CHANGES, GUESSES, HOLDER, Meter, PEER, REFUSALS, peer};
use super::{Denial, Denied};
use crate::domain::AuditEntry;
use crate::domain::access::{Caller, NotTaken, Scope, TokenHash};
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tower_http::csrf::ProtectionError;

/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 1_024;
/// Most of what a proxy says about whom it speaks for.
const FORWARDED_CHARS_MAX: usize = 60;
/// Below this a path holds a token.
const HEARTBEATS: &str = "/api/v1/heartbeat/";
/// By these a peer says that it speaks for somebody else.
const SPEAKS_FOR_ANOTHER: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Whoever asks.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Asker {
    caller: Option<Arc<Caller>>,
    on_this_machine: bool,
}

impl Asker {
    /// The asker of a request; a stranger if nobody looked.
    pub(in crate::web) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// The holder of the token that was shown.
    pub(in crate::web) fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    /// Whether evidence, traces and host names are shown.
    pub(in crate::web) fn is_inside(&self) -> bool {
        self.on_this_machine || self.caller().is_some_and(|caller| caller.may(&Scope::Read))
    }
}

/// How often each may ask. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::web) struct Limits(Arc<Meters>);

#[derive(Debug)]
struct Meters {
    peers: Meter<IpAddr>,
    holders: Meter<String>,
    changes: Meter<String>,
    refusals: Meter<String>,
    guesses: Meter<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        let (peers, holders) = (Meter::new(PEER), Meter::new(HOLDER));
        let (changes, refusals, guesses) = (Meter::new(CHANGES), Meter::new(REFUSALS), Meter::new(GUESSES));
        Self(Arc::new(Meters { peers, holders, changes, refusals, guesses }))
    }
}

/// Finds out who asks, refuses what is not taken and whoever asks too often, and counts whoever was turned away.
pub(in crate::web) async fn identify(
    State((state, limits)): State<(WebState, Limits)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let what = (!parts.method.is_safe()).then(|| asked(&parts));
    let (asker, response) = match admit(&state, &limits, &parts) {
        Err(problem) => (Asker::default(), problem.into_response()),
        Ok(asker) => {
            parts.extensions.insert(asker.clone());
            (asker, next.run(Request::from_parts(parts, body)).await)
        }
    };
    let response = if response.extensions().get::<ProtectionError>().is_some() {
        Problem::denied(Denial::CrossSite, "a page of another site asked for this; ask from gengfu's own pages")
            .into_response()
    } else {
        response
    };
    if let Some(Denied { denial, why }) = response.extensions().get() {
        state.metrics.http_denied(denial.as_str());
        if let (Some(caller), Some(what)) = (asker.caller(), &what)
            && limits.0.refusals.take(state.clock.monotonic(), caller.name.clone()).is_ok()
        {
            state.commands.note(AuditEntry::refused(state.now(), caller.actor(), "request", what, "", why));
        }
    }
    response
}

/// Method and path, without the token that a heartbeat has in its path.
fn asked(parts: &Parts) -> String {
    let path = parts.uri.path();
    let shown = if path.starts_with(HEARTBEATS) { HEARTBEATS } else { path };
    format!("{} {shown}", parts.method)
}

fn admit(state: &WebState, limits: &Limits, parts: &Parts) -> Result<Asker, Problem> {
    let (now, ip) = (state.clock.monotonic(), address(parts));
    let Limits(meters) = limits;
    let key = peer(ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    let caller = match bearer(&parts.headers) {
        None => None,
        Some(shown) => {
            Some(taken(state, shown, origin(ip, &parts.headers)).map_err(
                |why| match meters.guesses.take(now, key) {
                    Ok(()) => Problem::not_taken(&why),
                    Err(wait) => Problem::too_often("too many tokens that are not taken came from here", wait),
                },
            )?)
        }
    };
    let asker = Asker { caller: caller.map(Arc::new), on_this_machine: is_on_this_machine(parts) };
    let often = |what| move |wait| Problem::too_often(what, wait);
    match asker.caller() {
        Some(caller) => {
            meters.holders.take(now, caller.name.clone()).map_err(often("too many requests of one holder"))?;
            if !parts.method.is_safe() {
                meters.changes.take(now, caller.name.clone()).map_err(often("too many changes by one holder"))?;
            }
        }
        None if !asker.on_this_machine => {
            meters.peers.take(now, key).map_err(often("too many requests from one address"))?;
        }
        None => {}
    }
    Ok(asker)
}

fn taken(state: &WebState, shown: &str, from: String) -> Result<Caller, NotTaken> {
    if shown.len() > TOKEN_BYTES_MAX {
        return Err(NotTaken::Unknown);
    }
    let ring = state.access.load();
    ring.find(state.now(), TokenHash::of(shown)).map(|token| token.caller(from))
}

/// The token behind `Authorization: Bearer`; other schemes are for others.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    // What is not text is a token that nobody holds.
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| std::str::from_utf8(token).unwrap_or("").trim())
}

fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

/// Whether the peer is on this machine and speaks for itself.
pub(in crate::web) fn is_on_this_machine(parts: &Parts) -> bool {
    let forwarded = SPEAKS_FOR_ANOTHER.iter().any(|name| parts.headers.contains_key(*name));
    address(parts).is_some_and(|ip| ip.is_loopback()) && !forwarded
}

/// The peer's address, and whom it says that it speaks for.
fn origin(ip: Option<IpAddr>, headers: &HeaderMap) -> String {
    let ip = ip.map_or_else(|| "?".to_owned(), |ip| ip.to_string());
    let said = SPEAKS_FOR_ANOTHER.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    match said {
        Some(said) => format!("{ip} for {}", said.chars().take(FORWARDED_CHARS_MAX).collect::<String>()),
        None => ip,
    }
}
