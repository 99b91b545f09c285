//! `/maintenance.ics`: windows to come, for the calendars that people already look at.

use super::language::Reads;
use super::state::WebState;
use super::text::Texts;
use crate::domain::*;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus};

/// Events in the feed.
const EVENTS_MAX: usize = 1_000;

/// `GET /maintenance.ics`.
pub(super) async fn maintenance(reads: Reads, State(state): State<WebState>) -> impl IntoResponse {
    let text = calendar(state.now(), &state.picture(), reads.language, &state.site.public_url);
    ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text)
}

/// Windows that are not over and may still happen.
fn calendar(now: Timestamp, snapshot: &Snapshot, language: Language, public_url: &str) -> String {
    let t = Texts::of(language);
    let mut calendar = Calendar::new();
    calendar.name(match language {
        Language::Zh => "更夫 · 维护窗口",
        Language::En => "gengfu: maintenance windows",
    });
    let to_come = |w: &&WindowView| w.span.end > now && !w.state.is_terminal();
    for window in snapshot.windows.iter().filter(to_come).take(EVENTS_MAX) {
        let (Some(start), Some(end)) = (utc(window.span.start), utc(window.span.end)) else { continue };
        let names = window.scope.iter().filter_map(|id| snapshot.inventory.subsystems.get(id));
        let scope: Vec<&str> = names.map(|s| s.name.get(language)).collect();
        let confirmed = window.state.opens_gates() || window.state.is_running();
        calendar.push(
            Event::new()
                .uid(&format!("{}@gengfu", window.id))
                .summary(window.name.get(language))
                .description(&format!("{}\n{}", t.window_state(window.state), scope.join("\n")))
                .url(&format!("{public_url}/maintenance"))
                .starts(start)
                .ends(end)
                .timestamp(utc(snapshot.at).unwrap_or(start))
                .status(if confirmed { EventStatus::Confirmed } else { EventStatus::Tentative })
                .done(),
        );
    }
    calendar.done().to_string()
}

fn utc(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0)
}
