//! `/maintenance?month=&owner=&policy=`: what runs, a month at a glance, what is allowed when, what comes, what was.
//!
//! Not here: the year with what clashes (`plan`). A month, an owner or a policy that does not exist is passed over: the
//! page says which it shows.

mod allowed;
mod month;

use super::{Asked, Frame, runs, show};
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::web::format;
use crate::web::look::Look;
use allowed::{Frozen, Rule};
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use month::Month;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Rows of each group.
const ROWS_MAX: usize = 100;
/// Names of a scope that are listed.
const SCOPE_MAX: usize = 4;

#[derive(Template)]
#[template(path = "web/templates/maintenance.html")]
struct Page {
    f: Frame,
    sentence: String,
    running: Group,
    month: Month,
    /// Owner and policy behind another month.
    kept: String,
    shown: String,
    owners: Vec<Choice>,
    policies: Vec<Choice>,
    rules: Vec<Rule>,
    freezes: Vec<Frozen>,
    others: [Group; 2],
}

struct Group {
    id: &'static str,
    title: &'static str,
    /// What to do where there is nothing.
    empty: &'static str,
    total: usize,
    rows: Vec<Row>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Wanted {
    /// `2026-12`.
    month: Option<String>,
    owner: Option<String>,
    policy: Option<String>,
}

/// One of a list in a form.
struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

/// One window in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) when: String,
    pub(super) lasts: String,
    pub(super) state: &'static str,
    /// Only for windows that run: a shape catches the eye.
    pub(super) look: Option<Look>,
    pub(super) why: String,
    /// The page of the last run of its plan.
    pub(super) run: Option<String>,
    pub(super) scope: Vec<(String, String)>,
    pub(super) more: usize,
}

impl Row {
    pub(super) fn of(asked: &Asked, window: &WindowView) -> Self {
        let scope = window.scope.iter().take(SCOPE_MAX);
        Self {
            id: window.id.to_string(),
            name: window.name.get(asked.language).to_owned(),
            owner: asked.owner_name(&window.owner),
            when: format::range(asked.now, asked.language, asked.zone(), window.span),
            lasts: asked.length(window.span.len_ms()),
            state: asked.t.window_state(window.state),
            look: match window.state {
                state if state.is_late() => Some(Look::Down),
                state if state.is_running() => Some(Look::Maintenance),
                _ => None,
            },
            why: why(asked, window),
            run: asked.snapshot.runs.iter().find(|r| r.window == window.id).map(|r| runs::href(&r.id)),
            scope: scope.map(|id| (format!("/subsystems/{id}"), asked.name(id))).collect(),
            more: window.scope.len().saturating_sub(SCOPE_MAX),
        }
    }
}

/// Why it stands where it does, and what it showed instead of its notice.
fn why(asked: &Asked, window: &WindowView) -> String {
    let why = window.why.get(asked.language);
    let defects: u32 = window.defects.iter().map(|(_, n)| n).sum();
    match (defects, asked.language) {
        (0, _) => why.to_owned(),
        (n, Language::Zh) => format!("{why}；维护缺陷 {n} 次"),
        (1, Language::En) => format!("{why}; 1 maintenance defect"),
        (n, Language::En) => format!("{why}; {n} maintenance defects"),
    }
}

/// `GET /maintenance`.
pub(super) async fn page(asked: Asked, Query(wanted): Query<Wanted>) -> Response {
    let inventory = &asked.snapshot.inventory;
    let owner = wanted.owner.as_deref().map(OwnerId::from).filter(|o| inventory.owners.contains_key(o));
    let concerns = |w: &WindowView| match &owner {
        Some(owner) => w.owner == *owner || w.scope.iter().any(|id| id.owner() == *owner),
        None => true,
    };
    let (mut running, mut upcoming, mut past) = (Vec::new(), Vec::new(), Vec::new());
    for window in asked.snapshot.windows.iter().filter(|w| concerns(w)) {
        match window.state {
            state if state.is_running() => running.push(window),
            state if state.is_terminal() && state != WindowState::Rejected => past.push(window),
            _ if window.span.end > asked.now => upcoming.push(window),
            _ => past.push(window),
        }
    }
    past.reverse();
    let sentence = match asked.language {
        Language::Zh => format!("{} 个进行中，{} 个待进行", running.len(), upcoming.len()),
        Language::En => format!("{} running, {} to come", running.len(), upcoming.len()),
    };
    let group = |id, title, empty, windows: Vec<&WindowView>| Group {
        id,
        title,
        empty,
        total: windows.len(),
        rows: windows.into_iter().take(ROWS_MAX).map(|w| Row::of(&asked, w)).collect(),
    };
    let wanted_policy = wanted.policy.as_deref();
    let named = inventory.policies.iter().find(|p| Some(p.id.as_str()) == wanted_policy);
    let policy = named.or(inventory.policies.first());
    let first = month::first_of(&asked, wanted.month.as_deref());
    let mut kept = String::new();
    for (key, value) in [("owner", owner.as_ref().map(OwnerId::as_str)), ("policy", named.map(|p| p.id.as_str()))] {
        kept += &value.map(|value| format!("&{key}={value}")).unwrap_or_default();
    }
    let (t, shown) = (asked.t, first.strftime("%Y-%m").to_string());
    let mut f = asked.frame("maintenance", t.maintenance);
    f.other_href = format!("{}&month={shown}{kept}", f.other_href);
    let page = Page {
        f,
        sentence,
        running: group("running", t.running, t.nothing_runs, running),
        month: Month::of(&asked, first, owner.as_ref(), policy),
        kept,
        shown,
        owners: owners(&asked, owner.as_ref()),
        policies: inventory
            .policies
            .iter()
            .map(|p| choice(p.id.as_str(), p.id.to_string(), policy == Some(p)))
            .collect(),
        rules: allowed::rules(&asked),
        freezes: allowed::freezes(&asked),
        others: [group("upcoming", t.upcoming, t.no_windows, upcoming), group("past", t.past, t.none, past)],
    };
    show(&asked, StatusCode::OK, &page)
}

fn choice(id: &str, name: String, chosen: bool) -> Choice {
    Choice { id: id.to_owned(), name, chosen }
}

/// Whoever has windows, or is chosen.
fn owners(asked: &Asked, chosen: Option<&OwnerId>) -> Vec<Choice> {
    let mut ids: BTreeSet<&OwnerId> = asked.snapshot.windows.iter().map(|w| &w.owner).collect();
    ids.extend(chosen);
    ids.into_iter().map(|id| choice(id.as_str(), asked.owner_name(id), chosen == Some(id))).collect()
}
