//! Nodes without a place, for what is written.

use crate::field::{Entry, Node, NodeKind, Place};

fn nowhere() -> Place {
    Place::of_file("")
}

/// A mapping.
pub(super) fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    let entry = |(key, value): (&str, Node)| Entry { key: key.to_owned(), key_at: nowhere(), value };
    Node { at: nowhere(), kind: NodeKind::Map(pairs.into_iter().map(entry).collect()) }
}

/// A list.
pub(super) fn list(items: Vec<Node>) -> Node {
    Node { at: nowhere(), kind: NodeKind::List(items) }
}

/// A scalar whose type its reader decides.
pub(super) fn text(text: impl Into<String>) -> Node {
    Node::plain(nowhere(), text)
}

/// A scalar that is a text, whatever it looks like.
pub(super) fn quoted(text: impl Into<String>) -> Node {
    Node { at: nowhere(), kind: NodeKind::Scalar { text: text.into(), quoted: true, expanded: false } }
}
