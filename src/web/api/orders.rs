//! Orders about windows: `POST windows`, `windows/override`, `windows/{id}/{action}`, `schedules/{id}/approve`.
//!
//! Not here: whether an order is carried out (`domain::engine`). Every body is JSON; unknown keys are errors. Invariant:
//! the answer follows once the order is stored.

use crate::domain::access::Caller;
use crate::domain::civil::Zone;
use crate::domain::order::{Action, NotOrdered, Order, Ordered, Request, Wanted, WhyNot};
use crate::domain::*;
use crate::web::dto::{Rfc3339, at};
use crate::web::extract::Path;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest body of an order.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Longest name or notice, in characters.
const TEXT_MAX: usize = 2_000;

/// A text in both languages, or one for both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "OneOrBoth")]
enum Text {
    One(String),
    Two { zh: String, en: String },
}

impl Text {
    fn names(self) -> Result<Names, Problem> {
        let names = match self {
            Self::One(text) => Names { zh: text.clone(), en: text },
            Self::Two { zh, en } => Names { zh, en },
        };
        let sensible = |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_MAX;
        if sensible(&names.zh) && sensible(&names.en) {
            Ok(names)
        } else {
            Err(unprocessable(format!("a name or notice has 1 to {TEXT_MAX} characters")))
        }
    }
}

/// A window that is in no file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WindowWanted")]
pub(super) struct RequestBody {
    /// Whose window it is.
    #[schemars(with = "String")]
    owner: OwnerId,
    /// What people call it.
    name: Text,
    /// Subsystems, `owner/id`.
    #[schemars(with = "Vec<String>")]
    scope: Vec<SubsystemId>,
    /// RFC 3339, or a local civil time like `2026-12-19T23:00`.
    start: String,
    /// For how long: `40m`, `8h` or `1h30m`.
    #[serde(rename = "for")]
    lasts: String,
    /// What the public is told besides.
    notice: Option<Text>,
    /// A plan of the same owner, which the window carries out.
    #[schemars(with = "Option<String>")]
    plan: Option<PlanId>,
    /// Why, for the audit log.
    reason: String,
}

/// Work that cannot wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EmergencyDeclared")]
pub(super) struct OverrideBody {
    /// Subsystems, `owner/id`.
    #[schemars(with = "Vec<String>")]
    scope: Vec<SubsystemId>,
    /// For how long, from now on: `40m` or `1h30m`, at most a day.
    #[serde(rename = "for")]
    lasts: String,
    /// The number under which the trouble is known.
    ticket: String,
    /// Why, for the audit log.
    reason: String,
}

/// An order, by the last word of the path.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WindowOrder")]
pub(super) struct ActionBody {
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
    /// `move`: the new start.
    to: Option<String>,
    /// `move`: the new length.
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// `shorten`, `extend`: the new approved end.
    end: Option<String>,
}

/// What came of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct OrderedDto {
    /// What the order was about: a window, a schedule, an incident and so on.
    subject: String,
    /// Of a window: where it stands now.
    state: Option<&'static str>,
    start: Option<Rfc3339>,
    end: Option<Rfc3339>,
    /// What was done, and what it waits for.
    text: Names,
}

impl From<Ordered> for OrderedDto {
    fn from(done: Ordered) -> Self {
        Self {
            subject: done.subject,
            state: done.state.map(window::WindowState::as_str),
            start: done.span.map(|s| at(s.start)),
            end: done.span.map(|s| at(s.end)),
            text: done.text,
        }
    }
}

pub(super) type Answer = Result<(StatusCode, Json<OrderedDto>), Problem>;

/// `POST /api/v1/windows`: asks for a window that is in no file.
pub(in crate::web) async fn request(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    body: Bytes,
) -> Answer {
    let RequestBody { owner, name, scope, start, lasts, notice, plan, reason } = read(&body)?;
    let picture = state.picture();
    let span = Span::lasting(instant(&start, &picture.inventory.zone)?, length(&lasts)?);
    let (name, notice) = (name.names()?, notice.map(Text::names).transpose()?);
    let what = Wanted::Request(Request { owner, name, scope, span, notice, plan });
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await
}

