//! `/hours`: what contradicts the declared hours, and how every subsystem stands; `/hours/{owner}`: the sheet that an
//! owner signs, with the observed weeks.
//!
//! Invariant: colour never speaks alone, each cell has its number.

use super::{Asked, Frame, missing, show};
use crate::domain::survey::{Cell, DayKind, Survey, Week};
use crate::domain::*;
use crate::web::state::WebState;
use crate::web::survey::{Surveys, dates, observed, said};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

#[derive(Template)]
#[template(path = "web/templates/hours.html")]
struct Page {
    f: Frame,
    sentence: String,
    period: String,
    findings: Vec<Found>,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "web/templates/hours-owner.html")]
struct Sheet {
    f: Frame,
    name: String,
    period: String,
    findings: Vec<Found>,
    rows: Vec<Row>,
    maps: Vec<Map>,
}

struct Found {
    name: String,
    href: String,
    text: String,
    /// Less is served than is declared.
    heavy: bool,
}

struct Row {
    name: String,
    href: String,
    owner: String,
    declared: String,
    effective: String,
    observed: String,
    days: String,
    findings: usize,
}

/// The observed weeks of one subsystem.
struct Map {
    name: String,
    weeks: Vec<WeekMap>,
}

impl Map {
    fn has_days(&self) -> bool {
        self.weeks.iter().any(|week| !week.rows.is_empty())
    }
}

struct WeekMap {
    title: &'static str,
    /// Weekdays of which anything was seen.
    rows: Vec<(&'static str, Vec<Shade>)>,
}

struct Shade {
    css: &'static str,
    text: String,
    title: String,
}

/// `GET /hours`.
pub(super) async fn page(asked: Asked, State(state): State<WebState>, State(surveys): State<Surveys>) -> Response {
    let all = match surveys.read(&state).await {
        Ok(all) => all,
        Err(problem) => return problem.into_response(),
    };
    let findings: Vec<Found> = all.iter().flat_map(|survey| found(&asked, survey)).collect();
    let against = findings.iter().filter(|finding| finding.heavy).count();
    let page = Page {
        f: asked.frame("hours", asked.t.survey),
        sentence: match asked.language {
            Language::Zh => format!("{} 个子系统，{against} 处与申报不符", all.len()),
            Language::En => format!("{} subsystems, {against} findings against what is declared", all.len()),
        },
        period: period(&asked, &all),
        findings,
        rows: all.iter().map(|survey| row(&asked, survey)).collect(),
    };
    show(&asked, StatusCode::OK, &page)
}

/// `GET /hours/{owner}`.
pub(super) async fn sheet(
    asked: Asked,
    State(state): State<WebState>,
    State(surveys): State<Surveys>,
    Path(owner): Path<String>,
) -> Response {
    let id = OwnerId::new(owner);
    let Some(owner) = asked.snapshot.inventory.owners.get(&id) else { return missing(&asked) };
    let all = match surveys.read(&state).await {
        Ok(all) => all,
        Err(problem) => return problem.into_response(),
    };
    let mine: Vec<&Survey> = all.iter().filter(|survey| survey.subsystem.owner() == id).collect();
    let name = owner.name.get(asked.language);
    let sheet = Sheet {
        f: asked.frame("hours", format!("{} · {name}", asked.t.survey)),
        name: name.to_owned(),
        period: period(&asked, &all),
        findings: mine.iter().flat_map(|survey| found(&asked, survey)).collect(),
        rows: mine.iter().map(|survey| row(&asked, survey)).collect(),
        // Nothing to say about whoever was not looked at yet.
        maps: mine.iter().map(|survey| map(&asked, survey)).filter(Map::has_days).collect(),
    };
    show(&asked, StatusCode::OK, &sheet)
}

fn period(asked: &Asked, all: &[Survey]) -> String {
    all.first().map(|survey| dates(asked.zone(), survey.period)).unwrap_or_default()
}

fn found(asked: &Asked, survey: &Survey) -> Vec<Found> {
    let one = |finding: &survey::Finding| Found {
        name: asked.name(&survey.subsystem),
        href: format!("/hours/{}", survey.subsystem.owner()),
        text: said(&asked.snapshot.inventory, finding, asked.language),
        heavy: finding.kind.is_against_the_declaration(),
    };
    survey.findings.iter().map(one).collect()
}

fn row(asked: &Asked, survey: &Survey) -> Row {
    let declared = asked.snapshot.inventory.subsystems.get(&survey.subsystem).map(|s| s.hours.as_str());
    let left = sla::Ratio::of(survey.effective_ms, survey.declared_ms);
    let provisional = if survey.provisional { asked.t.provisional } else { "" };
    Row {
        name: asked.name(&survey.subsystem),
        href: format!("/subsystems/{}", survey.subsystem),
        owner: format!("/hours/{}", survey.subsystem.owner()),
        declared: declared.unwrap_or_default().to_owned(),
        effective: left.map_or_else(|| "–".to_owned(), |r| format!("{} {provisional}", r.percent()).trim().to_owned()),
        observed: observed(survey),
        days: format!("{}/{}", survey.days_seen, survey.days),
        findings: survey.findings.len(),
    }
}

fn map(asked: &Asked, survey: &Survey) -> Map {
    let week = |week: &Week| WeekMap {
        title: match week.kind {
            DayKind::Working => asked.t.working_days,
            DayKind::NonWorking => asked.t.other_days,
        },
        rows: rows(asked, week),
    };
    Map { name: asked.name(&survey.subsystem), weeks: survey.weeks.iter().map(week).collect() }
}

fn rows(asked: &Asked, week: &Week) -> Vec<(&'static str, Vec<Shade>)> {
    const NAMES: [(&str, &str); 7] = [
        ("周一", "Mon"),
        ("周二", "Tue"),
        ("周三", "Wed"),
        ("周四", "Thu"),
        ("周五", "Fri"),
        ("周六", "Sat"),
        ("周日", "Sun"),
    ];
    let name = |names: &(&'static str, &'static str)| if asked.language == Language::Zh { names.0 } else { names.1 };
    let seen = NAMES.iter().zip(&week.cells).filter(|(_, cells)| cells.iter().any(|cell| cell.days > 0));
    seen.map(|(names, cells)| (name(names), cells.iter().map(|cell| shade(asked, cell)).collect())).collect()
}

fn shade(asked: &Asked, cell: &Cell) -> Shade {
    let Some((share, interval)) = cell.availability().zip(cell.interval()) else {
        return Shade { css: "h-none", text: "·".to_owned(), title: String::new() };
    };
    // Cut, not rounded: what failed once is not 100.
    let percent = |share: f64| (100.0 * share).floor();
    let css = match share {
        s if s >= 0.99 => "h-open",
        s if s >= 0.5 => "h-mixed",
        _ => "h-shut",
    };
    let days = match asked.language {
        Language::Zh => format!("{} 天，95 % 区间", cell.days),
        Language::En => format!("{} days, 95 % interval", cell.days),
    };
    let title = format!("{days} {:.0}–{:.0} %", 100.0 * interval.low, 100.0 * interval.high);
    Shade { css, text: format!("{}", percent(share)), title }
}
