//! What goes wrong with those that speak HTTP first: `grpc`, `http`, `journey`, `websocket`.
//!
//! Not here: connections and TLS (`shared`).

use super::Stage;
use crate::domain::ReasonKind;
use crate::probe::aim::{HOST, aimed, in_tls, with};
use crate::probe::tests::Reply;
use crate::probe::{grpc, websocket};
use serde_json::{Value, json};

const CLOSED: Reply =
    |_| b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n".to_vec();
const BROKEN: Reply = |_| b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".to_vec();
const PAGE: Reply = |_| b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nclosed 2day".to_vec();
const STRANGE: Reply = |_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec();
const RING: Reply = |_| b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n".to_vec();
const HALF: Reply = |_| b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf".to_vec();

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match stage.kind {
        "grpc" => grpc(stage, reason).await,
        "websocket" => websocket(stage, reason).await,
        _ => pages(stage, reason).await,
    }
}

/// A probe of a server that replies so, with expectations.
async fn add<'a>(
    stage: &'a mut Stage,
    what: &'static str,
    reply: Reply,
    expect: Value,
    parts: &[&str],
) -> &'a mut super::Case {
    let port = stage.rig.serve(reply).await;
    let body = aimed(stage.kind, HOST, port).remove(0);
    let body = expecting(stage.kind, body, expect);
    stage.add(what, body, parts)
}

fn expecting(kind: &str, mut body: Value, expect: Value) -> Value {
    match kind {
        "http" => body["expect"] = expect,
        "journey" => body["steps"][0]["expect"] = expect,
        _ => {}
    }
    body
}

