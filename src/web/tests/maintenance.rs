//! Maintenance on its pages: a month, a window with its orders, and asking for one. NOW is Tue 24 Nov 2026, 22:48.

use super::filings::obedient;
use super::*;
use crate::domain::Actor;
use crate::domain::order::{Action, Wanted};
use axum::http::HeaderValue;

async fn form(state: &WebState, path: &str, token: &str, body: &str) -> Answer {
    let mut asked = with_token(request("192.0.2.7", Method::POST, path), token);
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    asked.headers_mut().insert(header::CONTENT_TYPE, kind);
    *asked.body_mut() = Body::from(body.to_owned());
    send(state, asked).await
}

/// The cell of a date in the month.
fn cell<'a>(page: &'a str, date: &str) -> &'a str {
    let from = page.find(&format!("datetime=\"{date}\"")).unwrap_or_else(|| panic!("no cell of {date}: {page}"));
    let rest = &page[from..];
    &rest[..rest.find("</td>").unwrap()]
}

#[tokio::test]
async fn a_month_names_a_window_on_the_day_on_which_it_starts_and_draws_it_on_both_that_it_touches() {
    let page = get("/maintenance?lang=en&month=2026-11").await.body;
    let (first, second) = (cell(&page, "2026-11-24"), cell(&page, "2026-11-25"));
    let href = "/maintenance/windows/tax-monthly.00000001?lang=en";
    assert!(first.contains(href) && first.contains("22:30"), "{first}");
    assert!(!second.contains(href) && second.contains("class=\"win run\" x=\"0\""), "{second}");
    // 24 Nov is a Tuesday, and the month begins on a Sunday: six empty cells before it.
    let before = &page[..page.find("datetime=\"2026-11-01\"").unwrap()];
    assert_eq!(before.matches("<td class=\"none\">").count(), 6);
    assert!(page.contains("aria-current=\"date\"") && page.contains("month=2026-12"), "{page}");
}

#[tokio::test]
async fn what_a_policy_leaves_open_is_drawn_and_said_and_another_owner_s_windows_are_left_out() {
    let page = get("/maintenance?lang=en&month=2026-11&owner=jinshan").await.body;
    let workday = cell(&page, "2026-11-25");
    assert!(workday.contains("open 00:00–06:00, 22:00–24:00"), "{workday}");
    let saturday = cell(&page, "2026-11-28");
    assert!(saturday.contains("open 00:00–24:00"), "{saturday}");
    assert!(cell(&page, "2026-11-24").contains("jinshan-upgrade"), "{page}");
    assert!(!page.contains("tax-monthly"), "{page}");
    // The other language keeps what was chosen.
    assert!(page.contains("lang=zh&#38;month=2026-11&#38;owner=jinshan"), "{page}");
}

#[tokio::test]
async fn a_month_that_is_none_or_out_of_reach_is_the_present_one() {
    for month in ["", "2026-13", "soon", "1990-01", "2199-12", "<b>"] {
        let page = get(&format!("/maintenance?lang=en&month={}", month.replace('<', "%3C").replace('>', "%3E"))).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("November 2026"), "{month}");
    }
}

