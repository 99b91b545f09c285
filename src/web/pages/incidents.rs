//! `/incidents` and `/incidents/{id}`: what is open and what was, newest first.

use super::overview::symptom_look;
use super::{Asked, Frame, filing, missing, show};
use crate::domain::access::Scope;
use crate::domain::attribution::Attribution;
use crate::domain::incident::{Saying, Word};
use crate::domain::*;
use crate::web::api::read::incident_number;
use crate::web::look::Look;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

/// Rows of the list.
const ROWS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "web/templates/incidents.html")]
struct List {
    f: Frame,
    sentence: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "web/templates/incident.html")]
struct Page {
    f: Frame,
    r: Row,
    sentence: String,
    told: u32,
    window: String,
    evidence: String,
    /// Of undeclared maintenance: what was declared, and what the policies say.
    attribution: Vec<String>,
    subsystem_href: String,
    affected: Vec<(String, String, String)>,
    /// The report that it may need: where that stands, whether it is late, and its page; for those inside.
    filing: Option<(String, bool, String)>,
    /// Who has it, and since when; strangers hear since when.
    taken: String,
    words: Vec<Said>,
    /// Where the form goes, for whoever may say something.
    say: String,
}

/// One word of a person, for those inside.
struct Said {
    at: String,
    by: String,
    sort: &'static str,
    text: String,
}

struct Row {
    look: Look,
    href: String,
    id: String,
    name: String,
    affected: usize,
    symptom: &'static str,
    severity: &'static str,
    since: String,
    until: String,
    open: bool,
    lasted: String,
}

fn row(asked: &Asked, incident: &IncidentView) -> Row {
    Row {
        look: if incident.until.is_none() { symptom_look(incident.symptom) } else { Look::Up },
        href: format!("/incidents/{}", incident.id),
        id: incident.id.to_string(),
        name: asked.name(&incident.subsystem),
        affected: incident.affected.len(),
        symptom: asked.t.symptom(incident.symptom),
        severity: asked.t.severity(incident.severity),
        since: asked.moment(incident.since),
        until: incident.until.map(|at| asked.moment(at)).unwrap_or_default(),
        open: incident.until.is_none(),
        lasted: asked.length(incident.until.unwrap_or(asked.now).since(incident.since)),
    }
}

/// `GET /incidents`.
pub(super) async fn list(asked: Asked) -> Response {
    let mut incidents: Vec<&IncidentView> = asked.snapshot.incidents.iter().collect();
    // Open ones first; within both the order of the snapshot, newest first.
    incidents.sort_by_key(|i| i.until.is_some());
    let open = incidents.iter().filter(|i| i.until.is_none()).count();
    let page = List {
        f: asked.frame("incidents", asked.t.incidents),
        sentence: match asked.language {
            Language::Zh => format!("{open} 个未关闭，共 {} 个", incidents.len()),
            Language::En => format!("{open} open, {} in all", incidents.len()),
        },
        rows: incidents.into_iter().take(ROWS_MAX).map(|i| row(&asked, i)).collect(),
    };
    show(&asked, StatusCode::OK, &page)
}

/// `GET /incidents/{id}`.
pub(super) async fn page(asked: Asked, Path(id): Path<String>) -> Response {
    let found = incident_number(&id).and_then(|n| asked.snapshot.incidents.iter().find(|i| i.id == n));
    let Some(incident) = found else { return missing(&asked) };
    let r = row(&asked, incident);
    let evidence = match &incident.reason {
        Some(reason) if asked.viewer.is_inside() => format!("{}: {}", asked.t.reason(reason.kind), reason.text),
        Some(reason) => asked.t.reason(reason.kind).to_owned(),
        None => String::new(),
    };
    let attribution = incident.attribution.as_deref().map(|of| attributed(&asked, of)).unwrap_or_default();
    let affected = incident.affected.iter();
    let page = Page {
        f: asked.frame("incidents", r.id.clone()),
        sentence: format!("{} · {}", asked.owner_name(&incident.subsystem.owner()), r.lasted),
        told: incident.told,
        window: incident.window.as_ref().map(ToString::to_string).unwrap_or_default(),
        evidence,
        attribution,
        subsystem_href: format!("/subsystems/{}", incident.subsystem),
        affected: affected.map(|(id, at)| (format!("/subsystems/{id}"), asked.name(id), asked.moment(*at))).collect(),
        filing: filing::line(&asked, incident.id),
        taken: taken(&asked, incident),
        say: match asked.asker.caller() {
            Some(caller) if caller.may(&Scope::Operate) => {
                format!("/incidents/{}/say{}", incident.id, asked.frame("", "").q)
            }
            _ => String::new(),
        },
        words: incident.words.iter().filter(|_| asked.viewer.is_inside()).map(|word| said(&asked, word)).collect(),
        r,
    };
    show(&asked, StatusCode::OK, &page)
}

fn taken(asked: &Asked, incident: &IncidentView) -> String {
    let Some(word) = &incident.acknowledged else {
        return match &incident.handed_over {
            Some(word) if asked.viewer.is_inside() => {
                let to: Vec<&str> = word.to.iter().map(|one| one.name.as_str()).collect();
                format!("{} → {} · {}", word.by.name, to.join(", "), asked.t.not_acknowledged)
            }
            _ => asked.t.not_acknowledged.to_owned(),
        };
    };
    let since = asked.moment(word.at);
    if asked.viewer.is_inside() { format!("{} · {since}", word.by.name) } else { since }
}

fn said(asked: &Asked, word: &Word) -> Said {
    let sort = match word.saying {
        Saying::Acknowledged => asked.t.said_ack,
        Saying::HandedOver => asked.t.said_hand_over,
        Saying::Noted => asked.t.said_note,
    };
    let to: Vec<&str> = word.to.iter().map(|one| one.name.as_str()).collect();
    let text = if to.is_empty() { word.text.clone() } else { format!("→ {}: {}", to.join(", "), word.text) };
    Said { at: asked.moment(word.at), by: word.by.name.clone(), sort, text }
}

/// Contacts are not for strangers.
fn attributed(asked: &Asked, of: &Attribution) -> Vec<String> {
    let (zone, language) = (&asked.snapshot.inventory.zone, asked.language);
    let name = of.name.get(language).to_owned();
    let answers = if asked.viewer.is_inside() { of.answers(language) } else { name };
    let answers = format!("{}{answers}", asked.t.answers_for_it);
    [answers].into_iter().chain(of.declarations(zone, language)).chain([of.verdict(zone, language)]).collect()
}
