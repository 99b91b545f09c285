//! From an unchanged `blackbox.yml` (0.23 to 0.28) to bodies of our kinds.
//!
//! Not here: building probers, reading the files that it names. Invariants: pure; a field that changes the verdict and
//! cannot be carried is an error that names it, one that changes nothing is a warning; nothing is dropped in silence.

mod http;
mod others;

use crate::field::{Code, Entry, Node, NodeKind, Place, Problem, Problems, format_duration};
use std::path::{Path, PathBuf};

/// One module, carried over.
#[derive(Clone, Debug)]
pub struct Carried {
    /// What `module=` says.
    pub name: String,
    /// A row of `KINDS`.
    pub kind: &'static str,
    /// Its deadline, as our files write one.
    pub timeout: Option<Node>,
    /// The body, without a target.
    pub body: Node,
    /// Where it stands.
    pub at: Place,
}

/// Carries every module that can be carried whole; `base` is the directory from which its files are named.
pub fn carry(node: &Node, base: &Path, problems: &mut Problems) -> Vec<Carried> {
    let mut file = Section::of(node, "", base);
    let modules = file.take("modules");
    file.finish(problems);
    let Some(modules) = modules else {
        problems.push(Problem::error(Code::MissingKey, &node.at, "`modules` is missing"));
        return Vec::new();
    };
    let mut carried = Vec::new();
    for entry in modules.entries() {
        let mut own = Problems::new();
        let module = module(entry, base, &mut own);
        let whole = !own.has_errors();
        problems.extend(own);
        carried.extend(module.filter(|_| whole));
    }
    carried
}

fn module(entry: &Entry, base: &Path, problems: &mut Problems) -> Option<Carried> {
    let mut section = Section::of(&entry.value, &entry.key, base);
    let prober = section.take("prober");
    let timeout = section.take("timeout").and_then(|node| duration(node, problems));
    let Some(prober_text) = prober.and_then(Node::text) else {
        problems.push(Problem::error(Code::MissingKey, &entry.key_at, format!("`{}` has no `prober`", entry.key)));
        return None;
    };
    let empty = Node { at: entry.key_at.clone(), kind: NodeKind::Map(Vec::new()) };
    let parts: Vec<(&str, Option<&Node>)> =
        ["http", "tcp", "dns", "icmp", "grpc"].into_iter().map(|name| (name, section.take(name))).collect();
    section.finish(problems);
    let part = parts.iter().find(|(name, _)| *name == prober_text).map(|(_, node)| node.unwrap_or(&empty));
    let Some(part) = part else {
        let at = prober.map_or(&entry.key_at, |node| &node.at);
        let text = format!("`{}`: the prober `{prober_text}` cannot be carried over", entry.key);
        problems.push(Problem::error(Code::NotSupported, at, text).hint("take the module away"));
        return None;
    };
    for (name, node) in parts.iter().filter(|(name, _)| *name != prober_text) {
        if let Some(node) = node {
            let text = format!("`{}`: `{name}` has no effect beside `prober: {prober_text}`", entry.key);
            problems.push(Problem::warning(Code::MatchesNothing, &node.at, text));
        }
    }
    let part = Section::of(part, &entry.key, base);
    let (kind, body) = match prober_text {
        "http" => ("http", http::http(part, problems)),
        "tcp" => ("tcp", others::tcp(part, problems)),
        "dns" => ("dns", others::dns(part, problems)),
        "icmp" => ("icmp", others::icmp(part, problems)),
        _ => ("grpc", others::grpc(part, problems)),
    };
    let body = Node { at: entry.value.at.clone(), kind: NodeKind::Map(body.0) };
    Some(Carried { name: entry.key.clone(), kind, timeout, body, at: entry.key_at.clone() })
}

/// A mapping whose keys are taken one after the other; what is left was not understood.
struct Section<'a> {
    node: &'a Node,
    module: &'a str,
    base: &'a Path,
    taken: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn of(node: &'a Node, module: &'a str, base: &'a Path) -> Self {
        Self { node, module, base, taken: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.taken.push(key);
        self.node.get(key).filter(|node| !node.is_null())
    }

    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.take(key).and_then(Node::text)
    }

    /// A truth value; `otherwise` where it is not written.
    fn flag(&mut self, key: &'static str, otherwise: Flag) -> Flag {
        match self.text(key) {
            Some("true" | "True" | "yes" | "on") => Flag::On,
            Some(_) => Flag::Off,
            None => otherwise,
        }
    }

    /// Takes what changes the verdict or the way, and cannot be carried.
    fn refuse(&mut self, key: &'static str, why: &str, problems: &mut Problems) {
        if let (Some(_), Some(entry)) = (self.take(key), self.node.entry(key)) {
            problems.push(self.unsupported(entry, why));
        }
    }

    /// Takes what changes nothing that matters.
    fn harmless(&mut self, key: &'static str, why: &str, problems: &mut Problems) {
        if let (Some(_), Some(entry)) = (self.take(key), self.node.entry(key)) {
            let text = format!("`{}`: `{key}` is left out: {why}", self.module);
            problems.push(Problem::warning(Code::MatchesNothing, &entry.key_at, text));
        }
    }

    fn unsupported(&self, entry: &Entry, why: &str) -> Problem {
        let text = format!("`{}`: `{}` cannot be carried over: {why}", self.module, entry.key);
        Problem::error(Code::NotSupported, &entry.key_at, text)
            .hint("take it away, or write the module in modules.yaml")
    }

    fn finish(self, problems: &mut Problems) {
        if !self.node.is_null() && self.node.entries().is_empty() && self.node.text().is_some() {
            problems.push(Problem::error(Code::WrongType, &self.node.at, "a single value where a mapping belongs"));
        }
        for entry in self.node.entries().iter().filter(|entry| !self.taken.contains(&entry.key.as_str())) {
            problems.push(self.unsupported(entry, "nothing here knows it"));
        }
    }
}

