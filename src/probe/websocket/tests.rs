//! `websocket` by behaviour.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{HANG, Rig, assert_fail, black_hole, closed_port, resetter};
use crate::probe::{Phase, Report, dial};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

/// Upgrades, and then does what the path says.
pub(in crate::probe) async fn serve(rig: &mut Rig, tls: Option<rustls::ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            open.spawn(async move {
                match tls {
                    None => answer(stream).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let look = |request: &Request, mut response: Response| {
        path = request.uri().to_string();
        if let Some(wish) = request.headers().get("sec-websocket-protocol").filter(|_| path != "/stubborn") {
            response.headers_mut().insert("sec-websocket-protocol", wish.clone());
        }
        if path == "/guarded" {
            assert_eq!(request.headers()["authorization"], "Bearer 1");
            assert_eq!(request.headers()["x-tenant"], "huangpu");
        }
        Ok(response)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else { return };
    let text = |text: &str| Message::text(text.to_owned());
    match path.as_str() {
        "/mute" => std::future::pending().await,
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let _ = socket.send(text("hello")).await;
        }
        "/busy" => {
            let _ = socket.send(Message::Ping("x".into())).await;
            let _ = socket.send(text("news 1")).await;
            let _ = socket.send(Message::binary(b"news 2".to_vec())).await;
        }
        "/chatty" => while socket.send(text("noise")).await.is_ok() {},
        "/long" => _ = socket.send(text(&"x".repeat(1 << 20))).await,
        "/goodbye" => {
            let frame = CloseFrame { code: CloseCode::Restart, reason: "upgrading".into() };
            let _ = socket.send(text("so long")).await;
            let _ = socket.close(Some(frame)).await;
        }
        "/rude" => return,
        _ => {}
    }
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(said) = message {
            let _ = socket.send(text(&format!("echo {said}"))).await;
        }
    }
}

async fn ask(rig: &Rig, port: u16, path: &str, more: Value) -> Report {
    let mut body = json!({ "url": format!("ws://a.huangpu.test:{port}{path}") });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    rig.attempt("websocket", body).await
}

#[tokio::test]
async fn upgrade_and_echo_pass_in_plain_and_in_tls() {
    let mut rig = Rig::new();
    let config = rig.certificate("a.huangpu.test", (2020, 2090));
    for (scheme, tls) in [("ws", None), ("wss", Some(config))] {
        let is_tls = tls.is_some();
        let port = serve(&mut rig, tls).await;
        let url = format!("{scheme}://a.huangpu.test:{port}/echo?x=1");
        let report = rig.attempt("websocket", json!({ "url": url })).await;
        assert_eq!((&report.outcome, report.http_status), (&Outcome::Pass, Some(101)), "{report:#?}");
        let report = rig.attempt("websocket", json!({ "url": url, "send": "ping", "expect": "^echo p.ng$" })).await;
        assert_eq!((&report.outcome, report.phases.tls.is_some()), (&Outcome::Pass, is_tls), "{report:#?}");
        assert_eq!(&*report.trace.last().unwrap().text, "closed on both sides");
    }
}

#[tokio::test]
async fn expected_text_may_come_later_and_in_binary() {
    let mut rig = Rig::new();
    let port = serve(&mut rig, None).await;
    let report = ask(&rig, port, "/busy", json!({ "expect": "news 2" })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let more = json!({ "headers": { "x-tenant": "huangpu" }, "authorization": "Bearer 1", "subprotocol": "v2.push" });
    assert_eq!(ask(&rig, port, "/guarded", more).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn wrong_messages_say_what_was_expected_and_what_came() {
    let mut rig = Rig::new();
    let port = serve(&mut rig, None).await;
    let cases = [
        ("/chatty", ReasonKind::Content, "expected a match of /pong/ from a.huangpu.test", "got 32 other messages"),
        ("/goodbye", ReasonKind::Content, "got close 1012 \"upgrading\"", "the last being \"so long\""),
        ("/long", ReasonKind::Protocol, "sent a message above 64 KiB", "a.huangpu.test"),
        ("/rude", ReasonKind::Protocol, "ended without a farewell", "a.huangpu.test"),
    ];
    for (path, kind, part, other) in cases {
        let report = ask(&rig, port, path, json!({ "expect": "pong" })).await;
        assert_fail(&report, kind, part);
        assert_fail(&report, kind, other);
    }
    let report = ask(&rig, port, "/stubborn", json!({ "subprotocol": "v2.push" })).await;
    assert_fail(&report, ReasonKind::Protocol, "did not agree to the subprotocol");
}

#[tokio::test]
async fn answer_that_is_no_upgrade_is_told_by_its_status() {
    let mut rig = Rig::new();
    let missing = rig.serve(|_| b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let moved = rig.serve(|_| b"HTTP/1.1 301 Moved Permanently\r\nlocation: wss://b.test/\r\n\r\n".to_vec()).await;
    let repair = rig.serve(|_| b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 3600\r\n\r\n".to_vec()).await;
    let fake = rig.serve(|_| b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec()).await;
    let report = ask(&rig, missing, "/", json!({})).await;
    assert_fail(&report, ReasonKind::Status, "expected status 101 from a.huangpu.test");
    assert_fail(&report, ReasonKind::Status, "got 404 Not Found");
    assert_eq!(report.http_status, Some(404));
    assert_fail(&ask(&rig, moved, "/", json!({})).await, ReasonKind::Status, "to wss://b.test/; put that into `url`");
    let report = ask(&rig, repair, "/", json!({})).await;
    assert_fail(&report, ReasonKind::Maintenance, "got 503 Service Unavailable (retry-after 3600)");
    assert_fail(&ask(&rig, fake, "/", json!({})).await, ReasonKind::Protocol, "broke the protocol of WebSocket");
}

#[tokio::test]
async fn refusing_resetting_and_strange_targets_are_told_apart() {
    let mut rig = Rig::new();
    let ((closed, _socket), reset) = (closed_port(), resetter(&mut rig).await);
    let stranger = rig.serve(|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    let mute = rig.serve(|_| Vec::new()).await;
    assert_fail(&ask(&rig, closed, "/", json!({})).await, ReasonKind::Connect, "refused the connection");
    assert_fail(&ask(&rig, reset, "/", json!({})).await, ReasonKind::Connect, "reset the connection");
    assert_fail(&ask(&rig, stranger, "/", json!({})).await, ReasonKind::Protocol, "broke the protocol");
    assert_fail(&ask(&rig, mute, "/", json!({})).await, ReasonKind::Protocol, "closed the connection before answering");
}

#[tokio::test]
async fn untrusted_and_expired_certificates_are_refused_unless_trust_is_ignored() {
    let mut rig = Rig::new();
    let expired = rig.certificate("a.huangpu.test", (2020, 2021));
    let old = serve(&mut rig, Some(expired)).await;
    let own = serve(&mut rig, Some(Rig::self_signed("a.huangpu.test"))).await;
    let url = |port| format!("wss://a.huangpu.test:{port}/");
    let attempt = |body| rig.attempt("websocket", body);
    assert_fail(&attempt(json!({ "url": url(old) })).await, ReasonKind::Certificate, "expired");
    assert_fail(&attempt(json!({ "url": url(own) })).await, ReasonKind::Tls, "no known authority");
    let report = attempt(json!({ "url": url(own), "tls": { "trust": "ignored" } })).await;
    assert_eq!(report.outcome, Outcome::Pass);
}

#[tokio::test]
async fn silence_is_a_time_out_that_names_the_phase() {
    let mut rig = Rig::new();
    let (full, _sockets) = black_hole().await;
    let port = serve(&mut rig, None).await;
    let dumb = rig.serve(|_| HANG.to_vec()).await;
    let cases = [
        ("ws", full, "connecting to"),
        ("wss", dumb, "in the TLS handshake with"),
        ("ws", dumb, "waiting for an answer from"),
        ("ws", port, "waiting for an answer from"),
    ];
    let attempts = cases.map(|(scheme, port, part)| {
        let body = json!({ "url": format!("{scheme}://a.huangpu.test:{port}/mute"), "expect": "x" });
        let rig = &rig;
        async move {
            let report = rig.attempt_within(Duration::from_secs(1), "websocket", body).await;
            assert_fail(&report, ReasonKind::Timeout, part);
        }
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn slow_text_is_degraded_and_a_missing_farewell_is_not_blamed() {
    let mut rig = Rig::new();
    let port = serve(&mut rig, None).await;
    let report = ask(&rig, port, "/slow", json!({ "expect": "hello", "slower_than": "20ms" })).await;
    assert_eq!((report.outcome.label(), report.outcome.reason().unwrap().kind), ("degraded", ReasonKind::Slow));
    let body = json!({ "url": format!("ws://a.huangpu.test:{port}/mute"), "slower_than": "1s" });
    let report = rig.attempt_within(Duration::from_secs(1), "websocket", body).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(&*report.trace.last().unwrap().text, "closed; the farewell was not answered");
}

#[test]
fn trouble_of_our_own_is_unknown() {
    let error = io::Error::other(io::Error::from_raw_os_error(24));
    let outcome = dial::failed(&error, Phase::Processing, "a.huangpu.test", 1);
    assert_eq!((outcome.label(), outcome.reason().unwrap().kind), ("unknown", ReasonKind::Local));
}

#[test]
fn headers_of_the_upgrade_and_credentials_in_the_address_are_refused() {
    let rig = Rig::new();
    let kind = crate::probe::kind("websocket").unwrap();
    for body in [
        json!({ "url": "ws://a.test/", "headers": { "Sec-WebSocket-Key": "x" } }),
        json!({ "url": "ws://a.test/", "headers": { "upgrade": "x" } }),
        json!({ "url": "ws://user:secret@a.test/" }),
        json!({ "url": "ws://a.test/", "subprotocol": "a\nb" }),
    ] {
        let built =
            crate::field::from_json(&body, kind.fields).and_then(|r| (kind.build)(&r, &rig.context).map(|_| ()));
        assert!(built.is_err(), "{body}");
    }
}
