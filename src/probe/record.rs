//! What an attempt writes down while it runs: phases, trace, status, certificate.
//!
//! Not here: the deadline and the verdict (`attempt`). Invariants: at most one phase runs at a time; the trace is bounded
//! and free of control characters.

use super::Facts;
use super::peer::named;
use super::trust::Staple;
use crate::domain::{Outcome, ReasonKind, Timestamp};
use crate::network::{NoAnswer, WAIT_MAX};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Longest trace of one attempt, in lines.
pub const TRACE_LINES_MAX: usize = 64;
/// Longest line of a trace, in characters.
pub const TRACE_LINE_MAX: usize = 300;
/// How much of what is left a name may take to be resolved, in hundredths.
const RESOLVER_SHARE: u32 = 75;

tokio::task_local! {
    /// The recorder of the attempt that this task runs; the hooks in name resolution and TLS find it here.
    pub(super) static CURRENT: Recorder;
}

/// A part of an attempt whose length is measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Name resolution.
    Resolve,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the request's last byte to the answer's first.
    Processing,
    /// From the answer's first byte to its last.
    Transfer,
}

impl Phase {
    /// Every phase, in the order in which they happen.
    pub const ALL: [Self; 5] = [Self::Resolve, Self::Connect, Self::Tls, Self::Processing, Self::Transfer];

    /// The `phase` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Processing => "processing",
            Self::Transfer => "transfer",
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Self::Resolve => "resolving the name of",
            Self::Connect => "connecting to",
            Self::Tls => "in the TLS handshake with",
            Self::Processing => "waiting for an answer from",
            Self::Transfer => "reading the answer of",
        }
    }
}

/// How long each phase took; `None` where it was not reached or does not apply. Redirects add up.
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

impl Phases {
    /// The length of one phase.
    pub fn get(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Resolve => self.resolve,
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::Processing => self.processing,
            Phase::Transfer => self.transfer,
        }
    }

    fn slot(&mut self, phase: Phase) -> &mut Option<Duration> {
        match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::Processing => &mut self.processing,
            Phase::Transfer => &mut self.transfer,
        }
    }

    fn add(&mut self, phase: Phase, took: Duration) {
        let sum = self.slot(phase);
        *sum = Some(sum.unwrap_or_default() + took);
    }

    fn put(&mut self, phase: Phase, took: Duration) {
        *self.slot(phase) = Some(took);
    }
}

/// How many members of a fleet are online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetShare {
    /// All members.
    pub members: u32,
    /// Those whose last beat came in time.
    pub online: u32,
}

/// One line of the trace: how far into the attempt, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// Since the attempt's start.
    pub at: Duration,
    /// What happened; bounded, without control characters.
    pub text: Box<str>,
}

/// What an attempt has seen so far; cheap to clone, so that hooks deep inside a client can write to it.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Record>>);

#[derive(Debug)]
pub(super) struct Record {
    pub(super) began: Instant,
    deadline: Instant,
    pub(super) running: Option<(Phase, Instant)>,
    pub(super) target: Option<(String, u16)>,
    pub(super) phases: Phases,
    pub(super) http_status: Option<u16>,
    pub(super) certificate_not_after: Option<Timestamp>,
    pub(super) leaf_not_after: Option<Timestamp>,
    pub(super) staple: Option<Staple>,
    pub(super) fleet: Option<FleetShare>,
    pub(super) trace: Vec<TraceLine>,
    /// There only if somebody asked before the attempt began.
    pub(super) facts: Option<Box<Facts>>,
}

impl Recorder {
    pub(super) fn new(deadline: Instant) -> Self {
        Self(Arc::new(Mutex::new(Record {
            began: Instant::now(),
            deadline,
            running: None,
            target: None,
            phases: Phases::default(),
            http_status: None,
            certificate_not_after: None,
            leaf_not_after: None,
            staple: None,
            fleet: None,
            trace: Vec::new(),
            facts: None,
        })))
    }

    /// The recorder of the attempt that the present task runs.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the resolver may take now: less than the attempt, which must live to tell that it was the resolver.
    pub fn patience(&self) -> Duration {
        let left = self.lock().deadline.saturating_duration_since(Instant::now());
        WAIT_MAX.min(left * RESOLVER_SHARE / 100)
    }

