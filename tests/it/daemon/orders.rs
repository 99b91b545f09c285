//! Orders of people, given with the real command to the real daemon: carried out, refused, remembered over a kill.

use crate::rig::{Daemon, House, until};
use gengfu::store::{AuditOrder, AuditQuery, Store};
use serde_json::{Value, json};
use std::process::Output;

/// `gengfu window …` of whoever holds this house's token.
async fn window(house: &House, words: &[&str]) -> (Option<i32>, String) {
    let server = format!("http://{}", house.address());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gengfu"));
    command
        .arg("window")
        .args(["--server", &server, "--token-file"])
        .arg(house.token_file())
        .args(words)
        .env_remove("GENGFU_LANG");
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

async fn only_window(daemon: &Daemon) -> Value {
    let windows = daemon.json("/api/v1/windows").await;
    windows.as_array().and_then(|w| w.first().cloned()).unwrap_or_default()
}

async fn comes_to(daemon: &Daemon, state: &str) -> Value {
    let reached = async || Some(only_window(daemon).await).filter(|w| w["state"] == state);
    until(&format!("the window is {state}"), 30, reached).await
}

#[tokio::test]
async fn an_emergency_is_declared_survives_a_kill_and_is_finished() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    let declare = ["override", "bdc/beta", "--for", "2h", "--ticket", "INC-7", "--reason", "disk full"];
    let (code, said) = window(&house, &declare).await;
    assert_eq!(code, Some(0), "{said}");
    let declared = comes_to(&daemon, "active").await;
    assert_eq!(declared["emergency"], json!({ "ticket": "INC-7" }));
    daemon.kill().await;
    let daemon = house.start().await;
    let again = comes_to(&daemon, "active").await;
    assert_eq!((&again["id"], &again["end"]), (&declared["id"], &declared["end"]));
    let id = declared["id"].as_str().unwrap();
    let (code, said) = window(&house, &["finish", id, "--reason", "done"]).await;
    assert_eq!(code, Some(0), "{said}");
    comes_to(&daemon, "completed").await;
    let (code, said) = window(&house, &["finish", id, "--reason", "again"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("refused: ") && said.contains("is not at work"), "{said}");
    daemon.stop(30).await;
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let asked = AuditQuery { order: AuditOrder::OldestFirst, ..AuditQuery::default() };
    let rows = store.audit(asked).await.unwrap();
    let orders: Vec<(String, &str)> = rows
        .iter()
        .filter(|row| row.entry.action.starts_with("window."))
        .map(|row| (row.entry.action.clone(), row.entry.outcome.as_str()))
        .collect();
    let expected = [("window.override", "done"), ("window.finish", "done"), ("window.finish", "refused")];
    assert_eq!(orders, expected.map(|(action, outcome)| (action.to_owned(), outcome)));
}

#[tokio::test]
async fn a_request_in_the_past_without_length_or_of_nobody_s_is_refused_with_the_remedy() {
    let house = House::build().await;
    let daemon = house.start().await;
    let request = |scope: &'static str, at: &'static str, lasts: &'static str| {
        ["request", scope, "--owner", "bdc", "--name", "disks", "--at", at, "--for", lasts, "--reason", "CHG-7"]
    };
    for (words, expected, says) in [
        (request("bdc/beta", "2020-01-01T23:00", "1h"), 1, "the start lies in the past"),
        (request("bdc/beta", "2090-01-01T23:00", "1h"), 1, "more than 400 days ahead"),
        (request("bdc/beta", "2090-01-01T23:00", "0s"), 64, "nothing can be done in no time"),
        (request("bdc/bate", "2090-01-01T23:00", "1h"), 1, "no subsystem bdc/bate"),
        (request("bdc/beta", "tonight", "1h"), 1, "tonight"),
    ] {
        let (code, said) = window(&house, &words).await;
        assert!(code == Some(expected) && said.contains(says), "{words:?}: {code:?} {said}");
    }
    let (code, said) = window(&house, &["skip", "none.1", "--reason", "x"]).await;
    assert!(code == Some(1) && said.contains("there is no window none.1"), "{said}");
    assert_eq!(daemon.json("/api/v1/windows").await, json!([]));
}
