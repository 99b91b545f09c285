//! SIP messages as bytes: our one request, and the head of an answer.
//!
//! Not here: sockets. Invariants: reading is total and bounded by [`HEAD_BYTES_MAX`]; a request holds no text that could
//! end its line, since [`is_uri`] lets none in.

use std::net::SocketAddr;

/// Longest head of an answer that is read.
pub(super) const HEAD_BYTES_MAX: usize = 16 << 10;
/// Longest value of a header that is kept.
const VALUE_MAX: usize = 200;

/// Our request, and what its answer must repeat.
#[derive(Debug)]
pub(super) struct Request<'a> {
    uri: &'a str,
    from: &'a str,
    via: &'static str,
    local: SocketAddr,
    branch: String,
    tag: String,
    call: String,
    sequence: u32,
}

/// The head of an answer, as far as it concerns us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::probe) struct Response {
    pub(super) status: u16,
    pub(super) phrase: String,
    /// The branch of the topmost `Via`.
    pub(super) branch: Option<String>,
    /// Number and method.
    pub(super) sequence: Option<(u32, String)>,
    pub(super) server: Option<String>,
    pub(super) retry_after: Option<String>,
    pub(super) content_length: Option<usize>,
}

impl<'a> Request<'a> {
    /// A new transaction.
    pub(super) fn new(uri: &'a str, from: &'a str, via: &'static str, local: SocketAddr) -> Self {
        let random = || format!("{:016x}", fastrand::u64(..));
        // The magic cookie says that the branch is unique in space and time (RFC 3261, 8.1.1.7).
        let branch = format!("z9hG4bK{}", random());
        Self { uri, from, via, local, branch, tag: random(), call: random(), sequence: fastrand::u32(1..1 << 31) }
    }

    /// The request, as it goes out each time.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { uri, from, via, local, branch, tag, call, sequence } = self;
        let scheme = if *via == "TLS" { "sips" } else { "sip" };
        let transport = if *via == "TCP" { ";transport=tcp" } else { "" };
        format!(
            "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <{from}>;tag={tag}\r\nTo: <{uri}>\r\nCall-ID: {call}@{ip}\r\nCSeq: {sequence} OPTIONS\r\n\
             Contact: <{scheme}:gengfu@{local}{transport}>\r\nAccept: application/sdp\r\n\
             User-Agent: gengfu/{version}\r\nContent-Length: 0\r\n\r\n",
            ip = local.ip(),
            version = env!("CARGO_PKG_VERSION"),
        )
        .into_bytes()
    }

    /// Whether that is the answer to this request: same branch, same number, same method.
    pub(super) fn is_answered_by(&self, response: &Response) -> bool {
        let same_sequence = |(number, method): &(u32, String)| *number == self.sequence && method == "OPTIONS";
        response.branch.as_deref() == Some(&self.branch) && response.sequence.as_ref().is_some_and(same_sequence)
    }
}

impl Response {
    /// `503 Service Unavailable`.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.status, self.phrase).trim_end().to_owned()
    }
}

/// Whether `text` may stand as an address in a request.
pub(super) fn is_uri(text: &str) -> bool {
    let rest = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:"));
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\');
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(fits))
}

/// Where the head ends, its empty line included.
pub(super) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4)
}

/// Reads the head of an answer; the error says what it is instead.
pub(in crate::probe) fn parse_response(head: &[u8]) -> Result<Response, String> {
    let head = &head[..head.len().min(HEAD_BYTES_MAX)];
    let text = String::from_utf8_lossy(head);
    let (first, rest) = text.split_once("\r\n").unwrap_or((&text, ""));
    let other = || format!("{:?}", first.chars().take(60).collect::<String>());
    let (code, phrase) = match first.strip_prefix("SIP/2.0 ") {
        Some(line) => line.split_once(' ').unwrap_or((line, "")),
        None => return Err(other()),
    };
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let status = code.parse().ok().filter(|status| is_code && (100..700).contains(status)).ok_or_else(other)?;
    let mut response = Response { status, phrase: cut(phrase), ..Response::default() };
    for line in unfolded(rest) {
        let Some((name, value)) = line.split_once(':') else { continue };
        take(&mut response, name.trim_end(), value.trim());
    }
    Ok(response)
}

