//! `/find?q=`: what is called so: owners, services, matters, windows, incidents. By name in either language, or by id.
//!
//! Not here: full text. Invariants: a public reader finds what the pages show to everybody; the list is bounded, and says
//! when there is more.

use super::{Asked, Frame, show};
use crate::domain::*;
use crate::web::look::{self, Look};
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Longest text that is looked for, in characters.
const TEXT_MAX: usize = 80;
/// Of each sort.
const FOUND_MAX: usize = 30;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "web/templates/find.html")]
struct Page {
    f: Frame,
    sentence: String,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    total: usize,
    found: Vec<Found>,
}

struct Found {
    look: Option<Look>,
    href: String,
    name: String,
    note: String,
}

/// `GET /find`.
pub(super) async fn page(asked: Asked, Query(wanted): Query<Wanted>) -> Response {
    let text: String = wanted.q.trim().chars().take(TEXT_MAX).collect();
    let needle = text.to_lowercase();
    // The number of an incident leads to it at once.
    let number = needle.strip_prefix("inc-").and_then(|digits| digits.parse().ok()).map(IncidentId);
    if let Some(incident) = asked.snapshot.incidents.iter().find(|i| Some(i.id) == number) {
        return Redirect::to(&format!("/incidents/{}{}", incident.id, asked.frame("", "").q)).into_response();
    }
    let groups = if needle.is_empty() { Vec::new() } else { groups(&asked, &needle) };
    let total: usize = groups.iter().map(|g| g.total).sum();
    let mut f = asked.frame("", asked.t.find);
    f.other_href = other_href(&text, if f.other_code == "en" { "en" } else { "zh" });
    f.is_still = true;
    f.sought.clone_from(&text);
    let page = Page {
        sentence: match (needle.is_empty(), total, asked.language) {
            (true, _, _) => asked.t.find_hint.to_owned(),
            (false, 0, Language::Zh) => format!("没有找到“{text}”。{}", asked.t.find_hint),
            (false, 0, Language::En) => format!("Nothing is called “{text}”. {}", asked.t.find_hint),
            (false, n, Language::Zh) => format!("“{text}”：找到 {n} 项"),
            (false, n, Language::En) => format!("“{text}”: {n} found"),
        },
        groups: groups.into_iter().filter(|g| g.total > 0).collect(),
        f,
    };
    show(&asked, StatusCode::OK, &page)
}

fn groups(asked: &Asked, needle: &str) -> Vec<Group> {
    let (t, snapshot, inventory) = (asked.t, &asked.snapshot, &asked.snapshot.inventory);
    let is_called =
        |id: &str, names: &Names| [id, &names.zh, &names.en].iter().any(|text| text.to_lowercase().contains(needle));
    let name = |names: &Names| names.get(asked.language).to_owned();
    let services = inventory.subsystems.values().filter(|s| is_called(s.id.as_str(), &s.name)).map(|s| Found {
        look: snapshot.subsystem(&s.id).map(|view| look::of(asked.now, snapshot, view)),
        href: format!("/subsystems/{}", s.id),
        name: name(&s.name),
        note: asked.owner_name(&s.id.owner()),
    });
    let owners = inventory.owners.iter().filter(|(id, o)| is_called(id.as_str(), &o.name)).map(|(id, o)| Found {
        look: None,
        href: format!("/owners/{id}"),
        name: name(&o.name),
        note: String::new(),
    });
    let matters = inventory.composites.values().filter(|c| is_called(c.id.as_str(), &c.name)).map(|c| Found {
        look: None,
        href: "/composites".to_owned(),
        name: name(&c.name),
        note: String::new(),
    });
    let windows = snapshot.windows.iter().filter(|w| !w.state.is_terminal() && is_called(w.id.as_str(), &w.name));
    let windows = windows.map(|w| Found {
        look: w.state.is_running().then_some(Look::Maintenance),
        href: format!("/maintenance/windows/{}", w.id),
        name: name(&w.name),
        note: format!("{} · {}", asked.moment(w.span.start), t.window_state(w.state)),
    });
    vec![
        group(t.subsystems, services),
        group(t.owners, owners),
        group(t.composites, matters),
        group(t.windows, windows),
    ]
}

fn group(title: &'static str, all: impl Iterator<Item = Found>) -> Group {
    let mut found: Vec<Found> = all.collect();
    let total = found.len();
    // What is wrong comes first: whoever looks for a name often asks why it does not answer.
    found.sort_by_key(|f| std::cmp::Reverse(f.look));
    found.truncate(FOUND_MAX);
    Group { title, total, found }
}

/// The same question in the other language.
fn other_href(text: &str, language: &str) -> String {
    match reqwest::Url::parse_with_params("http://gengfu.test/find", [("q", text), ("lang", language)]) {
        Ok(url) => format!("{}?{}", url.path(), url.query().unwrap_or_default()),
        Err(_) => "/find".to_owned(),
    }
}
