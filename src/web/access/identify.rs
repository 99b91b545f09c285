//! Who asks: somebody on this machine, a holder of a token, or a stranger; and what is counted about it.
//!
//! Invariants: a peer that is unknown, or that speaks for somebody else (`Forwarded`), is not on this machine; a token
//! that is shown and not taken is refused everywhere, so that whoever mistyped it learns it; nothing that was shown
//! enters a log.

use super::limits::{CHANGES, GUESSES, HOLDER, Meter, PEER, REFUSALS, peer};
use super::session::{self, Sessions};
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
    session: Option<TokenHash>,
    on_this_machine: bool,
    from: Arc<str>,
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

    /// The session by which the holder is known, if it was no token.
    pub(in crate::web) fn session(&self) -> Option<TokenHash> {
        self.session
    }

    /// Where the request came from.
    pub(in crate::web) fn from(&self) -> &str {
        &self.from
    }

    /// Whether evidence, traces and host names are shown.
    pub(in crate::web) fn is_inside(&self) -> bool {
        self.on_this_machine || self.caller().is_some_and(|caller| caller.may(&Scope::Read))
    }
}

/// Who is signed in, and how often each may ask. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Porter {
    /// Signed-in browsers.
    pub(in crate::web) sessions: Sessions,
    meters: Arc<Meters>,
}

#[derive(Debug)]
struct Meters {
    peers: Meter<IpAddr>,
    holders: Meter<String>,
    changes: Meter<String>,
    refusals: Meter<String>,
    guesses: Meter<IpAddr>,
}

impl Default for Meters {
    fn default() -> Self {
        let (peers, holders) = (Meter::new(PEER), Meter::new(HOLDER));
        let (changes, refusals, guesses) = (Meter::new(CHANGES), Meter::new(REFUSALS), Meter::new(GUESSES));
        Self { peers, holders, changes, refusals, guesses }
    }
}

impl Porter {
    /// Looks at a token that was shown by whoever asks from `ip`.
    ///
    /// # Errors
    /// Why it is not taken, or that too many were shown that are not.
    pub(in crate::web) fn look_at(
        &self,
        state: &WebState,
        shown: &str,
        ip: Option<IpAddr>,
        from: &str,
    ) -> Result<Caller, Problem> {
        taken(state, shown, from).map_err(|why| match self.meters.guesses.take(state.clock.monotonic(), key(ip)) {
            Ok(()) => Problem::not_taken(&why),
            Err(wait) => Problem::too_often("too many tokens that are not taken came from here", wait),
        })
    }

    /// Counts one change that a holder asks for.
    ///
    /// # Errors
    /// If there were too many of late.
    pub(in crate::web) fn count_change(&self, state: &WebState, caller: &Caller) -> Result<(), Problem> {
        let often = |wait| Problem::too_often("too many changes by one holder", wait);
        self.meters.changes.take(state.clock.monotonic(), caller.name.clone()).map_err(often)
    }
}

/// Finds out who asks, refuses what is not taken and whoever asks too often, and counts whoever was turned away.
pub(in crate::web) async fn identify(
    State((state, porter)): State<(WebState, Porter)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let what = (!parts.method.is_safe()).then(|| asked(&parts));
    let (asker, response) = match admit(&state, &porter, &parts) {
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
            && porter.meters.refusals.take(state.clock.monotonic(), caller.name.clone()).is_ok()
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

fn admit(state: &WebState, porter: &Porter, parts: &Parts) -> Result<Asker, Problem> {
    let (now, ip) = (state.clock.monotonic(), address(&parts.extensions));
    let from: Arc<str> = origin(ip, &parts.headers).into();
    let mut asker = Asker { on_this_machine: is_on_this_machine(parts), from, ..Asker::default() };
    if let Some(token) = bearer(&parts.headers) {
        asker.caller = Some(Arc::new(porter.look_at(state, token, ip, &asker.from)?));
    } else if let Some(session) = session::shown(&parts.headers) {
        // A session that is over is no reason to keep somebody from the public pages.
        let token = porter.sessions.find(now, session);
        let found = token.and_then(|token| state.access.load().find(state.now(), token).ok().cloned());
        asker.caller = found.map(|token| Arc::new(token.caller(&*asker.from)));
        asker.session = asker.caller.is_some().then_some(session);
        // Every browser that has our cookies says where a request comes from; the layer below looks at what it says.
        let says = ["sec-fetch-site", "origin"].iter().any(|name| parts.headers.contains_key(*name));
        if asker.session.is_some() && !parts.method.is_safe() && !says {
            return Err(Problem::denied(
                Denial::CrossSite,
                "say where this comes from: send `Origin`, or show a token",
            ));
        }
    }
    let often = |what| move |wait| Problem::too_often(what, wait);
    let meters = &porter.meters;
    match asker.caller() {
        Some(caller) => {
            meters.holders.take(now, caller.name.clone()).map_err(often("too many requests of one holder"))?;
            if !parts.method.is_safe() {
                porter.count_change(state, caller)?;
            }
        }
        None if !asker.on_this_machine => {
            meters.peers.take(now, key(ip)).map_err(often("too many requests from one address"))?;
        }
        None => {}
    }
    Ok(asker)
}

fn key(ip: Option<IpAddr>) -> IpAddr {
    peer(ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

fn taken(state: &WebState, shown: &str, from: &str) -> Result<Caller, NotTaken> {
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

/// The address of the peer.
pub(in crate::web) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

/// Whether the peer is on this machine and speaks for itself.
pub(in crate::web) fn is_on_this_machine(parts: &Parts) -> bool {
    let forwarded = SPEAKS_FOR_ANOTHER.iter().any(|name| parts.headers.contains_key(*name));
    address(&parts.extensions).is_some_and(|ip| ip.is_loopback()) && !forwarded
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
