//! `kill -9` at the records of a plan of five steps with real effects: a flag, a unit, a call, a program. Keyed effects
//! happen once, what was drained is restored, nothing is left running or stopped.
//!
//! `GENGFU_PLAN_KILLS=all` kills at every record, as `make soak` does; a few of them are enough for every day.

mod clock;

use crate::rig::{Daemon, House, until};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use gengfu::network::{ConnectTo, Network};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Records of a run in which nothing goes wrong: begun, leased, five intents and results, the restore's, the end.
const RECORDS: usize = 15;

/// Those at which it is killed every day: between intent and effect, effect and result, result and next intent.
const EVERY_DAY: [usize; 3] = [5, 8, 13];

/// The other side of `deploy`: knows keys, and takes its time before and after.
#[derive(Default)]
struct Deployer {
    keys: BTreeSet<String>,
    asked: Vec<String>,
    applied: u32,
    there: bool,
}

type Shared = Arc<Mutex<Deployer>>;

async fn deploy(State(deployer): State<Shared>, method: Method, headers: HeaderMap) -> StatusCode {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned()).unwrap_or_default();
    if method == Method::GET {
        return if deployer.lock().unwrap().there { StatusCode::OK } else { StatusCode::NOT_FOUND };
    }
    sleep(Duration::from_millis(60)).await;
    {
        let mut deployer = deployer.lock().unwrap();
        deployer.asked.push(key.clone());
        deployer.there = method == Method::POST;
        if method == Method::POST && deployer.keys.insert(key) {
            deployer.applied += 1;
        }
    }
    sleep(Duration::from_millis(60)).await;
    StatusCode::OK
}

/// A house whose only window runs already, carried out by five steps.
struct Works {
    house: House,
    deployer: Shared,
    tasks: JoinSet<()>,
}

