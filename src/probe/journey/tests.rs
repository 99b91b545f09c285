//! `journey` by behaviour.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{HANG, Rig, assert_fail, closed_port};
use crate::probe::{Report, kind};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn reply(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A service with a login, a form, and a logout that wants both the cookie and the token.
fn service(head: &str) -> Vec<u8> {
    let (line, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let known = rest.contains("cookie: session=c00kie") && rest.contains("authorization: Bearer t0ken/1");
    match line.trim_end_matches(" HTTP/1.1") {
        "GET /api/login?user=pr%20obe" => {
            reply("200 OK", "set-cookie: session=c00kie\r\nx-form: f0rm-seven\r\n", "{\"token\":\"t0ken/1\",\"id\":7}")
        }
        "GET /api/cases/7" if known => reply("200 OK", "", "{\"cases\":[1],\"next\":\"<a href='/api/next'>\"}"),
        "POST /api/submit?form=f0rm-seven" if known => reply("201 Created", "", "done"),
        "POST /api/logout" if known => reply("204 No Content", "", ""),
        "GET /api/hang" => HANG.to_vec(),
        _ => reply("500 Wrong", "", &format!("no answer to {head}")),
    }
}

fn body(port: u16, middle: Value) -> Value {
    json!({
        "base": format!("http://a.huangpu.test:{port}/api/"),
        "variables": { "user": "pr obe" },
        "steps": [
            { "name": "login", "url": "login?user={{user}}", "extract": {
                "token": { "json": "$.token" }, "id": { "json": "$.id" }, "form": { "header": "x-form" },
            } },
            middle,
        ],
        "cleanup": [
            { "name": "logout", "url": "logout", "method": "POST", "authorization": "Bearer {{token}}",
              "expect": { "status": 204 } },
        ],
    })
}

fn cases() -> Value {
    json!({ "name": "cases", "url": "cases/{{id}}", "headers": { "authorization": "Bearer {{token}}" },
            "expect": { "json": [{ "path": "$.cases[*]", "count": 1 }] },
            "extract": { "next": { "regex": "href='([^']+)'" } } })
}

fn trace(report: &Report) -> String {
    report.trace.iter().map(|line| format!("{}\n", line.text)).collect()
}

#[tokio::test]
async fn cookies_and_values_go_from_step_to_step_and_are_never_shown() {
    let mut rig = Rig::new();
    let port = rig.serve(service).await;
    let mut journey = body(port, cases());
    let submit = json!({ "name": "submit", "url": "submit?form={{form}}", "method": "POST",
                         "authorization": "Bearer {{token}}", "expect": { "status": 201 } });
    journey["steps"].as_array_mut().unwrap().push(submit);
    let report = rig.attempt("journey", journey).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(rig.connections.load(Ordering::SeqCst), 4, "a connection for each step");
    let trace = trace(&report);
    for part in ["step 1 \"login\"", "step 3 \"submit\" took ", "cleanup step 1 \"logout\" took ", "form={{form}}"] {
        assert!(trace.contains(part), "{part}: {trace}");
    }
    for secret in ["t0ken", "c00kie", "f0rm-seven", "pr obe", "pr%20obe"] {
        assert!(!format!("{report:?}").contains(secret), "{secret}: {trace}");
    }
    let phases = report.phases;
    let sum =
        [phases.resolve, phases.connect, phases.processing, phases.transfer].into_iter().flatten().sum::<Duration>();
    assert!(sum <= report.took && phases.tls.is_none(), "{sum:?} of {:?}", report.took);
}

#[tokio::test]
async fn verdict_names_the_step_and_cleanup_runs_all_the_same() {
    let mut rig = Rig::new();
    let port = rig.serve(service).await;
    let wrong = json!({ "name": "submit", "url": "submit?form={{token}}" });
    let report = rig.attempt("journey", body(port, wrong)).await;
    assert_fail(
        &report,
        ReasonKind::Status,
        "step 2 \"submit\": expected status 200-299, got 500 Internal Server Error",
    );
    assert!(trace(&report).contains("cleanup step 1 \"logout\" took"), "{report:#?}");
    let echo = json!({ "name": "echo", "url": "x?{{token}}", "expect": { "status": 500, "body_contains": "y" } });
    let report = rig.attempt("journey", body(port, echo)).await;
    assert_fail(&report, ReasonKind::Content, "which begins \"no answer to GET /api/x?{{token}}");
    let lacking = json!({ "name": "a", "url": "cases/{{id}}", "headers": { "authorization": "Bearer {{token}}" },
                          "extract": { "more": { "json": "$.more" } } });
    let report = rig.attempt("journey", body(port, lacking)).await;
    assert_fail(&report, ReasonKind::Content, "step 2 \"a\": expected {{more}} at $.more, got nothing there in ");
    let first = json!({ "name": "first", "url": "login" });
    let mut journey = body(port, first.clone());
    journey["steps"] = json!([first, journey["steps"][0]]);
    let report = rig.attempt("journey", journey).await;
    assert_fail(&report, ReasonKind::Status, "step 1 \"first\": ");
    assert!(trace(&report).contains("left out, since {{token}} is not known"), "{report:#?}");
}

#[tokio::test]
async fn cleanup_that_fails_or_a_slow_journey_degrades() {
    let mut rig = Rig::new();
    let port = rig.serve(service).await;
    let mut journey = body(port, cases());
    journey["cleanup"][0]["expect"] = json!({ "status": 200 });
    let report = rig.attempt("journey", journey).await;
    let text = "cleanup step 1 \"logout\": expected status 200, got 204 No Content";
    assert_eq!(report.outcome, Outcome::degraded(ReasonKind::Status, text));
    let mut journey = body(port, cases());
    journey["slower_than"] = json!("1ms");
    let report = rig.attempt("journey", journey).await;
    assert_eq!((report.outcome.label(), report.outcome.reason().unwrap().kind), ("degraded", ReasonKind::Slow));
}

#[tokio::test]
async fn step_that_hangs_cannot_eat_the_share_of_the_cleanup() {
    let mut rig = Rig::new();
    let port = rig.serve(service).await;
    let journey = body(port, json!({ "name": "hang", "url": "hang" }));
    let report = rig.attempt_within(Duration::from_secs(2), "journey", journey.clone()).await;
    // How much was left for the step depends on the machine, so no length is compared.
    assert_fail(&report, ReasonKind::Timeout, "step 2 \"hang\": no result within ");
    assert_fail(&report, ReasonKind::Timeout, "still waiting for an answer from a.huangpu.test:");
    assert!(report.took < Duration::from_secs(2), "{:?}", report.took);
    assert!(trace(&report).contains("HTTP/1.1 204 No Content"), "{report:#?}");
    let mut stuck = body(port, cases());
    stuck["cleanup"] = json!([{ "name": "one", "url": "hang" }, stuck["cleanup"][0]]);
    let report = rig.attempt_within(Duration::from_secs(2), "journey", stuck).await;
    let reason = report.outcome.reason().unwrap_or_else(|| panic!("{report:#?}"));
    assert!(
        report.outcome.label() == "degraded" && reason.text.starts_with("cleanup step 1 \"one\": no result within")
    );
    assert!(trace(&report).contains("HTTP/1.1 204 No Content"), "one stuck step leaves time for the next: {report:#?}");
    let mut bare = journey;
    bare.as_object_mut().unwrap().remove("cleanup");
    let report = rig.attempt_within(Duration::from_secs(1), "journey", bare).await;
    assert_fail(&report, ReasonKind::Timeout, "step 2 \"hang\": no result within ");
}

#[tokio::test]
async fn targets_that_refuse_and_values_that_end_headers_fail_by_name() {
    let mut rig = Rig::new();
    let (closed, _socket) = closed_port();
    let report = rig.attempt("journey", body(closed, cases())).await;
    assert_fail(&report, ReasonKind::Connect, "step 1 \"login\": a.huangpu.test:");
    let port = rig.serve(|_| reply("200 OK", "", "{\"evil\":\"a\\r\\nx: y\",\"link\":\"file:///etc/passwd\"}")).await;
    let base = format!("http://a.huangpu.test:{port}/");
    let extract = json!({ "evil": { "json": "$.evil" }, "link": { "json": "$.link" } });
    let journey =
        |second: Value| json!({ "base": base, "steps": [{ "name": "a", "url": "/", "extract": extract }, second] });
    let report =
        rig.attempt("journey", journey(json!({ "name": "b", "url": "/", "headers": { "x-a": "{{evil}}" } }))).await;
    assert_fail(&report, ReasonKind::Protocol, "step 2 \"b\": header x-a cannot hold the value");
    let report = rig.attempt("journey", journey(json!({ "name": "b", "url": "{{link}}" }))).await;
    assert_fail(&report, ReasonKind::Protocol, "has the scheme `file`");
    assert_eq!(rig.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn what_cannot_work_is_refused_with_its_place_and_a_remedy() {
    let rig = Rig::new();
    let refused = |body: Value| {
        let kind = kind("journey").unwrap();
        let record = crate::field::from_json(&body, kind.fields).unwrap_or_else(|problems| panic!("{problems}"));
        (kind.build)(&record, &rig.context).err().map(|problems| problems.to_string()).unwrap_or_default()
    };
    let step = |step: Value| json!({ "variables": { "token": "x" }, "steps": [step] });
    let cases = [
        (step(json!({ "name": "a", "url": "http://a.test/{{tokn}}" })), "no variable `tokn` is known here"),
        (step(json!({ "name": "a", "url": "http://a.test/{{tokn}}" })), "did you mean `token`?"),
        (step(json!({ "name": "a", "url": "http://a.test/", "body": "{{a" })), "`{{` without `}}`"),
        (step(json!({ "name": "a", "url": "api" })), "write `base`, or the whole address"),
        (step(json!({ "name": "a", "url": "file:///x" })), "has the scheme `file`"),
        (step(json!({ "name": "a", "url": "http://u:p@a.test/" })), "credentials inside an address"),
        (step(json!({ "name": "a", "url": "http://a.test/", "headers": { "x": "a\r\nb" } })), "cannot hold this value"),
        (step(json!({ "name": "a", "url": "http://a.test/", "extract": { "x": { "json": "x" } } })), "begin with"),
        (
            step(json!({ "name": "a", "url": "http://a.test/{{x}}", "extract": { "x": { "json": "$.x" } } })),
            "`x` is known",
        ),
    ];
    for (body, part) in cases {
        let problems = refused(body);
        assert!(problems.contains(part), "{part}: {problems}");
    }
}
