//! The audit log on its way out: as JSON, JSON lines and CSV, for the API, the page and `gengfu audit`.
//!
//! Not here: where rows are kept (`store`), who may read them (`access`). Invariants: rows are taken page by page, and
//! never all held at once; a cell that a spreadsheet would take for a formula is defused.

use crate::store::{AUDIT_PAGE_MAX, AuditQuery, AuditRow, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditLine {
    /// Counts up; holes say nothing.
    pub id: u64,
    /// When, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Who.
    pub holder: String,
    /// For whom the holder acts.
    pub owner: Option<String>,
    /// The address, or `files`, `SIGHUP`, `start`.
    pub from: String,
    /// What was asked for.
    pub action: String,
    /// On what.
    pub subject: String,
    /// The reason that was given and what was asked for in particular.
    pub detail: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Why it was refused.
    pub why: String,
}

impl From<&AuditRow> for AuditLine {
    fn from(AuditRow { id, entry }: &AuditRow) -> Self {
        Self {
            id: *id,
            at: entry.at.to_string(),
            holder: entry.actor.name.clone(),
            owner: entry.actor.owner.as_ref().map(ToString::to_string),
            from: entry.actor.from.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            detail: entry.detail.clone(),
            outcome: entry.outcome.as_str().to_owned(),
            why: entry.outcome.why().to_owned(),
        }
    }
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditFormat {
    /// One object a line.
    JsonLines,
    /// With a line of names first.
    Csv,
}

impl AuditFormat {
    /// What stands before the first row.
    pub fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => "id,at,holder,owner,from,action,subject,detail,outcome,why\r\n",
        }
    }

    /// A row as text, ended.
    pub fn text(self, line: &AuditLine) -> String {
        match self {
            // A line of texts and numbers always serialises.
            Self::JsonLines => serde_json::to_string(line).unwrap_or_default() + "\n",
            Self::Csv => csv(line),
        }
    }
}

fn csv(line: &AuditLine) -> String {
    let AuditLine { id, at, holder, owner, from, action, subject, detail, outcome, why } = line;
    let owner = owner.clone().unwrap_or_default();
    let cells = [at, holder, &owner, from, action, subject, detail, outcome, why].map(|text| cell(text));
    format!("{id},{}\r\n", cells.join(","))
}

/// Quoted where it must be; an apostrophe keeps spreadsheets from computing what somebody wrote as a reason.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{guard}{}\"", text.replace('"', "\"\"")),
        false => format!("{guard}{text}"),
    }
}

/// The next page of `query`, which moves on; `None` behind the last one.
///
/// # Errors
/// Of the store.
pub async fn next_page(store: &Store, query: &mut AuditQuery) -> Result<Option<Vec<AuditRow>>, StoreError> {
    query.limit = query.limit.min(AUDIT_PAGE_MAX);
    let rows = store.audit(query.clone()).await?;
    query.behind = rows.last().map(AuditRow::place).or(query.behind);
    Ok((!rows.is_empty()).then_some(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(holder: &str, detail: &str) -> AuditLine {
        let [at, from, action, subject, outcome] =
            ["2026-11-24T14:48:00Z", "127.0.0.1", "reload", "", "done"].map(String::from);
        let (holder, detail, why) = (holder.to_owned(), detail.to_owned(), String::new());
        AuditLine { id: 7, at, holder, owner: None, from, action, subject, detail, outcome, why }
    }

    #[test]
    fn a_cell_is_read_back_as_it_was_and_computes_nothing() {
        let format = AuditFormat::Csv;
        let text = format.head().to_owned()
            + &format.text(&line("值班长", "=1+1, \"quoted\""))
            + &format.text(&line("@x", "-"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), 10);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((&rows[0][2], &rows[0][7]), ("值班长", "'=1+1, \"quoted\""));
        assert_eq!((&rows[1][2], &rows[1][7]), ("'@x", "'-"));
    }

    #[test]
    fn a_line_of_json_is_read_back_as_it_was() {
        let line = line("a\"b", "c");
        let text = AuditFormat::JsonLines.text(&line);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(serde_json::from_str::<AuditLine>(&text).unwrap(), line);
    }
}
