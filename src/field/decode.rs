//! From nodes to values by a table, reporting every problem on the way.
//!
//! Not here: single scalars (`scalar`). Invariant: one bad field never hides another one.

use super::scalar::{self, Wrong};
use super::value::{Record, Spanned, Value};
use super::{Code, Entry, Field, Need, Node, NodeKind, Place, Problem, Problems, Type};
use crate::domain::Names;

/// Most members of a mapping with free keys.
const MAP_MEMBERS_MAX: usize = 256;

/// Reads a mapping by its table. What could be read is in the record even when `complete` is false.
pub fn decode(node: &Node, fields: &'static [Field], problems: &mut Problems) -> Record {
    let before = problems.count(super::Severity::Error);
    let mut record = Record { at: node.at.clone(), fields, complete: true, values: Vec::with_capacity(fields.len()) };
    match &node.kind {
        NodeKind::Map(entries) => read_fields(entries, &mut record, problems),
        _ => problems.push(
            Problem::error(Code::WrongType, &node.at, format!("{} where a record belongs", node.shape()))
                .expected(format!("a mapping with {}", keys(fields))),
        ),
    }
    record.complete = problems.count(super::Severity::Error) == before;
    record
}

/// Reads JSON by a table, for callers that have no file: commands, tests.
pub fn from_json(json: &serde_json::Value, fields: &'static [Field]) -> Result<Record, Problems> {
    let mut problems = Problems::new();
    let record = decode(&node_of_json(json, &Place::of_file("arguments")), fields, &mut problems);
    if record.complete { Ok(record) } else { Err(problems) }
}

/// A node of JSON, all of it at one place.
pub fn node_of_json(json: &serde_json::Value, at: &Place) -> Node {
    use serde_json::Value as Json;
    let kind = match json {
        Json::Null => NodeKind::Null,
        Json::Bool(_) | Json::Number(_) => NodeKind::Scalar { text: json.to_string(), quoted: false, expanded: false },
        Json::String(text) => NodeKind::Scalar { text: text.clone(), quoted: false, expanded: false },
        Json::Array(items) => NodeKind::List(items.iter().map(|i| node_of_json(i, at)).collect()),
        Json::Object(pairs) => NodeKind::Map(
            pairs
                .iter()
                .map(|(k, v)| Entry { key: k.clone(), key_at: at.clone(), value: node_of_json(v, at) })
                .collect(),
        ),
    };
    Node { at: at.clone(), kind }
}

/// What was written as JSON, scalars as their texts: [`node_of_json`] makes a node of it that decodes alike.
pub fn json_of_node(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.kind {
        NodeKind::Null => Json::Null,
        NodeKind::Scalar { text, .. } => Json::String(text.clone()),
        NodeKind::List(items) => Json::Array(items.iter().map(json_of_node).collect()),
        NodeKind::Map(entries) => {
            Json::Object(entries.iter().map(|e| (e.key.clone(), json_of_node(&e.value))).collect())
        }
    }
}

fn read_fields(entries: &[Entry], record: &mut Record, problems: &mut Problems) {
    let mut misspelt = Vec::new();
    for entry in entries {
        if !record.fields.iter().any(|f| f.name == entry.key) {
            let problem = unknown_key(entry, record.fields);
            misspelt.extend(problem.patch.clone());
            problems.push(problem);
        }
    }
    for field in record.fields {
        let written = entries.iter().find(|e| e.key == field.name);
        let (key_at, value) = match (written, field.need) {
            (Some(e), Need::Optional | Need::Default(_)) if e.value.kind == NodeKind::Null => {
                problems.push(
                    Problem::error(Code::WrongType, &e.key_at, format!("`{}` has no value", e.key))
                        .expected(scalar::describe(&field.ty))
                        .hint("write a value, or leave the key out"),
                );
                continue;
            }
            (Some(e), _) => (&e.key_at, read(&e.value, &field.ty, problems)),
            (None, Need::Default(text)) => {
                (&record.at, read(&Node::plain(record.at.clone(), text), &field.ty, problems))
            }
            (None, Need::Optional) => continue,
            // A misspelt key has been named already.
            (None, Need::Required) if misspelt.iter().any(|m| m == field.name) => continue,
            (None, Need::Required) => {
                problems.push(
                    Problem::error(Code::MissingKey, &record.at, format!("`{}` is missing", field.name))
                        .expected(format!("`{}`: {}", field.name, scalar::describe(&field.ty))),
                );
                continue;
            }
        };
        if let Some(value) = value {
            record.values.push((field.name, key_at.clone(), value));
        }
    }
}

fn unknown_key(entry: &Entry, fields: &'static [Field]) -> Problem {
    Problem::error(Code::UnknownKey, &entry.key_at, format!("unknown key `{}`", entry.key))
        .expected(keys(fields))
        .did_you_mean(&entry.key, fields.iter().map(|f| f.name))
}

/// The keys of a table, for a message; bounded.
pub(super) fn keys(fields: &[Field]) -> String {
    let names: Vec<String> = fields.iter().map(|f| format!("`{}`", f.name)).collect();
    names.join(", ")
}

