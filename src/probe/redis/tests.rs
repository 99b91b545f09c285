//! `redis` by behaviour.

use super::*;
use crate::probe::Report;
use crate::probe::lines::tests::Act::{self, Dawdle, Hang, Hear, Say, Take, Tls};
use crate::probe::lines::tests::{script, unreachable_peers, untrusted_peers};
use crate::probe::tests::{Rig, assert_fail};
use serde_json::{Value, json};

/// `*1 $4 PING`, `*1 $4 INFO`.
const FOUR: usize = 14;

async fn attempt(rig: &Rig, port: u16, rest: Value) -> Report {
    let mut body = rest;
    body["address"] = json!(format!("a.bdc.test:{port}"));
    rig.attempt("redis", body).await
}

async fn answering(rig: &mut Rig, answer: &'static [u8]) -> u16 {
    script(rig, &[Take(FOUR), Say(answer), Hang]).await
}

#[tokio::test]
async fn peers_that_are_not_there_and_peers_that_are_not_trusted_are_told() {
    unreachable_peers("redis", &json!({})).await;
    untrusted_peers("redis", &json!({})).await;
}

#[tokio::test]
async fn login_database_and_ping_are_said_in_turn_and_the_password_is_not_shown() {
    let mut rig = Rig::new();
    let words: &[Act] = &[
        Hear("*3\r\n"),
        Hear("$4\r\n"),
        Hear("AUTH\r\n"),
        Hear("$5\r\n"),
        Hear("kiosk\r\n"),
        Hear("$6\r\n"),
        Hear("geheim\r\n"),
        Say(b"+OK\r\n"),
        Take(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n".len()),
        Say(b"+OK\r\n"),
        Take(FOUR),
        Say(b"+PO"),
        Say(b"NG\r\n"),
        Hang,
    ];
    for tls in [false, true] {
        let words = if tls { [&[Tls][..], words].concat() } else { words.to_vec() };
        let port = script(&mut rig, &words).await;
        let body = json!({ "user": "kiosk", "password": "geheim", "database": 3, "tls": tls });
        let report = attempt(&rig, port, body).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        assert!(!format!("{report:?}").contains("geheim"));
    }
}

#[tokio::test]
async fn refusals_fail_and_say_what_to_do() {
    let mut rig = Rig::new();
    for (answer, kind, text) in [
        (&b"-NOAUTH Authentication required.\r\n"[..], ReasonKind::Status, "set `password`"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", ReasonKind::Status, "when its data is read"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", ReasonKind::Status, "has lost its master"),
        (b"-DENIED Redis is running in protected mode\r\n", ReasonKind::Status, "its own machine only"),
        (b"-ERR max number of clients reached\r\n", ReasonKind::Status, "PING: expected PONG, got \"ERR max number"),
        (b"+HELLO\r\n", ReasonKind::Content, "PING: expected PONG, got \"HELLO\""),
        (b":7\r\n", ReasonKind::Content, "PING: expected PONG, got the number 7"),
        (b"$-1\r\n", ReasonKind::Content, "PING: expected PONG, got a null"),
        (b"220 smtp\r\n", ReasonKind::Protocol, "does not speak RESP: got \"220 smtp\""),
        (b":x\r\n", ReasonKind::Protocol, "broke RESP"),
        (b"$999999999999\r\n", ReasonKind::Protocol, "announced a text longer"),
    ] {
        let port = answering(&mut rig, answer).await;
        assert_fail(&attempt(&rig, port, json!({})).await, kind, text);
    }
    let closed = script(&mut rig, &[Take(FOUR)]).await;
    assert_fail(&attempt(&rig, closed, json!({})).await, ReasonKind::Protocol, "closed the connection");
    let wrong = script(&mut rig, &[Hear("*2"), Say(b"-WRONGPASS invalid\r\n"), Hang]).await;
    let report = attempt(&rig, wrong, json!({ "password": "x" })).await;
    assert_fail(&report, ReasonKind::Status, "AUTH: expected OK, got \"WRONGPASS invalid\"; check");
}

fn bulk(text: &str) -> &'static [u8] {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes().leak()
}

#[tokio::test]
async fn role_and_fields_of_info_are_compared() {
    let info = bulk(
        "# Replication\r\nrole:slave\r\nmaster_link_status:up\r\nconnected_slaves:2\r\n\
         mem_fragmentation_ratio:1.5\r\nx:yyyyyyyyyyyy\r\n",
    );
    let mut rig = Rig::new();
    let acts: &[Act] = &[Take(FOUR), Say(b"+PONG\r\n"), Take(FOUR), Say(info), Hang];
    let port = script(&mut rig, acts).await;
    for (expect, text) in [
        (
            json!({ "role": "replica", "at_least": { "connected_slaves": 2 }, "at_most": { "mem_fragmentation_ratio": 2 } }),
            None,
        ),
        (json!({ "equals": { "master_link_status": "up" } }), None),
        (json!({ "role": "master" }), Some("expected role master, got \"replica\"")),
        (json!({ "equals": { "x": "z" } }), Some("expected x \"z\" in INFO, got \"yyyyyyyyyyyy\"")),
        (json!({ "equals": { "none": "z" } }), Some("no such field")),
        (json!({ "at_least": { "connected_slaves": 3 } }), Some("expected connected_slaves of at least 3, got \"2\"")),
        (json!({ "at_most": { "connected_slaves": 1 } }), Some("expected connected_slaves of at most 1, got \"2\"")),
        (json!({ "at_most": { "x": 1 } }), Some("expected x of at most 1, got")),
        (json!({ "at_most": { "none": 1 } }), Some("no such field")),
    ] {
        let report = attempt(&rig, port, json!({ "expect": expect })).await;
        match text {
            None => assert_eq!(report.outcome, Outcome::Pass, "{report:#?}"),
            Some(text) => assert_fail(&report, ReasonKind::Content, text),
        }
    }
    let lost = bulk("role:slave\r\nmaster_link_status:down\r\n");
    let port = script(&mut rig, &[Take(FOUR), Say(b"+PONG\r\n"), Take(FOUR), Say(lost), Hang]).await;
    let report = attempt(&rig, port, json!({ "expect": { "role": "replica" } })).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    let port = script(&mut rig, &[Take(FOUR), Dawdle, Say(b"+PONG\r\n"), Hang]).await;
    let report = attempt(&rig, port, json!({ "slower_than": "1ms" })).await;
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
}

#[test]
fn answers_in_parts_are_waited_for() {
    let whole = b"$5\r\nhello\r\n";
    (0..whole.len()).for_each(|end| assert_eq!(parse_answer(&whole[..end]), Ok(None)));
    assert_eq!(parse_answer(whole), Ok(Some((Answer::Bulk(Some("hello".into())), whole.len()))));
    assert_eq!(parse_answer(b"$-1\r\n"), Ok(Some((Answer::Bulk(None), 5))));
    assert!(parse_answer(b"$5\r\nhelloxx").is_err() && parse_answer(b"$-2\r\n").is_err());
    assert_eq!(parse_answer(b":-3\r\n"), Ok(Some((Answer::Number(-3), 5))));
}
