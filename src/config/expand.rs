//! `${NAME}` and `${NAME:-default}` in values, from an environment that is passed in.
//!
//! Not here: reading the environment (`cli`). Invariants: keys are never expanded; below `probes/` and `schedules/` only
//! names that `gengfu.yaml` grants to the owner expand; what was expanded is marked, so that no message shows it.

use crate::field::{Code, Node, NodeKind, Place, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names of variables by owner: `secrets` of `gengfu.yaml`.
#[derive(Debug, Default)]
pub(super) struct Granted {
    /// What each owner's files may name.
    pub(super) names: BTreeMap<String, BTreeSet<String>>,
    /// The main file could not be read: nobody knows what was granted, and nobody needs to be told.
    pub(super) unread: bool,
}

impl Granted {
    fn holds(&self, owner: &str, name: &str) -> bool {
        self.unread || self.names.get(owner).is_some_and(|names| names.contains(name))
    }
}

/// Who may name which variables.
#[derive(Clone, Copy)]
pub(super) enum Grants<'a> {
    /// The main file: all of them, and `file:/path`.
    All,
    /// An owner's text: those of the owner.
    Owner(&'a str, &'a Granted),
    /// Files that belong to nobody: none.
    Nobody,
}

/// Expands all values below `node`.
pub(super) fn expand(node: &mut Node, grants: Grants<'_>, env: &HashMap<String, String>, problems: &mut Problems) {
    let at = node.at.clone();
    match &mut node.kind {
        NodeKind::Null => {}
        NodeKind::List(items) => items.iter_mut().for_each(|i| expand(i, grants, env, problems)),
        NodeKind::Map(entries) => entries.iter_mut().for_each(|e| expand(&mut e.value, grants, env, problems)),
        NodeKind::Scalar { text, quoted, expanded } => {
            if text.starts_with("file:/") && !matches!(grants, Grants::All) {
                problems.push(
                    Problem::error(Code::Environment, &at, "files are read for `gengfu.yaml` alone")
                        .hint("name a variable, and grant it in `secrets`"),
                );
            }
            if !text.contains("${") {
                return;
            }
            match substitute(text, &at, grants, env) {
                Ok(new) => {
                    (*text, *quoted, *expanded) = (new, false, true);
                }
                Err(problem) => problems.push(*problem),
            }
        }
    }
}

fn substitute(
    text: &str,
    at: &Place,
    grants: Grants<'_>,
    env: &HashMap<String, String>,
) -> Result<String, Box<Problem>> {
    let wrong = |message: String, hint: &str| Box::new(Problem::error(Code::Environment, at, message).hint(hint));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        // `$${` stands for itself.
        if rest[..start].ends_with('$') {
            out.push_str(&rest[..start]);
            out.push('{');
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let body = &rest[start + 2..];
        let end = body.find('}').ok_or_else(|| wrong("`${` without `}`".into(), "write `$${` for a literal `${`"))?;
        let (name, default) = body[..end].split_once(":-").map_or((&body[..end], None), |(n, d)| (n, Some(d)));
        if !is_name(name) {
            return Err(wrong(
                "`${…}` does not hold the name of a variable".into(),
                "names are of letters, digits and underscores; write `$${` for a literal `${`",
            ));
        }
        granted(name, grants).map_err(|(message, hint)| wrong(message, &hint))?;
        match (env.get(name).filter(|v| !v.is_empty()), default) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                let state = if env.contains_key(name) { "empty" } else { "not set" };
                return Err(wrong(
                    format!("the environment variable `{name}` is {state}"),
                    &format!("set it, or write a default: `${{{name}:-…}}`"),
                ));
            }
        }
        rest = &body[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn granted(name: &str, grants: Grants<'_>) -> Result<(), (String, String)> {
    match grants {
        Grants::All => Ok(()),
        Grants::Owner(owner, granted) if granted.holds(owner, name) => Ok(()),
        Grants::Owner(owner, _) => Err((
            format!("the variable `{name}` is not granted to `{owner}`"),
            format!("an administrator grants it in gengfu.yaml: `secrets: {{ {owner}: [{name}] }}`"),
        )),
        Grants::Nobody => Err((
            format!("the variable `{name}` cannot be used in a file that belongs to no owner"),
            "write the value".into(),
        )),
    }
}
