//! A report that may be due, from a person's word to the mail with the draft, over a kill, to the word that ends it.

use crate::rig::{Daemon, House, message_id, until};
use gengfu::city::Behaviour;
use gengfu::store::{AuditOrder, AuditQuery, Store};
use std::collections::BTreeSet;

const FILING: &str = "filing:\n  roster: duty\n  unit: { zh: 大数据中心, en: Big Data Centre }\n  \
                      categories: [{ category: critical, owners: [bdc] }]\n  \
                      grades: [{ grade: serious, subsystems: [bdc/alpha], down: 30d }]\nalerts:";

/// `gengfu filing …` of whoever holds this house's token.
async fn filing(house: &House, words: &[&str]) -> (Option<i32>, String) {
    let (server, token) = (format!("http://{}", house.address()), house.token_file());
    let who = ["--lang", "en", "--server", &server, "--token-file", token.to_str().unwrap()];
    let (code, said, beside) = house.command(&[&["filing"], words, &who].concat()).await;
    (code, [said, beside].concat())
}

/// Distinct mails with these words in the subject: one may come twice over a kill, under one id.
async fn arrives(house: &House, words: &str) -> String {
    until(&format!("a mail about {words}"), 30, async || house.mails_about(words).first().and_then(|m| m.text.clone()))
        .await
}

/// Scrapes may be a moment old.
async fn running(daemon: &Daemon, many: f64) {
    let same = async || (daemon.metric("gengfu_filings_open{standing=\"running\"}").await == Some(many)).then_some(());
    until(&format!("{many} filings run"), 30, same).await;
}

fn ids(house: &House, words: &str) -> usize {
    house.mails_about(words).iter().map(|mail| message_id(mail)).collect::<BTreeSet<String>>().len()
}

#[tokio::test]
async fn what_a_person_grades_is_drafted_survives_a_kill_and_ends_when_it_was_sent() {
    let house = House::build().await;
    house.edit("gengfu.yaml", "alerts:", FILING);
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("alpha", Behaviour::Refuse);
    arrives(&house, "[DOWN]").await;
    let open = daemon.json("/api/v1/incidents?state=open").await;
    let id = open[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(filing(&house, &["list"]).await, (Some(0), "nothing has to be reported\n".to_owned()));
    let (code, said) = filing(&house, &["grade", &id, "considerable", "--reason", "the whole city"]).await;
    assert!(code == Some(0) && said.contains("report by"), "{said}");
    let mail = arrives(&house, "[REPORT BY").await;
    assert!(mail.contains("Reporting unit: Big Data Centre") && mail.contains("judged by duty-officer"), "{mail}");
    daemon.kill().await;
    let daemon = house.start().await;
    let (code, said) = filing(&house, &["list"]).await;
    assert!(code == Some(0) && said.contains("running  considerable  bdc/alpha"), "{said}");
    let (code, said) = filing(&house, &["show", &id]).await;
    assert!(code == Some(0) && said.contains("1. Unit and system"), "{said}");
    running(&daemon, 1.0).await;
    let (code, said) = filing(&house, &["reported", &id, "--to", "the police"]).await;
    assert!(code == Some(0) && said.contains("sent to the police"), "{said}");
    arrives(&house, "[REPORTED]").await;
    running(&daemon, 0.0).await;
    let (code, said) = filing(&house, &["known", &id, "2090-01-01T00:00", "--reason", "x"]).await;
    assert!(code == Some(1) && said.contains("only an earlier time"), "{said}");
    daemon.stop(30).await;
    assert_eq!((ids(&house, "[REPORT BY"), ids(&house, "[REPORTED]")), (1, 1));
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let rows = store.audit(AuditQuery { order: AuditOrder::OldestFirst, ..AuditQuery::default() }).await.unwrap();
    let acts = rows.iter().filter(|row| row.entry.action.starts_with("filing."));
    let acts: Vec<(&str, &str)> = acts.map(|row| (row.entry.action.as_str(), row.entry.outcome.as_str())).collect();
    assert_eq!(acts, [("filing.grade", "done"), ("filing.reported", "done"), ("filing.known", "refused")]);
}
