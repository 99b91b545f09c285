//! `/subsystems/{owner}/{id}`: everything about one service, evidence included for those inside.

mod attempt;
mod graph;
mod promise;

use super::maintenance::Row as WindowRow;
use super::strip::{Cells, LONG_CELLS, Strip};
use super::{Asked, Frame, missing, show};
use crate::domain::*;
use crate::web::look::{self, Look};
use crate::web::state::WebState;
use crate::web::{figures, format, inspection};
use askama::Template;
use attempt::ProbeRow;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use graph::Graph;
use promise::{Correction, Promise};

/// Changes that are listed.
const CHANGES_MAX: usize = 12;
/// Windows to come, and as many past ones, that are listed.
const WINDOWS_MAX: usize = 6;

#[derive(Template)]
#[template(path = "web/templates/subsystem.html")]
struct Page {
    f: Frame,
    id: String,
    name: String,
    owner_id: String,
    owner: String,
    look: Look,
    sentence: String,
    incident: Option<String>,
    tier: u8,
    hours: String,
    objective: String,
    origins: Vec<String>,
    audience: &'static str,
    inspection: Option<String>,
    day: Strip,
    day_scale: [String; 5],
    long: Strip,
    long_scale: [String; 4],
    changes: Vec<Change>,
    probes: Vec<ProbeRow>,
    promise: Promise,
    corrections: Vec<Correction>,
    policy: Policy,
    windows: Vec<WindowRow>,
    graph: Graph,
}

