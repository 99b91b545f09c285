//! `command` by behaviour, with small programs in a directory of the test's own; those who try to get out, in `escapes`.

mod escapes;

use super::*;
use crate::domain::OwnerId;
use crate::probe::tests::{Rig, assert_declared, assert_fail};
use crate::probe::{Asker, CommandGrant, Commands, Grantees, Report, attempt};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::time::timeout;

/// A granted directory with programs, and who asks.
struct Bench {
    rig: Rig,
    home: TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(home.path().join("granted")).unwrap();
        fs::create_dir(home.path().join("outside")).unwrap();
        let mut bench = Self { rig: Rig::new(), home };
        bench.grant(Grantees::All, None, &[]);
        bench
    }

    fn granted(&self) -> PathBuf {
        self.home.path().join("granted")
    }

    fn outside(&self) -> PathBuf {
        self.home.path().join("outside")
    }

    /// Grants the directory, and asks as `huangpu` from now on.
    fn grant(&mut self, owners: Grantees, programs: Option<&[&str]>, environment: &[&str]) {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
        let directory = self.granted();
        let grant = CommandGrant { directory, owners, programs: programs.map(set), environment: set(environment) };
        self.rig.context.commands = Arc::new(Commands::new(vec![grant]));
        self.rig.context.asker = Asker::Owner(OwnerId::new("huangpu"));
    }

    fn write(&self, name: &str, script: &str) -> PathBuf {
        write(&self.granted().join(name), script)
    }

    fn build(&self, body: serde_json::Value) -> Result<Arc<dyn Prober>, Problems> {
        build(&crate::field::from_json(&body, FIELDS)?, &self.rig.context)
    }

    async fn attempt(&self, body: serde_json::Value) -> Report {
        self.attempt_within(Duration::from_secs(20), body).await
    }

    async fn attempt_within(&self, timeout: Duration, body: serde_json::Value) -> Report {
        let prober = self.build(body).unwrap_or_else(|problems| panic!("{problems}"));
        let report = attempt(&*prober, timeout, &crate::clock::SystemClock::default()).await;
        assert_declared("command", &report);
        report
    }

    async fn says(&self, script: &str, more: serde_json::Value) -> Report {
        self.write("check_it", script);
        let mut body = json!({ "program": "check_it" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.attempt(body).await
    }
}

/// Another process writes the file: were it open here for writing while a child is forked, it could not be executed.
pub(in crate::probe) fn write(path: &Path, script: &str) -> PathBuf {
    let source = path.with_extension("source");
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    assert!(std::process::Command::new("install").arg("-m755").arg(&source).arg(path).status().unwrap().success());
    fs::remove_file(source).unwrap();
    path.to_owned()
}

#[track_caller]
fn assert_said(report: &Report, label: &str, kind: ReasonKind, text: &str) {
    let reason = report.outcome.reason().unwrap_or_else(|| panic!("{report:?}"));
    assert_eq!((report.outcome.label(), reason.kind, &*reason.text), (label, kind, text), "{report:#?}");
}

fn traced(report: &Report, part: &str) -> bool {
    report.trace.iter().any(|line| line.text.contains(part))
}

#[tokio::test]
async fn exit_codes_are_those_of_the_plugin_contract() {
    let bench = Bench::new();
    let report = bench.says("echo 'OK - fine | time=0.5s;1;2'; exit 0", json!({})).await;
    assert_eq!(report.outcome, Outcome::Pass);
    assert!(traced(&report, "ended with 0: OK - fine") && traced(&report, "time=0.5s (warn 1, crit 2)"));
    let report = bench.says("echo 'WARNING - hm'; exit 1", json!({})).await;
    assert_said(&report, "degraded", ReasonKind::Status, "check_it ended with 1 (warning): WARNING - hm");
    let report = bench.says("echo 'CRITICAL - no'; exit 2", json!({})).await;
    assert_said(&report, "fail", ReasonKind::Status, "check_it ended with 2 (critical): CRITICAL - no");
    let report = bench.says("echo 'UNKNOWN - eh'; exit 3", json!({})).await;
    assert_said(&report, "unknown", ReasonKind::Local, "check_it ended with 3 (unknown): UNKNOWN - eh");
    let report = bench.says("exit 77", json!({})).await;
    let text = "expected an exit code from 0 to 3 of check_it, got 77: (it printed nothing)";
    assert_said(&report, "unknown", ReasonKind::Local, text);
    let report = bench.says("echo ouch; kill -SEGV $$", json!({})).await;
    assert_said(&report, "unknown", ReasonKind::Local, "check_it was ended by signal 11: ouch");
}

#[tokio::test]
async fn figures_are_judged_by_ranges() {
    let bench = Bench::new();
    let script = "echo 'OK | time=2.5s n=7 u=U'";
    let judged = |metrics: serde_json::Value| bench.says(script, json!({ "metrics": metrics }));
    assert_eq!(judged(json!({ "time": "3", "n": "@10:20" })).await.outcome, Outcome::Pass);
    let report = judged(json!({ "time": ":2" })).await;
    let text = "expected a figure within `:2` for `time` of check_it, got 2.5s";
    assert_said(&report, "fail", ReasonKind::Content, text);
    let report = judged(json!({ "n": { "warn": "@5:8", "fail": "9" } })).await;
    let text = "expected a figure outside `5:8` for `n` of check_it, got 7";
    assert_said(&report, "degraded", ReasonKind::Content, text);
    let report = judged(json!({ "m": "1", "n": { "warn": "1" } })).await;
    let text = "expected the figure `m` of check_it, got none of that name";
    assert_said(&report, "unknown", ReasonKind::Local, text);
    let report = judged(json!({ "u": "1" })).await;
    assert_said(&report, "unknown", ReasonKind::Local, "check_it does not know its figure `u`");
    assert_eq!(judged(json!({ "u": "1", "n": "1" })).await.outcome.label(), "fail");
    let problems = bench.build(json!({ "program": "check_it", "metrics": { "n": "20:10" } })).err().unwrap();
    assert!(problems.to_string().contains("`20:10` begins above its end"));
}

#[tokio::test]
async fn slow_answer_is_degraded() {
    let bench = Bench::new();
    let report = bench.says("sleep 0.05", json!({ "slower_than": "20ms" })).await;
    let reason = report.outcome.reason().unwrap();
    assert_eq!((report.outcome.label(), reason.kind), ("degraded", ReasonKind::Slow));
    assert!(reason.text.ends_with("expected at most 20 ms"), "{}", reason.text);
}

#[tokio::test]
async fn program_sees_its_arguments_as_they_are_and_no_environment_but_the_configured() {
    let mut bench = Bench::new();
    bench.grant(Grantees::All, None, &["COMMUNITY"]);
    let script = "printf '%s\\n' \"$*\"; /usr/bin/env; pwd; cat";
    let body = json!({ "arguments": ["$(id)", "; exit 2", "*"], "environment": { "COMMUNITY": "pässwörd" } });
    let report = bench.says(script, body.clone()).await;
    assert_eq!(report.outcome, Outcome::Pass);
    assert!(traced(&report, "ended with 0: $(id) ; exit 2 *"), "{:?}", report.trace);
    let lines: Vec<&str> = report.trace.iter().map(|line| &*line.text).filter(|line| line.contains('=')).collect();
    // The shell adds PWD and the like by itself.
    let ours: Vec<&&str> =
        lines.iter().filter(|line| !matches!(line.get(..2), Some("PW" | "SH" | "_=" | "OL"))).collect();
    assert_eq!(ours.len(), 3, "{lines:?}");
    assert!(traced(&report, "LC_ALL=C") && traced(&report, "LANG=C") && !traced(&report, "HOME="));
    let mut record = json!({ "program": "check_it" });
    record.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let record = crate::field::from_json(&record, FIELDS).unwrap();
    assert!(!record.canonical().contains("pässwörd"));
}

#[tokio::test]
async fn output_is_bounded_and_endless_output_is_ended() {
    let bench = Bench::new();
    let report = bench.says("echo OK; /usr/bin/head -c 1000000 /dev/zero", json!({ "output_bytes_max": 100 })).await;
    assert_eq!(report.outcome, Outcome::Pass);
    assert!(traced(&report, "999903 bytes of output were thrown away"), "{:?}", report.trace);
    let report = bench.says("/usr/bin/yes >&2", json!({})).await;
    assert_said(&report, "unknown", ReasonKind::Local, "check_it printed without end and was killed");
}

#[tokio::test]
async fn what_cannot_start_is_our_trouble() {
    let bench = Bench::new();
    let report = bench.attempt(json!({ "program": "check_none" })).await;
    let reason = &report.outcome.reason().unwrap().text;
    assert!(reason.starts_with("check_none may not run: there is no program "), "{reason}");
    assert_eq!(bench.rig.context.take_remarks().len(), 1);
    let path = bench.write("check_mode", "exit 0");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let report = bench.attempt(json!({ "program": "check_mode" })).await;
    assert!(report.outcome.reason().unwrap().text.ends_with("is not executable"), "{report:?}");
    bench.write("check_perl", "");
    fs::write(bench.granted().join("check_perl"), "#!/nowhere/perl\n").unwrap();
    let report = bench.attempt(json!({ "program": "check_perl" })).await;
    let text = "check_perl cannot start: it, or the interpreter in its first line, is not there";
    assert_said(&report, "unknown", ReasonKind::Local, text);
    // Without a first line, no shell steps in.
    fs::write(bench.granted().join("check_perl"), "exit 2\n").unwrap();
    let report = bench.attempt(json!({ "program": "check_perl" })).await;
    assert_eq!(report.outcome.label(), "unknown", "{report:?}");
}

#[test]
fn want_of_descriptors_processes_and_memory_is_our_trouble() {
    let bench = Bench::new();
    bench.write("check_it", "");
    let order = Order {
        program: bench.rig.context.commands.choose(&bench.rig.context.asker, "check_it").unwrap(),
        arguments: Vec::new(),
        environment: Vec::new(),
        input: Vec::new(),
        output_bytes_max: 1,
        turn: Arc::new(Semaphore::new(1)),
    };
    let plugin = Plugin { order: Arc::new(order), limits: Vec::new(), slower_than: None };
    for code in [24, 23, 11, 12, 8, 26] {
        let text = plugin.not_run(&Trouble::System(std::io::Error::from_raw_os_error(code)));
        assert!(text.starts_with("check_it cannot start: ") && text.ends_with(&format!("(os error {code})")), "{text}");
    }
}

/// Waits until no process runs the program at `path` any more, nor is a zombie of it left.
async fn gone(path: &Path) {
    let marker = path.display().to_string();
    let all_gone = async {
        while processes(&marker) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), all_gone).await.unwrap_or_else(|_| panic!("{marker} still runs"));
}

