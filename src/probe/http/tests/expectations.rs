//! What is expected of an answer, one failing case each, and what is refused before anything is asked.

use super::page;
use crate::domain::{Outcome, ReasonKind};
use crate::probe::kind;
use crate::probe::tests::Rig;
use serde_json::{Value, json};

fn api(_: &str) -> Vec<u8> {
    let body = "{\"status\":\"DOWN\",\"queue\":7}";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-a: one\r\nx-a: two";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn every_expectation_fails_in_one_sentence_that_shows_what_came() {
    let mut rig = Rig::new();
    let port = rig.serve(api).await;
    use ReasonKind::*;
    let cases = [
        (json!({ "status": ["3xx", "404"] }), Status, "expected status 3xx, 404, got 200 OK"),
        (json!({ "status": "201-299" }), Status, "expected status 201-299, got 200 OK"),
        (
            json!({ "body_lacks": "DOWN" }),
            Content,
            "expected no \"DOWN\" in the body, got \"DOWN\\\",\\\"queue\\\":7}\"",
        ),
        (json!({ "body_lacks_regex": "D.WN" }), Content, "expected no match of /D.WN/ in the body, got \"DOWN"),
        (json!({ "body_regex": ["status", "UP"] }), Content, "expected a match of /UP/ in the body, which begins \"{"),
        (
            json!({ "headers_regex": { "x-a": "^t.o$", "x-b": "." } }),
            Content,
            "expected header x-b to match /./, got none",
        ),
        (json!({ "headers_regex": { "x-a": "three" } }), Content, "expected header x-a to match /three/, got one"),
        (
            json!({ "headers_lack_regex": { "x-a": "two" } }),
            Content,
            "expected no match of /two/ in header x-a, got two",
        ),
        (
            json!({ "json": [{ "path": "$.status", "equals": "UP" }] }),
            Content,
            "expected \"UP\" at $.status, got \"DOWN\"",
        ),
        (json!({ "version": ["1.0", "2"] }), Protocol, "expected HTTP/1.0 or HTTP/2, got HTTP/1.1"),
        (json!({ "tls": "required" }), Protocol, "expected TLS, got \"http://a.huangpu.test:"),
        (
            json!({ "final_url": "/login$" }),
            Content,
            "expected to end at an address that matches //login$/, got \"http://",
        ),
    ];
    for (expect, kind, part) in cases {
        let url = format!("http://a.huangpu.test:{port}/");
        let report = rig.attempt("http", json!({ "url": url, "expect": expect })).await;
        crate::probe::tests::assert_fail(&report, kind, part);
    }
    let expect = json!({
        "status": ["2xx"], "body_lacks": ["UP"], "body_lacks_regex": "X", "version": "1.1", "tls": "refused",
        "headers_regex": { "x-a": "two" }, "headers_lack_regex": { "x-c": "." }, "final_url": "test:[0-9]+/$",
        "json": [{ "path": "$.queue", "at_most": 7 }], "fail_slower_than": "20s",
    });
    let url = format!("http://a.huangpu.test:{port}/");
    let report = rig.attempt("http", json!({ "url": url, "expect": expect })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let cut = json!({ "url": url, "body_bytes_max": 5, "expect": { "json": [{ "path": "$.queue" }] } });
    let report = rig.attempt("http", cut).await;
    crate::probe::tests::assert_fail(&report, Content, "got more than the 5 bytes of it that `body_bytes_max` lets in");
}

#[tokio::test]
async fn certificate_that_is_due_too_soon_fails_and_tls_may_be_refused() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate_for_days("a.huangpu.test", 10), api).await;
    let url = format!("https://a.huangpu.test:{port}/");
    let with = |expect: Value| json!({ "url": url, "expect": expect });
    let report = rig.attempt("http", with(json!({ "certificate_fail_before": "30d" }))).await;
    crate::probe::tests::assert_fail(&report, ReasonKind::Certificate, "the certificate expires in 9 days");
    let report = rig.attempt("http", with(json!({ "tls": "refused" }))).await;
    crate::probe::tests::assert_fail(&report, ReasonKind::Protocol, "expected no TLS, got \"https://");
}

