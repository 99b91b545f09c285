//! Every door asked, and what it takes and answers held against the document.

use super::house::House;
use super::orders::{changes, concrete, longer_orders, orders};
use super::*;
use crate::domain::order::WhyNot;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use tower::ServiceExt;

/// Doors that read, each with questions: the first is answered with 200 to an administrator.
const QUESTIONS: [(&str, &[&str]); 30] = [
    ("/", &["/"]),
    ("/openapi.json", &["/openapi.json"]),
    ("/status", &["/status"]),
    ("/whoami", &["/whoami"]),
    ("/audit", &["/audit?limit=2", "/audit?format=csv", "/audit?format=jsonl", "/audit?format=xml", "/audit?limit=x"]),
    ("/subsystems", &["/subsystems", "/subsystems?owner=bdc"]),
    (
        "/subsystems/{owner}/{id}",
        &[
            "/subsystems/bdc/exchange-district",
            "/subsystems/bdc/e-archive",
            "/subsystems/jinshan/portal",
            "/subsystems/bdc/nobody",
            "/subsystems/bdc/%FF",
        ],
    ),
    (
        "/subsystems/{owner}/{id}/timeline",
        &[
            "/subsystems/bdc/exchange-district/timeline?from=2026-11-20T00:00",
            "/subsystems/jinshan/portal/timeline",
            "/subsystems/bdc/exchange-district/timeline?from=soon",
            "/subsystems/bdc/nobody/timeline",
        ],
    ),
    (
        "/subsystems/{owner}/{id}/attempts",
        &["/subsystems/bdc/exchange-district/attempts", "/subsystems/bdc/nobody/attempts"],
    ),
    ("/composites", &["/composites"]),
    ("/incidents", &["/incidents", "/incidents?state=closed", "/incidents?state=odd"]),
    ("/incidents/{id}", &["/incidents/INC-0421", "/incidents/424", "/incidents/425", "/incidents/INC-9999"]),
    ("/filings", &["/filings"]),
    ("/filings/{id}", &["/filings/INC-0421", "/filings/417", "/filings/1"]),
    ("/windows", &["/windows", "/windows?owner=bdc&from=2026-11-01", "/windows?to=never"]),
    ("/windows/{id}/impact", &["/windows/bdc-urgent.00000001/impact", "/windows/none/impact"]),
    ("/notices", &["/notices", "/notices?channel=kiosks", "/notices?channel=radio", "/notices?owner=nobody"]),
    ("/plans/runs", &["/plans/runs"]),
    ("/plans/runs/{id}", &["/plans/runs/jinshan-upgrade.00000001.1", "/plans/runs/none"]),
    ("/on-call", &["/on-call", "/on-call?at=2026-12-03T12:00", "/on-call?owner=nobody", "/on-call?at=soon"]),
    ("/silences", &["/silences"]),
    ("/outbox", &["/outbox"]),
    (
        "/gate",
        &[
            "/gate?subsystem=bdc/identity&for=40m",
            "/gate?subsystem=bdc/identity&for=40m&at=2026-11-25T10:00",
            "/gate?subsystem=bdc/identity",
            "/gate?subsystem=bdc/nobody&for=40m",
        ],
    ),
    ("/sla", &["/sla", "/sla?period=2026-W47&owner=bdc", "/sla?period=never"]),
    (
        "/sla/statement",
        &[
            "/sla/statement",
            "/sla/statement?subsystem=bdc/exchange-district",
            "/sla/statement?composite=apply",
            "/sla/statement?owner=jinshan",
            "/sla/statement?owner=bdc&composite=apply",
            "/sla/statement?subsystem=bdc/nobody",
        ],
    ),
    ("/hours", &["/hours?owner=bdc", "/hours"]),
    ("/corrections", &["/corrections", "/corrections?subsystem=bdc/identity"]),
    ("/heartbeat/{token}", &["/heartbeat/t0ken", "/heartbeat/t0ken?member=1", "/heartbeat/wrong"]),
    ("/heartbeat/{token}/{what}", &["/heartbeat/t0ken/start", "/heartbeat/t0ken/7", "/heartbeat/t0ken/x"]),
    ("/events", &["/events"]),
];

