//! `/api/v1/audit`: who did what, when, from where, and what came of it; in pages, or as an export.

use crate::domain::*;
use crate::store::{AUDIT_PAGE_MAX, AuditOrder, AuditPlace, AuditQuery, AuditRow, Store};
use crate::web::audit::{AuditFormat, AuditLine, next_page};
use crate::web::extract::Query;
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::state::WebState;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows of a page, unless more are asked for.
const ROWS: usize = 100;

/// Pages of one export; what is older is asked for with `to`.
const EXPORT_PAGES_MAX: usize = 1_000;

/// What is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::web) struct Asked {
    /// From when on: RFC 3339, or a local civil time like `2026-12-19T23:00`.
    pub(in crate::web) from: Option<String>,
    /// Until when, likewise.
    pub(in crate::web) to: Option<String>,
    /// A holder's name.
    pub(in crate::web) who: Option<String>,
    /// An action like `window.move`, or the first part of several.
    pub(in crate::web) what: Option<String>,
    /// A subject, such as a window's id.
    pub(in crate::web) about: Option<String>,
    /// Rows of a page: 100 without it, at most 1000.
    limit: Option<usize>,
    /// `newest` or `oldest`.
    order: Option<String>,
    /// `next` of the page before.
    behind: Option<String>,
    /// `json`, or `jsonl` or `csv` for an export, the oldest row first.
    format: Option<String>,
}

impl Asked {
    /// The question to the store; times are civil times of `zone`, or RFC 3339.
    pub(in crate::web) fn query(&self, zone: &civil::Zone) -> Result<AuditQuery, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let instant = |text: &Option<String>, otherwise| match given(text) {
            Some(text) => query::instant(&text, zone).map_err(Problem::bad_request),
            None => Ok(otherwise),
        };
        let span = Span::new(instant(&self.from, Timestamp::MIN)?, instant(&self.to, Timestamp::MAX)?);
        if span.is_empty() {
            return Err(Problem::bad_request("from must lie before to"));
        }
        let (holder, action, subject) = (given(&self.who), given(&self.what), given(&self.about));
        let behind = self.behind.as_deref().map(place).transpose()?;
        let limit = self.limit.unwrap_or(ROWS).clamp(1, AUDIT_PAGE_MAX);
        let order = match self.order.as_deref() {
            None | Some("" | "newest") => AuditOrder::NewestFirst,
            Some("oldest") => AuditOrder::OldestFirst,
            Some(other) => return Err(Problem::bad_request(format!("order is newest or oldest, not {other:?}"))),
        };
        Ok(AuditQuery { span, holder, action, subject, order, behind, limit })
    }
}

/// `1795531680000-42`, as the last page said it.
fn place(text: &str) -> Result<AuditPlace, Problem> {
    let parsed = text.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) = parsed.ok_or_else(|| Problem::bad_request("behind is what `next` of the last page said"))?;
    Ok(AuditPlace { at: Timestamp(at), id })
}

/// The other way round.
pub(in crate::web) fn place_text(place: AuditPlace) -> String {
    format!("{}-{}", place.at.0, place.id)
}

/// Some rows of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
pub(super) struct Page {
    /// In the order that was asked for.
    rows: Vec<AuditLine>,
    /// `behind` of the next page, if there may be one.
    next: Option<String>,
}

/// `GET /api/v1/audit?from=&to=&who=&what=&about=&limit=&order=&behind=&format=json|jsonl|csv`.
pub(in crate::web) async fn audit(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let query = asked.query(&state.picture().inventory.zone)?;
    let store = state.store.clone().ok_or_else(|| Problem::unavailable("no audit log is kept here"))?;
    match asked.format.as_deref() {
        None | Some("" | "json") => {
            let rows = rows(&store, query.clone()).await?;
            let next = rows.last().filter(|_| rows.len() == query.limit).map(|row| place_text(row.place()));
            Ok(Json(Page { rows: rows.iter().map(AuditLine::from).collect(), next }).into_response())
        }
        Some("jsonl") => Ok(export(store, query, AuditFormat::JsonLines, "application/jsonl", "audit.jsonl")),
        Some("csv") => Ok(export(store, query, AuditFormat::Csv, "text/csv; charset=utf-8", "audit.csv")),
        Some(other) => Err(Problem::bad_request(format!("format is json, jsonl or csv, not {other:?}"))),
    }
}

/// One page from the store.
pub(in crate::web) async fn rows(store: &Store, query: AuditQuery) -> Result<Vec<AuditRow>, Problem> {
    store.audit(query).await.map_err(|error| Problem::unavailable(format!("the audit log cannot be read: {error}")))
}

/// All rows, the oldest first, taken from the store as fast as they are read.
fn export(store: Store, query: AuditQuery, format: AuditFormat, kind: &'static str, name: &str) -> Response {
    let query = AuditQuery { order: AuditOrder::OldestFirst, limit: AUDIT_PAGE_MAX, ..query };
    let head = stream::iter([Ok(Bytes::from_static(format.head().as_bytes()))]);
    let pages = stream::try_unfold((store, query, EXPORT_PAGES_MAX), move |(store, mut query, left)| async move {
        let Some(left) = left.checked_sub(1) else { return Ok(None) };
        let rows = next_page(&store, &mut query).await.inspect_err(|error| {
            tracing::error!(%error, "an export of the audit log ends early");
        })?;
        let text = |rows: Vec<AuditRow>| rows.iter().map(|row| format.text(&row.into())).collect::<String>();
        Ok::<_, crate::store::StoreError>(rows.map(|rows| (Bytes::from(text(rows)), (store, query, left))))
    });
    let mut response = Body::from_stream(stream::StreamExt::chain(head, pages)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

#[cfg(test)]
mod tests;
