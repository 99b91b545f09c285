//! `websocket`: upgrades a connection to a WebSocket, says a text and waits for one.
//!
//! Not here: extensions and compression, which are not offered. Invariants: at most [`MESSAGES_MAX`] messages of at most
//! [`MESSAGE_BYTES_MAX`] bytes are read; a target that does not answer our farewell is not blamed for it.

use super::peer::{self, FAMILY, Family, Peer, SLOWER_THAN, Stream, TLS_SETTINGS};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober, dial};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use regex::Regex;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How many messages, pings included, are read while the expected one has not come.
const MESSAGES_MAX: usize = 32;
/// Longest message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Allocated for each connection.
const BUFFER_BYTES: usize = 4 << 10;
/// How long the target has for answering our farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "websocket",
    about: "Upgrades a connection to a WebSocket; says a text and waits for one if asked to.",
    example: "url: wss://push.huangpu.test/socket\nsend: '{\"op\":\"ping\"}'\nexpect: '\"op\":\\s*\"pong\"'\n",
    fields: FIELDS,
    target: Some("url"),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Url { schemes: &["ws", "wss"] }, "What to connect to."),
    Field::optional("headers", Type::Map(&Type::TEXT), "Headers of the upgrade."),
    Field::optional("authorization", Type::Secret, "The `Authorization` header, such as `Bearer ${TOKEN}`."),
    Field::optional("subprotocol", Type::TEXT, "Subprotocol to ask for; the server must agree to it."),
    Field::optional("send", Type::Text { max: 65_536 }, "A text to say after the upgrade."),
    Field::optional("expect", Type::Regex, "Pattern that must match in one of the next 32 messages."),
    FAMILY,
    TLS_SETTINGS,
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let wrong = |field: &str, text: &str| Problem::error(Code::Value, record.at(field), text);
    let url = record.url("url").ok_or_else(|| wrong("url", "no address"))?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(wrong("url", "this address names no host").into());
    };
    let mut problems = Problems::new();
    if !url.username().is_empty() || url.password().is_some() {
        problems.push(wrong("url", "no credentials in an address; put them into `authorization`"));
    }
    let bare = host.trim_matches(['[', ']']);
    let peer = Peer {
        network: Arc::clone(&context.network),
        host: bare.into(),
        port,
        family: Family::of(record),
        tls: peer::tls(record.record("tls"), bare, context)?,
        tls_first: url.scheme() == "wss",
    };
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let headers = headers(record, &authority, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut uri = url.clone();
    uri.set_fragment(None);
    let uri = http::Uri::try_from(uri.as_str()).map_err(|error| wrong("url", &format!("not an address: {error}")))?;
    Ok(Arc::new(WebSocket {
        peer,
        uri,
        headers,
        send: record.opt_text("send").map(str::to_owned),
        expect: record.regex("expect").cloned(),
        slower_than: peer::limit(record),
    }))
}

/// Headers of the upgrade, but for its key.
fn headers(record: &Record, authority: &str, problems: &mut Problems) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fixed = [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::USER_AGENT, concat!("gengfu/", env!("CARGO_PKG_VERSION"))),
    ];
    fixed.into_iter().for_each(|(name, value)| _ = headers.insert(name, HeaderValue::from_static(value)));
    let mut insert = |at, name: HeaderName, text: &str| match HeaderValue::from_str(text) {
        Ok(mut value) => {
            value.set_sensitive(name == header::AUTHORIZATION);
            headers.insert(name, value);
        }
        Err(_) => problems.push(Problem::error(Code::Value, at, "a header cannot hold this value")),
    };
    insert(record.at("url"), header::HOST, authority);
    let mut unfit = Vec::new();
    for (name, value) in record.map("headers") {
        let text = value.value.as_text().unwrap_or_default();
        match HeaderName::try_from(&name.value) {
            Ok(key) if reserved(&key) => unfit.push((&name.at, "the upgrade sets this header itself")),
            Ok(key) => insert(&value.at, key, text),
            Err(_) => unfit.push((&name.at, "not the name of a header")),
        }
    }
    for (field, name) in [("authorization", header::AUTHORIZATION), ("subprotocol", header::SEC_WEBSOCKET_PROTOCOL)] {
        if let Some(text) = record.opt_text(field) {
            insert(record.at(field), name, text);
        }
    }
    for (at, text) in unfit {
        problems.push(Problem::error(Code::Value, at, text));
    }
    headers
}

fn reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 4] =
        [header::CONNECTION, header::UPGRADE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    RESERVED.contains(name) || name.as_str().starts_with("sec-websocket-")
}

struct WebSocket {
    peer: Peer,
    uri: http::Uri,
    headers: HeaderMap,
    send: Option<String>,
    expect: Option<Regex>,
    slower_than: Option<Duration>,
}

