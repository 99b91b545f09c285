//! What goes wrong with kinds that hold no conversation: `command`, `heartbeat`, `icmp`.
//!
//! Not here: whether loopback answers pings (`icmp::tests`). Invariant: nobody has to let us ping.

use super::{SHORT, Stage};
use crate::clock::{Clock, SystemClock};
use crate::domain::{MINUTE, ReasonKind};
use crate::probe::Beat;
use crate::probe::aim::granted;
use crate::probe::icmp::tests::{Play, echoed, played, unreachable};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match stage.kind {
        "command" => command(stage, reason),
        "heartbeat" => heartbeat(stage, reason),
        _ => icmp(stage, reason).await,
    }
}

/// A program that says `script`, for as long as the rig lives.
fn program(stage: &mut Stage, script: &str, more: Value) -> Value {
    let home = granted(&mut stage.rig, script);
    stage.rig.keep(home);
    let mut body = json!({ "program": "check_it" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn command(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Timeout => {
            let body = program(stage, "echo half; exec sleep 600", json!({}));
            let parts = ["check_it did not end within 400 ms and was killed with its children; it had said: half"];
            stage.add("hangs", body, &parts).within(SHORT);
        }
        ReasonKind::Status => {
            let body = program(stage, "echo no; exit 2", json!({}));
            stage.add("is critical", body, &["check_it ended with 2 (critical): no"]);
            let body = program(stage, "echo hm; exit 1", json!({}));
            stage.add("warns", body, &["check_it ended with 1 (warning): hm"]).degraded();
        }
        ReasonKind::Content => {
            let script = "echo 'OK | n=7ms'";
            let body = program(stage, script, json!({ "metrics": { "n": "5" } }));
            stage.add("is outside", body, &["expected a figure", "for `n` of check_it, got 7ms"]);
            let body = program(stage, script, json!({ "metrics": { "n": { "warn": "5" } } }));
            stage.add("is outside what warns", body, &["for `n` of check_it, got 7ms"]).degraded();
        }
        ReasonKind::Slow => {
            let body = program(stage, "sleep 0.02", json!({ "slower_than": "1ms" }));
            stage.add("takes its time", body, &["check_it took ", ", expected at most 1 ms"]).degraded();
        }
        ReasonKind::Local => {
            let body = program(stage, "echo eh; exit 3", json!({}));
            stage.add("does not know", body, &["check_it ended with 3 (unknown): eh"]).unknown();
            let body = program(stage, "kill -9 $$", json!({}));
            stage.add("is killed", body, &["check_it was ended by signal 9"]).unknown();
            let mut body = program(stage, "true", json!({}));
            body["program"] = json!("absent");
            stage.add("is not there", body, &["absent may not run: there is no program"]).unknown();
        }
        _ => {}
    }
}

fn heartbeat(stage: &mut Stage, reason: ReasonKind) {
    let job = json!({ "token": "nightly", "period": "5m", "grace": "1m", "max_run": "10m" });
    let ago = |minutes: i64| SystemClock::default().now() + -minutes * MINUTE;
    match reason {
        ReasonKind::Heartbeat => {
            let tell = |stage: &Stage, token: &str, member: Option<&str>, minutes: i64, beat: Beat| {
                stage.rig.context.heartbeats.take(ago(minutes), token, member, beat)
            };
            let named = |token: &str| {
                let mut body = job.clone();
                body["token"] = json!(token);
                body
            };
            let parts = ["expected a beat every 5m, 3 beats missed, 11m"];
            stage.add("is silent", named("silent"), &parts);
            tell(stage, "silent", None, 16, Beat::Good);
            stage.add("failed", named("failed"), &["the job reported a failure", "it ended with exit code 3"]);
            tell(stage, "failed", None, 1, Beat::Bad(Some(3)));
            let parts = ["expected a run of at most 10m, it has been running for 20m"];
            stage.add("runs on", named("endless"), &parts);
            tell(stage, "endless", None, 20, Beat::Start);
            let fleet = |token: &str, least: &str| {
                let mut body = named(token);
                body["fleet"] = json!({ "members": ["a", "b"], "share_min": least, "share_warn": "90%" });
                body
            };
            for (token, least) in [("fleet", "80%"), ("half", "50%")] {
                let parts = ["online 1 of 2 members (50.0 %)", "; missing: b (exit code 1 since "];
                let case = stage.add("misses a member", fleet(token, least), &parts);
                if token == "half" {
                    case.degraded();
                }
                tell(stage, token, Some("a"), 1, Beat::Good);
                tell(stage, token, Some("b"), 1, Beat::Bad(Some(1)));
            }
        }
        ReasonKind::Local => {
            stage.add("never called", job, &["this job has never called", "at the end of each run"]).unknown();
        }
        _ => {}
    }
}

async fn icmp(stage: &mut Stage, reason: ReasonKind) {
    let body = |more: Value| {
        let mut body = json!({ "host": "gw.test", "packets": 2, "interval": "10ms" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (lost, refused): (Play, Play) = (|_, _| Vec::new(), |request, _| vec![unreachable(request)]);
    let half: Play = |request, count| if count == 0 { vec![echoed(request)] } else { vec![] };
    match reason {
        ReasonKind::Timeout => {
            let prober = played(&mut stage.rig, &body(json!({})), Some(lost)).await;
            let parts = ["gw.test answered none of 2 echo requests within "];
            stage.add_prober("answers nothing", prober, &parts).within(SHORT);
        }
        ReasonKind::Connect => {
            let prober = played(&mut stage.rig, &body(json!({})), Some(refused)).await;
            let parts = ["no way leads to gw.test: a router says the host is unreachable"];
            stage.add_prober("is behind a router that knows no way", prober, &parts);
            let prober = played(&mut stage.rig, &body(json!({})), None).await;
            stage.add_prober("is refused by our own kernel", prober, &["no way leads to gw.test: Connection refused"]);
        }
        ReasonKind::Content => {
            let parts = |most: &str| {
                format!("expected at most {most} of the packets to gw.test lost, got 1 of 2 answered, 50 % lost")
            };
            let prober = played(&mut stage.rig, &body(json!({ "loss_max": "20%" })), Some(half)).await;
            stage.add_prober("loses too many", prober, &[&parts("20 %")]).within(SHORT);
            let prober = played(&mut stage.rig, &body(json!({ "loss_warn": "10%" })), Some(half)).await;
            let case = stage.add_prober("loses some", prober, &[&parts("10 %")]);
            case.within(SHORT);
            case.degraded();
        }
        ReasonKind::Slow => {
            // The first comes at once and the second late, so that both the mean and the jitter are too large.
            let uneven: Play = |request, count| {
                if count > 0 {
                    spin();
                }
                vec![echoed(request)]
            };
            for (limit, text) in [("slower_than", "a mean round trip"), ("jitter_warn", "a jitter")] {
                let prober = played(&mut stage.rig, &body(json!({ limit: "1ms" })), Some(uneven)).await;
                let parts = [&*format!("expected {text} of at most 1.00 ms to gw.test, got ")];
                stage.add_prober("answers late", prober, &parts).degraded();
            }
        }
        ReasonKind::Local => {
            let prober = played(&mut stage.rig, &body(json!({ "interval": "1s" })), Some(lost)).await;
            let parts = ["2 packets every 1.00 s do not fit into one attempt; send fewer, or faster"];
            let case = stage.add_prober("has no time for all packets", prober, &parts);
            case.within(SHORT);
            case.unknown();
        }
        _ => {}
    }
}

/// Lets 5 ms pass, and nobody else do anything meanwhile.
fn spin() {
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(5) {
        std::hint::spin_loop();
    }
}
