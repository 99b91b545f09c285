//! What an HTTP answer must look like, and the sentence when it does not.
//!
//! Not here: fetching it; values in JSON (`probe::expect`). Invariants: an answer that looks like announced maintenance is
//! `Maintenance`, whatever else is wrong with it, unless its status is the expected one; what is not expected costs
//! nothing.

use crate::domain::{Outcome, Reason, ReasonKind, Timestamp};
use crate::probe::expect::{JsonRule, document, shown};
use crate::probe::{record, trust};
use http::{HeaderMap, HeaderName, StatusCode, Version, header};
use regex::Regex;
use reqwest::Url;
use std::ops::RangeInclusive;
use std::time::Duration;

/// When an answer without visible text is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Blank {
    /// For a GET that says it brings HTML.
    #[default]
    WrongForPages,
    /// Always.
    Wrong,
    /// Never.
    Right,
}

/// Statuses, and how they were written.
#[derive(Debug)]
pub(super) struct Statuses {
    pub(super) text: Box<str>,
    pub(super) range: RangeInclusive<u16>,
}

/// Expectations of one request.
#[derive(Debug, Default)]
pub(in crate::probe) struct Expect {
    /// Expected statuses; 200-299 when empty.
    pub(super) status: Vec<Statuses>,
    /// Statuses that mean "usable, but not as it should be", such as 429.
    pub(super) degraded_status: Vec<Statuses>,
    pub(super) body_contains: Vec<String>,
    pub(super) body_lacks: Vec<String>,
    pub(super) body_regex: Vec<Regex>,
    pub(super) body_lacks_regex: Vec<Regex>,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) headers_regex: Vec<(HeaderName, Regex)>,
    pub(super) headers_lack_regex: Vec<(HeaderName, Regex)>,
    pub(super) json: Vec<JsonRule>,
    pub(super) blank: Blank,
    pub(super) versions: Vec<Version>,
    /// Whether the last address must be one of `https`, or must not.
    pub(super) secure: Option<bool>,
    pub(super) final_url: Option<Regex>,
    pub(super) slower_than: Option<Duration>,
    pub(super) fail_slower_than: Option<Duration>,
    /// Degraded when the certificate expires within this many milliseconds.
    pub(super) certificate_warn_ms: Option<i64>,
    /// Failed when it does.
    pub(super) certificate_fail_ms: Option<i64>,
    /// Text of the notice that the owner shows during maintenance.
    pub(super) maintenance_text: Option<String>,
}

/// What came.
#[derive(Debug)]
pub(in crate::probe) struct Answer {
    pub(in crate::probe) status: StatusCode,
    pub(super) version: Version,
    pub(in crate::probe) headers: HeaderMap,
    /// The decoded body, up to the cap.
    pub(in crate::probe) body: String,
    /// Whether more came than the cap lets in.
    pub(super) cut: bool,
    /// Whether it was asked for with GET.
    pub(super) got: bool,
    /// Where it came from, after all redirects.
    pub(super) url: Url,
}

/// What is judged.
pub(in crate::probe) struct Seen<'a> {
    /// The attempt's start.
    pub(in crate::probe) now: Timestamp,
    pub(in crate::probe) answer: &'a Answer,
    /// How long it took, redirects included.
    pub(in crate::probe) took: Duration,
    /// The chain's earliest expiry.
    pub(in crate::probe) not_after: Option<Timestamp>,
}

