//! `gengfu incidents`, `ack` and `note` with the real command and the real daemon, over a kill.

use crate::rig::{House, until};
use gengfu::city::Behaviour;

async fn ask(house: &House, words: &[&str]) -> (Option<i32>, String) {
    let server = format!("http://{}", house.address());
    let token = house.token_file();
    let asked = ["--server", &server, "--token-file", token.to_str().unwrap()];
    let (code, out, err) = house.command(&[words, &asked].concat()).await;
    (code, out + &err)
}

#[tokio::test]
async fn whoever_has_an_incident_is_known_after_a_kill() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    assert_eq!(ask(&house, &["incidents"]).await, (Some(0), "no incident is open\n".into()));
    house.behaves("beta", Behaviour::Status(500));
    daemon.becomes("beta", "down").await;
    let id = daemon.json("/api/v1/incidents").await[0]["id"].as_str().unwrap().to_owned();

    let (code, said) = ask(&house, &["ack", &id, "--text", "looking at the database"]).await;
    assert!(code == Some(0) && said.contains("duty-officer has it"), "{said}");
    let (code, said) = ask(&house, &["ack", &id]).await;
    assert!(code == Some(1) && said.contains("you have"), "{said}");
    let (code, said) = ask(&house, &["note", &id, "--text", "the disk is full, CHG-31"]).await;
    assert!(code == Some(0) && said.contains("noted"), "{said}");
    let (code, said) = ask(&house, &["note", "INC-9999", "--text", "x"]).await;
    assert!(code == Some(1) && said.contains("no incident INC-9999"), "{said}");

    daemon.kill().await;
    let daemon = house.start().await;
    let (code, said) = ask(&house, &["incidents", &id]).await;
    assert_eq!(code, Some(0), "{said}");
    for part in ["with duty-officer", "acknowledged  looking at the database", "noted  the disk is full, CHG-31"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    daemon.stop(30).await;
}

#[tokio::test]
async fn the_button_in_a_mail_takes_the_incident_and_looking_at_it_does_not() {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("beta", Behaviour::Status(500));
    daemon.becomes("beta", "down").await;
    let mail = until("the mail", 60, async || house.mails_about("beta").into_iter().next()).await;
    let text = mail.text.clone().unwrap();
    let (_, link) = text.split_once("/incidents/").expect("a link to the incident");
    let link = format!("/incidents/{}", link.split_whitespace().next().unwrap());
    assert!(link.contains("/take?by="), "{link}");

    let (status, page) = daemon.get(&link).await;
    assert!(status == 200 && page.contains("method=\"post\""), "{page}");
    let taken = async || daemon.json("/api/v1/incidents").await[0]["acknowledged"].clone();
    assert!(taken().await.is_null(), "a program that follows links takes nothing");
    let (status, _) = daemon.post_as_nobody(&link.replace("until=", "until=9")).await;
    assert_eq!(status, 403, "a link of anybody else is not good");
    let (status, page) = daemon.post_as_nobody(&link).await;
    assert_eq!(status, 200, "{page}");
    until("somebody has it", 10, async || taken().await["by"].as_str().map(str::to_owned)).await;
    daemon.stop(30).await;
}
