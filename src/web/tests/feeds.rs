//! Feeds and notices: what calendars, readers and portals fetch.

use super::*;
use crate::domain::SubsystemId;

#[tokio::test]
async fn the_calendar_feed_holds_what_is_to_come_and_nothing_that_is_over() {
    let feed = get("/maintenance.ics?lang=en").await;
    assert_eq!(feed.header(header::CONTENT_TYPE), "text/calendar; charset=utf-8");
    assert!(feed.body.contains("UID:certificates.00000001@gengfu"));
    assert!(feed.body.contains("DTSTART:20261124T170000Z"));
    assert!(!feed.body.contains("bdc-monthly.00000001@"));
    assert_eq!(feed.body.matches("BEGIN:VEVENT").count(), 6 - usize::from(!feed.body.contains("police-patch")));
}

#[tokio::test]
async fn feeds_carry_versions_and_say_what_was_called_off() {
    let version = |number, change, span: Span| Version { number, change, at: NOW - HOUR, span, former: None };
    let mut snapshot = fixture::snapshot();
    let mut windows = snapshot.windows.to_vec();
    for (id, state, change) in [
        ("certificates.00000001", WindowState::Announced, Change::Announced),
        ("bdc-monthly.00000002", WindowState::Cancelled, Change::Cancelled),
    ] {
        let window = windows.iter_mut().find(|w| w.id.as_str() == id).unwrap();
        window.name.en = "Certificates & <seals>\u{b}".into();
        (window.state, window.version) = (state, 3);
        window.versions = vec![version(3, change, window.span)];
    }
    snapshot.windows = Arc::new(windows);
    let (state, _commands) = fixture::state(snapshot);
    let ask = async |path: &str| send(&state, request("127.0.0.1", Method::GET, path)).await;
    let calendar = ask("/maintenance.ics?lang=en&owner=bdc").await.body;
    assert!(calendar.contains("METHOD:PUBLISH") && !calendar.contains("UID:jinshan"), "{calendar}");
    let event = |uid: &str| calendar.split("BEGIN:VEVENT").find(|e| e.contains(uid)).unwrap().to_owned();
    let (announced, cancelled) = (event("certificates.00000001@"), event("bdc-monthly.00000002@"));
    assert!(announced.contains("STATUS:CONFIRMED") && announced.contains("SEQUENCE:3"), "{announced}");
    assert!(cancelled.contains("STATUS:CANCELLED") && cancelled.contains("LAST-MODIFIED:"), "{cancelled}");
    let feed = ask("/maintenance.atom?lang=en").await;
    assert_eq!(feed.header(header::CONTENT_TYPE), "application/atom+xml; charset=utf-8");
    assert_eq!(feed.body.matches("<entry>").count(), 2);
    assert!(feed.body.contains("Maintenance cancelled: Certificates &#38; &#60;seals&#62;</title>"), "{}", feed.body);
    let unknown = ask("/maintenance.ics?owner=nobody").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("leave `owner` out"), "{}", unknown.body);
}

#[tokio::test]
async fn notices_fit_their_channel_in_both_languages_and_are_escaped() {
    let mut snapshot = fixture::snapshot();
    let mut windows = snapshot.windows.to_vec();
    let window = windows.iter_mut().find(|w| w.id.as_str() == "certificates.00000001").unwrap();
    window.announced = Some(NOW - HOUR);
    window.notice = Some(Names { zh: "<b>请提前办理</b>".repeat(20), en: "<script>alert(1)</script>".into() });
    snapshot.windows = Arc::new(windows);
    let (state, _commands) = fixture::state(snapshot);
    let ask = async |path: &str| send(&state, request("192.0.2.7", Method::GET, path)).await;
    let all = ask("/api/v1/notices?owner=bdc").await.json();
    let notice = all.as_array().unwrap().iter().find(|n| n["window"] == "certificates.00000001").unwrap().clone();
    assert_eq!(notice["channels"].as_array().unwrap().len(), 5);
    for channel in notice["channels"].as_array().unwrap() {
        for language in ["zh", "en"] {
            let text = channel["text"][language].as_str().unwrap();
            let length = u64::try_from(text.chars().count()).unwrap();
            assert!(length <= channel["max_chars"].as_u64().unwrap() && length > 20, "{channel}");
        }
    }
    let running = ask("/api/v1/notices?owner=tax&channel=app").await.json();
    let says = |language: &str| running[0]["channels"][0]["text"][language].as_str().unwrap().to_owned();
    assert!(says("zh").contains("正在进行维护") && !says("zh").contains("将于"), "{}", says("zh"));
    assert!(says("en").contains("is under way until "), "{}", says("en"));
    let late = ask("/api/v1/notices?owner=police&channel=app").await.json();
    assert!(late[0]["channels"][0]["text"]["en"].as_str().unwrap().contains("was to end on"), "{late}");
    let kiosks = ask("/api/v1/notices?owner=bdc&channel=kiosks").await.json();
    assert_eq!(kiosks[0]["channels"][0]["channel"], "kiosks");
    let page = ask("/notices.html?lang=en&owner=bdc").await.body;
    assert!(page.contains("alert(1)") && !page.contains("<script") && !page.contains("style"), "{page}");
    let wrong = ask("/api/v1/notices?channel=radio").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("mini_programs"), "{}", wrong.body);
}

