//! Changed files: taken over as a whole, or not at all, and then everybody who should know is told.

use crate::rig::{ADMINS, Daemon, HOLDER, House, until};
use gengfu::store::{AuditOrder, AuditQuery, Store};

const OWNER: &str = "probes/platform/bdc.yaml";
const SUCCESSFUL: &str = "gengfu_config_last_reload_successful";

async fn name_of_alpha(daemon: &Daemon) -> String {
    daemon.json("/api/v1/subsystems/bdc/alpha").await["name"]["en"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_changed_file_is_taken_over_when_asked_for_and_by_itself() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.edit(OWNER, "en: alpha", "en: First");
    assert_eq!(daemon.post_as_nobody("/-/reload").await.0, 401, "also on this machine");
    assert_eq!(daemon.post("/-/reload").await, (200, "reloaded\n".into()));
    until("the new name is shown", 10, async || (name_of_alpha(&daemon).await == "First").then_some(())).await;
    house.edit(OWNER, "en: First", "en: Second");
    until("the file is noticed", 10, async || (name_of_alpha(&daemon).await == "Second").then_some(())).await;
    assert_eq!(daemon.health("alpha").await, "up", "its history goes on");
    assert!(house.city.mails.mails().is_empty(), "nobody is bothered");
}

#[tokio::test]
async fn the_main_file_is_noticed_as_often_as_it_is_replaced() {
    let house = House::build().await;
    let daemon = house.start().await;
    for _ in 0..3 {
        house.edit("gengfu.yaml", "zone: Asia/Shanghai", "zone: Asia/Nowhere");
        until("it is refused", 10, async || (daemon.metric(SUCCESSFUL).await == Some(0.0)).then_some(())).await;
        house.edit("gengfu.yaml", "zone: Asia/Nowhere", "zone: Asia/Shanghai");
        until("it is good again", 10, async || (daemon.metric(SUCCESSFUL).await == Some(1.0)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_the_administrators_read_what_check_prints() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    assert_eq!(daemon.metric(SUCCESSFUL).await, Some(1.0));
    house.edit(OWNER, "tier: 1", "tier: 7");
    let (status, told) = daemon.post("/-/reload").await;
    let (code, check) = house.check().await;
    assert_eq!((status, code), (422, Some(1)));
    let problem: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(problem["detail"].as_str().map(str::trim_end), Some(check.trim_end()));
    until("the metric says so", 10, async || (daemon.metric(SUCCESSFUL).await == Some(0.0)).then_some(())).await;
    let mail = until("the administrators are told", 20, async || house.city.mails.mails().first().cloned()).await;
    assert_eq!(mail.to, [ADMINS]);
    let text = mail.text.clone().unwrap();
    for line in check.lines().filter(|l| !l.trim().is_empty()) {
        assert!(text.contains(line.trim_end()), "{line:?} is missing in:\n{text}");
    }
    let status = until("the status says so", 10, async || {
        Some(daemon.json("/api/v1/status").await).filter(|status| status["reload_refused"] == true)
    })
    .await;
    assert_eq!(status["up"], 4, "the running set goes on");
    assert_eq!(daemon.json("/api/v1/subsystems/bdc/alpha").await["tier"], 1);
    assert_eq!(daemon.post("/-/reload").await.0, 422, "asked again");

    // What ran all the time is written again: the refusal is over, and the next one is told again.
    house.edit(OWNER, "tier: 7", "tier: 1");
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    until("the refusal is over", 10, async || {
        let over = daemon.json("/api/v1/status").await["reload_refused"] == false;
        (over && daemon.metric(SUCCESSFUL).await == Some(1.0)).then_some(())
    })
    .await;
    assert_eq!(house.city.mails.mails().len(), 1, "one refusal, one mail");
    house.edit(OWNER, "tier: 1", "tier: 7");
    until("they are told again", 20, async || (house.city.mails.mails().len() == 2).then_some(())).await;
    house.edit(OWNER, "tier: 7", "tier: 2");
    until("the new set runs", 20, async || {
        (daemon.json("/api/v1/subsystems/bdc/alpha").await["tier"] == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_reload_leaves_a_row_with_who_asked_and_what_came_of_it() {
    let house = House::build().await;
    let daemon = house.start().await;
    let (_, who) = daemon.get_as_holder("/api/v1/whoami").await;
    assert!(who.contains(&format!("\"holder\":\"{HOLDER}\"")), "{who}");
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    house.edit(OWNER, "tier: 1", "tier: 7");
    assert_eq!(daemon.post("/-/reload").await.0, 422);
    house.edit(OWNER, "tier: 7", "tier: 2");
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let rows = until("all are stored", 20, async || {
        let query = AuditQuery { order: AuditOrder::OldestFirst, ..AuditQuery::default() };
        let rows = store.audit(query).await.unwrap();
        // Whether the daemon noticed a file before it was asked is a matter of luck.
        let of = |row: &gengfu::store::AuditRow| row.entry.actor.name == HOLDER && row.entry.action == "reload";
        let asked: Vec<_> = rows.iter().filter(|row| of(row)).map(|row| row.entry.clone()).collect();
        (asked.len() == 3).then_some((rows, asked))
    })
    .await;
    let (all, asked) = rows;
    assert_eq!(all[0].entry.actor.from, "start", "{:?}", all[0]);
    let outcomes: Vec<&str> = asked.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["done", "refused", "done"]);
    assert!(asked[1].outcome.why().contains("bdc.yaml:6:11"), "{:?}", asked[1]);
    let from: std::net::IpAddr = asked[0].actor.from.parse().unwrap();
    assert!(from.is_loopback(), "{from}");
}