/// Reads one value; `None` after a problem.
pub(super) fn read(node: &Node, ty: &Type, problems: &mut Problems) -> Option<Spanned<Value>> {
    let at = node.at.clone();
    let value = match (ty, &node.kind) {
        (Type::Record(_) | Type::RecordOf(_), _) => {
            Value::Record(decode(node, ty.fields().unwrap_or_default(), problems))
        }
        (Type::List { of, min, max }, NodeKind::List(items)) => {
            if !(*min..=*max).contains(&items.len()) {
                let message = match items.len() {
                    0 => "an empty list".to_owned(),
                    n => format!("a list of {n} members"),
                };
                problems.push(Problem::error(Code::OutOfBounds, &at, message).expected(scalar::describe(ty)));
            }
            Value::List(items.iter().filter_map(|i| read(i, of, problems)).collect())
        }
        (Type::OneOrMany(of), NodeKind::List(items)) => {
            if items.is_empty() {
                problems.push(Problem::error(Code::OutOfBounds, &at, "an empty list").expected(scalar::describe(ty)));
            }
            Value::List(items.iter().filter_map(|i| read(i, of, problems)).collect())
        }
        (Type::OneOrMany(of), _) => Value::List(vec![read(node, of, problems)?]),
        (Type::Map(of), NodeKind::Map(entries)) => Value::Map(read_map(node, entries, of, problems)),
        (Type::OneKey(fields), NodeKind::Map(entries)) => read_variant(node, entries, fields, problems)?,
        (Type::Either(types), _) => {
            let Some(fitting) = types.iter().find(|t| takes(t, node)) else {
                problems.push(wrong(node, ty, None));
                return None;
            };
            return read(node, fitting, problems);
        }
        (Type::Names, NodeKind::Map(_)) => read_names(node, problems)?,
        (_, NodeKind::Scalar { text, quoted, .. }) => match scalar::parse(text, *quoted, ty) {
            Ok(value) => value,
            Err(why) => {
                problems.push(wrong(node, ty, Some(why)));
                return None;
            }
        },
        _ => {
            problems.push(wrong(node, ty, None));
            return None;
        }
    };
    Some(Spanned { value, at })
}

fn takes(ty: &Type, node: &Node) -> bool {
    match (ty, &node.kind) {
        (_, NodeKind::Null) => false,
        (Type::Either(types), _) => types.iter().any(|t| takes(t, node)),
        (Type::OneOrMany(of), kind) => matches!(kind, NodeKind::List(_)) || takes(of, node),
        (Type::Record(_) | Type::RecordOf(_) | Type::OneKey(_) | Type::Map(_), kind) => {
            matches!(kind, NodeKind::Map(_))
        }
        (Type::List { .. }, kind) => matches!(kind, NodeKind::List(_)),
        (Type::Names, kind) => matches!(kind, NodeKind::Scalar { .. } | NodeKind::Map(_)),
        (_, kind) => matches!(kind, NodeKind::Scalar { .. }),
    }
}

fn read_map(
    node: &Node,
    entries: &[Entry],
    of: &Type,
    problems: &mut Problems,
) -> Vec<(Spanned<String>, Spanned<Value>)> {
    if entries.len() > MAP_MEMBERS_MAX {
        problems.push(
            Problem::error(Code::OutOfBounds, &node.at, format!("a mapping of {} keys", entries.len()))
                .expected(format!("at most {MAP_MEMBERS_MAX}")),
        );
        return Vec::new();
    }
    let pair = |e: &Entry| {
        let key = Spanned { value: e.key.clone(), at: e.key_at.clone() };
        Some((key, read(&e.value, of, problems)?))
    };
    entries.iter().filter_map(pair).collect()
}

fn read_variant(node: &Node, entries: &[Entry], fields: &'static [Field], problems: &mut Problems) -> Option<Value> {
    let mut found = None;
    for entry in entries {
        let Some(field) = fields.iter().find(|f| f.name == entry.key) else {
            problems.push(unknown_key(entry, fields));
            continue;
        };
        if let Some((first, _)) = found {
            let message = format!("`{}` beside `{first}`", entry.key);
            problems.push(
                Problem::error(Code::WrongType, &entry.key_at, message).expected(format!("one of {}", keys(fields))),
            );
            continue;
        }
        found = Some((field.name, read(&entry.value, &field.ty, problems)));
    }
    if entries.is_empty() {
        problems.push(
            Problem::error(Code::MissingKey, &node.at, "an empty mapping").expected(format!("one of {}", keys(fields))),
        );
    }
    let (name, value) = found?;
    Some(Value::Variant(name, Box::new(value?)))
}

/// The table behind `{ zh: …, en: … }`.
pub(super) const NAMES: &[Field] =
    &[Field::required("zh", Type::TEXT, "In Chinese."), Field::required("en", Type::TEXT, "In English.")];

fn read_names(node: &Node, problems: &mut Problems) -> Option<Value> {
    let record = decode(node, NAMES, problems);
    record.complete.then(|| Value::Names(Names { zh: record.text("zh").into(), en: record.text("en").into() }))
}

fn wrong(node: &Node, ty: &Type, why: Option<Wrong>) -> Problem {
    let expected = scalar::describe(ty);
    let NodeKind::Scalar { text, expanded, .. } = &node.kind else {
        let message = format!("{} where {expected} belongs", node.shape());
        return Problem::error(Code::WrongType, &node.at, message).expected(expected);
    };
    let hidden = *expanded || matches!(ty, Type::Secret);
    let shown = if hidden { "the value".into() } else { format!("`{}`", scalar::shorten(text)) };
    let (code, message) = match &why {
        None => (Code::WrongType, format!("{shown} where {expected} belongs")),
        Some(Wrong { code, what, .. }) => (*code, format!("{shown} {what}")),
    };
    let mut problem = Problem::error(code, &node.at, message).expected(expected);
    if let Some(why) = &why {
        problem.at = node.part(why.offset);
    }
    if let (Type::Choice(words), false) = (ty, hidden) {
        problem = problem.did_you_mean(text, words.iter().copied());
    }
    if let Some(Wrong { hint: Some(hint), .. }) = why {
        problem.hint = Some(hint);
    }
    problem
}
