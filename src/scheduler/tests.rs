//! `scheduler` by behaviour.

use super::*;
use crate::domain::*;
use crate::probe::{Attempt, BoxFuture};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tokio::time::Instant;

/// Both clocks follow the paused time of the test; the wall clock can be set.
struct TestClock {
    began: Instant,
    wall_ms: AtomicI64,
}

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), wall_ms: AtomicI64::new(1_795_000_000_000) })
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall_ms.load(Ordering::Relaxed)) + self.monotonic().as_millis() as i64
    }
    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Passes after a while.
struct Takes(Duration);
impl Prober for Takes {
    fn probe<'a>(&'a self, _: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            tokio::time::sleep(self.0).await;
            Outcome::Pass
        })
    }
}

fn probe(id: &str, every_ms: Millis, takes: Duration) -> ScheduledProbe {
    let plan = agenda::tests::plan(id, every_ms);
    ScheduledProbe { plan, prober: Arc::new(Takes(takes)), slot: Slot::alone(id.into(), "tcp") }
}

struct Rig {
    clock: Arc<TestClock>,
    tasks: TaskTracker,
    handle: SchedulerHandle,
    observations: mpsc::Receiver<Observation>,
    metrics: SchedulerMetrics,
}

fn rig(concurrency: usize) -> Rig {
    let (clock, tasks, metrics) = (TestClock::new(), TaskTracker::new(), SchedulerMetrics::new().unwrap());
    let (sender, observations) = mpsc::channel(100_000);
    let limits = Limits { concurrency, per_host: 8 };
    let vantage = Arc::new(Vantage::new(Vec::new(), Arc::clone(&clock) as Arc<dyn Clock>));
    let handle =
        Scheduler::spawn(&tasks, Arc::clone(&clock) as Arc<dyn Clock>, sender, limits, metrics.clone(), vantage);
    Rig { clock, tasks, handle, observations, metrics }
}

const MINUTES_10: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn dead_targets_delay_no_other() {
    let mut rig = rig(2_000);
    let mut probes: Vec<_> = (0..1_000).map(|n| probe(&format!("a/b/dead{n}"), 30_000, MINUTES_10)).collect();
    probes.push(probe("a/b/alive", 10_000, Duration::from_millis(5)));
    rig.handle.replace(probes).await;
    let mut alive = Vec::new();
    while alive.len() < 20 {
        let seen = rig.observations.recv().await.unwrap();
        if seen.probe.name() == "alive" {
            alive.push(seen.started);
        } else {
            assert_eq!((seen.outcome.label(), seen.took_ms), ("fail", 15_000));
        }
    }
    let phase = phase_ms(&"a/b/alive".into(), 10_000);
    for (before, after) in alive.iter().zip(&alive[1..]) {
        assert!((before.0 - phase).rem_euclid(10_000) <= 2, "on time: {before}");
        assert!((9_998..=10_002).contains(&after.since(*before)));
    }
    assert_eq!(rig.metrics.skipped.with_label_values(&["in_flight"]).get(), 0);
    rig.handle.stop().await;
    rig.tasks.close();
    rig.tasks.wait().await;
}

#[tokio::test(start_paused = true)]
async fn slow_attempts_are_skipped_and_counted_never_doubled() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    struct Exclusive;
    impl Prober for Exclusive {
        fn probe<'a>(&'a self, _: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
            Box::pin(async {
                assert_eq!(RUNNING.fetch_add(1, Ordering::SeqCst), 0);
                tokio::time::sleep(Duration::from_secs(12)).await;
                RUNNING.fetch_sub(1, Ordering::SeqCst);
                Outcome::Pass
            })
        }
    }
    let mut rig = rig(10);
    let mut slow = probe("a/b/slow", 5_000, Duration::ZERO);
    slow.prober = Arc::new(Exclusive);
    rig.handle.replace(vec![slow]).await;
    for _ in 0..10 {
        assert_eq!(rig.observations.recv().await.unwrap().outcome, Outcome::Pass);
    }
    let skipped = rig.metrics.skipped.with_label_values(&["in_flight"]).get();
    assert!((18..=20).contains(&skipped), "two of three ticks: {skipped}");
}

#[tokio::test(start_paused = true)]
async fn retry_comes_when_asked_and_says_so() {
    let mut rig = rig(10);
    rig.handle.replace(vec![probe("a/b/c", 60_000, Duration::from_millis(1))]).await;
    let tick = rig.observations.recv().await.unwrap();
    assert_eq!(tick.trigger, Trigger::Tick);
    rig.handle.retry(tick.probe, tick.started + 5_000).await;
    let retry = rig.observations.recv().await.unwrap();
    assert_eq!(retry.trigger, Trigger::Retry);
    assert!((5_000..=5_002).contains(&retry.started.since(tick.started)));
    assert!(rig.metrics.lag_seconds.get_sample_sum() < 0.01);
}

#[tokio::test(start_paused = true)]
async fn setting_the_wall_clock_causes_neither_a_burst_nor_a_pause() {
    let mut rig = rig(10);
    rig.handle.replace(vec![probe("a/b/c", 10_000, Duration::from_millis(1))]).await;
    rig.observations.recv().await.unwrap();
    for step_ms in [3_600_000, -7_200_000] {
        rig.clock.wall_ms.fetch_add(step_ms, Ordering::Relaxed);
        let before = Instant::now();
        for _ in 0..6 {
            rig.observations.recv().await.unwrap();
        }
        let took = before.elapsed().as_secs();
        assert!((50..=60).contains(&took), "six ticks took {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn attempt_in_flight_survives_a_reload() {
    let mut rig = rig(10);
    let slow = || probe("a/b/c", 60_000, Duration::from_secs(10));
    rig.handle.replace(vec![slow()]).await;
    while rig.metrics.in_flight.get() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.handle.replace(vec![slow(), probe("a/b/new", 60_000, Duration::ZERO)]).await;
    let mut seen = [rig.observations.recv().await.unwrap(), rig.observations.recv().await.unwrap()];
    seen.sort_by(|a, b| a.probe.cmp(&b.probe));
    assert_eq!((seen[0].probe.name(), seen[0].took_ms), ("c", 10_000));
    assert_eq!(seen[1].probe.name(), "new");
}
