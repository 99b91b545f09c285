//! Problems for people (with the line and a marker) and for scripts (JSON).
//!
//! Not here: finding them. Invariants: the order is that of files, lines and columns; what looks like a secret is
//! masked in every line that is shown; what is shown of a line is bounded.

use super::Sources;
use crate::field::{Place, Problem, Problems, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Longest part of a line that is shown, in bytes, on either side of the marker.
const SHOWN_BYTES_MAX: usize = 200;

/// Whether escape sequences may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For files, pipes and mail.
    Plain,
    /// For a terminal.
    Colour,
}

/// All problems with their lines, and a last line that counts them.
pub fn render(problems: &Problems, sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for problem in problems.iter() {
        let problem = printable(problem);
        out.push_str(&renderer.render(&groups(&problem, sources)));
        out.push_str("\n\n");
    }
    out.push_str(&summary(problems, sources));
    out.push('\n');
    out
}

/// `3 errors, 1 warning in 108 files`.
fn summary(problems: &Problems, sources: &Sources) -> String {
    let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}, {} in {}",
        count(problems.count(Severity::Error), "error"),
        count(problems.count(Severity::Warning), "warning"),
        count(sources.files.len(), "file")
    )
}

/// A list of `{severity, code, file, line, column, message, expected, hint, related}`.
pub fn render_json(problems: &Problems) -> serde_json::Value {
    let place = |at: &Place| serde_json::json!({ "file": *at.file, "line": at.line, "column": at.column });
    let one = |p: &Problem| {
        let p = printable(p);
        serde_json::json!({
            "severity": p.severity.as_str(),
            "code": p.code.as_str(),
            "file": *p.at.file,
            "line": p.at.line,
            "column": p.at.column,
            "message": p.message,
            "expected": p.expected,
            "hint": p.hint,
            "related": p.related.iter().map(|(at, why)| {
                let mut json = place(at);
                json["why"] = why.as_str().into();
                json
            }).collect::<Vec<_>>(),
        })
    };
    serde_json::Value::Array(problems.iter().map(one).collect())
}

/// Takes control characters out of every sentence: texts of files end up on terminals.
fn printable(problem: &Problem) -> Problem {
    let clean = |t: &str| t.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let mut problem = problem.clone();
    problem.message = clean(&problem.message);
    problem.expected = problem.expected.as_deref().map(clean);
    problem.hint = problem.hint.as_deref().map(clean);
    problem
}

fn groups<'a>(problem: &'a Problem, sources: &Sources) -> Vec<Group<'a>> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code.as_str());
    let mut group = Group::with_title(title);
    match Line::of(&problem.at, sources) {
        Some(line) => {
            group = group.element(line.snippet(&problem.at, AnnotationKind::Primary, None));
        }
        None => group = group.element(Origin::path(problem.at.file.to_string())),
    }
    for (at, why) in &problem.related {
        match Line::of(at, sources) {
            Some(line) => group = group.element(line.snippet(at, AnnotationKind::Context, Some(why))),
            None => group = group.element(Level::NOTE.message(format!("{at}: {why}"))),
        }
    }
    if let Some(expected) = &problem.expected {
        group = group.element(Level::NOTE.with_name("expected").message(expected.as_str()));
    }
    let patch = problem.patch.as_ref().and_then(|patch| Some((patch, Line::of(&problem.at, sources)?)));
    let (Some(hint), patch) = (&problem.hint, patch) else { return vec![group] };
    match patch.filter(|(_, line)| !line.span.is_empty()) {
        Some((patch, line)) => {
            let snippet = Snippet::source(line.text).path(problem.at.file.to_string()).line_start(line.number);
            let snippet = snippet.patch(Patch::new(line.span, patch.as_str()));
            vec![group, Level::HELP.secondary_title(hint.as_str()).element(snippet)]
        }
        None => vec![group.element(Level::HELP.message(hint.as_str()))],
    }
}

/// One line of a file, and the marked part of it.
struct Line {
    text: String,
    number: usize,
    span: Range<usize>,
}

impl Line {
    fn of(at: &Place, sources: &Sources) -> Option<Self> {
        let whole = sources.text(&at.file)?;
        let number = at.line as usize;
        let text = whole.lines().nth(number.checked_sub(1)?)?;
        // Byte offset of the column; a column behind the end marks the end.
        let column = (at.column as usize).saturating_sub(1);
        let start = text.char_indices().nth(column).map_or(text.len(), |(i, _)| i);
        let length = (at.end.saturating_sub(at.start)) as usize;
        let end = (start + length).min(text.trim_end().len()).max(start);
        let end = (end..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(start);
        let (text, span) = cut(&mask(text), start..end);
        Some(Self { text, number, span })
    }

    fn snippet<'a>(
        self,
        at: &Place,
        kind: AnnotationKind,
        label: Option<&'a str>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let annotation = kind.span(self.span);
        let annotation = match label {
            Some(label) => annotation.label(label.to_owned()),
            None => annotation,
        };
        Snippet::source(self.text).path(at.file.to_string()).line_start(self.number).annotation(annotation)
    }
}

/// Bounds a line around its mark.
fn cut(text: &str, span: Range<usize>) -> (String, Range<usize>) {
    let last = (span.end.min(span.start + SHOWN_BYTES_MAX) + SHOWN_BYTES_MAX).min(text.len());
    let last = (last..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    // The head stays, since the column is counted from it.
    let end = span.end.min(last);
    (text[..last].to_owned(), span.start.min(end)..end)
}

/// Replaces what looks like a secret by as many asterisks as it has bytes.
fn mask(line: &str) -> String {
    #[expect(clippy::expect_used, reason = "the pattern is a constant, and a test builds it")]
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        let quoted = r#""[^"]*"?|'[^']*'?"#;
        let keys = r#"["']?(?:password|token|secret|authorization|bearer|cookie|api[_-]?key)["']?"#;
        Regex::new(&format!(
            r"(?i){keys}\s*:\s*({quoted}|\$\{{[^}}]*\}}|[^\s,}}]+)|://([^/@\s]+)@|\$\{{\w+:-([^}}]*)\}}"
        ))
        .expect("a constant pattern")
    });
    let mut masked = line.to_owned();
    for found in SECRET.captures_iter(line) {
        for part in found.iter().skip(1).flatten() {
            let is_variable = part.as_str().trim_matches(['"', '\'']).strip_prefix("${");
            if is_variable.is_some_and(|v| v.ends_with('}') && !v.contains(":-")) || part.as_str().starts_with("{") {
                continue;
            }
            masked.replace_range(part.range(), &"*".repeat(part.len()));
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_columns_kept() {
        for (line, expected) in [
            ("password: hunter2, port: 1", "password: *******, port: 1"),
            ("{ token: \"abc def\" }", "{ token: ********* }"),
            ("token: ${TOKEN}", "token: ${TOKEN}"),
            ("token: \"${TOKEN:-dev}\"", "token: ***************"),
            ("url: https://me:pw@host.test/", "url: https://*****@host.test/"),
            ("path: ${HOME_DIR:-/srv}", "path: ${HOME_DIR:-****}"),
            ("name: 数据", "name: 数据"),
        ] {
            assert_eq!(mask(line), expected);
            assert_eq!(mask(line).len(), line.len());
        }
    }
}
