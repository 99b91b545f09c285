//! Maintenance now and next: bars over the fourteen hours around this moment, above the hours that policy allows.

use super::Asked;
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::web::{figures, format};

/// From the left edge to the right one.
const AHEAD_MS: Millis = 14 * HOUR;
/// Bars that are shown.
const BARS_MAX: usize = 8;
/// Units of the drawing per minute.
const PER_MINUTE: Millis = 1;

#[derive(Debug)]
pub(super) struct Tonight {
    pub(super) bars: Vec<Bar>,
    /// (x, width) of the hours in which the first policy allows maintenance.
    pub(super) open: Vec<(Millis, Millis)>,
    pub(super) now_x: Millis,
    pub(super) ticks: Vec<String>,
    pub(super) next: Option<String>,
}

#[derive(Debug)]
pub(super) struct Bar {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) css: &'static str,
    pub(super) x: Millis,
    pub(super) width: Millis,
    pub(super) state: &'static str,
    pub(super) when: String,
}

impl Tonight {
    pub(super) fn of(asked: &Asked) -> Self {
        let (now, zone) = (asked.now, asked.zone());
        let start = left_edge(now, zone);
        let shown = Span::lasting(start, AHEAD_MS);
        let windows = || asked.snapshot.windows.iter().filter(|w| may_happen(w.state));
        let visible = |w: &&WindowView| w.span.overlaps(shown) && (w.span.end > now || w.state.is_running());
        let x = |at: Timestamp| at.since(start) * PER_MINUTE / MINUTE;
        let part = |span: Span| {
            let inside = span.intersect(shown);
            (x(inside.start), (x(inside.end) - x(inside.start)).max(6))
        };
        let bar = |w: &WindowView| {
            // What has overrun is drawn up to now: that is what it has become.
            let until = if w.state.is_running() { w.span.end.max(now) } else { w.span.end };
            let (x, width) = part(Span::new(w.span.start, until));
            Bar {
                id: w.id.to_string(),
                name: format!("{} · {}", short_owner(asked, &w.owner), w.name.get(asked.language)),
                css: css(w.state),
                x,
                width,
                state: asked.t.window_state(w.state),
                when: format::range(now, asked.language, zone, w.span),
            }
        };
        let bars: Vec<Bar> = windows().filter(visible).take(BARS_MAX).map(bar).collect();
        let next = windows().find(|w| w.span.start >= shown.end);
        Self {
            bars,
            open: figures::open_spans(&asked.snapshot, shown).spans().iter().map(|s| part(*s)).collect(),
            now_x: x(now),
            ticks: (0..=7).map(|i| clock(zone, start + i * 2 * HOUR)).collect(),
            next: next.map(|w| format!("{} · {}", asked.moment(w.span.start), w.name.get(asked.language))),
        }
    }
}

/// The even local hour at least an hour ago.
fn left_edge(now: Timestamp, zone: &civil::Zone) -> Timestamp {
    let local = zone.local(now - HOUR);
    let past_ms = i64::from(local.hour() % 2) * HOUR
        + i64::from(local.minute()) * MINUTE
        + i64::from(local.second()) * SECOND
        + i64::from(local.millisecond());
    now - HOUR - past_ms
}

fn clock(zone: &civil::Zone, at: Timestamp) -> String {
    let local = zone.local(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

fn short_owner(asked: &Asked, id: &OwnerId) -> String {
    match asked.snapshot.inventory.owners.get(id) {
        Some(owner) => format::short(asked.language, &owner.name),
        None => id.to_string(),
    }
}

fn may_happen(state: WindowState) -> bool {
    !state.is_terminal()
}

/// How a bar looks.
pub(super) fn css(state: WindowState) -> &'static str {
    match state {
        state if state.is_late() => "over",
        state if state.is_running() => "run",
        WindowState::Announced | WindowState::Armed | WindowState::Planned => "plan",
        _ => "draft",
    }
}
