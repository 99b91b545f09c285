//! `grpc` by behaviour.

use crate::clock::SystemClock;
use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{HANG, Rig, assert_fail, black_hole, closed_port, resetter};
use crate::probe::{Report, attempt_with_facts, dial};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What a server answers: status, headers, messages, trailers.
#[derive(Clone, Debug)]
struct Says {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    trailers: Vec<(&'static str, String)>,
}

fn status(code: i32, message: &str) -> Says {
    let trailers = vec![("grpc-status", code.to_string()), ("grpc-message", message.to_owned())];
    Says { status: 200, headers: vec![("content-type", "application/grpc".into())], body: Vec::new(), trailers }
}

/// A health message under the head of gRPC.
fn health(value: u8) -> Says {
    Says { body: vec![0, 0, 0, 0, 2, 8, value], ..status(0, "") }
}

fn plain(status: u16, headers: &[(&'static str, &str)]) -> Says {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Says { status, headers, body: b"<html>".to_vec(), trailers: Vec::new() }
}

/// Answers by the name of the service; the requests' heads go to the channel. An unknown name hangs.
pub(in crate::probe) async fn serve(
    rig: &mut Rig,
    tls: Option<rustls::ServerConfig>,
) -> (u16, mpsc::Receiver<Request<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel(64);
    let tls = tls.map(|mut config| {
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    });
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (sender, tls) = (sender.clone(), tls.clone());
            open.spawn(async move {
                let service = service_fn(move |request| answer(request, sender.clone()));
                let http = http2::Builder::new(TokioExecutor::new());
                match tls {
                    None => _ = http.serve_connection(TokioIo::new(stream), service).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                            let _ = http.serve_connection(TokioIo::new(stream), service).await;
                        }
                    }
                }
            });
        }
    });
    (port, receiver)
}

/// Says this to whoever begins to speak, and ends.
pub(in crate::probe) async fn says(rig: &mut Rig, what: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(what).await;
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    });
    port
}

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, heads: mpsc::Sender<Request<()>>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let name = String::from_utf8_lossy(body.get(7..).unwrap_or_default()).into_owned();
    let _ = heads.try_send(Request::from_parts(parts, ()));
    let says = match name.as_str() {
        "" | "serving" => health(1),
        "not.serving" => health(2),
        "undecided" => health(0),
        "unknown.by.status" => health(3),
        "from.the.future" => health(9),
        "unknown" => status(5, "unknown service"),
        "unavailable" => status(14, "connection%20pool%20is%20empty"),
        "unimplemented" => status(12, "unknown method"),
        "unauthenticated" => status(16, "no token"),
        "too.late" => status(4, "deadline"),
        "internal" => status(13, "oops"),
        "long" => Says { body: [vec![0, 0, 1, 0, 0], vec![8; 1 << 16]].concat(), ..health(1) },
        "endless" => Says { body: [0, 0, 0, 0, 2, 8, 1].repeat(1 << 16), ..health(1) },
        "page" => plain(200, &[("content-type", "text/html")]),
        "bad.gateway" => plain(502, &[]),
        "closed.for.repair" => plain(503, &[("retry-after", "3600")]),
        _ => std::future::pending().await,
    };
    let trailers: HeaderMap =
        says.trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let frames = [Ok(Frame::data(Bytes::from(says.body))), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))));
    *response.status_mut() = says.status.try_into().unwrap();
    for (name, value) in says.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

async fn ask(rig: &Rig, port: u16, service: &str) -> Report {
    let mut body = json!({ "address": format!("a.bdc.test:{port}") });
    if !service.is_empty() {
        body["service"] = Value::from(service);
    }
    rig.attempt("grpc", body).await
}

