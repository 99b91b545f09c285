//! The file is printed from the table, its runbooks exist, promtool takes it, and it decides as the daemon does.

mod history;
mod same;

use super::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file() -> PathBuf {
    root().join("dashboards/rules/gengfu.yaml")
}

/// Asks promtool; `None`, said loudly, where it is not installed.
#[expect(clippy::print_stderr, reason = "what is left out is said loudly")]
fn promtool(args: &[&Path]) -> Option<Output> {
    let run = Command::new("promtool").args(args).output();
    if run.is_err() {
        eprintln!("SKIPPED: promtool is not installed, so the rules were not asked");
    }
    run.ok()
}

#[test]
fn the_shipped_file_is_printed_from_the_table() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file(), document()).unwrap();
    }
    let stored = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(stored == document(), "dashboards/rules/gengfu.yaml is out of date: run the tests once with UPDATE_DOCS=1");
}

#[test]
fn promtool_takes_the_rules() {
    let Some(run) = promtool(&["check".as_ref(), "rules".as_ref(), &file()]) else { return };
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

#[test]
fn every_alert_has_a_page_that_says_what_to_do() {
    let groups = groups();
    let alerts = groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
        Rule::Alert(alert) => Some(alert),
        Rule::Record { .. } => None,
    });
    for alert in alerts {
        let page = root().join("docs/runbooks").join(alert.runbook).with_extension("md");
        let text = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        assert!(text.contains(alert.name), "{} does not name {}", page.display(), alert.name);
    }
}

/// Families that the rules read.
fn families() -> BTreeSet<String> {
    let text = document();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let family = |word: &str| word.strip_suffix("_bucket").unwrap_or(word).to_owned();
    words.filter(|w| w.starts_with("gengfu_")).map(family).collect()
}

#[test]
fn every_metric_of_the_rules_is_exported() {
    let families = families();
    let unknown: Vec<_> = families.iter().filter(|name| crate::metrics::families::find(name).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_state_of_a_window_has_one_phase() {
    let text = document();
    let rule =
        text.split("- record: gengfu:window_phase:code").nth(1).and_then(|rest| rest.split("- ").next()).unwrap();
    for state in crate::domain::window::WindowState::ALL {
        let said = rule.split(['"', '|']).filter(|word| *word == state.as_str()).count();
        assert_eq!(said, 1, "{}", state.as_str());
    }
}
