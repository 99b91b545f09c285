//! `tcp` by behaviour.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{HANG, Rig, assert_fail, black_hole, closed_port};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn open_port_passes_and_a_closed_one_refuses() {
    let mut rig = Rig::new();
    let (open, (closed, _socket)) = (rig.serve(|_| Vec::new()).await, closed_port());
    let report = rig.attempt("tcp", json!({ "address": format!("a.bdc.test:{open}") })).await;
    assert_eq!((report.outcome, report.phases.connect.is_some()), (Outcome::Pass, true));
    let report = rig.attempt("tcp", json!({ "address": format!("127.0.0.1:{closed}") })).await;
    assert_fail(&report, ReasonKind::Connect, &format!("127.0.0.1:{closed} refused the connection"));
    let (full, _sockets) = black_hole().await;
    let body = json!({ "address": format!("a.bdc.test:{full}") });
    let report = rig.attempt_within(Duration::from_secs(1), "tcp", body).await;
    assert_fail(&report, ReasonKind::Timeout, "still connecting to a.bdc.test");
}

#[tokio::test]
async fn lines_are_said_and_awaited_in_plain_and_in_tls() {
    let mut rig = Rig::new();
    let echo = |head: &str| format!("+{}\r\n", head.trim()).into_bytes();
    let plain = rig.serve(echo).await;
    let tls = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2090)), echo).await;
    for (port, is_tls) in [(plain, false), (tls, true)] {
        let address = format!("a.bdc.test:{port}");
        let body = json!({ "address": address, "tls": is_tls, "send": "PING", "expect": "+PING" });
        let report = rig.attempt("tcp", body).await;
        assert_eq!((report.outcome, report.phases.tls.is_some()), (Outcome::Pass, is_tls));
        let body = json!({ "address": address, "tls": is_tls, "send": "PING", "expect": "PONG" });
        assert_fail(&rig.attempt("tcp", body).await, ReasonKind::Content, "expected \"PONG\" from a.bdc.test");
    }
}

#[tokio::test]
async fn silence_instead_of_a_line_is_a_time_out() {
    let mut rig = Rig::new();
    let port = rig.serve(|_| HANG.to_vec()).await;
    let body = json!({ "address": format!("a.bdc.test:{port}"), "send": "PING", "expect": "PONG" });
    let report = rig.attempt_within(Duration::from_secs(1), "tcp", body).await;
    assert_fail(&report, ReasonKind::Timeout, "still waiting for an answer from a.bdc.test");
}