/// From one state to the next, with the incident that says what was seen.
struct Change {
    look: Look,
    when: String,
    lasted: String,
    incident: Option<(String, &'static str)>,
}

struct Policy {
    sentence: String,
    reasons: Vec<String>,
}

/// `GET /subsystems/{owner}/{id}`.
pub(super) async fn page(
    asked: Asked,
    State(state): State<WebState>,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    let id = SubsystemId::new(format!("{owner}/{name}"));
    let inventory = &asked.snapshot.inventory;
    let Some((subsystem, view)) = inventory.subsystems.get(&id).zip(asked.snapshot.subsystem(&id)) else {
        return missing(&asked);
    };
    let title = subsystem.name.get(asked.language);
    let (mut day, mut long) = (Cells::day(asked.now), Cells::long(asked.now, asked.zone()));
    day.add(asked.now, view);
    long.add(asked.now, view);
    let page = Page {
        f: asked.frame("", title),
        id: id.to_string(),
        name: title.to_owned(),
        owner_id: id.owner().to_string(),
        owner: asked.owner_name(&id.owner()),
        look: look::of(asked.now, &asked.snapshot, view),
        sentence: sentence(&asked, view),
        incident: incident(&asked, &id),
        tier: subsystem.tier.into(),
        hours: subsystem.hours.as_str().to_owned(),
        objective: promise::objective(&asked, subsystem),
        origins: promise::origins(&asked, subsystem),
        inspection: inspection::of(&state, subsystem).map(|seen| inspection::sentence(asked.language, seen)),
        audience: if subsystem.public { asked.t.public } else { asked.t.internal },
        day: day.draw(asked.t),
        day_scale: [24, 18, 12, 6, 0].map(|hours| asked.moment(asked.now - hours * HOUR)),
        long: long.draw(asked.t),
        long_scale: [LONG_CELLS, 60, 30, 0].map(|days| days_ago(&asked, days)),
        changes: changes(&asked, &id, view),
        probes: view.probes.iter().filter_map(|p| ProbeRow::of(&asked, &state.board, p)).collect(),
        promise: promise::of(&asked, subsystem, view),
        corrections: promise::corrections(&asked, view),
        policy: policy(&asked, &id),
        windows: windows(&asked, &id),
        graph: Graph::of(&asked, subsystem),
    };
    show(&asked, StatusCode::OK, &page)
}

fn days_ago(asked: &Asked, days: usize) -> String {
    let at = asked.now - i64::try_from(days).unwrap_or_default() * DAY;
    format::day(asked.language, asked.zone().date(at))
}

fn sentence(asked: &Asked, view: &SubsystemView) -> String {
    let state = asked.t.look(look::of(asked.now, &asked.snapshot, view));
    let Some(since) = view.since else { return asked.t.never_tried.to_owned() };
    let lasted = asked.length(asked.now.since(since));
    let mut text = format!("{state} · {} {} · {lasted}", asked.t.since, asked.moment(since));
    let running = view.coverage.as_ref().and_then(|id| asked.snapshot.windows.iter().find(|w| w.id == *id));
    if let Some(window) = running {
        text =
            format!("{text} · {} {} {}", window.name.get(asked.language), asked.t.until, asked.moment(window.span.end));
    }
    text
}

/// Whether an incident is about a subsystem: as the root, or as one that fails with it.
fn concerns(incident: &IncidentView, id: &SubsystemId) -> bool {
    incident.subsystem == *id || incident.affected.iter().any(|(affected, _)| affected == id)
}

/// The open incident that it is the root of, or fails with.
fn incident(asked: &Asked, id: &SubsystemId) -> Option<String> {
    let mut open = asked.snapshot.incidents.iter().filter(|i| i.until.is_none());
    open.find(|i| concerns(i, id)).map(|i| i.id.to_string())
}

fn changes(asked: &Asked, id: &SubsystemId, view: &SubsystemView) -> Vec<Change> {
    let within = Span::new(Timestamp::MIN, asked.now);
    let mut spans: Vec<_> = view.timeline.spans(within).collect();
    spans.reverse();
    let incidents: Vec<&IncidentView> = asked.snapshot.incidents.iter().filter(|i| concerns(i, id)).collect();
    // An incident opens while the state lasts, and the last one is the nearest.
    let opened_in = |span: Span| incidents.iter().rev().find(|i| span.contains(i.since) || i.since == span.end);
    let change = |(span, health): (Span, timeline::Health)| Change {
        look: health.into(),
        when: match span.end < asked.now {
            true => format::range(asked.now, asked.language, asked.zone(), span),
            false => format!("{} {}", asked.t.since, asked.moment(span.start)),
        },
        lasted: asked.length(span.len_ms()),
        incident: match health {
            timeline::Health::Up => None,
            _ => opened_in(span).map(|i| (i.id.to_string(), asked.t.symptom(i.symptom))),
        },
    };
    spans.into_iter().take(CHANGES_MAX).map(change).collect()
}

/// What the gate would say to a change of half an hour.
fn policy(asked: &Asked, id: &SubsystemId) -> Policy {
    let (t, half_hour) = (asked.t, Span::lasting(asked.now, 30 * MINUTE));
    let Some(answer) = figures::gate_now(&asked.snapshot, id, half_hour) else {
        return Policy { sentence: String::new(), reasons: Vec::new() };
    };
    let sentence = match (answer.allow, answer.until, answer.next_open) {
        (true, Some(until), _) => format!("{} {}", t.open_now, asked.moment(until)),
        (true, None, _) => t.open_now.to_owned(),
        (false, _, Some(next)) => format!("{} · {} {}", t.closed_now, t.next_open, asked.moment(next)),
        (false, _, None) if answer.reasons.iter().any(|r| r.kind == policy::DenyKind::NoWindow) => {
            format!("{} · {}", t.closed_now, t.needs_window)
        }
        (false, _, None) => format!("{} · {}", t.closed_now, t.no_next_open),
    };
    let denied = answer.reasons.iter().map(|r| (&r.text, &r.rule));
    let granted = answer.because.iter().map(|g| (&g.text, &g.rule));
    let reasons = denied.chain(granted).map(|(text, rule)| format!("{} ({rule})", text.get(asked.language)));
    Policy { sentence, reasons: reasons.collect() }
}

fn windows(asked: &Asked, id: &SubsystemId) -> Vec<WindowRow> {
    let mine = || asked.snapshot.windows.iter().filter(|w| w.scope.contains(id));
    let to_come = mine().filter(|w| w.span.end > asked.now).take(WINDOWS_MAX);
    let mut past: Vec<_> = mine().filter(|w| w.span.end <= asked.now).collect();
    past.reverse();
    to_come.chain(past.into_iter().take(WINDOWS_MAX)).map(|w| WindowRow::of(asked, w)).collect()
}