#[tokio::test]
async fn serving_passes_in_plain_and_in_tls_with_what_was_asked_for() {
    let mut rig = Rig::new();
    let config = rig.certificate("a.bdc.test", (2020, 2090));
    for (tls, scheme) in [(None, "http"), (Some(config), "https")] {
        let is_tls = tls.is_some();
        let (port, mut heads) = serve(&mut rig, tls).await;
        let address = format!("a.bdc.test:{port}");
        let report = rig.attempt("grpc", json!({ "address": address, "tls": is_tls })).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        assert_eq!((report.phases.tls.is_some(), report.certificate_not_after.is_some()), (is_tls, is_tls));
        assert!(report.phases.processing.is_some() && report.phases.transfer.is_some());
        let head = heads.recv().await.unwrap();
        assert_eq!(head.uri().to_string(), format!("{scheme}://{address}/grpc.health.v1.Health/Check"));
        assert!(head.headers().contains_key("grpc-timeout"));
        let body = json!({
            "address": address, "tls": is_tls, "service": "serving", "authority": "exchange.example:1",
            "metadata": { "x-tenant": "huangpu" }, "authorization": "Bearer 1",
        });
        assert_eq!(rig.attempt("grpc", body).await.outcome, Outcome::Pass);
        let head = heads.recv().await.unwrap();
        assert_eq!(head.uri().authority().unwrap().as_str(), "exchange.example:1");
        assert_eq!(
            (&head.headers()["x-tenant"], &head.headers()["authorization"]),
            (&"huangpu".parse().unwrap(), &"Bearer 1".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn facts_tell_the_status_of_the_call_and_of_the_service() {
    let mut rig = Rig::new();
    let (port, _heads) = serve(&mut rig, None).await;
    for (service, wanted) in
        [("serving", (0, Some("SERVING"))), ("not.serving", (0, Some("NOT_SERVING"))), ("unavailable", (14, None))]
    {
        let prober = rig.prober("grpc", json!({ "address": format!("a.bdc.test:{port}"), "service": service }));
        let (_, facts) = attempt_with_facts(&*prober, Duration::from_secs(5), &SystemClock::default()).await;
        assert_eq!(facts.grpc, Some(wanted), "{service}");
    }
}

#[tokio::test]
async fn every_other_status_is_a_sentence() {
    let mut rig = Rig::new();
    let (port, _heads) = serve(&mut rig, None).await;
    let cases = [
        ("not.serving", ReasonKind::Status, "got NOT_SERVING"),
        ("undecided", ReasonKind::Status, "got UNKNOWN; the server has not said yet"),
        ("unknown.by.status", ReasonKind::Status, "got SERVICE_UNKNOWN; the server does not know it"),
        ("from.the.future", ReasonKind::Protocol, "got status 9"),
        ("unknown", ReasonKind::Status, "got NOT_FOUND; the server does not know it: check `service`"),
        ("unavailable", ReasonKind::Status, "got UNAVAILABLE: connection pool is empty"),
        ("unimplemented", ReasonKind::Status, "the server has no health service"),
        ("unauthenticated", ReasonKind::Status, "got UNAUTHENTICATED; check `authorization`: no token"),
        ("too.late", ReasonKind::Timeout, "got DEADLINE_EXCEEDED"),
        ("internal", ReasonKind::Protocol, "got INTERNAL: oops"),
        ("long", ReasonKind::Protocol, "a message above 4096 bytes"),
        ("endless", ReasonKind::Protocol, "sent more than 64 KiB"),
        ("page", ReasonKind::Protocol, "expected application/grpc"),
        ("bad.gateway", ReasonKind::Status, "got HTTP 502 Bad Gateway"),
        ("closed.for.repair", ReasonKind::Maintenance, "got HTTP 503 Service Unavailable (retry-after 3600)"),
    ];
    for (service, kind, part) in cases {
        let report = ask(&rig, port, service).await;
        assert_fail(&report, kind, part);
        assert_fail(&report, kind, &format!("a.bdc.test:{port}"));
    }
}

#[tokio::test]
async fn refusing_resetting_and_strange_targets_are_told_apart() {
    let mut rig = Rig::new();
    let ((closed, _socket), reset) = (closed_port(), resetter(&mut rig).await);
    let stranger = says(&mut rig, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let mute = says(&mut rig, b"").await;
    assert_fail(&ask(&rig, closed, "").await, ReasonKind::Connect, "refused the connection");
    assert_fail(&ask(&rig, reset, "").await, ReasonKind::Connect, "reset the connection before answering");
    assert_fail(&ask(&rig, stranger, "").await, ReasonKind::Protocol, "gave no answer of gRPC");
    assert_fail(&ask(&rig, mute, "").await, ReasonKind::Protocol, "gave no answer of gRPC");
}

#[tokio::test]
async fn untrusted_and_expired_certificates_are_refused_unless_trust_is_ignored() {
    let mut rig = Rig::new();
    let expired = rig.certificate("a.bdc.test", (2020, 2021));
    let (old, _heads) = serve(&mut rig, Some(expired)).await;
    let (own, _heads) = serve(&mut rig, Some(Rig::self_signed("a.bdc.test"))).await;
    let body = |port, tls| json!({ "address": format!("a.bdc.test:{port}"), "tls": tls });
    assert_fail(&rig.attempt("grpc", body(old, json!(true))).await, ReasonKind::Certificate, "expired");
    assert_fail(&rig.attempt("grpc", body(own, json!(true))).await, ReasonKind::Tls, "no known authority");
    assert_eq!(rig.attempt("grpc", body(own, json!({ "trust": "ignored" }))).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn silence_is_a_time_out_that_names_the_phase() {
    let mut rig = Rig::new();
    let (full, _sockets) = black_hole().await;
    let (port, _heads) = serve(&mut rig, None).await;
    let dumb = rig.serve(|_| HANG.to_vec()).await;
    let cases = [
        (full, false, "connecting to"),
        (dumb, true, "in the TLS handshake with"),
        (dumb, false, "waiting for an answer from"),
        (port, false, "waiting for an answer from"),
    ];
    let attempts = cases.map(|(port, tls, part)| {
        let body = json!({ "address": format!("a.bdc.test:{port}"), "tls": tls, "service": "hang" });
        let rig = &rig;
        async move {
            let report = rig.attempt_within(Duration::from_secs(1), "grpc", body).await;
            assert_fail(&report, ReasonKind::Timeout, part);
        }
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn slow_answer_is_degraded() {
    let mut rig = Rig::new();
    let (port, _heads) = serve(&mut rig, None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap().port();
    rig.run(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    let body = json!({ "address": format!("a.bdc.test:{relay}"), "slower_than": "20ms" });
    let report = rig.attempt("grpc", body).await;
    assert_eq!((report.outcome.label(), report.outcome.reason().unwrap().kind), ("degraded", ReasonKind::Slow));
}

#[tokio::test]
async fn connection_ends_with_the_attempt() {
    let mut rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (gone, mut ends) = mpsc::channel(64);
    rig.run(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        gone.try_send(read.is_ok()).unwrap();
    });
    let body = json!({ "address": format!("a.bdc.test:{port}") });
    let report = rig.attempt_within(Duration::from_millis(200), "grpc", body).await;
    assert_fail(&report, ReasonKind::Timeout, "waiting for an answer from");
    assert!(tokio::time::timeout(Duration::from_secs(5), ends.recv()).await.is_ok());
}

#[tokio::test]
async fn each_attempt_opens_a_connection_of_its_own() {
    let mut rig = Rig::new();
    let (port, _heads) = serve(&mut rig, None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            open.spawn(async move {
                let mut far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    for _ in 0..3 {
        assert_eq!(ask(&rig, relay, "").await.outcome, Outcome::Pass);
    }
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[test]
fn trouble_of_our_own_is_unknown() {
    let error = io::Error::other(io::Error::from_raw_os_error(24));
    let outcome = dial::failed(&error, crate::probe::Phase::Processing, "a.bdc.test", 1);
    assert_eq!((outcome.label(), outcome.reason().unwrap().kind), ("unknown", ReasonKind::Local));
}

#[test]
fn metadata_that_the_call_sets_itself_is_refused() {
    let rig = Rig::new();
    let kind = crate::probe::kind("grpc").unwrap();
    for (field, value) in [
        ("metadata", json!({ "te": "x" })),
        ("metadata", json!({ "grpc-timeout": "1S" })),
        ("metadata", json!({ "a b": "x" })),
        ("authority", json!("a b")),
    ] {
        let body = json!({ "address": "a.bdc.test:1", field: value });
        let record = crate::field::from_json(&body, kind.fields).unwrap();
        assert!((kind.build)(&record, &rig.context).is_err(), "{body}");
    }
}
