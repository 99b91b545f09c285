//! Filings on their page and in the API: a clock and a draft for those inside, acts for those who may, nothing for strangers.

use super::*;
use crate::domain::filing::{Outcome, Sheet};
use crate::domain::order::{Order, Ordered, Wanted};
use axum::http::HeaderValue;
use tokio::sync::mpsc;

const PAGE: &str = "/incidents/INC-0421/filing?lang=en";

/// A state that carries every order out, and what was ordered.
pub(super) fn obedient() -> (WebState, mpsc::Receiver<Order>) {
    let (mut state, _) = fixture::state(fixture::snapshot());
    let (commands, crate::web::Asked { mut orders, .. }) = crate::web::Commands::channel(64);
    let (given, told) = mpsc::channel(16);
    state.commands = commands;
    tokio_util::task::TaskTracker::new().spawn(async move {
        while let Some(OrderAsked { order, reply }) = orders.recv().await {
            let done = Ordered { subject: order.what.subject(), state: None, span: None, text: Names::default() };
            given.send(order).await.unwrap();
            drop(reply.send(Ok(done)));
        }
    });
    (state, told)
}

#[tokio::test]
async fn the_page_shows_clock_and_draft_to_those_inside_and_forms_to_those_who_may() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let ask = async |peer: &str, path: &str| send(&state, request(peer, Method::GET, path)).await;
    let page = ask("127.0.0.1", PAGE).await.body;
    for part in [
        "report by",
        "50 min left",
        "the cyberspace office",
        "data-still",
        "报告单位：上海市大数据中心",
        "Reporting unit: Shanghai",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("method=\"post\"") && !page.contains("<b>\"") && !page.contains("全市 <b>"), "{page}");
    let signed = send(&state, with_token(request("192.0.2.7", Method::GET, PAGE), "operate")).await.body;
    assert!(signed.contains("value=\"reported\"") && signed.contains("value=\"dismiss\""), "{signed}");
    for path in ["/?lang=en", "/incidents/INC-0421?lang=en"] {
        assert!(ask("127.0.0.1", path).await.body.contains("50 min left"), "{path}");
        assert!(!ask("192.0.2.7", path).await.body.contains("/filing"), "{path}");
    }
    assert_eq!(ask("192.0.2.7", PAGE).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("127.0.0.1", "/incidents/INC-0417/filing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_says_how_long_is_left_and_gives_the_draft_in_both_languages() {
    let all = get("/api/v1/filings").await.json();
    assert_eq!((&all[0]["standing"], &all[0]["left_ms"]), (&"running".into(), &3_000_000.into()), "{all}");
    assert!(all[0]["draft"].is_null());
    let one = get("/api/v1/filings/421").await.json();
    assert!(one["draft"]["zh"].as_str().unwrap().contains("一、单位和系统基本情况"), "{one}");
    assert!(one["draft"]["en"].as_str().unwrap().contains("1. Unit and system"), "{one}");
    assert_eq!(get("/api/v1/filings/417").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get_from_afar("/api/v1/filings").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn acts_reach_the_engine_as_they_were_meant_and_nonsense_does_not() {
    let (state, mut orders) = obedient();
    let post = async |path: &str, kind: &'static str, body: &str| {
        let mut asked = with_token(request("192.0.2.7", Method::POST, path), "operate");
        asked.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        *asked.body_mut() = Body::from(body.to_owned());
        send(&state, asked).await
    };
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    for (path, kind, body, status, act) in [
        ("/api/v1/filings/421/grade", json, r#"{"grade":"serious","reason":"x"}"#, 200, "grade"),
        ("/api/v1/filings/INC-0421/known", json, r#"{"at":"2026-11-24T21:00","reason":"x"}"#, 200, "known"),
        ("/api/v1/filings/421/reported", json, r#"{"to":"office"}"#, 200, "reported"),
        ("/api/v1/filings/421/dismiss", json, r#"{"reason":"drill"}"#, 200, "dismiss"),
        ("/api/v1/filings/421/grade", json, r#"{"grade":"grave","reason":"x"}"#, 422, ""),
        ("/api/v1/filings/421/known", json, r#"{"reason":"x"}"#, 422, ""),
        ("/api/v1/filings/421/dismiss", json, r#"{"to":"office","reason":"x"}"#, 422, ""),
        ("/api/v1/filings/421/send", json, r#"{"reason":"x"}"#, 404, ""),
        ("/incidents/421/filing", form, "act=grade&grade=ordinary&reason=x", 303, "grade"),
        ("/incidents/421/filing", form, "act=known&at=2026-11-24T21:00&reason=x", 303, "known"),
        ("/incidents/421/filing", form, "act=reported&to=office&at=&reason=", 303, "reported"),
        ("/incidents/421/filing", form, "act=dismiss&reason=drill", 303, "dismiss"),
        ("/incidents/421/filing", form, "act=grade&grade=grave&reason=x", 422, ""),
        ("/incidents/421/filing", form, "act=known&at=soon&reason=x", 422, ""),
    ] {
        let answer = post(path, kind, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.body);
        let given = orders.try_recv().ok().map(|order| match order.what {
            Wanted::Filing(incident, act) if incident.0 == 421 => act.as_str(),
            other => panic!("{other:?}"),
        });
        assert_eq!(given.unwrap_or_default(), act, "{path} {body}");
    }
}

#[tokio::test]
async fn open_and_overdue_filings_are_a_metric() {
    let mut snapshot = fixture::snapshot();
    let running = snapshot.filings[0].clone();
    let late = Sheet { known: NOW - 3 * HOUR, ..running.clone() };
    let sent = Outcome::Reported { at: NOW, to: "office".into(), by: "officer".into() };
    let settled = Sheet { outcome: Some(sent), ..running.clone() };
    snapshot.filings = Arc::new(vec![running, late.clone(), late, settled]);
    let (state, _commands) = fixture::state(snapshot);
    let text = send(&state, request("127.0.0.1", Method::GET, "/metrics")).await.body;
    for line in ["gengfu_filings_open{standing=\"running\"} 1\n", "gengfu_filings_open{standing=\"overdue\"} 2\n"] {
        assert!(text.contains(line), "{line}");
    }
}
