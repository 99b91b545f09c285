//! Gatus's `config.yaml` to owners' files: endpoints, their conditions, intervals and headers.
//!
//! Not here: conditions (`conditions`). Invariant: an endpoint whose conditions cannot all be turned is written without
//! the ones that cannot, and each of those is listed.

mod conditions;

use super::tree::{list, map, text};
use super::{Imported, Input, Options, Owners, Probe, Subsystem, slug, unique};
use crate::config::modules::{aimed, go_duration};
use crate::config::parse::parse;
use crate::field::{Entry, Node, NodeKind, Problems};
use crate::probe::kind;
use conditions::Wishes;
use std::collections::BTreeSet;

/// Keys of the file that say nothing about what is watched.
const SILENT: [&str; 7] = ["ui", "web", "metrics", "storage", "debug", "concurrency", "disable-monitoring-lock"];
/// Keys of an endpoint that are read here, or change nothing.
const KNOWN: [&str; 13] = [
    "name",
    "group",
    "url",
    "method",
    "headers",
    "body",
    "interval",
    "conditions",
    "dns",
    "client",
    "enabled",
    "ui",
    "ssh",
];
/// How often theirs asks where nothing is written.
const INTERVAL_MS: i64 = 60_000;
/// Its client's time-out.
const TIMEOUT_MS: i64 = 10_000;

/// Turns one or more files.
pub fn import(inputs: &[Input], options: &Options) -> Imported {
    let mut imported = Imported::default();
    let (mut owners, mut taken) = (Owners::default(), BTreeSet::new());
    for input in inputs {
        let mut problems = Problems::new();
        let node = parse(&input.path.as_str().into(), &input.text, &mut problems);
        imported.take(problems);
        for entry in node.iter().flat_map(Node::entries) {
            match entry.key.as_str() {
                "endpoints" => {
                    for endpoint in entry.value.items() {
                        take(endpoint, options, &mut owners, &mut taken, &mut imported);
                    }
                }
                key if SILENT.contains(&key) => {}
                key => imported.leave(&entry.key_at, format!("`{key}` is not turned; see docs/migrating.md")),
            }
        }
    }
    owners.write(options, &mut imported);
    imported
}

fn take(
    endpoint: &Node,
    options: &Options,
    owners: &mut Owners,
    taken: &mut BTreeSet<String>,
    imported: &mut Imported,
) {
    let word = |key: &str| endpoint.get(key).and_then(Node::text);
    let name = word("name").unwrap_or("endpoint");
    if word("enabled") == Some("false") {
        imported.note(&endpoint.at, format!("`{name}` is switched off and left out"));
        return;
    }
    if let Some(at) = variable(endpoint) {
        let text = format!("`{name}` names a variable; write the probe by hand, and grant the variable in `secrets`");
        imported.leave(&at, text);
        return;
    }
    for entry in endpoint.entries().iter().filter(|entry| !KNOWN.contains(&entry.key.as_str())) {
        imported.leave(&entry.key_at, format!("`{name}`: `{}` is not turned", entry.key));
    }
    let owner = slug(options.owner.as_deref().or(word("group")).unwrap_or("gatus"));
    let (kind_name, body) = match body(endpoint, name, imported) {
        Ok(found) => found,
        Err(why) => return imported.leave(&endpoint.at, format!("`{name}`: {why}")),
    };
    let whole = unique(format!("{owner}/{}", slug(name)), taken);
    let id = whole.split_once('/').map_or(whole.as_str(), |(_, id)| id).to_owned();
    let timeout = endpoint.get("client").and_then(|client| client.get("timeout")).and_then(Node::text);
    let probe = Probe {
        name: slug(kind_name),
        kind: kind_name,
        every_ms: Some(word("interval").and_then(go_duration).unwrap_or(INTERVAL_MS)),
        timeout_ms: Some(timeout.and_then(go_duration).unwrap_or(TIMEOUT_MS)),
        body,
    };
    let (zh, en) = (name.to_owned(), name.to_owned());
    let place = owners.of(&owner);
    if let Some(group) = word("group").filter(|_| options.owner.is_none()) {
        place.name = Some((group.to_owned(), group.to_owned()));
    }
    place.subsystems.push(Subsystem { id, zh, en, tier: 3, hours: "7x24".into(), probes: vec![probe] });
}

/// Where a variable is named, if one is.
fn variable(node: &Node) -> Option<crate::field::Place> {
    match &node.kind {
        NodeKind::Scalar { text, .. } => text.contains("${").then(|| node.at.clone()),
        NodeKind::List(items) => items.iter().find_map(variable),
        NodeKind::Map(entries) => entries.iter().find_map(|entry| variable(&entry.value)),
        NodeKind::Null => None,
    }
}

