//! What an HTTP answer must look like, and the sentence when it does not.
//!
//! Not here: fetching it. Invariant: an answer that looks like announced maintenance is `Maintenance`, whatever else
//! is wrong with it, unless its status is the expected one.

use crate::domain::{Outcome, Reason, ReasonKind, Timestamp};
use crate::probe::{record, trust};
use http::{HeaderMap, HeaderName, StatusCode, header};
use regex::Regex;
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

/// Expectations of one probe.
#[derive(Debug, Default)]
pub(super) struct Expect {
    /// Expected statuses; 200-299 when empty.
    pub(super) status: Vec<u16>,
    /// Statuses that mean "usable, but not as it should be", such as 429.
    pub(super) degraded_status: Vec<u16>,
    pub(super) body_contains: Vec<String>,
    pub(super) body_regex: Option<Regex>,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) blank: Blank,
    pub(super) slower_than: Option<Duration>,
    /// Degraded when the certificate expires within this many milliseconds.
    pub(super) certificate_warn_ms: Option<i64>,
    /// Text of the notice that the owner shows during maintenance.
    pub(super) maintenance_text: Option<String>,
}

/// What came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The decoded body, up to the cap.
    pub(super) body: String,
    /// Whether more came than the cap lets in.
    pub(super) cut: bool,
    /// Whether it was asked for with GET.
    pub(super) got: bool,
}

impl Expect {
    /// Judges an answer; `took` is the whole attempt, `not_after` the chain's earliest expiry.
    pub(super) fn judge(
        &self,
        now: Timestamp,
        answer: &Answer,
        took: Duration,
        not_after: Option<Timestamp>,
    ) -> Outcome {
        let status = answer.status.as_u16();
        let expected = match self.status.as_slice() {
            [] => (200..300).contains(&status),
            statuses => statuses.contains(&status),
        };
        if !expected && self.degraded_status.contains(&status) {
            return Outcome::degraded(ReasonKind::Status, self.status_text(answer));
        }
        if !expected {
            return Outcome::Fail(self.refusal(answer));
        }
        // A notice behind a 200 is maintenance too, unless the notice itself is what the probe asks for.
        let wrong = self.notice(answer).or_else(|| self.blank(answer)).or_else(|| self.content(answer));
        if let Some(reason) = wrong {
            return Outcome::Fail(reason);
        }
        self.certificate(now, not_after).or_else(|| self.slow(took)).map_or(Outcome::Pass, Outcome::Degraded)
    }

    fn status_text(&self, answer: &Answer) -> String {
        let expected = match self.status.as_slice() {
            [] => "200-299".to_owned(),
            statuses => statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
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
        let wants_body = !self.body_contains.is_empty() || self.body_regex.is_some();
        let wrong = match self.blank {
            Blank::Wrong => true,
            Blank::WrongForPages => is_page || wants_body,
            Blank::Right => wants_body,
        };
        let text = || format!("got {} with a blank page", answer.status);
        wrong.then(|| Reason::new(ReasonKind::Content, text()))
    }

    fn content(&self, answer: &Answer) -> Option<Reason> {
        let wrong = |text: String| Some(Reason::new(ReasonKind::Content, text));
        for (name, expected) in &self.headers {
            let got = answer.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
            match got {
                None => return wrong(format!("expected header {name}: {expected}, got none")),
                Some(got) if !got.contains(expected.as_str()) => {
                    return wrong(format!("expected header {name}: {expected}, got {got}"));
                }
                Some(_) => {}
            }
        }
        let read = if answer.cut { "the part of the body that was read" } else { "the body" };
        let head = || answer.body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect::<String>();
        if let Some(text) = self.body_contains.iter().find(|text| !answer.body.contains(text.as_str())) {
            return wrong(format!("expected {text:?} in {read}, which begins {:?}", head()));
        }
        if let Some(regex) = self.body_regex.as_ref().filter(|regex| !regex.is_match(&answer.body)) {
            return wrong(format!("expected a match of /{regex}/ in {read}, which begins {:?}", head()));
        }
        None
    }

    fn certificate(&self, now: Timestamp, not_after: Option<Timestamp>) -> Option<Reason> {
        let (warn_ms, not_after) = (self.certificate_warn_ms?, not_after?);
        let due = not_after.since(now) < warn_ms;
        due.then(|| Reason::new(ReasonKind::Certificate, trust::expiry_text(now, not_after)))
    }

    fn slow(&self, took: Duration) -> Option<Reason> {
        let limit = self.slower_than.filter(|limit| took > *limit)?;
        let text = format!("took {}, expected at most {}", record::seconds(took), record::seconds(limit));
        Some(Reason::new(ReasonKind::Slow, text))
    }
}

fn retry_after(answer: &Answer) -> String {
    let value = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    value.map_or_else(String::new, |value| format!(" (retry-after {value})"))
}
