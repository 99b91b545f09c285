//! `/composites`: matters as citizens know them, how each is and was, and which of its members are to blame.
//!
//! Not here: the expression (`domain::composite`). Invariant: a figure stands with its bounds where they differ.

use super::{Asked, Frame, show};
use crate::domain::composite::Composite;
use crate::domain::sla::{Account, Bounded, Evidence, Grain, Period, Ratio, Reader};
use crate::domain::timeline::Health;
use crate::domain::{self, *};
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

/// The agreed figure, and its bounds where unknown time makes a difference.
struct Figure {
    value: String,
    bounds: String,
}

/// `GET /composites`.
pub(super) async fn page(asked: Asked) -> Response {
    let mut reader = Reader::new(asked.now, &asked.snapshot);
    let rows: Vec<Row> = asked.snapshot.inventory.composites.values().map(|c| row(&asked, &mut reader, c)).collect();
    let count = |looks: &[Look]| rows.iter().filter(|r| looks.contains(&r.look)).count();
    let (good, bad) = (count(&[Look::Up, Look::Degraded]), count(&[Look::Down]));
    let sentence = match asked.language {
        Language::Zh => format!("{} 个事项：{good} 个可办，{bad} 个停办", rows.len()),
        Language::En => format!("{} matters: {good} can be done, {bad} cannot", rows.len()),
    };
    let title = asked.t.composites;
    show(&asked, StatusCode::OK, &Page { f: asked.frame("composites", title), sentence, rows })
}

fn row<'a>(asked: &'a Asked, reader: &mut Reader<'a>, composite: &'a Composite) -> Row {
    let (snapshot, now) = (&asked.snapshot, asked.now);
    let inventory = &snapshot.inventory;
    let seen = reader.evidence_of(composite);
    let health = |id: &SubsystemId| snapshot.subsystem(id).map_or(Health::Unknown, |view| view.health);
    let agreed = composite.objective.as_ref().and_then(|id| inventory.objectives.get(id)).map(|o| o.figure);
    let mut figure = |period| Figure::of(agreed, reader.composite(composite, &seen, period).as_ref());
    let members = composite.needs.members();
    let bad: Vec<&SubsystemId> = members.into_iter().filter(|id| health(id) != Health::Up).collect();
    let look = look(&seen, composite.needs.health(&health), now);
    Row {
        id: composite.id.to_string(),
        name: composite.name.get(asked.language).to_owned(),
        look,
        word: asked.t.look(look),
        since: seen.timeline.last().map(|(at, _)| asked.moment(at)).unwrap_or_default(),
        month: figure(Period::current(Grain::Month, now, &inventory.zone)),
        last_30d: figure(Period::Rolling30d),
        more: bad.len().saturating_sub(NAMED_MAX),
        blamed: bad.into_iter().take(NAMED_MAX).map(|id| (format!("/subsystems/{id}"), asked.name(id))).collect(),
    }
}

/// Down only because members are in valid windows is maintenance.
fn look(seen: &Evidence<'_>, health: Health, now: Timestamp) -> Look {
    if health == Health::Down && seen.valid.contains(now - 1) { Look::Maintenance } else { Look::from(health) }
}

impl Figure {
    fn of(agreed: Option<domain::Figure>, account: Option<&Account>) -> Self {
        let bounded = agreed.zip(account).map_or_else(Bounded::default, |(agreed, account)| *account.figure(agreed));
        let text = |share: Option<Ratio>| share.map_or_else(|| "–".to_owned(), Ratio::percent);
        let (value, low, high) = (text(bounded.value), text(bounded.low), text(bounded.high));
        Self { bounds: if low == high { String::new() } else { format!("{low} – {high}") }, value }
    }
}
