//! The real Prometheus, from Debian, scrapes the daemon and answers questions about it.

use crate::rig::{House, say, until};
use gengfu::city::Behaviour;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

const PROMETHEUS: &str = "/usr/bin/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

/// Says loudly what was left out.
fn installed() -> bool {
    let there = Path::new(PROMETHEUS).exists() && Path::new(PROMTOOL).exists();
    if !there {
        say("\n*** LEFT OUT: Prometheus (Debian) is not installed; run tests/setup/install.sh ***\n");
    }
    there
}

/// A Prometheus that looks at this house every second, and its address.
fn prometheus(house: &House) -> (Child, String) {
    let target = house.address();
    let jobs = format!("- job_name: gengfu\n    static_configs: [{{ targets: ['{target}'] }}]\n");
    let config = format!("global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n  {jobs}");
    std::fs::write(house.path("prometheus.yml"), config).unwrap();
    let address = format!("{}:9090", house.network);
    let log = std::fs::File::create(house.path("prometheus.log")).unwrap();
    let mut command = Command::new(PROMETHEUS);
    command.arg(format!("--config.file={}", house.path("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", house.path("tsdb").display()));
    command.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    (command.spawn().unwrap(), format!("http://{address}"))
}

/// The value of the one series that `query` finds, as soon as there is one.
async fn answer(client: &reqwest::Client, base: &str, query: &str) -> Option<String> {
    let request = client.get(format!("{base}/api/v1/query")).query(&[("query", query)]);
    let answer: Value = request.send().await.ok()?.json().await.ok()?;
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    Some(answer["data"]["result"][0]["value"][1].as_str()?.to_owned())
}

#[tokio::test]
async fn prometheus_scrapes_it_and_sees_an_outage() {
    if !installed() {
        return;
    }
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    let (_peer, base) = prometheus(&house);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let series = r#"gengfu_subsystem_up{owner="bdc",subsystem="bdc/alpha"}"#;
    let becomes = async |query: &str, value: &str| {
        let what = format!("{query} is {value}");
        until(&what, 60, async || answer(&client, &base, query).await.filter(|v| v == value)).await
    };
    becomes("up", "1").await;
    becomes("count(gengfu_subsystem_up)", "4").await;
    becomes(series, "1").await;
    house.behaves("alpha", Behaviour::Refuse);
    becomes(series, "0").await;
    becomes("sum(gengfu_incidents_open)", "1").await;
    becomes("rate(gengfu_probe_attempts_total{subsystem=\"bdc/beta\",result=\"pass\"}[10s]) > bool 0", "1").await;
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_live_metrics() {
    if !installed() {
        return;
    }
    let house = House::build().await;
    let daemon = house.start().await;
    daemon.all_up().await;
    house.behaves("alpha", Behaviour::Refuse);
    daemon.becomes("alpha", "down").await;
    let (_, text) = daemon.get("/metrics").await;
    let mut command = Command::new(PROMTOOL);
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = command.spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let said = check.wait_with_output().await.unwrap();
    let said = (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert_eq!(said, (Some(0), String::new(), String::new()));
}
