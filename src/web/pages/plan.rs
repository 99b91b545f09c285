//! `/maintenance/plan?year=&owner=&calendar=`: every window of a year, what clashes, and what each owner takes.
//!
//! Not here: the plan itself (`domain::annual`). Invariants: where the daemon knows a window its own word counts, not
//! that of the files; what rests on a provisional calendar says so on top.

use super::maintenance::Row as Shown;
use super::{Asked, Frame, missing, show};
use crate::domain::annual::{AnnualPlan, Clash, Taken, YearWindow, annual_plan};
use crate::domain::calendar::YearStatus;
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::web::problem::Problem;
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::HashMap;

/// Windows of a month that are listed.
const ROWS_MAX: usize = 300;
/// Clashes that are listed.
const CLASHES_MAX: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Wanted {
    year: Option<i16>,
    owner: Option<String>,
    /// `provisional`: as if provisional years were published.
    calendar: Option<String>,
}

#[derive(Template)]
#[template(path = "web/templates/plan.html")]
struct Page {
    f: Frame,
    sentence: String,
    /// Loud, on top: the answers are a guess.
    guess: String,
    /// What to do about a year that is not published.
    unpublished: String,
    published_href: String,
    year: i16,
    former: String,
    next: String,
    owners: Vec<Choice>,
    trusts: bool,
    totals: Vec<Total>,
    clashes: Vec<Conflict>,
    clashes_more: usize,
    months: Vec<Month>,
}

struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

struct Total {
    name: String,
    year: String,
    lasts: String,
    answer: String,
    months: Vec<String>,
}

struct Conflict {
    when: String,
    kind: String,
    name: String,
    text: String,
    source: String,
}

struct Month {
    title: String,
    total: usize,
    more: usize,
    rows: Vec<Line>,
}

struct Line {
    window: Shown,
    clashes: Vec<String>,
    impact: String,
}

/// `GET /maintenance/plan`.
pub(super) async fn page(asked: Asked, Query(wanted): Query<Wanted>) -> Response {
    // A year of a big city takes a while to judge; nobody else waits for it.
    match tokio::task::spawn_blocking(move || print(&asked, &wanted)).await {
        Ok(response) => response,
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the plan cannot be put together").into_response(),
    }
}

fn print(asked: &Asked, wanted: &Wanted) -> Response {
    let mut inventory = Inventory::clone(&asked.snapshot.inventory);
    let trusts = wanted.calendar.as_deref() == Some("provisional");
    let trusted = if trusts { inventory.calendar.trust_provisional() } else { Vec::new() };
    let this_year = inventory.zone.date(asked.now).year();
    let year = wanted.year.unwrap_or(this_year);
    let owner = wanted.owner.as_deref().filter(|o| !o.is_empty()).map(OwnerId::from);
    let Some(all) = annual_plan(&inventory, year) else { return missing(asked) };
    if owner.as_ref().is_some_and(|o| !inventory.owners.contains_key(o)) {
        return missing(asked);
    }
    let planners: std::collections::BTreeSet<OwnerId> = inventory.schedules.values().map(|s| s.owner.clone()).collect();
    let plan = match &owner {
        Some(owner) => all.only(owner),
        None => all,
    };
    let choice =
        |id: &OwnerId| Choice { id: id.to_string(), name: asked.owner_name(id), chosen: owner.as_ref() == Some(id) };
    let title = match asked.language {
        Language::Zh => format!("{year} 年度维护计划"),
        Language::En => format!("Maintenance plan {year}"),
    };
    let link = |year: i16, trusts: bool| {
        let owner = owner.as_ref().map(|o| format!("&owner={o}")).unwrap_or_default();
        let calendar = if trusts { "&calendar=provisional" } else { "" };
        format!("year={year}{owner}{calendar}")
    };
    let mut f = asked.frame("maintenance", title);
    f.other_href = format!("{}&{}", f.other_href, link(year, trusts));
    let unpublished = !trusts && inventory.calendar.status(year) != YearStatus::Published;
    let t = asked.t;
    let page = Page {
        sentence: sentence(asked.language, &plan),
        guess: if trusted.contains(&year) { t.plan_guess.to_owned() } else { String::new() },
        unpublished: if unpublished { t.plan_unpublished.to_owned() } else { String::new() },
        published_href: link(year, true),
        year,
        former: link(year - 1, trusts),
        next: link(year.saturating_add(1), trusts),
        owners: planners.iter().map(choice).collect(),
        trusts,
        totals: plan.totals().iter().map(|total| totals(asked, total)).collect(),
        clashes: plan.clashes.iter().take(CLASHES_MAX).map(|c| conflict(asked, &inventory, c)).collect(),
        clashes_more: plan.clashes.len().saturating_sub(CLASHES_MAX),
        months: months(asked, &inventory, &plan),
        f,
    };
    show(asked, StatusCode::OK, &page)
}

