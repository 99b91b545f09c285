//! From a confirmed outage to the mail that a relay took, past relays and recipients that fail.

use crate::rig::{House, ON_CALL, all_facts, id, message_id, say, until};
use gengfu::city::{Behaviour, Mail};
use gengfu::domain::health::ProbeHealth;
use gengfu::domain::{Fact, ProbeId};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Waits for as many mails, and returns what is there then.
async fn mails(house: &House, n: usize) -> Vec<Arc<Mail>> {
    until(&format!("{n} mails"), 60, async || Some(house.city.mails.mails()).filter(|mails| mails.len() >= n)).await
}

#[tokio::test]
async fn a_busy_relay_gets_the_mail_later_and_once() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.city.faults.defer(2);
    house.behaves("alpha", Behaviour::Status(500));
    daemon.becomes("alpha", "down").await;
    mails(&house, 1).await;
    house.all_is_well();
    let all = mails(&house, 2).await;
    assert_eq!(daemon.stop(20).await.code, Some(0));
    assert_eq!(house.city.mails.mails().len(), 2);
    assert_ne!(message_id(&all[0]), message_id(&all[1]));
    assert!(all[1].get("In-Reply-To").is_some_and(|first| first.contains(&message_id(&all[0]))));
}

#[tokio::test]
async fn a_recipient_who_is_refused_is_stood_in_for_by_the_fallback() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.city.faults.reject(ON_CALL);
    house.behaves("alpha", Behaviour::Status(500));
    let all = mails(&house, 1).await;
    assert_eq!(all[0].to, ["duty@bdc.test"]);
    assert!(all[0].text.as_ref().is_some_and(|text| text.contains(ON_CALL)), "it says for whom: {:?}", all[0].text);
    until("the dead letter is counted", 10, async || {
        (daemon.metric("gengfu_outbox_dead_letters").await == Some(1.0)).then_some(())
    })
    .await;
    // What was not refused goes on.
    house.city.faults.mend();
    house.all_is_well();
    let all = mails(&house, 2).await;
    assert_eq!(all[1].to, [ON_CALL], "{:?} {:?}", all[1].subject, all[1].text);
}

#[tokio::test]
async fn a_relay_that_hangs_is_passed_over_for_the_next() {
    let house = House::build().await;
    // It takes connections into its backlog, and never says a word.
    let silent = TcpListener::bind((house.network, 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let first = format!("relays: [{{ host: {}, port: {}, tls: none }}, ", address.ip(), address.port());
    house.edit("gengfu.yaml", "relays: [", &first);
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("alpha", Behaviour::Status(500));
    daemon.becomes("alpha", "down").await;
    assert_eq!(mails(&house, 1).await[0].to, [ON_CALL]);
    house.all_is_well();
    mails(&house, 2).await;
    assert_eq!(daemon.stop(20).await.code, Some(0));
    assert_eq!(house.city.mails.mails().len(), 2);
}

/// A figure for people: this machine's load decides, so nothing is asserted but that it arrives.
#[tokio::test]
async fn an_outage_of_tier_1_is_told_at_once() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("alpha", Behaviour::Refuse);
    let mail = mails(&house, 1).await.remove(0);
    let probe = ProbeId::of(&id("alpha"), "home");
    let failing = |fact: &Fact| matches!(fact, Fact::ProbeChanged { probe: p, to: Some(ProbeHealth::Failing), .. } if *p == probe);
    let facts = all_facts(&house.store_file()).await;
    let confirmed = facts.values().find(|recorded| failing(&recorded.fact)).unwrap().at;
    say(&format!("confirmed outage of tier 1 to the mail at the relay: {} ms", mail.received.since(confirmed)));
}