fn processes(marker: &str) -> usize {
    let list = fs::read_dir("/proc").unwrap().flatten();
    let line = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).unwrap_or_default();
    list.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .filter(|entry| entry.file_name().to_string_lossy() != std::process::id().to_string())
        .map(line)
        .filter(|line| String::from_utf8_lossy(line).contains(marker))
        .count()
}

/// Zombies among our children.
fn zombies() -> usize {
    let list = fs::read_dir("/proc").unwrap().flatten();
    let stat = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("stat")).ok();
    let ours = format!(" Z {} ", std::process::id());
    list.filter_map(stat).filter(|stat| stat.contains(&ours)).count()
}

async fn no_zombies() {
    let all_gone = async {
        while zombies() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), all_gone).await.unwrap();
}

/// Ignores the polite signal, and leaves children and grandchildren that do so, too.
const STUBBORN: &str = "trap '' TERM HUP INT\n(trap '' TERM; (sleep 300 & wait) & sleep 300 & wait) &\n\
                        if [ \"$1\" = child ]; then sleep 300; exit; fi\n\"$0\" child &\necho 'half a word'\nwait";

#[tokio::test]
async fn deadline_kills_the_whole_group_and_says_what_was_printed() {
    let bench = Bench::new();
    let path = bench.write("check_it", STUBBORN);
    let report = bench.attempt_within(Duration::from_millis(400), json!({ "program": "check_it" })).await;
    let text = "check_it did not end within 400 ms and was killed with its children; it had said: half a word";
    assert_fail(&report, ReasonKind::Timeout, text);
    gone(&path).await;
    no_zombies().await;
}

