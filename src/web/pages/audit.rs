//! `/audit`: who did what, newest first, by who, what, about what and when; with exports.

use super::{Asked, Frame, show};
use crate::domain::*;
use crate::store::{AuditRow, Store};
use crate::web::api::audit::{Asked as Question, place_text, rows};
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Template)]
#[template(path = "web/templates/audit.html")]
struct Page {
    f: Frame,
    lang: &'static str,
    wrong: String,
    who: String,
    what: String,
    about: String,
    from: String,
    to: String,
    rows: Vec<Row>,
    older: String,
    csv: String,
    jsonl: String,
}

struct Row {
    at: String,
    who: String,
    from: String,
    what: String,
    about: String,
    detail: String,
    is_done: bool,
    why: String,
}

fn row(asked: &Asked, AuditRow { entry, .. }: &AuditRow) -> Row {
    let AuditEntry { at, actor, action, subject, detail, outcome } = entry;
    let owner = actor.owner.as_ref().map(|owner| format!(" · {}", asked.owner_name(owner))).unwrap_or_default();
    Row {
        at: asked.moment_s(*at),
        who: format!("{}{owner}", actor.name),
        from: actor.from.clone(),
        what: action.clone(),
        about: subject.clone(),
        detail: detail.clone(),
        is_done: *outcome == AuditOutcome::Done,
        why: outcome.why().to_owned(),
    }
}

/// `GET /audit?who=&what=&about=&from=&to=&behind=`.
pub(super) async fn page(asked: Asked, State(state): State<WebState>, Query(question): Query<Question>) -> Response {
    let (status, wrong, found) = match read(&asked, state.store.as_ref(), &question).await {
        Ok(found) => (StatusCode::OK, String::new(), found),
        Err((status, wrong)) => (status, wrong, Found::default()),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (who, what, about) = (text(&question.who), text(&question.what), text(&question.about));
    let (from, to) = (text(&question.from), text(&question.to));
    let link = |path: &str, more: &[(&str, &str)]| {
        let kept = [("who", &*who), ("what", &*what), ("about", &*about), ("from", &*from), ("to", &*to)];
        href(path, kept.iter().chain(more).filter(|(_, value)| !value.is_empty()))
    };
    let lang = if asked.language == Language::En { "en" } else { "zh" };
    let mut f = asked.frame("audit", asked.t.audit_title);
    f.is_still = true;
    let lang_kept = if f.q.is_empty() { "" } else { lang };
    let page = Page {
        lang,
        wrong,
        rows: found.rows,
        older: found
            .behind
            .map(|behind| link("/audit", &[("behind", &behind), ("lang", lang_kept)]))
            .unwrap_or_default(),
        csv: link("/api/v1/audit", &[("format", "csv")]),
        jsonl: link("/api/v1/audit", &[("format", "jsonl")]),
        f,
        who,
        what,
        about,
        from,
        to,
    };
    show(&asked, status, &page)
}

#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    behind: Option<String>,
}

async fn read(asked: &Asked, store: Option<&Store>, question: &Question) -> Result<Found, (StatusCode, String)> {
    let told = |problem: crate::web::problem::Problem| (problem.status(), problem.detail().to_owned());
    let query = question.query(asked.zone()).map_err(told)?;
    let Some(store) = store else { return Err((StatusCode::SERVICE_UNAVAILABLE, asked.t.audit_off.to_owned())) };
    let limit = query.limit;
    let found = rows(store, query).await.map_err(told)?;
    let behind = found.last().filter(|_| found.len() == limit).map(|row| place_text(row.place()));
    Ok(Found { rows: found.iter().map(|found| row(asked, found)).collect(), behind })
}

fn href<'a>(path: &str, pairs: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let base = format!("http://gengfu.test{path}");
    let Ok(url) = reqwest::Url::parse_with_params(&base, pairs.copied()) else { return path.to_owned() };
    url.query().filter(|query| !query.is_empty()).map_or(path.to_owned(), |query| format!("{path}?{query}"))
}
