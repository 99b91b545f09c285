//! What one attempt of a probe saw: an outcome with a reason, and when.
//!
//! Not here: what follows from several of them (`health`). A failed probe is data, never an `Err`.

use super::{ProbeId, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest reason text that is kept, in characters.
pub const REASON_TEXT_MAX: usize = 300;

/// Why an attempt was not a plain pass: a metric label. Closed on purpose; the sentence carries the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// The deadline passed before the attempt ended.
    Timeout,
    /// The name did not resolve.
    Resolve,
    /// The target refused or reset the connection.
    Connect,
    /// Handshake, trust, name or version of TLS.
    Tls,
    /// A certificate expires soon or has expired.
    Certificate,
    /// A status other than the expected ones.
    Status,
    /// Headers, body or answer differ from what was expected.
    Content,
    /// The answer came, but slower than expected.
    Slow,
    /// 503 with `Retry-After`, or the declared notice text: it looks like maintenance.
    Maintenance,
    /// The peer broke the protocol.
    Protocol,
    /// A heartbeat did not come in time, or reported a failure.
    Heartbeat,
    /// Our own trouble: no socket, no permit, blind vantage.
    Local,
}

impl ReasonKind {
    /// Every kind, for metrics and documents.
    pub const ALL: [Self; 12] = [
        Self::Timeout,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Certificate,
        Self::Status,
        Self::Content,
        Self::Slow,
        Self::Maintenance,
        Self::Protocol,
        Self::Heartbeat,
        Self::Local,
    ];

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::Status => "status",
            Self::Content => "content",
            Self::Slow => "slow",
            Self::Maintenance => "maintenance",
            Self::Protocol => "protocol",
            Self::Heartbeat => "heartbeat",
            Self::Local => "local",
        }
    }
}

/// A label and a bounded sentence: who refused, what was expected, what came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The metric label.
    pub kind: ReasonKind,
    /// At most [`REASON_TEXT_MAX`] characters, without control characters.
    pub text: String,
}

impl Reason {
    /// Cuts the text to its bound and replaces control characters by blanks.
    pub fn new(kind: ReasonKind, text: impl AsRef<str>) -> Self {
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self { kind, text: text.as_ref().chars().take(REASON_TEXT_MAX).map(clean).collect() }
    }
}

/// The verdict of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All as expected.
    Pass,
    /// Usable, but not as it should be; counts as a pass for availability.
    Degraded(Reason),
    /// Not usable.
    Fail(Reason),
    /// We could not measure; neither a pass nor a fail.
    Unknown(Reason),
}

impl Outcome {
    /// Shorthand for a failure.
    pub fn fail(kind: ReasonKind, text: impl AsRef<str>) -> Self {
        Self::Fail(Reason::new(kind, text))
    }

    /// Shorthand for a degraded pass.
    pub fn degraded(kind: ReasonKind, text: impl AsRef<str>) -> Self {
        Self::Degraded(Reason::new(kind, text))
    }

    /// Shorthand for "we could not measure".
    pub fn unknown(text: impl AsRef<str>) -> Self {
        Self::Unknown(Reason::new(ReasonKind::Local, text))
    }

    /// The reason, if there is one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Pass => None,
            Self::Degraded(r) | Self::Fail(r) | Self::Unknown(r) => Some(r),
        }
    }

    /// The `result` label of `gengfu_probe_attempts_total`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Degraded(_) => "degraded",
            Self::Fail(_) => "fail",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Whether an attempt met a scheduled tick or confirmed a change in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// A scheduled tick; it opens a round.
    Tick,
    /// A re-try inside the round.
    Retry,
}

/// The record of one attempt that the engine folds into health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Which probe.
    pub probe: ProbeId,
    /// When the attempt started, by the wall clock.
    pub started: Timestamp,
    /// How long it took, by the monotonic clock.
    pub took_ms: i64,
    /// Tick or re-try.
    pub trigger: Trigger,
    /// The verdict.
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_text_is_bounded_and_free_of_control_characters() {
        let reason = Reason::new(ReasonKind::Content, format!("a\r\nb\u{1b}[31m{}", "长".repeat(400)));
        assert_eq!(reason.text.chars().count(), REASON_TEXT_MAX);
        assert!(reason.text.starts_with("a  b [31m") && !reason.text.contains('\u{1b}'));
    }
}
