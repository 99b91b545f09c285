//! The simulator, over a small city.

use super::*;
use crate::domain::fixture::City;
use crate::domain::policy::Allowed;
use crate::domain::policy::fixture::night;
use clap::Parser;
use serde_json::{Value, json};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: SimulateArgs,
}

/// A Wednesday in working hours, 02:00 UTC = 10:00 in Shanghai.
const T0: Timestamp = Timestamp(1_773_194_400_000);

/// Two windows that clash, one that is over in time, and one that needs approvals.
fn city() -> Inventory {
    let city = City::new().subsystem("a/one", 2, &[]).subsystem("a/two", 2, &[]).subsystem("b/hall", 2, &[]);
    let city = city
        .needs_any_of("b/hall", &["a/one", "a/two"])
        .window("first", &["a/one"], T0 + 14 * HOUR, HOUR)
        .window("second", &["a/two"], T0 + 14 * HOUR + MINUTE, HOUR)
        .window("later", &["b/hall"], T0 + 16 * HOUR, 2 * HOUR);
    let nights = Allowed { always: false, nights: Some(night()), non_working_days: false };
    city.policy(|policy| policy.allow = nights).inventory()
}

fn run(inventory: &Inventory, line: &str) -> Result<String> {
    let args = Line::parse_from(std::iter::once("simulate").chain(line.split_whitespace())).args;
    let mut out = Vec::new();
    let context = crate::notify::examples::context(inventory.zone.clone());
    assert_eq!(simulate(T0, inventory, &context, &args, &mut out)?, 0);
    Ok(String::from_utf8(out).unwrap())
}

fn json_of(inventory: &Inventory, line: &str) -> Value {
    serde_json::from_str(&run(inventory, &format!("{line} --format json")).unwrap()).unwrap()
}

fn states(answer: &Value) -> Vec<(String, String)> {
    let windows = answer["windows"].as_array().unwrap().iter();
    let schedule = |w: &Value| w["id"].as_str().unwrap().split('.').next().unwrap().to_owned();
    windows.map(|w| (schedule(w), w["state"].as_str().unwrap().to_owned())).collect()
}

const DAY_OF_WINDOWS: &str = "--from 2026-03-11T08:00 --to 2026-03-12T08:00";

#[test]
fn windows_open_by_the_engines_own_rules_and_what_does_not_open_says_why() {
    let answer = json_of(&city(), DAY_OF_WINDOWS);
    let found = states(&answer);
    assert_eq!(
        found,
        [("first", "completed"), ("second", "missed"), ("later", "completed")]
            .map(|(id, state)| (id.to_owned(), state.to_owned()))
    );
    let why = answer["windows"][1]["why"]["en"].as_str().unwrap();
    assert!(why.starts_with("waits: a/one stops in the window first."), "{why}");
    // Three quarters of an hour of work less two minutes, seen from outside: it is excluded, and the public figure pays.
    assert_eq!(answer["owners"][0]["owner"], json!("a"));
    assert!(answer["owners"][0]["excluded_ms"].as_i64().unwrap() > 30 * MINUTE);
    assert_eq!(answer["treated_as_published"], json!([]));
}

#[test]
fn one_seed_gives_one_answer_and_another_seed_other_faults() {
    let line = "--from 2026-03-11 --to 2026-03-13 --faults 400 --format json";
    let one = run(&city(), &format!("{line} --seed 7")).unwrap();
    assert_eq!(one, run(&city(), &format!("{line} --seed 7")).unwrap());
    assert_ne!(one, run(&city(), &format!("{line} --seed 8")).unwrap());
    let answer: Value = serde_json::from_str(&one).unwrap();
    assert!(answer["incidents"].as_u64().unwrap() > 5, "{answer:#}");
    let mails = &answer["mails"][0]["mails"];
    let (opened, closed) = (mails["opened"].as_u64().unwrap(), mails["closed"].as_u64().unwrap());
    // What is open at the end is closed later.
    assert!(opened > 5 && closed > 0 && closed <= opened, "{mails}");
    assert!(answer["owners"].as_array().unwrap().iter().any(|o| o["spent_ms"]["incident"].as_i64() > Some(HOUR)));
}

#[test]
fn approvals_are_missing_unless_they_are_taken_for_given() {
    let mut strict = city();
    strict.policies[0].approvals = 2;
    let answer = json_of(&strict, DAY_OF_WINDOWS);
    assert!(states(&answer).iter().all(|(_, state)| state == "missed"));
    assert_eq!(answer["windows"][0]["why"]["en"], json!("needs 2 approvals"));
    assert_eq!(states(&json_of(&strict, &format!("{DAY_OF_WINDOWS} --approved")))[0].1, "completed");
}

#[test]
fn a_year_that_is_not_published_stays_shut_unless_it_is_trusted_and_then_the_answer_says_so_first() {
    use crate::domain::calendar::YearStatus;
    let mut next = city();
    next.calendar.years.insert(2026, YearStatus::Provisional);
    let text = run(&next, DAY_OF_WINDOWS).unwrap();
    assert!(text.contains("\nopened: 0 windows") && text.contains("calendar does not cover"), "{text}");
    let trusted = run(&next, &format!("{DAY_OF_WINDOWS} --calendar provisional")).unwrap();
    assert!(trusted.starts_with("NOTE: the notice for 2026 is not published"), "{trusted}");
    assert!(trusted.contains("\nopened: 2 windows"), "{trusted}");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    assert!(run(&city(), "--from 2026-03-11 --to 2026-03-11").is_err());
    assert!(run(&city(), "--from 2026-03-11 --to 2027-06-11").unwrap_err().to_string().contains("400 days"));
    assert!(run(&city(), "--from soon --to 2026-03-11").is_err());
}

#[test]
fn mails_are_written_as_a_relay_would_have_got_them() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{DAY_OF_WINDOWS} --faults 300 --mails {}", folder.path().display());
    let answer = json_of(&city(), &line);
    let mut letters: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|f| f.path()).collect();
    letters.sort();
    let counted = answer["mails"].as_array().unwrap().iter().flat_map(|m| m["mails"].as_object().unwrap().values());
    let counted: u64 = counted.filter_map(Value::as_u64).sum();
    assert!(!letters.is_empty(), "{answer}");
    assert_eq!(letters.len() as u64, counted, "{}", answer["mails"]);
    let first = std::fs::read_to_string(&letters[0]).unwrap();
    assert!(first.contains("Message-ID: <") && first.contains("To: "), "{first}");
}