#[tokio::test]
async fn a_window_s_page_has_buttons_for_those_who_may_press_them_as_its_state_leaves_them() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let ask = async |id: &str, token: Option<&str>| {
        let asked = request("192.0.2.7", Method::GET, &format!("/maintenance/windows/{id}?lang=en"));
        let asked = match token {
            Some(token) => with_token(asked, token),
            None => asked,
        };
        send(&state, asked).await.body
    };
    for (id, before, running) in [
        ("certificates.00000001", true, false),
        ("tax-monthly.00000001", false, true),
        ("bdc-monthly.00000001", false, false),
    ] {
        for (token, may) in [(None, false), (Some("read"), false), (Some("operate"), true), (Some("approve:bdc"), true)]
        {
            let page = ask(id, token).await;
            let has = |action: &str| page.contains(&format!("value=\"{action}\""));
            assert_eq!((has("move"), has("cancel")), (may && before, may && before), "{id} {token:?}");
            assert_eq!((has("finish"), has("extend")), (may && running, may && running), "{id} {token:?}");
        }
    }
    let lost = send(&state, request("192.0.2.7", Method::GET, "/maintenance/windows/none.00000000")).await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_window_names_who_decided_to_those_inside_and_says_to_strangers_that_it_was_approved() {
    use crate::domain::window::{Amendment, Decided, Decision, DecisionView};
    let decided = |name: &str, what, is_void| {
        let by = Actor { name: name.into(), owner: Some("police".into()), from: "192.0.2.9".into() };
        DecisionView { decision: Decision { at: NOW - HOUR, by, reason: format!("<b>{name}</b>"), what }, is_void }
    };
    let mut snapshot = fixture::snapshot();
    let mut windows = snapshot.windows.to_vec();
    let window = windows.iter_mut().find(|w| w.id.as_str() == "certificates.00000001").unwrap();
    let (span, to) = (window.span, Span::lasting(NOW + HOUR, HOUR));
    window.decisions = vec![
        decided("applicant", Decided::Requested(span), false),
        decided("approver", Decided::ApprovedText(vec!["bdc".into()]), true),
        decided("mover", Decided::Amended(Amendment::Moved { to }), false),
        decided("second", Decided::ApprovedText(vec!["bdc".into()]), false),
    ];
    snapshot.windows = Arc::new(windows);
    let (state, _commands) = fixture::state(snapshot);
    for (peer, inside) in [("127.0.0.1", true), ("192.0.2.7", false)] {
        let ask = async |path: &str| send(&state, request(peer, Method::GET, path)).await;
        for (lang, approved, void) in [("en", "Approved", "void: the window changed"), ("zh", "批准", "已失效")] {
            let page = ask(&format!("/maintenance/windows/certificates.00000001?lang={lang}")).await.body;
            let facts = page.split("</dl>").next().unwrap();
            assert!(facts.contains(&format!("<dt>{approved}</dt>")), "{page}");
            let names = ["applicant", "approver", "mover", "second", "&#60;b&#62;", void];
            let named: Vec<_> = names.into_iter().filter(|name| page.contains(name)).collect();
            assert_eq!(named.len(), if inside { names.len() } else { 0 }, "{named:?} {page}");
        }
        let all = ask("/api/v1/windows?owner=bdc").await.json();
        let window = all.as_array().unwrap().iter().find(|w| w["id"] == "certificates.00000001").unwrap().clone();
        assert_eq!(window["approved"], true);
        if !inside {
            assert!(window.get("decisions").is_none(), "{window}");
            continue;
        }
        let told = |n: usize, field: &str| window["decisions"][n][field].clone();
        assert_eq!(
            (told(1, "action"), told(1, "by"), told(1, "void")),
            ("approve_text".into(), "approver".into(), true.into())
        );
        assert_eq!((told(2, "reason"), told(2, "start")), ("<b>mover</b>".into(), to.start.to_string().into()));
    }
    let page = get("/maintenance/windows/fund-batch.00000001?lang=en").await.body;
    assert!(!page.contains("<dt>Approved</dt>"), "nobody did: {page}");
}

