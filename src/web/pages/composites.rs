//! `/composites`: matters as citizens know them, how each is and was, and which of its members are to blame.
//!
//! Not here: the expression (`domain::composite`). Invariant: a figure stands with its bounds where they differ.

use super::{Asked, Frame, show};
use crate::domain::composite::Composite;
use crate::domain::sla::{Bounded, Grain, Period, Ratio};
use crate::domain::timeline::Health;
use crate::domain::*;
use crate::web::look::Look;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

/// Members that are named for each.
const NAMED_MAX: usize = 6;

#[derive(Template)]
#[template(path = "web/templates/composites.html")]
struct Page {
    f: Frame,
    sentence: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    name: String,
    look: Look,
    word: &'static str,
    since: String,
    month: Figure,
    last_30d: Figure,
    /// Links to members that are not as they should be.
    blamed: Vec<(String, String)>,
    more: usize,
}

/// A share, and its bounds where unknown time makes a difference.
struct Figure {
    value: String,
    bounds: String,
}

/// `GET /composites`.
pub(super) async fn page(asked: Asked) -> Response {
    let rows: Vec<Row> = asked.snapshot.inventory.composites.values().map(|c| row(&asked, c)).collect();
    let count = |looks: &[Look]| rows.iter().filter(|r| looks.contains(&r.look)).count();
    let (good, bad) = (count(&[Look::Up, Look::Degraded]), count(&[Look::Down]));
    let sentence = match asked.language {
        Language::Zh => format!("{} 个事项：{good} 个可办，{bad} 个停办", rows.len()),
        Language::En => format!("{} matters: {good} can be done, {bad} cannot", rows.len()),
    };
    let title = asked.t.composites;
    show(&asked, StatusCode::OK, &Page { f: asked.frame("composites", title), sentence, rows })
}

fn row(asked: &Asked, composite: &Composite) -> Row {
    let (snapshot, now) = (&asked.snapshot, asked.now);
    let inventory = &snapshot.inventory;
    let whole = composite.needs.timeline(&|id| snapshot.subsystem(id).map(|view| &view.timeline));
    let health = |id: &SubsystemId| snapshot.subsystem(id).map_or(Health::Unknown, |view| view.health);
    let month = Period::current(Grain::Month, now, &inventory.zone).span(now, &inventory.zone);
    let figure = |start| Figure::of(&composite.tally(inventory, &whole, Span::new(start, now)).bounded());
    let members = composite.needs.members();
    let bad: Vec<&SubsystemId> = members.into_iter().filter(|id| health(id) != Health::Up).collect();
    let look = Look::from(composite.needs.health(&health));
    Row {
        id: composite.id.to_string(),
        name: composite.name.get(asked.language).to_owned(),
        look,
        word: asked.t.look(look),
        since: whole.last().map(|(at, _)| asked.moment(at)).unwrap_or_default(),
        month: figure(month.start),
        last_30d: figure(now - 30 * DAY),
        more: bad.len().saturating_sub(NAMED_MAX),
        blamed: bad.into_iter().take(NAMED_MAX).map(|id| (format!("/subsystems/{id}"), asked.name(id))).collect(),
    }
}

impl Figure {
    fn of(bounded: &Bounded) -> Self {
        let text = |share: Option<Ratio>| share.map_or_else(|| "–".to_owned(), Ratio::percent);
        let (value, low, high) = (text(bounded.value), text(bounded.low), text(bounded.high));
        Self { bounds: if low == high { String::new() } else { format!("{low} – {high}") }, value }
    }
}
