//! Rules for Prometheus, printed as `dashboards/rules/gengfu.yaml`: the daemon's own decisions over what it exports.
//!
//! Not here: the numbers, which are those of `domain` and of the inventory's objectives, so that the file is the same
//! for every installation. Invariants: every alert has a severity, a sentence in Chinese and English, and a page below
//! `docs/runbooks/` that says what to do.

mod burn;
mod filing;
mod health;
mod itself;
mod views;

use std::fmt::Write;

/// Where `docs/runbooks/` is published: the one thing in the file that an installation replaces.
const RUNBOOKS: &str = "https://docs.gengfu.test/runbooks/";

/// Rules that are asked one after the other, at one instant: each sees what those before it found.
struct Group {
    name: &'static str,
    rules: Vec<Rule>,
}

enum Rule {
    /// A series of its own.
    Record { name: &'static str, expr: String, labels: Vec<(&'static str, &'static str)> },
    /// Somebody is told.
    Alert(Alert),
}

#[derive(Clone)]
struct Alert {
    name: &'static str,
    expr: String,
    /// How long it must hold, as Prometheus writes it; empty for at once.
    lasts: &'static str,
    /// Empty where the expression's own label says it.
    severity: &'static str,
    /// The page below `docs/runbooks/`, without `.md`.
    runbook: &'static str,
    /// What is wrong, in Chinese and English.
    summary: [&'static str; 2],
    /// What else is known, in Chinese and English.
    description: [&'static str; 2],
}

fn record(name: &'static str, labels: &[(&'static str, &'static str)], expr: String) -> Rule {
    Rule::Record { name, expr, labels: labels.to_vec() }
}

fn groups() -> [Group; 5] {
    [burn::group(), views::group(), health::group(), filing::group(), itself::group()]
}

/// `dashboards/rules/gengfu.yaml`.
pub fn document() -> String {
    let mut text = String::from(
        "# Printed from src/metrics/rules.rs; docs/sla.md says what the rules mean. Promises, factors and guards are those of\n\
         # the daemon, read from what it exports. Replace https://docs.gengfu.test by where you publish docs/.\n\
         groups:\n",
    );
    for group in groups() {
        let _ = writeln!(text, "  - name: {}\n    rules:", group.name);
        for rule in &group.rules {
            rule.write(&mut text);
        }
    }
    text
}

impl Rule {
    fn write(&self, text: &mut String) {
        match self {
            Self::Record { name, expr, labels } => {
                let _ = writeln!(text, "      - record: {name}");
                write_expr(text, expr);
                write_map(text, "labels", labels);
            }
            Self::Alert(alert) => alert.write(text),
        }
    }
}

impl Alert {
    fn write(&self, text: &mut String) {
        let _ = writeln!(text, "      - alert: {}", self.name);
        write_expr(text, &self.expr);
        if !self.lasts.is_empty() {
            let _ = writeln!(text, "        for: {}", self.lasts);
        }
        if !self.severity.is_empty() {
            write_map(text, "labels", &[("severity", self.severity)]);
        }
        let runbook = format!("{RUNBOOKS}{}.md", self.runbook);
        let ([summary, summary_en], [description, description_en]) = (self.summary, self.description);
        let annotations = [
            ("summary", summary),
            ("summary_en", summary_en),
            ("description", description),
            ("description_en", description_en),
            ("runbook_url", &runbook),
        ];
        write_map(text, "annotations", &annotations);
    }
}

fn write_expr(text: &mut String, expr: &str) {
    text.push_str("        expr: |-\n");
    for line in expr.lines() {
        let _ = writeln!(text, "          {line}");
    }
}

fn write_map(text: &mut String, name: &str, pairs: &[(&str, &str)]) {
    if pairs.is_empty() {
        return;
    }
    let _ = writeln!(text, "        {name}:");
    for (key, value) in pairs {
        // Single quotes keep the backslashes and the double ones of templates.
        let _ = writeln!(text, "          {key}: '{}'", value.replace('\'', "''"));
    }
}

#[cfg(test)]
mod tests;
