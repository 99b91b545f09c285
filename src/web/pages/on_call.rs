//! `/on-call`: who answers for each owner now, why, and who comes next; the shifts of the next fourteen days.

use super::{Asked, Frame, show};
use crate::domain::roster::{Duty, Rung, Stint};
use crate::domain::*;
use crate::web::on_call::{AHEAD, shifts, why_text};
use crate::web::{format, query};
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Shifts of one roster that are listed.
const SHIFTS_MAX: usize = 60;

#[derive(Template)]
#[template(path = "web/templates/on-call.html")]
struct Page {
    f: Frame,
    sentence: String,
    rosters: Vec<Section>,
    rows: Vec<Row>,
}

/// A roster whose people take turns.
struct Section {
    id: String,
    owners: String,
    ics: String,
    shifts: Vec<ShiftRow>,
    more: usize,
}

struct ShiftRow {
    now: bool,
    when: String,
    name: String,
    why: String,
    source: String,
}

struct Row {
    id: String,
    name: String,
    roster: String,
    told: Vec<Told>,
    next: Vec<Next>,
}

struct Told {
    name: String,
    mail: String,
    why: String,
    source: String,
}

struct Next {
    after: String,
    names: String,
}

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    at: Option<String>,
}

/// `GET /on-call?at=`; a time that cannot be read is taken for now.
pub(super) async fn page(asked: Asked, Query(about): Query<About>) -> Response {
    let inventory = &asked.snapshot.inventory;
    let at = about.at.as_deref().and_then(|text| query::instant(text, &inventory.zone).ok()).unwrap_or(asked.now);
    let mut rosters: BTreeMap<&RosterId, Vec<&Owner>> = BTreeMap::new();
    for owner in inventory.owners.values() {
        rosters.entry(inventory.roster_of(&owner.id)).or_default().push(owner);
    }
    let turning = |id: &RosterId| inventory.rosters.get(id).is_some_and(Roster::has_turns);
    let sections: Vec<Section> =
        rosters.iter().filter(|(id, _)| turning(id)).map(|(id, owners)| section(&asked, at, id, owners)).collect();
    let moment = format::instant(asked.language, &inventory.zone, at);
    let page = Page {
        f: asked.frame("on-call", asked.t.on_call),
        sentence: match asked.language {
            Language::Zh => format!("{moment} · {} 个单位，{} 张轮值表", inventory.owners.len(), sections.len()),
            Language::En => {
                let (owners, lists) = (inventory.owners.len(), sections.len());
                format!("{moment} · {owners} owners, {lists} rotation{}", if lists == 1 { "" } else { "s" })
            }
        },
        rosters: sections,
        rows: inventory.owners.values().map(|owner| row(&asked, at, owner)).collect(),
    };
    show(&asked, StatusCode::OK, &page)
}

fn section(asked: &Asked, at: Timestamp, roster: &RosterId, owners: &[&Owner]) -> Section {
    let first = owners.first().map(|owner| &owner.id);
    let within = Span::lasting(at, AHEAD);
    let stints = first.map(|owner| shifts(&asked.snapshot.inventory, owner, within)).unwrap_or_default();
    let names: Vec<&str> = owners.iter().map(|owner| owner.name.get(asked.language)).collect();
    Section {
        id: roster.to_string(),
        owners: names.join(if asked.language == Language::Zh { "、" } else { ", " }),
        ics: first.map_or_else(String::new, |owner| format!("/on-call.ics?owner={owner}")),
        more: stints.len().saturating_sub(SHIFTS_MAX),
        shifts: stints.iter().take(SHIFTS_MAX).map(|stint| shift_row(asked, at, stint)).collect(),
    }
}

fn shift_row(asked: &Asked, at: Timestamp, stint: &Stint) -> ShiftRow {
    ShiftRow {
        now: stint.span.contains(at),
        when: format::range(asked.now, asked.language, asked.zone(), stint.span),
        name: stint.duty.contact.name.clone(),
        why: why_text(&stint.duty.why).get(asked.language).to_owned(),
        source: stint.duty.source.brief(),
    }
}

fn row(asked: &Asked, at: Timestamp, owner: &Owner) -> Row {
    let inventory = &asked.snapshot.inventory;
    let mut rungs = inventory.ladder(&owner.id, at).into_iter();
    let told = rungs.next().map(|rung| rung.told).unwrap_or_default();
    let one = |duty: &Duty| Told {
        name: duty.contact.name.clone(),
        mail: duty.contact.mail.clone(),
        why: why_text(&duty.why).get(asked.language).to_owned(),
        source: duty.source.brief(),
    };
    let next = |rung: Rung| Next {
        after: asked.length(rung.after_ms),
        names: rung
            .told
            .iter()
            .map(|duty| duty.contact.name.as_str())
            .collect::<Vec<_>>()
            .join(if asked.language == Language::Zh { "、" } else { ", " }),
    };
    Row {
        id: owner.id.to_string(),
        name: owner.name.get(asked.language).to_owned(),
        roster: inventory.roster_of(&owner.id).to_string(),
        told: told.iter().map(one).collect(),
        next: rungs.map(next).collect(),
    }
}
