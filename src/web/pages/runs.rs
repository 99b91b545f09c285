//! `/maintenance/runs` and `/maintenance/runs/{id}`: what plans did, step by step and moment by moment.
//!
//! Not here: orders about runs (`api::plans`). Invariant: what steps said, what is drained and who ordered it may name
//! hosts, commands and people, so strangers see only that it happened.

use super::{Asked, Frame, missing, show};
use crate::domain::plan::{End, Logged, RunFact, RunState};
use crate::domain::*;
use crate::web::format;
use crate::web::look::Look;
use crate::web::text::RunMoment;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

/// Rows of the list.
const ROWS_MAX: usize = 200;

/// Figures of a plan's hash that are shown.
const DIGEST_SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "web/templates/runs.html")]
struct List {
    f: Frame,
    sentence: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "web/templates/run.html")]
struct Page {
    f: Frame,
    r: Row,
    why: String,
    window: String,
    by: String,
    epoch: u32,
    no_return: String,
    digest: String,
    kept_out: String,
    is_public: bool,
    steps: Vec<Step>,
    course: Vec<Moment>,
}

struct Row {
    href: String,
    id: String,
    name: String,
    owner: String,
    look: Look,
    state: &'static str,
    started: String,
    ended: String,
    lasted: String,
    done: String,
}

struct Step {
    id: String,
    kind: String,
    wave: u32,
    look: Option<Look>,
    state: &'static str,
    /// Empty as long as nothing is undone.
    undo: &'static str,
    attempts: u32,
    note: String,
}

/// One line of what happened.
struct Moment {
    at: String,
    step: String,
    look: Option<Look>,
    what: String,
    evidence: String,
    who: String,
}

/// Where the page of a run is.
pub(super) fn href(id: &RunId) -> String {
    format!("/maintenance/runs/{id}")
}

fn look(state: RunState) -> Look {
    match state {
        RunState::Running => Look::Maintenance,
        RunState::Parked | RunState::Aborting => Look::Degraded,
        RunState::Done => Look::Up,
        RunState::Undone => Look::Closed,
        RunState::Broken => Look::Down,
    }
}

fn row(asked: &Asked, run: &RunView) -> Row {
    let done = run.steps.iter().filter(|step| step.state == "done").count();
    Row {
        href: href(&run.id),
        id: run.id.to_string(),
        name: run.name.get(asked.language).to_owned(),
        owner: asked.owner_name(&run.owner),
        look: look(run.state),
        state: asked.t.run_state(run.state),
        started: asked.moment_s(run.started),
        ended: run.ended.map(|at| asked.moment_s(at)).unwrap_or_default(),
        lasted: asked.length(run.ended.unwrap_or(asked.now).since(run.started)),
        done: format!("{done}/{}", run.steps.len()),
    }
}

/// `GET /maintenance/runs`, newest first.
pub(super) async fn list(asked: Asked) -> Response {
    let runs = &asked.snapshot.runs;
    let live = runs.iter().filter(|run| run.ended.is_none()).count();
    let sentence = match asked.language {
        Language::Zh => format!("{live} 个进行中，共 {} 个", runs.len()),
        Language::En => format!("{live} at work, {} in all", runs.len()),
    };
    let rows = runs.iter().take(ROWS_MAX).map(|run| row(&asked, run)).collect();
    show(&asked, StatusCode::OK, &List { f: asked.frame("maintenance", asked.t.runs), sentence, rows })
}

/// `GET /maintenance/runs/{id}`.
pub(super) async fn page(asked: Asked, Path(id): Path<String>) -> Response {
    let Some(run) = asked.snapshot.runs.iter().find(|run| run.id.as_str() == id) else { return missing(&asked) };
    let inside = asked.viewer.is_inside();
    let told = |text: String| if inside { text } else { String::new() };
    let sep = if asked.language == Language::En { ", " } else { "、" };
    let kept_out = match (run.drained.len(), inside) {
        (_, true) => run.drained.join(sep),
        (0, false) => String::new(),
        (n, false) => n.to_string(),
    };
    let r = row(&asked, run);
    let page = Page {
        f: asked.frame("maintenance", format!("{} · {}", asked.t.run, r.name)),
        r,
        why: told(run.why.as_ref().map(|why| why.get(asked.language).to_owned()).unwrap_or_default()),
        window: run.window.to_string(),
        by: told(run.by.clone()),
        epoch: run.epoch,
        no_return: asked.moment_s(run.point_of_no_return),
        digest: run.digest.chars().take(DIGEST_SHOWN).collect(),
        kept_out,
        is_public: !inside,
        steps: run.steps.iter().map(|step| step_of(&asked, step, inside)).collect(),
        course: run.log.iter().map(|logged| moment(&asked, logged, inside)).collect(),
    };
    show(&asked, StatusCode::OK, &page)
}

