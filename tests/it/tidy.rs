//! House rules as a test: layers, headers, sizes, banned words. Each message names the replacement.
//!
//! The rules are functions over (path, text), so that the test can test itself.

use std::fs;
use std::path::{Path, PathBuf};

/// Files may be this long above their tests.
const HARD_CAP: usize = 500;

/// The layers from left to right; a room may import those to its right, and itself.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["runtime", "scheduler", "web", "metrics", "config", "import", "city"],
    &["outbox"],
    &["probe", "step", "notify", "store"],
    &["network", "field", "clock", "entropy", "report"],
    &["domain"],
];

/// What the pure core must not name.
const IMPURE: &[(&str, &str)] = &[
    ("tokio::", "return an effect; the shell performs it"),
    ("std::fs", "take the text as an argument"),
    ("std::net", "return an effect; the shell performs it"),
    ("std::env", "take the value as an argument"),
    ("std::process", "return an effect; the shell performs it"),
    ("std::thread", "return an effect; the shell performs it"),
    ("SystemTime", "take `now` as an argument"),
    ("Instant::now", "take `now` as an argument"),
    ("Timestamp::now", "take `now` as an argument"),
    ("rand::", "take the number as an argument"),
];

/// Words that rot, and what to write instead. Split, so that this file does not name them.
const BANNED: &[(&str, &str, &str)] = &[
    ("FIX", "ME", "mend it, or open an issue"),
    ("TO", "DO", "do it, or open an issue"),
    ("#[ign", "ore", "a test runs, or it goes"),
    ("thread::sle", "ep(", "a virtual clock or a condition"),
];

fn sources(root: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn above_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn room(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

fn header_problem(path: &Path, text: &str) -> Option<String> {
    let headed = text.starts_with("//!");
    (!headed)
        .then(|| format!("{}: starts without `//!`; say what it is, what it is not, its invariants", path.display()))
}

fn size_problem(path: &Path, text: &str) -> Option<String> {
    let lines = above_tests(text).lines().count();
    (lines > HARD_CAP)
        .then(|| format!("{}: {lines} lines above the tests; is there a second concept inside?", path.display()))
}

fn layer_problems(path: &Path, text: &str) -> Vec<String> {
    let Some(from) = room(path) else { return Vec::new() };
    let Some(here) = layer(&from) else {
        let known = ["lib"].contains(&from.as_str());
        return if known { Vec::new() } else { vec![format!("{}: give `{from}` a place in LAYERS", path.display())] };
    };
    let mut problems = Vec::new();
    for (number, line) in above_tests(text).lines().enumerate().filter(|(_, l)| is_code(l)) {
        for rest in line.split("crate::").skip(1) {
            let to: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if layer(&to).is_some_and(|there| there < here) {
                let place = format!("{}:{}", path.display(), number + 1);
                problems.push(format!("{place}: `{from}` imports `{to}`; arrows point right: pass it in, or move it"));
            }
        }
        if from == "domain" {
            for (word, instead) in IMPURE.iter().filter(|(word, _)| line.contains(word)) {
                problems.push(format!("{}:{}: `{word}` in the pure core; {instead}", path.display(), number + 1));
            }
        }
    }
    problems
}

fn word_problems(path: &Path, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (head, tail, instead) in BANNED {
            if line.contains(&format!("{head}{tail}")) {
                problems.push(format!("{}:{}: `{head}{tail}`; {instead}", path.display(), number + 1));
            }
        }
    }
    problems
}

#[test]
fn every_source_file_keeps_the_house_rules() {
    let mut problems = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")).chain(sources("benches")) {
        problems.extend(header_problem(&path, &text));
        problems.extend(size_problem(&path, &text));
        problems.extend(layer_problems(&path, &text));
        problems.extend(word_problems(&path, &text));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_link_of_the_documents_resolves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md"), root.join("README.zh-CN.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/adr", "docs/runbooks", "deploy", "dashboards"] {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        documents.extend(entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    let mut broken = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).unwrap_or_else(|e| panic!("{}: {e}", document.display()));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            let local = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
            if local && !document.parent().unwrap().join(path).exists() {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_document_is_found_from_both_readmes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = fs::read_dir(root.join("docs")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let documents: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(root.join(readme)).unwrap();
        let lost: Vec<_> = documents.iter().filter(|name| !text.contains(&format!("](docs/{name})"))).collect();
        assert!(lost.is_empty(), "{readme} leads to none of {lost:?}");
    }
}

#[test]
fn the_rules_catch_what_they_are_for() {
    let at = Path::new("src/domain/x.rs");
    assert!(header_problem(at, "use std::fs;").is_some());
    assert!(size_problem(at, &"x\n".repeat(HARD_CAP + 1)).is_some());
    assert!(size_problem(at, &format!("x\n#[cfg(test)]\nmod tests {{\n{}", "x\n".repeat(HARD_CAP))).is_none());
    assert_eq!(layer_problems(at, "use crate::web::Page;\nlet now = tokio::time::Instant::now();").len(), 3);
    assert!(layer_problems(Path::new("src/web/mod.rs"), "use crate::domain::Span;").is_empty());
    assert_eq!(layer_problems(Path::new("src/attic.rs"), "").len(), 1);
    assert_eq!(word_problems(at, concat!("// FIX", "ME later")).len(), 1);
}
