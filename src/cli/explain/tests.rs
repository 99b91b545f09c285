//! The explanation in its two forms.

use super::*;
use crate::domain::composite::{Composite, Expression};
use crate::domain::policy::fixture::{at, city, once};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ExplainArgs,
}

fn run(line: &str) -> Result<String> {
    let args = Line::parse_from(std::iter::once("explain").chain(line.split_whitespace())).args;
    let mut city = city();
    let (schedule, _) = once("huangpu", &["huangpu/portal"], "2026-11-28T23:00", 4 * HOUR);
    city.schedules.insert(schedule.id.clone(), schedule);
    city.dependants.insert("huangpu/portal".into(), vec!["huangpu/kiosks".into()]);
    let composite = Composite {
        id: "apply".into(),
        name: Names { zh: "在线申请".into(), en: "Applying online".into() },
        needs: Expression::all_of(vec![Expression::One("huangpu/portal".into())]),
        hours: crate::domain::hours::Hours::always(),
        objective: None,
        source: city.subsystems["huangpu/portal"].source.clone(),
    };
    city.composites.insert(composite.id.clone(), composite);
    let mut out = Vec::new();
    assert_eq!(explain(at("2026-11-24T06:30"), &city, &args, &mut out)?, 0);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn people_get_each_rule_with_its_place() {
    assert_eq!(
        run("huangpu/portal --at 2026-02-14T10:00 --for 1h").unwrap(),
        "\
huangpu/portal  huangpu/portal, tier 2, public  (probes/huangpu.yaml:4)
  at        Sat 2026-02-14 10:00 Asia/Shanghai +1h
  calendar  Sat 14 Feb (make-up workday, public holiday)  (calendars/china.yaml:30)
  hours     7x24: open, with dependencies: open  (probes/huangpu.yaml:4)
  policy    deny, next open Sat 2026-02-14 22:00
            Sat 14 Feb (make-up workday, public holiday) 10:00 is outside nights 22:00-06:00+1 and non-working days  (policies/off-hours.yaml:2)
            2026-02-14 is a make-up workday (public holiday)  (calendars/china.yaml:30)
  gate      hours: deny, next open Sat 2026-02-14 22:00
  coverage  no window holds this instant
  window    upgrade.30c33276 Sat 2026-11-28 23:00 +4h  (windows/huangpu.yaml:2)
            planned
  stopped   takes down Applying online; 1 dependant fails
  objective public-7x24: 99.9 % per civil month, public figure  (objectives.yaml:2)
"
    );
}

#[test]
fn chinese_explanation_keeps_its_columns() {
    let text = run("huangpu/portal --at 2026-11-29T00:30 --lang zh").unwrap();
    assert!(text.contains("\n  日历      11月29日 星期日（休息日）  (plain week)\n"), "{text}");
    assert!(
        text.contains("\n  政策      允许，至 2026-11-30 星期一 06:00\n            政策 off-hours 允许："),
        "{text}"
    );
    assert!(text.contains("\n  变更闸口  hours: 允许，至 2026-11-30 星期一 06:00\n"), "{text}");
    assert!(text.contains("\n  覆盖      此刻在窗口内，但仅凭文件无从得知是否已公告\n"), "{text}");
}

#[test]
fn scripts_get_calendar_decision_gate_coverage_hours_and_objective() {
    let answer: Value =
        serde_json::from_str(&run("huangpu/portal --at 2026-02-14T10:00 --format json").unwrap()).unwrap();
    assert_eq!(answer["calendar"]["working_day"], json!(true));
    assert_eq!(answer["calendar"]["source"], json!("calendars/china.yaml:30"));
    assert_eq!(answer["calendar"]["layer"], json!("state-council"));
    assert_eq!(answer["decision"]["allow"], json!(false));
    assert_eq!(answer["decision"]["reasons"][1]["rule"], json!("calendar china"));
    assert_eq!(answer["decision"]["next_open"], json!("2026-02-14T14:00:00Z"));
    assert_eq!(answer["gate"]["mode"], json!("hours"));
    assert_eq!(answer["coverage"], json!({ "window": null, "mutes": false, "why": "no window holds this instant" }));
    assert_eq!(answer["hours"]["declared"], json!("7x24"));
    assert_eq!(answer["objective"]["target_ratio"], json!(0.999));
    assert_eq!(answer["impact"], json!({ "composites": ["apply"], "dependants": ["huangpu/kiosks"], "carried": [] }));
    assert_eq!(answer["policies"][0]["next_open"], json!("2026-02-14T14:00:00Z"));
    let night: Value =
        serde_json::from_str(&run("huangpu/portal --at 2026-11-29T00:30 --format json").unwrap()).unwrap();
    assert_eq!((&night["decision"]["allow"], &night["coverage"]["window"]), (&json!(true), &night["window"]["id"]));
    assert_eq!(
        (&night["calendar"]["working_day"], &night["calendar"]["source"]),
        (&json!(false), &json!("plain week"))
    );
    let beyond: Value =
        serde_json::from_str(&run("huangpu/portal --at 2027-01-23T23:00 --format json").unwrap()).unwrap();
    assert_eq!((&beyond["calendar"]["covered"], &beyond["decision"]["next_open"]), (&json!(false), &Value::Null));
    assert_eq!(beyond["decision"]["reasons"][0]["kind"], json!("calendar_not_covered"));
}

#[test]
fn tier_one_needs_a_window_and_unknown_ids_and_times_are_errors() {
    let text = run("bdc/portal-home --at 2026-11-28T23:00").unwrap();
    assert!(
        text.contains("gate      window: deny, no opening is known\n            the policy public-front asks for"),
        "{text}"
    );
    assert!(text.contains("window    none within 400 days"), "{text}");
    assert!(run("huangpu/nothing-like-it").is_err());
    assert!(run("huangpu/portal --at yesterday").unwrap_err().to_string().contains("is not a time"));
}