#[tokio::test]
async fn pages_in_chinese_encodings_are_read() {
    let mut rig = Rig::new();
    let port = rig
        .serve(|_| {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=GBK\r\ncontent-length: 4\r\n\r\n";
            [&head[..], &[0xcf, 0xb5, 0xcd, 0xb3]].concat()
        })
        .await;
    let expect = json!({ "body_regex": "^系统$" });
    let report = rig.attempt("http", json!({ "url": format!("http://a.test:{port}/"), "expect": expect })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[tokio::test]
async fn secrets_that_come_back_are_not_shown() {
    let mut rig = Rig::new();
    let port = rig.serve(|head| page("200 OK", head.split("\r\n").last().unwrap_or(head).trim())).await;
    let echo = rig.serve(|head| page("200 OK", &head.replace("\r\n", " "))).await;
    for (port, auth) in
        [(port, json!({ "authorization": "Bearer t0psecret" })), (echo, json!({ "authorization": "Bearer t0psecret" }))]
    {
        let mut body = json!({ "url": format!("http://a.test:{port}/"), "expect": { "body_contains": "y" } });
        body["authorization"] = auth["authorization"].clone();
        body["headers"] = json!({ "accept": "x" });
        let report = rig.attempt("http", body).await;
        assert_eq!(report.outcome.label(), "fail");
        assert!(!format!("{report:?}").contains("t0psecret"), "{report:#?}");
    }
}

#[test]
fn what_cannot_be_sent_or_judged_is_refused_at_its_field() {
    let rig = Rig::new();
    let refused = |more: Value| {
        let mut body = json!({ "url": "https://a.test/" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let kind = kind("http").unwrap();
        let record = match crate::field::from_json(&body, kind.fields) {
            Ok(record) => record,
            Err(problems) => return problems.to_string(),
        };
        (kind.build)(&record, &rig.context).err().map(|problems| problems.to_string()).unwrap_or_default()
    };
    let user = json!({ "user": "a", "password": "b" });
    let cases = [
        (json!({ "headers": { "x": "a\r\nb: c" } }), "a header cannot hold this value"),
        (json!({ "headers": { "x\r\ny": "a" } }), "not the name of a header"),
        (json!({ "headers": { "content-length": "3" } }), "`content-length` is made from the body"),
        (json!({ "authorization": "a\nb" }), "a header cannot hold this value"),
        (json!({ "authorization": "x", "basic_auth": user }), "`basic_auth` beside `authorization`"),
        (json!({ "basic_auth": { "user": "a:b", "password": "c" } }), "a name with a colon"),
        (json!({ "url": "https://a:b@a.test/" }), "credentials inside an address"),
        (json!({ "url": "file:///etc/passwd" }), "scheme"),
        (json!({ "proxy": "http://a:b@p.test:1/" }), "write `proxy_authorization`"),
        (json!({ "proxy": "ftp://p.test/" }), "scheme"),
        (json!({ "proxy_authorization": "Basic x" }), "without a `proxy`"),
        (json!({ "proxy": "socks5://p.test:1080", "proxy_authorization": "x" }), "reads no header"),
        (json!({ "proxy": "http://p.test:1", "address": "b.test:1" }), "neither `address` nor `tls.name` goes with"),
        (json!({ "url": "https://10.0.0.1/", "address": "b.test:1" }), "wants `tls.name`"),
        (json!({ "version": "2", "tls": { "name": "b.test" } }), "HTTP/2 cannot be asked for together with `tls`"),
        (json!({ "expect": { "status": "2x" } }), "`2x` is no set of statuses"),
        (json!({ "expect": { "status": "299-200" } }), "`299-200` is no set of statuses"),
        (json!({ "expect": { "status": 600 } }), "`600` is no set of statuses"),
        (json!({ "expect": { "json": [{ "path": "status" }] } }), "begin with the document: `$.status`"),
        (json!({ "expect": { "json": [{ "path": "$" }] }, "body_bytes_max": 9_000_000 }), "at most 4194304 bytes"),
        (json!({ "expect": { "headers": { "a b": "c" } } }), "not the name of a header"),
    ];
    for (more, part) in cases {
        let problems = refused(more.clone());
        assert!(problems.contains(part), "{more}: {problems}");
    }
    assert_eq!(refused(json!({})), "");
}
