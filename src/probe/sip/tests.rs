//! `sip` by behaviour.

use super::*;
use crate::probe::tests::{HANG, Rig, assert_fail, closed_port, resetter};
use crate::probe::{Phase, Report};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// The answer that a peer gives to the n-th sending of a request.
pub(in crate::probe) type Say = fn(&str, usize) -> Vec<String>;

/// An answer with the headers that must be repeated.
pub(in crate::probe) fn answer(request: &str, line: &str, rest: &str) -> String {
    let header = |name: &str| request.lines().find(|text| text.starts_with(name)).unwrap_or_default();
    let (via, from, to) = (header("Via:"), header("From:"), header("To:"));
    let (call, sequence) = (header("Call-ID:"), header("CSeq:"));
    format!("SIP/2.0 {line}\r\n{via}\r\n{from}\r\n{to};tag=x\r\n{call}\r\n{sequence}\r\nServer: rig\r\n{rest}\r\n")
}

pub(in crate::probe) async fn udp(rig: &mut Rig, say: Say) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    rig.run(async move {
        let mut buffer = [0; 4_096];
        for count in 0.. {
            let Ok((read, from)) = socket.recv_from(&mut buffer).await else { return };
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            for text in say(&request, count) {
                let _ = socket.send_to(text.as_bytes(), from).await;
            }
        }
    });
    port
}

pub(in crate::probe) async fn stream(rig: &mut Rig, tls: Option<rustls::ServerConfig>, say: Say) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls.map(|config| tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config)));
    rig.run(async move {
        while let Ok((plain, _)) = listener.accept().await {
            match &tls {
                None => serve(plain, say).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(plain).await {
                        serve(stream, say).await;
                    }
                }
            }
        }
    });
    port
}

async fn serve(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, say: Say) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
            return;
        }
    }
    for text in say(&String::from_utf8_lossy(&heard), 0) {
        let _ = stream.write_all(text.as_bytes()).await;
    }
    let _ = stream.shutdown().await;
}

async fn ask(rig: &Rig, port: u16, more: Value) -> Report {
    let mut body = json!({ "address": format!("trunk.bdc.test:{port}") });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.attempt("sip", body).await
}

fn well(request: &str, _: usize) -> Vec<String> {
    assert!(request.starts_with("OPTIONS sip:trunk.bdc.test SIP/2.0\r\nVia: SIP/2.0/"), "{request}");
    // Something of another transaction, something provisional with a body, and the end.
    let foreign = answer(&request.replace("z9hG4bK", "z9hG4bKx"), "500 Not Yours", "Content-Length: 0\r\n");
    let trying = answer(request, "100 Trying", "Content-Length: 5\r\n") + "abcde";
    let fine = answer(request, "200 OK", "Content-Length: 3\r\n") + "xyz";
    vec![foreign, trying, fine]
}

#[tokio::test]
async fn final_answer_passes_over_udp_tcp_and_tls() {
    let mut rig = Rig::new();
    let secure = rig.certificate("trunk.bdc.test", (2020, 2090));
    let ports = [
        ("udp", udp(&mut rig, well).await),
        ("tcp", stream(&mut rig, None, well).await),
        ("tls", stream(&mut rig, Some(secure), well).await),
    ];
    for (transport, port) in ports {
        let report = ask(&rig, port, json!({ "transport": transport })).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        let trace = report.trace.iter().map(|line| &*line.text).collect::<Vec<_>>().join("\n");
        assert!(trace.contains("ignored 500 Not Yours") && trace.contains("200 OK by rig"), "{trace}");
        assert!(report.phases.get(Phase::Processing).is_some());
        assert_eq!(report.phases.tls.is_some(), transport == "tls");
    }
}

#[tokio::test]
async fn request_is_sent_again_over_udp_by_the_timer_of_its_transaction() {
    let mut rig = Rig::new();
    let deaf_once: Say = |request, count| if count == 0 { vec![] } else { vec![answer(request, "200 OK", "")] };
    let port = udp(&mut rig, deaf_once).await;
    let report = ask(&rig, port, json!({ "slower_than": "100ms" })).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
    assert!(report.trace.iter().any(|line| line.text.starts_with("sent again")), "{report:#?}");
    assert!(report.took >= Duration::from_millis(500));
}

#[tokio::test]
async fn wrong_statuses_fail_and_a_time_to_come_back_is_maintenance() {
    let mut rig = Rig::new();
    let busy: Say = |request, _| vec![answer(request, "486 Busy Here", "Content-Length: 0\r\n")];
    let port = udp(&mut rig, busy).await;
    let report = ask(&rig, port, json!({ "expect_status": [200, 405] })).await;
    let text = format!("expected status 200 or 405 from trunk.bdc.test:{port}, got 486 Busy Here");
    assert_fail(&report, ReasonKind::Status, &text);
    assert_eq!(ask(&rig, port, json!({ "expect_status": 486 })).await.outcome, Outcome::Pass);
    let closed: Say = |request, _| vec![answer(request, "503 Service Unavailable", "Retry-After: 3600\r\n")];
    let port = udp(&mut rig, closed).await;
    let report = ask(&rig, port, json!({})).await;
    assert_fail(&report, ReasonKind::Maintenance, "got 503 Service Unavailable (retry-after 3600)");
    let down: Say = |request, _| vec![answer(request, "503 Service Unavailable", "")];
    let port = udp(&mut rig, down).await;
    assert_fail(&ask(&rig, port, json!({})).await, ReasonKind::Status, "got 503 Service Unavailable");
}