/// `POST /api/v1/windows/override`: work that cannot wait.
pub(in crate::web) async fn overrule(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    body: Bytes,
) -> Answer {
    let OverrideBody { scope, lasts, ticket, reason } = read(&body)?;
    let what = Wanted::Override { scope, lasts_ms: length(&lasts)?, ticket };
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await
}

/// `POST /api/v1/windows/{id}/{action}`.
pub(in crate::web) async fn act(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let asked: ActionBody = if body.is_empty() { ActionBody::default() } else { read(&body)? };
    let picture = state.picture();
    let (action, reason) = action_of(&action, asked, &picture.inventory.zone)?;
    let what = Wanted::Window(WindowId::new(id), action);
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::OK).await
}

/// `POST /api/v1/schedules/{id}/approve`: approves a text, and with it all its windows.
pub(in crate::web) async fn approve_text(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let ActionBody { reason, .. } = if body.is_empty() { ActionBody::default() } else { read(&body)? };
    let what = Wanted::ApproveText(ScheduleId::new(id));
    give(&state, reads, Order { by: caller, reason, what }, StatusCode::OK).await
}

fn action_of(word: &str, asked: ActionBody, zone: &Zone) -> Result<(Action, String), Problem> {
    let ActionBody { reason, to, lasts, end } = asked;
    let needed = |text: Option<&String>, key: &str| match text {
        Some(text) => instant(text, zone),
        None => Err(unprocessable(format!("`{word}` needs `{key}`: a time like 2026-12-19T23:00"))),
    };
    let allowed: &[&str] = match word {
        "move" => &["to", "for"],
        "shorten" | "extend" => &["end"],
        _ => &[],
    };
    let given = [("to", to.is_some()), ("for", lasts.is_some()), ("end", end.is_some())];
    if let Some((key, _)) = given.iter().find(|(key, given)| *given && !allowed.contains(key)) {
        return Err(unprocessable(format!("`{word}` does not take `{key}`")));
    }
    let action = match word {
        "approve" => Action::Approve,
        "skip" => Action::Skip,
        "move" => Action::Move { to: needed(to.as_ref(), "to")?, lasts_ms: lasts.as_deref().map(length).transpose()? },
        "shorten" => Action::Shorten { end: needed(end.as_ref(), "end")? },
        "start" => Action::Start,
        "extend" => Action::Extend { end: needed(end.as_ref(), "end")? },
        "finish" => Action::Finish,
        "cancel" => Action::Cancel,
        "abort" => Action::Abort,
        other => {
            let words = "approve, skip, move, shorten, start, extend, finish, cancel or abort";
            return Err(Problem::not_found(format!("a window cannot {other:?}; it can {words}")));
        }
    };
    Ok((action, reason))
}

pub(super) async fn give(state: &WebState, reads: Reads, order: Order, good: StatusCode) -> Answer {
    match state.commands.order(order).await {
        Ok(Ok(done)) => Ok((good, Json(done.into()))),
        Ok(Err(not)) => Err(problem(&not, reads.language)),
        Err(unanswered) => Err(Problem::unavailable(unanswered.to_string())),
    }
}

fn problem(not: &NotOrdered, language: Language) -> Problem {
    let status = match not.kind {
        WhyNot::Unknown => StatusCode::NOT_FOUND,
        WhyNot::Forbidden => StatusCode::FORBIDDEN,
        WhyNot::Senseless | WhyNot::Denied => StatusCode::UNPROCESSABLE_ENTITY,
        WhyNot::Conflict => StatusCode::CONFLICT,
        WhyNot::Unrecorded => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, not.text.get(language)).opens(not.next_open)
}

pub(super) fn unprocessable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

pub(super) fn read<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, Problem> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("an order has at most {BODY_BYTES_MAX} bytes"),
        ));
    }
    serde_json::from_slice(body).map_err(|e| unprocessable(format!("the body is not understood: {e}")))
}

pub(super) fn instant(text: &str, zone: &Zone) -> Result<Timestamp, Problem> {
    query::instant(text, zone).map_err(unprocessable)
}

pub(super) fn length(text: &str) -> Result<Millis, Problem> {
    query::length(text).map_err(unprocessable)
}
