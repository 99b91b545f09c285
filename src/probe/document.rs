//! `docs/probes.md`, written from the table of kinds.
//!
//! Not here: the tables themselves. Invariant: everything in the document comes from `KINDS`.

use super::{KINDS, ProbeKind};
use crate::field::{Field, Need, Type};
use std::fmt::Write as _;

const HEAD: &str = "# Kinds of probes\n\n\
    This page is generated from the tables in `src/probe`; a test compares it. In a file the body stands under the name\n\
    of its kind: `{ name: home, every: 30s, http: { url: … } }`. Durations are like `500ms`, `90s`, `8h`, `30d`.\n\n\
    What is not a plain pass has one of the reasons that are listed with its kind: the label in `/metrics`, with a\n\
    sentence in pages and mails. `local` is trouble of our own: then nothing was measured, and the attempt is unknown.\n";

/// The whole document.
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for kind in KINDS {
        let _ = write!(text, "\n## {}\n\n{}\n\n```yaml\n{}:\n", kind.name, kind.about, kind.name);
        kind.example.lines().for_each(|line| _ = writeln!(text, "  {line}"));
        let _ = write!(text, "```\n\nReasons: {}.\n", reasons(kind));
        text.push_str("\n| field | type | default | meaning |\n|---|---|---|---|\n");
        rows(&mut text, "", kind.fields);
    }
    text
}

fn reasons(kind: &ProbeKind) -> String {
    let names = kind.reasons().iter().map(|reason| format!("`{}`", reason.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

fn rows(text: &mut String, above: &str, fields: &[Field]) {
    for field in fields {
        let default = match field.need {
            Need::Required => "required".to_owned(),
            Need::Optional => String::new(),
            Need::Default(value) => format!("`{value}`"),
        };
        let name = format!("{above}{}", field.name);
        let _ = writeln!(text, "| `{name}` | {} | {default} | {} |", type_text(&field.ty), field.doc);
        if let Some(inner) = field.ty.fields() {
            rows(text, &format!("{name}."), inner);
        }
    }
}

fn type_text(ty: &Type) -> String {
    match ty {
        Type::Text { .. } => "text".into(),
        Type::Secret => "secret".into(),
        Type::Bool => "`true` or `false`".into(),
        Type::Int { min, max } => format!("{min} to {max}"),
        Type::Duration { .. } => "duration".into(),
        Type::Url { schemes } => format!("address, {}", schemes.join(" or ")),
        Type::Host => "host".into(),
        Type::HostPort => "host:port".into(),
        Type::Regex => "pattern".into(),
        Type::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Type::List { of, .. } => format!("list of {}", type_text(of)),
        Type::OneOrMany(of) => format!("{}, or a list", type_text(of)),
        Type::Map(of) => format!("mapping to {}", type_text(of)),
        Type::Record(_) | Type::RecordOf(_) => "mapping".into(),
        Type::Either(types) => types.iter().map(type_text).collect::<Vec<_>>().join(" or "),
        other => format!("{other:?}").to_lowercase(),
    }
}
