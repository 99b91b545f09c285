//! From YAML text to a tree of nodes with places; the only file that knows the parser.
//!
//! Not here: what keys mean (`crate::field`). Invariants: one file's broken syntax hides no other file; keys that are
//! written twice are all reported, each with its first place; scalars keep the text as written.

use super::sources::SourceFile;
use crate::field::{Code, Entry, Node, NodeKind, Place, Problem, Problems};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, Location, Spanned};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most nodes of one file: room for some 100 000 probes.
const NODES_MAX: usize = 5_000_000;
/// Largest file, in bytes.
pub(super) const FILE_BYTES_MAX: usize = 64 << 20;
/// Most threads that read files: a reload must leave room for probing.
const WORKERS_MAX: usize = 4;
/// Deepest nesting; the formats need six levels.
const DEPTH_MAX: usize = 32;

/// Reads one file; `None` after a problem of syntax, `Null` for an empty file.
pub(crate) fn parse(file: &Arc<str>, text: &str, problems: &mut Problems) -> Option<Node> {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Some(Node { at: Place { line: 1, column: 1, ..Place::of_file(file.clone()) }, kind: NodeKind::Null });
    }
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(raw) => Some(Reader { file, text, problems }.node(raw)),
        Err(error) => {
            let location = error.location().unwrap_or(Location::UNKNOWN);
            let at = place(file, text, location);
            let message = sentence(&error);
            let mut problem = Problem::error(Code::Syntax, &at, format!("not valid YAML: {message}"));
            if message.contains("tab") {
                problem = problem.hint("indent with blanks");
            }
            problems.push(problem);
            None
        }
    }
}

/// Reads all files on a few threads; the answers are in the order of the files.
pub(super) fn parse_all(files: &[SourceFile], problems: &mut Problems) -> Vec<Option<Node>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX).min(files.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some((i, file)) = take(files, &next) {
            let mut problems = Problems::new();
            let node = parse(&file.path, &file.text, &mut problems);
            found.push((i, node, problems));
        }
        found
    };
    let mut answers = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut answers = work();
        for helper in helpers {
            match helper.join() {
                Ok(found) => answers.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answers
    });
    answers.sort_by_key(|(i, ..)| *i);
    answers
        .into_iter()
        .map(|(_, node, found)| {
            problems.extend(found);
            node
        })
        .collect()
}

fn take<'a>(files: &'a [SourceFile], next: &AtomicUsize) -> Option<(usize, &'a SourceFile)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    files.get(i).map(|file| (i, file))
}

fn options() -> serde_yaml::Options {
    let budget = serde_yaml::budget! {
        max_reader_input_bytes: Some(FILE_BYTES_MAX),
        max_nodes: NODES_MAX,
        max_events: 2 * NODES_MAX,
        max_total_scalar_bytes: FILE_BYTES_MAX,
        max_depth: DEPTH_MAX,
    };
    serde_yaml::options! {
        budget: budget,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// The parser's sentence without the position that it begins or ends with, and without words for programmers.
fn sentence(error: &serde_yaml::Error) -> String {
    match error.without_snippet() {
        serde_yaml::Error::MultipleDocuments { .. } => return "a second document; one file holds one".into(),
        serde_yaml::Error::Budget { .. } => {
            return format!("too large, or nested deeper than {DEPTH_MAX} levels");
        }
        _ => {}
    }
    let text = error.without_snippet().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let tail = |t: &str| t.strip_prefix("line ").is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
    let text = match text.split_once(": ") {
        Some((head, rest)) if tail(head) => rest,
        _ => text,
    };
    let text = text.rfind(" at line ").map_or(text, |end| &text[..end]);
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

fn place(file: &Arc<str>, text: &str, location: Location) -> Place {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let length = text.len() as u64;
    let (start, bytes) = match (location.span().byte_offset(), location.span().byte_len()) {
        (Some(start), Some(bytes)) => (start.min(length), bytes),
        _ => (0, 0),
    };
    Place {
        file: file.clone(),
        line: narrow(location.line()).max(1),
        column: narrow(location.column()).max(1),
        start: narrow(start),
        end: narrow(start.saturating_add(bytes).min(length)),
    }
}

/// What the parser hands over, before the text is looked up in the source.
enum Raw {
    Null,
    /// The text, for quoted and block scalars; plain ones are sliced from the source.
    Scalar(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Scalar(String::from_utf8_lossy(value).into_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Raw::Map(pairs))
    }
}

struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let mut at = place(self.file, self.text, raw.referenced);
        let kind = match raw.value {
            Raw::Null => NodeKind::Null,
            Raw::Scalar(text) => {
                let written = place(self.file, self.text, raw.defined);
                let written = self.text.get(written.start as usize..written.end as usize).unwrap_or_default();
                scalar(text, written)
            }
            Raw::List(items) => {
                at.end = at.end.max(at.start);
                NodeKind::List(items.into_iter().map(|i| self.node(i)).collect())
            }
            Raw::Map(pairs) => NodeKind::Map(self.entries(pairs)),
        };
        Node { at, kind }
    }

    fn entries(&mut self, pairs: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        // Small mappings are scanned; a table is made for large ones alone.
        let mut index: HashMap<String, usize> = HashMap::new();
        let indexed = pairs.len() > 16;
        for (key, value) in pairs {
            let key = self.node(key);
            let value = self.node(value);
            let Some(name) = key.text().map(str::to_owned) else {
                self.problems.push(
                    Problem::error(Code::WrongType, &key.at, format!("{} as a key", key.shape())).expected("a name"),
                );
                continue;
            };
            let first = if indexed {
                index.get(&name).and_then(|i| entries.get(*i))
            } else {
                entries.iter().find(|e| e.key == name)
            };
            if let Some(first) = first {
                self.problems.push(
                    Problem::error(Code::DuplicateKey, &key.at, format!("`{name}` is written twice"))
                        .hint("keep one of the two")
                        .related(&first.key_at, "first written here"),
                );
                continue;
            }
            if indexed {
                index.insert(name.clone(), entries.len());
            }
            entries.push(Entry { key: name, key_at: key.at, value });
        }
        entries
    }
}

fn scalar(text: String, written: &str) -> NodeKind {
    let quoted = written.starts_with(['"', '\'']);
    let block = written.starts_with(['|', '>']) || text.contains('\n') || written.contains('\n');
    // Numbers lose their form on the way through the parser (`1.10`), so a plain scalar is taken from the source.
    let plain = !quoted && !block && !written.is_empty() && !written.starts_with(['!', '&', '*']);
    let text = if plain { written.trim_end().to_owned() } else { text };
    NodeKind::Scalar { text, quoted: quoted || block, expanded: false }
}
