//! A peer that follows a script, for the tests of all conversations; and the bounds of one.

use super::*;
use crate::probe::Phase;
use crate::probe::tests::{Rig, assert_fail, black_hole, closed_port, resetter};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as Secured;

/// What the peer does next. After the last one it closes the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Says this.
    Say(&'static [u8]),
    /// Reads a line, which must begin so; else it closes the connection.
    Hear(&'static str),
    /// Reads this many bytes.
    Take(usize),
    /// Shakes hands in TLS.
    Tls,
    /// Says this for ever.
    Flood(&'static [u8]),
    /// Lets some milliseconds pass.
    Dawdle,
    /// Does nothing more.
    Hang,
}

use Act::{Dawdle, Flood, Hang, Hear, Say, Take, Tls};

/// Serves connections by `acts`, with a certificate for `a.bdc.test`; returns the port.
pub(crate) async fn script(rig: &mut Rig, acts: &[Act]) -> u16 {
    let tls = rig.certificate("a.bdc.test", (2020, 2090));
    script_with(rig, tls, acts).await
}

/// The same with a certificate of one's choice.
pub(crate) async fn script_with(rig: &mut Rig, tls: rustls::ServerConfig, acts: &[Act]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tls, acts): (_, Arc<[Act]>) = (TlsAcceptor::from(Arc::new(tls)), acts.into());
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(play(stream, tls.clone(), Arc::clone(&acts)));
        }
    });
    port
}

async fn play(stream: TcpStream, tls: TlsAcceptor, acts: Arc<[Act]>) -> Option<()> {
    let mut stream: Either<TcpStream, Box<Secured<TcpStream>>> = Either::Left(stream);
    for act in acts.iter() {
        match act {
            Say(bytes) => {
                stream.write_all(bytes).await.ok()?;
                stream.flush().await.ok()?;
            }
            Hear(head) => {
                let mut line = Vec::new();
                while !line.ends_with(b"\n") {
                    line.push(stream.read_u8().await.ok()?);
                }
                String::from_utf8_lossy(&line).starts_with(head).then_some(())?;
            }
            Take(count) => _ = stream.read_exact(&mut vec![0; *count]).await.ok()?,
            Tls => {
                let Either::Left(plain) = stream else { return None };
                stream = Either::Right(Box::new(tls.accept(plain).await.ok()?));
            }
            Flood(bytes) => loop {
                stream.write_all(bytes).await.ok()?;
            },
            Dawdle => dawdle().await,
            Hang => std::future::pending().await,
        }
    }
    stream.shutdown().await.ok()
}

/// Lets 5 ms pass.
pub(crate) async fn dawdle() {
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(5) {
        tokio::task::yield_now().await;
    }
}

/// What every kind that holds a conversation makes of names, ports and peers that are not there, and of silence.
pub(crate) async fn unreachable_peers(kind: &str, rest: &Value) {
    let mut rig = Rig::new();
    let ((closed, _socket), (full, _sockets)) = (closed_port(), black_hole().await);
    let (reset, silent) = (resetter(&mut rig).await, script(&mut rig, &[Hang]).await);
    let body = |address: String| {
        let mut body = rest.clone();
        body["address"] = json!(address);
        body
    };
    let mut body_v6 = body(format!("a.bdc.test:{closed}"));
    body_v6["family"] = json!("ipv6");
    assert_fail(&rig.attempt(kind, body_v6).await, ReasonKind::Resolve, "a.bdc.test has no IPv6 address");
    let report = rig.attempt(kind, body(format!("127.0.0.1:{closed}"))).await;
    assert_fail(&report, ReasonKind::Connect, "refused the connection");
    // No way leads to a group of hosts by TCP, which is nobody's fault but ours.
    let report = rig.attempt(kind, body("224.0.0.1:25".into())).await;
    assert_eq!((report.outcome.label(), report.outcome.reason().unwrap().kind), ("unknown", ReasonKind::Local));
    let short = Duration::from_millis(400);
    let report = rig.attempt_within(short, kind, body(format!("a.bdc.test:{full}"))).await;
    assert_fail(&report, ReasonKind::Timeout, "still connecting to a.bdc.test");
    let report = rig.attempt_within(short, kind, body(format!("a.bdc.test:{silent}"))).await;
    let reason = report.outcome.reason().unwrap();
    assert!(report.outcome.label() == "fail" && reason.kind == ReasonKind::Timeout, "{report:#?}");
    assert!(report.phases.get(Phase::Processing).is_some(), "{report:#?}");
    // Peers that speak first are reset before they do; nobody writes to them.
    let report = rig.attempt_within(short, kind, body(format!("a.bdc.test:{reset}"))).await;
    let reason = report.outcome.reason().unwrap();
    assert!([ReasonKind::Connect, ReasonKind::Timeout].contains(&reason.kind), "{report:#?}");
}

/// What TLS from the first byte makes of wrong peers; `rest` has no address and no `tls`.
pub(crate) async fn untrusted_peers(kind: &str, rest: &Value) {
    let mut rig = Rig::new();
    let expired = rig.certificate("a.bdc.test", (2020, 2021));
    let expired = script_with(&mut rig, expired, &[Tls, Hang]).await;
    let strange = script_with(&mut rig, Rig::self_signed("a.bdc.test"), &[Tls, Hang]).await;
    for (port, reason) in [(expired, ReasonKind::Certificate), (strange, ReasonKind::Tls)] {
        let mut body = rest.clone();
        body["address"] = json!(format!("a.bdc.test:{port}"));
        body["tls"] = json!(true);
        assert_fail(&rig.attempt(kind, body).await, reason, "a.bdc.test");
    }
}

#[tokio::test]
async fn endless_lines_and_endless_talk_are_cut_off() {
    let mut rig = Rig::new();
    let endless = script(&mut rig, &[Flood(&[b'x'; 4_096])]).await;
    let body = json!({ "address": format!("a.bdc.test:{endless}"), "dialogue": [{ "expect": "never" }] });
    assert_fail(&rig.attempt("tcp", body).await, ReasonKind::Protocol, "sent 65536 bytes without an end");
    let talk = script(&mut rig, &[Flood(b"blah\r\n")]).await;
    let body = json!({ "address": format!("a.bdc.test:{talk}"), "dialogue": [{ "expect": "never" }] });
    assert_fail(&rig.attempt("tcp", body).await, ReasonKind::Protocol, "sent more than 262144 bytes");
}

#[test]
fn texts_of_peers_are_shown_quoted_and_cut() {
    assert_eq!(shown("220 ok\r\n"), "\"220 ok\"");
    assert_eq!(shown("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
    assert_eq!(shown(&"长".repeat(500)).chars().filter(|c| *c == '长').count(), SHOWN_MAX);
    assert_eq!(parse_line(b"a\r\nb"), Ok(Some(("a".into(), 3))));
    assert_eq!(parse_line(b"a"), Ok(None));
}
