//! `/maintenance/windows/{id}`: one window, how it came to stand where it does, and what may be done about it.
//!
//! Not here: whether an order is carried out (`engine::orders`). Buttons are those that the state leaves; a button
//! that is pressed too late is answered with the reason.

use super::maintenance::Row;
use super::{Asked, Frame, missing, show};
use crate::domain::access::{Caller, Scope};
use crate::domain::impact::impact;
use crate::domain::order::{Action, Order, Wanted};
use crate::domain::*;
use crate::web::look::{self, Look};
use crate::web::state::WebState;
use crate::web::{format, query};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Parts of the scope that are listed.
const SCOPE_MAX: usize = 200;

#[derive(Template)]
#[template(path = "web/templates/window.html")]
struct Page {
    f: Frame,
    w: Row,
    facts: Vec<(&'static str, String)>,
    notice: String,
    impact: String,
    scope: Vec<Part>,
    more: usize,
    defects: Vec<(String, u32)>,
    versions: Vec<Version>,
    /// For those who see people.
    decisions: Vec<Decided>,
    incidents: Vec<(String, String)>,
    /// Where orders go; empty for whoever may give none.
    action: String,
    orders: Orders,
    refused: String,
    audit: String,
}

struct Part {
    look: Look,
    href: String,
    name: String,
    owner: String,
}

struct Version {
    at: String,
    change: &'static str,
    when: String,
    former: String,
}

/// What one person decided.
struct Decided {
    at: String,
    by: String,
    what: &'static str,
    /// The time that was asked for.
    when: String,
    reason: String,
    is_void: bool,
}

/// What the state leaves to be done.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    before: bool,
    requested: bool,
    running: bool,
}

/// `GET /maintenance/windows/{id}`.
pub(super) async fn page(asked: Asked, Path(id): Path<String>) -> Response {
    shown(&asked, StatusCode::OK, &WindowId::new(id), String::new())
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    /// The last part of the API's address.
    action: String,
    #[serde(default)]
    reason: String,
    /// The new start, or the new end.
    #[serde(default)]
    at: String,
    /// `move`: the new length.
    #[serde(default, rename = "for")]
    lasts: String,
}

/// `POST /maintenance/windows/{id}`: an order, and back to the page.
pub(super) async fn order(
    asked: Asked,
    caller: Caller,
    State(state): State<WebState>,
    Path(id): Path<String>,
    axum::Form(form): axum::Form<Form>,
) -> Response {
    let id = WindowId::new(id);
    let action = match action_of(&asked, &form) {
        Ok(action) => action,
        Err(why) => return shown(&asked, StatusCode::UNPROCESSABLE_ENTITY, &id, why),
    };
    let what = Wanted::Window(id.clone(), action);
    match state.commands.order(Order { by: caller, reason: form.reason, what }).await {
        Ok(Ok(_)) => Redirect::to(&format!("/maintenance/windows/{id}{}", asked.frame("", "").q)).into_response(),
        Ok(Err(not)) => shown(&asked, StatusCode::CONFLICT, &id, not.text.get(asked.language).to_owned()),
        Err(unanswered) => shown(&asked, StatusCode::SERVICE_UNAVAILABLE, &id, unanswered.to_string()),
    }
}

fn action_of(asked: &Asked, form: &Form) -> Result<Action, String> {
    let at = || query::instant(&form.at, asked.zone());
    Ok(match form.action.as_str() {
        "approve" => Action::Approve,
        "skip" => Action::Skip,
        "cancel" => Action::Cancel,
        "start" => Action::Start,
        "finish" => Action::Finish,
        "abort" => Action::Abort,
        "shorten" => Action::Shorten { end: at()? },
        "extend" => Action::Extend { end: at()? },
        "move" => {
            let lasts_ms = if form.lasts.is_empty() { None } else { Some(query::length(&form.lasts)?) };
            Action::Move { to: at()?, lasts_ms }
        }
        other => return Err(format!("a window cannot {other:?}")),
    })
}

