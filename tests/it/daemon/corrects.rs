//! A correction with the real command and the real daemon: stored, counted, shown beside what was measured, proved.

use crate::rig::{House, until};
use gengfu::city::Behaviour;
use gengfu::store::{AuditOrder, AuditQuery, Store};
use serde_json::{Value, json};

async fn correct(house: &House, words: &[&str]) -> (Option<i32>, String) {
    let server = format!("http://{}", house.address());
    let token = house.token_file();
    let asked = ["--server", &server, "--token-file", token.to_str().unwrap()];
    let (code, out, err) = house.command(&[&["correct", "bdc/beta"], words, &asked].concat()).await;
    (code, out + &err)
}

async fn report(house: &House) -> Value {
    let (code, out, err) = house.command(&["report", "--period", "rolling_7d", "--format", "json"]).await;
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

fn line<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["subsystems"].as_array().unwrap().iter().find(|line| line["id"] == id).unwrap()
}

#[tokio::test]
async fn a_correction_counts_with_name_and_reason_and_what_was_measured_stays() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("beta", Behaviour::Status(500));
    daemon.becomes("beta", "down").await;
    house.all_is_well();
    daemon.becomes("beta", "up").await;
    let timeline = daemon.json("/api/v1/subsystems/bdc/beta/timeline").await;
    let down = timeline["spans"].as_array().unwrap().iter().find(|span| span["state"] == "down").unwrap().clone();
    let (from, to) = (down["from"].as_str().unwrap(), down["to"].as_str().unwrap());
    let span = ["--from", from, "--to", to, "--reason", "the fault was ours, CHG-12"];

    let (code, said) = correct(&house, &[&["--as", "fine"], &span[..]].concat()).await;
    assert!(code == Some(64) && said.contains("measured"), "{said}");
    let future = ["--as", "up", "--from", from, "--to", "2199-01-01T00:00", "--reason", "guess"];
    let (code, said) = correct(&house, &future).await;
    assert!(code == Some(1) && said.contains("and be over"), "{said}");
    let measured = report(&house).await;
    assert!(line(&measured, "bdc/beta")["bad_ms"].as_i64() > Some(0) && measured["measured"].is_null());

    let (code, said) = correct(&house, &[&["--as", "unknown"], &span[..]].concat()).await;
    assert!(code == Some(0) && said.contains("counts as unknown; the probes saw: down"), "{said}");
    let counted = report(&house).await;
    let beta = line(&counted, "bdc/beta");
    assert_eq!((&beta["bad_ms"], &beta["public"]["value"]), (&json!(0), &json!(1.0)));
    assert!(beta["measured"]["public"]["value"].as_f64() < Some(1.0), "{beta}");
    let told = &counted["corrections"][0];
    assert_eq!((&told["by"], &told["counts_as"]), (&json!("duty-officer"), &json!("unknown")));
    assert_eq!((&told["reason"], &told["start"]), (&json!("the fault was ours, CHG-12"), &down["from"]));

    // The probes' own words stay; the API and the pages tell both.
    let after = daemon.json("/api/v1/subsystems/bdc/beta/timeline").await;
    assert!(after["spans"].as_array().unwrap().contains(&down), "{after}");
    assert_eq!(after["corrections"][0]["reason"], "the fault was ours, CHG-12");
    let statement = daemon.json("/api/v1/sla/statement?owner=bdc").await;
    assert_eq!(statement["totals"]["bad_ms"], 0);
    assert!(statement["measured"]["bad_ms"].as_i64() > Some(0), "{statement}");
    let page = daemon.get("/subsystems/bdc/beta?lang=en").await.1;
    assert!(page.contains("duty-officer") && page.contains("the fault was ours, CHG-12"), "{page}");
    assert_eq!(daemon.json("/api/v1/corrections").await.as_array().unwrap().len(), 1);

    // Taken back, over a kill; and it is all in the chain.
    let (code, said) = correct(&house, &[&["--as", "measured"], &span[..]].concat()).await;
    assert!(code == Some(0) && said.contains("counts again as the probes saw it"), "{said}");
    daemon.kill().await;
    let daemon = house.start().await;
    let known = until("both are known", 20, async || {
        Some(daemon.json("/api/v1/corrections?subsystem=bdc/beta").await)
            .filter(|all| all[1]["counts_as"] == "measured")
    });
    assert_eq!(known.await[0]["counts_as"], "unknown");
    assert_eq!(line(&report(&house).await, "bdc/beta")["bad_ms"], line(&measured, "bdc/beta")["bad_ms"]);
    daemon.stop(30).await;
    let (code, out, _) = house.command(&["verify"]).await;
    assert_eq!(code, Some(0), "{out}");
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let rows = store.audit(AuditQuery { order: AuditOrder::OldestFirst, ..AuditQuery::default() }).await.unwrap();
    let rows: Vec<&str> =
        rows.iter().filter(|row| row.entry.action == "correct").map(|row| row.entry.outcome.as_str()).collect();
    assert_eq!(rows, ["refused", "done", "done"]);
}