fn sentence(language: Language, plan: &AnnualPlan<'_>) -> String {
    let count = |state| plan.windows.iter().filter(|w| w.asked.admission.state() == state).count();
    let [planned, drafts, denied] = [WindowState::Planned, WindowState::Draft, WindowState::Rejected].map(count);
    let (all, clashes) = (plan.windows.len(), plan.clashes.len());
    match language {
        Language::Zh => format!("共 {all} 个窗口：可计划 {planned}，草稿 {drafts}，不允许 {denied}；冲突 {clashes} 处"),
        Language::En => {
            format!("{all} windows: {planned} may be planned, {drafts} drafts, {denied} denied; {clashes} clashes")
        }
    }
}

fn totals(asked: &Asked, total: &crate::domain::annual::Total) -> Total {
    let Taken { planned, drafts, denied, ms } = total.year;
    Total {
        name: asked.owner_name(&total.owner),
        year: total.year.windows().to_string(),
        lasts: asked.length(ms),
        answer: match asked.language {
            Language::Zh => format!("{planned} / {drafts} / {denied}"),
            Language::En => format!("{planned} / {drafts} / {denied}"),
        },
        months: total
            .months
            .iter()
            .map(|m| if m.windows() == 0 { "·".into() } else { m.windows().to_string() })
            .collect(),
    }
}

fn conflict(asked: &Asked, inventory: &Inventory, clash: &Clash) -> Conflict {
    let first = clash.windows.first();
    let schedule = first.and_then(|id| id.as_str().split('.').next()).unwrap_or_default();
    let name = inventory.schedules.get(schedule).map(|s| s.name.get(asked.language).to_owned());
    Conflict {
        when: inventory.zone.people(clash.at, asked.language),
        kind: clash.kind.name().get(asked.language).to_owned(),
        name: name.unwrap_or_else(|| schedule.to_owned()),
        text: clash.text.get(asked.language).to_owned(),
        source: if asked.viewer.is_inside() {
            clash.source.as_ref().map(Source::brief).unwrap_or_default()
        } else {
            String::new()
        },
    }
}

fn months(asked: &Asked, inventory: &Inventory, plan: &AnnualPlan<'_>) -> Vec<Month> {
    let known: HashMap<&WindowId, &WindowView> = asked.snapshot.windows.iter().map(|w| (&w.id, w)).collect();
    let mut clashes: HashMap<&WindowId, Vec<&Clash>> = HashMap::new();
    for clash in &plan.clashes {
        clash.windows.iter().for_each(|id| clashes.entry(id).or_default().push(clash));
    }
    let line = |window: &YearWindow<'_>| {
        let id = &window.asked.planned.id;
        let mut kinds: Vec<String> =
            clashes.get(id).into_iter().flatten().map(|c| c.kind.name().get(asked.language).to_owned()).collect();
        kinds.sort();
        kinds.dedup();
        Line {
            window: shown(asked, known.get(id).copied(), window),
            clashes: kinds,
            impact: window.impact.text(inventory).get(asked.language).to_owned(),
        }
    };
    let each = (1..=12).map(|month| {
        let first = plan.windows.partition_point(|w| w.month < month);
        let next = plan.windows.partition_point(|w| w.month <= month);
        let windows = plan.windows.get(first..next).unwrap_or_default();
        Month {
            title: match asked.language {
                Language::Zh => format!("{} 年 {month} 月", plan.year),
                Language::En => format!("{}-{month:02}", plan.year),
            },
            total: windows.len(),
            more: windows.len().saturating_sub(ROWS_MAX),
            rows: windows.iter().take(ROWS_MAX).map(line).collect(),
        }
    });
    each.filter(|m| m.total > 0).collect()
}

/// The window as the daemon knows it, else as the files have it.
fn shown(asked: &Asked, known: Option<&WindowView>, window: &YearWindow<'_>) -> Shown {
    let (schedule, planned) = (window.asked.schedule, &window.asked.planned);
    let why = |language| window.asked.admission.why(language);
    let fresh = WindowView {
        id: planned.id.clone(),
        schedule: schedule.id.clone(),
        owner: schedule.owner.clone(),
        name: schedule.name.clone(),
        scope: schedule.scope.clone(),
        span: planned.span,
        state: window.asked.admission.state(),
        why: Names { zh: why(Language::Zh), en: why(Language::En) },
        emergency: None,
        announced: None,
        restored: None,
        notice: schedule.notice.clone(),
        version: 0,
        versions: Vec::new(),
        defects: Vec::new(),
        decisions: Vec::new(),
    };
    // A draft of the daemon's is what the files say too, and they say it for the calendar that was asked about.
    let known = known.filter(|w| w.state != WindowState::Draft);
    Shown::of(asked, known.unwrap_or(&fresh))
}
