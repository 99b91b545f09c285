//! One question to Prometheus.
//!
//! In expressions `{@` stands for `{job=~"$job",instance=~"$instance"`, which every selector has, and `name_@` for the
//! label with the name in the language of the file.

use super::{Language, Text};
use serde_json::{Value, json};

/// What every selector is narrowed by.
const HERE: &str = r#"{job=~"$job",instance=~"$instance""#;

/// The data source, which is a variable of the board.
pub(super) fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// The text with its shorthand written out.
pub(super) fn expand(text: &str, language: Language) -> String {
    text.replace("{@", HERE).replace("name_@", language.of(["name_zh", "name_en"]))
}

/// One question, and what its answers are called.
#[derive(Clone)]
pub(super) struct Query {
    expr: String,
    legend: Text,
    /// Only the present value, not its course.
    is_instant: bool,
    format: &'static str,
}

impl Query {
    /// The course of a value; a legend such as `{{owner}}` is the same in both languages.
    pub(super) fn over_time(expr: &str, legend: Text) -> Self {
        Self { expr: expr.to_owned(), legend, is_instant: false, format: "time_series" }
    }

    /// The present value.
    pub(super) fn now(expr: &str, legend: Text) -> Self {
        Self { is_instant: true, ..Self::over_time(expr, legend) }
    }

    /// Under another name.
    pub(super) fn named(self, legend: Text) -> Self {
        Self { legend, ..self }
    }

    /// The present values, a row for each.
    pub(super) fn rows(expr: &str) -> Self {
        Self { format: "table", ..Self::now(expr, ["", ""]) }
    }

    /// Buckets of a histogram over time.
    pub(super) fn buckets(expr: &str) -> Self {
        Self { format: "heatmap", ..Self::over_time(expr, ["{{le}}", "{{le}}"]) }
    }

    /// As the schema has it; `n` counts the queries of a panel from 0.
    pub(super) fn json(&self, n: usize, language: Language) -> Value {
        json!({
            "refId": ref_id(n),
            "datasource": datasource(),
            "editorMode": "code",
            "expr": expand(&self.expr, language),
            "legendFormat": expand(language.of(self.legend), language),
            "instant": self.is_instant,
            "range": !self.is_instant,
            "format": self.format,
        })
    }
}

/// `A`, `B`, …; at most 26 to a panel.
pub(super) fn ref_id(n: usize) -> String {
    char::from(b'A' + u8::try_from(n % 26).unwrap_or(0)).to_string()
}
