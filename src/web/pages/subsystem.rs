//! `/subsystems/{owner}/{id}`: everything about one service, evidence included for those inside.

mod attempt;
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
use promise::{Correction, PeriodRow};

/// Changes that are listed.
const CHANGES_MAX: usize = 12;
/// Windows to come, and as many past ones, that are listed.
const WINDOWS_MAX: usize = 6;
/// Dependants that are listed.
const DEPENDANTS_MAX: usize = 60;

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
    rows: Vec<PeriodRow>,
    corrections: Vec<Correction>,
    spent: Vec<(&'static str, String)>,
    policy: Policy,
    windows: Vec<WindowRow>,
    needs: Vec<Need>,
    needed: Vec<Need>,
}

struct Change {
    look: Look,
    when: String,
    lasted: String,
}

struct Policy {
    sentence: String,
    reasons: Vec<String>,
}

struct Need {
    look: Look,
    href: String,
    name: String,
    note: String,
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
    let (rows, spent) = promise::rows(&asked, subsystem, view);
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
        changes: changes(&asked, view),
        probes: view.probes.iter().filter_map(|p| ProbeRow::of(&asked, &state.board, p)).collect(),
        rows,
        corrections: promise::corrections(&asked, view),
        spent,
        policy: policy(&asked, &id),
        windows: windows(&asked, &id),
        needs: needs(&asked, subsystem),
        needed: needed(&asked, &id),
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

/// The open incident that it is the root of, or fails with.
fn incident(asked: &Asked, id: &SubsystemId) -> Option<String> {
    let concerns = |i: &&IncidentView| i.subsystem == *id || i.affected.iter().any(|(a, _)| a == id);
    let mut open = asked.snapshot.incidents.iter().filter(|i| i.until.is_none());
    open.find(concerns).map(|i| i.id.to_string())
}

fn changes(asked: &Asked, view: &SubsystemView) -> Vec<Change> {
    let within = Span::new(Timestamp::MIN, asked.now);
    let mut spans: Vec<_> = view.timeline.spans(within).collect();
    spans.reverse();
    let change = |(span, health): (Span, timeline::Health)| Change {
        look: health.into(),
        when: match span.end < asked.now {
            true => format::range(asked.now, asked.language, asked.zone(), span),
            false => format!("{} {}", asked.t.since, asked.moment(span.start)),
        },
        lasted: asked.length(span.len_ms()),
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

fn need(asked: &Asked, id: &SubsystemId, note: String) -> Need {
    let view = asked.snapshot.subsystem(id);
    Need {
        look: view.map_or(Look::Absent, |view| look::of(asked.now, &asked.snapshot, view)),
        href: format!("/subsystems/{id}"),
        name: asked.name(id),
        note,
    }
}

fn needs(asked: &Asked, subsystem: &Subsystem) -> Vec<Need> {
    let mut needs = Vec::new();
    for dependency in &subsystem.depends_on {
        for id in dependency.members() {
            let note = match dependency {
                Dependency::One(_) => String::new(),
                Dependency::AnyOf(members) => format!("{} {}", asked.t.any_of, members.len()),
                Dependency::Soft(_) => asked.t.soft.to_owned(),
            };
            needs.push(need(asked, id, note));
        }
    }
    needs
}

fn needed(asked: &Asked, id: &SubsystemId) -> Vec<Need> {
    let dependants = asked.snapshot.inventory.dependants.get(id);
    dependants.into_iter().flatten().take(DEPENDANTS_MAX).map(|id| need(asked, id, String::new())).collect()
}