fn step_of(asked: &Asked, step: &StepView, inside: bool) -> Step {
    Step {
        id: step.id.to_string(),
        kind: step.kind.clone(),
        wave: step.wave,
        look: match step.state {
            "done" => Some(Look::Up),
            "running" => Some(Look::Maintenance),
            "failed" | "given_up" => Some(Look::Down),
            "unknown" => Some(Look::Unknown),
            _ => None,
        },
        state: asked.t.step_state(step.state),
        undo: if step.undo == "waiting" { "" } else { asked.t.step_state(step.undo) },
        attempts: step.attempts,
        note: if inside { step.note.clone() } else { String::new() },
    }
}

fn moment(asked: &Asked, Logged { at, fact }: &Logged, inside: bool) -> Moment {
    let t = asked.t;
    let said = |names: &Names| names.get(asked.language).to_owned();
    let nth = |n: u32| match (n, asked.language) {
        (1, _) => String::new(),
        (n, Language::Zh) => format!("（第 {n} 次）"),
        (n, Language::En) => format!(" (try {n})"),
    };
    let other = |moment| t.moment(moment).to_owned();
    let (step, look, what, evidence, who) = match fact {
        RunFact::Started { by, .. } => (None, None, String::new(), String::new(), by.as_str()),
        RunFact::Leased { epoch } => {
            (None, None, format!("{} #{epoch}", t.moment(RunMoment::Leased)), String::new(), "")
        }
        RunFact::Moved { span } => {
            let range = format::range(asked.now, asked.language, asked.zone(), *span);
            (None, None, format!("{}: {range}", t.moment(RunMoment::Moved)), String::new(), "")
        }
        RunFact::Intended { deed, step, attempt, .. } => {
            (Some(step), None, format!("{}{}", t.intent(*deed), nth(*attempt)), String::new(), "")
        }
        RunFact::Finished { deed, step, end } => {
            (Some(step), look_of(end), t.result(*deed, end).to_owned(), note(end).to_owned(), "")
        }
        RunFact::Approved { step, by } => (Some(step), None, other(RunMoment::Approved), String::new(), by.as_str()),
        RunFact::Parked { step, why } => (Some(step), Some(Look::Degraded), other(RunMoment::Parked), said(why), ""),
        RunFact::Resumed { verdict, by } => (None, None, t.verdict_of(*verdict).to_owned(), String::new(), by.as_str()),
        RunFact::Aborting { why, by } => {
            (None, Some(Look::Degraded), other(RunMoment::Aborting), said(why), by.as_str())
        }
        RunFact::Ended { how } => (None, None, t.ending(*how).to_owned(), String::new(), ""),
    };
    let (evidence, who) = if inside { (evidence, who.to_owned()) } else { Default::default() };
    let step = step.map(ToString::to_string).unwrap_or_default();
    Moment { at: asked.moment_s(*at), step, look, what, evidence, who }
}

fn look_of(end: &End) -> Option<Look> {
    match end {
        End::Done { .. } => Some(Look::Up),
        End::Failed { .. } | End::GivenUp { .. } => Some(Look::Down),
        End::Unknown { .. } => Some(Look::Unknown),
        End::Withheld { .. } | End::Saw { .. } => None,
    }
}

fn note(end: &End) -> &str {
    match end {
        End::Done { note }
        | End::Failed { note }
        | End::Unknown { note }
        | End::Withheld { note }
        | End::Saw { note, .. }
        | End::GivenUp { note } => note,
    }
}
