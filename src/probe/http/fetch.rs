//! One request with its redirects, up to the last byte that is wanted: the only HTTP loop of the probes.
//!
//! Not here: the way (`route`) and the verdict about the answer (`expect`). Invariants: a fresh connection for each
//! request; to another origin go harmless headers only; at most `body_bytes_max` decoded bytes are kept, and no more is
//! read after them.

use super::route::unreached;
use super::{Answer, Route, Veil, body};
use crate::domain::{Outcome, ReasonKind};
use crate::field::Record;
use crate::probe::transport::{Body, Unresolved};
use crate::probe::{Attempt, BuildContext, Phase, Reach, dial};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use http_body_util::BodyExt;
use reqwest::Url;
use reqwest::cookie::{CookieStore, Jar};
use std::error::Error;
use std::sync::Arc;

/// What may go to another origin; anything else might be a key.
const HARMLESS: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::CONTENT_TYPE,
    header::RANGE,
    header::USER_AGENT,
];

/// Longest address to which a redirect is followed, in bytes.
const LOCATION_MAX: usize = 8_192;

/// Bytes that stand for themselves in a part of an address.
const PLAIN: &[u8] = b"-._~";

/// What is asked for; redirects change it.
#[derive(Clone)]
pub(in crate::probe) struct Ask {
    pub(in crate::probe) url: Url,
    pub(in crate::probe) method: Method,
    pub(in crate::probe) headers: HeaderMap,
    pub(in crate::probe) body: Option<Bytes>,
}

/// How it is asked.
pub(in crate::probe) struct Fetch {
    route: Route,
    redirects_max: usize,
    body_bytes_max: usize,
    reach: Option<Arc<dyn Reach>>,
}

impl Fetch {
    /// Of a record with the fields of a request.
    pub(in crate::probe) fn of(record: &Record, route: Route, context: &BuildContext) -> Self {
        let number = |field| usize::try_from(record.int(field)).unwrap_or_default();
        let (redirects_max, body_bytes_max) = (number("redirects_max"), number("body_bytes_max"));
        Self { route, redirects_max, body_bytes_max, reach: context.reach.clone() }
    }

    /// Fetches, following redirects. A target that gave no answer is an `Err`.
    pub(in crate::probe) async fn fetch(
        &self,
        attempt: &Attempt,
        mut ask: Ask,
        jar: Option<&Jar>,
        veil: &Veil,
    ) -> Result<Answer, Outcome> {
        let mut hops = 0;
        let response = loop {
            let response = self.send(attempt, &ask, jar, veil, hops).await?;
            if self.redirects_max == 0 {
                break response;
            }
            let Some(next) = redirect(&response, &ask.url)? else { break response };
            if hops == self.redirects_max {
                let text = format!("redirected more than {hops} times, at last to {}", veil.over(next.as_str()));
                return Err(Outcome::fail(ReasonKind::Protocol, text));
            }
            hops += 1;
            attempt.note(format!("redirected to {}", veil.over(next.as_str())));
            attempt.fact(|facts| facts.http.redirects += 1);
            self.may_follow(&next)?;
            ask = ask.follow(response.status().as_u16(), next);
        };
        self.read(attempt, response, ask).await
    }

    /// Refuses to be sent to somebody whom nobody allowed.
    fn may_follow(&self, next: &Url) -> Result<(), Outcome> {
        let Some(reach) = &self.reach else { return Ok(()) };
        let (host, port) = origin(next)?;
        if reach.allows(&host, port) {
            return Ok(());
        }
        let text = format!("redirected to {host}:{port}, which nobody allowed; add it to `probe.allow` if it is right");
        Err(Outcome::fail(ReasonKind::Protocol, text))
    }

    /// Sends one request; ends with the head of its answer.
    async fn send(
        &self,
        attempt: &Attempt,
        ask: &Ask,
        jar: Option<&Jar>,
        veil: &Veil,
        hop: usize,
    ) -> Result<Response<Body>, Outcome> {
        let (host, port) = origin(&ask.url)?;
        attempt.note(format!("{} {}", ask.method, veil.over(ask.url.as_str())));
        self.route.pass(&host, port).await.map_err(|error| unreached(&error, &host, hop))?;
        let mut headers = ask.headers.clone();
        if let Some(mut cookies) = jar.and_then(|jar| jar.cookies(&ask.url)) {
            cookies.set_sensitive(true);
            headers.entry(header::COOKIE).or_insert(cookies);
        }
        let way = self.route.way(&ask.url, &host, port, &mut headers);
        attempt.aim(way.host, way.port);
        attempt.fact(|facts| facts.peer = way.host.parse().ok());
        attempt.enter(if way.resolves { Phase::Resolve } else { Phase::Connect });
        let sent = way.client.send(ask.method.clone(), &way.url, headers, ask.body.clone()).await;
        let response = sent.map_err(|error| failed(attempt, &*error, way.host, way.port, hop))?;
        attempt.enter(Phase::Transfer);
        attempt.http_status(response.status().as_u16());
        attempt.fact(|facts| {
            facts.http.tls = ask.url.scheme() == "https";
            facts.http_head(response.version(), response.headers());
        });
        attempt.note(format!("{:?} {}", response.version(), response.status()));
        if let Some(jar) = jar {
            jar.set_cookies(&mut response.headers().get_all(header::SET_COOKIE).iter(), &ask.url);
        }
        Ok(response)
    }

