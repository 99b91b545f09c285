//! Time lines of a plan, as people and scripts read them.

use super::simulate::{History, SimulateArgs, simulate};
use crate::domain::plan::fixture::five_steps;
use crate::domain::policy::fixture::{at, city, once};
use crate::domain::*;
use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: SimulateArgs,
}

fn run(line: &str, history: &History) -> Result<(u8, String)> {
    let mut city = city();
    let plan = five_steps();
    city.plans.insert(plan.id.clone(), plan);
    let (mut night, planned) = once("huangpu", &["huangpu/portal"], "2026-11-26T23:00", 2 * HOUR);
    night.id = "night".into();
    let (mut short, _) = once("huangpu", &["huangpu/portal"], "2026-11-26T23:00", 10 * MINUTE);
    short.id = "short".into();
    assert!(planned.span.len_ms() > 0);
    city.schedules = [night, short].into_iter().map(|s| (s.id.clone(), s)).collect();
    let id = |schedule: &str| {
        let listed = crate::cli::windows::list(
            &city,
            |s| s.id.as_str() == schedule,
            Span::lasting(at("2026-11-24T08:00"), 30 * DAY),
        );
        listed[0].planned.id.to_string()
    };
    let line = line.replace("NIGHT", &id("night")).replace("SHORT", &id("short"));
    let args = Line::parse_from(std::iter::once("simulate").chain(line.split_whitespace())).args;
    let mut out = Vec::new();
    let code = simulate(at("2026-11-24T08:00"), &city, &args, history, &mut out)?;
    Ok((code, String::from_utf8(out)?))
}

#[test]
fn a_time_line_names_the_point_of_no_return_what_history_says_and_the_policys_answer() {
    let took = (1..=20).map(|n| n * SECOND).collect();
    let history = History::from([("migrate".into(), took)]);
    let (code, text) = run("upgrade --window NIGHT", &history).unwrap();
    assert_eq!(code, 0, "{text}");
    for part in
        ["planned", "20 runs: half within 10s, 95 % within 19s", "point of no return", "needs 20m of 2h: it fits"]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(text.contains("00:45"), "an hour and three quarters after 23:00\n{text}");
    let (_, text) = run("upgrade --lang zh", &History::new()).unwrap();
    assert!(text.contains("回退时间点") && text.contains("没有历史"), "{text}");
}

#[test]
fn a_window_that_is_too_short_says_so_and_unknown_names_are_answered() {
    let (code, text) = run("upgrade --window SHORT", &History::new()).unwrap();
    assert!(code == 1 && text.contains("it does not fit"), "{text}");
    let (code, text) = run("upgrade --window SHORT --format json", &History::new()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["fits"], &json["needs_ms"]), (1, &false.into(), &(20 * MINUTE).into()));
    assert!(run("upgrad", &History::new()).unwrap_err().to_string().contains("did you mean upgrade?"));
    assert!(run("upgrade --window night.00000000", &History::new()).is_err());
}
