//! Who asks, and what every answer carries: viewers, host names, security headers, limits.
//!
//! Not here: tokens and doors (`access`). Invariants: whoever is neither on this machine nor holds a token sees the
//! public view; a page never runs foreign scripts.

use super::access::session::Encrypted;
use super::access::{Asker, Denial, is_on_this_machine};
use super::problem::Problem;
use super::state::WebState;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

/// Longest body of a request; no endpoint needs one.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest time until an answer begins.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What an asker may see and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// On this machine, or with a token: everything.
    Inside,
    /// Anybody else: no host names, no traces.
    Stranger,
}

impl Viewer {
    /// Whether evidence, traces and host names are shown.
    pub fn is_inside(self) -> bool {
        self == Self::Inside
    }

    /// Refuses strangers.
    pub(super) fn must_be_inside(self) -> Result<(), Problem> {
        match self {
            Self::Inside => Ok(()),
            Self::Stranger => Err(Problem::no_token("show a token, or ask from the machine that gengfu runs on")),
        }
    }

    fn of(parts: &Parts) -> Self {
        if Asker::of(&parts.extensions).is_inside() { Self::Inside } else { Self::Stranger }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Refuses loopback requests under foreign names: a page elsewhere may have rebound its name to this machine.
pub(super) async fn known_host(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let named = parts.headers.get(header::HOST).and_then(|h| h.to_str().ok()).or_else(|| parts.uri.host());
    if is_on_this_machine(&parts) && !named.is_some_and(|host| is_known_host(host, &state.site.hosts)) {
        let detail = "the Host header names neither loopback nor a host of `public_url`; use http://127.0.0.1";
        state.metrics.http_denied(Denial::Host.as_str());
        return Problem::denied(Denial::Host, detail).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

fn is_known_host(host: &str, known: &[String]) -> bool {
    let name = host_name(host);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|ip| ip.is_loopback())
        || known.iter().any(|k| k.eq_ignore_ascii_case(name))
}

/// The name without its port; `[::1]:9424` keeps its brackets.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// Whether pages of others may show what we send.
pub(super) const ELSEWHERE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (ELSEWHERE, "same-origin"),
];

/// Adds the security headers, and keeps answers out of shared caches unless a handler said otherwise.
pub(super) async fn with_headers(request: Request, next: Next) -> Response {
    let encrypted = request.extensions().get::<Encrypted>().is_some();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    for (name, value) in HEADERS {
        // A report that stands for itself brings its own policy, without scripts; badges and banners are for others.
        if (name == header::CONTENT_SECURITY_POLICY || name == ELSEWHERE) && headers.contains_key(&name) {
            continue;
        }
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What a caught panic answers; the log has the rest.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "gengfu made a mistake here; its log says more").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_and_the_public_name_are_known() {
        let known = vec!["gengfu.bdc.test".to_owned()];
        for host in ["localhost", "LOCALHOST:9424", "127.0.0.1:9424", "127.3.2.1", "[::1]:9424", "gengfu.bdc.test:80"] {
            assert!(is_known_host(host, &known), "{host}");
        }
        for host in ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:9424", "", "10.0.0.1"] {
            assert!(!is_known_host(host, &known), "{host}");
        }
    }
}
