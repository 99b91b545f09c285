//! `tcp` by behaviour.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::lines::tests::Act::{Dawdle, Hang, Hear, Say, Tls};
use crate::probe::lines::tests::{script, unreachable_peers, untrusted_peers};
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

#[tokio::test]
async fn wrong_greeting_of_a_peer_that_stays_is_shown_and_a_right_one_may_come_late() {
    let mut rig = Rig::new();
    let stranger = script(&mut rig, &[Say(b"HTTP/1.1 400 Bad Request\r\n"), Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{stranger}"), "expect": "220 " });
    let report = rig.attempt_within(Duration::from_millis(500), "tcp", body).await;
    let text = "got \"HTTP/1.1 400 Bad Request\" and then no more in time";
    assert_fail(&report, ReasonKind::Content, &format!("expected \"220 \" from a.bdc.test:{stranger}, {text}"));
    let chatty = script(&mut rig, &[Say(b"x".repeat(9_000).leak()), Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{chatty}"), "expect": "220 " });
    let report = rig.attempt_within(Duration::from_millis(500), "tcp", body).await;
    assert!(report.outcome.reason().unwrap().text.len() < 300, "{report:#?}");
    let late = script(&mut rig, &[Say(b"220-first\r\n"), Dawdle, Say(b"220 second\r\n"), Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{late}"), "expect": "220 " });
    assert_eq!(rig.attempt("tcp", body).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn peers_that_are_not_there_and_peers_that_are_not_trusted_are_told() {
    unreachable_peers("tcp", &json!({ "expect": "+OK" })).await;
    untrusted_peers("tcp", &json!({})).await;
}

#[tokio::test]
async fn dialogue_skips_lines_says_what_it_matched_and_changes_to_tls() {
    let mut rig = Rig::new();
    let port = script(
        &mut rig,
        &[
            Say(b"noise\r\n:irc 7 PING :token-42\n"),
            Hear("PONG token-42 $\r\n"),
            Say(b"STARTTLS\r\n"),
            Hear("GO $1\r\n"),
            Tls,
            Say(b"200 secured\r\n"),
            Hang,
        ],
    )
    .await;
    let steps = json!([
        { "expect": "PING :(\\S+)", "send": "PONG $1 $$" },
        { "expect": "^STARTTLS$" },
        // Without an `expect` of its own, a dollar is a dollar; and a CR of its own is not doubled.
        { "send": "GO $1\r", "starttls": true },
        { "expect": "^200 " },
    ]);
    let body = json!({ "address": format!("a.bdc.test:{port}"), "dialogue": steps });
    let report = rig.attempt("tcp", body).await;
    assert_eq!((&report.outcome, report.phases.tls.is_some()), (&Outcome::Pass, true), "{report:#?}");
}

#[tokio::test]
async fn dialogue_that_goes_wrong_shows_the_last_line() {
    let mut rig = Rig::new();
    let closed = script(&mut rig, &[Say(b"100 a\r\n554 go away\r\n")]).await;
    let steps = json!([{ "expect": "^220 " }]);
    let body = json!({ "address": format!("a.bdc.test:{closed}"), "dialogue": steps });
    let text = format!("step 1: expected a line that matches /^220 / from a.bdc.test:{closed}, got \"554 go away\"");
    assert_fail(&rig.attempt("tcp", body).await, ReasonKind::Content, &text);
    let open = script(&mut rig, &[Say(b"554 go away\r\n"), Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{open}"), "dialogue": steps });
    let report = rig.attempt_within(Duration::from_millis(500), "tcp", body).await;
    assert_fail(&report, ReasonKind::Content, "got \"554 go away\" and then no more in time");
    let begun = script(&mut rig, &[Say(b"22"), Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{begun}"), "dialogue": steps });
    let report = rig.attempt_within(Duration::from_millis(500), "tcp", body).await;
    assert_fail(&report, ReasonKind::Content, "got \"22\" and then no more in time");
    let mute = script(&mut rig, &[Hang]).await;
    let body = json!({ "address": format!("a.bdc.test:{mute}"), "dialogue": steps });
    let report = rig.attempt_within(Duration::from_millis(500), "tcp", body).await;
    assert_fail(&report, ReasonKind::Timeout, "got nothing and then no more in time");
    let smuggled = script(&mut rig, &[Say(b"go\r\nevil\r\n"), Hang]).await;
    let steps = json!([{ "expect": "go", "starttls": true }]);
    let body = json!({ "address": format!("a.bdc.test:{smuggled}"), "dialogue": steps });
    assert_fail(&rig.attempt("tcp", body).await, ReasonKind::Protocol, "behind its consent to TLS");
}

#[tokio::test]
async fn slow_answer_is_degraded() {
    let mut rig = Rig::new();
    let port = script(&mut rig, &[Dawdle, Say(b"220 a\r\n"), Hang]).await;
    let address = format!("a.bdc.test:{port}");
    let report = rig.attempt("tcp", json!({ "address": address, "expect": "220", "slower_than": "1ms" })).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
    let report = rig.attempt("tcp", json!({ "address": address, "expect": "220", "slower_than": "1m" })).await;
    assert_eq!(report.outcome, Outcome::Pass);
}

#[test]
fn tls_that_would_begin_twice_is_refused() {
    let rig = Rig::new();
    for body in [
        json!({ "address": "a.test:25", "tls": true, "starttls": "smtp" }),
        json!({ "address": "a.test:25", "starttls": "smtp", "dialogue": [{ "starttls": true }] }),
        json!({ "address": "a.test:25", "send": "x", "dialogue": [{ "send": "y" }] }),
    ] {
        let record = crate::field::from_json(&body, super::FIELDS).unwrap();
        assert!(super::build(&record, &rig.context).is_err(), "{body}");
    }
}
