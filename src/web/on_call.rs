//! Who is on call and why, on its way out: JSON and sentences for the API, the page and the command; shifts as iCalendar.
//!
//! Not here: who it is (`domain::roster`). Invariants: what the command prints from the files is what the API answers
//! from the daemon; an event's UID follows from roster, person and start alone.

use crate::domain::roster::{Duty, Rung, Stint, Weight, Why};
use crate::domain::*;
use crate::notify::calendar::{ShiftEntry, shift_calendar};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// How far ahead shifts are looked at.
pub const AHEAD: Millis = 14 * DAY;
/// How far the calendar reaches.
const CALENDAR_AHEAD: Millis = 92 * DAY;
/// How long what is over stays in the calendar.
const CALENDAR_BACK: Millis = 14 * DAY;
/// No turn is longer: the start of the one that runs is found within this.
const TURN_MAX: Millis = 367 * DAY;
/// Events of one calendar.
const EVENTS_MAX: usize = 5_000;

/// One owner's on-call at an instant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnCallDto {
    /// Whose.
    pub owner: String,
    /// What people call it.
    pub name: Names,
    /// The roster that answers for it.
    pub roster: String,
    /// The instant, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Who is on duty, then who is told when nobody says that they have it.
    pub rungs: Vec<RungDto>,
    /// Shifts from that instant on, 14 days ahead; none where the same people are told always.
    pub shifts: Vec<StintDto>,
}

/// One step of a ladder.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RungDto {
    /// Counted from the opening mail.
    pub after_s: i64,
    /// Which rosters it asks.
    pub rosters: Vec<String>,
    /// Who that is.
    pub told: Vec<DutyDto>,
}

/// Somebody and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DutyDto {
    /// Of `people`; null for a contact that is written in its roster.
    pub id: Option<String>,
    /// A name or a post.
    pub name: String,
    /// Where mail goes.
    pub mail: String,
    /// `listed`, `turn`, `beside`, `shift`, `override` or `hole`.
    pub why: &'static str,
    /// The same as a sentence.
    pub text: Names,
    /// `file:line`.
    pub source: String,
}

/// A shift.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StintDto {
    /// Inside, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// Outside.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
    /// Who.
    #[serde(flatten)]
    pub duty: DutyDto,
}

impl OnCallDto {
    /// The on-call of one owner at `at`.
    pub fn of(inventory: &Inventory, owner: &Owner, at: Timestamp) -> Self {
        let roster = inventory.roster_of(&owner.id);
        let stint = |stint: &Stint| StintDto {
            from: stint.span.start.to_string(),
            to: stint.span.end.to_string(),
            duty: DutyDto::of(&stint.duty),
        };
        Self {
            owner: owner.id.to_string(),
            name: owner.name.clone(),
            roster: roster.to_string(),
            at: at.to_string(),
            rungs: inventory.ladder(&owner.id, at).iter().map(RungDto::of).collect(),
            shifts: shifts(inventory, &owner.id, Span::lasting(at, AHEAD)).iter().map(stint).collect(),
        }
    }
}

impl RungDto {
    fn of(rung: &Rung) -> Self {
        Self {
            after_s: rung.after_ms / SECOND,
            rosters: rung.rosters.iter().map(ToString::to_string).collect(),
            told: rung.told.iter().map(DutyDto::of).collect(),
        }
    }
}

impl DutyDto {
    fn of(duty: &Duty) -> Self {
        let why = match &duty.why {
            Why::Listed => "listed",
            Why::Turn { weight: Weight::Decides, .. } => "turn",
            Why::Turn { weight: Weight::Beside, .. } => "beside",
            Why::Shift => "shift",
            Why::Override { .. } => "override",
            Why::Hole(_) => "hole",
        };
        Self {
            id: duty.id.as_ref().map(ToString::to_string),
            name: duty.contact.name.clone(),
            mail: duty.contact.mail.clone(),
            why,
            text: why_text(&duty.why),
            source: duty.source.to_string(),
        }
    }
}

/// Shifts of the roster that answers for an owner.
pub fn shifts(inventory: &Inventory, owner: &OwnerId, within: Span) -> Vec<Stint> {
    inventory.stints(inventory.roster_of(owner), Some(owner), within)
}

/// Why somebody is told, as a sentence.
pub fn why_text(why: &Why) -> Names {
    let (zh, en) = match why {
        Why::Listed => ("始终通知".to_owned(), "told always".to_owned()),
        Why::Turn { layer, weight: Weight::Decides } => (format!("“{layer}”轮值"), format!("turn of `{layer}`")),
        Why::Turn { layer, weight: Weight::Beside } => {
            (format!("“{layer}”轮值，一并通知"), format!("turn of `{layer}`, told besides"))
        }
        Why::Shift => ("排班表".to_owned(), "listed shift".to_owned()),
        Why::Override { instead_of, reason } => {
            let (whose_zh, whose_en) = match instead_of {
                Some(person) => (format!("代 {person}"), format!("stands in for `{person}`")),
                None => ("代全体".to_owned(), "stands in for all".to_owned()),
            };
            let (zh, en) = match reason {
                Some(reason) => (format!("（{reason}）"), format!(" ({reason})")),
                None => Default::default(),
            };
            (format!("{whose_zh}{zh}"), format!("{whose_en}{en}"))
        }
        Why::Hole(roster) => (
            format!("值班表 {roster} 此时无人，由兜底值班接收"),
            format!("nobody is on `{roster}`; the fallback is told"),
        ),
    };
    Names { zh, en }
}

/// The shifts of one owner's roster, or of all rosters, as a calendar.
pub fn calendar(inventory: &Inventory, owner: Option<&OwnerId>, now: Timestamp, language: Language) -> String {
    let rosters: Vec<(&RosterId, Option<&OwnerId>)> = match owner {
        Some(owner) => vec![(inventory.roster_of(owner), Some(owner))],
        None => inventory.rosters.keys().map(|id| (id, None)).collect(),
    };
    let title = match language {
        Language::Zh => "更夫 · 值班",
        Language::En => "gengfu: on call",
    };
    let name = owner.and_then(|id| inventory.owners.get(id));
    let name = name.map_or_else(|| title.to_owned(), |owner| format!("{title} · {}", owner.name.get(language)));
    let shown = Span::new(now - CALENDAR_BACK, now + CALENDAR_AHEAD);
    // Looked at from far enough back for the whole of each shift, so that its start, and its UID, stay.
    let within = Span::new(shown.start - TURN_MAX, shown.end);
    let entries = rosters.into_iter().flat_map(|(roster, owner)| {
        let stints = inventory.stints(roster, owner, within).into_iter();
        let whole = stints.filter(|stint| stint.span.overlaps(shown) && stint.span.start > within.start);
        whole.map(|stint| entry(roster, &stint, now, language))
    });
    shift_calendar(&name, entries.take(EVENTS_MAX))
}

fn entry(roster: &RosterId, stint: &Stint, at: Timestamp, language: Language) -> ShiftEntry {
    let duty = &stint.duty;
    let who = duty.id.as_ref().map_or(duty.contact.mail.as_str(), |id| id.as_str());
    let digest = Sha256::digest(format!("{roster}\n{who}\n{}", stint.span.start.0));
    let uid: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    ShiftEntry {
        uid: format!("{uid}@gengfu"),
        at,
        span: stint.span,
        summary: format!("{} · {roster}", duty.contact.name),
        description: why_text(&duty.why).get(language).to_owned(),
    }
}

#[cfg(test)]
mod tests;
