//! `/api/v1/filings`: what may have to be reported to an authority, by when, with the draft, and what people did about it.
//!
//! Not here: whether somebody may say so (`domain::engine`). Invariants: nothing here sends anything to an authority; strangers
//! see none of it, since sheets hold evidence and names.

use super::orders::{self, give, instant, read, unprocessable};
use super::read::incident_number;
use crate::domain::access::Caller;
use crate::domain::filing::{Act, Category, Grade, Outcome, Sheet, draft};
use crate::domain::order::{Order, Wanted};
use crate::domain::{Language, Millis, Names, Symptom, Timestamp};
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

/// One filing.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct FilingDto {
    incident: String,
    subsystem: String,
    name: Names,
    #[schemars(extend("enum" = Symptom::ALL.map(Symptom::as_str)))]
    symptom: &'static str,
    since: Rfc3339,
    until: Option<Rfc3339>,
    /// `running`, `overdue`, `reported`, `reported_late`, `not_due`.
    standing: &'static str,
    #[schemars(extend("enum" = Grade::ALL.map(Grade::as_str)))]
    grade: &'static str,
    /// Nobody while the grade is what thresholds say.
    graded_by: Option<String>,
    #[schemars(extend("enum" = Grade::ALL.map(Grade::as_str)))]
    suggested: &'static str,
    why: Vec<Names>,
    #[schemars(extend("enum" = Category::ALL.map(Category::as_str)))]
    category: &'static str,
    to: Names,
    known: Rfc3339,
    /// Whether a person stated `known`.
    stated: bool,
    deadline: Rfc3339,
    /// Negative once it has passed.
    left_ms: Millis,
    reported: Option<ReportedDto>,
    acts: Vec<ActDto>,
    /// The report to complete; in the answer about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<Names>,
}

/// That it was sent, and to whom.
#[derive(Debug, Serialize, JsonSchema)]
struct ReportedDto {
    at: Rfc3339,
    to: String,
    by: String,
}

/// What a person did about a filing.
#[derive(Debug, Serialize, JsonSchema)]
struct ActDto {
    at: Rfc3339,
    by: String,
    act: &'static str,
    text: String,
}

impl FilingDto {
    fn of(now: Timestamp, sheet: &Sheet) -> Self {
        let deadline = sheet.clock().deadline();
        Self {
            incident: sheet.incident.to_string(),
            subsystem: sheet.subsystem.to_string(),
            name: sheet.name.clone(),
            symptom: sheet.symptom.as_str(),
            since: at(sheet.since),
            until: sheet.until.map(at),
            standing: sheet.standing(now),
            grade: sheet.grade.as_str(),
            graded_by: sheet.graded_by.clone(),
            suggested: sheet.suggested.as_str(),
            why: sheet.why.clone(),
            category: sheet.duty.category.as_str(),
            to: sheet.duty.to.clone(),
            known: at(sheet.known),
            stated: sheet.stated,
            deadline: at(deadline),
            left_ms: deadline.since(now),
            reported: match &sheet.outcome {
                Some(Outcome::Reported { at: sent, to, by }) => {
                    Some(ReportedDto { at: at(*sent), to: to.clone(), by: by.clone() })
                }
                _ => None,
            },
            acts: sheet
                .acts
                .iter()
                .map(|said| ActDto {
                    at: at(said.at),
                    by: said.by.name.clone(),
                    act: said.act.as_str(),
                    text: said.text.clone(),
                })
                .collect(),
            draft: None,
        }
    }
}

/// `GET /api/v1/filings`: those that somebody has to act on first, then newest first.
pub(in crate::web) async fn list(State(state): State<WebState>) -> Json<Vec<FilingDto>> {
    let (now, picture) = (state.now(), state.picture());
    Json(picture.filings.iter().map(|sheet| FilingDto::of(now, sheet)).collect())
}

/// `GET /api/v1/filings/{incident}`: one, with its draft.
pub(in crate::web) async fn one(
    State(state): State<WebState>,
    Path(id): Path<String>,
) -> Result<Json<FilingDto>, Problem> {
    let (now, picture) = (state.now(), state.picture());
    let found = incident_number(&id).and_then(|n| picture.filings.iter().find(|sheet| sheet.incident == n));
    let Some(sheet) = found else {
        return Err(Problem::not_found(format!("nothing has to be reported about {id:?}, as far as we know")));
    };
    let text = |language| draft(sheet, &picture.inventory.zone, language, now);
    let draft = Some(Names { zh: text(Language::Zh), en: text(Language::En) });
    Ok(Json(FilingDto { draft, ..FilingDto::of(now, sheet) }))
}

/// What a person did, by the last word of the path.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FilingAct")]
pub(super) struct Body {
    /// `grade`: `ordinary`, `considerable`, `serious` or `especially_serious`.
    grade: Option<String>,
    /// `known` and `reported`: when; for `reported` now without it.
    at: Option<String>,
    /// `reported`: to whom.
    to: Option<String>,
    /// Why, for the audit log; `reported` may leave it out.
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/filings/{incident}/{grade|known|reported|dismiss}`.
pub(in crate::web) async fn act(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path((id, word)): Path<(String, String)>,
    body: Bytes,
) -> orders::Answer {
    let Some(incident) = incident_number(&id) else {
        return Err(Problem::not_found(format!("{id:?} is no number of an incident; they look like INC-0042")));
    };
    let asked: Body = if body.is_empty() { Body::default() } else { read(&body)? };
    let (act, reason) = act_of(&state, &word, asked)?;
    give(&state, reads, Order { by: caller, reason, what: Wanted::Filing(incident, act) }, StatusCode::OK).await
}

fn act_of(state: &WebState, word: &str, asked: Body) -> Result<(Act, String), Problem> {
    let Body { grade, at, to, reason } = asked;
    let allowed: &[&str] = match word {
        "grade" => &["grade"],
        "known" => &["at"],
        "reported" => &["at", "to"],
        _ => &[],
    };
    let given = [("grade", grade.is_some()), ("at", at.is_some()), ("to", to.is_some())];
    if let Some((key, _)) = given.iter().find(|(key, given)| *given && !allowed.contains(key)) {
        return Err(unprocessable(format!("`{word}` does not take `{key}`")));
    }
    let picture = state.picture();
    let when = at.as_deref().map(|text| instant(text, &picture.inventory.zone)).transpose()?;
    let act = match word {
        "grade" => Act::Graded { grade: grade_of(grade.as_deref().unwrap_or_default())? },
        "known" => {
            let at =
                when.ok_or_else(|| unprocessable("`known` needs `at`: a time like 2026-12-19T09:10".to_owned()))?;
            Act::Known { at }
        }
        "reported" => Act::Reported { at: when.unwrap_or_else(|| state.now()), to: to.unwrap_or_default() },
        "dismiss" => Act::Dismissed,
        other => {
            let words = "grade, known, reported or dismiss";
            return Err(Problem::not_found(format!("about a filing one says {words}, not {other:?}")));
        }
    };
    Ok((act, reason))
}

/// The grade with this word.
fn grade_of(word: &str) -> Result<Grade, Problem> {
    let words = Grade::ALL.map(Grade::as_str).join(", ");
    Grade::named(word).ok_or_else(|| unprocessable(format!("`grade` is one of {words}, not {word:?}")))
}
