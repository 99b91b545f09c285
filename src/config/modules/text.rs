//! From nodes to YAML text: for what `import` writes and what `debug` shows.
//!
//! Not here: reading (`parse`). Invariant: what is written reads back as the same nodes.

use crate::field::{Node, NodeKind};
use std::fmt::Write as _;

/// What becomes of values that nobody should see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are written.
    Written,
    /// `<secret>` stands for them.
    Hidden,
}

/// Keys whose values are secret, wherever they stand.
const SECRET_KEYS: [&str; 10] = [
    "authorization",
    "proxy_authorization",
    "password",
    "key",
    "token",
    "cookie",
    "set-cookie",
    "x-api-key",
    "credentials",
    "bearer_token",
];

/// Writes a node in block style, with a line feed at its end.
pub fn write(node: &Node, secrets: Secrets) -> String {
    let mut out = String::new();
    block(&mut out, node, 0, secrets);
    out
}

fn block(out: &mut String, node: &Node, depth: usize, secrets: Secrets) {
    match &node.kind {
        NodeKind::Map(entries) if !entries.is_empty() => {
            for (place, entry) in entries.iter().enumerate() {
                if place > 0 || !out.ends_with("- ") {
                    indent(out, depth);
                }
                let _ = write!(out, "{}:", key(&entry.key));
                let lower = entry.key.to_ascii_lowercase();
                if secrets == Secrets::Hidden && SECRET_KEYS.iter().any(|k| lower == *k || lower.ends_with("-token")) {
                    out.push_str(" <secret>\n");
                } else {
                    below(out, &entry.value, depth + 1, secrets);
                }
            }
        }
        NodeKind::List(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                if place > 0 || !out.ends_with("- ") {
                    indent(out, depth);
                }
                out.push_str("- ");
                block(out, item, depth + 1, secrets);
            }
        }
        _ => {
            out.push_str(&inline(node, secrets));
            out.push('\n');
        }
    }
}

fn below(out: &mut String, node: &Node, depth: usize, secrets: Secrets) {
    let nested = match &node.kind {
        NodeKind::Map(entries) => !entries.is_empty(),
        NodeKind::List(items) => !items.is_empty(),
        _ => false,
    };
    out.push(if nested { '\n' } else { ' ' });
    block(out, node, depth, secrets);
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn key(text: &str) -> String {
    scalar(text, false)
}

fn inline(node: &Node, secrets: Secrets) -> String {
    match &node.kind {
        NodeKind::Null => "null".into(),
        NodeKind::List(_) => "[]".into(),
        NodeKind::Map(_) => "{}".into(),
        NodeKind::Scalar { expanded: true, .. } if secrets == Secrets::Hidden => "<secret>".into(),
        NodeKind::Scalar { text, quoted, .. } if secrets == Secrets::Hidden => scalar(&without_userinfo(text), *quoted),
        // What was not expanded must not be expanded by whoever reads it next.
        NodeKind::Scalar { text, quoted, .. } => scalar(&text.replace("${", "$${"), *quoted),
    }
}

/// `http://user:word@proxy/` without the user and the word.
fn without_userinfo(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) if !text.contains(' ') => format!("{scheme}://<secret>@{host}"),
        _ => text.to_owned(),
    }
}

/// A scalar as YAML reads it back: plain where nothing can be mistaken.
fn scalar(text: &str, quoted: bool) -> String {
    let safe = |c: char| c.is_alphanumeric() || "_-./+@%$~()".contains(c) || c == ' ';
    let first = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '.' | '<');
    let looks_like_url = text.contains("://") && text.chars().all(|c| safe(c) || matches!(c, ':' | '?' | '=' | '&'));
    let plain = !quoted
        && !text.is_empty()
        && text.trim() == text
        && text.starts_with(first)
        && (looks_like_url || text.chars().all(safe))
        && !text.ends_with(':')
        && !["null", "Null", "NULL", "~", "yes", "no", "on", "off"].contains(&text);
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse::parse;
    use crate::field::Problems;

    fn read(text: &str) -> Node {
        parse(&"x.yaml".into(), text, &mut Problems::new()).unwrap()
    }

    /// Without places, which differ.
    fn shape(node: &Node) -> String {
        match &node.kind {
            NodeKind::Null => "null".into(),
            NodeKind::Scalar { text, .. } => format!("{text:?}"),
            NodeKind::List(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
            NodeKind::Map(entries) => {
                entries.iter().map(|e| format!("{{{}:{}}}", e.key, shape(&e.value))).collect::<Vec<_>>().join("")
            }
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = "a: [{ b: 1, c: [x, y: z] }, [1, [2]], {}, []]\n\"k: #\": \"- x\\n#y: é 长\"\nu: https://a.test:8/x?y=1\nn: \"12\"\ne: \"\"\nt: 'yes'\n";
        let node = read(text);
        let written = write(&node, Secrets::Written);
        assert_eq!(shape(&read(&written)), shape(&node), "{written}");
    }

    #[test]
    fn what_is_written_expands_to_what_it_was() {
        use crate::config::expand::{Grants, expand};
        // Groups of a dialogue, and what only looks like a variable.
        for text in ["PONG $1", "PONG ${1}", "${NAME} $$ $$1", "$${1}", "a $$$${b} ${", "$"] {
            let at = crate::field::Place::of_file("x.yaml");
            let written = write(&Node::plain(at, text), Secrets::Written);
            let mut node = read(&format!("a: {written}"));
            let mut problems = Problems::new();
            expand(&mut node, Grants::All, &Default::default(), &mut problems);
            assert!(problems.is_empty(), "{text}: {problems}");
            assert_eq!(node.get("a").and_then(Node::text), Some(text), "{written}");
        }
    }

    #[test]
    fn secrets_are_hidden_where_somebody_looks() {
        let node = read("a: { password: p1, Cookie: p2, proxy: 'http://u:p3@proxy.test/', url: https://a.test }\n");
        let shown = write(&node, Secrets::Hidden);
        assert!(!["p1", "p2", "p3"].iter().any(|p| shown.contains(p)), "{shown}");
        assert!(shown.contains("proxy.test") && shown.contains("https://a.test"));
    }
}
