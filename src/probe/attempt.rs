//! One run of a probe: its deadline, its report, and the verdict in every case.
//!
//! Not here: when it runs (`scheduler`) and what it asks (the kinds). Invariants: exactly one deadline from the first
//! byte to the last; a panic of a prober is our trouble, hence `Unknown`.

use super::record::{CURRENT, FleetShare, Phases, Recorder, TraceLine};
use super::{Facts, Prober};
use crate::clock::Clock;
use crate::domain::{Outcome, Timestamp};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;

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
    /// How many members of a fleet are online.
    pub fleet: Option<FleetShare>,
    /// What happened, at most [`super::TRACE_LINES_MAX`] lines.
    pub trace: Vec<TraceLine>,
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
        let deadline = Instant::now() + timeout;
        Self { started, deadline, recorder: Recorder::new(deadline) }
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
    run(prober, Attempt::new(clock.now(), timeout), timeout).await
}

/// The same, with what else the kind can tell.
pub async fn attempt_with_facts(prober: &dyn Prober, timeout: Duration, clock: &dyn Clock) -> (Report, Facts) {
    let attempt = Attempt::new(clock.now(), timeout);
    let recorder = attempt.recorder.clone();
    recorder.lock().facts = Some(Box::default());
    let report = run(prober, attempt, timeout).await;
    let facts = recorder.lock().facts.take();
    (report, facts.map(|facts| *facts).unwrap_or_default())
}

async fn run(prober: &dyn Prober, mut attempt: Attempt, timeout: Duration) -> Report {
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
        fleet: record.fleet,
        trace: std::mem::take(&mut record.trace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::ReasonKind;
    use crate::probe::{BoxFuture, Phase, TRACE_LINE_MAX, TRACE_LINES_MAX};

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

    #[tokio::test(start_paused = true)]
    async fn time_out_names_an_ipv6_address_in_brackets_and_no_port_where_there_is_none() {
        for (host, port, named) in [("::1", 25, "[::1]:25"), ("[::1]", 80, "[::1]:80"), ("::1", 0, "::1")] {
            let record = Recorder::new(Instant::now() + Duration::from_secs(1));
            record.aim(host, port);
            record.enter(Phase::Connect);
            let outcome = record.lock().timed_out(Duration::from_secs(1));
            let text = format!("no result within 1 s: still connecting to {named}, for 0 ms");
            assert_eq!(outcome, Outcome::fail(ReasonKind::Timeout, text));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn resolver_has_less_than_the_attempt_and_is_to_blame_for_its_silence() {
        let report = run(|attempt| {
            Box::pin(async move {
                assert_eq!(attempt.patience(), crate::network::WAIT_MAX);
                attempt.aim("a.huangpu.test", 443);
                attempt.enter(Phase::Resolve);
                tokio::time::sleep(Duration::from_secs(11)).await;
                assert_eq!(attempt.patience(), Duration::from_secs(3), "of the 4 s that are left");
                std::future::pending().await
            })
        })
        .await;
        let text = "could not resolve a.huangpu.test: the resolver gave no answer within 15 s";
        assert_eq!(report.outcome, Outcome::unknown(text));
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
