//! `/maintenance.ics`, `/maintenance.atom` and `/incidents.atom`: windows and incidents for the calendars and readers that
//! people already look at.
//!
//! Not here: the form of iCalendar (`notify::calendar`). Invariants: an event keeps its UID and its SEQUENCE only rises;
//! what was called off stays for a fortnight, so that calendars take it out; an Atom entry never changes.

use super::access::Asker;
use super::channel::Fetcher;
use super::language::Reads;
use super::notices::AHEAD as NOTICES_AHEAD;
use super::problem::Problem;
use super::state::WebState;
use super::text::Texts;
use crate::domain::window::{Change, Version};
use crate::domain::*;
use crate::notify::calendar::{Entry, Standing, calendar};
use crate::web::extract::Query;
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Events in the calendar.
const EVENTS_MAX: usize = 1_000;
/// Entries in the Atom feed.
const ENTRIES_MAX: usize = 200;
/// How long what was called off is still said.
const CANCELLED_FOR: Millis = 14 * DAY;

/// Whose windows.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    owner: Option<String>,
}

impl Of {
    /// Checks that there is such an owner: an empty feed would look like a year without maintenance.
    fn owner(&self, snapshot: &Snapshot) -> Result<Option<OwnerId>, Problem> {
        let Some(owner) = &self.owner else { return Ok(None) };
        let id = OwnerId::new(owner.as_str());
        let known = snapshot.inventory.owners.contains_key(&id);
        let missing = || Problem::not_found(format!("no owner is called {owner:?}; leave `owner` out for all of them"));
        known.then_some(Some(id)).ok_or_else(missing)
    }
}

/// `GET /maintenance.ics?owner=`.
pub(super) async fn maintenance(
    asker: Asker,
    reads: Reads,
    State(state): State<WebState>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let owner = of.owner(&snapshot)?;
    let standing = |w: &WindowView| standing(now, w);
    let windows = snapshot.windows.iter().filter(|w| owner.as_ref().is_none_or(|o| w.owner == *o));
    let shown: Vec<(&WindowView, Standing)> =
        windows.filter_map(|w| Some((w, standing(w)?))).take(EVENTS_MAX).collect();
    if let Some(fetcher) = Fetcher::of(&asker) {
        let near = shown.iter().map(|(window, _)| *window).filter(|w| w.span.start < now + NOTICES_AHEAD);
        fetcher.got(&state, near);
    }
    let entries = shown.into_iter().map(|(window, standing)| Entry {
        window: &window.id,
        version: window.version,
        changed: window.versions.last().map(|v| v.at),
        at: snapshot.at,
        span: window.span,
        standing,
        summary: window.name.get(reads.language).to_owned(),
        description: description(&snapshot, window, reads.language),
        url: format!("{}/maintenance#{}", state.site.public_url, window.id),
    });
    let name = title(&snapshot, owner.as_ref(), reads.language);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar(&name, entries)).into_response())
}

/// Whether a window stands in the calendar, and how.
fn standing(now: Timestamp, window: &WindowView) -> Option<Standing> {
    let last = window.versions.last();
    let called_off = last.is_some_and(|v| v.change == Change::Cancelled && v.at > now - CANCELLED_FOR);
    if window.state.is_terminal() || window.span.end <= now {
        return called_off.then_some(Standing::Cancelled);
    }
    let confirmed = window.state.opens_gates() || window.state.is_running();
    Some(if confirmed { Standing::Confirmed } else { Standing::Tentative })
}

fn description(snapshot: &Snapshot, window: &WindowView, language: Language) -> String {
    let names = window.scope.iter().filter_map(|id| snapshot.inventory.subsystems.get(id));
    let scope = names.map(|s| s.name.get(language)).collect::<Vec<_>>().join("\n");
    let notice = window.notice.as_ref().map_or("", |n| n.get(language));
    [Texts::of(language).window_state(window.state), &scope, notice].join("\n")
}

fn title(snapshot: &Snapshot, owner: Option<&OwnerId>, language: Language) -> String {
    let title = match language {
        Language::Zh => "更夫 · 维护窗口",
        Language::En => "gengfu: maintenance windows",
    };
    of_owner(snapshot, owner, title, language)
}

fn of_owner(snapshot: &Snapshot, owner: Option<&OwnerId>, title: &str, language: Language) -> String {
    match owner.and_then(|id| snapshot.inventory.owners.get(id)) {
        Some(owner) => format!("{title} · {}", owner.name.get(language)),
        None => title.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "web/templates/maintenance.xml")]
struct Feed {
    title: String,
    lang: &'static str,
    home: String,
    itself: String,
    updated: String,
    entries: Vec<FeedEntry>,
}

struct FeedEntry {
    id: String,
    title: String,
    updated: String,
    href: String,
    author: String,
    lines: Vec<String>,
}

