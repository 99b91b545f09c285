//! `/sla`: this month and the periods that there are reports about; `/sla/{period}`: one of them, in every form.
//!
//! Not here: what a report says (`report`). Invariant: strangers are told what went wrong, and never where: the sentences of
//! evidence name hosts.

use super::{Asked, Frame, show};
use crate::domain::sla::{Bounded, Grain, Period, Ratio, Verdict};
use crate::domain::{Language, Millis, OwnerId};
use crate::metrics::targets::left_ms;
use crate::report::{self, Question, Report};
use crate::web::archive::Archive;
use crate::web::format;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The page has its style inside, and loads nothing.
const ALONE: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Months that are listed.
const MONTHS: usize = 12;

#[derive(Debug, Deserialize)]
pub(super) struct How {
    owner: Option<String>,
    /// `html`, `csv`, `json` or `md`.
    format: Option<String>,
    /// `true` puts the mark in front of a CSV by which spreadsheets know UTF-8.
    bom: Option<bool>,
}

#[derive(Template)]
#[template(path = "web/templates/sla.html")]
struct Page {
    f: Frame,
    sentence: String,
    public: Figure,
    contract: Figure,
    /// Address, name, public and contract figure.
    missed: Vec<(String, String, String, String)>,
    standings: Vec<Standing>,
    periods: Vec<(String, String)>,
}

/// How one owner's promises stand this month.
struct Standing {
    id: String,
    name: String,
    promises: usize,
    missed: usize,
    /// Of the service with the least left.
    left: String,
    overdrawn: bool,
    tightest: (String, String),
}

/// A figure with its bounds.
struct Figure {
    value: String,
    bounds: String,
}

impl From<Bounded> for Figure {
    fn from(figure: Bounded) -> Self {
        let text = |share: Option<Ratio>| share.map_or_else(|| "–".to_owned(), |r| r.percent());
        let (low, high) = (text(figure.low), text(figure.high));
        Self {
            value: text(figure.value), bounds: if low == high { String::new() } else { format!("{low} – {high}") }
        }
    }
}

/// `GET /sla`.
pub(super) async fn list(State(state): State<WebState>, asked: Asked) -> Result<Response, Problem> {
    let month = Period::current(Grain::Month, asked.now, asked.zone());
    let report = made(&state, Question { period: month, owner: None }).await?;
    let language = asked.language;
    let totals = &report.whole.totals;
    let (n, met, missed, open) = (report.subsystems.len(), totals.met, totals.missed, totals.undetermined);
    let sentence = match language {
        Language::Zh => format!("本月至今：{n} 个承诺，{met} 个达标，{missed} 个未达标，{open} 个无法判定"),
        Language::En => format!("This month so far: {n} promises, {met} met, {missed} missed, {open} undetermined"),
    };
    let lost = report.subsystems.iter().filter(|l| l.account.verdict == Verdict::Missed);
    let missed = lost.map(|line| {
        let shown = |share: Option<Ratio>| share.map_or_else(|| "–".to_owned(), |r| r.percent_against(line.target_ppm));
        let [public, contract] = [&line.account.public, &line.account.contract].map(|figure| shown(figure.value));
        (format!("/subsystems/{}", line.id), line.name.get(language).to_owned(), public, contract)
    });
    let page = Page {
        f: asked.frame("sla", asked.t.reports),
        sentence,
        public: totals.public().into(),
        contract: totals.contract().into(),
        missed: missed.take(100).collect(),
        standings: standings(&asked, &report),
        periods: periods(&asked).into_iter().map(|p| (p.to_string(), p.label(language))).collect(),
    };
    Ok(show(&asked, StatusCode::OK, &page))
}

/// Every owner, the tightest budget first.
fn standings(asked: &Asked, report: &Report) -> Vec<Standing> {
    let mut lines: BTreeMap<&OwnerId, Vec<&report::Line>> = BTreeMap::new();
    for line in &report.subsystems {
        if let Some(owner) = &line.owner {
            lines.entry(owner).or_default().push(line);
        }
    }
    let mut all: Vec<(Millis, Standing)> = Vec::new();
    for (owner, lines) in lines {
        let Some((left, tight)) = lines.iter().map(|l| (left_ms(&l.account), l)).min_by_key(|(left, _)| *left) else {
            continue;
        };
        let standing = Standing {
            id: owner.to_string(),
            name: asked.owner_name(owner),
            promises: lines.len(),
            missed: lines.iter().filter(|l| l.account.verdict == Verdict::Missed).count(),
            left: format::left(asked.language, left),
            overdrawn: left < 0,
            tightest: (format!("/subsystems/{}", tight.id), tight.name.get(asked.language).to_owned()),
        };
        all.push((left, standing));
    }
    all.sort_by(|(a, x), (b, y)| (a, &x.id).cmp(&(b, &y.id)));
    all.into_iter().map(|(_, standing)| standing).collect()
}

/// This month and those before it, then the quarters and years that they lie in.
fn periods(asked: &Asked) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    let mut month = Some(Period::current(Grain::Month, asked.now, asked.zone()));
    while let Some(period) = month.filter(|_| periods.len() < MONTHS) {
        periods.push(period);
        month = period.previous();
    }
    for grain in [Grain::Quarter, Grain::Year] {
        let mut coarser = Some(Period::current(grain, asked.now, asked.zone()));
        for _ in 0..2 {
            periods.extend(coarser);
            coarser = coarser.and_then(Period::previous);
        }
    }
    periods
}

/// `GET /sla/{period}?owner=&format=&bom=`.
pub(super) async fn page(
    State(state): State<WebState>,
    Path(period): Path<String>,
    Query(how): Query<How>,
    asked: Asked,
) -> Result<Response, Problem> {
    let period = Period::named(&period, asked.now, asked.zone()).map_err(Problem::bad_request)?;
    let owner = how.owner.as_deref().filter(|owner| !owner.is_empty()).map(OwnerId::from);
    let mut report = made(&state, Question { period, owner: owner.clone() }).await?;
    if !asked.viewer.is_inside() {
        report.keep_hosts_private();
    }
    let language = asked.language;
    let name = owner.map_or_else(|| "city".to_owned(), |owner| owner.to_string());
    let broken = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this report cannot be printed");
    let (kind, extension, text) = match how.format.as_deref() {
        None | Some("html") => {
            let html = report::html(&report, language).map_err(|_| broken())?;
            let mut page = Html(html).into_response();
            page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE));
            return Ok(page);
        }
        Some("csv") => {
            let csv = report::csv(&report, language, how.bom.unwrap_or_default()).map_err(|_| broken())?;
            ("text/csv; charset=utf-8", "csv", csv)
        }
        Some("json") => ("application/json", "json", format!("{:#}\n", report::json(&report))),
        Some("md") => ("text/markdown; charset=utf-8", "md", report::markdown(&report, language)),
        Some(_) => return Err(Problem::bad_request("format is html, csv, json or md")),
    };
    let file = format!("attachment; filename=\"gengfu-{period}-{name}.{extension}\"");
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if let Ok(file) = HeaderValue::from_str(&file) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

/// Makes a report beside the threads that serve.
async fn made(state: &WebState, question: Question) -> Result<Report, Problem> {
    let past = Archive::of_facts(state).await?;
    let owner = question.owner.clone();
    let made = tokio::task::spawn_blocking(move || report::build(&past, past.snapshot.at, &question)).await;
    let made = made.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this report cannot be made"))?;
    made.ok_or_else(|| {
        let owner = owner.map(|o| o.to_string()).unwrap_or_default();
        Problem::not_found(format!("no owner is called {owner}"))
    })
}
