//! Every door, tried by everybody.

use super::*;
use crate::domain::Timestamp;
use crate::web::fixture::{self, NOW};
use crate::web::{Command, WebState, doors, render_metrics, router};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{StatusCode, header};
use std::net::SocketAddr;
use tokio::sync::mpsc;
use tower::ServiceExt;

const TOKENS: [&str; 7] = ["read", "operate", "approve:bdc", "admin", "bdc", "expired", "nobody's"];

fn ask(peer: &str, method: &Method, path: &str, token: Option<&str>) -> Request {
    let mut request = axum::http::Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:9424");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("bearer {token}"));
    }
    let peer: SocketAddr = format!("{peer}:5000").parse().unwrap();
    request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap()
}

/// A state whose commands are answered at once, and the rows that were noted.
fn state() -> (WebState, mpsc::Receiver<crate::domain::AuditEntry>) {
    let (mut state, _) = fixture::state(fixture::snapshot());
    let (commands, crate::web::Asked { commands: mut asked, .. }) = crate::web::Commands::channel(64);
    let (noted, rows) = mpsc::channel(1_024);
    state.commands = commands;
    tokio_util::task::TaskTracker::new().spawn(async move {
        while let Some(command) = asked.recv().await {
            match command {
                Command::Reload { reply, .. } => drop(reply.send(Ok(()))),
                Command::Note(entry) => drop(noted.try_send(*entry)),
                Command::Fetched { .. } => {}
            }
        }
    });
    (state, rows)
}

fn concrete(path: &str) -> String {
    let filled = path.replace("{owner}/{id}", "bdc/identity").replace("{owner}", "bdc").replace("{id}", "INC-0421");
    filled
        .replace("{token}", "t0ken")
        .replace("{what}", "start")
        .replace("{action}", "finish")
        .replace("{lease}", "lease_x")
        .replace("{file}", "style.css")
}

#[test]
fn whatever_changes_something_needs_a_token_but_heartbeats_and_signing_in() {
    let (_, doors) = doors().into_parts();
    assert!(doors.len() > 25, "{doors:?}");
    for door in doors.iter().filter(|door| !door.method.is_safe()) {
        let open = matches!(door.needs, Needs::Nothing | Needs::Sight);
        let excepted = door.path.starts_with("/api/v1/heartbeat/")
            || ["/sign-in", "/sign-out", "/incidents/{id}/take"].contains(&&*door.path);
        assert!(!open || excepted, "{door:?} is open to everybody");
    }
    let needs = |path: &str| doors.iter().find(|door| door.path == path).map(|door| door.needs.clone());
    assert_eq!(needs("/-/reload"), Some(Needs::Scope(Scope::Admin)));
    assert_eq!(needs("/api/v1/outbox"), Some(Needs::Sight));
}

