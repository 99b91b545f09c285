//! `gengfu check` from outside: wrong files, each with the exact text that people get, and good ones.
//!
//! A case of `tests/fixtures/config/bad` holds only what differs from `base`; `removed.txt` lists what it lacks. With
//! `UPDATE_EXPECTED=1` the expected texts are written anew: read them before committing.

use gengfu::cli::Format;
use gengfu::cli::check::{CheckArgs, check};
use gengfu::config::Style;
use gengfu::domain::Timestamp;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config")
}

fn env() -> HashMap<String, String> {
    [("KIOSKS_TOKEN", "kiosks-token-of-the-test"), ("EMPTY", ""), ("FOREIGN", "not-for-huangpu")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else if !["expected.txt", "removed.txt"].contains(&entry.file_name().to_str().unwrap()) {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The set of files of a case, in a directory of its own.
fn staged(case: &Path) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy(&fixtures().join("base"), directory.path());
    copy(case, directory.path());
    for removed in fs::read_to_string(case.join("removed.txt")).unwrap_or_default().lines() {
        let path = directory.path().join(removed);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    directory
}

fn run(directory: &Path, args: &CheckArgs) -> (u8, String) {
    let mut out = Vec::new();
    let code = check(NOW, env(), &directory.join("gengfu.yaml"), args, Style::Plain, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap().replace(&format!("{}/", directory.display()), "");
    (code, text)
}

#[test]
fn every_bad_set_gets_exactly_its_diagnostics() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut cases: Vec<PathBuf> = fs::read_dir(fixtures().join("bad")).unwrap().flatten().map(|e| e.path()).collect();
    cases.sort();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let directory = staged(case);
        let (code, text) = run(directory.path(), &CheckArgs::default());
        let found = format!("exit {code}\n\n{text}");
        assert!(
            !found.contains("kiosks-token-of-the-test") && !found.contains("hunter2"),
            "{}: secret",
            case.display()
        );
        if update {
            fs::write(case.join("expected.txt"), &found).unwrap();
        }
        let expected = fs::read_to_string(case.join("expected.txt")).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}\n--- expected\n{expected}\n--- found\n{found}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ; UPDATE_EXPECTED=1 accepts\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn base_of_all_cases_is_good_and_silent() {
    let directory = staged(&fixtures().join("base"));
    let (code, text) = run(directory.path(), &CheckArgs::default());
    assert_eq!(
        (code, text.as_str()),
        (0, "good: 2 owners, 3 subsystems, 4 probes, 1 schedules, 1 policies in 9 files\n")
    );
}

#[test]
fn warnings_change_the_exit_code_only_when_strict() {
    let directory = staged(&fixtures().join("base"));
    let path = directory.path().join("probes/platform/bdc.yaml");
    let text = fs::read_to_string(&path).unwrap().replace("daily 06:00-22:00", "Mon-Fri 06:00-22:00");
    fs::write(&path, text).unwrap();
    let (code, text) = run(directory.path(), &CheckArgs::default());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("warning[GF0102]"), "{text}");
    let strict = CheckArgs { strict: true, ..CheckArgs::default() };
    assert_eq!(run(directory.path(), &strict).0, 1);
}

#[test]
fn as_of_another_day_other_windows_are_judged() {
    let directory = staged(&fixtures().join("base"));
    let at = |text: &str| CheckArgs { at: Some(text.to_owned()), ..CheckArgs::default() };
    let (code, text) = run(directory.path(), &at("2027-06-01 09:00"));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("warning[GF0106]") && text.contains("from 2028-01-22 on"), "{text}");
    let (code, text) = run(directory.path(), &at("next week"));
    assert_eq!((code, text.starts_with("error: --at: ")), (64, true), "{text}");
}

#[test]
fn json_tells_scripts_the_same() {
    let directory = staged(&fixtures().join("bad/unknown-key"));
    let args = CheckArgs { format: Format::Json, ..CheckArgs::default() };
    let (code, text) = run(directory.path(), &args);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["ok"]), (1, &serde_json::json!(false)));
    // Without the key nobody names an objective, which is told first.
    let codes = ["GF0004", "GF0003"];
    let problems = json["problems"].as_array().unwrap();
    assert_eq!(problems.iter().map(|p| p["code"].as_str().unwrap()).collect::<Vec<_>>(), codes);
    let problem = &problems[1];
    assert_eq!(problem["severity"], "error");
    assert_eq!((&problem["line"], &problem["column"]), (&8.into(), &5.into()));
    assert_eq!(problem["hint"], "did you mean `objective`?");
}

#[test]
fn missing_main_file_is_one_sentence_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let (code, text) = run(directory.path(), &CheckArgs::default());
    assert_eq!(code, 2);
    assert!(text.starts_with("error: cannot read gengfu.yaml: ") && text.contains("--config"), "{text}");
}

#[test]
fn good_sets_are_good() {
    for entry in fs::read_dir(fixtures().join("good")).unwrap().flatten() {
        let directory = staged(&entry.path());
        let (code, text) = run(directory.path(), &CheckArgs::default());
        assert_eq!((code, text.contains("error[")), (0, false), "{}\n{text}", entry.path().display());
    }
}