async fn questions(house: &House) {
    house.look("/whoami", "/whoami", Some("bdc")).await;
    for (door, paths) in QUESTIONS {
        for (n, path) in paths.iter().enumerate() {
            let known = house.look(door, path, Some("admin")).await;
            let expected = if door == "/" { StatusCode::NOT_FOUND } else { StatusCode::OK };
            house.must(n > 0 || known == expected, || format!("{path}: {known}"));
            house.look(door, path, None).await;
        }
        // The first tokens that nobody holds are refused, and those that follow come too often.
        let unknown = house.look(door, paths[0], Some("nobody's")).await;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&unknown);
        house.must(refused, || format!("{door}: {unknown}"));
    }
}

#[tokio::test]
async fn what_is_taken_and_answered_is_what_is_described_and_every_described_field_is_there() {
    let house = House::build().await;
    questions(&house).await;
    orders(&house).await;
    longer_orders(&house).await;
    for kind in
        [WhyNot::Unknown, WhyNot::Forbidden, WhyNot::Senseless, WhyNot::Conflict, WhyNot::Denied, WhyNot::Unrecorded]
    {
        *house.refuses.lock().unwrap() = Some(kind);
        let door = "/schedules/{id}/approve";
        let answer =
            house.ask((&Method::POST, door), "/schedules/bdc-monthly/approve", Some("admin"), &Value::Null).await;
        house.must(!answer.status.is_success(), || format!("{kind:?} is no refusal"));
    }
    let described: BTreeSet<String> = each(&described()).map(|(path, method, _)| format!("{method} {path}")).collect();
    let asked = QUESTIONS.iter().map(|(door, _)| format!("get {BELOW}{door}"));
    let asked: BTreeSet<String> = asked.chain(described.iter().filter(|d| d.starts_with("post")).cloned()).collect();
    assert_eq!(asked, described, "a door was not asked");
    house.judge.unseen().iter().for_each(|field| house.must(false, || format!("{field} was never told")));
    let faults = house.faults.into_inner();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What the door itself says of a word that it does not know names the words that the document names.
#[tokio::test]
async fn the_words_that_a_path_may_end_in_are_those_that_the_door_knows() {
    let house = House::build().await;
    for (door, words, _) in changes(&described()).iter().filter(|(_, words, _)| words.len() > 1) {
        let answer =
            house.send(Method::POST, &concrete(door, "dance", &house.message), Some("admin"), Body::empty()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{door}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let detail = problem["detail"].as_str().unwrap().replace("\\\"", "");
        let (before, after) = detail.split_once("\"dance\"").unwrap();
        let listed = if after.is_empty() { before.trim_end_matches(", not ") } else { after };
        let known: BTreeSet<&str> =
            listed.split([' ', ',', ';']).filter(|word| words.iter().any(|w| w == word)).collect();
        assert_eq!(known.len(), words.len(), "{door}: {words:?} and {detail:?}");
        let commas = listed.matches(", ").count();
        assert_eq!(commas + 2, words.len(), "{door} knows others: {detail:?}");
    }
}

#[tokio::test]
async fn whoever_has_the_document_is_told_so_in_a_few_bytes() {
    let house = House::build().await;
    let request = || Request::builder().uri(format!("{BELOW}/openapi.json")).header(header::HOST, "127.0.0.1");
    let first = house.app.clone().oneshot(request().body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(
        (first.status(), &first.headers()[header::CACHE_CONTROL]),
        (StatusCode::OK, &"no-cache".parse().unwrap())
    );
    let tag = first.headers()[header::ETAG].clone();
    let again = request().header(header::IF_NONE_MATCH, &tag).body(Body::empty()).unwrap();
    let again = house.app.clone().oneshot(again).await.unwrap();
    assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
    assert!(to_bytes(again.into_body(), 1 << 20).await.unwrap().is_empty());
}