    /// Reads the body, up to the cap.
    async fn read(&self, attempt: &Attempt, mut response: Response<Body>, ask: Ask) -> Result<Answer, Outcome> {
        let (mut bytes, mut cut) = (Vec::new(), false);
        loop {
            match response.body_mut().frame().await.transpose() {
                Ok(Some(frame)) => {
                    // Trailers say nothing that is asked for.
                    let Ok(chunk) = frame.into_data() else { continue };
                    let room = self.body_bytes_max - bytes.len();
                    cut = chunk.len() > room;
                    bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if cut {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let (host, port) = origin(&ask.url)?;
                    attempt.note(format!("the answer broke off after {} bytes", bytes.len()));
                    return Err(failed(attempt, &*error, &host, port, 0));
                }
            }
        }
        attempt.leave();
        let more = if cut { ", and left the rest" } else { "" };
        attempt.note(format!("read {} bytes{more}", bytes.len()));
        attempt.fact(|facts| facts.http.body_bytes = bytes.len() as u64);
        let (status, version) = (response.status(), response.version());
        let headers = std::mem::take(response.headers_mut());
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let body = body::text(bytes, kind);
        Ok(Answer { status, version, headers, body, cut, got: ask.method == Method::GET, url: ask.url })
    }
}

impl Ask {
    /// What a browser would ask for after this redirect.
    fn follow(mut self, status: u16, next: Url) -> Self {
        if next.origin() != self.url.origin() {
            let names: Vec<HeaderName> = self.headers.keys().filter(|name| !HARMLESS.contains(name)).cloned().collect();
            for name in names {
                self.headers.remove(name);
            }
        }
        let becomes_get = matches!(status, 301..=303) && self.method != Method::HEAD;
        if becomes_get && self.method != Method::GET {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(header::CONTENT_TYPE);
        }
        self.url = next;
        self
    }
}

/// Where an answer sends us, if it does; somewhere that is no page is the target's failure.
fn redirect(response: &Response<Body>, from: &Url) -> Result<Option<Url>, Outcome> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    match response.headers().get(header::LOCATION) {
        None => Ok(None),
        Some(location) => destination(location, from).map(Some),
    }
}

fn destination(location: &HeaderValue, from: &Url) -> Result<Url, Outcome> {
    let text = String::from_utf8_lossy(location.as_bytes());
    let refused = |why: &str| {
        let text = format!("redirected to {}, {why}", crate::probe::expect::shown(&text));
        Outcome::fail(ReasonKind::Protocol, text)
    };
    if text.len() > LOCATION_MAX {
        return Err(refused("which is too long"));
    }
    let mut next = from.join(&text).map_err(|error| refused(&format!("which is no address: {error}")))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(refused("which is neither http nor https"));
    }
    if next.host_str().is_none_or(str::is_empty) {
        return Err(refused("which names no host"));
    }
    // Credentials that a target would have us send are not ours.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    Ok(next)
}

/// Host, in brackets if it is an IPv6 address, and port.
pub(super) fn origin(url: &Url) -> Result<(String, u16), Outcome> {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok((host.to_owned(), port)),
        _ => Err(Outcome::fail(ReasonKind::Protocol, format!("{url} names no host"))),
    }
}

/// A text as it stands inside a part of an address.
pub(in crate::probe) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The verdict about a request that brought no answer, or only a part of it.
fn failed(attempt: &Attempt, error: &(dyn Error + 'static), host: &str, port: u16, hop: usize) -> Outcome {
    attempt.note(format!("failed: {}", dial::innermost(error)));
    if let Some(Unresolved(error)) = dial::cause::<Unresolved>(error) {
        return unreached(error, host, hop);
    }
    let phase = attempt.phase().unwrap_or(Phase::Processing);
    match dial::failed(error, phase, host, port) {
        Outcome::Fail(reason) if reason.kind == ReasonKind::Protocol && phase == Phase::Transfer => {
            Outcome::fail(ReasonKind::Protocol, format!("{host}:{port} sent a body that cannot be decoded"))
        }
        Outcome::Fail(reason) if reason.kind == ReasonKind::Protocol && phase == Phase::Processing => {
            let why = dial::innermost(error);
            Outcome::fail(ReasonKind::Protocol, format!("{host}:{port} gave no HTTP answer: {why}"))
        }
        outcome => outcome,
    }
}