/// A truth value of their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    On,
    Off,
}

/// A body that grows.
#[derive(Default)]
struct Body(Vec<Entry>);

impl Body {
    fn put(&mut self, key: &str, value: Node) {
        self.0.push(Entry { key: key.to_owned(), key_at: value.at.clone(), value });
    }

    fn say(&mut self, key: &str, at: &Place, text: impl Into<String>) {
        self.put(key, Node::plain(at.clone(), text));
    }

    fn put_some(&mut self, key: &str, value: Option<&Node>) {
        if let Some(value) = value {
            self.put(key, value.clone());
        }
    }

    fn into_node(self, at: &Place) -> Node {
        Node { at: at.clone(), kind: NodeKind::Map(self.0) }
    }
}

fn list(at: &Place, items: Vec<Node>) -> Node {
    Node { at: at.clone(), kind: NodeKind::List(items) }
}

/// `file:/path`, which the loader reads.
fn file_of(base: &Path, node: &Node) -> Node {
    let path: PathBuf = base.join(node.text().unwrap_or_default());
    Node::plain(node.at.clone(), format!("file:{}", path.display()))
}

/// `1m30s`, `1w`, `1.5s`, as ours are written.
fn duration(node: &Node, problems: &mut Problems) -> Option<Node> {
    let ms = node.text().and_then(go_duration);
    if ms.is_none() {
        problems.push(Problem::error(Code::Value, &node.at, "not a duration").expected("such as `5s`"));
    }
    Some(Node::plain(node.at.clone(), format_duration(ms?)))
}

/// Milliseconds of a duration as Go and Prometheus write them.
pub fn go_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 10] = [
        ("ms", 1.0),
        ("us", 0.001),
        ("µs", 0.001),
        ("ns", 0.000_001),
        ("s", 1e3),
        ("m", 6e4),
        ("h", 3.6e6),
        ("d", 8.64e7),
        ("w", 6.048e8),
        ("y", 3.1536e10),
    ];
    let (mut rest, mut total) = (text.trim(), 0.0);
    if rest.is_empty() || rest == "0" {
        return (rest == "0").then_some(0);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        total += number * factor;
        rest = &rest[letters..];
    }
    (total.is_finite() && (0.0..1e15).contains(&total)).then(|| total.round() as i64)
}

/// Which addresses are asked. Their preference has no counterpart where falling back is allowed.
fn family(section: &mut Section<'_>, body: &mut Body, problems: &mut Problems) {
    let preferred = section.take("preferred_ip_protocol");
    let fallback = section.flag("ip_protocol_fallback", Flag::On);
    let at = preferred.map_or(&section.node.at, |node| &node.at);
    match (preferred.and_then(Node::text), fallback) {
        (Some("ip4"), Flag::Off) => body.say("family", at, "ipv4"),
        (None | Some("ip6" | ""), Flag::Off) => body.say("family", at, "ipv6"),
        (None | Some("ip4" | "ip6" | ""), Flag::On) => {}
        (Some(_), _) => {
            problems.push(Problem::error(Code::Value, at, "not an IP protocol").expected("`ip4` or `ip6`"));
        }
    }
}

/// `tls_config`, as settings of ours.
fn tls(section: &mut Section<'_>, problems: &mut Problems) -> Option<Body> {
    let config = section.take("tls_config")?;
    let mut inner = Section::of(config, section.module, section.base);
    let mut body = Body::default();
    body.put_some("name", inner.take("server_name").filter(|node| node.text() != Some("")));
    for (theirs, their_file, ours) in
        [("ca", "ca_file", "ca"), ("cert", "cert_file", "certificate"), ("key", "key_file", "key")]
    {
        let (text, file) = (inner.take(theirs), inner.take(their_file));
        match (text, file.filter(|node| node.text() != Some(""))) {
            (_, Some(file)) => body.put(ours, file_of(inner.base, file)),
            (text, None) => body.put_some(ours, text),
        }
    }
    if inner.flag("insecure_skip_verify", Flag::Off) == Flag::On {
        body.say("trust", &config.at, "ignored");
    }
    for (key, newest) in [("min_version", false), ("max_version", true)] {
        let Some(node) = inner.take(key) else { continue };
        match node.text() {
            Some("TLS12") => body.say(key, &node.at, "1.2"),
            Some("TLS13") => body.say(key, &node.at, "1.3"),
            Some("TLS10" | "TLS11") if !newest => {
                let text = format!("`{}`: `{key}`: nothing below TLS 1.2 is spoken here", inner.module);
                problems.push(Problem::warning(Code::MatchesNothing, &node.at, text));
            }
            _ => {
                let text = format!("`{}`: `{key}` cannot be carried over", inner.module);
                problems.push(Problem::error(Code::NotSupported, &node.at, text).expected("`TLS12` or `TLS13`"));
            }
        }
    }
    inner.finish(problems);
    Some(body)
}

#[cfg(test)]
mod tests;