impl Answer {
    /// Whether it came in TLS.
    pub(in crate::probe) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl Expect {
    /// The verdict.
    pub(in crate::probe) fn judge(&self, seen: &Seen<'_>) -> Outcome {
        let answer = seen.answer;
        let status = answer.status.as_u16();
        let among = |statuses: &[Statuses]| statuses.iter().any(|one| one.range.contains(&status));
        let expected = if self.status.is_empty() { answer.status.is_success() } else { among(&self.status) };
        if !expected && among(&self.degraded_status) {
            return Outcome::degraded(ReasonKind::Status, self.status_text(answer));
        }
        if !expected {
            return Outcome::Fail(self.refusal(answer));
        }
        // A notice behind a 200 is maintenance too, unless the notice itself is what the probe asks for.
        let wrong = self.notice(answer).or_else(|| self.blank(answer)).or_else(|| self.content(answer));
        let wrong = wrong.or_else(|| certificate(seen, self.certificate_fail_ms));
        if let Some(reason) = wrong.or_else(|| slow(seen, self.fail_slower_than)) {
            return Outcome::Fail(reason);
        }
        let unwell = certificate(seen, self.certificate_warn_ms).or_else(|| slow(seen, self.slower_than));
        unwell.map_or(Outcome::Pass, Outcome::Degraded)
    }

    fn status_text(&self, answer: &Answer) -> String {
        let expected = match self.status.as_slice() {
            [] => "200-299".to_owned(),
            statuses => statuses.iter().map(|one| &*one.text).collect::<Vec<_>>().join(", "),
        };
        format!("expected status {expected}, got {}{}", answer.status, retry_after(answer))
    }

    /// A wrong status is maintenance if it says when to come back, or shows the notice.
    fn refusal(&self, answer: &Answer) -> Reason {
        let says_when = answer.status == StatusCode::SERVICE_UNAVAILABLE && !retry_after(answer).is_empty();
        let kind = if says_when { ReasonKind::Maintenance } else { ReasonKind::Status };
        let plain = || Reason::new(kind, self.status_text(answer));
        if says_when { plain() } else { self.notice(answer).unwrap_or_else(plain) }
    }

    fn notice(&self, answer: &Answer) -> Option<Reason> {
        let text = self.maintenance_text.as_ref().filter(|text| answer.body.contains(text.as_str()))?;
        let got = format!("got {}{} with the maintenance notice {text:?}", answer.status, retry_after(answer));
        Some(Reason::new(ReasonKind::Maintenance, got))
    }

    fn blank(&self, answer: &Answer) -> Option<Reason> {
        let bodyless = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT].contains(&answer.status);
        if !answer.body.trim().is_empty() || bodyless || !answer.status.is_success() {
            return None;
        }
        let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_page = answer.got && kind.is_none_or(|kind| kind.starts_with("text/html"));
        let wants_body = !self.body_contains.is_empty() || !self.body_regex.is_empty();
        let wrong = match self.blank {
            Blank::Wrong => true,
            Blank::WrongForPages => is_page || wants_body,
            Blank::Right => wants_body,
        };
        let text = || format!("got {} with a blank page", answer.status);
        wrong.then(|| Reason::new(ReasonKind::Content, text()))
    }

    fn content(&self, answer: &Answer) -> Option<Reason> {
        let protocol = self.spoken(answer).map(|text| Reason::new(ReasonKind::Protocol, text));
        protocol.or_else(|| {
            let wrong = self.place(answer).or_else(|| self.header(answer)).or_else(|| self.body(answer));
            wrong.or_else(|| self.values(answer)).map(|text| Reason::new(ReasonKind::Content, text))
        })
    }

    fn spoken(&self, answer: &Answer) -> Option<String> {
        if !self.versions.is_empty() && !self.versions.contains(&answer.version) {
            let expected = self.versions.iter().map(|version| version_text(*version)).collect::<Vec<_>>().join(" or ");
            return Some(format!("expected {expected}, got {}", version_text(answer.version)));
        }
        let secure = answer.is_secure();
        match self.secure.filter(|wanted| *wanted != secure)? {
            true => Some(format!("expected TLS, got {} in the clear", shown(answer.url.as_str()))),
            false => Some(format!("expected no TLS, got {}", shown(answer.url.as_str()))),
        }
    }

