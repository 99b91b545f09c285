//! `http` by behaviour.

use super::{Answer, Expect, Seen};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{HANG, Rig, assert_fail, black_hole, closed_port, resetter};
use crate::probe::{BuildContext, Report, attempt};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;

mod expectations;
mod heads;
mod ways;

const SHORT: Duration = Duration::from_secs(1);

fn page(head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn good(_: &str) -> Vec<u8> {
    page("200 OK", "<h1>一网通办</h1>")
}

async fn get(rig: &Rig, port: u16, expect: serde_json::Value) -> Report {
    rig.attempt("http", json!({ "url": format!("http://a.huangpu.test:{port}/"), "expect": expect })).await
}

#[tokio::test]
async fn https_page_passes_with_every_phase_and_the_certificate() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate("a.huangpu.test", (2020, 2090)), good).await;
    let url = format!("https://a.huangpu.test:{port}/");
    let report = rig.attempt("http", json!({ "url": url, "expect": { "body_contains": "一网通办" } })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let phases = &report.phases;
    assert!(
        [phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer].iter().all(Option::is_some)
    );
    assert_eq!(report.http_status, Some(200));
    assert_eq!(report.certificate_not_after.unwrap().to_string(), "2090-01-01T00:00:00Z");
    let trace: Vec<&str> = report.trace.iter().map(|line| &*line.text).collect();
    assert!(trace.iter().any(|line| line.starts_with("certificate 1: CN=City Root")), "{trace:#?}");
}

