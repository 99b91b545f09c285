//! What the answer of a query must be, and the sentence when it is not.
//!
//! Not here: asking. Invariant: the value is cut before it is shown.

use super::ROWS_MAX;
use crate::field::Record;
use regex::Regex;
use std::fmt;

/// Longest part of a value that is kept, in characters.
const VALUE_MAX: usize = 4_096;
/// Longest part of a value that is shown, in characters.
const SHOWN_MAX: usize = 80;

/// What came, as far as it was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Rows that were read.
    pub(super) rows: usize,
    /// The first column of the first row; `None` for NULL, and where there is no row.
    pub(super) value: Option<String>,
}

impl Answer {
    /// Adds a row with this first column.
    pub(super) fn add(&mut self, value: Option<&str>) {
        if self.rows == 0 {
            self.value = value.map(|text| text.chars().take(VALUE_MAX).collect());
        }
        self.rows += 1;
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rows, &self.value) {
            (0, _) => f.write_str("no row"),
            (_, None) => f.write_str("NULL"),
            (_, Some(value)) => write!(f, "{:?}", value.chars().take(SHOWN_MAX).collect::<String>()),
        }
    }
}

/// Expectations of one probe; without any, the query must succeed.
#[derive(Debug, Default)]
pub(super) struct Expect {
    equals: Option<String>,
    matches: Option<Regex>,
    at_least: Option<i64>,
    at_most: Option<i64>,
    rows_at_least: usize,
}

impl Expect {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            equals: record.opt_text("equals").map(str::to_owned),
            matches: record.regex("matches").cloned(),
            at_least: record.opt_int("at_least"),
            at_most: record.opt_int("at_most"),
            rows_at_least: usize::try_from(record.int("rows_at_least")).unwrap_or_default(),
        }
    }

    /// How many rows are read; what follows them does not matter.
    pub(super) fn rows(&self) -> usize {
        self.rows_at_least.clamp(1, ROWS_MAX)
    }

    /// What is wrong with `answer`, if anything.
    pub(super) fn judge(&self, answer: &Answer, from: &str) -> Option<String> {
        let wrong = |expected: String| Some(format!("expected {expected} from {from}, got {answer}"));
        let value = answer.value.as_deref();
        if let Some(expected) = self.equals.as_deref().filter(|expected| value != Some(expected)) {
            return wrong(format!("{expected:?}"));
        }
        if let Some(regex) = self.matches.as_ref().filter(|regex| !value.is_some_and(|value| regex.is_match(value))) {
            return wrong(format!("a match of /{regex}/"));
        }
        let number = value.and_then(|value| value.trim().parse::<f64>().ok()).filter(|number| !number.is_nan());
        #[expect(clippy::cast_precision_loss, reason = "a bound above 2^53 need not be exact")]
        let bound = |bound: i64| bound as f64;
        if let Some(least) = self.at_least.filter(|least| number.is_none_or(|number| number < bound(*least))) {
            return wrong(format!("at least {least}"));
        }
        if let Some(most) = self.at_most.filter(|most| number.is_none_or(|number| number > bound(*most))) {
            return wrong(format!("at most {most}"));
        }
        if answer.rows < self.rows_at_least {
            let (least, rows) = (self.rows_at_least, answer.rows);
            return Some(format!("expected at least {least} rows from {from}, got {rows}"));
        }
        None
    }
}
