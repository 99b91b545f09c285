//! One POST to a channel, and what its status means.
//!
//! Invariant: no text that comes out holds the address, which is a secret of most places.

use super::super::NotifyError;
use super::WITHIN;
use crate::field::{Code, Place, Problem};
use crate::probe::{Call, CallError, Transports};
use reqwest::Url;

/// The address of a channel.
pub(super) fn address(text: &str, at: &Place) -> Result<Url, Box<Problem>> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| Box::new(Problem::error(Code::Value, at, "not a web address").expected("`https://` and a host")))
}

/// Posts and reads the answer; an answer of success is the caller's to judge.
pub(super) async fn post(
    transports: &Transports,
    method: &str,
    url: &Url,
    headers: Vec<(String, String)>,
    body: String,
) -> Result<String, NotifyError> {
    let host = url.host_str().unwrap_or_default();
    let call = Call { method: method.to_owned(), url: url.clone(), headers, body: Some(body) };
    let (status, answer) = transports.call(&call, WITHIN).await.map_err(|error| match error {
        CallError::NotSent(text) => NotifyError::Unreachable(format!("{host}: {}", without(&text, url))),
        CallError::Lost(text) => NotifyError::Deferred(format!("{host}: {}", without(&text, url))),
    })?;
    let said = || format!("{host} answers {status}: {}", without(super::note::cut(&answer, 200), url));
    match status {
        200..=299 => Ok(answer),
        408 | 425 | 429 | 500..=599 => Err(NotifyError::Deferred(said())),
        _ => Err(NotifyError::Refused(said())),
    }
}

/// The text without the address, should somebody have repeated it.
fn without(text: &str, url: &Url) -> String {
    let path = url.path().trim_matches('/');
    let mut text = text.replace(url.as_str(), "…");
    for secret in [path, url.query().unwrap_or_default()].into_iter().filter(|s| s.len() > 8) {
        text = text.replace(secret, "…");
    }
    text
}

/// The content type of JSON.
pub(super) fn as_json() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())]
}
