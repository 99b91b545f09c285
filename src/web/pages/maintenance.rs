//! `/maintenance`: what runs, what comes, what was.

use super::{Asked, Frame, runs, show};
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::web::format;
use crate::web::look::Look;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

/// Rows of each group.
const ROWS_MAX: usize = 100;
/// Names of a scope that are listed.
const SCOPE_MAX: usize = 4;

#[derive(Template)]
#[template(path = "web/templates/maintenance.html")]
struct Page {
    f: Frame,
    sentence: String,
    groups: [Group; 3],
}

struct Group {
    title: &'static str,
    total: usize,
    rows: Vec<Row>,
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
pub(super) async fn page(asked: Asked) -> Response {
    let (mut running, mut upcoming, mut past) = (Vec::new(), Vec::new(), Vec::new());
    for window in asked.snapshot.windows.iter() {
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
    let group = |title, windows: Vec<&WindowView>| Group {
        title,
        total: windows.len(),
        rows: windows.into_iter().take(ROWS_MAX).map(|w| Row::of(&asked, w)).collect(),
    };
    let t = asked.t;
    let groups = [group(t.running, running), group(t.upcoming, upcoming), group(t.past, past)];
    show(&asked, StatusCode::OK, &Page { f: asked.frame("maintenance", t.maintenance), sentence, groups })
}