fn shown(asked: &Asked, status: StatusCode, id: &WindowId, refused: String) -> Response {
    let Some(window) = asked.snapshot.windows.iter().find(|w| w.id == *id) else { return missing(asked) };
    let may = |caller: &Caller| {
        let approves = |scope: &Scope| matches!(scope, Scope::Approve(_));
        caller.may(&Scope::Operate) || caller.scopes.iter().any(approves)
    };
    let (may_order, is_inside) = (asked.asker.caller().is_some_and(may), asked.asker.caller().is_some());
    let orders = Orders {
        before: !window.state.is_terminal() && !window.state.is_running(),
        requested: !asked.snapshot.inventory.schedules.contains_key(&window.schedule),
        running: window.state.is_running(),
    };
    let inventory = &asked.snapshot.inventory;
    let w = Row::of(asked, window);
    let mut f = asked.frame("maintenance", w.name.clone());
    f.is_still = may_order;
    let page = Page {
        facts: facts(asked, window),
        notice: window.notice.as_ref().map(|n| n.get(asked.language).to_owned()).unwrap_or_default(),
        impact: impact(inventory, &window.scope).text(inventory).get(asked.language).to_owned(),
        scope: window.scope.iter().take(SCOPE_MAX).map(|id| part(asked, id)).collect(),
        more: window.scope.len().saturating_sub(SCOPE_MAX),
        defects: window.defects.iter().map(|(id, n)| (asked.name(id), *n)).collect(),
        versions: window.versions.iter().rev().map(|v| version(asked, v)).collect(),
        decisions: window.decisions.iter().filter(|_| f.sees_people).map(|d| decided(asked, window, d)).collect(),
        incidents: incidents(asked, window),
        action: if may_order && (orders.before || orders.running) {
            format!("/maintenance/windows/{id}{}", f.q)
        } else {
            String::new()
        },
        orders,
        refused,
        audit: if is_inside { format!("/audit?about={id}{}", f.more_q()) } else { String::new() },
        w,
        f,
    };
    show(asked, status, &page)
}

fn facts(asked: &Asked, window: &WindowView) -> Vec<(&'static str, String)> {
    let t = asked.t;
    let moment = |at: Timestamp| asked.moment(at);
    let plan = asked.snapshot.inventory.schedules.get(&window.schedule).and_then(|s| s.plan.as_ref());
    let all = [
        (t.owner, Some(asked.owner_name(&window.owner))),
        (t.when, Some(format::range(asked.now, asked.language, asked.zone(), window.span))),
        (t.lasted, Some(asked.length(window.span.len_ms()))),
        (t.approved, window.is_approved().then(|| t.yes.to_owned())),
        (t.announced_at, window.announced.map(moment)),
        (t.restored_at, window.restored.map(moment)),
        (t.ticket, window.emergency.as_ref().map(|e| e.ticket.clone())),
        (t.plan, plan.map(ToString::to_string)),
        ("ID", Some(window.id.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
}

fn part(asked: &Asked, id: &SubsystemId) -> Part {
    let view = asked.snapshot.subsystem(id);
    Part {
        look: view.map_or(Look::Absent, |view| look::of(asked.now, &asked.snapshot, view)),
        href: format!("/subsystems/{id}"),
        name: asked.name(id),
        owner: asked.owner_name(&id.owner()),
    }
}

fn version(asked: &Asked, version: &window::Version) -> Version {
    let range = |span: Span| format::range(asked.now, asked.language, asked.zone(), span);
    Version {
        at: asked.moment(version.at),
        change: asked.t.change(version.change),
        when: range(version.span),
        former: version.former.map(range).unwrap_or_default(),
    }
}

fn decided(asked: &Asked, window: &WindowView, view: &window::DecisionView) -> Decided {
    let window::Decision { at, by, reason, what } = &view.decision;
    // Whose the holder is, or in whose name somebody approves.
    let owners: Vec<String> = match what.owners() {
        [] => by.owner.iter().map(|owner| asked.owner_name(owner)).collect(),
        owners => owners.iter().map(|owner| asked.owner_name(owner)).collect(),
    };
    let owners = owners.iter().map(|owner| format!(" · {owner}")).collect::<String>();
    let range = |span| format::range(asked.now, asked.language, asked.zone(), span);
    Decided {
        at: asked.moment(*at),
        by: format!("{}{owners}", by.name),
        what: asked.t.decided(what),
        when: what.span(window.span.start).map(range).unwrap_or_default(),
        reason: reason.clone(),
        is_void: view.is_void,
    }
}

/// Incidents whose subsystem it concerns, from its time.
fn incidents(asked: &Asked, window: &WindowView) -> Vec<(String, String)> {
    let over = window.restored.unwrap_or(window.span.end).max(window.span.end);
    let meets = |i: &&IncidentView| {
        window.scope.contains(&i.subsystem) && i.since < over && i.until.is_none_or(|until| until > window.span.start)
    };
    let found = asked.snapshot.incidents.iter().filter(meets).take(SCOPE_MAX);
    found.map(|i| (i.id.to_string(), format!("{} {}", asked.name(&i.subsystem), asked.t.symptom(i.symptom)))).collect()
}
