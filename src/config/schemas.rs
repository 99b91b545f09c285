//! What the tables say, as JSON Schemas for editors and as a page of documentation.
//!
//! Not here: writing files (`cli`). Invariant: there is no second list of fields anywhere.

use super::tables::{CHANNEL_COMMON, DOCUMENTS, PROBE_COMMON, STEP_COMMON};
use crate::field::{Field, Need, Type, describe, schema};
use crate::probe::KINDS;
use std::fmt::Write as _;

/// One schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFile {
    /// Relative to `gengfu.yaml`.
    pub path: String,
    /// Pretty JSON with a line feed at its end.
    pub text: String,
}

/// Every schema.
pub fn schemas() -> Vec<SchemaFile> {
    let file = |document: &super::Document| {
        let json = schema(document.files, document.fields);
        // A `Value` always serialises; the empty object is there for the type alone.
        let text = serde_json::to_string_pretty(&json).unwrap_or_else(|_| "{}".into());
        SchemaFile { path: format!("{}/{}.json", document.schema_directory, document.name), text: text + "\n" }
    };
    DOCUMENTS.iter().map(file).collect()
}

/// The reference of all files, in Markdown.
pub fn reference() -> String {
    let mut page = String::new();
    for document in DOCUMENTS {
        let _ = write!(page, "### `{}`\n\n", document.files);
        rows(&mut page, "", document.fields, true);
        page.push('\n');
    }
    page
}

/// One line for each field; records are walked, but the bodies of probe kinds have a page of their own.
fn rows(page: &mut String, prefix: &str, fields: &'static [Field], head: bool) {
    if head {
        page.push_str("| key | what | default | meaning |\n|---|---|---|---|\n");
    }
    for field in fields {
        if prefix.ends_with("probes[].") && !PROBE_COMMON.iter().any(|f| f.name == field.name) {
            continue;
        }
        if prefix.ends_with("witnesses[].") && field.name != "name" {
            continue;
        }
        if prefix.ends_with("channels[].") && !CHANNEL_COMMON.iter().any(|f| f.name == field.name) {
            continue;
        }
        if prefix.ends_with("steps[].") && !STEP_COMMON.iter().any(|f| f.name == field.name) {
            continue;
        }
        let path = format!("{prefix}{}", field.name);
        let default = match field.need {
            Need::Required => "required".to_owned(),
            Need::Optional => "–".to_owned(),
            Need::Default(text) => format!("`{text}`"),
        };
        let inner = inner(&field.ty).filter(|_| !is_action(prefix, field));
        let what = match inner {
            Some((_, "")) => "a mapping".to_owned(),
            Some(_) => "a list of mappings".to_owned(),
            None => describe(&field.ty),
        };
        let _ = writeln!(
            page,
            "| `{path}` | {} | {default} | {} |",
            what.replace('|', "\\|"),
            field.doc.replace('|', "\\|")
        );
        if let Some((fields, brackets)) = inner {
            rows(page, &format!("{path}{brackets}."), fields, false);
        }
    }
    if prefix.ends_with("probes[].") {
        let kinds: Vec<String> = KINDS.iter().map(|k| format!("`{}`", k.name)).collect();
        let _ = writeln!(page, "| `{prefix}<kind>` | one of {} | required | See probes.md. |", kinds.join(", "));
    }
    if prefix.ends_with("witnesses[].") {
        let _ =
            writeln!(page, "| `{prefix}<kind>` | one of `tcp`, `http`, `dns`, `icmp` | required | See probes.md. |");
    }
    if prefix.ends_with("channels[].") {
        let kinds: Vec<String> = crate::notify::channel::KINDS.iter().map(|k| format!("`{}`", k.name)).collect();
        let _ = writeln!(page, "| `{prefix}<kind>` | one of {} | required | See channels.md. |", kinds.join(", "));
    }
    if prefix.ends_with("steps[].") {
        let kinds: Vec<String> = crate::step::KINDS.iter().map(|k| format!("`{}`", k.name)).collect();
        let _ = writeln!(page, "| `{prefix}<kind>` | one of {} | required | See plans.md. |", kinds.join(", "));
    }
}

/// `undo` and `observe` of a step: bodies of kinds, which have a page of their own.
fn is_action(prefix: &str, field: &Field) -> bool {
    prefix.ends_with("steps[].") && matches!(field.ty, Type::RecordOf(_))
}

fn inner(ty: &Type) -> Option<(&'static [Field], &'static str)> {
    match ty {
        Type::Record(_) | Type::RecordOf(_) => Some((ty.fields()?, "")),
        Type::OneKey(fields) => Some((fields, "")),
        Type::List { of: Type::Either(types), .. } => Some((types.iter().find_map(Type::fields)?, "[]")),
        Type::List { of, .. } => Some((of.fields()?, "[]")),
        _ => None,
    }
}
