//! The kinds of steps as a page, written from their table.
//!
//! Invariant: everything in it comes from `KINDS`.

use super::{KINDS, Part};
use crate::field::{Need, describe};
use std::fmt::Write as _;

/// The kinds with their fields, in Markdown.
pub fn document() -> String {
    let mut text = String::new();
    for kind in KINDS {
        let part = match kind.part {
            Part::Own => "gengfu does it itself.",
            Part::Run => "May stand in `undo` and `observe`, too.",
            Part::Drain | Part::Restore => "Knows its own undo, and looks for itself.",
        };
        let _ = write!(text, "### {}\n\n{} {part}\n\n```yaml\n{}:\n", kind.name, kind.about, kind.name);
        kind.example.lines().for_each(|line| _ = writeln!(text, "  {line}"));
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
