//! `/incidents/{id}/take`: who got a mail about an incident says "I have it", by the link in it and one more click.
//!
//! Not here: what makes a link good (`notify::link`). Invariants: reading the address changes nothing, so programs that
//! follow links take nothing; a link is good for its incident and its recipient alone.

use super::{Asked, Frame, missing, show};
use crate::domain::access::{Caller, Scope};
use crate::domain::incident::Saying;
use crate::domain::order::{Order, Wanted};
use crate::domain::{IncidentView, Language};
use crate::notify::link::Signed;
use crate::web::api::read::incident_number;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "web/templates/take.html")]
struct Page {
    f: Frame,
    /// `INC-0042`.
    id: String,
    name: String,
    symptom: &'static str,
    since: String,
    /// Where the form goes; empty where there is nothing to confirm.
    action: String,
    /// As whom.
    by: String,
    sentence: String,
}

/// What the link says.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    by: String,
    until: i64,
    signature: String,
}

/// `GET /incidents/{id}/take`: asks once more.
pub(super) async fn page(
    asked: Asked,
    State(state): State<WebState>,
    Path(id): Path<String>,
    Query(link): Query<Link>,
) -> Response {
    let Some(incident) = find(&asked, &id) else { return missing(&asked) };
    if !is_good(&asked, &state, incident, &link) {
        return stale(&asked, incident);
    }
    let sentence = match (&incident.until, asked.language) {
        (Some(_), Language::Zh) => "事件已关闭，无需接手。".to_owned(),
        (Some(_), Language::En) => "It is over; there is nothing to take.".to_owned(),
        (None, Language::Zh) => "接手后停止升级，其他人会收到通知。".to_owned(),
        (None, Language::En) => "Once you have it, nobody else is called, and the others hear who has it.".to_owned(),
    };
    let action =
        if incident.until.is_none() { state.links.take(incident.id, &link.by, at(link.until)) } else { String::new() };
    shown(&asked, StatusCode::OK, incident, action, link.by, sentence)
}

/// `POST /incidents/{id}/take`: takes it.
pub(super) async fn take(
    asked: Asked,
    State(state): State<WebState>,
    Path(id): Path<String>,
    Query(link): Query<Link>,
) -> Response {
    let Some(incident) = find(&asked, &id) else { return missing(&asked) };
    if !is_good(&asked, &state, incident, &link) {
        return stale(&asked, incident);
    }
    let from = format!("{} (link in a mail)", asked.asker.from());
    let by = Caller { name: link.by.clone(), owner: None, scopes: vec![Scope::Operate], from };
    let what = Wanted::Incident(incident.id, Saying::Acknowledged);
    let (status, sentence) = match state.commands.order(Order { by, reason: String::new(), what }).await {
        Ok(Ok(done)) => (StatusCode::OK, done.text.get(asked.language).to_owned()),
        Ok(Err(not)) => (StatusCode::CONFLICT, not.text.get(asked.language).to_owned()),
        Err(unanswered) => (StatusCode::SERVICE_UNAVAILABLE, unanswered.to_string()),
    };
    shown(&asked, status, incident, String::new(), link.by, sentence)
}

fn at(ms: i64) -> crate::domain::Timestamp {
    crate::domain::Timestamp(ms)
}

fn find<'a>(asked: &'a Asked, id: &str) -> Option<&'a IncidentView> {
    let number = incident_number(id)?;
    asked.snapshot.incidents.iter().find(|i| i.id == number)
}

fn is_good(asked: &Asked, state: &WebState, incident: &IncidentView, link: &Link) -> bool {
    let signed = Signed { by: &link.by, until: link.until, signature: &link.signature };
    state.links.is_good(asked.now, incident.id, signed)
}

fn stale(asked: &Asked, incident: &IncidentView) -> Response {
    let sentence = match asked.language {
        Language::Zh => "链接无效或已过期；请用 gengfu ack 接手，或登录后在事件页面操作。",
        Language::En => "This link is not good, or not any more; use `gengfu ack`, or sign in and take it on its page.",
    };
    shown(asked, StatusCode::FORBIDDEN, incident, String::new(), String::new(), sentence.to_owned())
}

fn shown(
    asked: &Asked,
    status: StatusCode,
    incident: &IncidentView,
    action: String,
    by: String,
    sentence: String,
) -> Response {
    let mut f = asked.frame("incidents", incident.id.to_string());
    f.is_still = true;
    let page = Page {
        f,
        id: incident.id.to_string(),
        name: asked.name(&incident.subsystem),
        symptom: asked.t.symptom(incident.symptom),
        since: asked.moment(incident.since),
        action,
        by,
        sentence,
    };
    show(asked, status, &page)
}

/// What the form of the incident's page sends.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    /// `ack`, `handover` or `note`.
    saying: String,
    #[serde(default)]
    text: String,
    /// To whom it is handed over.
    #[serde(default)]
    to: String,
}

/// `POST /incidents/{id}/say`: whoever is signed in takes it, hands it over or leaves a note, and is led back to its page.
pub(super) async fn say(
    asked: Asked,
    caller: Caller,
    State(state): State<WebState>,
    Path(id): Path<String>,
    axum::Form(Form { saying, text, to }): axum::Form<Form>,
) -> Response {
    let Some(incident) = find(&asked, &id) else { return missing(&asked) };
    let what = match saying.as_str() {
        "ack" => Wanted::Incident(incident.id, Saying::Acknowledged),
        "handover" => Wanted::HandOver(incident.id, to),
        _ => Wanted::Incident(incident.id, Saying::Noted),
    };
    match state.commands.order(Order { by: caller, reason: text, what }).await {
        Ok(Ok(_)) => Redirect::to(&format!("/incidents/{}{}", incident.id, asked.frame("", "").q)).into_response(),
        Ok(Err(not)) => {
            let sentence = not.text.get(asked.language).to_owned();
            shown(&asked, StatusCode::CONFLICT, incident, String::new(), String::new(), sentence)
        }
        Err(unanswered) => shown(
            &asked,
            StatusCode::SERVICE_UNAVAILABLE,
            incident,
            String::new(),
            String::new(),
            unanswered.to_string(),
        ),
    }
}
