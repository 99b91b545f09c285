//! Leases as pipelines take them: the real command, the real daemon, exit codes.

use crate::rig::{House, until};
use gengfu::store::{AuditOrder, AuditQuery, Store};
use std::process::Output;

async fn lease(house: &House, words: &[&str]) -> (Option<i32>, String) {
    gengfu(house, "lease", words).await
}

/// A command of whoever holds this house's token.
async fn gengfu(house: &House, command: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_gengfu"));
    process.arg(command).args(words).args(["--server", &format!("http://{}", house.address())]);
    process.env("GENGFU_TOKEN_FILE", house.token_file()).env_remove("GENGFU_LANG").env_remove("GENGFU_LEASE");
    let Output { status, stdout, stderr } = process.output().await.unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).trim().to_owned())
}

#[tokio::test]
async fn a_pipeline_takes_a_lease_uses_it_once_and_gives_it_back() {
    let house = House::build().await;
    let daemon = house.start().await;
    let shut = lease(&house, &["take", "bdc/beta", "--for", "40m"]).await;
    assert!(shut.0 == Some(1) && shut.1.contains("calendar does not cover"), "{}", shut.1);
    // No calendar, no permission; an emergency opens the gate all the same.
    let declare = ["override", "bdc/beta", "--for", "2h", "--ticket", "INC-7", "--reason", "disk full"];
    assert_eq!(gengfu(&house, "window", &declare).await.0, Some(0));
    let (code, taken) = lease(&house, &["take", "bdc/beta", "--for", "40m"]).await;
    assert!(code == Some(0) && taken.starts_with("lease_") && !taken.contains(' '), "{taken}");
    let (code, said) = lease(&house, &["take", "bdc/beta", "--for", "40m"]).await;
    assert!(code == Some(1) && said.contains("is changing bdc/beta"), "{said}");
    let (code, said) = lease(&house, &["use", &taken]).await;
    assert!(code == Some(0) && said.contains("the change begins"), "{said}");
    let (code, said) = lease(&house, &["use", &taken]).await;
    assert!(code == Some(1) && said.contains("was used at"), "{said}");
    assert_eq!(lease(&house, &["release", &taken]).await.0, Some(0));
    assert_eq!(lease(&house, &["take", "bdc/beta", "--for", "40m"]).await.0, Some(0));
    assert_eq!(lease(&house, &["use", "lease_of_nobody"]).await.0, Some(1));
    drop(daemon);
    assert_eq!(lease(&house, &["use", &taken]).await.0, Some(2), "nobody answers");
}

#[tokio::test]
async fn a_clock_that_nobody_vouches_for_opens_no_gate_where_the_files_ask_for_it() {
    let house = House::build().await;
    house.publish_calendars();
    let daemon = house.start().await;
    assert_eq!(lease(&house, &["take", "bdc/beta", "--for", "40m"]).await.0, Some(0));
    drop(daemon);
    house.edit("gengfu.yaml", "zone:", "clock: { require_sync: true }\nzone:");
    // Nobody to ask: no `timedatectl` in an empty folder.
    house.write("nothing/here", "");
    let path = format!("PATH={}", house.path("nothing").display());
    let mut daemon = house.spawn(&["/usr/bin/env", &path]);
    daemon.serves().await;
    let (status, said) = until("the doubt is known", 20, async || {
        let answer = daemon.get("/api/v1/gate?subsystem=bdc/gamma&for=10m").await;
        answer.1.contains("timedatectl: No such file").then_some(answer)
    })
    .await;
    assert!(status == 423 && said.contains("clock_unsynchronised"), "{status} {said}");
    let planned = daemon.get("/api/v1/gate?subsystem=bdc/gamma&for=10m&at=2026-11-28T23:00").await;
    assert!(!planned.1.contains("clock_unsynchronised"), "an instant that is named needs no clock: {}", planned.1);
}

#[tokio::test]
async fn every_answer_of_the_gate_to_a_holder_is_kept_while_files_are_read() {
    const ASKED: usize = 300;
    let house = House::build().await;
    let daemon = house.start().await;
    let ask = async |turn: usize| match turn % 30 {
        0 => daemon.post("/-/reload").await.0,
        _ => daemon.get_as_holder("/api/v1/gate?subsystem=bdc/beta&for=10m").await.0,
    };
    let answers = futures_util::future::join_all((0..ASKED).map(ask)).await;
    let denied = answers.iter().filter(|status| **status == 423).count();
    assert_eq!(denied, ASKED - ASKED / 30, "{answers:?}");
    daemon.stop(30).await;
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let mut rows = 0;
    let mut asked = AuditQuery { order: AuditOrder::OldestFirst, ..AuditQuery::default() };
    loop {
        let page = store.audit(asked.clone()).await.unwrap();
        rows += page.iter().filter(|row| row.entry.action == "gate.ask").count();
        let Some(last) = page.last() else { break };
        asked.behind = Some(last.place());
    }
    assert_eq!(rows, denied);
}
