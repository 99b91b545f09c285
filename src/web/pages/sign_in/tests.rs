//! Signing in and out as a browser does it.

use super::*;
use crate::domain::access::Keyring;
use crate::web::fixture;
use crate::web::{Command, router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What a browser sends back.
    fn cookie(&self) -> String {
        self.header(header::SET_COOKIE).split(';').next().unwrap().to_owned()
    }
}

async fn ask(app: &Router, method: Method, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:9424");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let peer: SocketAddr = "192.0.2.7:5000".parse().unwrap();
    let request = request.extension(ConnectInfo(peer)).body(Body::from(form.to_owned())).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = String::from_utf8_lossy(&to_bytes(body, 1 << 20).await.unwrap()).into_owned();
    Answer { status: parts.status, headers: parts.headers, body }
}

const HERE: (&str, &str) = ("origin", "http://127.0.0.1:9424");
const LOOKS: (&str, &str) = ("accept", "text/html");

async fn signed_in(app: &Router, form: &str) -> Answer {
    ask(app, Method::POST, "/sign-in", &[HERE], form).await
}

#[tokio::test]
async fn whoever_signs_in_sees_more_until_they_sign_out() {
    let (state, mut commands, _store) = fixture::audited().await;
    let app = router(state);
    let first = ask(&app, Method::GET, "/audit?who=x", &[LOOKS], "").await;
    assert_eq!(
        (first.status, first.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/sign-in?next=%2Faudit%3Fwho%3Dx")
    );
    let form = ask(&app, Method::GET, "/sign-in?next=%2Faudit%3Fwho%3Dx", &[LOOKS], "").await;
    assert!(form.body.contains(r#"name="next" type="hidden" value="/audit?who=x""#), "{}", form.body);
    let answer = signed_in(&app, "token=operate&next=%2Faudit").await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/audit"));
    let set = answer.header(header::SET_COOKIE);
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("operate"), "{set}");
    let cookie = answer.cookie();
    let page = ask(&app, Method::GET, "/audit?lang=en", &[LOOKS, ("cookie", &cookie)], "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("holder of operate") && page.body.contains("Sign out"), "{}", page.body);
    assert!(page.body.contains("window.extend") && page.body.contains("&#60;b&#62;lacks"), "{}", page.body);
    let attempts = "/api/v1/subsystems/bdc/exchange-district/attempts";
    assert!(ask(&app, Method::GET, attempts, &[("cookie", &cookie)], "").await.body.contains("127.64.3.9"));
    let out = ask(&app, Method::POST, "/sign-out", &[HERE, ("cookie", &cookie)], "").await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    let after = ask(&app, Method::GET, "/audit", &[LOOKS, ("cookie", &cookie)], "").await;
    assert_eq!(after.status, StatusCode::SEE_OTHER, "the cookie is worth nothing any more");
    for expected in ["sign_in", "sign_out"] {
        let Some(Command::Note(entry)) = commands.recv().await else { panic!("no row") };
        assert_eq!(
            (&*entry.action, &*entry.actor.name, &*entry.actor.from),
            (expected, "holder of operate", "192.0.2.7")
        );
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_on_the_page_and_guessing_ends_soon() {
    let (state, _commands, _store) = fixture::audited().await;
    let app = router(state);
    let mut statuses = Vec::new();
    for token in ["", "expired", "nobody's"].into_iter().chain(["x"; 9]) {
        let answer = signed_in(&app, &format!("token={token}&next=%2Faudit")).await;
        assert!(answer.headers.get(header::SET_COOKIE).is_none() && answer.body.contains("role=\"alert\""));
        assert!(answer.body.contains("value=\"/audit\""), "the way back is kept");
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(ask(&app, Method::POST, "/sign-in", &[HERE], "other=1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    for next in ["https://evil.test/", "//evil.test", "/\\evil.test", "", "javascript:x", "/a b", "/\u{e9}"] {
        assert_eq!(within_this_site(Some(next)), "/", "{next}");
    }
    for next in ["/", "/audit?who=x&from=2026-11-24T10:00", "/subsystems/bdc/identity"] {
        assert_eq!(within_this_site(Some(next)), next);
    }
}

#[tokio::test]
async fn another_site_can_use_a_cookie_for_nothing() {
    let (state, mut commands, _store) = fixture::audited().await;
    let app = router(state);
    let cookie = signed_in(&app, "token=admin").await.cookie();
    commands.recv().await.unwrap();
    for said in [
        &[][..],
        &[("origin", "https://evil.test")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        let headers: Vec<(&str, &str)> = said.iter().copied().chain([("cookie", &*cookie)]).collect();
        for path in ["/-/reload", "/sign-out"] {
            let answer = ask(&app, Method::POST, path, &headers, "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {said:?}");
        }
    }
    let login = ask(&app, Method::POST, "/sign-in", &[("origin", "https://evil.test")], "token=admin").await;
    assert_eq!(login.status, StatusCode::FORBIDDEN, "nor sign somebody in as somebody else");
    // The rows about what was refused fill the queue.
    while commands.try_recv().is_ok() {}
    let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
    let (answer, ()) = tokio::join!(ask(&app, Method::POST, "/-/reload", &headers, ""), async {
        let Some(Command::Reload { reply, .. }) = commands.recv().await else { panic!("no reload was asked for") };
        reply.send(Ok(())).unwrap();
    });
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_worth_what_its_token_is_worth_now() {
    let (state, _commands, _store) = fixture::audited().await;
    let app = router(state.clone());
    let cookie = signed_in(&app, "token=read").await.cookie();
    let whoami = async || ask(&app, Method::GET, "/api/v1/whoami", &[("cookie", &cookie)], "").await.status;
    assert_eq!(whoami().await, StatusCode::OK);
    state.access.store(Arc::new(Keyring::default()));
    assert_eq!(whoami().await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        ask(&app, Method::GET, "/", &[("cookie", &cookie)], "").await.status,
        StatusCode::OK,
        "the public view stays"
    );
}
