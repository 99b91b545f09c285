//! What keeps the daemon from starting is said in one sentence; what ends it is done in order.

use crate::rig::{House, until};
use gengfu::city::Behaviour;
use gengfu::store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A drain that nothing holds up takes far less; beyond this somebody was waited for in vain.
const STOP_WITHIN_S: u64 = 8;

/// Starts in vain and returns the sentence that says why.
async fn refused(house: &House) -> String {
    let ended = house.spawn(&[]).ends(60).await;
    assert_eq!(ended.code, Some(2), "{}", ended.log);
    let mut said: Vec<&str> = ended.log.lines().filter(|l| !l.starts_with('{')).collect();
    assert!(said.len() == 1 && said[0].starts_with("error: "), "one sentence, not: {}", ended.log);
    said.remove(0).to_owned()
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_the_remedy() {
    let house = House::build().await;
    let _taken = TcpListener::bind(house.address()).await.unwrap();
    let said = refused(&house).await;
    assert!(said.contains(&house.address().to_string()) && said.contains("`listen`"), "{said}");
    assert!(!house.store_file().exists(), "nothing is touched by a daemon that cannot start");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_named_with_the_remedy() {
    let house = House::build().await;
    house.edit("gengfu.yaml", "var/gengfu.db", "gengfu.yaml/store/gengfu.db");
    let said = refused(&house).await;
    assert!(said.contains("gengfu.yaml/store") && said.contains("check the disk"), "{said}");
    // A place that nobody may write, root included.
    house.edit("gengfu.yaml", "gengfu.yaml/store/gengfu.db", "/sys/gengfu/gengfu.db");
    let said = refused(&house).await;
    assert!(said.contains("/sys/gengfu") && said.contains("writable"), "{said}");
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_left_alone() {
    let house = House::build().await;
    drop(Store::open(&house.store_file()).unwrap());
    let db = rusqlite::Connection::open(house.store_file()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let said = refused(&house).await;
    assert!(said.contains("version 99") && said.contains("newer"), "{said}");
}

#[tokio::test]
async fn a_second_daemon_on_one_store_is_refused() {
    let house = House::build().await;
    let _first = house.start().await;
    house.edit("gengfu.yaml", ":9424", ":9425");
    let said = refused(&house).await;
    assert!(said.contains("in use by another gengfu"), "{said}");
}

#[tokio::test]
async fn bad_files_are_told_as_check_tells_them() {
    let house = House::build().await;
    house.edit("probes/platform/bdc.yaml", "tier: 1", "tier: 7");
    let ended = house.spawn(&[]).ends(60).await;
    assert_eq!(ended.code, Some(2));
    let (code, told) = house.check().await;
    assert_eq!(code, Some(1));
    assert!(told.contains("bdc.yaml:6:11"), "{told}");
    assert!(ended.log.contains(told.trim_end()), "{}\n--- check says\n{told}", ended.log);
    assert!(!house.store_file().exists());
}

#[tokio::test]
async fn a_daemon_that_is_told_to_stop_stops_whoever_still_listens_and_the_next_goes_on() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("alpha", Behaviour::Status(500));
    house.behaves("beta", Behaviour::Hang);
    daemon.becomes("alpha", "down").await;
    daemon.becomes("beta", "down").await;
    until("both are told", 30, async || (house.city.mails.mails().len() == 2).then_some(())).await;
    // A page that follows events, one that is kept open, and one that never finishes its question.
    let mut events = TcpStream::connect(house.address()).await.unwrap();
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", house.address());
    events.write_all(ask("/api/v1/events").as_bytes()).await.unwrap();
    let mut idle = TcpStream::connect(house.address()).await.unwrap();
    idle.write_all(ask("/-/healthy").as_bytes()).await.unwrap();
    let mut unfinished = TcpStream::connect(house.address()).await.unwrap();
    unfinished.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let silent = TcpStream::connect(house.address()).await.unwrap();
    for stream in [&mut events, &mut idle] {
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
    }
    let ended = daemon.stop(STOP_WITHIN_S).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("took too long"), "{}", ended.log);
    drop((events, idle, unfinished, silent));

    let daemon = house.start().await;
    daemon.becomes("alpha", "down").await;
    let open = daemon.json("/api/v1/status").await["incidents_open"].clone();
    assert_eq!(open, 2, "the incidents go on");
    house.all_is_well();
    daemon.all_up().await;
    until("both ends are told", 30, async || (house.city.mails.mails().len() == 4).then_some(())).await;
    for name in ["alpha", "beta"] {
        assert_eq!(house.mails_about(name).len(), 2, "{name} was told twice");
    }
    assert_eq!(daemon.stop(STOP_WITHIN_S).await.code, Some(0));
}
