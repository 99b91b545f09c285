//! Runs every probe at its fixed rate: waits, hands out permits, starts attempts, reports what they saw.
//!
//! Not here: who is due when (`agenda`), what an attempt does (`probe`), and what follows from it (`runtime`).
//! Invariants: one slow or dead target delays no other; nothing here waits for the receiver of observations but the
//! attempts themselves, which keep their permits meanwhile; waiting is monotonic, ticks follow the wall clock.

mod agenda;

use crate::clock::Clock;
use crate::domain::{Millis, Observation, ProbeId, ProbePlan, Timestamp, Trigger};
use crate::probe::{self, Prober, Skip, Slot, Vantage};
pub use agenda::Limits;
use agenda::{Action, Agenda, Key};
use futures_util::FutureExt;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

/// Commands that wait for the scheduler; it never blocks, so few suffice.
const COMMANDS_MAX: usize = 1_024;
/// The clocks may part by this much between two looks before it counts as a step of the wall clock.
const STEP_MIN_MS: Millis = 500;
/// The longest sleep, so that a step of the wall clock is noticed while nothing is due.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A probe with everything that running it takes.
#[derive(Clone)]
pub struct ScheduledProbe {
    /// When it runs.
    pub plan: Arc<ProbePlan>,
    /// What it does.
    pub prober: Arc<dyn Prober>,
    /// Where its reports go.
    pub slot: Arc<Slot>,
}

impl std::fmt::Debug for ScheduledProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScheduledProbe").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// The scheduler's own figures.
#[derive(Clone, Debug)]
pub struct SchedulerMetrics {
    /// From the scheduled instant to the start of the attempt.
    pub lag_seconds: Histogram,
    /// Ticks that were not attempted, by reason.
    pub skipped: IntCounterVec,
    /// Attempts that are running.
    pub in_flight: IntGauge,
    skips: [IntCounter; Skip::ALL.len()],
}

impl SchedulerMetrics {
    /// Fresh figures, registered nowhere.
    ///
    /// # Errors
    /// If `prometheus` refuses a name, which a test excludes.
    pub fn new() -> prometheus::Result<Self> {
        let buckets = vec![0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];
        let lag =
            HistogramOpts::new("gengfu_scheduler_lag_seconds", "From the scheduled instant to the attempt's start.");
        let skipped = IntCounterVec::new(
            Opts::new("gengfu_attempts_skipped_total", "Scheduled ticks that were not attempted, by reason."),
            &["reason"],
        )?;
        let in_flight = IntGauge::new("gengfu_attempts_in_flight", "Attempts that are running.")?;
        Ok(Self::with(Histogram::with_opts(lag.buckets(buckets))?, skipped, in_flight))
    }

    /// Figures that belong to somebody else; `skipped` has the one label `reason`.
    pub fn with(lag_seconds: Histogram, skipped: IntCounterVec, in_flight: IntGauge) -> Self {
        let skips = Skip::ALL.map(|reason| skipped.with_label_values(&[reason.as_str()]));
        Self { lag_seconds, skipped, in_flight, skips }
    }

    /// Makes the figures part of `registry`.
    ///
    /// # Errors
    /// If the names are taken.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.lag_seconds.clone()))?;
        registry.register(Box::new(self.skipped.clone()))?;
        registry.register(Box::new(self.in_flight.clone()))
    }
}

enum Command {
    Replace(Vec<ScheduledProbe>),
    Retry { probe: ProbeId, at: Timestamp },
    Stop(oneshot::Sender<()>),
}

/// Talks to a running scheduler. Everything is ignored once it has stopped.
#[derive(Clone)]
pub struct SchedulerHandle {
    commands: mpsc::Sender<Command>,
}

impl SchedulerHandle {
    /// Takes over a new set of probes. Those that stay keep their rhythm, their re-tries and attempts in flight.
    pub async fn replace(&self, probes: Vec<ScheduledProbe>) {
        let _ = self.commands.send(Command::Replace(probes)).await;
    }

    /// Asks for a re-try at `at`; it never starts before the end of the attempt in flight.
    pub async fn retry(&self, probe: ProbeId, at: Timestamp) {
        let _ = self.commands.send(Command::Retry { probe, at }).await;
    }

    /// Stops at once: attempts in flight are dropped, unreported.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }
}

/// What the attempts of a scheduler share.
#[derive(Clone)]
struct Shared {
    clock: Arc<dyn Clock>,
    observations: mpsc::Sender<Observation>,
    metrics: SchedulerMetrics,
    vantage: Arc<Vantage>,
}