    fn place(&self, answer: &Answer) -> Option<String> {
        let regex = self.final_url.as_ref().filter(|regex| !regex.is_match(answer.url.as_str()))?;
        Some(format!("expected to end at an address that matches /{regex}/, got {}", shown(answer.url.as_str())))
    }

    fn header(&self, answer: &Answer) -> Option<String> {
        let got = |name: &HeaderName| {
            let values = answer.headers.get_all(name).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>()
        };
        let told = |values: &[std::borrow::Cow<'_, str>]| values.first().map_or("none".to_owned(), |text| cut(text));
        for (name, expected) in &self.headers {
            let values = got(name);
            if !values.iter().any(|value| value.contains(expected.as_str())) {
                return Some(format!("expected header {name}: {expected}, got {}", told(&values)));
            }
        }
        for (name, regex) in &self.headers_regex {
            let values = got(name);
            if !values.iter().any(|value| regex.is_match(value)) {
                return Some(format!("expected header {name} to match /{regex}/, got {}", told(&values)));
            }
        }
        for (name, regex) in &self.headers_lack_regex {
            if let Some(value) = got(name).iter().find(|value| regex.is_match(value)) {
                return Some(format!("expected no match of /{regex}/ in header {name}, got {}", cut(value)));
            }
        }
        None
    }

    fn body(&self, answer: &Answer) -> Option<String> {
        let body = answer.body.as_str();
        let read = if answer.cut { "the part of the body that was read" } else { "the body" };
        if let Some(text) = self.body_contains.iter().find(|text| !body.contains(text.as_str())) {
            return Some(format!("expected {text:?} in {read}, which begins {}", shown(body)));
        }
        if let Some(regex) = self.body_regex.iter().find(|regex| !regex.is_match(body)) {
            return Some(format!("expected a match of /{regex}/ in {read}, which begins {}", shown(body)));
        }
        if let Some(text) = self.body_lacks.iter().find(|text| body.contains(text.as_str())) {
            let at = body.find(text.as_str()).unwrap_or_default();
            return Some(format!("expected no {text:?} in {read}, got {}", shown(&body[at..])));
        }
        let found = |regex: &Regex| regex.find(body).map(|part| part.start());
        self.body_lacks_regex.iter().find_map(|regex| {
            let at = found(regex)?;
            Some(format!("expected no match of /{regex}/ in {read}, got {}", shown(&body[at..])))
        })
    }

    fn values(&self, answer: &Answer) -> Option<String> {
        if self.json.is_empty() {
            return None;
        }
        if answer.cut {
            let length = answer.body.len();
            return Some(format!(
                "expected JSON, got more than the {length} bytes of it that `body_bytes_max` lets in"
            ));
        }
        match document(&answer.body) {
            Ok(document) => self.json.iter().find_map(|rule| rule.wrong(&document)),
            Err(sentence) => Some(sentence),
        }
    }
}

/// Of a header, without quotes.
fn cut(text: &str) -> String {
    shown(text).trim_matches('"').to_owned()
}

fn version_text(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2",
        _ => "another version of HTTP",
    }
}

fn certificate(seen: &Seen<'_>, limit_ms: Option<i64>) -> Option<Reason> {
    let (limit_ms, not_after) = (limit_ms?, seen.not_after?);
    let due = not_after.since(seen.now) < limit_ms;
    due.then(|| Reason::new(ReasonKind::Certificate, trust::expiry_text(seen.now, not_after)))
}

fn slow(seen: &Seen<'_>, limit: Option<Duration>) -> Option<Reason> {
    let limit = limit.filter(|limit| seen.took > *limit)?;
    let text = format!("took {}, expected at most {}", record::seconds(seen.took), record::seconds(limit));
    Some(Reason::new(ReasonKind::Slow, text))
}

fn retry_after(answer: &Answer) -> String {
    let value = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    value.map_or_else(String::new, |value| format!(" (retry-after {})", cut(value)))
}