impl Works {
    async fn build() -> Self {
        let house = House::build().await;
        let deployer = Shared::default();
        let rule = ConnectTo { host: "*.test".into(), network: house.network, prefix: 28, port_offset: 20_000 };
        let roots = Arc::new(rustls::RootCertStore::empty());
        let network = Network { connect_to: vec![rule], allow: Vec::new(), roots };
        let address = network.redirected("deploy.bdc.test", 8_000).unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let routes = axum::Router::new().route("/release", any(deploy)).with_state(Arc::clone(&deployer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        write_files(&house);
        Self { house, deployer, tasks }
    }

    /// Gives every address back.
    async fn close(mut self) {
        self.tasks.shutdown().await;
        self.house.close().await;
    }

    /// Waits until the store shows so many records of the run; whether it came so far before the run was over.
    async fn reaches(&self, records: usize) {
        let store = self.house.store_file();
        until(&format!("record {records}"), 60, async || (written(&store) >= records).then_some(())).await;
    }

    async fn ended(&self, daemon: &Daemon) -> Value {
        let over = async || {
            let runs = daemon.json("/api/v1/plans/runs").await;
            runs.as_array()?.first().filter(|run| !run["ended"].is_null()).cloned()
        };
        until("the run is over", 60, over).await
    }

    /// What must hold whatever happened.
    fn judge(&self, run: &Value, when: &str) {
        assert_eq!(run["state"], "done", "{when}: {run:#}");
        let deployer = self.deployer.lock().unwrap();
        let keys: BTreeSet<&String> = deployer.asked.iter().collect();
        assert_eq!((deployer.applied, keys.len()), (1, 1), "{when}: {:?}", deployer.asked);
        let effects = fs::read_dir(self.house.path("migrated")).unwrap().count();
        assert_eq!(effects, 1, "{when}: the program's effect");
        let ran = fs::read_to_string(self.house.path("ran")).unwrap();
        assert_eq!(ran.lines().collect::<BTreeSet<_>>().len(), 1, "{when}: one key, however often it ran");
        assert_eq!(fs::read_dir(self.house.path("flags")).unwrap().count(), 0, "{when}: nothing stays drained");
        assert!(self.house.path("running").exists(), "{when}: the unit runs");
    }
}

/// Records of runs in a store that somebody else writes.
fn written(store: &Path) -> usize {
    let count = || {
        let db = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        db.query_row("SELECT count(*) FROM facts WHERE kind = 'run'", [], |row| row.get::<_, usize>(0)).ok()
    };
    count().unwrap_or_default()
}

fn program(house: &House, name: &str, text: &str) {
    let path = house.path("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\ncd {} || exit 9\n{text}\n", house.path("").display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn write_files(house: &House) {
    for directory in ["bin", "migrated"] {
        fs::create_dir_all(house.path(directory)).unwrap();
    }
    fs::set_permissions(house.path("bin"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(house.path("running"), "").unwrap();
    let unit = "case $1 in\n is-active) [ -e running ] && echo active && exit 0; echo inactive; exit 3;;\n \
                stop) sleep 0.05; rm -f running;;\n start) sleep 0.05; : > running;;\nesac";
    program(house, "systemctl", unit);
    program(house, "migrate", "sleep 0.05; echo $GENGFU_KEY >> ran; mkdir -p migrated/$GENGFU_KEY; sleep 0.05");
    let main = fs::read_to_string(house.main_file()).unwrap();
    let more = "commands: [{ directory: bin, owners: [bdc] }]\nplans:\n  flags: flags\n  systemctl: bin/systemctl\n  \
                units: [{ owners: [bdc], names: [portal.service] }]\n";
    house.write("gengfu.yaml", &format!("{main}{more}"));
    house.edit("schedules/policies/any-time.yaml", "allow: { always: true }", "allow: { always: true }, notice: none");
    let local = |ms| jiff::Timestamp::from_millisecond(ms).unwrap().in_tz("Asia/Shanghai").unwrap();
    let now = house.now().0;
    house.publish_calendars();
    let start = local(now).strftime("%Y-%m-%dT%H:%M").to_string();
    let window = format!(
        "windows:\n  - id: works\n    name: {{ zh: 升级, en: Upgrade }}\n    owner: bdc\n    scope: [bdc/beta]\n    \
         once: {start}\n    lasts: 2h\n    plan: upgrade\n"
    );
    house.write("schedules/windows/bdc.yaml", &window);
    let plan = r#"plans:
  - id: upgrade
    owner: bdc
    name: { zh: 升级, en: Upgrade }
    reserve: 5m
    verify: 1m
    steps:
      - { id: drain, timeout: 30s, drain: { flag: beta } }
      - id: stop
        timeout: 30s
        systemd: { unit: portal.service, action: stop }
        undo: { systemd: { unit: portal.service, action: start } }
      - id: deploy
        timeout: 30s
        repeat: keyed
        http: { url: "http://deploy.bdc.test:8000/release", body: "{}" }
        observe: { http: { url: "http://deploy.bdc.test:8000/release" } }
        undo: { repeat: idempotent, http: { url: "http://deploy.bdc.test:8000/release", method: DELETE } }
      - { id: migrate, timeout: 30s, repeat: keyed, exec: { program: migrate } }
      - { id: start, timeout: 30s, systemd: { unit: portal.service, action: start } }
"#;
    house.write("schedules/plans/bdc.yaml", plan);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_at_a_record_of_a_plan_repeats_no_effect_and_leaves_nothing_drained() {
    let all = std::env::var("GENGFU_PLAN_KILLS").is_ok_and(|kills| kills == "all");
    let records: Vec<usize> = if all { (1..=RECORDS).collect() } else { EVERY_DAY.to_vec() };
    for record in records {
        let works = Works::build().await;
        let daemon = works.house.spawn(&[]);
        works.reaches(record).await;
        daemon.kill().await;
        let daemon = works.house.start().await;
        let run = works.ended(&daemon).await;
        works.judge(&run, &format!("killed at record {record}"));
        daemon.stop(30).await;
        works.close().await;
    }
}

async fn limit(daemon: &Daemon, bytes: &str) {
    let pid = daemon.pid();
    let status = Command::new("prlimit").arg(format!("--pid={pid}")).arg(format!("--fsize={bytes}:")).status().await;
    assert!(status.is_ok_and(|s| s.success()), "prlimit (Debian: util-linux) cannot limit {pid}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_holds_a_plan_and_a_kill_while_it_is_full_repeats_nothing() {
    for killed in [false, true] {
        let works = Works::build().await;
        let mut daemon = works.house.spawn(&[]);
        works.reaches(6).await;
        // The log of the daemon is far below this; the write-ahead log of the store is at it.
        let log = fs::metadata(works.house.path("var/gengfu.db-wal")).unwrap().len();
        limit(&daemon, &log.to_string()).await;
        daemon.serves().await;
        let refused = async || (daemon.json("/api/v1/status").await["store_failed"] == true).then_some(());
        until("the store refuses facts", 60, refused).await;
        if killed {
            daemon.kill().await;
            daemon = works.house.start().await;
        } else {
            limit(&daemon, "unlimited").await;
        }
        let run = works.ended(&daemon).await;
        works.judge(&run, if killed { "full, then killed" } else { "full for a while" });
        daemon.stop(30).await;
        works.close().await;
    }
}