/// `GET /maintenance.atom?owner=`: one entry for each version of a window, the newest first.
pub(super) async fn news(
    reads: Reads,
    State(state): State<WebState>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let snapshot = state.picture();
    let (owner, language) = (of.owner(&snapshot)?, reads.language);
    let windows = snapshot.windows.iter().filter(|w| owner.as_ref().is_none_or(|o| w.owner == *o));
    let mut versions: Vec<(&WindowView, &Version)> =
        windows.flat_map(|w| w.versions.iter().map(move |v| (w, v))).collect();
    versions.sort_by(|(a, x), (b, y)| (y.at, &b.id, y.number).cmp(&(x.at, &a.id, x.number)));
    versions.truncate(ENTRIES_MAX);
    let home = format!("{}/maintenance", state.site.public_url);
    let query = owner.as_ref().map_or_else(String::new, |o| format!("?owner={o}"));
    let feed = Feed {
        title: legible(&title(&snapshot, owner.as_ref(), language)),
        lang: Texts::of(language).code,
        itself: format!("{}/maintenance.atom{query}", state.site.public_url),
        updated: versions.first().map_or(snapshot.at, |(_, v)| v.at).to_string(),
        entries: versions.iter().map(|(w, v)| entry(&snapshot, w, v, language, &home)).collect(),
        home,
    };
    // Writing into memory cannot fail.
    let text = feed.render().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text).into_response())
}

fn entry(snapshot: &Snapshot, window: &WindowView, version: &Version, language: Language, home: &str) -> FeedEntry {
    let (t, zone) = (Texts::of(language), &snapshot.inventory.zone);
    let local = |at: Timestamp| zone.local(at).strftime("%Y-%m-%d %H:%M").to_string();
    let span = |s: Span| format!("{} – {}", local(s.start), local(s.end));
    let name = window.name.get(language);
    let owner = snapshot.inventory.owners.get(&window.owner).map_or(window.owner.as_str(), |o| o.name.get(language));
    let names = window.scope.iter().filter_map(|id| snapshot.inventory.subsystems.get(id));
    let scope = names.map(|s| s.name.get(language)).collect::<Vec<_>>().join(if t.code == "en" { ", " } else { "、" });
    let mut lines = vec![format!("{}: {}", t.when, span(version.span))];
    lines.extend(version.former.map(|former| format!("{}: {}", t.formerly, span(former))));
    lines.push(format!("{}: {scope}", t.scope));
    lines.extend(window.notice.as_ref().map(|n| n.get(language).to_owned()));
    FeedEntry {
        id: format!("{home}#{}.{}", window.id, version.number),
        title: legible(&format!("{}: {name}", t.change(version.change))),
        updated: version.at.to_string(),
        href: format!("{home}#{}", window.id),
        author: legible(owner),
        lines: lines.iter().map(|line| legible(line)).collect(),
    }
}

/// `GET /incidents.atom?owner=`: one entry when an incident opens and one when it is over, the newest first. Strangers and
/// people inside read the same: what was seen and who said what is on the incident's page.
pub(super) async fn incidents(
    reads: Reads,
    State(state): State<WebState>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let snapshot = state.picture();
    let (owner, language) = (of.owner(&snapshot)?, reads.language);
    let concerns = |i: &&IncidentView| owner.as_ref().is_none_or(|o| i.subsystem.owner() == *o);
    let moments = |i: &'_ IncidentView| std::iter::once((i.since, false)).chain(i.until.map(|until| (until, true)));
    let mut all: Vec<(Timestamp, bool, &IncidentView)> = snapshot
        .incidents
        .iter()
        .filter(concerns)
        .flat_map(|i| moments(i).map(move |(at, over)| (at, over, i)).collect::<Vec<_>>())
        .collect();
    all.sort_by_key(|(at, over, i)| std::cmp::Reverse((*at, i.id, *over)));
    all.truncate(ENTRIES_MAX);
    let home = format!("{}/incidents", state.site.public_url);
    let query = owner.as_ref().map_or_else(String::new, |o| format!("?owner={o}"));
    let title = match language {
        Language::Zh => "更夫 · 事件",
        Language::En => "gengfu: incidents",
    };
    let feed = Feed {
        title: legible(&of_owner(&snapshot, owner.as_ref(), title, language)),
        lang: Texts::of(language).code,
        itself: format!("{}/incidents.atom{query}", state.site.public_url),
        updated: all.first().map_or(snapshot.at, |(at, ..)| *at).to_string(),
        entries: all.iter().map(|(at, over, i)| happened(&snapshot, i, *at, *over, language, &home)).collect(),
        home,
    };
    // Writing into memory cannot fail.
    let text = feed.render().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text).into_response())
}

fn happened(
    snapshot: &Snapshot,
    incident: &IncidentView,
    at: Timestamp,
    over: bool,
    language: Language,
    home: &str,
) -> FeedEntry {
    let (t, inventory) = (Texts::of(language), &snapshot.inventory);
    let names = inventory.subsystems.get(&incident.subsystem).map(|s| &s.name);
    let name = names.map_or(incident.subsystem.as_str(), |names| names.get(language));
    let owner = inventory.owners.get(&incident.subsystem.owner()).map(|o| o.name.get(language));
    let (symptom, state) = (t.symptom(incident.symptom), if over { t.past } else { t.still_open });
    let local = |at: Timestamp| inventory.zone.local(at).strftime("%Y-%m-%d %H:%M").to_string();
    let mut lines = vec![format!("{}: {}", t.from, local(incident.since))];
    lines.extend(incident.until.filter(|_| over).map(|until| format!("{}: {}", t.to, local(until))));
    FeedEntry {
        id: format!("{home}/{}#{}.{at}", incident.id, if over { "over" } else { "open" }),
        title: legible(&format!("{name} {symptom} · {state} {}", incident.id)),
        updated: at.to_string(),
        href: format!("{home}/{}", incident.id),
        author: legible(owner.unwrap_or(incident.subsystem.as_str())),
        lines: lines.iter().map(|line| legible(line)).collect(),
    }
}

/// Without the characters that XML cannot hold, even escaped.
fn legible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}
