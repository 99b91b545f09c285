//! Probe kinds: each owns its fields, defaults, code, documentation and tests in one file, and is known by one row.
//!
//! Not here: when probes run (`scheduler`) and what follows (`domain`). Invariants: an attempt honours its deadline,
//! never retries, never panics, opens a fresh connection, and reports trouble of our own as `Unknown`.

use crate::domain::{Outcome, Timestamp};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future, so that probers can be kept as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to ask "are you open?".
pub trait Prober: Send + Sync {
    /// Makes one attempt and fills in what it saw on the way.
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome>;
}

/// How long each phase took; `None` where it was not reached or does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name resolution.
    pub resolve: Option<Duration>,
    /// TCP connect.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request's last byte to the answer's first.
    pub processing: Option<Duration>,
    /// From the answer's first byte to its last.
    pub transfer: Option<Duration>,
}

/// One line of the trace: how far into the attempt, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// Since the attempt's start.
    pub at: Duration,
    /// What happened; bounded, without control characters.
    pub text: String,
}

/// One run of a probe, and what it saw.
#[derive(Debug)]
pub struct Attempt {
    /// When it started, by the wall clock.
    pub started: Timestamp,
    /// The one deadline, from name resolution to the last byte.
    pub deadline: tokio::time::Instant,
    /// How long each phase took.
    pub phases: Phases,
    /// Status of the last HTTP answer.
    pub http_status: Option<u16>,
    /// Earliest expiry in the presented chain.
    pub certificate_not_after: Option<Timestamp>,
    /// At most [`TRACE_LINES_MAX`] lines.
    pub trace: Vec<TraceLine>,
}

/// Longest trace of one attempt, in lines.
pub const TRACE_LINES_MAX: usize = 64;
