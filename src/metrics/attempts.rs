//! What readers may know about the attempts of a probe: counts since the start, and the last one.
//!
//! Not here: who keeps it (`probe`), nor confirmed health (`domain`). A board of attempts implements [`Attempts`].

use crate::domain::{Millis, Outcome, ProbeId, ReasonKind, Timestamp};
use crate::probe::{Phases, TraceLine};
use std::sync::Arc;

/// One finished attempt.
#[derive(Clone, Debug)]
pub struct LastAttempt {
    /// When it started, by the wall clock.
    pub started: Timestamp,
    /// How long it took, by the monotonic clock.
    pub took_ms: Millis,
    /// The verdict.
    pub outcome: Outcome,
    /// How long each phase took.
    pub phases: Phases,
    /// Status of the last HTTP answer.
    pub http_status: Option<u16>,
    /// Earliest expiry in the presented chain.
    pub certificate_not_after: Option<Timestamp>,
    /// What happened on the way; bounded by the prober.
    pub trace: Vec<TraceLine>,
}

/// Everything about one probe.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Attempts that passed, passed degraded, failed, and were unknown.
    pub results: [u64; 4],
    /// Failed attempts, in the order of [`ReasonKind::ALL`].
    pub failures: [u64; ReasonKind::ALL.len()],
    /// The last attempt.
    pub last: Option<Arc<LastAttempt>>,
    /// The last one that failed, if it is not the last one.
    pub last_failed: Option<Arc<LastAttempt>>,
}

/// Labels of [`Tried::results`], in order.
pub const RESULTS: [&str; 4] = ["pass", "degraded", "fail", "unknown"];

impl Tried {
    /// Counts one attempt and keeps it as the last one.
    pub fn count(&mut self, attempt: Arc<LastAttempt>) {
        let label = attempt.outcome.label();
        if let Some(i) = RESULTS.iter().position(|r| *r == label) {
            self.results[i] += 1;
        }
        if let Outcome::Fail(reason) = &attempt.outcome {
            if let Some(i) = ReasonKind::ALL.iter().position(|k| *k == reason.kind) {
                self.failures[i] += 1;
            }
            self.last_failed = Some(Arc::clone(&attempt));
        }
        self.last = Some(attempt);
    }
}

/// Who knows about attempts.
pub trait Attempts: Send + Sync {
    /// Everything about one probe; `None` before its first attempt.
    fn tried(&self, probe: &ProbeId) -> Option<Tried>;
}
