//! `http`: fetches a URL on a connection of its own and compares the answer with what is expected.
//!
//! Not here: clients (`transport`), judging (`expect`). Invariants: redirects are followed by our own loop, which
//! sends no credentials to another origin; at most `body_bytes_max` decoded bytes are read; nothing is retried.

mod expect;
mod fields;

pub(super) use fields::KIND;

use super::transport::Unresolved;
use super::{Attempt, BoxFuture, Phase, Prober, Reach, dial};
use crate::domain::Outcome;
use crate::domain::ReasonKind;
use crate::network::Network;
use bytes::Bytes;
use expect::{Answer, Expect};
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Client, Response, Url};
use std::net::IpAddr;
use std::sync::Arc;

/// One configured URL.
#[derive(Debug)]
struct Http {
    network: Arc<Network>,
    client: Client,
    ask: Ask,
    redirects_max: usize,
    body_bytes_max: usize,
    expect: Expect,
    reach: Option<Arc<dyn Reach>>,
}

/// What is asked for; redirects change it.
#[derive(Clone, Debug)]
struct Ask {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Prober for Http {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.fetch(attempt).await.unwrap_or_else(|outcome| outcome) })
    }
}

impl Http {
    async fn fetch(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let (mut ask, mut hops) = (self.ask.clone(), 0);
        let response = loop {
            let response = self.send(attempt, &ask).await?;
            match redirect(&response, &ask.url) {
                Some(next) if self.redirects_max > 0 => {
                    if hops == self.redirects_max {
                        let text = format!("redirected more than {hops} times, at last to {next}");
                        return Err(Outcome::fail(ReasonKind::Protocol, text));
                    }
                    hops += 1;
                    attempt.note(format!("redirected to {next}"));
                    attempt.fact(|facts| facts.http.redirects += 1);
                    self.may_follow(&next)?;
                    ask = ask.follow(response.status().as_u16(), next);
                }
                _ => break response,
            }
        };
        let got = ask.method == Method::GET;
        let answer = self.read(attempt, response, &ask.url, got).await?;
        let outcome = self.expect.judge(attempt.started, &answer, attempt.elapsed(), attempt.certificate_not_after());
        Ok(outcome)
    }

    /// Refuses to be sent to somebody whom nobody allowed.
    fn may_follow(&self, next: &Url) -> Result<(), Outcome> {
        let Some(reach) = &self.reach else { return Ok(()) };
        let (host, port) = target(next)?;
        if reach.allows(&host, port) {
            return Ok(());
        }
        let text = format!("redirected to {host}:{port}, which nobody allowed; add it to `probe.allow` if it is right");
        Err(Outcome::fail(ReasonKind::Protocol, text))
    }

    /// Sends one request; ends with the head of its answer.
    async fn send(&self, attempt: &Attempt, ask: &Ask) -> Result<Response, Outcome> {
        let (host, port) = target(&ask.url)?;
        attempt.aim(&host, port);
        attempt.note(format!("{} {}", ask.method, ask.url));
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        attempt.enter(if literal { Phase::Connect } else { Phase::Resolve });
        let mut url = ask.url.clone();
        let mut headers = ask.headers.clone();
        // A port in the URL beats the one that the rule says, so it goes; the target still reads it in `Host`.
        if url.port().is_some() && self.network.redirected(&host, port).is_some() {
            if let Ok(value) = HeaderValue::from_str(&format!("{host}:{port}")) {
                headers.entry(header::HOST).or_insert(value);
            }
            let _ = url.set_port(None);
        }
        let mut request = self.client.request(ask.method.clone(), url).headers(headers);
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        match request.send().await {
            Ok(response) => {
                attempt.enter(Phase::Transfer);
                attempt.http_status(response.status().as_u16());
                attempt.fact(|facts| {
                    facts.peer = response.remote_addr().map(|address| address.ip());
                    facts.http.tls = ask.url.scheme() == "https";
                    facts.http_head(response.version(), response.headers());
                });
                attempt.note(format!("{:?} {}", response.version(), response.status()));
                Ok(response)
            }
            Err(error) => Err(failed(attempt, &error, &host, port)),
        }
    }

    /// Reads the body, up to the cap.
    async fn read(&self, attempt: &Attempt, mut response: Response, url: &Url, got: bool) -> Result<Answer, Outcome> {
        let (mut body, mut cut) = (Vec::new(), false);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = self.body_bytes_max - body.len();
                    cut = chunk.len() > room;
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if cut {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let (host, port) = target(url)?;
                    attempt.note(format!("the answer broke off after {} bytes", body.len()));
                    return Err(failed(attempt, &error, &host, port));
                }
            }
        }
        attempt.leave();
        let more = if cut { ", and left the rest" } else { "" };
        attempt.note(format!("read {} bytes{more}", body.len()));
        attempt.fact(|facts| facts.http.body_bytes = body.len() as u64);
        let body = String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into());
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body, cut, got })
    }
}

impl Ask {
    /// What a browser would ask for after this redirect.
    fn follow(mut self, status: u16, next: Url) -> Self {
        if next.origin() != self.url.origin() {
            for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::HOST] {
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

fn redirect(response: &Response, from: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    from.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn target(url: &Url) -> Result<(String, u16), Outcome> {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok((host.to_owned(), port)),
        _ => Err(Outcome::fail(ReasonKind::Protocol, format!("{url} names no host"))),
    }
}

/// The verdict about a request that brought no answer.
fn failed(attempt: &Attempt, error: &reqwest::Error, host: &str, port: u16) -> Outcome {
    attempt.note(format!("failed: {}", dial::innermost(error)));
    if let Some(Unresolved(error)) = dial::cause::<Unresolved>(error) {
        return dial::unresolved(error, host);
    }
    let phase = attempt.phase().unwrap_or(Phase::Processing);
    match dial::failed(error, phase, host, port) {
        Outcome::Fail(reason) if reason.kind == ReasonKind::Protocol && error.is_decode() => {
            Outcome::fail(ReasonKind::Protocol, format!("{host}:{port} sent a body that cannot be decoded"))
        }
        Outcome::Fail(reason) if reason.kind == ReasonKind::Protocol && phase == Phase::Processing => {
            let why = dial::innermost(error);
            Outcome::fail(ReasonKind::Protocol, format!("{host}:{port} gave no HTTP answer: {why}"))
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
