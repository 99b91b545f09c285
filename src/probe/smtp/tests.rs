//! `smtp` by behaviour.

use super::*;
use crate::probe::Report;
use crate::probe::lines::tests::Act::{self, Dawdle, Hang, Hear, Say, Tls};
use crate::probe::lines::tests::{script, script_with, unreachable_peers, untrusted_peers};
use crate::probe::tests::{Rig, assert_fail};
use serde_json::{Value, json};

const PLAIN_HELLO: [Act; 3] = [Say(b"220 a ESMTP\r\n"), Hear("EHLO [127.0.0.1]\r\n"), Say(b"250-a\r\n250 SIZE 9\r\n")];

async fn attempt(rig: &Rig, port: u16, rest: Value) -> Report {
    let mut body = rest;
    body["address"] = json!(format!("a.bdc.test:{port}"));
    rig.attempt("smtp", body).await
}

async fn plain(rig: &mut Rig, acts: &[Act]) -> u16 {
    script(rig, &[&PLAIN_HELLO, acts].concat()).await
}

#[tokio::test]
async fn peers_that_are_not_there_and_peers_that_are_not_trusted_are_told() {
    unreachable_peers("smtp", &json!({})).await;
    untrusted_peers("smtp", &json!({})).await;
}

#[tokio::test]
async fn dialogue_goes_up_to_the_recipient_and_no_further() {
    let mut rig = Rig::new();
    let acts = [
        Hear("MAIL FROM:<probe@a.test>\r\n"),
        Say(b"250 2.1.0 ok\r\n"),
        Hear("RCPT TO:<b@bdc.test>\r\n"),
        Say(b"250 2.1.5 ok\r\n"),
        Hear("QUIT\r\n"),
    ];
    let port = plain(&mut rig, &acts).await;
    let report = attempt(&rig, port, json!({ "from": "probe@a.test", "to": "b@bdc.test" })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert!(report.trace.iter().any(|line| line.text.contains("QUIT")));
    assert!(!report.trace.iter().any(|line| line.text.contains("DATA")));
}

#[tokio::test]
async fn wrong_codes_are_sentences_and_greylisting_is_degraded() {
    let mut rig = Rig::new();
    let to = json!({ "to": "b@bdc.test" });
    for (answer, label, text) in [
        (&b"550 5.1.1 no such user\r\n"[..], "fail", "RCPT TO <b@bdc.test>: expected 250, got 550 5.1.1 no such user"),
        (b"452-4.3.1 disk\r\n452 4.3.1 full\r\n", "fail", "expected 250, got 452 4.3.1 disk / 4.3.1 full"),
        (b"421 4.3.0 closing\r\n", "fail", "got 421 4.3.0 closing"),
        (b"450 4.2.0 Greylisted, come again\r\n", "degraded", "got 450 4.2.0 Greylisted"),
        (b"451 4.7.1 try later\r\n", "degraded", "got 451 4.7.1 try later"),
    ] {
        let acts = [Hear("MAIL FROM:<>\r\n"), Say(b"250 ok\r\n"), Hear("RCPT"), Say(answer), Hear("QUIT")];
        let port = plain(&mut rig, &acts).await;
        let report = attempt(&rig, port, to.clone()).await;
        let reason = report.outcome.reason().unwrap();
        assert_eq!((report.outcome.label(), reason.kind), (label, ReasonKind::Status), "{report:#?}");
        assert!(reason.text.contains(text), "{report:#?}");
    }
    let acts = [Hear("MAIL"), Say(b"250 ok\r\n"), Hear("RCPT"), Say(b"554 5.7.1 relay access denied\r\n"), Hang];
    let port = plain(&mut rig, &acts).await;
    let report = attempt(&rig, port, json!({ "to": "b@bdc.test", "expect_code": [550, 554] })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[tokio::test]
async fn greeting_and_hello_are_judged_and_old_relays_hear_helo() {
    let mut rig = Rig::new();
    let busy = script(&mut rig, &[Say(b"421 too many\r\n")]).await;
    assert_fail(&attempt(&rig, busy, json!({})).await, ReasonKind::Status, "the greeting: expected 220, got 421");
    let web = script(&mut rig, &[Say(b"HTTP/1.1 400 Bad\r\n"), Hang]).await;
    assert_fail(&attempt(&rig, web, json!({})).await, ReasonKind::Protocol, "does not speak SMTP");
    let mixed = script(&mut rig, &[Say(b"220-a\r\n250 b\r\n"), Hang]).await;
    assert_fail(&attempt(&rig, mixed, json!({})).await, ReasonKind::Protocol, "does not speak SMTP");
    let gone = script(&mut rig, &[Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250-a\r\n")]).await;
    assert_fail(&attempt(&rig, gone, json!({})).await, ReasonKind::Protocol, "closed the connection");
    let old =
        [Say(b"220 a\r\n"), Hear("EHLO m.test"), Say(b"502 what\r\n"), Hear("HELO m.test"), Say(b"250 a\r\n"), Hang];
    let old = script(&mut rig, &old).await;
    assert_eq!(attempt(&rig, old, json!({ "hello": "m.test" })).await.outcome, Outcome::Pass);
    let slow = script(&mut rig, &[Dawdle, Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n"), Hang]).await;
    let report = attempt(&rig, slow, json!({ "slower_than": "1ms" })).await;
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
    let endless = script(&mut rig, &[Act::Flood(b"220-x\r\n")]).await;
    assert_fail(&attempt(&rig, endless, json!({})).await, ReasonKind::Protocol, "does not speak SMTP");
}

#[tokio::test]
async fn tls_is_begun_when_offered_required_or_first() {
    let mut rig = Rig::new();
    let offered: &[Act] = &[
        Say(b"220 a\r\n"),
        Hear("EHLO"),
        Say(b"250-a\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say(b"220 go\r\n"),
        Tls,
        Hear("EHLO"),
        Say(b"250 a\r\n"),
        Hear("QUIT"),
    ];
    let port = script(&mut rig, offered).await;
    for rest in
        [json!({}), json!({ "starttls": "required" }), json!({ "starttls": "required", "tls": { "trust": "ignored" } })]
    {
        let report = attempt(&rig, port, rest).await;
        assert_eq!((&report.outcome, report.phases.tls.is_some()), (&Outcome::Pass, true), "{report:#?}");
    }
    let strange = script_with(&mut rig, Rig::self_signed("a.bdc.test"), offered).await;
    assert_fail(&attempt(&rig, strange, json!({})).await, ReasonKind::Tls, "no known authority");
    let without = plain(&mut rig, &[Hear("QUIT")]).await;
    let report = attempt(&rig, without, json!({ "starttls": "required" })).await;
    assert_fail(&report, ReasonKind::Tls, "does not offer STARTTLS");
    let refused = [
        Say(b"220 a\r\n"),
        Hear("EHLO"),
        Say(b"250-a\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say(b"454 4.3.0 no key\r\n"),
    ];
    let refused = script(&mut rig, &refused).await;
    assert_fail(
        &attempt(&rig, refused, json!({})).await,
        ReasonKind::Status,
        "STARTTLS: expected 220, got 454 4.3.0 no key",
    );
    let first = script(&mut rig, &[&[Tls][..], &PLAIN_HELLO].concat()).await;
    let report = attempt(&rig, first, json!({ "tls": true })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[tokio::test]
async fn password_is_said_in_tls_only_and_never_shown() {
    let mut rig = Rig::new();
    let with = |body: Value| {
        let mut body = body;
        body["auth"] = json!({ "user": "kiosk", "password": "geheim" });
        body
    };
    let offer = [Tls, Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250-a\r\n250 AUTH LOGIN PLAIN\r\n")];
    let right = [Hear("AUTH PLAIN AGtpb3NrAGdlaGVpbQ==\r\n"), Say(b"235 ok\r\n"), Hear("QUIT")];
    let port = script(&mut rig, &[&offer[..], &right].concat()).await;
    let report = attempt(&rig, port, with(json!({ "tls": true }))).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert!(!format!("{report:?}").contains("geheim") && !format!("{report:?}").contains("AGtpb3Nr"));
    let wrong = [Hear("AUTH PLAIN"), Say(b"535 5.7.8 no\r\n"), Hear("QUIT")];
    let port = script(&mut rig, &[&offer[..], &wrong].concat()).await;
    let report = attempt(&rig, port, with(json!({ "tls": true }))).await;
    assert_fail(&report, ReasonKind::Status, "AUTH as kiosk: expected 235, got 535 5.7.8 no");
    let login = [
        Tls,
        Say(b"220 a\r\n"),
        Hear("EHLO"),
        Say(b"250-a\r\n250 AUTH LOGIN\r\n"),
        Hear("AUTH LOGIN"),
        Say(b"334 VXNlcm5hbWU6\r\n"),
        Hear("a2lvc2s=\r\n"),
        Say(b"334 UGFzc3dvcmQ6\r\n"),
        Hear("Z2VoZWlt\r\n"),
        Say(b"235 ok\r\n"),
        Hang,
    ];
    let port = script(&mut rig, &login).await;
    assert_eq!(attempt(&rig, port, with(json!({ "tls": true }))).await.outcome, Outcome::Pass);
    let none = script(&mut rig, &[Tls, Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n"), Hang]).await;
    let report = attempt(&rig, none, with(json!({ "tls": true }))).await;
    assert_fail(&report, ReasonKind::Content, "expected AUTH PLAIN or LOGIN among what is offered, got none");
    let clear = plain(&mut rig, &[Hear("QUIT")]).await;
    let report = attempt(&rig, clear, with(json!({}))).await;
    assert_fail(&report, ReasonKind::Tls, "a password is said in TLS only");
}

#[tokio::test]
async fn mail_is_sent_only_when_asked_for() {
    let mut rig = Rig::new();
    let acts = [
        Hear("MAIL"),
        Say(b"250 ok\r\n"),
        Hear("RCPT"),
        Say(b"250 ok\r\n"),
        Hear("DATA"),
        Say(b"354 go\r\n"),
        Hear("Date: "),
        Hear("From: <a@a.test>"),
        Hear("To: <b@b.test>"),
        Hear("Message-ID: <"),
        Hear("Subject: "),
        Hear("Auto-Submitted: auto-generated"),
        Hear("MIME-Version"),
        Hear("Content-Type"),
        Hear("\r\n"),
        Hear("A monitor"),
        Hear(".\r\n"),
        Say(b"250 queued\r\n"),
        Hear("QUIT"),
    ];
    let port = plain(&mut rig, &acts).await;
    let report = attempt(&rig, port, json!({ "from": "a@a.test", "to": "b@b.test", "send_test": true })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    let rig = Rig::new();
    for body in [
        json!({ "address": "a.test:25", "tls": true, "starttls": "required" }),
        json!({ "address": "a.test:25", "starttls": "never", "auth": { "user": "a", "password": "b" } }),
        json!({ "address": "a.test:25", "send_test": true, "to": "a@a.test" }),
        json!({ "address": "a.test:25", "expect_code": 550 }),
    ] {
        let record = crate::field::from_json(&body, FIELDS).unwrap();
        assert!(build(&record, &rig.context).is_err(), "{body}");
    }
}

#[test]
fn replies_are_read_in_full_and_their_parts_found() {
    let (reply, length) = parse_reply(b"250-a\r\n250-AUTH=LOGIN x\r\n250 SIZE 10\r\n221 ").unwrap().unwrap();
    assert_eq!((reply.code, reply.lines.len(), length), (250, 3, 38));
    assert_eq!((reply.parameters("auth"), reply.parameters("size")), (Some("LOGIN x"), Some("10")));
    assert!(!reply.offers("a"), "the first line is a name");
    assert_eq!(parse_reply(b"250-a\r\n250").unwrap(), None);
    assert_eq!(parse_reply(b"250\r\n").unwrap().unwrap().0.to_string(), "250");
    for wrong in [&b"25\r\n"[..], b"abc hello\r\n", b"250_x\r\n", b"999 x\r\n", b"\xff\xff\xff\r\n"] {
        assert!(parse_reply(wrong).is_err(), "{wrong:?}");
    }
    let enhanced = |text: &str| parse_reply(text.as_bytes()).unwrap().unwrap().0.enhanced().map(str::to_owned);
    assert_eq!(enhanced("550 5.1.1 x\r\n").as_deref(), Some("5.1.1"));
    assert_eq!(enhanced("550 192.0.2.1.5 x\r\n"), None);
}
