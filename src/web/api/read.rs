//! What there is and how it is: status, subsystems, timelines, incidents, windows, outbox.

use super::composites::ImpactDto;
use super::corrections::CorrectionDto;
use crate::domain::*;
use crate::web::dto::{AccountDto, AttemptDto, IncidentDto, ProbeDto, Rfc3339, SubsystemDto, WindowDto, at};
use crate::web::extract::{Path, Query};
use crate::web::guard::Viewer;
use crate::web::inspection::{self, InspectionDto};
use crate::web::look::{self, Look};
use crate::web::problem::Problem;
use crate::web::state::WebState;
use crate::web::{figures, query};
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the city is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct Status {
    at: Rfc3339,
    version: &'static str,
    subsystems: usize,
    up: usize,
    degraded: usize,
    down: usize,
    unknown: usize,
    outside_hours: usize,
    in_maintenance: usize,
    incidents_open: usize,
    store_failed: bool,
    /// The head of the last sealed day, for whoever keeps heads; null before the first.
    evidence: Option<HeadDto>,
    reload_refused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reload_problems: Option<String>,
}

/// The head of the chain of evidence.
#[derive(Debug, Serialize, JsonSchema)]
struct HeadDto {
    day: String,
    head: String,
}

/// `GET /api/v1/status`.
pub(in crate::web) async fn status(viewer: Viewer, State(state): State<WebState>) -> Json<Status> {
    let (now, snapshot) = (state.now(), state.picture());
    let looks: Vec<Look> = snapshot.subsystems.iter().map(|view| look::of(now, &snapshot, view)).collect();
    let count = |wanted: &[Look]| looks.iter().filter(|l| wanted.contains(l)).count();
    Json(Status {
        at: at(snapshot.at),
        version: state.site.version,
        subsystems: looks.len(),
        up: count(&[Look::Up]),
        degraded: count(&[Look::Degraded]),
        down: count(&[Look::Down]),
        unknown: count(&[Look::Unknown, Look::Absent]),
        outside_hours: count(&[Look::Closed]),
        in_maintenance: count(&[Look::Maintenance]),
        incidents_open: snapshot.incidents.iter().filter(|i| i.until.is_none()).count(),
        store_failed: snapshot.store_failed,
        evidence: snapshot.evidence.as_ref().map(|e| HeadDto { day: e.day.clone(), head: e.head.clone() }),
        reload_refused: snapshot.reload_refused.is_some(),
        reload_problems: snapshot.reload_refused.as_ref().filter(|_| viewer.is_inside()).map(ToString::to_string),
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct OwnerFilter {
    /// Only what belongs to this owner.
    owner: Option<String>,
}

/// `GET /api/v1/subsystems?owner=`.
pub(in crate::web) async fn subsystems(
    State(state): State<WebState>,
    Query(filter): Query<OwnerFilter>,
) -> Json<Vec<SubsystemDto>> {
    let snapshot = state.picture();
    let wanted = |id: &SubsystemId| filter.owner.as_ref().is_none_or(|o| *o == id.owner().as_str());
    let views = snapshot.subsystems.iter().filter(|view| wanted(&view.id));
    Json(views.filter_map(|v| Some(SubsystemDto::of(snapshot.inventory.subsystems.get(&v.id)?, v))).collect())
}

/// A subsystem with what belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct SubsystemDetail {
    #[serde(flatten)]
    subsystem: SubsystemDto,
    probes: Vec<ProbeDto>,
    depends_on: Vec<String>,
    dependants: Vec<String>,
    windows: Vec<WindowDto>,
    accounts: Vec<AccountDto>,
    /// Of a public one: how inspectors would find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inspection: Option<InspectionDto>,
}

/// `GET /api/v1/subsystems/{owner}/{id}`.
pub(in crate::web) async fn subsystem(
    viewer: Viewer,
    State(state): State<WebState>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Json<SubsystemDetail>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let (subsystem, view) = find(&snapshot, &owner, &name)?;
    let probe = |view: &ProbeView| {
        let plan = snapshot.inventory.probes.get(&view.id)?;
        let last = state.board.slot(&view.id).and_then(|slot| slot.read().last);
        Some(ProbeDto::of(viewer, plan, view, last.as_deref()))
    };
    let dependants = snapshot.inventory.dependants.get(&subsystem.id);
    let target_ppm = snapshot.inventory.objectives.get(&subsystem.objective).map_or(0, |o| o.target_ppm);
    let figures = figures::Reader::new(now, &snapshot).subsystem(view);
    let in_scope = |w: &&WindowView| w.scope.contains(&subsystem.id);
    Ok(Json(SubsystemDetail {
        subsystem: SubsystemDto::of(subsystem, view),
        probes: view.probes.iter().filter_map(probe).collect(),
        depends_on: subsystem.depends_on.iter().flat_map(Dependency::members).map(ToString::to_string).collect(),
        dependants: dependants.into_iter().flatten().map(ToString::to_string).collect(),
        windows: snapshot.windows.iter().filter(in_scope).map(|w| WindowDto::of(viewer, w)).collect(),
        accounts: figures.accounts().map(|(period, a)| AccountDto::of(period, target_ppm, a)).collect(),
        inspection: inspection::of(&state, subsystem).map(Into::into),
    }))
}

/// The kept attempts of one probe.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct Attempts {
    probe: String,
    attempts: Vec<AttemptDto>,
}

/// `GET /api/v1/subsystems/{owner}/{id}/attempts`: of each probe the kept ones, the newest first.
pub(in crate::web) async fn attempts(
    viewer: Viewer,
    State(state): State<WebState>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Json<Vec<Attempts>>, Problem> {
    let snapshot = state.picture();
    let (_, view) = find(&snapshot, &owner, &name)?;
    let of_probe = |probe: &ProbeView| Attempts {
        probe: probe.id.to_string(),
        attempts: state
            .board
            .slot(&probe.id)
            .map(|slot| slot.attempts().iter().map(|report| AttemptDto::of(viewer, report)).collect())
            .unwrap_or_default(),
    };
    Ok(Json(view.probes.iter().map(of_probe).collect()))
}

fn find<'a>(snapshot: &'a Snapshot, owner: &str, name: &str) -> Result<(&'a Subsystem, &'a SubsystemView), Problem> {
    let id = SubsystemId::new(format!("{owner}/{name}"));
    let found = snapshot.inventory.subsystems.get(&id).zip(snapshot.subsystem(&id));
    let missing = || Problem::not_found(format!("no subsystem is called {:?}; see /api/v1/subsystems", id.as_str()));
    found.map(|(subsystem, view)| (subsystem, &**view)).ok_or_else(missing)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Between {
    /// From when on: RFC 3339, or a local civil time like `2026-12-19T23:00`.
    from: Option<String>,
    /// Until when, likewise.
    to: Option<String>,
}

impl Between {
    /// The span that is asked for, between the two defaults.
    fn span(&self, zone: &civil::Zone, otherwise: Span) -> Result<Span, Problem> {
        let instant = |text: &Option<String>, default| match text {
            Some(text) => query::instant(text, zone).map_err(Problem::bad_request),
            None => Ok(default),
        };
        let span = Span::new(instant(&self.from, otherwise.start)?, instant(&self.to, otherwise.end)?);
        if span.is_empty() { Err(Problem::bad_request("from must lie before to")) } else { Ok(span) }
    }
}

/// What the probes saw, without gaps.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct TimelineDto {
    subsystem: String,
    from: Rfc3339,
    to: Rfc3339,
    spans: Vec<SpanDto>,
    maintenance: Vec<UsedDto>,
    /// What people said afterwards; the spans are what the probes saw.
    corrections: Vec<CorrectionDto>,
}

/// How it was for a while, the end not in it.
#[derive(Debug, Serialize, JsonSchema)]
struct SpanDto {
    from: Rfc3339,
    to: Rfc3339,
    #[schemars(extend("enum" = timeline::Health::ALL.map(timeline::Health::as_str)))]
    state: &'static str,
}

/// How a window was used.
#[derive(Debug, Serialize, JsonSchema)]
struct UsedDto {
    window: String,
    from: Rfc3339,
    to: Rfc3339,
    approved_end: Rfc3339,
    /// `valid`, `emergency` or `violation`.
    standing: &'static str,
}

/// `GET /api/v1/subsystems/{owner}/{id}/timeline?from&to`; the last 24 hours without them.
pub(in crate::web) async fn timeline(
    viewer: Viewer,
    State(state): State<WebState>,
    Path((owner, name)): Path<(String, String)>,
    Query(between): Query<Between>,
) -> Result<Json<TimelineDto>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let (_, view) = find(&snapshot, &owner, &name)?;
    let asked = between.span(&snapshot.inventory.zone, Span::new(now - DAY, now))?;
    // What lies ahead is not seen yet.
    let within = Span::new(asked.start, asked.end.min(now));
    let spans = view.timeline.spans(within);
    let used = view.windows.iter().filter(|w| Span::new(w.approved.start, w.restored).overlaps(within));
    Ok(Json(TimelineDto {
        subsystem: view.id.to_string(),
        from: at(within.start),
        to: at(within.end),
        spans: spans.map(|(s, h)| SpanDto { from: at(s.start), to: at(s.end), state: h.as_str() }).collect(),
        maintenance: used
            .map(|w| UsedDto {
                window: w.window.to_string(),
                from: at(w.approved.start),
                to: at(w.restored.min(now)),
                approved_end: at(w.approved.end),
                standing: w.standing.as_str(),
            })
            .collect(),
        corrections: CorrectionDto::all(viewer, view, within),
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct IncidentFilter {
    /// `open` or `closed`; all of them without it.
    state: Option<String>,
}

/// `GET /api/v1/incidents?state=open|closed`.
pub(in crate::web) async fn incidents(
    viewer: Viewer,
    State(state): State<WebState>,
    Query(filter): Query<IncidentFilter>,
) -> Result<Json<Vec<IncidentDto>>, Problem> {
    let wanted: fn(&&IncidentView) -> bool = match filter.state.as_deref() {
        None => |_| true,
        Some("open") => |i| i.until.is_none(),
        Some("closed") => |i| i.until.is_some(),
        Some(other) => return Err(Problem::bad_request(format!("state is open or closed, not {other:?}"))),
    };
    let snapshot = state.picture();
    Ok(Json(snapshot.incidents.iter().filter(wanted).map(|i| IncidentDto::of(viewer, i)).collect()))
}

/// `GET /api/v1/incidents/{id}`.
pub(in crate::web) async fn incident(
    viewer: Viewer,
    State(state): State<WebState>,
    Path(id): Path<String>,
) -> Result<Json<IncidentDto>, Problem> {
    let snapshot = state.picture();
    let found = incident_number(&id).and_then(|n| snapshot.incidents.iter().find(|i| i.id == n));
    match found {
        Some(incident) => Ok(Json(IncidentDto::of(viewer, incident))),
        None => Err(Problem::not_found(format!("no incident is called {id:?} among the last 1000"))),
    }
}

/// `INC-0042` or `42`.
pub(in crate::web) fn incident_number(text: &str) -> Option<IncidentId> {
    text.strip_prefix("INC-").unwrap_or(text).parse().ok().map(IncidentId)
}

/// `GET /api/v1/windows?from&to`; from yesterday on without them.
pub(in crate::web) async fn windows(
    viewer: Viewer,
    State(state): State<WebState>,
    Query(between): Query<Between>,
    Query(filter): Query<OwnerFilter>,
) -> Result<Json<Vec<WindowDto>>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let within = between.span(&snapshot.inventory.zone, Span::new(now - DAY, now + 400 * DAY))?;
    let owned = |w: &&WindowView| filter.owner.as_ref().is_none_or(|o| *o == w.owner.as_str());
    let windows = snapshot.windows.iter().filter(|w| w.span.overlaps(within)).filter(owned);
    Ok(Json(windows.map(|w| WindowDto::of(viewer, w)).collect()))
}

/// `GET /api/v1/windows/{id}/impact`.
pub(in crate::web) async fn impact(
    State(state): State<WebState>,
    Path(id): Path<String>,
) -> Result<Json<ImpactDto>, Problem> {
    let snapshot = state.picture();
    let found = snapshot.windows.iter().find(|w| w.id.as_str() == id);
    let window = found.ok_or_else(|| Problem::not_found(format!("no window is called {id:?}")))?;
    Ok(Json(crate::domain::impact::impact(&snapshot.inventory, &window.scope).into()))
}

/// What waits, what was given up, and what left lately.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct OutboxDto {
    pending: u64,
    oldest: Option<Rfc3339>,
    dead_letters: u64,
    messages: Vec<MessageDto>,
}

/// One mail to one recipient.
#[derive(Debug, Serialize, JsonSchema)]
struct MessageDto {
    id: String,
    thread: String,
    sequence: u32,
    to: String,
    at: Rfc3339,
    /// `pending`, `sent` or `dead`.
    state: &'static str,
    attempts: u32,
    next_at: Option<Rfc3339>,
    last_error: Option<String>,
}

/// `GET /api/v1/outbox`.
pub(in crate::web) async fn outbox(State(state): State<WebState>) -> Json<OutboxDto> {
    let view = state.outbox.borrow().clone();
    let message = |row: &crate::web::OutboxRow| MessageDto {
        id: row.id.clone(),
        thread: row.thread.clone(),
        sequence: row.sequence,
        to: row.to.clone(),
        at: at(row.at),
        state: row.state,
        attempts: row.attempts,
        next_at: row.next_at.map(at),
        last_error: row.last_error.clone(),
    };
    Json(OutboxDto {
        pending: view.counts.pending,
        oldest: view.counts.oldest.map(at),
        dead_letters: view.counts.dead_letters,
        messages: view.rows.iter().map(message).collect(),
    })
}
