//! OpenSLO v1 documents to `schedules/objectives.yaml`, and promises to OpenSLO v1 (`write`).
//!
//! Not here: what is measured. An OpenSLO document says by which query something is good, ours by which probes. Invariants:
//! only what means the same is turned; of every key that is not, known or unknown, somebody is told where it stands.

mod window;
mod write;

pub use write::{Exported, write};

use super::tree::{list, map, quoted, text};
use super::{Imported, Input, slug, unique};
use crate::config::modules::Secrets;
use crate::config::parse::parse;
use crate::field::{Entry, Node, Problems};
use std::collections::BTreeSet;

/// The only version that is read and written.
const VERSION: &str = "openslo/v1";
/// What OpenSLO has no place for stands in annotations under this prefix.
const OURS: &str = "gengfu/";
/// Fields of ours that such annotations hold, and their keys there.
const ANNOTATED: [(&str, &str); 4] =
    [("figure", "figure"), ("hours", "hours"), ("exclusion_cap", "exclusion-cap"), ("pages", "pages")];

/// Turns the documents of one or more files.
pub fn import(inputs: &[Input]) -> Imported {
    let mut imported = Imported::default();
    let (mut taken, mut objectives) = (BTreeSet::new(), Vec::new());
    for input in inputs {
        for text in documents(&input.text) {
            let mut problems = Problems::new();
            let document = parse(&input.path.as_str().into(), &text, &mut problems);
            imported.take(problems);
            if let Some(document) = document.filter(|document| !document.is_null()) {
                objectives.extend(slo_of(&document, &mut taken, &mut imported));
            }
        }
    }
    if !objectives.is_empty() {
        let file = map([("objectives", list(objectives))]);
        let body = crate::config::modules::write(&file, Secrets::Written);
        let text = format!("# yaml-language-server: $schema=.schema/objectives.json\n{body}");
        imported.files.insert("schedules/objectives.yaml".into(), text);
    }
    imported
}

/// The documents of a stream, each on the lines on which it stands.
fn documents(stream: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for (number, line) in stream.lines().enumerate() {
        if line.trim_end() == "---" {
            all.push("\n".repeat(number));
        }
        let text = if matches!(line.trim_end(), "---" | "...") { "" } else { line };
        if let Some(document) = all.last_mut() {
            document.push_str(text);
            document.push('\n');
        }
    }
    all
}

/// The objectives of one document.
fn slo_of(document: &Node, taken: &mut BTreeSet<String>, imported: &mut Imported) -> Vec<Node> {
    let word = |key: &str| document.get(key).and_then(Node::text);
    let kind = word("kind").unwrap_or("a document without a kind");
    if word("apiVersion") != Some(VERSION) {
        let found = word("apiVersion").unwrap_or("nothing");
        imported.leave(&document.at, format!("{kind}: `apiVersion` is {found}; only {VERSION} is read"));
        return Vec::new();
    }
    let why = match kind {
        "SLO" => return objectives(document, taken, imported),
        "Service" => "a service is an owner's subsystem here; write it in probes/",
        "SLI" | "DataSource" => "what is measured is told by probes here; write them in probes/",
        "AlertPolicy" | "AlertCondition" => {
            "burn-rate pairs are derived here from the target and the period; see `pages`"
        }
        "AlertNotificationTarget" => "who is told stands in schedules/on-call.yaml",
        _ => "no such kind is known",
    };
    let name = document.get("metadata").and_then(|m| m.get("name")).and_then(Node::text).unwrap_or_default();
    imported.leave(&document.at, format!("{kind} `{name}`: {why}"));
    Vec::new()
}

fn objectives(document: &Node, taken: &mut BTreeSet<String>, imported: &mut Imported) -> Vec<Node> {
    let Some(spec) = document.get("spec") else {
        imported.leave(&document.at, "an SLO without `spec`");
        return Vec::new();
    };
    let metadata = document.get("metadata");
    let name = metadata.and_then(|m| m.get("name")).and_then(Node::text).unwrap_or("slo").to_owned();
    leave_others(document, &["apiVersion", "kind", "metadata", "spec"], imported);
    let annotated = metadata.map(|metadata| annotations(metadata, imported)).unwrap_or_default();
    for entry in spec.entries() {
        tell_of(entry, imported);
    }
    let Some(period) = window::period(spec, &name, imported) else { return Vec::new() };
    let method = spec.get("budgetingMethod");
    match method.and_then(Node::text) {
        Some("Timeslices" | "RatioTimeslices") => {}
        found => {
            let at = method.map_or(&spec.at, |method| &method.at);
            let found = found.unwrap_or("nothing");
            let text = format!("`{name}`: `budgetingMethod` is {found}, which counts events; here time counts");
            imported.leave(at, text);
            return Vec::new();
        }
    }
    let targets = spec.get("objectives").map(Node::items).unwrap_or_default();
    let mut found = Vec::new();
    for objective in targets {
        let Some(ppm) = target(objective, &name, imported) else { continue };
        let id = unique(slug(&name), taken);
        let mut pairs = vec![("id", text(id)), ("target", text(percent(ppm)))];
        pairs.extend(period.map(|period| ("period", text(window::word(period)))));
        pairs.extend(annotated.iter().cloned());
        found.push(map(pairs));
    }
    if targets.is_empty() {
        imported.leave(&spec.at, format!("`{name}` has no objectives"));
    }
    found
}

