//! One plain HTTP request for whoever acts and does not probe: steps of plans.
//!
//! Not here: what is asked and what the answer means. Invariants: the way is that of probes, with its fence; nothing is
//! repeated, no redirect is followed; an answer is read up to a bound; it is said whether the request may have left.

use super::Transports;
use super::transport::Profile;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use reqwest::Url;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// How much of an answer is kept.
const ANSWER_BYTES_MAX: usize = 4_096;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST`.
    pub method: String,
    /// Whom.
    pub url: Url,
    /// In this order; the last one of a name counts.
    pub headers: Vec<(String, String)>,
    /// Sent as it is.
    pub body: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No request left: nothing was done.
    NotSent(String),
    /// A request may have left: nobody knows what was done.
    Lost(String),
}

impl Transports {
    /// Asks; ends with the status and the beginning of the answer.
    ///
    /// # Errors
    /// If there is no answer within `time`, and whether the request may have left.
    pub async fn call(&self, call: &Call, time: Duration) -> Result<(u16, String), CallError> {
        let client = self.client(&Profile::default()).map_err(CallError::NotSent)?;
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|e| CallError::NotSent(e.to_string()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            let name = HeaderName::try_from(name.as_str()).map_err(|e| CallError::NotSent(e.to_string()))?;
            let mut value = HeaderValue::from_str(value).map_err(|e| CallError::NotSent(e.to_string()))?;
            value.set_sensitive(name == http::header::AUTHORIZATION);
            headers.insert(name, value);
        }
        let body = call.body.clone().map(Bytes::from);
        let url = self.way(&call.url, &mut headers)?;
        let asked = async {
            let response = client.send(method, &url, headers, body).await.map_err(|error| {
                let unsent = error.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect);
                if unsent { CallError::NotSent(causes(&*error)) } else { CallError::Lost(causes(&*error)) }
            })?;
            let status = response.status().as_u16();
            let (mut body, mut kept) = (Box::pin(response.into_body()), Vec::new());
            // The head has said what was done; a body that breaks off takes nothing back.
            while let Some(Ok(frame)) = body.frame().await {
                let Some(bytes) = frame.data_ref() else { continue };
                kept.extend_from_slice(&bytes[..bytes.len().min(ANSWER_BYTES_MAX - kept.len())]);
                if kept.len() == ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok((status, String::from_utf8_lossy(&kept).into_owned()))
        };
        let late = || CallError::Lost(format!("no answer within {} s", time.as_secs_f64()));
        tokio::time::timeout(time, asked).await.unwrap_or_else(|_| Err(late()))
    }
}

impl Transports {
    /// The address as the client has to have it: the client asks nobody about an address that is no name, and a port in
    /// it beats the one that a rule says.
    fn way(&self, url: &Url, headers: &mut HeaderMap) -> Result<Url, CallError> {
        let mut url = url.clone();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if let Ok(address) = host.parse::<IpAddr>()
            && let Some(refused) = self.network().refusal(address)
        {
            return Err(CallError::NotSent(refused.to_string()));
        }
        let port = url.port_or_known_default().unwrap_or(80);
        if url.port().is_some()
            && let Some(address) = self.network().redirected(&host, port)
        {
            if let Ok(value) = HeaderValue::from_str(&format!("{host}:{port}")) {
                headers.entry(http::header::HOST).or_insert(value);
            }
            let _ = url.set_port(Some(address.port()));
        }
        Ok(url)
    }
}

/// An error with everything behind it.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.join(": ")
}
