//! What must hold for a probe of any kind, over the table of kinds: its deadline, its thresholds, a maintenance window.
//!
//! Not here: what a kind asks, how it is pointed at a target (`aim`), and its reasons (`every_reason`).

use super::aim::{aimed, granted};
use super::tests::{Rig, assert_declared, black_hole};
use super::{KINDS, ProbeKind, Prober, Report, attempt};
use crate::clock::SystemClock;
use crate::domain::engine::{Effect, Engine, Event, Output};
use crate::domain::fixture::City;
use crate::domain::timeline::Health;
use crate::domain::{
    Content, Inventory, Message, Observation, Outcome, ProbeId, ReasonKind, SECOND, Symptom, Timestamp, Trigger,
};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_millis(400);
/// How late the end may be noticed on a busy machine.
const SPARE: Duration = Duration::from_secs(1);
/// A Wednesday in working hours.
const T0: Timestamp = Timestamp(1_773_194_400_000);
const SUBSYSTEM: &str = "a/web";

/// A body whose target takes no connection and answers nothing; `port` is that of a full queue on loopback.
fn into_the_dark(kind: &str, port: u16) -> Value {
    match kind {
        // Loopback answers every echo, so what does not end in time here is the number of packets.
        "icmp" => json!({ "host": "127.0.0.1", "packets": 20, "interval": "1s" }),
        "command" => json!({ "program": "check_it" }),
        // It asks nobody; one that never beat is unknown at once.
        "heartbeat" => json!({ "token": "nightly", "period": "5m", "grace": "1m" }),
        other => aimed(other, "127.0.0.1", port).remove(0),
    }
}

/// A prober of that kind with such a target.
struct Dark {
    prober: Arc<dyn Prober>,
    _hole: Vec<socket2::Socket>,
    _home: TempDir,
    _rig: Rig,
}

impl Dark {
    async fn new(kind: &ProbeKind) -> Self {
        let mut rig = Rig::new();
        let home = granted(&mut rig, "exec sleep 600");
        let (port, hole) = black_hole().await;
        let prober = rig.prober(kind.name, into_the_dark(kind.name, port));
        Self { prober, _hole: hole, _home: home, _rig: rig }
    }

    async fn ask(&self) -> Report {
        attempt(&*self.prober, DEADLINE, &SystemClock::default()).await
    }
}

/// A city of one subsystem whose only probe is of that kind, and its engine.
struct Bench {
    engine: Engine,
    probe: ProbeId,
    mails: Vec<Message>,
}

impl Bench {
    fn new(kind: &ProbeKind, city: City) -> Self {
        let mut inventory: Inventory = city.subsystem(SUBSYSTEM, 1, &[]).inventory();
        inventory.probes.values_mut().for_each(|plan| plan.kind = kind.name);
        let probe = inventory.subsystems[SUBSYSTEM].probes[0].clone();
        let mut bench = Self { engine: Engine::new(T0, Arc::new(inventory)), probe, mails: Vec::new() };
        let out = bench.engine.start(T0, None, "digest");
        bench.take(T0, out);
        bench
    }

    fn take(&mut self, now: Timestamp, out: Output) {
        for message in out.messages {
            self.mails.push(message.clone());
            let accepted = Event::Delivered { message: Box::new(message), accepted: now };
            let out = self.engine.handle(now, accepted);
            self.take(now, out);
        }
        // Re-tries are left out: ticks alone must confirm as well.
        assert!(out.effects.iter().all(|effect| matches!(effect, Effect::Retry { .. })));
    }

    fn handle(&mut self, now: Timestamp, event: Event) {
        let out = self.engine.handle(now, event);
        self.take(now, out);
    }

    /// One attempt at `second`, after everything that was due before it.
    fn see(&mut self, second: i64, outcome: &Outcome) {
        let now = T0 + second * SECOND;
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= now) {
            self.handle(due, Event::Tick);
        }
        let (probe, outcome) = (self.probe.clone(), outcome.clone());
        let seen = Observation { probe, started: now, took_ms: 5, trigger: Trigger::Tick, outcome };
        self.handle(now, Event::Observed(seen));
    }

    fn health(&mut self) -> Health {
        self.engine.snapshot().subsystems[0].health
    }

    fn changes(&mut self) -> Vec<(Timestamp, Health)> {
        self.engine.snapshot().subsystems[0].timeline.changes().to_vec()
    }

    fn pages(&self) -> usize {
        let down = |m: &&Message| matches!(&m.content, Content::Opened(n) if n.symptom == Symptom::Down);
        self.mails.iter().filter(down).count()
    }
}