/// Tells of a key of `spec` that has no place here.
fn tell_of(entry: &Entry, imported: &mut Imported) {
    let why = match entry.key.as_str() {
        "timeWindow" | "budgetingMethod" | "objectives" => return,
        "service" => "name the objective in that subsystem's entry in probes/",
        "description" => "an objective has no description",
        "indicator" | "indicatorRef" => "what is good is told by probes, not by a query",
        "alertPolicies" => "burn-rate pairs are derived from the target and the period; see `pages`",
        _ => "no such key is known",
    };
    let text = format!("`{}`: {why}", entry.key);
    match entry.key.as_str() {
        "service" | "description" => imported.note(&entry.key_at, text),
        _ => imported.leave(&entry.key_at, text),
    }
}

fn leave_others(node: &Node, known: &[&str], imported: &mut Imported) {
    for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        imported.leave(&entry.key_at, format!("`{}`: no such key is known", entry.key));
    }
}

/// Our own fields, as we wrote them; everything else of `metadata` is told of.
fn annotations(metadata: &Node, imported: &mut Imported) -> Vec<(&'static str, Node)> {
    for entry in metadata.entries() {
        match entry.key.as_str() {
            "name" | "annotations" => {}
            "displayName" | "labels" => imported.note(&entry.key_at, format!("`{}` has no place here", entry.key)),
            key => imported.leave(&entry.key_at, format!("`{key}`: no such key is known")),
        }
    }
    let mut found = Vec::new();
    for entry in metadata.get("annotations").map(Node::entries).unwrap_or_default() {
        let ours = entry.key.strip_prefix(OURS);
        let field = ANNOTATED.iter().find(|(_, key)| ours == Some(*key)).map(|(field, _)| *field);
        match (field, entry.value.text()) {
            (Some("pages"), Some(words)) => {
                let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
                found.push(("pages", list(words.map(text).collect())));
            }
            (Some("hours"), Some(hours)) => found.push(("hours", quoted(hours))),
            (Some(field), Some(value)) => found.push((field, text(value))),
            // Where it came from; the id here is the document's name.
            _ if matches!(ours, Some("subsystem" | "composite" | "objective")) => {}
            _ => imported.note(&entry.key_at, format!("annotation `{}` has no place here", entry.key)),
        }
    }
    found
}

/// The target in parts per million.
fn target(objective: &Node, name: &str, imported: &mut Imported) -> Option<u32> {
    for entry in objective.entries() {
        match entry.key.as_str() {
            "target" | "targetPercent" => {}
            "displayName" => imported.note(&entry.key_at, "`displayName` has no place here"),
            key @ ("timeSliceTarget" | "timeSliceWindow") => {
                imported.note(&entry.key_at, format!("`{key}`: time is counted here as it was seen, without slices"));
            }
            key @ ("op" | "value") => {
                imported
                    .leave(&entry.key_at, format!("`{key}`: what is good is told by probes, such as `degraded_after`"));
            }
            key @ ("compositeWeight" | "indicator" | "indicatorRef") => {
                let text = format!("`{key}`: `{name}` is a composite; write its members in schedules/composites.yaml");
                imported.leave(&entry.key_at, text);
                return None;
            }
            key => imported.leave(&entry.key_at, format!("`{key}`: no such key is known")),
        }
    }
    let read = |key, decimals| objective.get(key).map(|node| (node, node.text().and_then(|t| millionths(t, decimals))));
    let (node, ppm) = match (read("target", 6), read("targetPercent", 4)) {
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => {
            imported.leave(&objective.at, format!("`{name}`: neither `target` nor `targetPercent` is there"));
            return None;
        }
        (Some((node, _)), Some(_)) => {
            imported.leave(&node.at, format!("`{name}`: both `target` and `targetPercent` are there"));
            return None;
        }
    };
    let ppm = ppm.filter(|ppm| (1..1_000_000).contains(ppm));
    if ppm.is_none() {
        let text = "not between 0 and 1, or finer than a millionth";
        imported.leave(&node.at, format!("`{name}`: the target is {text}"));
    }
    ppm
}

/// A decimal number times ten to the `decimals`, exactly.
fn millionths(number: &str, decimals: usize) -> Option<u32> {
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let rest = rest.trim_end_matches('0');
    if rest.len() > decimals || !format!("{whole}{rest}").bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{rest:0<decimals$}").parse().ok()
}

/// `99.95%` of 999 500.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