/// `http` and `journey`, whose sentences differ by the name of the step.
async fn pages(stage: &mut Stage, reason: ReasonKind) {
    let none = || json!({});
    let step = if stage.kind == "journey" { "step 1 \"home\": " } else { "" };
    let text = |text: &str| format!("{step}{text}");
    match reason {
        ReasonKind::Status => {
            let parts = [&*text("expected status 200-299, got 500 Internal Server Error")];
            add(stage, "is broken", BROKEN, none(), &parts).await;
            add(stage, "may be broken", BROKEN, json!({ "degraded_status": 500 }), &parts).await.degraded();
        }
        ReasonKind::Content => {
            let expect = json!({ "body_contains": "open" });
            let parts = [&*text("expected \"open\" in the body, which begins \"closed 2day\"")];
            add(stage, "says something else", PAGE, expect, &parts).await;
            let expect = json!({ "json": [{ "path": "$.state", "equals": "UP" }] });
            add(stage, "is no JSON", PAGE, expect, &[&text("expected JSON, got \"closed 2day\"")]).await;
        }
        ReasonKind::Maintenance => {
            let parts = [&*text("expected status 200-299, got 503 Service Unavailable (retry-after 3600)")];
            add(stage, "says when to come back", CLOSED, none(), &parts).await;
            let port = stage.rig.serve(PAGE).await;
            let body = aimed(stage.kind, HOST, port).remove(0);
            let body = with(stage.kind, body, "maintenance_text", json!("closed"));
            let parts = [&*text("got 200 OK with the maintenance notice \"closed\"")];
            stage.add("shows the notice", body, &parts);
        }
        ReasonKind::Protocol => {
            let named = format!("{HOST}:");
            add(stage, "is another server", STRANGE, none(), &[step, &named, " gave no HTTP answer: "]).await;
            add(stage, "redirects in a ring", RING, none(), &[step, "redirected more than 5 times, at last to "]).await;
            add(stage, "ends in the middle", HALF, none(), &[step, &named]).await;
            add(
                stage,
                "speaks an older HTTP",
                PAGE,
                json!({ "version": "2" }),
                &[&text("expected HTTP/2, got HTTP/1.1")],
            )
            .await;
        }
        ReasonKind::Certificate => {
            let config = stage.rig.certificate_for_days(HOST, 20);
            let port =
                stage.rig.serve_tls(config, |_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup".to_vec()).await;
            for (what, expect, label) in [
                ("ends soon", json!({ "certificate_warn_before": "30d" }), "degraded"),
                ("ends too soon", json!({ "certificate_fail_before": "30d" }), "fail"),
            ] {
                let body = expecting(stage.kind, in_tls(stage.kind, HOST, port).remove(0), expect);
                stage.add(what, body, &[&text("the certificate expires in 19 days, at ")]).label = label;
            }
        }
        ReasonKind::Slow => {
            let late: Reply = |head| {
                let began = tokio::time::Instant::now();
                while began.elapsed().as_millis() < 5 {
                    std::hint::spin_loop();
                }
                PAGE(head)
            };
            let parts = [step, "took ", ", expected at most 1 ms"];
            add(stage, "is too slow", late, json!({ "fail_slower_than": "1ms" }), &parts).await;
        }
        _ => {}
    }
}

async fn grpc(stage: &mut Stage, reason: ReasonKind) {
    let cases: &[(&'static str, &str, &str)] = match reason {
        ReasonKind::Timeout => &[("gives up", "too.late", "got DEADLINE_EXCEEDED: deadline")],
        ReasonKind::Status => &[
            ("does not serve", "not.serving", "got NOT_SERVING"),
            ("does not know the service", "unknown", "got NOT_FOUND; the server does not know it: check `service`"),
            ("is behind a broken gateway", "bad.gateway", "got HTTP 502 Bad Gateway"),
        ],
        ReasonKind::Maintenance => &[("says when to come back", "closed.for.repair", "(retry-after 3600)")],
        ReasonKind::Protocol => &[
            ("shows a page", "page", "expected application/grpc from a.bdc.test:"),
            ("says too much", "long", "sent a message above 4096 bytes, expected a few"),
            ("has a status of its own", "from.the.future", "got status 9, which the health service has not"),
        ],
        _ => &[],
    };
    if cases.is_empty() {
        return;
    }
    let (port, _heads) = grpc::tests::serve(&mut stage.rig, None).await;
    for (what, service, text) in cases {
        let body = json!({ "address": format!("{HOST}:{port}"), "service": service });
        stage.add(what, body, &["expected ", &format!("{HOST}:{port}"), text]);
    }
    if reason == ReasonKind::Protocol {
        let port = grpc::tests::says(&mut stage.rig, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let body = aimed("grpc", HOST, port).remove(0);
        stage.add("is another server", body, &[&format!("{HOST}:{port} gave no answer of gRPC: ")]);
        let port = grpc::tests::says(&mut stage.rig, b"").await;
        let text = format!("{HOST}:{port} gave no answer of gRPC: it closed the connection");
        stage.add("hears us, and hangs up", aimed("grpc", HOST, port).remove(0), &[&text]);
    }
}

async fn websocket(stage: &mut Stage, reason: ReasonKind) {
    let none = || json!({});
    let from = format!("from {HOST}:");
    match reason {
        ReasonKind::Status => {
            let parts = ["expected status 101", &*from, "got 500 Internal Server Error"];
            add(stage, "is broken", BROKEN, none(), &parts).await;
            let parts = ["expected status 101", &*from, "got 302 Found to /again; put that into `url`"];
            add(stage, "redirects", RING, none(), &parts).await;
        }
        ReasonKind::Maintenance => {
            let parts = ["expected status 101", &*from, "got 503 Service Unavailable (retry-after 3600)"];
            add(stage, "says when to come back", CLOSED, none(), &parts).await;
        }
        ReasonKind::Protocol => {
            let parts = [&*format!("{HOST}:"), "broke the protocol of WebSocket: "];
            add(stage, "is another server", STRANGE, none(), &parts).await;
        }
        ReasonKind::Content => {
            let port = websocket::tests::serve(&mut stage.rig, None).await;
            let body = |path: &str| json!({ "url": format!("ws://{HOST}:{port}{path}"), "expect": "pong" });
            let parts = ["expected a match of /pong/", &*from, "got 32 other messages, the last being \"noise\""];
            stage.add("says something else", body("/chatty"), &parts);
            let parts = ["expected a match of /pong/", &*from, "got close 1012 \"upgrading\""];
            stage.add("says good-bye", body("/goodbye"), &parts);
        }
        _ => {}
    }
}