#[tokio::test]
async fn orders_of_the_page_reach_the_engine_as_they_were_meant_and_nonsense_does_not() {
    let (state, mut orders) = obedient();
    let path = "/maintenance/windows/certificates.00000001?lang=en";
    let at = fixture::inventory().zone.parse("2026-11-26T00:30").unwrap();
    for (body, status, expected) in [
        ("action=approve", 303, Some(Action::Approve)),
        ("action=cancel&reason=x", 303, Some(Action::Cancel)),
        ("action=move&at=2026-11-26T00:30&reason=x", 303, Some(Action::Move { to: at, lasts_ms: None })),
        (
            "action=move&at=2026-11-26T00:30&for=2h&reason=x",
            303,
            Some(Action::Move { to: at, lasts_ms: Some(2 * HOUR) }),
        ),
        ("action=extend&at=2026-11-26T00:30&reason=x", 303, Some(Action::Extend { end: at })),
        ("action=move&at=soon&reason=x", 422, None),
        ("action=move&at=2026-11-26T00:30&for=long&reason=x", 422, None),
        ("action=burn&reason=x", 422, None),
    ] {
        let answer = form(&state, path, "operate", body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        let given = orders.try_recv().ok().map(|order| match order.what {
            Wanted::Window(id, action) if id.as_str() == "certificates.00000001" => action,
            other => panic!("{other:?}"),
        });
        assert_eq!(given, expected, "{body}");
    }
    assert_eq!(form(&state, path, "expired", "action=approve").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn policies_answer_before_anything_is_filed_and_say_when_it_would_do() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let ask = async |peer: &str, query: &str| {
        let path = format!("/maintenance/request?lang=en&owner=bdc&{query}");
        send(&state, request(peer, Method::GET, &path)).await
    };
    let by_day = ask("127.0.0.1", "s.bdc/e-archive=on&start=2026-12-22T14:00&for=1h").await.body;
    assert!(by_day.contains("It would be denied") && by_day.contains("datetime=\"2026-12-22T22:00\""), "{by_day}");
    let by_night = ask("127.0.0.1", "s.bdc/e-archive=on&start=2026-12-22T22:30&for=1h").await.body;
    assert!(by_night.contains("It may be asked for"), "{by_night}");
    assert!(by_night.contains("name=\"s.bdc/e-archive\" value=\"on\" checked"), "{by_night}");
    for (query, why) in [
        ("start=2026-12-22T22:30&for=1h", "choose a subsystem"),
        ("others=bdc/none&start=2026-12-22T22:30&for=1h", "there is no subsystem bdc/none"),
        ("s.bdc/e-archive=on&start=soon&for=1h", "soon"),
        ("s.bdc/e-archive=on&start=2026-12-22T22:30&for=%3Cb%3E", "is not a length"),
    ] {
        let page = ask("127.0.0.1", query).await.body;
        assert!(page.contains(why) && page.contains("role=\"alert\"") && !page.contains("<b>\""), "{query}: {page}");
    }
    assert_eq!(ask("192.0.2.7", "").await.status, StatusCode::UNAUTHORIZED, "strangers ask the calendar, not this");
}

#[tokio::test]
async fn a_request_is_filed_by_whoever_may_and_leads_to_its_window() {
    let (state, mut orders) = obedient();
    let typed = "owner=bdc&s.bdc/e-archive=on&others=&start=2026-12-22T22:30&for=90m&name=换盘&name_en=&reason=CHG-1";
    let filed = form(&state, "/maintenance/request?lang=en", "operate", typed).await;
    assert_eq!(filed.status, StatusCode::SEE_OTHER, "{}", filed.body);
    assert!(filed.header(header::LOCATION).starts_with("/maintenance/windows/"), "{:?}", filed.headers);
    let order = orders.try_recv().unwrap();
    let Wanted::Request(asked) = order.what else { panic!("{:?}", order.what) };
    assert_eq!((order.reason.as_str(), asked.name.en.as_str(), asked.span.len_ms()), ("CHG-1", "换盘", 90 * 60_000));
    assert_eq!(asked.scope, ["bdc/e-archive".into()]);
    let nameless = form(&state, "/maintenance/request?lang=en", "operate", &typed.replace("换盘", "")).await;
    assert!(nameless.status == StatusCode::UNPROCESSABLE_ENTITY && nameless.body.contains("give the window a name"));
    assert!(nameless.body.contains("value=\"CHG-1\""), "what was typed is still there: {}", nameless.body);
    assert_eq!(form(&state, "/maintenance/request", "read", typed).await.status, StatusCode::FORBIDDEN);
    assert!(orders.try_recv().is_err());
}