/// The task that owns the agenda and all attempts.
pub struct Scheduler {
    shared: Shared,
    commands: mpsc::Receiver<Command>,
    agenda: Agenda,
    attempts: JoinSet<Key>,
    /// Wall clock minus monotonic clock at the last look.
    wall_ahead_ms: Millis,
}

impl Scheduler {
    /// Starts a scheduler without probes on `tasks`, whose attempts keep to `limits`; `vantage` says whether their
    /// failures prove anything.
    pub fn spawn(
        tasks: &TaskTracker,
        clock: Arc<dyn Clock>,
        observations: mpsc::Sender<Observation>,
        limits: Limits,
        metrics: SchedulerMetrics,
        vantage: Arc<Vantage>,
    ) -> SchedulerHandle {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let wall_ahead_ms = wall_ahead_ms(&*clock);
        let shared = Shared { clock, observations, metrics, vantage };
        let agenda = Agenda::new(limits);
        tasks.spawn(Self { shared, commands, agenda, attempts: JoinSet::new(), wall_ahead_ms }.run());
        SchedulerHandle { commands: sender }
    }

    async fn run(mut self) {
        loop {
            let now = self.look_at_the_clock();
            self.agenda.advance(now);
            self.act();
            let pause = tokio::time::sleep(self.pause(now));
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Replace(probes)) => self.agenda.replace(self.shared.clock.now(), probes),
                    Some(Command::Retry { probe, at }) => self.agenda.retry(&probe, at),
                    Some(Command::Stop(done)) => {
                        self.attempts.shutdown().await;
                        self.shared.metrics.in_flight.set(0);
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                Some(Ok(key)) = self.attempts.join_next() => self.agenda.finished(self.shared.clock.now(), key),
                () = pause => {}
            }
        }
    }

    /// The present time; if somebody set the wall clock, the agenda is told first.
    fn look_at_the_clock(&mut self) -> Timestamp {
        let ahead_ms = wall_ahead_ms(&*self.shared.clock);
        let delta_ms = ahead_ms - self.wall_ahead_ms;
        let now = self.shared.clock.now();
        if delta_ms.abs() >= STEP_MIN_MS {
            tracing::warn!(delta_ms, "the wall clock was set; ticks are found anew");
            self.agenda.step(now, delta_ms);
        }
        self.wall_ahead_ms = ahead_ms;
        now
    }

    fn pause(&self, now: Timestamp) -> Duration {
        let due_ms = self.agenda.next_due().map_or(Millis::MAX, |due| due.since(now).max(0));
        Duration::from_millis(due_ms.unsigned_abs()).min(SLEEP_MAX)
    }

    fn act(&mut self) {
        for action in self.agenda.take_actions() {
            match action {
                Action::Skip(reason) => self.shared.metrics.skips[reason as usize].inc(),
                Action::Start { key, probe, trigger, scheduled } => {
                    let attempt = self.shared.clone().attempt(probe, trigger, scheduled);
                    self.attempts.spawn(async move {
                        // A permit must come back whatever happens, hence no panic may pass.
                        if AssertUnwindSafe(attempt).catch_unwind().await.is_err() {
                            tracing::error!("an attempt panicked outside its prober");
                        }
                        key
                    });
                }
            }
        }
        self.shared.metrics.in_flight.set(i64::try_from(self.agenda.in_flight()).unwrap_or(i64::MAX));
    }
}

fn wall_ahead_ms(clock: &dyn Clock) -> Millis {
    clock.now().0 - i64::try_from(clock.monotonic().as_millis()).unwrap_or_default()
}

impl Shared {
    async fn attempt(self, probe: ScheduledProbe, trigger: Trigger, scheduled: Timestamp) {
        let ScheduledProbe { plan, prober, slot } = probe;
        let lag_ms = self.clock.now().since(scheduled).max(0).unsigned_abs();
        self.metrics.lag_seconds.observe(Duration::from_millis(lag_ms).as_secs_f64());
        let timeout = Duration::from_millis(plan.timeout_ms.max(0).unsigned_abs());
        let mut report = probe::attempt(&*prober, timeout, &*self.clock).await;
        report.outcome = self.vantage.judge(report.outcome).await;
        let trigger = if slot.take_tick_met() { Trigger::Tick } else { trigger };
        let observation = Observation {
            probe: plan.id.clone(),
            started: report.started,
            took_ms: i64::try_from(report.took.as_millis()).unwrap_or(i64::MAX),
            trigger,
            outcome: report.outcome.clone(),
        };
        slot.record_for(trigger, report);
        // Whoever shuts down closes the channel; nobody is left to tell then.
        let _ = self.observations.send(observation).await;
    }
}

#[cfg(test)]
mod tests;
