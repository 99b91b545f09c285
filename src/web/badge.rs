//! `/badge/{owner}/{id}.svg`: how one service stands, as a small picture for wikis and readmes.
//!
//! Invariants: shape, colour and word say the same, so that neither colour nor picture speaks alone; nothing is told that a
//! stranger may not see on the service's page.

use super::language::Reads;
use super::look::{self, Look};
use super::problem::Problem;
use super::state::WebState;
use super::text::Texts;
use crate::domain::SubsystemId;
use crate::web::extract::Path;
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Characters of the name that are shown.
const NAME_MAX: usize = 40;
/// How long a copy may be shown, in caches that many readers share, too.
const FRESH_FOR: &str = "public, max-age=30";

#[derive(Template)]
#[template(path = "web/templates/badge.svg", escape = "html")]
struct Badge {
    lang: &'static str,
    name: String,
    word: &'static str,
    /// What a screen reader says.
    title: String,
    colour: &'static str,
    /// The outline of the shape, in a square of 14.
    shape: &'static str,
    name_width: usize,
    word_width: usize,
}

/// `GET /badge/{owner}/{id}.svg?lang=`.
pub(super) async fn badge(
    reads: Reads,
    State(state): State<WebState>,
    Path((owner, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id = file.strip_suffix(".svg").map(|id| SubsystemId::from(format!("{owner}/{id}").as_str()));
    let (now, snapshot) = (state.now(), state.picture());
    let known = id.as_ref().and_then(|id| Some((snapshot.inventory.subsystems.get(id)?, snapshot.subsystem(id)?)));
    let Some((subsystem, view)) = known else {
        let text = format!("there is no badge {owner}/{file}; it is called as its subsystem, with .svg behind it");
        return Err(Problem::not_found(text));
    };
    let (t, look) = (Texts::of(reads.language), look::of(now, &snapshot, view));
    let (name, word) = (cut(subsystem.name.get(reads.language)), t.look(look));
    let (colour, shape) = drawn(look);
    let (name_width, word_width) = (width(&name), width(word));
    let title = format!("{name}: {word}");
    let badge = Badge { lang: t.code, name, word, title, colour, shape, name_width, word_width };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        (header::CACHE_CONTROL, FRESH_FOR),
        (super::guard::ELSEWHERE, "cross-origin"),
    ];
    // Writing into memory cannot fail.
    Ok((headers, badge.render().unwrap_or_default()).into_response())
}

/// The colour behind the word, dark enough for white letters, and the shape before it.
fn drawn(look: Look) -> (&'static str, &'static str) {
    match look {
        Look::Up => ("#1a7f5a", "M2 7.5 5.5 11 12 3.5"),
        Look::Degraded => ("#9a5b00", "M7 2 13 12 1 12Z"),
        Look::Down => ("#b3261e", "M3 3 11 11M11 3 3 11"),
        Look::Maintenance => ("#1f5fa8", "M7 1.5 12.5 7 7 12.5 1.5 7Z"),
        Look::Unknown => ("#5b6470", "M2 7H4M6 7H8M10 7H12"),
        Look::Closed | Look::Absent => ("#5b6470", "M2.5 2.5H11.5V11.5H2.5Z"),
    }
}

fn cut(name: &str) -> String {
    let mut cut: String = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
    if cut.chars().count() < name.chars().count() {
        cut.push('…');
    }
    cut
}

/// How wide a text is at 12 px, within a pixel or two for each letter: nobody asks the reader's fonts.
fn width(text: &str) -> usize {
    let tenths: usize = text.chars().map(|c| if c.is_ascii() { 70 } else { 120 }).sum();
    tenths.div_ceil(10)
}
