//! A small HTTP/1.1 answerer: one request per connection, a bounded head, a page that holds what its probe looks for.
//!
//! Not here: sockets, TLS and the choice of behaviour (`endpoint`). Invariants: whatever comes in, at most
//! [`HEAD_BYTES_MAX`] bytes of it are kept; every answer says `Connection: close` and has a length.

use super::script::Behaviour;
use super::target::Target;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How much of a request body is read before the answer.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The part of a request that decides about the answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) host: String,
    /// With its query.
    pub(super) path: String,
    pub(super) method: Method,
    /// The `Cookie` header.
    pub(super) cookies: String,
    /// At most [`BODY_BYTES_MAX`] bytes.
    pub(super) body: Vec<u8>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// The head of the answer alone.
    Head,
    Get,
    Post,
    Delete,
    Other,
}

impl Request {
    /// The value of one cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Names and values of the query, and of a form in the body.
    pub(super) fn form(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let body = std::str::from_utf8(&self.body).unwrap_or_default();
        query.split('&').chain(body.split('&')).filter_map(|pair| pair.split_once('='))
    }
}

/// Reads one request; `None` when the caller hung up or spoke garbage, the latter answered with 400.
pub(super) async fn request<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<Request>> {
    let mut head = Vec::with_capacity(1024);
    let end = loop {
        let from = head.len().saturating_sub(3);
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
        if let Some(at) = head[from..].windows(4).position(|w| w == b"\r\n\r\n") {
            break from + at + 4;
        }
        if head.len() > HEAD_BYTES_MAX || !head.first().is_some_and(u8::is_ascii_alphabetic) {
            write(stream, &simple(400, "", "")).await?;
            return Ok(None);
        }
    };
    let Some((mut request, length)) = parse(&head[..end]) else {
        write(stream, &simple(400, "", "")).await?;
        return Ok(None);
    };
    let length = length.min(BODY_BYTES_MAX);
    let mut body = head.split_off(end);
    let mut part = [0; 4096];
    while body.len() < length {
        let n = stream.read(&mut part).await?;
        if n == 0 {
            break;
        }
        body.extend_from_slice(&part[..n]);
    }
    body.truncate(length);
    request.body = body;
    Ok(Some(request))
}

fn parse(head: &[u8]) -> Option<(Request, usize)> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if !version.starts_with("HTTP/1.") || words.next().is_some() {
        return None;
    }
    let (mut host, mut cookies, mut length) = (String::new(), String::new(), 0);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("host") {
            host = value.trim().split(':').next().unwrap_or_default().to_ascii_lowercase();
        } else if name.eq_ignore_ascii_case("cookie") {
            value.trim().clone_into(&mut cookies);
        } else if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let method = match method {
        "HEAD" => Method::Head,
        "GET" => Method::Get,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        _ => Method::Other,
    };
    Some((Request { host, path: target.to_owned(), method, cookies, body: Vec::new() }, length))
}

/// Answers as `behaviour` says; `page` is the healthy answer, made once. The connection is the caller's to close.
pub(super) async fn answer<S: AsyncWrite + Unpin>(
    stream: &mut S,
    method: Method,
    page: &[u8],
    behaviour: &Behaviour,
) -> std::io::Result<()> {
    let made = match behaviour {
        Behaviour::Slow(ms) => {
            tokio::time::sleep(Duration::from_millis((*ms).into())).await;
            None
        }
        Behaviour::Status(code) => Some(simple(*code, "", &format!("<h1>{code}</h1>"))),
        Behaviour::Blank => Some(simple(200, "", "")),
        Behaviour::Maintenance { retry_after_s, notice } => Some(simple(
            503,
            &format!("Retry-After: {retry_after_s}\r\n"),
            &format!("<!doctype html><meta charset=utf-8><p>{}</p><p lang=en>{}</p>\n", notice.zh, notice.en),
        )),
        Behaviour::Healthy | Behaviour::ExpiringCertificate | Behaviour::Refuse | Behaviour::Hang => None,
    };
    let whole = made.as_deref().unwrap_or(page);
    let part = match method {
        Method::Head => whole.windows(4).position(|w| w == b"\r\n\r\n").map_or(whole, |at| &whole[..at + 4]),
        _ => whole,
    };
    write(stream, part).await
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// The page of a healthy target: its name, and the text that its probe looks for.
pub(super) fn page(target: &Target) -> Vec<u8> {
    page_with(target, "", "")
}

/// The same with more headers, and more behind the text.
pub(super) fn page_with(target: &Target, headers: &str, more: &str) -> Vec<u8> {
    let name = &target.name;
    let says = target.says.as_deref().unwrap_or_default();
    if says.trim_start().starts_with(['{', '[', '"']) {
        // A fragment of JSON is wrapped, so that it stays literal and the whole stays readable.
        return response(200, "Content-Type: application/json; charset=utf-8\r\n", &format!("{{{says}}}\n"));
    }
    let body = format!(
        "<!doctype html>\n<html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>{zh}</title>\n\
         <h1>{zh}</h1>\n<p lang=\"en\">{en}</p>\n<p>{says}</p>\n{more}</html>\n",
        zh = escaped(&name.zh),
        en = escaped(&name.en),
    );
    simple(200, headers, &body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn simple(code: u16, headers: &str, body: &str) -> Vec<u8> {
    response(code, &format!("Content-Type: text/html; charset=utf-8\r\n{headers}"), body)
}

/// A whole answer.
pub(super) fn response(code: u16, headers: &str, body: &str) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(code).ok().and_then(|s| s.canonical_reason()).unwrap_or("Unknown");
    format!(
        "HTTP/1.1 {code} {reason}\r\nServer: city\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_head_yields_host_path_and_length() {
        let head = b"POST /a?b HTTP/1.1\r\nHOST: X.test:443\r\ncookie: c=d\r\ncontent-length: 7\r\n\r\n";
        let (host, path, cookies) = ("x.test".into(), "/a?b".into(), "c=d".into());
        let expected = Request { host, path, method: Method::Post, cookies, body: Vec::new() };
        assert_eq!(parse(head), Some((expected, 7)));
        assert_eq!(parse(b"GET /\r\n\r\n"), None);
        assert_eq!(parse(b"GET / HTTP/1.1 x\r\n\r\n"), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_gets_at_most_one_short_answer(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
                theirs.write_all(&bytes).await.unwrap();
                theirs.shutdown().await.unwrap();
                request(&mut ours).await.unwrap();
                drop(ours);
                let mut answer = Vec::new();
                theirs.read_to_end(&mut answer).await.unwrap();
                assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 "));
            });
        }
    }
}