#[tokio::test]
async fn dropped_attempt_kills_the_whole_group() {
    let bench = Bench::new();
    let path = bench.write("check_it", STUBBORN);
    let prober = bench.build(json!({ "program": "check_it" })).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        attempt(&*prober, Duration::from_secs(60), &crate::clock::SystemClock::default()).await;
    });
    let marker = path.display().to_string();
    let runs = async {
        while processes(&marker) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), runs).await.unwrap();
    tasks.abort_all();
    gone(&path).await;
    no_zombies().await;
}

#[tokio::test]
async fn children_that_are_left_behind_go_with_the_program() {
    let bench = Bench::new();
    let path =
        bench.write("check_it", "if [ \"$1\" = child ]; then sleep 300; exit; fi\n\"$0\" child &\necho OK\nexit 0");
    let began = tokio::time::Instant::now();
    let report = bench.attempt(json!({ "program": "check_it" })).await;
    assert_eq!(report.outcome, Outcome::Pass);
    assert!(began.elapsed() < Duration::from_secs(5));
    gone(&path).await;
}

#[tokio::test]
async fn pipe_that_somebody_else_holds_open_delays_nothing() {
    let bench = Bench::new();
    let began = tokio::time::Instant::now();
    let report = bench.says("/usr/bin/setsid /bin/sleep 3 & echo OK", json!({})).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:?}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn real_plugins_are_understood_where_they_are_installed() {
    let mut rig = Rig::new();
    if !Path::new("/usr/lib/nagios/plugins/check_tcp").exists() {
        return;
    }
    let port = rig.serve(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()).await.to_string();
    let body =
        json!({ "program": "check_tcp", "arguments": ["-H", "127.0.0.1", "-p", port], "metrics": { "time": ":5" } });
    let report = rig.attempt("command", body).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let (closed, _socket) = crate::probe::tests::closed_port();
    let arguments = ["-H", "127.0.0.1", "-p", &closed.to_string()];
    let report = rig.attempt("command", json!({ "program": "check_tcp", "arguments": arguments })).await;
    assert_fail(&report, ReasonKind::Status, "check_tcp ended with 2 (critical): connect to address 127.0.0.1");
    let report = rig.attempt("command", json!({ "program": "check_dummy", "arguments": ["3", "who knows"] })).await;
    assert_said(&report, "unknown", ReasonKind::Local, "check_dummy ended with 3 (unknown): UNKNOWN: who knows");
    let report =
        rig.attempt("command", json!({ "program": "check_load", "arguments": ["-w", "0,0,0", "-c", "900,900,900"] }));
    let report = report.await;
    assert!(traced(&report, "load1=") && traced(&report, "load15="), "{report:#?}");
}
