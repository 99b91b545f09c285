//! Windows as iCalendar (RFC 5545): the same events in the feed and in the mails, so that calendars follow changes.
//!
//! Not here: which windows (`crate::web::feed`, `render`). Invariants: the UID of a window is stable, its SEQUENCE is the
//! window's version, instants are in UTC, and the text follows from its entries alone.

use crate::domain::{Timestamp, WindowId};
use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus};

/// Whether an event takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not settled yet.
    Tentative,
    /// People may rely on it.
    Confirmed,
    /// It does not take place.
    Cancelled,
}

/// One window.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Which one.
    pub window: &'a WindowId,
    /// The window's version.
    pub version: u32,
    /// When that version was made.
    pub changed: Option<Timestamp>,
    /// When the text is made.
    pub at: Timestamp,
    /// From the start to the approved end.
    pub span: crate::domain::Span,
    /// Whether it takes place.
    pub standing: Standing,
    /// What people call it.
    pub summary: String,
    /// Lines.
    pub description: String,
    /// Where to read more.
    pub url: String,
}

/// A calendar that its readers take over (`METHOD:PUBLISH`). Entries beyond what calendars can hold are left out.
pub fn calendar<'a>(name: &str, entries: impl Iterator<Item = Entry<'a>>) -> String {
    let mut calendar = Calendar::new();
    calendar.name(name);
    calendar.append_property(("METHOD", "PUBLISH"));
    for entry in entries {
        if let Some(event) = event(&entry) {
            calendar.push(event);
        }
    }
    calendar.done().to_string()
}

fn event(entry: &Entry<'_>) -> Option<Event> {
    let mut event = Event::new();
    event
        .uid(&format!("{}@gengfu", entry.window))
        .sequence(entry.version)
        .summary(&plain(&entry.summary))
        .description(&plain(entry.description.trim_end()))
        .url(&entry.url)
        .starts(utc(entry.span.start)?)
        .ends(utc(entry.span.end)?)
        .timestamp(utc(entry.at)?)
        .status(match entry.standing {
            Standing::Tentative => EventStatus::Tentative,
            Standing::Confirmed => EventStatus::Confirmed,
            Standing::Cancelled => EventStatus::Cancelled,
        });
    if let Some(changed) = entry.changed.and_then(utc) {
        event.last_modified(changed);
    }
    Some(event.done())
}

/// One shift of a roster.
#[derive(Clone, Debug)]
pub struct ShiftEntry {
    /// Stable over time.
    pub uid: String,
    /// When the text is made.
    pub at: Timestamp,
    /// When.
    pub span: crate::domain::Span,
    /// Who, and on which roster.
    pub summary: String,
    /// Why.
    pub description: String,
}

/// A calendar of shifts; they take no time of whoever subscribes to it. Entries beyond what calendars can hold are left
/// out.
pub fn shift_calendar(name: &str, entries: impl Iterator<Item = ShiftEntry>) -> String {
    let mut calendar = Calendar::new();
    calendar.name(name);
    calendar.append_property(("METHOD", "PUBLISH"));
    for entry in entries {
        let (Some(start), Some(end), Some(at)) = (utc(entry.span.start), utc(entry.span.end), utc(entry.at)) else {
            continue;
        };
        let mut event = Event::new();
        event.uid(&entry.uid).summary(&plain(&entry.summary)).description(&plain(&entry.description));
        event.starts(start).ends(end).timestamp(at).add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    calendar.done().to_string()
}

/// Line breaks stay, other control characters go.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

fn utc(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0)
}
