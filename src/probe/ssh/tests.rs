//! `ssh` by behaviour, against a server of the same library and against scripts.

use super::*;
use crate::probe::Report;
use crate::probe::lines::tests::Act::{self, Dawdle, Flood, Hang, Hear, Say};
use crate::probe::lines::tests::{script, unreachable_peers};
use crate::probe::tests::{Rig, assert_fail};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use russh::server;
use serde_json::{Value, json};

const PIN: &str = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDoXs9qU9Jc5d5Y8rM";

async fn attempt(rig: &Rig, port: u16, rest: Value) -> Report {
    let mut body = rest;
    body["address"] = json!(format!("a.bdc.test:{port}"));
    rig.attempt("ssh", body).await
}

struct Nobody;
impl server::Handler for Nobody {
    type Error = russh::Error;
}

/// A server with these host keys.
pub(in crate::probe) async fn sshd(rig: &mut Rig, keys: Vec<PrivateKey>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(server::Config { keys, ..server::Config::default() });
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let config = Arc::clone(&config);
            open.spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, Nobody).await {
                    let _ = session.await;
                }
            });
        }
    });
    port
}

pub(in crate::probe) fn ed25519(seed: u8) -> PrivateKey {
    Ed25519Keypair::from_seed(&[seed; 32]).into()
}

fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}

#[tokio::test]
async fn peers_that_are_not_there_are_told() {
    unreachable_peers("ssh", &json!({})).await;
    unreachable_peers("ssh", &json!({ "host_key": PIN })).await;
}

#[tokio::test]
async fn banner_is_found_behind_other_lines_and_compared() {
    let mut rig = Rig::new();
    let banner = b"Welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n";
    let port = script(&mut rig, &[Dawdle, Say(banner), Hear("SSH-2.0-gengfu\r\n"), Hang]).await;
    let report = attempt(&rig, port, json!({ "banner": "OpenSSH_9" })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = attempt(&rig, port, json!({ "banner": "OpenSSH_10" })).await;
    assert_fail(&report, ReasonKind::Content, "expected a banner that matches /OpenSSH_10/ from a.bdc.test");
    assert!(report.outcome.reason().unwrap().text.ends_with("got \"SSH-2.0-OpenSSH_9.2p1 Debian\""));
    let report = attempt(&rig, port, json!({ "slower_than": "1ms" })).await;
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
}

#[tokio::test]
async fn peers_without_a_right_banner_break_the_protocol() {
    let mut rig = Rig::new();
    let long: &'static [u8] = [b"SSH-2.0-".as_slice(), &[b'x'; 300], b"\r\n"].concat().leak();
    let cases: &[(&[Act], &str)] = &[
        (&[Flood(b"220 smtp\r\n")], "sent 50 lines and no banner of SSH"),
        (&[Say(b"SSH-1.5-old\r\n"), Hang], "speaks no SSH 2.0: got \"SSH-1.5-old\""),
        (&[Say(long), Hang], "sent a banner longer than 255 bytes"),
        (&[Say(b"220 smtp\r\n")], "closed the connection"),
        (
            &[Say(b"SSH-2.0-x\r\n"), Hear("SSH-"), Say(b"no packet of SSH, but long enough to be one"), Hang],
            "a.bdc.test",
        ),
        (&[Say(b"SSH-2.0-x\r\n"), Hear("SSH-")], "closed the connection in the exchange of keys"),
    ];
    for (acts, text) in cases {
        let port = script(&mut rig, acts).await;
        assert_fail(&attempt(&rig, port, json!({ "host_key": PIN })).await, ReasonKind::Protocol, text);
    }
}

#[tokio::test]
async fn host_key_is_proved_noted_and_compared() {
    let mut rig = Rig::new();
    let key = ed25519(1);
    let port = sshd(&mut rig, vec![key.clone()]).await;
    let line = key.public_key().to_openssh().unwrap();
    for pin in [json!(fingerprint(&key)), json!(line), json!([PIN, fingerprint(&key)])] {
        let report = attempt(&rig, port, json!({ "host_key": pin })).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        let noted = format!("host key ssh-ed25519 {}", fingerprint(&key));
        assert!(report.trace.iter().any(|line| *line.text == *noted), "{report:#?}");
    }
    let report = attempt(&rig, port, json!({ "host_key": PIN })).await;
    let text = format!("a.bdc.test:{port}: expected host key {PIN}, got ssh-ed25519 {}", fingerprint(&key));
    assert_fail(&report, ReasonKind::Content, &text);
}

#[tokio::test]
async fn pinned_key_is_the_one_that_is_asked_for() {
    let mut rig = Rig::new();
    let ecdsa: PrivateKey =
        russh::keys::decode_secret_key(&rcgen::KeyPair::generate().unwrap().serialize_pem(), None).unwrap();
    let both = sshd(&mut rig, vec![ed25519(1), ecdsa.clone()]).await;
    let line = ecdsa.public_key().to_openssh().unwrap();
    let report = attempt(&rig, both, json!({ "host_key": line })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let other = sshd(&mut rig, vec![ed25519(1)]).await;
    let report = attempt(&rig, other, json!({ "host_key": line })).await;
    assert_fail(&report, ReasonKind::Content, "expected a host key of type ecdsa-sha2-nistp256, got ssh-ed25519");
}

#[test]
fn pins_that_could_never_match_are_refused() {
    let rig = Rig::new();
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7";
    for pin in [json!("SHA256:short"), json!("MD5:00:11"), json!(rsa), json!([PIN, "x"])] {
        let body = json!({ "address": "a.test:22", "host_key": pin });
        let record = crate::field::from_json(&body, FIELDS).unwrap();
        assert!(build(&record, &rig.context).is_err(), "{body}");
    }
}