    /// Writes a line into the trace.
    pub fn note(&self, text: impl AsRef<str>) {
        let mut record = self.lock();
        if record.trace.len() < TRACE_LINES_MAX {
            let at = record.began.elapsed();
            let clean = |c: char| if c.is_control() { ' ' } else { c };
            let text: String = text.as_ref().chars().take(TRACE_LINE_MAX).map(clean).collect();
            record.trace.push(TraceLine { at, text: text.into() });
        }
    }

    /// Names who is asked now.
    pub fn aim(&self, host: &str, port: u16) {
        self.lock().target = Some((host.to_owned(), port));
    }

    /// Who is asked now.
    pub fn target(&self) -> Option<(String, u16)> {
        self.lock().target.clone()
    }

    /// Ends the running phase and begins another.
    pub fn enter(&self, phase: Phase) {
        let mut record = self.lock();
        record.leave();
        record.running = Some((phase, Instant::now()));
    }

    /// Ends the running phase.
    pub fn leave(&self) {
        self.lock().leave();
    }

    /// The phase that is running, if any.
    pub fn phase(&self) -> Option<Phase> {
        self.lock().running.map(|(phase, _)| phase)
    }

    /// Keeps the status of the last HTTP answer.
    pub fn http_status(&self, status: u16) {
        self.lock().http_status = Some(status);
    }

    /// Keeps the earliest expiry of the chain that was presented last.
    pub fn certificate(&self, not_after: Timestamp) {
        self.lock().certificate_not_after = Some(not_after);
    }

    /// Keeps what the server's own certificate and its staple say, of the chain that was presented last.
    pub(super) fn leaf(&self, not_after: Option<Timestamp>, staple: Option<Staple>) {
        let mut record = self.lock();
        record.leaf_not_after = not_after;
        record.staple = staple;
    }

    /// When the server's own certificate expires.
    pub(super) fn leaf_not_after(&self) -> Option<Timestamp> {
        self.lock().leaf_not_after
    }

    /// What the server stapled to its certificate about revocation.
    pub(super) fn staple(&self) -> Option<Staple> {
        self.lock().staple.clone()
    }

    /// Ends the running phase, and puts down `took` as the length of `phase`, where a mean says more than the whole.
    pub(super) fn measured(&self, phase: Phase, took: Duration) {
        let mut record = self.lock();
        record.running = None;
        record.phases.put(phase, took);
    }

    /// Keeps how many members of a fleet are online.
    pub fn fleet(&self, share: FleetShare) {
        self.lock().fleet = Some(share);
    }

    /// The earliest expiry of the chain that was presented last.
    pub fn certificate_not_after(&self) -> Option<Timestamp> {
        self.lock().certificate_not_after
    }
}

impl Record {
    pub(super) fn leave(&mut self) {
        if let Some((phase, since)) = self.running.take() {
            self.phases.add(phase, since.elapsed());
        }
    }

    pub(super) fn timed_out(&self, timeout: Duration) -> Outcome {
        // A part of an attempt may end earlier than its patience with the resolver, which is to blame all the same.
        if let (Some((Phase::Resolve, since)), Some((host, _))) = (self.running, &self.target) {
            let no_answer = NoAnswer::Silent(since.elapsed());
            return Outcome::unknown(format!("could not resolve {host}: {no_answer}"));
        }
        let mut text = format!("no result within {}", seconds(timeout));
        match (self.running, &self.target) {
            (Some((phase, since)), Some((host, port))) => {
                let spent = seconds(since.elapsed());
                // Where there are no ports, as in ICMP, the target has port 0.
                let named = if *port == 0 { host.clone() } else { named(host, *port) };
                let _ = write!(text, ": still {} {named}, for {spent}", phase.doing());
            }
            (Some((phase, _)), None) => {
                let _ = write!(text, ": still in phase {}", phase.as_str());
            }
            _ => {}
        }
        Outcome::fail(ReasonKind::Timeout, text)
    }
}

/// A length for people: `15 s`, `1.2 s`, `340 ms`.
pub(super) fn seconds(length: Duration) -> String {
    let ms = length.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}
