//! One run of a probe: its deadline, its stopwatch, its trace, and the verdict in every case.
//!
//! Not here: when it runs (`scheduler`) and what it asks (the kinds). Invariants: exactly one deadline from the first
//! byte to the last; at most one phase runs at a time; a panic of a prober is our trouble, hence `Unknown`.

use super::Prober;
use crate::clock::Clock;
use crate::domain::{Outcome, ReasonKind, Timestamp};
use futures_util::FutureExt;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Longest trace of one attempt, in lines.
pub const TRACE_LINES_MAX: usize = 64;
/// Longest line of a trace, in characters.
pub const TRACE_LINE_MAX: usize = 300;

tokio::task_local! {
    /// The recorder of the attempt that this task runs; the hooks in name resolution and TLS find it here.
    static CURRENT: Recorder;
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

    fn add(&mut self, phase: Phase, took: Duration) {
        let sum = match phase {
            Phase::Resolve => &mut self.resolve,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::Processing => &mut self.processing,
            Phase::Transfer => &mut self.transfer,
        };
        *sum = Some(sum.unwrap_or_default() + took);
    }
}

/// One line of the trace: how far into the attempt, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// Since the attempt's start.
    pub at: Duration,
    /// What happened; bounded, without control characters.
    pub text: Box<str>,
}

/// Everything that one attempt left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it started, by the wall clock.
    pub started: Timestamp,
    /// How long it took, by the monotonic clock.
    pub took: Duration,
    /// The verdict.
    pub outcome: Outcome,
    /// How long each phase took.
    pub phases: Phases,
    /// Status of the last HTTP answer.
    pub http_status: Option<u16>,
    /// Earliest expiry in the presented chain.
    pub certificate_not_after: Option<Timestamp>,
    /// What happened, at most [`TRACE_LINES_MAX`] lines.
    pub trace: Vec<TraceLine>,
}

/// What an attempt has seen so far; cheap to clone, so that hooks deep inside a client can write to it.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Record>>);

#[derive(Debug)]
struct Record {
    began: Instant,
    running: Option<(Phase, Instant)>,
    target: Option<(String, u16)>,
    phases: Phases,
    http_status: Option<u16>,
    certificate_not_after: Option<Timestamp>,
    trace: Vec<TraceLine>,
}

impl Recorder {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Record {
            began: Instant::now(),
            running: None,
            target: None,
            phases: Phases::default(),
            http_status: None,
            certificate_not_after: None,
            trace: Vec::new(),
        })))
    }

    /// The recorder of the attempt that the present task runs.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The earliest expiry of the chain that was presented last.
    pub fn certificate_not_after(&self) -> Option<Timestamp> {
        self.lock().certificate_not_after
    }
}

impl Record {
    fn leave(&mut self) {
        if let Some((phase, since)) = self.running.take() {
            self.phases.add(phase, since.elapsed());
        }
    }

    fn timed_out(&self, timeout: Duration) -> Outcome {
        let mut text = format!("no result within {}", seconds(timeout));
        match (self.running, &self.target) {
            (Some((phase, since)), Some((host, port))) => {
                let spent = seconds(since.elapsed());
                let _ = write!(text, ": still {} {host}:{port}, for {spent}", phase.doing());
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

/// One run of a probe, as its prober sees it.
#[derive(Debug)]
pub struct Attempt {
    /// When it started, by the wall clock.
    pub started: Timestamp,
    /// The one deadline, from name resolution to the last byte. Whoever runs the attempt enforces it.
    pub deadline: Instant,
    recorder: Recorder,
}

impl Attempt {
    /// An attempt that starts now, at `started` by the wall clock.
    pub fn new(started: Timestamp, timeout: Duration) -> Self {
        Self { started, deadline: Instant::now() + timeout, recorder: Recorder::new() }
    }

    /// What is left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long it has been running.
    pub fn elapsed(&self) -> Duration {
        self.recorder.lock().began.elapsed()
    }
}

impl std::ops::Deref for Attempt {
    type Target = Recorder;
    fn deref(&self) -> &Recorder {
        &self.recorder
    }
}

/// Runs one attempt under its one deadline. A target's time-out is a failure that names the phase; a panic is ours.
pub async fn attempt(prober: &dyn Prober, timeout: Duration, clock: &dyn Clock) -> Report {
    let mut attempt = Attempt::new(clock.now(), timeout);
    let (started, deadline, recorder) = (attempt.started, attempt.deadline, attempt.recorder.clone());
    let probing = AssertUnwindSafe(prober.probe(&mut attempt)).catch_unwind();
    let ended = tokio::time::timeout_at(deadline, CURRENT.scope(recorder.clone(), probing)).await;
    let mut record = recorder.lock();
    let took = record.began.elapsed();
    let outcome = match ended {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Outcome::unknown("the prober panicked; that is a defect of gengfu, see its log"),
        Err(_) => record.timed_out(timeout),
    };
    record.leave();
    Report {
        started,
        took,
        outcome,
        phases: std::mem::take(&mut record.phases),
        http_status: record.http_status,
        certificate_not_after: record.certificate_not_after,
        trace: std::mem::take(&mut record.trace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::probe::BoxFuture;

    struct Script(fn(&Attempt) -> BoxFuture<'_, Outcome>);
    impl Prober for Script {
        fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
            (self.0)(attempt)
        }
    }

    async fn run(script: fn(&Attempt) -> BoxFuture<'_, Outcome>) -> Report {
        attempt(&Script(script), Duration::from_secs(15), &ManualClock::at(Timestamp(1_000))).await
    }

    #[tokio::test(start_paused = true)]
    async fn time_out_names_the_phase_and_the_target_it_was_stuck_in() {
        let report = run(|attempt| {
            Box::pin(async move {
                attempt.aim("a.huangpu.test", 443);
                attempt.enter(Phase::Connect);
                tokio::time::sleep(Duration::from_millis(500)).await;
                attempt.enter(Phase::Tls);
                std::future::pending().await
            })
        })
        .await;
        let text = "no result within 15 s: still in the TLS handshake with a.huangpu.test:443, for 14.5 s";
        assert_eq!(report.outcome, Outcome::fail(ReasonKind::Timeout, text));
        assert_eq!(report.phases.connect, Some(Duration::from_millis(500)));
        assert_eq!(report.phases.tls, Some(Duration::from_millis(14_500)));
        assert_eq!((report.took, report.started), (Duration::from_secs(15), Timestamp(1_000)));
    }

    #[tokio::test]
    async fn panic_of_a_prober_is_unknown_and_keeps_the_trace() {
        let report = run(|attempt| {
            Box::pin(async move {
                attempt.note("before");
                panic!("boom")
            })
        })
        .await;
        assert_eq!(report.outcome.label(), "unknown");
        assert_eq!(&*report.trace[0].text, "before");
    }

    #[tokio::test]
    async fn trace_is_bounded_and_clean() {
        let report = run(|attempt| {
            Box::pin(async move {
                (0..1_000).for_each(|_| attempt.note(format!("\u{1b}[31m{}", "长".repeat(1_000))));
                assert!(Recorder::current().is_some());
                Outcome::Pass
            })
        })
        .await;
        assert_eq!(report.trace.len(), TRACE_LINES_MAX);
        assert!(report.trace.iter().all(|l| l.text.chars().count() == TRACE_LINE_MAX && !l.text.contains('\u{1b}')));
    }
}
