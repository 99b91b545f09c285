//! Figures for outsiders, from the real daemon: pages of periods and hours, every form of a report, and each made again from
//! the facts.

use crate::rig::{Daemon, House, id};
use gengfu::city::Behaviour;
use serde_json::Value;

/// A house whose beta was down for a while.
async fn after_an_outage() -> (House, Daemon) {
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("beta", Behaviour::Status(500));
    daemon.becomes("beta", "down").await;
    house.all_is_well();
    daemon.becomes("beta", "up").await;
    (house, daemon)
}

async fn report(house: &House, words: &[&str]) -> String {
    let (code, out, err) = house.command(&[&["report"], words].concat()).await;
    assert_eq!(code, Some(0), "{words:?}: {err}");
    out
}

async fn verify(house: &House, files: &[&str]) -> (Option<i32>, String) {
    let words: Vec<String> = files.iter().map(|name| house.path(name).display().to_string()).collect();
    let reports = words.iter().flat_map(|file| ["--report", file.as_str()]);
    let (code, out, err) = house.command(&["verify", "--rebuild"].into_iter().chain(reports).collect::<Vec<_>>()).await;
    (code, out + &err)
}

#[tokio::test]
async fn every_form_of_a_report_is_written_by_the_command_and_by_the_page() {
    let (house, daemon) = after_an_outage().await;
    let json: Value = serde_json::from_str(&report(&house, &["--format", "json"]).await).unwrap();
    let beta = json["subsystems"].as_array().unwrap().iter().find(|line| line["id"] == id("beta").as_str()).unwrap();
    assert!(beta["bad_ms"].as_i64() > Some(0) && json["incidents"].as_array().unwrap().len() == 1, "{json}");
    let csv = report(&house, &["--format", "csv", "--bom", "--lang", "zh"]).await;
    assert!(csv.starts_with("\u{feff}周期,单位,") && csv.lines().count() == 5, "{csv}");
    assert!(!report(&house, &["--format", "csv", "--lang", "en"]).await.starts_with('\u{feff}'));
    let zh = report(&house, &[]).await;
    assert!(zh.starts_with("# 全市服务可用性报告") && zh.contains("INC-0001"), "{zh}");
    let html = report(&house, &["--format", "html", "--lang", "en", "--owner", "bdc"]).await;
    assert!(html.starts_with("<!doctype html>") && html.contains("Big Data Centre: availability report"), "{html}");
    for (format, begins) in [("html", "<!doctype html>"), ("csv", "\u{feff}period,"), ("json", "{"), ("md", "# City")] {
        let path = format!("/sla/month?format={format}&bom=true&lang=en");
        let (status, text) = daemon.get(&path).await;
        assert!(status == 200 && text.starts_with(begins), "{path}: {text}");
    }
    assert_eq!(daemon.get("/sla/month?format=pdf").await.0, 400);
    assert_eq!(daemon.get("/sla/month?owner=nobody").await.0, 404);
    let (code, _, err) = house.command(&["report", "--owner", "bdd"]).await;
    assert!(code == Some(2) && err.contains("did you mean bdc?"), "{err}");
}

#[tokio::test]
async fn pages_of_periods_and_hours_and_the_api_agree() {
    let (_house, daemon) = after_an_outage().await;
    let rows = daemon.json("/api/v1/sla?period=month").await;
    let beta = rows.as_array().unwrap().iter().find(|row| row["subsystem"] == id("beta").as_str()).unwrap().clone();
    assert!(beta["bad_ms"].as_i64() > Some(0), "{beta}");
    let page = daemon.get("/sla?lang=en").await.1;
    assert!(page.contains("This month so far: 4 promises") && page.contains("href=\"/sla/"), "{page}");
    assert!(daemon.get("/sla?lang=zh").await.1.contains("本月至今：4 个承诺"));
    let made: Value = serde_json::from_str(&daemon.get("/sla/month?format=json").await.1).unwrap();
    let line = made["subsystems"].as_array().unwrap().iter().find(|line| line["id"] == id("beta").as_str()).unwrap();
    assert_eq!(line["bad_ms"], beta["bad_ms"]);
    for path in ["/hours?lang=en", "/hours/bdc?lang=zh", "/api/v1/hours?owner=bdc"] {
        let (status, text) = daemon.get(path).await;
        assert!(status == 200 && text.contains("beta"), "{path}: {text}");
    }
    assert!(daemon.json("/api/v1/status").await.as_object().unwrap().contains_key("evidence"));
}

#[tokio::test]
async fn a_report_in_anybodys_hands_is_made_again_from_the_facts_and_a_changed_one_shows() {
    let (house, daemon) = after_an_outage().await;
    for (name, words) in [
        ("a.json", &["--format", "json"][..]),
        ("b.html", &["--format", "html", "--lang", "zh"]),
        ("c.md", &["--format", "md", "--lang", "en", "--owner", "bdc", "--period", "rolling_7d"]),
    ] {
        house.write(name, &report(&house, words).await);
    }
    house.write("d.html", &daemon.get("/sla/week?lang=en").await.1);
    // More happens afterwards.
    house.behaves("gamma", Behaviour::Status(500));
    daemon.becomes("gamma", "down").await;
    // The month that this daemon may have mailed at its start is among what is made again.
    let all = ["a.json", "b.html", "c.md", "d.html"];
    let (code, said) = verify(&house, &all).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(all.iter().all(|name| said.contains(&format!("{name}: is what the facts say"))), "{said}");

    house.edit("a.json", "\"verdict\": \"met\"", "\"verdict\": \"missed\"");
    house.edit("c.md", "INC-0001", "INC-0002");
    let (code, said) = verify(&house, &["a.json", "b.html", "c.md"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/verdict: it says \"missed\", the facts say \"met\""), "{said}");
    assert!(said.contains("b.html: is what the facts say") && said.contains("c.md: differs"), "{said}");
    house.write("e.md", "# a report of nobody's");
    let (code, said) = verify(&house, &["e.md"]).await;
    assert!(code == Some(2) && said.contains("bears no stamp"), "{said}");
    // Names and promises come from the files.
    house.edit("probes/platform/bdc.yaml", "en: Big Data Centre", "en: Centre of Big Data");
    let (code, said) = verify(&house, &["c.md"]).await;
    assert!(code == Some(1) && said.contains("the files were changed since"), "{said}");
}