#[tokio::test]
async fn every_door_opens_to_those_who_have_what_it_needs_and_to_nobody_else() {
    let (state, _rows) = state();
    let ring = fixture::keyring();
    for door in doors().into_parts().1 {
        let path = concrete(&door.path);
        for peer in ["127.0.0.1", "192.0.2.7"] {
            for token in [None].into_iter().chain(TOKENS.map(Some)) {
                let caller = token.map(|token| ring.find(NOW, crate::domain::access::TokenHash::of(token)));
                let expected = match (&door.needs, caller) {
                    (_, Some(Err(_))) => Some(StatusCode::UNAUTHORIZED),
                    (Needs::Nothing, _) | (Needs::Sight | Needs::Token, Some(Ok(_))) => None,
                    (Needs::Sight, None) if peer == "127.0.0.1" => None,
                    (_, None) => Some(StatusCode::UNAUTHORIZED),
                    (Needs::Scope(scope), Some(Ok(token))) => {
                        let good = token.scopes.iter().any(|own| own.includes(scope));
                        (!good).then_some(StatusCode::FORBIDDEN)
                    }
                };
                let answer = router(state.clone()).oneshot(ask(peer, &door.method, &path, token)).await.unwrap();
                let turned_away = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status());
                let got = turned_away.then_some(answer.status());
                assert_eq!(got, expected, "{} {path} from {peer} with {token:?}", door.method);
                if let Some(status) = expected {
                    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
                    assert_eq!(answer.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_shows_from_afar_what_this_machine_sees() {
    let (state, _rows) = state();
    let path = "/api/v1/subsystems/bdc/exchange-district/attempts";
    for (token, seen) in [(None, false), (Some("read"), true), (Some("approve:bdc"), true)] {
        let answer = router(state.clone()).oneshot(ask("192.0.2.7", &Method::GET, path, token)).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&body).contains("127.64.3.9"), seen, "{token:?}");
    }
}

#[tokio::test]
async fn what_a_holder_is_refused_is_audited_and_counted() {
    let (state, mut rows) = state();
    let reload = |token| ask("192.0.2.7", &Method::POST, "/-/reload", token);
    for token in [Some("operate"), None, Some("nobody's"), Some("expired")] {
        router(state.clone()).oneshot(reload(token)).await.unwrap();
    }
    let row = rows.recv().await.unwrap();
    assert_eq!((&*row.actor.name, &*row.actor.from), ("holder of operate", "192.0.2.7"));
    assert_eq!((&*row.action, &*row.subject, row.outcome.as_str()), ("request", "POST /-/reload", "refused"));
    assert!(row.outcome.why().contains("`admin`"), "{row:?}");
    assert!(rows.try_recv().is_err(), "who is not known has no row");
    let text = String::from_utf8(render_metrics(NOW, &state).to_vec()).unwrap();
    for (reason, times) in [("scope", 1), ("no_token", 1), ("unknown_token", 1), ("expired_token", 1), ("owner", 0)] {
        let line = format!("gengfu_http_denied_total{{reason=\"{reason}\"}} {times}");
        assert!(text.contains(&line), "{line} is not in the metrics");
    }
}

#[tokio::test]
async fn guesses_are_slowed_down_and_the_right_token_is_taken_all_the_same() {
    let (state, _rows) = state();
    let app = router(state);
    let mut statuses = Vec::new();
    for n in 0..12 {
        let guess = format!("guess {n}");
        let answer = app.clone().oneshot(ask("192.0.2.7", &Method::GET, "/", Some(&guess))).await.unwrap();
        statuses.push(answer.status().as_u16());
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers()[header::RETRY_AFTER], "6");
        }
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    for (peer, token) in [("192.0.2.7", Some("read")), ("192.0.2.7", None), ("192.0.2.8", None)] {
        let answer = app.clone().oneshot(ask(peer, &Method::GET, "/", token)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{peer} {token:?}");
    }
}

#[tokio::test]
async fn one_holder_asks_for_so_many_changes_at_once_and_no_more() {
    let (state, mut rows) = state();
    let app = router(state);
    let change = |token| ask("127.0.0.1", &Method::POST, "/-/reload", Some(token));
    let mut refused = 0;
    for _ in 0..105 {
        refused += u32::from(app.clone().oneshot(change("admin")).await.unwrap().status() == 429);
    }
    assert_eq!(refused, 5);
    assert_eq!(app.clone().oneshot(change("operate")).await.unwrap().status(), StatusCode::FORBIDDEN, "another holder");
    let read = app.oneshot(ask("127.0.0.1", &Method::GET, "/", Some("admin"))).await.unwrap();
    assert_eq!(read.status(), StatusCode::OK, "reading goes on");
    assert_eq!(rows.recv().await.unwrap().actor.name, "holder of operate");
}

#[tokio::test]
async fn what_stands_in_the_header_and_is_no_token_is_refused_without_being_repeated() {
    let (state, _rows) = state();
    let app = router(state);
    for token in ["", "  ", "\u{e9}", &"x".repeat(5_000), "read operate"] {
        let answer = app.clone().oneshot(ask("127.0.0.1", &Method::GET, "/api/v1/status", Some(token))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{token:?}");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert!(token.len() < 3 || !String::from_utf8_lossy(&body).contains(token));
    }
    let mut basic = ask("127.0.0.1", &Method::GET, "/api/v1/status", None);
    basic.headers_mut().insert(header::AUTHORIZATION, "Basic YTpi".parse().unwrap());
    assert_eq!(app.oneshot(basic).await.unwrap().status(), StatusCode::OK, "other schemes are for others");
}

#[tokio::test]
async fn a_holder_is_told_who_it_is_until_its_token_expires() {
    let (state, _rows) = state();
    let whoami = || ask("192.0.2.7", &Method::GET, "/api/v1/whoami", Some("bdc"));
    let answer = router(state.clone()).oneshot(whoami()).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected =
        serde_json::json!({ "holder": "holder of bdc", "owner": "bdc", "scopes": ["operate"], "from": "192.0.2.7" });
    assert_eq!(json, expected);
    let later = WebState { clock: Arc::new(crate::clock::ManualClock::at(Timestamp(NOW.0 * 2))), ..state };
    let admin = ask("192.0.2.7", &Method::GET, "/api/v1/whoami", Some("admin"));
    assert_eq!(router(later.clone()).oneshot(admin).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(router(later).oneshot(whoami()).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_reload_is_asked_of_the_runtime_and_refused_to_other_sites() {
    let (mut state, _) = fixture::state(fixture::snapshot());
    let (sender, crate::web::Asked { mut commands, .. }) = crate::web::Commands::channel(4);
    state.commands = sender;
    let app = router(state);
    let reload = || ask("127.0.0.1", &Method::POST, "/-/reload", Some("admin"));
    let mut foreign = reload();
    foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(app.clone().oneshot(foreign).await.unwrap().status(), StatusCode::FORBIDDEN);
    let runtime = async {
        let note = commands.recv().await.unwrap();
        assert!(matches!(note, Command::Note(entry) if entry.outcome.why().contains("another site")));
        for answer in [Ok(()), Err("probes/x.yaml:3:1: unknown key".to_owned())] {
            let Command::Reload { by, reply } = commands.recv().await.unwrap() else { panic!("no reload") };
            assert_eq!((&*by.name, &*by.from), ("holder of admin", "127.0.0.1"));
            reply.send(answer).unwrap();
        }
    };
    let client = async {
        let good = app.clone().oneshot(reload()).await.unwrap();
        (good, app.clone().oneshot(reload()).await.unwrap())
    };
    let ((), (good, bad)) = tokio::join!(runtime, client);
    assert_eq!(good.status(), StatusCode::OK);
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = axum::body::to_bytes(bad.into_body(), 1 << 20).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("x.yaml:3:1"));
    drop(commands);
    assert_eq!(app.oneshot(reload()).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}
