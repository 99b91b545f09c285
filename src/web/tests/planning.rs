//! The plan of a year, composites, and what would be down with a window.

use super::*;
use crate::domain::composite::{Composite, Expression};
use crate::domain::window::{Recurrence, Schedule};
use crate::domain::{HOUR, Inventory, Names, Snapshot, hours};
use std::sync::Arc;

const SCHEDULE: &str = "xuhui-portal";

/// The city of the pages with one schedule over a district's portal, and one matter that needs it.
fn planned() -> Snapshot {
    let mut snapshot = fixture::snapshot();
    let mut inventory = Inventory::clone(&snapshot.inventory);
    let source = inventory.policies[0].source.clone();
    let year = inventory.zone.date(NOW).year();
    let start = jiff::civil::date(year, 3, 7).at(23, 0, 0, 0);
    let schedule = Schedule {
        id: SCHEDULE.into(),
        name: Names { zh: "徐汇升级<b>".into(), en: "Upgrade of Xuhui <b>".into() },
        owner: "xuhui".into(),
        scope: vec!["bdc/exchange-district".into()],
        starts: Recurrence::Dates(vec![start]),
        except: Vec::new(),
        also: Vec::new(),
        lasts_ms: 2 * HOUR,
        policy: None,
        plan: None,
        notice: None,
        source: source.clone(),
    };
    inventory.schedules.insert(schedule.id.clone(), schedule);
    let composite = Composite {
        id: "apply".into(),
        name: Names { zh: "在线申请".into(), en: "Applying online".into() },
        needs: Expression::all_of(vec![Expression::One("xuhui/portal".into())]),
        hours: hours::Hours::always(),
        objective: Some("public-7x24".into()),
        source,
    };
    inventory.composites.insert(composite.id.clone(), composite);
    snapshot.inventory = Arc::new(inventory);
    snapshot.windows = Arc::new(vec![fixture::window("w.1", "bdc/exchange-district", 10, 1, WindowState::Announced)]);
    snapshot
}

async fn ask(path: &str) -> Answer {
    send(&fixture::state(planned()).0, request("127.0.0.1", Method::GET, path)).await
}

#[tokio::test]
async fn the_plan_of_a_year_is_a_page_in_both_languages_and_follows_the_question() {
    let year = fixture::snapshot().inventory.zone.date(NOW).year();
    let zh = ask(&format!("/maintenance/plan?year={year}")).await;
    assert_eq!(zh.status, StatusCode::OK);
    assert!(zh.body.contains(&format!("<h1>{year} 年度维护计划</h1>")), "{}", zh.body);
    assert!(zh.body.contains("徐汇升级&#60;b&#62;") && zh.body.contains("事项停办：在线申请"), "{}", zh.body);
    let en = ask(&format!("/maintenance/plan?year={year}&owner=xuhui&lang=en")).await;
    assert!(en.body.contains("takes down Applying online") && en.body.contains("<option value=\"xuhui\" selected>"));
    // The other language asks for the same.
    assert!(en.body.contains(&format!("?lang=zh&#38;year={year}&#38;owner=xuhui")), "{}", en.body);
    let empty = ask(&format!("/maintenance/plan?year={year}&owner=bdc&lang=en")).await;
    assert!(empty.body.contains("0 windows") && !empty.body.contains("Upgrade of Xuhui"));
    assert_eq!(ask("/maintenance/plan?owner=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask("/maintenance/plan?year=32767").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_year_that_is_not_published_says_so_on_top() {
    let far = ask("/maintenance/plan?year=2190&lang=en").await;
    assert!(far.body.contains("is not published, so its windows stay drafts"), "{}", far.body);
    assert!(far.body.contains("calendar=provisional"));
}

#[tokio::test]
async fn composites_are_as_their_members_are_at_every_instant() {
    let all = ask("/api/v1/composites").await.json();
    let apply = &all[0];
    assert_eq!((&apply["id"], &apply["members"]), (&"apply".into(), &serde_json::json!(["xuhui/portal"])));
    let subsystem = ask("/api/v1/subsystems/xuhui/portal").await.json();
    assert_eq!(apply["health"], subsystem["health"]);
    assert_eq!(apply["accounts"].as_array().unwrap().len(), 3);
    assert_eq!(apply["accounts"], subsystem["accounts"]);
    assert_eq!(apply["in_maintenance"], false);
    let rows = ask("/api/v1/sla?period=week").await.json();
    let row = rows.as_array().unwrap().iter().find(|row| row["composite"] == "apply").unwrap();
    let member = rows.as_array().unwrap().iter().find(|row| row["subsystem"] == "xuhui/portal").unwrap();
    assert_eq!((&row["bad_ms"], &row["budget_ms"]), (&member["bad_ms"], &member["budget_ms"]));
}

#[tokio::test]
async fn statement_tells_where_the_time_went_and_its_parts_sum_to_the_whole() {
    let all = ["", "&owner=xuhui", "&subsystem=xuhui/portal", "&composite=apply"];
    for subject in all {
        let statement = ask(&format!("/api/v1/sla/statement?period=month{subject}")).await.json();
        let bad = |value: &serde_json::Value| value["bad_ms"].as_i64().unwrap();
        assert!(bad(&statement["totals"]) > 0, "{subject} {statement}");
        for breakdown in ["by_window", "by_incident", "promises"] {
            let parts = statement[breakdown].as_array().unwrap();
            assert_eq!(parts.iter().map(bad).sum::<i64>(), bad(&statement["totals"]), "{subject} {breakdown}");
        }
    }
    let city = ask("/api/v1/sla/statement").await.json();
    assert_eq!(city["subject"], "city");
    for (wrong, word) in [
        ("subsystem=xuhui/nothing", "xuhui/nothing"),
        ("composite=nobody", "nobody"),
        ("owner=nobody", "nobody"),
        ("period=never", "never"),
        ("owner=xuhui&composite=apply", "one of"),
    ] {
        let answer = ask(&format!("/api/v1/sla/statement?{wrong}")).await;
        assert!(answer.status.is_client_error() && answer.body.contains(word), "{wrong} {}", answer.body);
    }
}

#[tokio::test]
async fn the_page_of_matters_names_the_members_that_are_to_blame() {
    let mut snapshot = planned();
    let mut inventory = Inventory::clone(&snapshot.inventory);
    let composite = inventory.composites.get_mut("apply").unwrap();
    composite.needs = Expression::all_of(vec![Expression::One("bdc/exchange-district".into())]);
    snapshot.inventory = Arc::new(inventory);
    let state = fixture::state(snapshot).0;
    let zh = send(&state, request("127.0.0.1", Method::GET, "/composites")).await;
    assert_eq!(zh.status, StatusCode::OK);
    assert!(zh.body.contains("1 个事项：0 个可办，1 个停办") && zh.body.contains("<b>在线申请</b>"), "{}", zh.body);
    let en = send(&state, request("127.0.0.1", Method::GET, "/composites?lang=en")).await;
    assert!(en.body.contains("<a href=\"/subsystems/bdc/exchange-district?lang=en\">"), "{}", en.body);
}

#[tokio::test]
async fn a_window_says_what_would_be_down_with_it() {
    let impact = ask("/api/v1/windows/w.1/impact").await.json();
    assert_eq!(impact["composites"], serde_json::json!(["apply"]));
    let dependants: Vec<&str> =
        impact["dependants"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(dependants.contains(&"xuhui/portal") && dependants.contains(&"xuhui/hall"), "{dependants:?}");
    assert_eq!(ask("/api/v1/windows/nothing/impact").await.status, StatusCode::NOT_FOUND);
}