/// The lines of the headers; a line that begins with a blank goes on with the one before.
fn unfolded(rest: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in rest.split("\r\n").take_while(|line| !line.is_empty()) {
        match lines.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(before) => {
                before.push(' ');
                before.push_str(line.trim_start());
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines
}

fn take(response: &mut Response, name: &str, value: &str) {
    match name.to_ascii_lowercase().as_str() {
        // Only the topmost is ours; the rest would be those of servers behind us.
        "via" | "v" if response.branch.is_none() => {
            let first = value.split(',').next().unwrap_or_default();
            let parameter = |part: &str| {
                let (name, value) = part.split_once('=')?;
                name.trim().eq_ignore_ascii_case("branch").then(|| cut(value.trim()))
            };
            response.branch = Some(first.split(';').find_map(parameter).unwrap_or_default());
        }
        "cseq" => {
            let mut parts = value.split_whitespace();
            let number = parts.next().and_then(|number| number.parse().ok());
            response.sequence = number.zip(parts.next().map(cut));
        }
        "server" | "user-agent" if response.server.is_none() => response.server = Some(cut(value)),
        "retry-after" => response.retry_after = Some(cut(value)),
        "content-length" | "l" => response.content_length = value.parse().ok(),
        _ => {}
    }
}

fn cut(text: &str) -> String {
    text.chars().take(VALUE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_long_short_and_folded_headers() {
        let text = "SIP/2.0 503 Service Unavailable\r\nv: SIP/2.0/UDP 10.0.0.1:5060\r\n ;branch=z9hG4bKabc;rport=1, \
            SIP/2.0/UDP b;branch=z9\r\nVia: SIP/2.0/UDP c;branch=z8\r\nCSeq:  7 OPTIONS\r\nRetry-After: 3600 (work)\r\n\
            Server: Kamailio\r\nl: 12\r\n\r\nhello";
        let response = parse_response(text.as_bytes()).unwrap();
        assert_eq!(response.line(), "503 Service Unavailable");
        assert_eq!(response.branch.as_deref(), Some("z9hG4bKabc"));
        assert_eq!(response.sequence, Some((7, "OPTIONS".to_owned())));
        assert_eq!(response.retry_after.as_deref(), Some("3600 (work)"));
        assert_eq!((response.server.as_deref(), response.content_length), (Some("Kamailio"), Some(12)));
    }

    #[test]
    fn what_is_no_answer_is_shown_cut() {
        for text in
            ["HTTP/1.1 400 Bad Request\r\n\r\n", "SIP/2.0 99 x\r\n", "SIP/2.0 +20 x\r\n", "", "SIP/2.0 2000\r\n"]
        {
            assert!(parse_response(text.as_bytes()).is_err(), "{text}");
        }
        let error = parse_response(&[b'x'; 100_000]).unwrap_err();
        assert_eq!(error.len(), 62);
    }

    #[test]
    fn addresses_cannot_add_headers() {
        for good in ["sip:a.test", "sips:12345@hotline.test:5061;transport=tcp", "sip:[::1]:5060"] {
            assert!(is_uri(good), "{good}");
        }
        for bad in ["a.test", "sip:", "sip:a\r\nX: y", "sip:a b", "sip:a>;tag=1", "tel:12345", "sip:热线"] {
            assert!(!is_uri(bad), "{bad}");
        }
    }

    #[test]
    fn request_is_answered_only_by_its_own_branch_and_number() {
        let request = Request::new("sip:a.test", "sip:b.test", "UDP", ([127, 0, 0, 1], 9).into());
        let bytes = String::from_utf8(request.to_bytes()).unwrap();
        let via = bytes.lines().find_map(|line| line.strip_prefix("Via: ")).unwrap();
        let sequence = bytes.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap();
        let answer = |via: &str, sequence: &str| {
            parse_response(format!("SIP/2.0 200 OK\r\nVia: {via}\r\nCSeq: {sequence}\r\n\r\n").as_bytes()).unwrap()
        };
        assert!(request.is_answered_by(&answer(via, sequence)));
        assert!(!request.is_answered_by(&answer(&via.replace("z9hG4bK", "z9hG4bKx"), sequence)));
        assert!(!request.is_answered_by(&answer(via, &sequence.replace("OPTIONS", "INVITE"))));
        assert!(!request.is_answered_by(&answer(via, "1 OPTIONS")) || sequence == "1 OPTIONS");
        assert!(bytes.ends_with("Content-Length: 0\r\n\r\n") && bytes.contains(";tag="));
    }
}
