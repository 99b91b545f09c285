//! Runs of plans: `plans/runs`, `plans/runs/{id}`, and orders about them.
//!
//! Not here: whether an order is carried out (`domain::engine`). What steps said may name hosts, so strangers do not
//! see it.

use super::orders::{Answer, give, read, unprocessable};
use crate::domain::access::Caller;
use crate::domain::order::{Order, RunWish, Wanted};
use crate::domain::plan::{Resolution, RunState};
use crate::domain::{Names, RunId, RunView, StepId, WindowId};
use crate::web::dto::{Rfc3339, at};
use crate::web::extract::Path;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step of it, done or to be done.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct StepDto {
    id: String,
    kind: String,
    wave: u32,
    state: &'static str,
    undo: &'static str,
    attempts: u32,
    note: String,
}

/// A run of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct RunDto {
    id: String,
    plan: String,
    plan_digest: String,
    owner: String,
    window: String,
    #[schemars(extend("enum" = RunState::ALL.map(RunState::as_str)))]
    state: &'static str,
    why: Option<Names>,
    parked_at: Option<String>,
    started: Rfc3339,
    ended: Option<Rfc3339>,
    started_by: String,
    epoch: u32,
    point_of_no_return: Rfc3339,
    drained: Vec<String>,
    steps: Vec<StepDto>,
}

impl From<&RunView> for RunDto {
    fn from(run: &RunView) -> Self {
        let steps = run.steps.iter().map(|step| StepDto {
            id: step.id.to_string(),
            kind: step.kind.clone(),
            wave: step.wave,
            state: step.state,
            undo: step.undo,
            attempts: step.attempts,
            note: step.note.clone(),
        });
        Self {
            id: run.id.to_string(),
            plan: run.plan.to_string(),
            plan_digest: run.digest.clone(),
            owner: run.owner.to_string(),
            window: run.window.to_string(),
            state: run.state.as_str(),
            why: run.why.clone(),
            parked_at: run.parked_at.as_ref().map(ToString::to_string),
            started: at(run.started),
            ended: run.ended.map(at),
            started_by: run.by.clone(),
            epoch: run.epoch,
            point_of_no_return: at(run.point_of_no_return),
            drained: run.drained.clone(),
            steps: steps.collect(),
        }
    }
}

/// Which plan begins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunWanted")]
pub(super) struct StartBody {
    /// A window that runs and has a plan.
    #[schemars(with = "String")]
    window: WindowId,
    /// Why, for the audit log.
    reason: String,
}

/// An order, by the last word of the path.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunOrder")]
pub(super) struct ActionBody {
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
    /// `resume`: `done` or `again`.
    verdict: Option<Resolution>,
    /// `approve`: which step.
    #[schemars(with = "Option<String>")]
    step: Option<StepId>,
}

/// `GET /api/v1/plans/runs`, newest first.
pub(in crate::web) async fn runs(State(state): State<WebState>) -> Json<Vec<RunDto>> {
    Json(state.picture().runs.iter().map(RunDto::from).collect())
}

/// `GET /api/v1/plans/runs/{id}`.
pub(in crate::web) async fn run(
    State(state): State<WebState>,
    Path(id): Path<String>,
) -> Result<Json<RunDto>, Problem> {
    let picture = state.picture();
    let found = picture.runs.iter().find(|run| run.id.as_str() == id);
    found.map(|run| Json(run.into())).ok_or_else(|| Problem::not_found(format!("no run is called {id:?}")))
}

/// `POST /api/v1/plans/runs`: begins the plan of a window that runs.
pub(in crate::web) async fn start(caller: Caller, reads: Reads, State(state): State<WebState>, body: Bytes) -> Answer {
    let StartBody { window, reason } = read(&body)?;
    let what = Wanted::Run(RunWish::Start(window));
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await
}

/// `POST /api/v1/plans/runs/{id}/{action}`.
pub(in crate::web) async fn act(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let ActionBody { reason, verdict, step } = if body.is_empty() { ActionBody::default() } else { read(&body)? };
    let run = RunId::new(id);
    let wish = match (action.as_str(), verdict, step) {
        ("abort", None, None) => RunWish::Abort(run),
        ("resume", Some(verdict), None) => RunWish::Resume(run, verdict),
        ("approve", None, Some(step)) => RunWish::Approve(run, step),
        ("abort", ..) => return Err(unprocessable("`abort` takes a `reason` alone".to_owned())),
        ("resume", ..) => return Err(unprocessable("`resume` needs `verdict`: `done` or `again`".to_owned())),
        ("approve", ..) => return Err(unprocessable("`approve` needs `step`".to_owned())),
        (other, ..) => {
            return Err(Problem::not_found(format!("a run cannot {other:?}; it can abort, resume or approve")));
        }
    };
    give(&state, reads, Order { by: caller, reason, what: Wanted::Run(wish) }, StatusCode::OK).await
}