#[tokio::test]
async fn what_is_not_sip_breaks_the_protocol() {
    let mut rig = Rig::new();
    let web: Say = |_, _| vec!["HTTP/1.1 400 Bad Request\r\n\r\n".into()];
    let cut: Say = |request, _| vec![answer(request, "200 OK", "Content-Length: 9\r\n") + "abc"];
    let (plain, short) = (udp(&mut rig, web).await, udp(&mut rig, cut).await);
    let text = "does not answer in SIP, but with \"HTTP/1.1 400 Bad Request\"";
    assert_fail(&ask(&rig, plain, json!({})).await, ReasonKind::Protocol, text);
    let text = "sent 3 of the 9 bytes of body that it announces";
    assert_fail(&ask(&rig, short, json!({})).await, ReasonKind::Protocol, text);
    let (plain, short) = (stream(&mut rig, None, web).await, stream(&mut rig, None, cut).await);
    let tcp = || json!({ "transport": "tcp" });
    assert_fail(&ask(&rig, plain, tcp()).await, ReasonKind::Protocol, "does not answer in SIP");
    let text = "closed the connection in the middle of its answer";
    assert_fail(&ask(&rig, short, tcp()).await, ReasonKind::Protocol, text);
    let huge: Say = |request, _| vec![answer(request, "200 OK", "Content-Length: 999999999\r\n")];
    let port = stream(&mut rig, None, huge).await;
    assert_fail(&ask(&rig, port, tcp()).await, ReasonKind::Protocol, "announces a body of 999999999 bytes");
    let endless: Say = |_, _| vec!["SIP/2.0 200 OK\r\n".to_owned() + &"X: y\r\n".repeat(10_000)];
    let port = stream(&mut rig, None, endless).await;
    assert_fail(&ask(&rig, port, tcp()).await, ReasonKind::Protocol, "bytes without an end of the head");
}

#[tokio::test]
async fn silent_closed_and_resetting_peers_fail() {
    let mut rig = Rig::new();
    let silent = udp(&mut rig, |_, _| vec![]).await;
    let body = |port: u16| json!({ "address": format!("trunk.bdc.test:{port}") });
    let report = rig.attempt_within(Duration::from_millis(200), "sip", body(silent)).await;
    assert_fail(&report, ReasonKind::Timeout, "still waiting for an answer from trunk.bdc.test");
    let hanging = rig.serve(|_| HANG.to_vec()).await;
    let tcp = |port: u16| json!({ "address": format!("trunk.bdc.test:{port}"), "transport": "tcp" });
    let report = rig.attempt_within(Duration::from_millis(200), "sip", tcp(hanging)).await;
    assert_fail(&report, ReasonKind::Timeout, "still waiting for an answer from trunk.bdc.test");
    let (closed, _socket) = closed_port();
    assert_fail(&rig.attempt("sip", body(closed)).await, ReasonKind::Connect, "refused the connection");
    assert_fail(&rig.attempt("sip", tcp(closed)).await, ReasonKind::Connect, "refused the connection");
    let reset = resetter(&mut rig).await;
    assert_fail(&rig.attempt("sip", tcp(reset)).await, ReasonKind::Connect, "reset the connection");
    let body = json!({ "address": "trunk.bdc.test:5060", "family": "ipv6" });
    assert_fail(&rig.attempt("sip", body).await, ReasonKind::Resolve, "has no IPv6 address");
}

#[tokio::test]
async fn bad_certificates_fail() {
    let mut rig = Rig::new();
    let (expired, own) = (rig.certificate("trunk.bdc.test", (2020, 2021)), Rig::self_signed("trunk.bdc.test"));
    let tls = json!({ "transport": "tls" });
    let port = stream(&mut rig, Some(expired), well).await;
    assert_fail(&ask(&rig, port, tls.clone()).await, ReasonKind::Certificate, "expired at 2021");
    let port = stream(&mut rig, Some(own), well).await;
    assert_fail(&ask(&rig, port, tls).await, ReasonKind::Tls, "no known authority");
}

#[tokio::test]
async fn trouble_of_our_own_is_unknown() {
    let rig = Rig::new();
    // Nobody may send to everybody without asking the kernel first.
    let report = rig.attempt("sip", json!({ "address": "255.255.255.255:5060" })).await;
    assert_eq!(report.outcome.label(), "unknown", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Local);
}

#[test]
fn addresses_and_settings_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    let refused = |body: Value| {
        let record = crate::field::from_json(&body, FIELDS).unwrap();
        build(&record, &rig.context).err().unwrap().to_string()
    };
    let text = refused(json!({ "address": "trunk.bdc.test:5060", "uri": "sip:a b", "tls": { "trust": "ignored" } }));
    assert!(text.contains("not an address of SIP") && text.contains("without `transport: tls`"), "{text}");
}
