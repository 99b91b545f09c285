//! The kinds of channels as a page, written from their table.
//!
//! Invariant: everything in it comes from `KINDS`.

use super::KINDS;
use crate::field::{Need, describe};
use std::fmt::Write as _;

/// The kinds with their fields, in Markdown.
pub fn document() -> String {
    let mut text = String::new();
    for kind in KINDS {
        let _ = write!(text, "### {}\n\n{}\n\n```yaml\n- id: ops\n  {}:\n", kind.name, kind.about, kind.name);
        kind.example.lines().for_each(|line| _ = writeln!(text, "    {line}"));
        text.push_str("```\n\n| field | what | default | meaning |\n|---|---|---|---|\n");
        for field in kind.fields {
            let default = match field.need {
                Need::Required => "required".to_owned(),
                Need::Optional => String::new(),
                Need::Default(value) => format!("`{value}`"),
            };
            let what = describe(&field.ty).replace('|', "\\|");
            let _ = writeln!(text, "| `{}` | {what} | {default} | {} |", field.name, field.doc);
        }
        text.push('\n');
    }
    text
}
