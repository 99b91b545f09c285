//! Every kind × every reason that it declares: each pair is provoked by a target on loopback, and told in a sentence.
//!
//! Not here: how kinds are pointed at targets (`aim`); what each reason means (`domain`). Invariant: a declared pair
//! without a case fails by its name, and so does a case of a pair that is not declared.

mod alone;
mod health;
mod lines;
mod messages;
mod secured;
mod shared;
mod web;

use super::aim::aimed;
use super::tests::{Rig, assert_declared};
use super::{KINDS, Prober, attempt, kind};
use crate::clock::SystemClock;
use crate::domain::{Outcome, ReasonKind};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// What targets that never answer are given.
const SHORT: Duration = Duration::from_millis(400);
/// What all others are given.
const LONG: Duration = Duration::from_secs(20);
/// How late the end may be noticed on a busy machine.
const SPARE: Duration = Duration::from_secs(1);

/// A probe that is asked once, and what it must say.
struct Case {
    what: &'static str,
    prober: Arc<dyn Prober>,
    timeout: Duration,
    label: &'static str,
    /// Must all stand in the sentence: what was expected, what came.
    parts: Vec<String>,
}

impl Case {
    fn degraded(&mut self) {
        self.label = "degraded";
    }

    fn unknown(&mut self) {
        self.label = "unknown";
    }

    fn within(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }
}

/// The cases of one pair, and the rig on which their targets stand.
struct Stage {
    rig: Rig,
    kind: &'static str,
    cases: Vec<Case>,
}

impl Stage {
    /// A probe that fails with these parts in its sentence.
    fn add(&mut self, what: &'static str, body: Value, parts: &[&str]) -> &mut Case {
        let prober = self.rig.prober(self.kind, body);
        self.add_prober(what, prober, parts)
    }

    fn add_prober(&mut self, what: &'static str, prober: Arc<dyn Prober>, parts: &[&str]) -> &mut Case {
        let parts = parts.iter().map(|&part| part.to_owned()).collect();
        self.cases.push(Case { what, prober, timeout: LONG, label: "fail", parts });
        self.cases.last_mut().unwrap()
    }

    /// Sets up all that provokes `reason`.
    async fn of(kind: &'static str, reason: ReasonKind) -> Self {
        let mut stage = Self { rig: Rig::new(), kind, cases: Vec::new() };
        match kind {
            "command" | "heartbeat" | "icmp" => alone::set(&mut stage, reason).await,
            "grpc" | "http" | "journey" | "websocket" => web::set(&mut stage, reason).await,
            "redis" | "smtp" | "ssh" | "tcp" | "tls" => lines::set(&mut stage, reason).await,
            _ => messages::set(&mut stage, reason).await,
        }
        // Last, since it may change what the rig lets probes reach.
        shared::set(&mut stage, reason).await;
        stage
    }
}

/// What is wrong with the report of a case, if anything.
async fn wrong(stage: &Stage, case: &Case, reason: ReasonKind) -> Option<String> {
    let report = attempt(&*case.prober, case.timeout, &SystemClock::default()).await;
    let Some(got) = report.outcome.reason() else { return Some(format!("passes: {report:#?}")) };
    assert_declared(stage.kind, &report);
    let missing: Vec<&String> = case.parts.iter().filter(|part| !got.text.contains(part.as_str())).collect();
    let late = report.took > case.timeout + SPARE;
    let right = (report.outcome.label(), got.kind) == (case.label, reason) && missing.is_empty() && !late;
    (!right).then(|| format!("expected {} with {missing:?} within {:?}, got {report:#?}", case.label, case.timeout))
}

async fn every_reason_of(name: &str) {
    let kind = kind(name).unwrap();
    let mut problems = String::new();
    for reason in ReasonKind::ALL {
        let stage = Stage::of(kind.name, reason).await;
        let pair = format!("{name} × {}", reason.as_str());
        match (kind.reasons().contains(&reason), stage.cases.is_empty()) {
            (true, true) => _ = writeln!(problems, "{pair}: declared, and no case provokes it"),
            (false, false) => _ = writeln!(problems, "{pair}: there are cases, and it is not declared"),
            _ => {}
        }
        for case in &stage.cases {
            if let Some(wrong) = wrong(&stage, case, reason).await {
                let _ = writeln!(problems, "{pair}, {}: {wrong}", case.what);
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// One test for each kind, and its name in a list.
macro_rules! kinds {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        mod of {
            $(#[tokio::test]
            async fn $name() {
                super::every_reason_of(stringify!($name)).await;
            })*
        }
    };
}

kinds!(command dns grpc heartbeat http icmp journey redis sip smtp sql ssh tcp tls websocket);

#[test]
fn every_kind_has_a_test_of_its_reasons() {
    assert_eq!(TESTED, KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(), "add it to `kinds!` above");
}

#[tokio::test]
async fn every_kind_passes_where_nothing_is_wrong() {
    for kind in KINDS {
        let mut rig = Rig::new();
        for (place, body) in health::bodies(&mut rig, kind.name).await.into_iter().enumerate() {
            let report = rig.attempt_within(LONG, kind.name, body).await;
            assert_eq!(report.outcome, Outcome::Pass, "{} {place}: {report:#?}", kind.name);
        }
    }
}
