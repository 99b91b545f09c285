//! The list of windows in its three forms.

use super::*;
use crate::domain::policy::fixture::{at, city, once};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: WindowsArgs,
}

/// A monthly one of tier 1, one by day, one that is fine.
fn busy_city() -> Inventory {
    let mut city = city();
    let mut add = |id: &str, owner: &str, scope: &str, starts: &[&str]| {
        let (mut schedule, _) = once(owner, &[scope], starts[0], 4 * HOUR);
        schedule.id = id.into();
        let starts = starts.iter().map(|s| city.zone.parse_civil(s).unwrap()).collect();
        schedule.starts = crate::domain::window::Recurrence::Dates(starts);
        city.schedules.insert(id.into(), schedule);
    };
    add("bdc-monthly", "bdc", "bdc/portal-home", &["2026-11-28T23:00", "2027-01-23T23:00"]);
    add("by-day", "huangpu", "huangpu/portal", &["2026-11-25T10:00"]);
    add("huangpu-night", "huangpu", "huangpu/portal", &["2026-11-26T23:00"]);
    city
}

fn run(line: &str) -> Result<String> {
    let args = Line::parse_from(std::iter::once("windows").chain(line.split_whitespace())).args;
    let mut out = Vec::new();
    assert_eq!(windows(at("2026-11-24T08:00"), &busy_city(), &args, &mut out)?, 0);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn table_says_of_each_window_what_stands_in_its_way() {
    assert_eq!(
        run("--to 2027-02-01").unwrap(),
        "\
Wed 2026-11-25 10:00      4h  by-day.752c940d         denied: Wed 25 Nov (working day) 10:00 is outside nights \
22:00-06:00+1 and non-working days  [Upgrade]
Thu 2026-11-26 23:00      4h  huangpu-night.a38d58f7  planned  [Upgrade]
Sat 2026-11-28 23:00      4h  bdc-monthly.aa0d7684    draft: needs 2 approvals  [Upgrade]
Sat 2027-01-23 23:00      4h  bdc-monthly.e656474a    draft: calendar does not cover 2027-01-23: the notice for 2027 is \
not published yet and known provisionally; needs 2 approvals  [Upgrade]
4 in all: 1 planned, 2 draft, 1 denied
"
    );
    assert!(
        run("--lang zh")
            .unwrap()
            .contains("2026-11-28 星期六 23:00      4h  bdc-monthly.aa0d7684    草稿：需 2 人批准  [升级]\n")
    );
}

#[test]
fn window_that_is_running_is_listed_and_owners_and_times_narrow_the_list() {
    assert_eq!(run("--from 2026-11-29T02:00 --to 2026-11-29T02:01").unwrap().lines().count(), 2);
    assert_eq!(run("--owner bdc").unwrap().lines().count(), 2);
    assert_eq!(run("--owner huangpu --to 2026-11-25T10:00").unwrap(), "no windows\n");
    assert_eq!(run("--owner bcd").unwrap_err().to_string(), "no owner is called bcd; did you mean bdc?");
    assert!(run("--from 2026-12-01 --to 2026-12-01").is_err() && run("--from soon").is_err());
}

#[test]
fn scripts_get_state_reasons_notice_and_source() {
    let all: Value = serde_json::from_str(&run("--format json").unwrap()).unwrap();
    let windows = all["windows"].as_array().unwrap();
    assert_eq!(
        windows.iter().map(|w| w["state"].as_str().unwrap()).collect::<Vec<_>>(),
        ["rejected", "planned", "draft"]
    );
    assert_eq!(windows[0]["next_open"], json!("2026-11-25T14:00:00Z"));
    assert_eq!(windows[0]["reasons"][0]["source"], json!("policies/off-hours.yaml:2"));
    assert_eq!(windows[1]["notice_by"], json!("2026-11-19T15:59:59.999Z"));
    assert_eq!(windows[2]["reasons"][0]["kind"], json!("approvals"));
    assert_eq!(
        (&windows[2]["id"], &windows[2]["source"]),
        (&json!("bdc-monthly.aa0d7684"), &json!("windows/huangpu.yaml:2"))
    );
}

#[test]
fn calendar_file_is_in_utc_with_stable_uids_and_without_what_is_denied() {
    let text = run("--format ics").unwrap();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 2);
    for line in
        ["UID:bdc-monthly.aa0d7684@gengfu", "DTSTART:20261128T150000Z", "DTEND:20261128T190000Z", "STATUS:TENTATIVE"]
    {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
    assert!(!text.contains("by-day"));
    assert_eq!(text, run("--format ics").unwrap());
    assert!(run("--format ics --lang zh").unwrap().contains("SUMMARY:升级"));
}

#[test]
fn the_plan_of_a_year_lists_months_clashes_and_totals() {
    let text = run("--plan 2026").unwrap();
    assert!(text.starts_with("2026-11 (3)\nWed 2026-11-25 10:00      4h  by-day.752c940d         denied: "), "{text}");
    assert!(text.contains("\nclashes: 0\ntotals by owner"), "{text}");
    assert!(text.contains("\nhuangpu  2/4h  1 planned 0 draft 1 denied  0/0s 0/0s"), "{text}");
    assert!(run("--plan 2026 --owner bdc").unwrap().contains("2026-11 (1)"));
    assert!(run("--plan 2026 --lang zh").unwrap().contains("冲突 0"));
    assert!(run("--plan 30000").is_err());
}

#[test]
fn a_plan_that_rests_on_a_provisional_calendar_says_so_in_every_form() {
    let first = |line: &str| run(line).unwrap().lines().next().unwrap().to_owned();
    assert!(first("--plan 2027").starts_with("the notice for 2027 is not published, so windows stay drafts"));
    assert!(first("--plan 2027 --calendar provisional").starts_with("NOTE: the notice for 2027 is not published"));
    let all: Value = serde_json::from_str(&run("--plan 2027 --calendar provisional --format json").unwrap()).unwrap();
    assert_eq!((&all["calendar"], &all["treated_as_published"]), (&json!("provisional"), &json!([2027])));
    assert_eq!(all["windows"][0]["why"], json!("draft: needs 2 approvals"));
    assert_eq!(all["totals"][0]["months"][0]["draft"], json!(1));
    let rows = run("--plan 2027 --calendar provisional --format csv").unwrap();
    assert!(rows.lines().nth(1).unwrap().contains("NOTE: the notice for 2027"), "{rows}");
    let feed = run("--plan 2027 --calendar provisional --format ics").unwrap();
    assert!(feed.contains("DESCRIPTION:NOTE: the notice for 2027"), "{feed}");
}

#[test]
fn no_cell_of_the_table_for_spreadsheets_begins_like_a_formula() {
    let mut city = busy_city();
    let evil = Names { zh: "=1+1".into(), en: "@SUM(A1)".into() };
    city.schedules.values_mut().for_each(|s| s.name = evil.clone());
    let args = Line::parse_from(["windows", "--format", "csv"]).args;
    let mut out = Vec::new();
    windows(at("2026-11-24T08:00"), &city, &args, &mut out).unwrap();
    let mut table = csv::Reader::from_reader(&out[..]);
    let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@']))));
    assert_eq!(&rows[0][3], "'=1+1");
}
