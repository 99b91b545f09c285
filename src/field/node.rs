//! What was written, before anything is known about its meaning: scalars, lists and mappings with their places.
//!
//! Not here: the parser (`config`). Invariants: keys and values carry a place; a scalar keeps the text as written, so
//! `1.10` stays `1.10`.

use crate::domain::Source;
use std::sync::Arc;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path as given on the command line or relative to `gengfu.yaml`.
    pub file: Arc<str>,
    /// Counted from 1; 0 stands for the file as a whole.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// First byte.
    pub start: u32,
    /// First byte behind it.
    pub end: u32,
}

impl Place {
    /// A file as a whole.
    pub fn of_file(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), line: 0, column: 0, start: 0, end: 0 }
    }

    /// What `Inventory` keeps of it.
    pub fn source(&self) -> Source {
        Source { file: self.file.clone(), line: self.line }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// A value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub at: Place,
    /// What.
    pub kind: NodeKind,
}

/// The shapes of YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Nothing, `~` or `null`.
    Null,
    /// A text, quoted or not.
    Scalar {
        /// As written, without quotes, escapes resolved.
        text: String,
        /// Quoted, so that it is a text and neither a number nor a truth value.
        quoted: bool,
        /// Came, in part, from the environment or a file, and is not to be shown.
        expanded: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file; keys differ.
    Map(Vec<Entry>),
}

/// One pair of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The pair with this key, if it is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            NodeKind::Map(entries) => entries.iter().find(|e| e.key == key),
            _ => None,
        }
    }

    /// The value behind this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The pairs; none if it is not a mapping.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The members; none if it is not a list.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The place from byte `offset` of a scalar's text on; the whole place where that cannot be told.
    pub fn part(&self, offset: usize) -> Place {
        let NodeKind::Scalar { text, quoted, expanded: false } = &self.kind else { return self.at.clone() };
        let quotes = usize::from(*quoted);
        let written = (self.at.end - self.at.start) as usize;
        if offset == 0 || offset >= text.len() || written != text.len() + 2 * quotes {
            return self.at.clone();
        }
        let Some(before) = text.get(..offset) else { return self.at.clone() };
        let bytes = u32::try_from(offset + quotes).unwrap_or_default();
        let characters = u32::try_from(before.chars().count() + quotes).unwrap_or_default();
        let end = self.at.end - u32::from(*quoted);
        Place { start: self.at.start + bytes, column: self.at.column + characters, end, ..self.at.clone() }
    }

    /// An unquoted scalar.
    pub fn plain(at: Place, text: impl Into<String>) -> Self {
        Self { at, kind: NodeKind::Scalar { text: text.into(), quoted: false, expanded: false } }
    }

    /// Whether nothing was written.
    pub fn is_null(&self) -> bool {
        self.kind == NodeKind::Null
    }

    /// What the shape is called in messages.
    pub fn shape(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Scalar { .. } => "a single value",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }
}
