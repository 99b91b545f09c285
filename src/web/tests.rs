//! Handlers, asked as a client asks them.

mod crowd;
mod feeds;
mod filings;
mod find;
mod incidents;
mod maintenance;
mod outbox;
mod planning;
mod runs;

use super::fixture::{self, NOW};
use super::*;
use crate::domain::window::{Change, Version, WindowState};
use crate::domain::{HOUR, Names, Span};
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, header};
use std::collections::HashSet;
use std::io::Write;
use std::net::SocketAddr;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

fn request(peer: &str, method: Method, path: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:9424");
    let peer: SocketAddr = format!("{peer}:5000").parse().unwrap();
    request.extensions_mut().unwrap().insert(ConnectInfo(peer));
    request.body(Body::empty()).unwrap()
}

fn with_token(mut request: Request<Body>, token: &str) -> Request<Body> {
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    request
}

async fn send(state: &WebState, request: Request<Body>) -> Answer {
    let response = router(state.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn get(path: &str) -> Answer {
    send(&fixture::state(fixture::snapshot()).0, request("127.0.0.1", Method::GET, path)).await
}

async fn get_from_afar(path: &str) -> Answer {
    send(&fixture::state(fixture::snapshot()).0, request("192.0.2.7", Method::GET, path)).await
}

const PAGES: [(&str, &str); 20] = [
    ("overview", "/"),
    ("owner", "/owners/xuhui"),
    ("subsystem", "/subsystems/bdc/exchange-district"),
    ("district", "/subsystems/jinshan/portal"),
    ("incidents", "/incidents"),
    ("incident", "/incidents/INC-0421"),
    ("filing", "/incidents/INC-0421/filing"),
    ("maintenance", "/maintenance"),
    ("window", "/maintenance/windows/police-patch.00000001"),
    ("request", "/maintenance/request?owner=bdc&s.bdc/e-archive=on&start=2026-12-19T14:00&for=2h"),
    ("plan", "/maintenance/plan"),
    ("runs", "/maintenance/runs"),
    ("run", "/maintenance/runs/jinshan-upgrade.00000001.1"),
    ("run-back", "/maintenance/runs/bdc-monthly.00000001.1"),
    ("composites", "/composites"),
    ("find", "/find?q=bdc"),
    ("hours", "/hours"),
    ("hours-owner", "/hours/xuhui"),
    ("sign-in", "/sign-in?next=/audit"),
    ("audit", "/audit"),
];

/// Also leaves the pages in `target/pages`, for looking at them in a browser.
#[tokio::test]
async fn every_page_prints_in_both_languages_without_inline_script_or_style() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    let (state, _commands, _store) = fixture::audited().await;
    for (name, path) in PAGES {
        for lang in ["zh", "en"] {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = request("127.0.0.1", Method::GET, &format!("{path}{sign}lang={lang}"));
            let page =
                send(&state, if ["audit", "filing"].contains(&name) { with_token(page, "operate") } else { page })
                    .await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            assert!(page.body.contains(&format!("<html lang=\"{}\"", if lang == "zh" { "zh-CN" } else { "en" })));
            assert!(!page.body.contains(" style=") && !page.body.contains("<style") && !page.body.contains("onclick"));
            assert!(page.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
            let local = page.body.replace("\"/assets/", "\"../../src/web/assets/").replace("?v=0.1.0", "");
            std::fs::write(folder.join(format!("{name}.{lang}.html")), local).unwrap();
        }
    }
}

#[tokio::test]
async fn the_overview_says_in_one_sentence_how_the_city_is() {
    let page = get("/").await;
    assert!(page.body.contains("2 项服务中断，2 项降级，1 项维护中，1 项未知"), "{}", &page.body[..2000]);
    assert!(page.body.contains("INC-0421") && !page.body.contains("INC-0417"));
    assert!(page.body.contains("2027 年放假安排尚未收录"));
}

#[tokio::test]
async fn the_reader_s_language_is_followed_and_chinese_is_the_default() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let mut english = request("127.0.0.1", Method::GET, "/");
    english.headers_mut().insert(header::ACCEPT_LANGUAGE, "en-GB,en;q=0.9".parse().unwrap());
    let page = send(&state, english).await;
    assert!(page.body.contains("2 services down, 2 degraded, 1 in maintenance, 1 unknown"));
    assert_eq!(page.header(header::CONTENT_LANGUAGE), "en");
    assert_eq!(send(&state, request("127.0.0.1", Method::GET, "/")).await.header(header::CONTENT_LANGUAGE), "zh-CN");
}

#[tokio::test]
async fn hostile_names_are_escaped_on_pages_and_in_metrics() {
    let mut inventory = fixture::inventory();
    let evil = "<script>alert(1)</script>\"'&\\\n";
    fixture::add_subsystem(&mut inventory, "bdc/evil", fixture::names(evil, evil), 1, "7x24");
    let mut snapshot = fixture::snapshot();
    snapshot.inventory = std::sync::Arc::new(inventory);
    snapshot.subsystems.push(std::sync::Arc::new(fixture::view("bdc/evil")));
    snapshot.subsystems.sort_by(|a, b| a.id.cmp(&b.id));
    let (state, _commands) = fixture::state(snapshot);
    for path in ["/", "/owners/bdc", "/subsystems/bdc/evil"] {
        let page = send(&state, request("127.0.0.1", Method::GET, path)).await;
        assert!(!page.body.contains("<script>alert") && page.body.contains("&#60;script&#62;"), "{path}");
    }
    let text = send(&state, request("127.0.0.1", Method::GET, "/metrics")).await.body;
    assert!(text.contains(r#"name_zh="<script>alert(1)</script>\"'&\\\n""#));
}

#[tokio::test]
async fn strangers_see_no_host_names_traces_or_sentences_from_targets() {
    for path in [
        "/subsystems/bdc/exchange-district",
        "/incidents/INC-0421",
        "/api/v1/incidents",
        "/api/v1/subsystems/bdc/exchange-district",
        "/api/v1/subsystems/bdc/exchange-district/attempts",
        "/",
        "/api/v1/windows",
    ] {
        let (inside, outside) = (get(path).await, get_from_afar(path).await);
        assert_eq!(outside.status, StatusCode::OK, "{path}");
        for secret in ["exchange.bdc.test", "127.64.3.9", "GET / HTTP", "night-desk"] {
            assert!(!outside.body.contains(secret), "{path} shows {secret}");
        }
        if path.contains("INC-") || path.ends_with("exchange-district") || path.ends_with("/attempts") {
            assert!(inside.body.contains("127.64.3.9"));
        }
    }
    assert_eq!(get_from_afar("/api/v1/outbox").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_attempts_are_told_newest_first_with_their_traces() {
    let answer = get("/api/v1/subsystems/bdc/exchange-district/attempts").await;
    let probes: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let attempts = probes[0]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["result"]), (2, &"fail".into()), "{probes}");
    assert!(attempts[0]["started"].as_str() > attempts[1]["started"].as_str());
    assert!(attempts[1]["trace"][2]["text"].as_str().unwrap().starts_with("GET /"));
    assert_eq!(get("/api/v1/subsystems/bdc/nobody/attempts").await.status, StatusCode::NOT_FOUND);
    let page = get("/subsystems/bdc/exchange-district?lang=en").await.body;
    assert!(page.contains("Earlier attempts") && page.contains("refused the connection"), "{page}");
}

#[tokio::test]
async fn a_peer_that_speaks_for_somebody_else_is_a_stranger() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let mut forwarded = request("127.0.0.1", Method::GET, "/api/v1/outbox");
    forwarded.headers_mut().insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
    assert_eq!(send(&state, forwarded).await.status, StatusCode::UNAUTHORIZED);
    let mut unknown = request("127.0.0.1", Method::GET, "/api/v1/outbox");
    unknown.extensions_mut().clear();
    assert_eq!(send(&state, unknown).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rebound_host_name_is_refused_on_loopback() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let mut rebound = request("127.0.0.1", Method::GET, "/");
    rebound.headers_mut().insert(header::HOST, "evil.test:9424".parse().unwrap());
    let answer = send(&state, rebound).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_machines() {
    for path in ["/nothing", "/owners/none", "/subsystems/bdc/none", "/incidents/INC-9999", "/incidents/x"] {
        let page = get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("没有这个页面"), "{path}");
    }
    for path in ["/api/v1/subsystems/bdc/none", "/api/v1/incidents/x", "/api/v1/nothing", "/api/v1/heartbeat/wrong"] {
        let answer = get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json", "{path}");
        assert_eq!(answer.json()["status"], 404, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_answered_with_the_remedy() {
    for (path, remedy) in [
        ("/api/v1/gate", "?subsystem=owner/id"),
        ("/api/v1/gate?subsystem=bdc/identity", "&for=40m"),
        ("/api/v1/gate?subsystem=bdc/identity&for=40", "40m"),
        ("/api/v1/gate?subsystem=bdc/identity&for=40m&at=soon", "soon"),
        ("/api/v1/sla?period=never", "never"),
        ("/api/v1/incidents?state=odd", "open or closed"),
        ("/api/v1/subsystems/bdc/identity/timeline?from=2026-11-24T20:00&to=2026-11-24T19:00", "from"),
        ("/api/v1/windows?owner=bdc&owner=ndrc", "owner"),
        ("/api/v1/subsystems/bdc/%FF", "UTF-8"),
        ("/maintenance.ics?owner=bdc&owner=ndrc", "owner"),
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(remedy), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_gate_allows_at_night_and_denies_by_day_with_the_next_opening() {
    let allow = get("/api/v1/gate?subsystem=bdc/identity&for=40m").await;
    assert_eq!((allow.status, allow.json()["allow"].as_bool()), (StatusCode::OK, Some(true)));
    assert_eq!(allow.json()["until"], "2026-11-24T22:00:00Z");
    let deny = get("/api/v1/gate?subsystem=bdc/identity&for=40m&at=2026-11-25T10:00").await;
    assert_eq!((deny.status, deny.json()["allow"].as_bool()), (StatusCode::LOCKED, Some(false)));
    assert_eq!(deny.json()["next_open"], "2026-11-25T14:00:00Z");
    assert_eq!(deny.json()["reasons"][0]["kind"], "outside_allowed_hours");
    assert_eq!(deny.header(header::RETRY_AFTER), (23 * 3600 + 12 * 60).to_string());
    let never = get("/api/v1/gate?subsystem=bdc/identity&for=40m&at=2027-01-04T23:00").await;
    assert_eq!(never.status, StatusCode::LOCKED);
    assert_eq!((never.json()["next_open"].is_null(), never.header(header::RETRY_AFTER)), (true, ""));
    assert_eq!(get("/api/v1/gate?subsystem=bdc/none&for=40m").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn gate_answers_are_counted_and_strangers_are_limited() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let app = router(state.clone());
    let path = "/api/v1/gate?subsystem=bdc/identity&for=40m";
    let mut last = StatusCode::OK;
    for _ in 0..61 {
        last = app.clone().oneshot(request("192.0.2.7", Method::GET, path)).await.unwrap().status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.oneshot(request("127.0.0.1", Method::GET, path)).await.unwrap().status(), StatusCode::OK);
    let text = String::from_utf8(render_metrics(NOW, &state).to_vec()).unwrap();
    assert!(text.contains(r#"gengfu_gate_decisions_total{decision="allow",reason=""} 61"#));
}

#[tokio::test]
async fn every_line_of_the_metrics_parses_and_no_family_or_series_stands_twice() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let answer = send(&state, request("127.0.0.1", Method::GET, "/metrics")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/plain; version=0.0.4; charset=utf-8");
    let (mut families, mut series, mut family) = (HashSet::new(), HashSet::new(), "");
    for line in answer.body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(families.insert(family), "{family} stands twice");
        } else if !line.starts_with("# TYPE ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(family), "{line} stands below {family}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(series.insert(name), "{name} stands twice");
        }
    }
    for expected in [
        r#"gengfu_subsystem_up{owner="bdc",subsystem="bdc/exchange-district",tier="2"} 0"#,
        r#"gengfu_subsystem_health{owner="xuhui",subsystem="xuhui/portal",tier="2",state="down"} 1"#,
        r#"gengfu_window_state{window="tax-monthly.00000001",owner="tax",state="active"} 1"#,
        r#"gengfu_policy_open{policy="off-hours"} 1"#,
        r#"gengfu_incidents_open{severity="page",owner="bdc"} 1"#,
        r#"gengfu_sla_budget_spent_seconds{owner="bdc",subsystem="bdc/exchange-district",tier="2",cause="incident"} 4320"#,
        r#"gengfu_sla_window_bad_seconds{owner="xuhui",subsystem="xuhui/portal",tier="2",window="1h"} 3600"#,
    ] {
        assert!(answer.body.lines().any(|l| l == expected), "{expected} is missing");
    }
    let up = "gengfu_subsystem_up{owner=\"provident-fund\"";
    assert!(!answer.body.contains(up), "up must be absent while unknown");
    let unknown = families.iter().filter(|f| !f.starts_with("process_"));
    let unknown: Vec<_> = unknown.filter(|f| crate::metrics::families::find(f).is_none()).collect();
    assert!(unknown.is_empty(), "not in the table of families: {unknown:?}");
}

/// Prometheus's own linter has the last word where it is installed.
#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_metrics() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let text = render_metrics(NOW, &state);
    let lint = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    let Ok(mut lint) = lint else {
        let skipped = "SKIPPED: promtool is not installed, so the metrics were not linted";
        std::io::stderr().write_all(format!("{skipped}\n").as_bytes()).unwrap();
        return;
    };
    lint.stdin.take().unwrap().write_all(&text).unwrap();
    let said = lint.wait_with_output().unwrap();
    let sentences = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && sentences.is_empty(), "{sentences}");
}

#[tokio::test]
async fn series_of_a_removed_subsystem_are_gone_with_the_next_scrape() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let before = String::from_utf8(render_metrics(NOW, &state).to_vec()).unwrap();
    assert!(before.contains("haochaping"));
    let mut snapshot = fixture::snapshot();
    let mut inventory = (*snapshot.inventory).clone();
    inventory.subsystems.remove("bdc/haochaping");
    inventory.probes.retain(|id, _| id.subsystem().as_str() != "bdc/haochaping");
    snapshot.subsystems.retain(|v| v.id.as_str() != "bdc/haochaping");
    state.board.rebuild(&inventory);
    snapshot.inventory = std::sync::Arc::new(inventory);
    let reloaded = WebState { snapshot: tokio::sync::watch::channel(std::sync::Arc::new(snapshot)).1, ..state };
    let after = String::from_utf8(render_metrics(NOW, &reloaded).to_vec()).unwrap();
    assert!(!after.contains("haochaping"));
}

#[tokio::test]
async fn scrapes_of_one_second_share_one_text_and_gzip_is_honoured() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let app = router(state.clone());
    let scrape = || request("127.0.0.1", Method::GET, "/metrics");
    let first = to_bytes(app.clone().oneshot(scrape()).await.unwrap().into_body(), 1 << 24).await.unwrap();
    state.metrics.clock_steps.inc();
    let second = to_bytes(app.clone().oneshot(scrape()).await.unwrap().into_body(), 1 << 24).await.unwrap();
    assert_eq!(first, second);
    let mut zipped = scrape();
    zipped.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let answer = app.oneshot(zipped).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
}

#[tokio::test(start_paused = true)]
async fn events_say_that_something_changed_at_most_once_a_second() {
    use futures_util::StreamExt;
    let (state, _commands) = fixture::state(fixture::snapshot());
    let (sender, receiver) = tokio::sync::watch::channel(state.picture());
    let state = WebState { snapshot: receiver, ..state };
    let response = router(state).oneshot(request("192.0.2.7", Method::GET, "/api/v1/events")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: snapshot"));
    let began = tokio::time::Instant::now();
    sender.send_modify(|_| {});
    sender.send_modify(|_| {});
    body.next().await.unwrap().unwrap();
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    drop(sender);
    assert!(body.next().await.is_none(), "a stream ends with the daemon");
}

#[tokio::test]
async fn heartbeats_beat_from_anywhere_under_a_known_token() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    for path in ["/api/v1/heartbeat/t0ken", "/api/v1/heartbeat/t0ken/start", "/api/v1/heartbeat/t0ken/3"] {
        for method in [Method::GET, Method::POST] {
            assert_eq!(send(&state, request("192.0.2.7", method, path)).await.status, StatusCode::OK, "{path}");
        }
    }
    let odd = send(&state, request("127.0.0.1", Method::POST, "/api/v1/heartbeat/t0ken/300")).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn members_of_a_fleet_beat_by_their_id_and_nobody_else() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let network = crate::network::Network {
        connect_to: Vec::new(),
        allow: Vec::new(),
        roots: Arc::new(rustls::RootCertStore::empty()),
    };
    let context = crate::probe::BuildContext::new(Arc::new(network), Arc::clone(&state.heartbeats));
    let fleet = serde_json::json!({ "members": 2, "share_min": "90%" });
    let body = serde_json::json!({ "token": "kiosks", "period": "1m", "fleet": fleet });
    let kind = crate::probe::kind("heartbeat").unwrap();
    let _prober = (kind.build)(&crate::field::from_json(&body, kind.fields).unwrap(), &context).unwrap();
    let table = [
        ("kiosks?member=kiosk-0001", StatusCode::OK),
        ("kiosks/start?member=kiosk-0002&from=cron", StatusCode::OK),
        ("kiosks/7?member=kiosk-0002", StatusCode::OK),
        ("kiosks?member=kiosk-0003", StatusCode::CONFLICT),
        ("kiosks", StatusCode::BAD_REQUEST),
        ("kiosks?member=", StatusCode::BAD_REQUEST),
        ("kiosks?member=a&member=b", StatusCode::BAD_REQUEST),
        ("kiosks?member=%00", StatusCode::BAD_REQUEST),
        ("kiosks?member=%3Cscript%3E", StatusCode::BAD_REQUEST),
        ("t0ken?member=kiosk-0001", StatusCode::BAD_REQUEST),
        ("other?member=kiosk-0001", StatusCode::NOT_FOUND),
        ("other?member=", StatusCode::NOT_FOUND),
    ];
    for (path, status) in table {
        let path = format!("/api/v1/heartbeat/{path}");
        assert_eq!(send(&state, request("192.0.2.7", Method::POST, &path)).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn online_share_of_a_fleet_is_a_metric() {
    let mut snapshot = fixture::snapshot();
    let mut inventory = (*snapshot.inventory).clone();
    let plan = inventory.probes.values_mut().min_by_key(|plan| plan.id.clone()).unwrap();
    plan.kind = "heartbeat";
    let id = plan.id.clone();
    snapshot.inventory = Arc::new(inventory);
    let (state, _commands) = fixture::state(snapshot);
    let share = crate::probe::FleetShare { members: 80, online: 61 };
    let report = fixture::report(1, crate::domain::Outcome::Pass);
    state.board.slot(&id).unwrap().record(crate::probe::Report { fleet: Some(share), ..report });
    let text = send(&state, request("127.0.0.1", Method::GET, "/metrics")).await.body;
    let (subsystem, owner) = (id.subsystem(), id.subsystem().owner());
    for (name, value) in [("members", 80), ("online", 61)] {
        let name = format!("gengfu_fleet_{name}");
        let line = format!("{name}{{owner=\"{owner}\",subsystem=\"{subsystem}\",probe=\"{}\"}} {value}\n", id.name());
        assert!(text.contains(&line), "{line}");
    }
}

#[tokio::test]
async fn the_api_speaks_of_subsystems_timelines_windows_and_promises() {
    let status = get("/api/v1/status").await.json();
    assert_eq!((status["down"].as_u64(), status["outside_hours"].as_u64()), (Some(2), Some(1)));
    let detail = get("/api/v1/subsystems/bdc/exchange-district").await.json();
    assert_eq!(detail["health"], "down");
    assert_eq!(detail["dependants"].as_array().unwrap().len(), 32);
    assert_eq!(detail["probes"][0]["last_attempt"]["phases_ms"]["tls"], 41.0);
    assert_eq!(detail["accounts"][1]["verdict"], "missed");
    let spans =
        get("/api/v1/subsystems/bdc/exchange-district/timeline?from=2026-11-24T21:00&to=2026-11-24T22:00").await.json();
    let states: Vec<_> = spans["spans"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["up", "down"]);
    assert_eq!(get("/api/v1/windows?owner=tax").await.json().as_array().unwrap().len(), 1);
    let open = get("/api/v1/incidents?state=open").await.json();
    assert_eq!(open.as_array().unwrap().len(), 3);
    let sla = get("/api/v1/sla?owner=bdc&period=2026-11").await.json();
    assert_eq!(sla.as_array().unwrap().len(), 14);
    assert_eq!(sla[0]["period"], "2026-11");
}

#[tokio::test]
async fn a_failing_store_is_not_ready_and_is_said_on_top_of_the_page() {
    let mut snapshot = fixture::snapshot();
    snapshot.store_failed = true;
    snapshot.reload_refused = Some("probes/x.yaml:3:1: unknown key `evry`".into());
    let (state, _commands) = fixture::state(snapshot);
    let ready = send(&state, request("127.0.0.1", Method::GET, "/-/ready")).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let inside = send(&state, request("127.0.0.1", Method::GET, "/")).await.body;
    assert!(inside.contains("存储拒绝写入") && inside.contains("unknown key"));
    let outside = send(&state, request("192.0.2.7", Method::GET, "/")).await.body;
    assert!(outside.contains("新配置未被采用") && !outside.contains("x.yaml"));
}

#[tokio::test]
async fn a_subsystem_without_any_attempt_is_shown_as_not_tried() {
    let mut snapshot = fixture::snapshot();
    snapshot.windows = std::sync::Arc::new(vec![fixture::window("w.1", "tax/services", 10, 1, WindowState::Blocked)]);
    let fresh = fixture::view("bdc/identity");
    let i = snapshot.subsystems.iter().position(|v| v.id == fresh.id).unwrap();
    snapshot.subsystems[i] = std::sync::Arc::new(fresh);
    let (state, _commands) = fixture::state(snapshot);
    let page = send(&state, request("127.0.0.1", Method::GET, "/subsystems/bdc/identity?lang=en")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("not tried yet") && page.body.contains("Not enough was seen yet"));
}
