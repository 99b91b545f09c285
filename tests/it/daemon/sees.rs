//! Blindness and the sign of life, with the real program: witnesses that fall silent, and a receiver outside.

use crate::rig::{ADMINS, House, until};
use gengfu::city::Behaviour;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Takes connections and says nothing, until it is aborted.
async fn listens(at: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = TaskTracker::new().spawn(async move { while listener.accept().await.is_ok() {} });
    (address, task)
}

#[tokio::test]
async fn blindness_is_one_incident_about_ourselves_and_nobody_else_is_told() {
    let house = House::build().await;
    let mut witnesses = Vec::new();
    for _ in 0..3 {
        witnesses.push(listens((house.network, 0).into()).await);
    }
    let listed: Vec<String> = witnesses
        .iter()
        .enumerate()
        .map(|(i, (at, _))| format!("{{ name: w{i}, tcp: {{ address: \"{at}\" }} }}"))
        .collect();
    house.edit("gengfu.yaml", "on_call:", &format!("witnesses: [{}]\non_call:", listed.join(", ")));
    let daemon = house.start().await;
    daemon.all_up().await;
    // The network goes away: witnesses and targets alike.
    for (_, task) in &witnesses[..2] {
        task.abort();
    }
    for subsystem in ["alpha", "beta", "gamma", "delta"] {
        house.behaves(subsystem, Behaviour::Refuse);
    }
    let mail = until("a mail", 60, async || house.city.mails.mails().first().cloned()).await;
    assert_eq!(mail.to, [ADMINS]);
    assert!(mail.subject.contains("BLIND"), "{}", mail.subject);
    assert!(mail.text.as_ref().is_some_and(|text| text.contains("1 of 3 witnesses answer")), "{:?}", mail.text);
    daemon.becomes("alpha", "unknown").await;
    assert_eq!(daemon.metric("gengfu_vantage_blind").await, Some(1.0));
    // It comes back.
    let mut again = Vec::new();
    for (at, _) in &witnesses[..2] {
        again.push(listens(*at).await);
    }
    house.all_is_well();
    daemon.all_up().await;
    until("the closing mail", 60, async || (house.mails_about("RECOVERED").len() == 1).then_some(())).await;
    assert_eq!(daemon.metric("gengfu_vantage_blind").await, Some(0.0));
    assert_eq!(daemon.stop(20).await.code, Some(0));
    assert_eq!(house.city.mails.mails().len(), 2, "one opening, one closing, and none about others");
}

#[tokio::test]
async fn a_receiver_outside_is_told_when_the_last_round_began() {
    let house = House::build().await;
    let receiver = TcpListener::bind((house.network, 0)).await.unwrap();
    let at = receiver.local_addr().unwrap();
    house.edit("gengfu.yaml", "on_call:", &format!("heartbeat: {{ url: \"http://{at}/ping\", every: 10s }}\non_call:"));
    let got = TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = receiver.accept().await.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4_096];
            while !text.contains('}') {
                let n = stream.read(&mut bytes).await.unwrap();
                assert!(n > 0, "{text}");
                text.push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            if text.contains("\"last_round\":\"20") {
                return text;
            }
        }
    });
    let daemon = house.start().await;
    let text = tokio::time::timeout(std::time::Duration::from_secs(60), got).await.unwrap().unwrap();
    assert!(text.starts_with("POST /ping HTTP/1.1"), "{text}");
    until("the metric", 20, async || {
        let ok = daemon.metric("gengfu_signs_of_life_total{result=\"ok\"}").await;
        ok.is_some_and(|n| n >= 1.0).then_some(())
    })
    .await;
    assert_eq!(daemon.stop(20).await.code, Some(0));
}
