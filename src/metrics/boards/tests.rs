//! The files are printed from the boards, both languages ask the same, and every name in them leads somewhere.
//!
//! The rules of Grafana's dashboard-linter are in `lint`; whether Grafana's own types take the files is asked by
//! `tests/peers/dashboards.py`, and what the queries answer by `tests/peers/prometheus.py`.

mod lint;

use super::*;
use crate::metrics::families;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/dashboards"))
}

/// Every file as JSON, with its name.
fn files() -> Vec<(String, Value)> {
    documents().into_iter().map(|(name, text)| (name, serde_json::from_str(&text).unwrap())).collect()
}

/// Panels that ask something.
fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Every expression of a board, with the place where it stands.
fn queries(board: &Value) -> Vec<(String, String)> {
    let targets = panels(board).flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (text(&panel["title"]).to_owned(), text(&target["expr"]).to_owned()))
    });
    let marks = board["annotations"]["list"].as_array().unwrap().iter().filter(|mark| mark["builtIn"] != 1);
    let marks = marks.map(|mark| (text(&mark["name"]).to_owned(), text(&mark["target"]["expr"]).to_owned()));
    targets.chain(marks).collect()
}

/// Every text, however deep.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Names of series in an expression, without what histograms add to them.
fn series(expr: &str) -> BTreeSet<String> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bgengfu[_:][a-z0-9_:]+").unwrap());
    let whole = |name: &str| {
        let ends = ["_bucket", "_count", "_sum"].into_iter().filter_map(|end| name.strip_suffix(end));
        let mut families = ends.filter(|name| families::find(name).is_some());
        families.next().unwrap_or(name).to_owned()
    };
    NAME.find_iter(expr).map(|found| whole(found.as_str())).collect()
}

fn recorded() -> BTreeSet<String> {
    let rules = crate::metrics::rules::document();
    rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned).collect()
}

#[test]
fn the_shipped_files_are_printed_from_the_boards() {
    let documents = documents();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        documents.iter().for_each(|(name, text)| std::fs::write(folder().join(name), text).unwrap());
    }
    let mut differences = Vec::new();
    for (name, text) in &documents {
        let stored = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
        let mut lines = text.lines().zip(stored.lines()).enumerate().filter(|(_, (new, old))| new != old);
        if let Some((n, (new, old))) = lines.next() {
            differences.push(format!("{name}:{}:\n  printed {}\n  stored  {}", n + 1, new.trim(), old.trim()));
        } else if text != &stored {
            let lengths = (text.lines().count(), stored.lines().count());
            differences.push(format!("{name}: {} lines are printed, {} stored", lengths.0, lengths.1));
        }
    }
    let known: BTreeSet<_> = documents.iter().map(|(name, _)| name.clone()).collect();
    let stored = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange = stored.filter(|name| name.ends_with(".json") && !known.contains(name));
    differences.extend(strange.map(|name| format!("{name}: no board prints it")));
    assert!(differences.is_empty(), "run the tests once with UPDATE_DOCS=1\n{}", differences.join("\n"));
}

#[test]
fn both_languages_ask_the_same_and_say_it_in_their_own_words() {
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for board in boards() {
        let [zh, en] = Language::ALL.map(|language| board.json(language));
        let asked = |board: &Value| -> Vec<String> {
            queries(board).into_iter().map(|(_, expr)| expr.replace("name_zh", "name_en")).collect()
        };
        assert_eq!(asked(&zh), asked(&en), "{}", board.name);
        let switch = ["中文"];
        let wrong: Vec<_> = texts(&en).into_iter().filter(|t| is_chinese(t) && !switch.contains(t)).collect();
        assert!(wrong.is_empty(), "{}: Chinese in the English file: {wrong:?}", board.name);
        for panel in panels(&zh) {
            assert!(is_chinese(text(&panel["description"])), "{}: {}", board.name, panel["title"]);
        }
    }
}

#[test]
fn every_series_of_a_board_is_exported_or_recorded() {
    let recorded = recorded();
    for (name, board) in files() {
        for (place, expr) in queries(&board) {
            for series in series(&expr) {
                let is_known = families::find(&series).is_some() || recorded.contains(&series);
                assert!(is_known, "{name}: {place}: nobody exports or records {series}");
            }
        }
    }
}

/// Families that neither a board nor a rule reads, with what they are for.
const OTHERWISE: [(&str, &str); 0] = [];

#[test]
fn every_family_is_used() {
    let rules = series(&crate::metrics::rules::document());
    let boards = files().into_iter().flat_map(|(_, board)| queries(&board)).flat_map(|(_, expr)| series(&expr));
    let used: BTreeSet<String> = rules.into_iter().chain(boards).collect();
    let families = families::GROUPS.iter().flat_map(|group| group.families).map(|family| family.name);
    let is_used = |name: &&str| used.contains(*name) != OTHERWISE.iter().any(|(other, _)| other == name);
    let idle: Vec<_> = families.filter(|name| !is_used(name)).collect();
    assert!(idle.is_empty(), "a panel, a rule, or a line of OTHERWISE is wanted for {idle:?}");
    let recorded = recorded();
    let unread: Vec<_> = recorded.iter().filter(|name| !used.contains(*name)).collect();
    assert!(unread.is_empty(), "nobody reads what is recorded as {unread:?}");
}

#[test]
fn links_lead_to_boards_of_the_same_language_and_keep_the_time_range() {
    let files = files();
    let link = Regex::new(r"^/d/([a-z-]+)\?(.*)$").unwrap();
    for (name, board) in &files {
        for url in texts(board).into_iter().filter(|text| text.starts_with("/d/") && text.contains('?')) {
            let found = link.captures(url).unwrap_or_else(|| panic!("{name}: {url}"));
            let (_, to) = files.iter().find(|(_, to)| to["uid"] == found[1]).unwrap_or_else(|| panic!("{name}: {url}"));
            assert_eq!(board["tags"][1], to["tags"][1], "{name}: {url}: another language");
            assert!(url.ends_with("&${__url_time_range}") && url.contains("${datasource:queryparam}"), "{name}: {url}");
            let variables: Vec<_> =
                to["templating"]["list"].as_array().unwrap().iter().map(|v| text(&v["name"])).collect();
            for given in found[2].split('&').filter_map(|part| part.strip_prefix("var-")) {
                let variable = given.split('=').next().unwrap();
                assert!(variables.contains(&variable), "{name}: {url}: {} has no {variable}", to["uid"]);
            }
        }
    }
}

#[test]
fn links_of_tables_take_their_values_from_labels_of_the_row() {
    let field = Regex::new(r"__data\.fields[.\[](\w+)").unwrap();
    for (name, board) in files() {
        for panel in panels(&board).filter(|panel| panel["type"] == "table") {
            let columns = &panel["transformations"][1]["options"]["renameByName"];
            for url in texts(&panel["fieldConfig"]).into_iter().filter(|text| text.starts_with("/d/")) {
                for found in field.captures_iter(url) {
                    assert!(columns[&found[1]].is_string(), "{name}: {}: no column {}", panel["title"], &found[1]);
                }
            }
        }
    }
}

#[test]
fn text_is_laid_out_in_lines_that_a_person_reads() {
    let value = serde_json::json!({ "b": [1, 2, { "x": "短" }], "a": "y".repeat(120), "c": {}, "d": [] });
    let text = print::pretty(&value);
    let long = "y".repeat(120);
    assert_eq!(
        text,
        format!("{{\n  \"a\": \"{long}\",\n  \"b\": [1, 2, {{ \"x\": \"短\" }}],\n  \"c\": {{}},\n  \"d\": []\n}}\n")
    );
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
}