#[tokio::test]
async fn refusing_resetting_and_silent_targets_are_told_apart() {
    let mut rig = Rig::new();
    let ((closed, _socket), reset) = (closed_port(), resetter(&mut rig).await);
    let mute = rig.serve(|_| Vec::new()).await;
    let stranger = rig.serve(|_| b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    let report = get(&rig, closed, json!({})).await;
    assert_fail(&report, ReasonKind::Connect, &format!("a.huangpu.test:{closed} refused the connection"));
    assert_eq!((report.phases.processing, report.phases.connect.is_some()), (None, true));
    assert_fail(&get(&rig, reset, json!({})).await, ReasonKind::Connect, "reset the connection before answering");
    assert_fail(&get(&rig, mute, json!({})).await, ReasonKind::Protocol, "gave no HTTP answer");
    assert_fail(&get(&rig, stranger, json!({})).await, ReasonKind::Protocol, "gave no HTTP answer");
}

#[tokio::test]
async fn time_out_names_the_phase_it_was_in() {
    let mut rig = Rig::new();
    let (full, _sockets) = black_hole().await;
    let silent = rig.serve(|_| HANG.to_vec()).await;
    let half = rig.serve(|_| [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf", HANG].concat()).await;
    let cases = [
        ("http", full, "still connecting to"),
        ("http", silent, "still waiting for an answer from"),
        ("http", half, "still reading the answer of"),
        ("https", silent, "still in the TLS handshake with"),
    ];
    let attempts = cases.map(|(scheme, port, part)| {
        let rig = &rig;
        async move {
            let url = format!("{scheme}://a.huangpu.test:{port}/");
            let report = rig.attempt_within(SHORT, "http", json!({ "url": url })).await;
            assert_fail(&report, ReasonKind::Timeout, &format!("{part} a.huangpu.test:{port}"));
        }
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn name_that_cannot_exist_does_not_resolve() {
    let rig = Rig::new();
    // A label of 64 letters is refused on this machine already, so no question leaves it.
    let url = format!("http://{}.invalid/", "x".repeat(64));
    let report = rig.attempt("http", json!({ "url": url })).await;
    assert_fail(&report, ReasonKind::Resolve, ".invalid does not resolve");
    assert_eq!((report.phases.resolve.is_some(), report.phases.connect), (true, None));
}

#[tokio::test]
async fn bad_certificates_are_sentences_and_the_chain_is_captured_all_the_same() {
    let mut rig = Rig::new();
    let cases = [
        (rig.certificate("a.huangpu.test", (2020, 2021)), ReasonKind::Certificate, "expired at 2021-01-01T00:00:00Z"),
        (
            rig.certificate("b.huangpu.test", (2020, 2090)),
            ReasonKind::Tls,
            "certificate is for b.huangpu.test, not for a.huangpu.test",
        ),
        (Rig::self_signed("a.huangpu.test"), ReasonKind::Tls, "no known authority vouches for"),
    ];
    for (config, kind, part) in cases {
        let port = rig.serve_tls(config, good).await;
        let report = rig.attempt("http", json!({ "url": format!("https://a.huangpu.test:{port}/") })).await;
        assert_fail(&report, kind, part);
        assert!(report.certificate_not_after.is_some());
        assert!(report.trace.iter().any(|line| line.text.starts_with("certificate 0: ")), "{:#?}", report.trace);
    }
}

#[tokio::test]
async fn certificate_that_is_due_degrades() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate_for_days("a.huangpu.test", 10), good).await;
    let url = format!("https://a.huangpu.test:{port}/");
    let with = |days| json!({ "url": url, "expect": { "certificate_warn_before": days } });
    assert_eq!(rig.attempt("http", with("8d")).await.outcome, Outcome::Pass);
    let report = rig.attempt("http", with("30d")).await;
    assert_eq!(report.outcome.label(), "degraded");
    assert!(report.outcome.reason().unwrap().text.starts_with("the certificate expires in 9 days, at "));
}

#[tokio::test]
async fn redirects_are_followed_counted_and_carry_no_credentials_to_strangers() {
    let mut rig = Rig::new();
    let ring = rig.serve(|_| b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    assert_fail(&get(&rig, ring, json!({})).await, ReasonKind::Protocol, "redirected more than 5 times");
    assert_eq!(rig.connections.load(Ordering::SeqCst), 6);
    let hop = rig
        .serve(|head| match head.split(' ').nth(1).unwrap() {
            "/" => page("302 Found\r\nlocation: /same", ""),
            "/same" if head.contains("authorization: secret") => {
                let port = head.split("huangpu.test:").nth(1).unwrap().split("\r\n").next().unwrap();
                page(&format!("301 Moved\r\nlocation: http://b.xuhui.test:{port}/other"), "")
            }
            "/other" if !head.contains("authorization") && head.starts_with("GET") => page("200 OK", "there"),
            _ => page("500 Wrong", head),
        })
        .await;
    let url = format!("http://a.huangpu.test:{hop}/");
    let body = json!({ "url": url, "authorization": "secret", "method": "POST", "body": "x\n" });
    let report = rig.attempt("http", body).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert!(!format!("{report:?}").contains("secret"));
}

/// A gzip stream of blanks: one literal, then matches of 258 bytes at distance 1, 13 bits each.
fn bomb(_: &str) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let push = |bits: &mut Vec<bool>, code: u32, width: u32| {
        bits.extend((0..width).rev().map(|bit| code >> bit & 1 == 1));
    };
    push(&mut bits, 0x50, 8);
    (0..400_000).for_each(|_| push(&mut bits, 0b1_1000_1010_0000, 13));
    push(&mut bits, 0, 7);
    let pack = |chunk: &[bool]| chunk.iter().enumerate().fold(0u8, |byte, (i, bit)| byte | u8::from(*bit) << i);
    let packed: Vec<u8> = bits.chunks(8).map(pack).collect();
    let body = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], packed.as_slice(), &[0; 8]].concat();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

#[tokio::test]
async fn huge_bodies_and_gzip_bombs_are_read_up_to_the_cap_only() {
    let mut rig = Rig::new();
    let huge = rig.serve(|_| page("200 OK", &"x".repeat(3 << 20))).await;
    let bomb = rig.serve(bomb).await;
    let report = get(&rig, huge, json!({})).await;
    assert_eq!(report.outcome, Outcome::Pass);
    let read = |report: &Report| report.trace.last().unwrap().text.to_string();
    assert_eq!(read(&report), "read 1048576 bytes, and left the rest");
    let report = get(&rig, bomb, json!({ "not_blank": false })).await;
    assert_eq!((read(&report).as_str(), report.outcome), ("read 1048576 bytes, and left the rest", Outcome::Pass));
    let report = get(&rig, huge, json!({ "body_contains": "y" })).await;
    assert_fail(&report, ReasonKind::Content, "expected \"y\" in the part of the body that was read");
}

#[tokio::test]
async fn answers_are_judged_by_what_was_expected() {
    let mut rig = Rig::new();
    let at = |rig: &mut Rig, reply| {
        let port = futures_util::FutureExt::now_or_never(rig.serve(reply)).unwrap();
        move |expect| (port, expect)
    };
    let good = at(&mut rig, good);
    let blank = at(&mut rig, |_| page("200 OK", " \r\n\t"));
    let down = at(&mut rig, |_| page("503 Service Unavailable\r\nretry-after: 3600", "系统维护中"));
    let error = at(&mut rig, |_| page("503 Service Unavailable", "x"));
    let notice = at(&mut rig, |_| page("200 OK", "系统维护中，请稍候"));
    let busy = at(&mut rig, |_| page("429 Too Many Requests", "x"));
    let degraded = |kind, text| ("degraded", kind, text);
    let fail = |kind, text| ("fail", kind, text);
    use ReasonKind::*;
    let cases = [
        (blank(json!({})), fail(Content, "got 200 OK with a blank page")),
        (blank(json!({ "not_blank": false, "body_regex": "x" })), fail(Content, "got 200 OK with a blank page")),
        (
            down(json!({ "status": 200 })),
            fail(Maintenance, "expected status 200, got 503 Service Unavailable (retry-after 3600)"),
        ),
        (error(json!({})), fail(Status, "expected status 200-299, got 503 Service Unavailable")),
        (good(json!({ "status": [204, 301] })), fail(Status, "expected status 204, 301, got 200 OK")),
        (notice(json!({})), fail(Maintenance, "got 200 OK with the maintenance notice \"系统维护中\"")),
        (busy(json!({ "degraded_status": 429 })), degraded(Status, "expected status 200-299, got 429")),
        (good(json!({ "body_contains": ["一网通办", "随申办"] })), fail(Content, "expected \"随申办\" in the body")),
        (good(json!({ "body_regex": "^x" })), fail(Content, "expected a match of /^x/ in the body")),
        (good(json!({ "headers": { "x-a": "b" } })), fail(Content, "expected header x-a: b, got none")),
        (good(json!({ "headers": { "content-type": "json" } })), fail(Content, "json, got text/html")),
    ];
    for ((port, expect), (label, kind, part)) in cases {
        let url = format!("http://a.huangpu.test:{port}/");
        let body = json!({ "url": url, "expect": expect, "maintenance_text": "系统维护中" });
        let report = rig.attempt("http", body).await;
        let reason = report.outcome.reason().unwrap_or_else(|| panic!("{part}: {report:#?}"));
        assert!(report.outcome.label() == label && reason.kind == kind && reason.text.contains(part), "{report:#?}");
    }
    let (port, _) = down(json!({}));
    let report = get(&rig, port, json!({ "status": 503 })).await;
    assert_eq!(report.outcome, Outcome::Pass, "a probe may expect exactly that");
}

#[tokio::test]
async fn rules_change_the_address_and_the_port_but_never_the_host_header() {
    let mut rig = Rig::new();
    let port = rig.serve(echo_host).await;
    for (url, at, host) in
        [("http://a.huangpu.test/", 80, "a.huangpu.test"), ("http://a.huangpu.test:8080/", 8080, "a.huangpu.test:8080")]
    {
        let mut network = (*rig.context.network).clone();
        network.connect_to[0].port_offset = port.wrapping_sub(at);
        rig.context = BuildContext::new(Arc::new(network), Arc::clone(&rig.context.heartbeats));
        let expect = json!({ "body_regex": format!("^{host}$") });
        let report = rig.attempt("http", json!({ "url": url, "expect": expect })).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    }
}

fn echo_host(head: &str) -> Vec<u8> {
    let host = head.split("host: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    page("200 OK", host.unwrap_or_default())
}

#[test]
fn answer_that_is_right_but_late_degrades_and_much_later_fails() {
    let limit = |s| Some(Duration::from_secs(s));
    let expect = Expect { slower_than: limit(3), fail_slower_than: limit(9), ..Expect::default() };
    let (status, version, headers) = (http::StatusCode::OK, http::Version::HTTP_11, http::HeaderMap::new());
    let url = reqwest::Url::parse("http://a.test/").unwrap();
    let answer = Answer { status, version, headers, body: "x".into(), cut: false, got: true, url };
    let seen = |ms| Seen {
        now: crate::domain::Timestamp(0),
        answer: &answer,
        took: Duration::from_millis(ms),
        not_after: None,
    };
    assert_eq!(expect.judge(&seen(3_000)), Outcome::Pass);
    assert_eq!(expect.judge(&seen(3_200)), Outcome::degraded(ReasonKind::Slow, "took 3.2 s, expected at most 3 s"));
    assert_eq!(expect.judge(&seen(9_500)), Outcome::fail(ReasonKind::Slow, "took 9.5 s, expected at most 9 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_opens_its_own_connection_also_with_200_at_once() {
    let mut rig = Rig::new();
    let port = rig.serve(echo_host).await;
    let mut attempts = JoinSet::new();
    for n in 0..200 {
        let host = if n % 2 == 0 { "a.huangpu.test" } else { "b.huangpu.test" };
        let url = format!("http://{host}:{port}/");
        let prober = rig.prober("http", json!({ "url": url, "expect": { "body_contains": format!("{host}:{port}") } }));
        attempts.spawn(async move {
            let clock = crate::clock::SystemClock::default();
            let report = attempt(&*Arc::clone(&prober), Duration::from_secs(30), &clock).await;
            (report.outcome, report.phases.connect.is_some())
        });
    }
    for seen in attempts.join_all().await {
        assert_eq!(seen, (Outcome::Pass, true));
    }
    assert_eq!(rig.connections.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn says_who_it_is_as_it_was_told() {
    let mut rig = Rig::new();
    let agent = |head: &str| {
        let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with("user-agent: "));
        let body = found.unwrap_or_default().to_owned();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let port = rig.serve(agent).await;
    rig.context.introduce("gengfu/9 (+https://gengfu.bdc.test)");
    let said = "gengfu/9 (+https://gengfu.bdc.test)";
    let body = json!({ "url": format!("http://a.test:{port}/"), "expect": { "body_contains": said } });
    assert_eq!(rig.attempt("http", body).await.outcome, Outcome::Pass);
}
