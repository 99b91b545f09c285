//! From files that people have (blackbox_exporter, Gatus, Prometheus, OpenSLO, tables) to ours.
//!
//! Not here: reading and writing files (`cli`). Invariants: pure functions from texts to texts; what cannot be turned is
//! listed with its file and line, never dropped in silence; what is written passes `gengfu check`.

pub mod blackbox;
pub mod csv;
pub mod gatus;
pub mod on_call;
pub mod openslo;
pub mod prometheus;

mod tree;

use crate::field::{Place, Problems, Severity};
use std::collections::{BTreeMap, BTreeSet};
use tree::{list, map, text};

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// As people see it.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What the written files name and the read ones do not say.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one owner of everything; else each file's own words decide.
    pub owner: Option<String>,
    /// `platform`, `districts`, `bureaus` or `external`.
    pub area: String,
    /// The roster that is told.
    pub on_call: String,
    /// The promise.
    pub objective: String,
}

impl Default for Options {
    fn default() -> Self {
        let (area, on_call, objective) = ("bureaus".into(), "duty".into(), "public-7x24".into());
        Self { owner: None, area, on_call, objective }
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// Which file.
    pub file: String,
    /// Which line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// What about it.
    pub text: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Paths relative to the directory of `gengfu.yaml`, and texts.
    pub files: BTreeMap<String, String>,
    /// What could not be turned.
    pub left: Vec<Remark>,
    /// What was turned, and differs a little.
    pub notes: Vec<Remark>,
}

impl Imported {
    fn leave(&mut self, at: &Place, text: impl Into<String>) {
        self.left.push(Remark { file: at.file.to_string(), line: at.line, text: text.into() });
    }

    fn note(&mut self, at: &Place, text: impl Into<String>) {
        self.notes.push(Remark { file: at.file.to_string(), line: at.line, text: text.into() });
    }

    fn take(&mut self, problems: Problems) {
        for problem in problems {
            let hint = problem.hint.map_or_else(String::new, |hint| format!("; {hint}"));
            let text = format!("{}{hint}", problem.message);
            match problem.severity {
                Severity::Error => self.leave(&problem.at, text),
                Severity::Warning => self.note(&problem.at, text),
            }
        }
    }
}

/// An owner that takes shape.
#[derive(Clone, Debug, Default)]
struct Owner {
    name: Option<(String, String)>,
    subsystems: Vec<Subsystem>,
}

/// A subsystem that takes shape.
#[derive(Clone, Debug)]
struct Subsystem {
    id: String,
    zh: String,
    en: String,
    tier: u8,
    hours: String,
    probes: Vec<Probe>,
}

/// A probe that takes shape.
#[derive(Clone, Debug)]
struct Probe {
    name: String,
    kind: &'static str,
    every_ms: Option<i64>,
    timeout_ms: Option<i64>,
    body: crate::field::Node,
}

/// Owners by id; writes their files.
#[derive(Clone, Debug, Default)]
struct Owners(BTreeMap<String, Owner>);

impl Owners {
    fn of(&mut self, id: &str) -> &mut Owner {
        self.0.entry(id.to_owned()).or_default()
    }

    fn write(&self, options: &Options, imported: &mut Imported) {
        let kind = match options.area.as_str() {
            "platform" => "platform",
            "districts" => "district",
            "external" => "external",
            _ => "bureau",
        };
        for (id, owner) in self.0.iter().filter(|(_, owner)| !owner.subsystems.is_empty()) {
            let (zh, en) = owner.name.clone().unwrap_or_else(|| (id.clone(), id.clone()));
            let head = map([
                ("id", text(id)),
                ("kind", text(kind)),
                ("name", map([("zh", text(zh)), ("en", text(en))])),
                ("on_call", text(&options.on_call)),
            ]);
            let subsystems = owner.subsystems.iter().map(|subsystem| subsystem.node(&options.objective)).collect();
            let file = map([("owner", head), ("subsystems", list(subsystems))]);
            let body = crate::config::modules::write(&file, crate::config::modules::Secrets::Written);
            let text = format!("# yaml-language-server: $schema=../.schema/owner.json\n{body}");
            imported.files.insert(format!("probes/{}/{id}.yaml", options.area), text);
        }
    }
}

impl Subsystem {
    fn node(&self, objective: &str) -> crate::field::Node {
        map([
            ("id", text(&self.id)),
            ("name", map([("zh", text(&self.zh)), ("en", text(&self.en))])),
            ("tier", text(self.tier.to_string())),
            ("hours", text(&self.hours)),
            ("objective", text(objective)),
            ("probes", list(self.probes.iter().map(Probe::node).collect())),
        ])
    }
}

impl Probe {
    fn node(&self) -> crate::field::Node {
        let length = |ms: i64| text(crate::field::format_duration(ms));
        let mut pairs = vec![("name", text(&self.name))];
        // Theirs may be quicker than ours allows, and a deadline never exceeds five minutes.
        pairs.extend(self.every_ms.map(|ms| ("every", length(ms.clamp(100, 86_400_000)))));
        pairs.extend(self.timeout_ms.map(|ms| ("timeout", length(ms.clamp(10, 300_000)))));
        pairs.push((self.kind, self.body.clone()));
        map(pairs)
    }
}

/// An id of anything: small letters, digits and hyphens; different for different texts where it can.
fn slug(words: &str) -> String {
    let mut id = String::new();
    for c in words.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => id.push(c),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let id: String = id.chars().take(60).collect();
    let id = id.trim_matches('-');
    if id.is_empty() { format!("x{:08x}", checksum(words)) } else { id.to_owned() }
}

fn checksum(words: &str) -> u32 {
    words.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
}

/// The id, or the first of `id-2`, `id-3`, … that nothing has.
fn unique(id: String, taken: &mut BTreeSet<String>) -> String {
    let mut free = id.clone();
    for number in 2.. {
        if taken.insert(free.clone()) {
            break;
        }
        free = format!("{id}-{number}");
    }
    free
}

#[cfg(test)]
mod tests;