/// What the engine is told: what the attempt said, or where it could not be made here, what such a failure looks like.
async fn failure(kind: &ProbeKind) -> Outcome {
    match Dark::new(kind).await.ask().await.outcome {
        Outcome::Fail(reason) => Outcome::Fail(reason),
        _ => Outcome::fail(ReasonKind::Heartbeat, "no beat for 6 min"),
    }
}

#[tokio::test]
async fn every_kind_honours_its_deadline() {
    for kind in KINDS {
        let report = Dark::new(kind).await.ask().await;
        assert_declared(kind.name, &report);
        assert!(report.took < DEADLINE + SPARE, "{}: {report:#?}", kind.name);
        let reason = report.outcome.reason().unwrap_or_else(|| panic!("{} passes: {report:#?}", kind.name));
        match kind.name {
            "heartbeat" => assert_eq!(report.outcome.label(), "unknown", "{report:#?}"),
            // Where this machine has no such socket or no way out, that is our own trouble.
            "icmp" if report.outcome.label() == "unknown" => assert_eq!(reason.kind, ReasonKind::Local),
            "icmp" if reason.kind == ReasonKind::Connect => {}
            name => {
                assert_eq!((report.outcome.label(), reason.kind), ("fail", ReasonKind::Timeout), "{name}: {report:#?}");
                assert!(report.took >= DEADLINE, "{name}: {report:#?}");
            }
        }
    }
}

#[tokio::test]
async fn every_kind_honours_its_thresholds() {
    for kind in KINDS {
        let (name, failure) = (kind.name, failure(kind).await);
        let mut bench = Bench::new(kind, City::new());
        let outcomes = [(Outcome::Pass, 2), (failure.clone(), 2), (Outcome::Pass, 1), (failure, 3), (Outcome::Pass, 2)];
        let expected = [Health::Up, Health::Up, Health::Up, Health::Down, Health::Up];
        let mut second = 0;
        for ((outcome, times), expected) in outcomes.iter().zip(expected) {
            for _ in 0..*times {
                bench.see(second, outcome);
                second += 10;
            }
            assert_eq!(bench.health(), expected, "{name} at {second} s after {times} × {outcome:?}");
        }
        let at = |second: i64| T0 + second * SECOND;
        assert_eq!(bench.changes(), [(T0, Health::Up), (at(50), Health::Down), (at(80), Health::Up)], "{name}");
        assert_eq!(bench.pages(), 1, "{name}: {:?}", bench.mails);
    }
}

#[tokio::test]
async fn every_kind_honours_a_maintenance_window() {
    for kind in KINDS {
        let (name, failure) = (kind.name, failure(kind).await);
        let mut bench = Bench::new(kind, City::new().window("w", &[SUBSYSTEM], T0 + 100 * SECOND, 100 * SECOND));
        for second in (0..100).step_by(10) {
            bench.see(second, &Outcome::Pass);
        }
        for second in (110..170).step_by(10) {
            bench.see(second, &failure);
        }
        assert_eq!(bench.health(), Health::Down, "{name} is still measured");
        for second in (170..300).step_by(10) {
            bench.see(second, &Outcome::Pass);
        }
        assert_eq!((bench.health(), bench.pages()), (Health::Up, 0), "{name} is muted: {:?}", bench.mails);
        let down = (T0 + 110 * SECOND, Health::Down);
        let changes = bench.changes();
        assert!(changes.contains(&down), "{name}: {changes:?}");
    }
}

#[tokio::test]
async fn every_kind_that_asks_somebody_stays_outside_the_fence_of_this_machine() {
    let asking: Vec<&ProbeKind> = KINDS.iter().filter(|kind| !matches!(kind.name, "command" | "heartbeat")).collect();
    for kind in asking {
        let mut rig = Rig::new();
        rig.guard();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let prober = rig.prober(kind.name, into_the_dark(kind.name, listener.local_addr().unwrap().port()));
        let report = attempt(&*prober, DEADLINE, &SystemClock::default()).await;
        let said = report.outcome.reason().map(|reason| reason.text.clone()).unwrap_or_default();
        assert_eq!(report.outcome.label(), "unknown", "{}: {report:#?}", kind.name);
        assert!(said.contains("127.0.0.1") && said.contains("network.allow"), "{}: {said}", kind.name);
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{} connected all the same", kind.name);
    }
}