fn push(node: &mut Node, key: &str, value: Node) {
    if let NodeKind::Map(entries) = &mut node.kind {
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key: key.to_owned(), key_at: value.at.clone(), value });
    }
}

fn body(endpoint: &Node, name: &str, imported: &mut Imported) -> Result<(&'static str, Node), String> {
    let url = endpoint.get("url").and_then(Node::text).ok_or("no `url`")?;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (kind_name, target) = match (endpoint.get("dns"), scheme) {
        (Some(_), _) => ("dns", rest),
        (None, "http" | "https") => ("http", url),
        (None, "ws" | "wss") => ("websocket", url),
        (None, "tcp") => ("tcp", rest),
        (None, "tls" | "starttls") => ("tls", rest),
        (None, "icmp") => ("icmp", rest),
        (None, "ssh") => ("ssh", rest),
        (None, "grpc" | "grpcs") => ("grpc", rest),
        (None, other) => return Err(format!("addresses of the scheme `{other}` are not turned")),
    };
    let kind = kind(kind_name).ok_or_else(|| format!("probes of the kind `{kind_name}` are not known here"))?;
    let target = if kind_name == "ssh" && !target.contains(':') { format!("{target}:22") } else { target.to_owned() };
    let mut body = map([]);
    if let Some(dns) = endpoint.get("dns") {
        let query = dns.get("query-name").and_then(Node::text).ok_or("`dns` without `query-name`")?;
        push(&mut body, "name", text(query.trim_end_matches('.')));
        push(&mut body, "type", text(dns.get("query-type").and_then(Node::text).unwrap_or("A")));
    }
    if scheme == "starttls" {
        push(&mut body, "starttls", text("smtp"));
    }
    if scheme == "grpcs" {
        push(&mut body, "tls", text("true"));
    }
    let mut body = aimed(kind, &body, target.trim_end_matches('/')).map_err(|refused| refused.to_string())?;
    if kind_name == "http" {
        push(&mut body, "url", text(url));
        for key in ["method", "headers", "body"] {
            if let Some(value) = endpoint.get(key) {
                push(&mut body, key, value.clone());
            }
        }
    }
    if endpoint.get("ssh").is_some() {
        imported.leave(&endpoint.at, format!("`{name}`: nobody logs in over ssh here; the greeting is looked at"));
    }
    client(endpoint, name, kind_name, &mut body, imported);
    wish(endpoint, name, kind_name, &mut body, imported);
    Ok((kind.name, body))
}

fn client(endpoint: &Node, name: &str, kind: &str, body: &mut Node, imported: &mut Imported) {
    for entry in endpoint.get("client").map(Node::entries).unwrap_or_default() {
        let on = entry.value.text() == Some("true");
        match (entry.key.as_str(), kind) {
            ("timeout", _) => {}
            ("insecure" | "ignore-redirect", _) if !on => {}
            ("insecure", "http" | "tcp" | "grpc" | "websocket") => {
                push(body, "tls", map([("trust", text("ignored"))]));
            }
            ("insecure", "tls") => push(body, "trust", text("ignored")),
            ("ignore-redirect", "http") => push(body, "redirects_max", text("0")),
            ("proxy-url", "http") => push(body, "proxy", entry.value.clone()),
            (key, _) => imported.leave(&entry.key_at, format!("`{name}`: `client.{key}` is not turned")),
        }
    }
}

fn wish(endpoint: &Node, name: &str, kind: &str, body: &mut Node, imported: &mut Imported) {
    let mut wishes = Wishes::default();
    for condition in endpoint.get("conditions").map(Node::items).unwrap_or_default() {
        let Some(words) = condition.text() else { continue };
        if let Err(why) = wishes.add(kind, words) {
            imported.leave(&condition.at, format!("`{name}`: the condition `{words}` is not turned: {why}"));
        }
    }
    if let Some(slower) = &wishes.degraded_only {
        imported.note(&endpoint.at, format!("`{name}`: slower than {slower} is degraded here, not failed"));
    }
    wishes.write(kind, body);
}

/// Writes the wishes into a body.
impl Wishes {
    fn write(self, kind: &str, body: &mut Node) {
        for (key, value) in self.top {
            push(body, key, value);
        }
        if kind != "http" {
            return;
        }
        let mut expect = map([("not_blank", text("false"))]);
        let any = vec![text("100-599")];
        push(&mut expect, "status", list(if self.status.is_empty() { any } else { self.status }));
        for (key, value) in self.expect {
            push(&mut expect, key, value);
        }
        for (key, values) in [("body_regex", self.patterns), ("json", self.json)] {
            if !values.is_empty() {
                push(&mut expect, key, list(values));
            }
        }
        push(body, "expect", expect);
    }
}
