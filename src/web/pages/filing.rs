//! `/incidents/{id}/filing`: the clock of a report to an authority, the draft to copy, and forms for what people did about it.
//!
//! Not here: whether an act is taken (`domain::engine`). Invariants: the page sends nothing to an authority; it is not replaced
//! while somebody copies or types.

use super::{Asked, Frame, missing, show};
use crate::domain::access::{Caller, Scope};
use crate::domain::filing::{Act, Grade, Outcome, Said, Sheet, draft};
use crate::domain::order::{Order, Wanted};
use crate::domain::{IncidentId, Language};
use crate::web::api::read::incident_number;
use crate::web::query;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "web/templates/filing.html")]
struct Page {
    f: Frame,
    /// `INC-0042`.
    id: String,
    name: String,
    symptom: &'static str,
    /// Where it stands, in a sentence.
    sentence: String,
    is_late: bool,
    /// Name and value.
    facts: Vec<(&'static str, String)>,
    why: Vec<String>,
    /// In the reader's language, then in the other.
    drafts: [(&'static str, String); 2],
    /// Who did what.
    acts: Vec<(String, String, String)>,
    /// Where the forms go, for whoever may say something.
    action: String,
    /// Word, name, and whether it holds.
    grades: Vec<(&'static str, &'static str, bool)>,
    to: String,
    /// What was wrong with the last order.
    refused: String,
}

/// `GET /incidents/{id}/filing`.
pub(super) async fn page(asked: Asked, Path(id): Path<String>) -> Response {
    shown(&asked, &id, StatusCode::OK, String::new())
}

/// One line about an incident's filing, for whoever sees it: the sentence, whether it is late, and the address.
pub(super) fn line(asked: &Asked, incident: IncidentId) -> Option<(String, bool, String)> {
    let sheet = find(asked, incident).filter(|_| asked.viewer.is_inside())?;
    let href = format!("/incidents/{incident}/filing{}", asked.frame("", "").q);
    Some((sentence(asked, sheet), sheet.standing(asked.now) == "overdue", href))
}

/// What somebody has to act on, at most `most`, for whoever sees it: words and address.
pub(super) fn open(asked: &Asked, most: usize) -> Vec<(String, String)> {
    let open = asked.snapshot.filings.iter().filter(|sheet| sheet.is_open() && asked.viewer.is_inside());
    let words = |sheet: &Sheet| {
        let name = sheet.name.get(asked.language);
        format!("{} {name} · {} · {}", sheet.incident, asked.t.filing, sentence(asked, sheet))
    };
    let q = asked.frame("", "").q;
    open.take(most).map(|sheet| (words(sheet), format!("/incidents/{}/filing{q}", sheet.incident))).collect()
}

fn find(asked: &Asked, incident: IncidentId) -> Option<&Sheet> {
    asked.snapshot.filings.iter().find(|sheet| sheet.incident == incident)
}

fn shown(asked: &Asked, id: &str, status: StatusCode, refused: String) -> Response {
    let Some(sheet) = incident_number(id).and_then(|n| find(asked, n)) else { return missing(asked) };
    let mut f = asked.frame("incidents", sheet.incident.to_string());
    f.is_still = true;
    let text = |language| draft(sheet, asked.zone(), language, asked.now);
    let drafts = [("中文", text(Language::Zh)), ("English", text(Language::En))];
    let may = asked.asker.caller().is_some_and(|caller| caller.may(&Scope::Operate));
    let page = Page {
        id: sheet.incident.to_string(),
        name: sheet.name.get(asked.language).to_owned(),
        symptom: asked.t.symptom(sheet.symptom),
        sentence: sentence(asked, sheet),
        is_late: sheet.standing(asked.now) == "overdue",
        facts: facts(asked, sheet),
        why: sheet.why.iter().map(|why| why.get(asked.language).to_owned()).collect(),
        drafts,
        acts: sheet.acts.iter().map(|said| told(asked, said)).collect(),
        action: if may { format!("/incidents/{}/filing{}", sheet.incident, f.q) } else { String::new() },
        grades: Grade::ALL.map(|g| (g.as_str(), g.text(asked.language), g == sheet.grade)).into(),
        to: sheet.duty.to.get(asked.language).to_owned(),
        refused,
        f,
    };
    show(asked, status, &page)
}

/// Where it stands, and how long is left.
fn sentence(asked: &Asked, sheet: &Sheet) -> String {
    let deadline = sheet.clock().deadline();
    let (by, left) = (asked.moment(deadline), deadline.since(asked.now));
    let grade = sheet.grade.text(asked.language);
    match (&sheet.outcome, asked.language) {
        (Some(Outcome::Reported { at, to, .. }), Language::Zh) => format!("已于 {} 报送{to}", asked.moment(*at)),
        (Some(Outcome::Reported { at, to, .. }), Language::En) => format!("reported to {to} at {}", asked.moment(*at)),
        (Some(Outcome::NotDue { by, .. }), Language::Zh) => format!("{by} 判定无须上报"),
        (Some(Outcome::NotDue { by, .. }), Language::En) => format!("{by} judges that no report is due"),
        (None, Language::Zh) if !sheet.grade.is_reportable() => "尚未研判级别".to_owned(),
        (None, Language::En) if !sheet.grade.is_reportable() => "nobody has graded it yet".to_owned(),
        (None, Language::Zh) if left < 0 => format!("“{grade}”，上报时限 {by} 已过 {}", asked.length(-left)),
        (None, Language::En) if left < 0 => {
            format!("{grade}: report overdue by {}, it was due {by}", asked.length(-left))
        }
        (None, Language::Zh) => format!("“{grade}”，须于 {by} 前上报，剩余 {}", asked.length(left)),
        (None, Language::En) => format!("{grade}: report by {by}, {} left", asked.length(left)),
    }
}

fn facts(asked: &Asked, sheet: &Sheet) -> Vec<(&'static str, String)> {
    let pick = |zh, en| if asked.language == Language::Zh { zh } else { en };
    let graded = match &sheet.graded_by {
        Some(by) => format!("{} · {by}", sheet.grade.text(asked.language)),
        None => format!("{} · {}", sheet.grade.text(asked.language), pick("按阈值建议", "suggested")),
    };
    let stated = if sheet.stated { pick(" · 人工填报", " · stated") } else { "" };
    vec![
        (pick("级别", "Grade"), graded),
        (pick("运营者类别", "Sort of operator"), sheet.duty.category.text(asked.language).to_owned()),
        (pick("报送", "Report to"), sheet.duty.to.get(asked.language).to_owned()),
        (pick("获知", "Known since"), format!("{}{stated}", asked.moment(sheet.known))),
        (pick("时限", "Report by"), asked.moment(sheet.clock().deadline())),
    ]
}

fn told(asked: &Asked, said: &Said) -> (String, String, String) {
    let zh = asked.language == Language::Zh;
    let what = match &said.act {
        Act::Graded { grade } if zh => format!("研判为{}", grade.text(Language::Zh)),
        Act::Graded { grade } => format!("graded {}", grade.text(Language::En)),
        Act::Known { at } if zh => format!("获知时间改为 {}", asked.moment(*at)),
        Act::Known { at } => format!("known since {}", asked.moment(*at)),
        Act::Reported { at, to } if zh => format!("{} 报送{to}", asked.moment(*at)),
        Act::Reported { at, to } => format!("reported to {to} at {}", asked.moment(*at)),
        Act::Dismissed if zh => "判定无须上报".to_owned(),
        Act::Dismissed => "no report is due".to_owned(),
    };
    (
        asked.moment(said.at),
        said.by.name.clone(),
        if said.text.is_empty() { what } else { format!("{what} · {}", said.text) },
    )
}

/// What the forms send.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    /// `grade`, `known`, `reported` or `dismiss`.
    act: String,
    #[serde(default)]
    grade: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    reason: String,
}

/// `POST /incidents/{id}/filing`: whoever is signed in says what was done, and is led back.
pub(super) async fn say(
    asked: Asked,
    caller: Caller,
    State(state): State<WebState>,
    Path(id): Path<String>,
    axum::Form(form): axum::Form<Form>,
) -> Response {
    let Some(incident) = incident_number(&id).filter(|n| find(&asked, *n).is_some()) else { return missing(&asked) };
    let reason = form.reason.clone();
    let act = match act_of(&asked, form) {
        Ok(act) => act,
        Err(why) => return shown(&asked, &id, StatusCode::UNPROCESSABLE_ENTITY, why),
    };
    match state.commands.order(Order { by: caller, reason, what: Wanted::Filing(incident, act) }).await {
        Ok(Ok(_)) => Redirect::to(&format!("/incidents/{incident}/filing{}", asked.frame("", "").q)).into_response(),
        Ok(Err(not)) => shown(&asked, &id, StatusCode::CONFLICT, not.text.get(asked.language).to_owned()),
        Err(unanswered) => shown(&asked, &id, StatusCode::SERVICE_UNAVAILABLE, unanswered.to_string()),
    }
}

fn act_of(asked: &Asked, form: Form) -> Result<Act, String> {
    let instant = |text: &str| query::instant(text, asked.zone());
    Ok(match form.act.as_str() {
        "grade" => {
            let unknown = || format!("{:?} is no grade", form.grade);
            Act::Graded { grade: Grade::named(&form.grade).ok_or_else(unknown)? }
        }
        "known" => Act::Known { at: instant(&form.at)? },
        "reported" if form.at.is_empty() => Act::Reported { at: asked.now, to: form.to },
        "reported" => Act::Reported { at: instant(&form.at)?, to: form.to },
        _ => Act::Dismissed,
    })
}
