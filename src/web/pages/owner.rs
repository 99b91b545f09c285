//! `/owners/{owner}`: the subsystems of one owner, and its windows to come.

use super::maintenance::Row as WindowRow;
use super::strip::{Cells, Strip};
use super::{Asked, Frame, missing, show};
use crate::domain::*;
use crate::metrics::targets::left_ms;
use crate::web::look::{self, Look};
use crate::web::state::WebState;
use crate::web::{figures, format, inspection};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

/// Windows to come that are listed.
const WINDOWS_MAX: usize = 10;

#[derive(Template)]
#[template(path = "web/templates/owner.html")]
struct Page {
    f: Frame,
    owner_id: String,
    name: String,
    sentence: String,
    rows: Vec<Row>,
    windows: Vec<WindowRow>,
}

struct Row {
    look: Look,
    href: String,
    name: String,
    since: String,
    strip: Strip,
    strip_label: String,
    public: String,
    left: String,
    overdrawn: bool,
    hours: String,
    tier: u8,
    inspection: Option<String>,
}

/// `GET /owners/{owner}`.
pub(super) async fn page(asked: Asked, State(state): State<WebState>, Path(owner): Path<String>) -> Response {
    let id = OwnerId::new(owner);
    let Some(owner) = asked.snapshot.inventory.owners.get(&id) else { return missing(&asked) };
    let views = asked.snapshot.subsystems.iter().filter(|v| v.id.owner() == id);
    let rows: Vec<Row> = views.filter_map(|view| row(&asked, &state, view)).collect();
    let good = rows.iter().filter(|r| matches!(r.look, Look::Up | Look::Closed)).count();
    let mine = asked.snapshot.windows.iter().filter(|w| w.owner == id && w.span.end > asked.now);
    let page = Page {
        f: asked.frame("", owner.name.get(asked.language)),
        owner_id: id.to_string(),
        name: owner.name.get(asked.language).to_owned(),
        sentence: match asked.language {
            Language::Zh => format!("{} 项服务，{good} 项正常", rows.len()),
            Language::En => format!("{good} of {} services are up", rows.len()),
        },
        rows,
        windows: mine.take(WINDOWS_MAX).map(|w| WindowRow::of(&asked, w)).collect(),
    };
    show(&asked, StatusCode::OK, &page)
}

fn row(asked: &Asked, state: &WebState, view: &SubsystemView) -> Option<Row> {
    let subsystem = asked.snapshot.inventory.subsystems.get(&view.id)?;
    let account = figures::Reader::new(asked.now, &asked.snapshot).month(view);
    let left = account.as_ref().map(left_ms);
    let mut cells = Cells::day(asked.now);
    cells.add(asked.now, view);
    Some(Row {
        look: look::of(asked.now, &asked.snapshot, view),
        href: format!("/subsystems/{}", view.id),
        name: subsystem.name.get(asked.language).to_owned(),
        since: view.since.map(|at| format!("{} {}", asked.t.since, asked.moment(at))).unwrap_or_default(),
        strip: cells.draw(asked.t),
        strip_label: asked.t.day_24h.to_owned(),
        public: account.and_then(|a| a.public.value).map_or_else(|| "–".to_owned(), sla::Ratio::percent),
        left: left.map_or_else(|| "–".to_owned(), |ms| format::left(asked.language, ms)),
        overdrawn: left.is_some_and(|ms| ms < 0),
        hours: subsystem.hours.as_str().to_owned(),
        tier: subsystem.tier.into(),
        inspection: inspection::of(state, subsystem).map(|seen| inspection::sentence(asked.language, seen)),
    })
}
