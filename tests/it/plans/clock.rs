//! The same plan under a wall clock that somebody sets: an hour either way after a kill at a record, and while it runs.
//!
//! The daemon's wall clock alone is faked (Debian: `faketime`, which `tests/setup/install.sh` installs); its monotonic one
//! goes on. Without the library the tests say so and are left out.

use super::*;
use crate::rig::say;
use std::path::PathBuf;
use std::process::Output;

const HOUR_S: i64 = 3_600;

/// Long enough for a step that should not begin to begin.
const PATIENCE: Duration = Duration::from_secs(2);

/// The wall clock of a daemon, off by what a file says.
struct FakedClock {
    library: PathBuf,
    file: PathBuf,
}

impl FakedClock {
    fn of(house: &House) -> Option<Self> {
        let of = |lib: fs::DirEntry| lib.path().join("faketime/libfaketimeMT.so.1");
        let found = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(of).find(|path| path.exists());
        let Some(library) = found else {
            say("LEFT OUT: no libfaketimeMT.so.1; `sh tests/setup/install.sh` installs it");
            return None;
        };
        let clock = Self { library, file: house.path("clock") };
        clock.set(0);
        Some(clock)
    }

    fn set(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    fn daemon(&self, house: &House) -> Daemon {
        let preload = format!("LD_PRELOAD={}", self.library.display());
        let file = format!("FAKETIME_TIMESTAMP_FILE={}", self.file.display());
        let how = ["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"];
        house.spawn(&["env", &preload, &file, how[0], how[1], how[2]])
    }
}

/// Forward steps that were about to be tried.
fn forward_intents(store: &Path) -> usize {
    let count = || {
        let db = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let text = "SELECT count(*) FROM facts WHERE kind = 'run' AND json_extract(CAST(body AS TEXT), \
                    '$.event.what') = 'intended' AND json_extract(CAST(body AS TEXT), '$.event.deed') = 'do'";
        db.query_row(text, [], |row| row.get::<_, usize>(0)).ok()
    };
    count().unwrap_or_default()
}

/// Every record of runs, one a line.
fn records(store: &Path) -> String {
    let db = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut rows = db.prepare("SELECT CAST(body AS TEXT) FROM facts WHERE kind = 'run' ORDER BY id").unwrap();
    let rows: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    rows.join("\n")
}

async fn abort(house: &House, run: &str) -> String {
    let server = format!("http://{}", house.address());
    let mut command = Command::new(env!("CARGO_BIN_EXE_gengfu"));
    command.args(["plan", "abort", run, "--reason", "the clock is wrong", "--server", &server, "--token-file"]);
    let Output { stdout, stderr, .. } = command.arg(house.token_file()).output().await.unwrap();
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}

impl Works {
    /// No step forward begins for a while; then a person turns the run back, if it is not over.
    async fn holds_and_is_turned_back(&self, daemon: &Daemon, when: &str) -> Value {
        let store = self.house.store_file();
        // A turn of the engine may have read the clock just before it was set.
        until("the daemon sees what the clock shows", 30, async || {
            let (_, gate) = daemon.get("/api/v1/gate?subsystem=bdc/gamma&for=1m").await;
            gate.contains("clock_unsynchronised").then_some(())
        })
        .await;
        let before = forward_intents(&store);
        sleep(PATIENCE).await;
        assert_eq!(forward_intents(&store), before, "{when}: a step forward by a clock that was set back");
        let runs = daemon.json("/api/v1/plans/runs").await;
        if runs[0]["ended"].is_null() {
            let said = abort(&self.house, runs[0]["id"].as_str().unwrap()).await;
            assert!(!said.is_empty());
        }
        self.ended(daemon).await
    }

    /// What must hold of a run that was taken back.
    fn judge_back(&self, run: &Value, when: &str) {
        if run["state"] == "done" {
            // Every step had been done; what was left was restoring.
            return self.judge(run, when);
        }
        assert_eq!(run["state"], "undone", "{when}: {run:#}\n{}", records(&self.house.store_file()));
        let deployer = self.deployer.lock().unwrap();
        assert!(deployer.applied <= 1 && !deployer.there, "{when}: {:?}", deployer.asked);
        let ran = fs::read_to_string(self.house.path("ran")).unwrap_or_default();
        assert!(ran.lines().collect::<BTreeSet<_>>().len() <= 1, "{when}: one key, however often it ran");
        let drained = fs::read_dir(self.house.path("flags")).map(Iterator::count).unwrap_or_default();
        assert_eq!(drained, 0, "{when}: nothing stays drained");
        assert!(self.house.path("running").exists(), "{when}: the unit runs");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_an_hour_off_after_a_kill_repeats_nothing_and_everything_is_restored() {
    let all = std::env::var("GENGFU_PLAN_KILLS").is_ok_and(|kills| kills == "all");
    let records: Vec<usize> = if all { (1..=RECORDS).collect() } else { vec![8] };
    for (record, by) in records.into_iter().flat_map(|record| [(record, HOUR_S), (record, -HOUR_S)]) {
        let works = Works::build().await;
        let Some(clock) = FakedClock::of(&works.house) else { return };
        let daemon = clock.daemon(&works.house);
        works.reaches(record).await;
        daemon.kill().await;
        clock.set(by);
        let mut daemon = clock.daemon(&works.house);
        daemon.serves().await;
        let when = format!("killed at record {record}, {by} s off");
        if by > 0 {
            works.judge(&works.ended(&daemon).await, &when);
        } else {
            let run = works.holds_and_is_turned_back(&daemon, &when).await;
            works.judge_back(&run, &when);
        }
        daemon.stop(30).await;
        works.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_while_a_plan_runs_holds_it_or_turns_it_back() {
    for by in [-HOUR_S, 3 * HOUR_S] {
        let works = Works::build().await;
        let Some(clock) = FakedClock::of(&works.house) else { return };
        let mut daemon = clock.daemon(&works.house);
        works.reaches(3).await;
        clock.set(by);
        daemon.serves().await;
        let when = format!("{by} s off while it ran");
        let run = match by {
            ..0 => works.holds_and_is_turned_back(&daemon, &when).await,
            // The window is long over: it turns back by itself.
            _ => works.ended(&daemon).await,
        };
        works.judge_back(&run, &when);
        daemon.stop(30).await;
        works.close().await;
    }
}