impl Prober for WebSocket {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.talk(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl WebSocket {
    async fn talk(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        attempt.enter(Phase::Processing);
        let mut socket = self.upgrade(attempt, stream).await?;
        if let Some(text) = &self.send {
            let sent = socket.send(Message::text(text.as_str())).await;
            sent.map_err(|error| self.failed(&error, Phase::Processing))?;
            attempt.note(format!("said {:?}", cut(text)));
        }
        if let Some(expected) = &self.expect {
            self.listen(attempt, &mut socket, expected).await?;
        }
        attempt.leave();
        // What follows is our own politeness, so it does not count.
        let outcome = peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass);
        farewell(attempt, socket).await;
        Ok(outcome)
    }

    async fn upgrade(&self, attempt: &Attempt, stream: Stream) -> Result<WebSocketStream<Stream>, Outcome> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        attempt.note(format!("GET {}", self.uri));
        let request = self.request()?;
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, response)) => {
                attempt.http_status(response.status().as_u16());
                attempt.note(format!("{}", response.status()));
                Ok(socket)
            }
            Err(Error::Http(response)) => {
                attempt.http_status(response.status().as_u16());
                Err(self.no_upgrade(&response))
            }
            Err(error) => Err(self.failed(&error, Phase::Processing)),
        }
    }

    fn request(&self) -> Result<Request, Outcome> {
        let ours = |error: &dyn std::fmt::Display| Outcome::unknown(format!("cannot make the upgrade: {error}"));
        let mut request = http::Request::get(&self.uri).body(()).map_err(|error| ours(&error))?;
        *request.headers_mut() = self.headers.clone();
        let key = HeaderValue::try_from(generate_key()).map_err(|error| ours(&error))?;
        request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, key);
        request.into_client_request().map_err(|error| ours(&error))
    }

    async fn listen(
        &self,
        attempt: &Attempt,
        socket: &mut WebSocketStream<Stream>,
        expected: &Regex,
    ) -> Result<(), Outcome> {
        let mut last = None;
        for _ in 0..MESSAGES_MAX {
            let message = match socket.next().await {
                Some(Ok(message)) => message,
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Err(self.unmet(expected, last.as_deref(), "the end of the connection"));
                }
                Some(Err(error)) => return Err(self.failed(&error, attempt.phase().unwrap_or(Phase::Processing))),
            };
            let text = match &message {
                Message::Text(text) => text.as_str().to_owned(),
                Message::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Message::Close(frame) => return Err(self.unmet(expected, last.as_deref(), &farewell_text(frame))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            if last.is_none() {
                attempt.enter(Phase::Transfer);
            }
            attempt.note(format!("heard {:?}", cut(&text)));
            if expected.is_match(&text) {
                return Ok(());
            }
            last = Some(text);
        }
        Err(self.unmet(expected, last.as_deref(), &format!("{MESSAGES_MAX} other messages")))
    }

    fn unmet(&self, expected: &Regex, last: Option<&str>, got: &str) -> Outcome {
        let last = last.map_or_else(String::new, |text| format!(", the last being {:?}", cut(text)));
        let text = format!("expected a match of /{expected}/ from {}, got {got}{last}", self.peer.named());
        Outcome::fail(ReasonKind::Content, text)
    }

    /// An answer of HTTP that is no upgrade; with a time to come back, it is announced maintenance.
    fn no_upgrade(&self, response: &http::Response<Option<Vec<u8>>>) -> Outcome {
        let (status, from) = (response.status(), self.peer.named());
        let after = response.headers().get(header::RETRY_AFTER).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let kind = match (status, &after) {
            (http::StatusCode::SERVICE_UNAVAILABLE, Some(_)) => ReasonKind::Maintenance,
            _ => ReasonKind::Status,
        };
        let after = after.map_or_else(String::new, |after| format!(" (retry-after {after})"));
        let to = response.headers().get(header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let to = to.map_or_else(String::new, |to| format!(" to {to}; put that into `url`, nothing is followed"));
        Outcome::fail(kind, format!("expected status 101 from {from}, got {status}{after}{to}"))
    }

    fn failed(&self, error: &Error, phase: Phase) -> Outcome {
        let from = self.peer.named();
        let text = match error {
            Error::Capacity(_) => format!("{from} sent a message above {} KiB: {error}", MESSAGE_BYTES_MAX >> 10),
            Error::Protocol(ProtocolError::HandshakeIncomplete) => {
                format!("{from} closed the connection before answering")
            }
            Error::Protocol(why @ ProtocolError::SecWebSocketSubProtocolError(_)) => {
                format!("{from} did not agree to the subprotocol: {why}")
            }
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => format!("{from} ended without a farewell"),
            Error::Protocol(why) => format!("{from} broke the protocol of WebSocket: {why}"),
            Error::Io(_) => return dial::failed(error, phase, &self.peer.host, self.peer.port),
            other => format!("{from} broke the protocol of WebSocket: {other}"),
        };
        Outcome::fail(ReasonKind::Protocol, text)
    }
}

/// Says good-bye and waits a little for the same.
async fn farewell(attempt: &Attempt, mut socket: WebSocketStream<Stream>) {
    let patience = FAREWELL.min(attempt.remaining() / 2);
    let goodbye = async {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        if socket.close(Some(frame)).await.is_err() {
            return false;
        }
        for _ in 0..MESSAGES_MAX {
            match socket.next().await {
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) | None => return true,
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
            }
        }
        false
    };
    match tokio::time::timeout(patience, goodbye).await {
        Ok(true) => attempt.note("closed on both sides"),
        Ok(false) | Err(_) => attempt.note("closed; the farewell was not answered"),
    }
}

fn farewell_text(frame: &Option<CloseFrame>) -> String {
    match frame {
        Some(frame) if !frame.reason.is_empty() => format!("close {} {:?}", u16::from(frame.code), cut(&frame.reason)),
        Some(frame) => format!("close {}", u16::from(frame.code)),
        None => "close without a code".into(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
pub(super) mod tests;
