//! A disk that takes nothing more: the daemon goes on looking and telling, and says about itself what is wrong.

use crate::rig::{self, House, SUBSYSTEMS, message_id, until};
use gengfu::city::Behaviour;
use gengfu::domain::Fact;
use std::collections::HashSet;
use tokio::process::Command;

/// Limits the size of every file that a process may write, from now on.
async fn limit_files(pid: u32, limit: &str) {
    let status = Command::new("prlimit").arg(format!("--pid={pid}")).arg(format!("--fsize={limit}:")).status().await;
    assert!(status.is_ok_and(|s| s.success()), "prlimit (Debian: util-linux) cannot limit {pid}");
}

#[tokio::test]
async fn a_full_disk_stops_neither_probing_nor_paging_and_is_nobody_elses_outage() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    assert_eq!(daemon.get("/-/ready").await.0, 200);
    // The log of the daemon is far below this; the write-ahead log of the store is at it.
    let log = std::fs::metadata(house.path("var/gengfu.db-wal")).unwrap().len();
    limit_files(daemon.pid(), &log.to_string()).await;

    house.behaves("alpha", Behaviour::Status(500));
    daemon.becomes("alpha", "down").await;
    until("it says that it is not ready", 20, async || (daemon.get("/-/ready").await.0 == 503).then_some(())).await;
    until("the outage is told", 30, async || house.mails_about("alpha").first().cloned()).await;
    assert_eq!(daemon.json("/api/v1/status").await["store_failed"], true);
    assert_eq!(daemon.get("/-/healthy").await.0, 200, "a restart would not help");
    house.behaves("beta", Behaviour::Refuse);
    daemon.becomes("beta", "down").await;
    house.behaves("beta", Behaviour::Healthy);
    daemon.becomes("beta", "up").await;
    until("the end is told as well", 30, async || (house.mails_about("beta").len() == 2).then_some(())).await;
    for well in &SUBSYSTEMS[1..] {
        assert_eq!(daemon.health(well).await, "up", "our trouble is not theirs");
    }

    limit_files(daemon.pid(), "unlimited").await;
    until("it is ready again", 30, async || (daemon.get("/-/ready").await.0 == 200).then_some(())).await;
    house.all_is_well();
    daemon.all_up().await;
    until("the end is told", 30, async || (house.mails_about("alpha").len() == 2).then_some(())).await;
    let ended = daemon.stop(20).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);

    let facts = rig::all_facts(&house.store_file()).await;
    let count = |wanted: fn(&Fact) -> bool| facts.values().filter(|r| wanted(&r.fact)).count();
    assert_eq!(count(|f| matches!(f, Fact::IncidentOpened { .. })), 2, "what happened meanwhile is stored");
    assert_eq!(count(|f| matches!(f, Fact::IncidentClosed { .. })), 2);
    let ids: HashSet<String> = house.city.mails.mails().iter().map(|mail| message_id(mail)).collect();
    assert_eq!((ids.len(), house.city.mails.mails().len()), (4, 4), "each mail once");
}