#[tokio::test]
async fn a_channel_gets_what_is_planned_and_its_fetch_is_told_while_browsers_and_applicants_tell_nothing() {
    let mut snapshot = fixture::snapshot();
    let mut windows = snapshot.windows.to_vec();
    let planned = windows.iter_mut().find(|w| w.id.as_str() == "bdc-monthly.00000002").unwrap();
    (planned.state, planned.announced) = (WindowState::Planned, None);
    let (span, scope) = (planned.span, planned.scope.clone());
    snapshot.windows = Arc::new(windows);
    let (state, mut commands) = fixture::state(snapshot);
    let paths = ["/api/v1/notices", "/notices.html", "/maintenance.ics"];
    for path in paths {
        let nobody = send(&state, request("127.0.0.1", Method::GET, path)).await.body;
        assert_eq!(nobody.contains("bdc-monthly.00000002"), path.ends_with("ics"), "{path}");
        for token in ["operate", "admin", "bdc"] {
            send(&state, with_token(request("192.0.2.7", Method::GET, path), token)).await;
        }
        assert!(commands.try_recv().is_err(), "{path}: whoever changes windows cannot make them known by looking");
        let channel = send(&state, with_token(request("192.0.2.7", Method::GET, path), "read")).await;
        assert!(channel.body.contains("bdc-monthly.00000002"), "{path}");
        let Ok(Command::Fetched { channel, shown }) = commands.try_recv() else { panic!("{path}: nothing was told") };
        let got = shown.iter().find(|s| s.window.as_str() == "bdc-monthly.00000002").unwrap();
        assert_eq!((channel.as_str(), got.span, &got.scope), ("holder of read", span, &scope));
    }
}

#[tokio::test]
async fn incidents_are_two_entries_each_and_strangers_read_no_more_than_pages_show() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let feed = send(&state, request("192.0.2.7", Method::GET, "/incidents.atom?lang=en")).await;
    assert_eq!(feed.header(header::CONTENT_TYPE), "application/atom+xml; charset=utf-8");
    // Four incidents of which one is over.
    assert_eq!(feed.body.matches("<entry>").count(), 5, "{}", feed.body);
    assert!(feed.body.contains("INC-0417#over."), "{}", feed.body);
    assert!(!feed.body.contains("127.64.3.9") && !feed.body.contains("night-desk"), "{}", feed.body);
    let of = get("/incidents.atom?lang=en&owner=police").await.body;
    assert_eq!(of.matches("<entry>").count(), 1, "{of}");
    assert_eq!(get("/incidents.atom?owner=nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_badge_says_in_word_shape_and_colour_how_a_service_stands() {
    let badge = get("/badge/bdc/exchange-district.svg?lang=en").await;
    assert_eq!(badge.header(header::CONTENT_TYPE), "image/svg+xml; charset=utf-8");
    assert_eq!(badge.headers.get("cross-origin-resource-policy").unwrap(), "cross-origin");
    assert!(badge.body.contains(">Down</text>") && badge.body.contains("#b3261e"), "{}", badge.body);
    assert!(badge.body.contains(": Down</title>"), "{}", badge.body);
    for wrong in ["/badge/bdc/exchange-district", "/badge/bdc/nothing.svg"] {
        let answer = get(wrong).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.body.contains(".svg behind it"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_badge_escapes_what_the_files_call_it() {
    let mut snapshot = fixture::snapshot();
    let inventory = Arc::make_mut(&mut snapshot.inventory);
    inventory.subsystems.get_mut(&SubsystemId::from("bdc/exchange-district")).unwrap().name.en =
        "<b>\"&\u{7}".repeat(20);
    let (state, _commands) = fixture::state(snapshot);
    let badge = send(&state, request("127.0.0.1", Method::GET, "/badge/bdc/exchange-district.svg?lang=en")).await;
    assert!(!badge.body.contains("<b>") && !badge.body.contains('\u{7}') && badge.body.contains('…'), "{}", badge.body);
}

#[tokio::test]
async fn pages_of_others_are_told_of_maintenance_that_runs_and_that_was_announced() {
    let mut snapshot = fixture::snapshot();
    let mut windows = snapshot.windows.to_vec();
    let window = windows.iter_mut().find(|w| w.id.as_str() == "certificates.00000001").unwrap();
    (window.announced, window.state) = (Some(NOW - HOUR), WindowState::Announced);
    snapshot.windows = Arc::new(windows);
    let (state, _commands) = fixture::state(snapshot);
    let ask = async |path: &str| send(&state, request("192.0.2.7", Method::GET, path)).await;
    let answer = ask("/banner.json").await;
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!(answer.headers.get("cross-origin-resource-policy").unwrap(), "cross-origin");
    let banner = answer.json();
    let ids = |part: &str| -> Vec<String> {
        banner[part].as_array().unwrap().iter().map(|w| w["window"].as_str().unwrap().to_owned()).collect()
    };
    assert!(ids("current").contains(&"police-patch.00000001".to_owned()), "{banner}");
    assert!(ids("next").contains(&"certificates.00000001".to_owned()), "{banner}");
    assert!(!ids("next").contains(&"bdc-monthly.00000002".to_owned()), "plans are nobody else's yet: {banner}");
    assert!(banner["current"][0]["text"]["zh"].as_str().unwrap().contains("维护"), "{banner}");
    assert!(ask("/banner.json?owner=tax").await.json()["next"].as_array().unwrap().is_empty());
    assert_eq!(ask("/banner.json?owner=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask("/banner.json?days=99").await.status, StatusCode::BAD_REQUEST);
    let script = ask("/banner.js").await;
    assert_eq!(script.headers.get("cross-origin-resource-policy").unwrap(), "cross-origin");
    assert!(!script.body.contains("innerHTML"), "text alone is written");
}
