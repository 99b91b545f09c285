//! The ways to TLS by behaviour, through `tcp`.

use super::*;
use crate::probe::Report;
use crate::probe::lines::tests::Act::{self, Hang, Hear, Say, Take, Tls};
use crate::probe::lines::tests::{script, script_with};
use crate::probe::tests::{Rig, assert_fail};
use serde_json::json;
use std::time::Duration;

const LDAP_OK: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
const FEATURES: &[u8] = b"<?xml version='1.0'?><stream:stream id='1'><stream:features>\
    <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";

/// The scripts of those whose questions are lines or of one length.
const WILLING: &[(&str, &[Act])] = &[
    (
        "smtp",
        &[
            Say(b"220-a\r\n220 b\r\n"),
            Hear("EHLO [127.0.0.1]"),
            Say(b"250-a\r\n250-SIZE 1\r\n250 STARTTLS\r\n"),
            Hear("STARTTLS"),
            Say(b"220 go\r\n"),
            Tls,
            Say(b"hello\r\n"),
            Hang,
        ],
    ),
    (
        "imap",
        &[
            Say(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
            Hear("a STARTTLS"),
            Say(b"* CAPABILITY x\r\na OK go\r\n"),
            Tls,
            Say(b"hello\r\n"),
            Hang,
        ],
    ),
    ("pop3", &[Say(b"+OK ready\r\n"), Hear("STLS"), Say(b"+OK\r\n"), Tls, Say(b"hello\r\n"), Hang]),
    ("ldap", &[Take(31), Say(LDAP_OK), Tls, Say(b"hello\r\n"), Hang]),
    ("postgres", &[Take(8), Say(b"S"), Tls, Say(b"hello\r\n"), Hang]),
];

async fn attempt(rig: &Rig, protocol: &str, port: u16) -> Report {
    let body = json!({ "address": format!("a.bdc.test:{port}"), "starttls": protocol, "expect": "hello" });
    rig.attempt_within(Duration::from_secs(2), "tcp", body).await
}

#[tokio::test]
async fn protocols_change_to_tls_and_go_on() {
    let mut rig = Rig::new();
    for (protocol, acts) in WILLING {
        let port = script(&mut rig, acts).await;
        let report = attempt(&rig, protocol, port).await;
        assert_eq!(report.outcome, Outcome::Pass, "{protocol}: {report:#?}");
        assert!(report.phases.tls.is_some() && report.certificate_not_after.is_some(), "{report:#?}");
    }
}

#[tokio::test]
async fn xmpp_changes_to_tls_and_goes_on() {
    const HEAD: usize = 136;
    let head = "<?xml version='1.0'?><stream:stream to='a.bdc.test' version='1.0' xmlns='jabber:client' \
                xmlns:stream='http://etherx.jabber.org/streams'>";
    assert_eq!(head.len(), HEAD);
    let mut rig = Rig::new();
    let proceed = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let acts: &[Act] = &[Take(HEAD), Say(FEATURES), Hear("<starttls"), Say(proceed), Tls, Say(b"hello\r\n"), Hang];
    let port = script(&mut rig, acts).await;
    assert_eq!(attempt(&rig, "xmpp", port).await.outcome, Outcome::Pass);
    let without = script(&mut rig, &[Take(HEAD), Say(b"<stream:stream><stream:features/>"), Hang]).await;
    assert_fail(&attempt(&rig, "xmpp", without).await, ReasonKind::Tls, "does not offer STARTTLS");
    let refused = script(&mut rig, &[Take(HEAD), Say(FEATURES), Hear("<starttls"), Say(b"<failure/>"), Hang]).await;
    assert_fail(&attempt(&rig, "xmpp", refused).await, ReasonKind::Tls, "expected proceed, got \"<failure/>\"");
}

#[tokio::test]
async fn peers_that_refuse_tls_say_how() {
    let mut rig = Rig::new();
    let cases: &[(&str, &[Act], ReasonKind, &str)] = &[
        (
            "smtp",
            &[Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n"), Hang],
            ReasonKind::Tls,
            "does not offer STARTTLS",
        ),
        (
            "smtp",
            &[Say(b"554 5.7.1 go away\r\n"), Hang],
            ReasonKind::Status,
            "the greeting: expected 220, got 554 5.7.1",
        ),
        (
            "imap",
            &[Say(b"* OK\r\n"), Hear("a STARTTLS"), Say(b"a NO never\r\n"), Hang],
            ReasonKind::Tls,
            "got \"a NO never\"",
        ),
        ("imap", &[Say(b"* BYE full\r\n"), Hang], ReasonKind::Tls, "expected a greeting, got \"* BYE full\""),
        ("imap", &[Say(b"220 smtp\r\n"), Hang], ReasonKind::Protocol, "does not speak IMAP"),
        (
            "pop3",
            &[Say(b"+OK\r\n"), Hear("STLS"), Say(b"-ERR no\r\n"), Hang],
            ReasonKind::Tls,
            "STLS: expected +OK, got \"-ERR no\"",
        ),
        ("pop3", &[Say(b"SSH-2.0-x\r\n"), Hang], ReasonKind::Protocol, "does not speak POP3"),
        (
            "ldap",
            &[Take(31), Say(b"\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x34\x04\x00\x04\x03bad"), Hang],
            ReasonKind::Tls,
            "StartTLS: expected success, got result code 52 (unavailable) \"bad\"",
        ),
        ("ldap", &[Take(31), Say(b"220 smtp\r\n"), Hang], ReasonKind::Protocol, "does not answer StartTLS in LDAP"),
        ("postgres", &[Take(8), Say(b"N"), Hang], ReasonKind::Tls, "does not offer TLS"),
        ("postgres", &[Take(8), Say(b"HTTP/1.1 400"), Hang], ReasonKind::Protocol, "got \"HTTP/1.1 400\""),
        (
            "xmpp",
            &[Take(20), Say(b"<stream:error><host-unknown/></stream:error>"), Hang],
            ReasonKind::Protocol,
            "host-unknown",
        ),
        ("xmpp", &[Say(b"220 smtp\r\n"), Hang], ReasonKind::Protocol, "does not speak XMPP"),
        ("pop3", &[Say(b"+OK\r\n"), Hear("STLS")], ReasonKind::Protocol, "closed the connection before answering"),
    ];
    for (protocol, acts, kind, text) in cases {
        let port = script(&mut rig, acts).await;
        assert_fail(&attempt(&rig, protocol, port).await, *kind, text);
    }
}

#[tokio::test]
async fn words_behind_the_consent_are_an_injection() {
    let mut rig = Rig::new();
    let cases: &[(&str, &[Act])] = &[
        ("pop3", &[Say(b"+OK\r\n"), Hear("STLS"), Say(b"+OK\r\n+OK injected\r\n"), Tls, Hang]),
        ("postgres", &[Take(8), Say(b"SE"), Tls, Hang]),
        ("imap", &[Say(b"* OK\r\n"), Hear("a"), Say(b"a OK\r\n* CAPABILITY evil\r\n"), Tls, Hang]),
    ];
    for (protocol, acts) in cases {
        let port = script(&mut rig, acts).await;
        let report = attempt(&rig, protocol, port).await;
        assert_fail(&report, ReasonKind::Protocol, "in the clear behind its consent to TLS");
        assert!(report.phases.tls.is_none(), "{report:#?}");
    }
}

#[tokio::test]
async fn certificates_behind_starttls_are_judged() {
    let mut rig = Rig::new();
    let acts: &[Act] = &[Say(b"+OK\r\n"), Hear("STLS"), Say(b"+OK\r\n"), Tls, Hang];
    let port = script_with(&mut rig, Rig::self_signed("a.bdc.test"), acts).await;
    assert_fail(&attempt(&rig, "pop3", port).await, ReasonKind::Tls, "no known authority");
    let expired = rig.certificate("a.bdc.test", (2020, 2021));
    let port = script_with(&mut rig, expired, acts).await;
    assert_fail(&attempt(&rig, "pop3", port).await, ReasonKind::Certificate, "expired at 2021");
}

#[test]
fn answers_in_parts_are_waited_for_and_broken_ones_refused() {
    for end in 0..LDAP_OK.len() {
        assert_eq!(parse_ldap(&LDAP_OK[..end]), Ok(None), "{end}");
    }
    assert_eq!(parse_ldap(LDAP_OK).unwrap().unwrap().0.code, 0);
    assert!(parse_ldap(b"\x30\x84\xff\xff\xff\xff").is_err());
    assert!(parse_ldap(b"\x30\x80").is_err());
    assert!(parse_ldap(b"\x30\x03\x02\x01\x01").is_err());
    for end in 0..FEATURES.len() {
        assert_eq!(parse_xmpp_features(&FEATURES[..end]), Ok(None), "{end}");
    }
    let open = b"<proceed xmlns='x'></proceed>";
    assert_eq!(parse_xmpp_proceed(open), Ok(Some((Said::Ok, open.len()))));
    assert_eq!(parse_xmpp_proceed(b"<proceed xmlns='x'>"), Ok(None));
}
