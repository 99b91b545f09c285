//! The last day of a subsystem in half hours: the small picture in a mail.
//!
//! Not here: figures that anybody is held to (`sla`) and how it is drawn (`notify::render`). Invariants: as many cells
//! however often the state changed; a cell is down if any of it was, and never for what was not seen; maintenance is an
//! overlay beside what was seen. It is stored with its message as a line of letters; letters that are not known are
//! nothing, so that a row of any version can be read.

use super::sla::UsedWindow;
use super::timeline::{Health, Timeline};
use super::*;
use serde::{Deserialize, Serialize};

/// One cell.
pub const CELL_MS: Millis = 30 * MINUTE;

/// Cells of a day.
pub const CELLS: usize = 48;

/// What half an hour was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    /// What was seen; `None` before anything was.
    pub seen: Option<Health>,
    /// Whether a window ran.
    pub in_maintenance: bool,
}

/// A day that ends with the half hour of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Lately {
    /// The start of the first cell, on a half hour of UTC.
    pub start: Timestamp,
    /// In order of time, [`CELLS`] of them.
    pub cells: Vec<Cell>,
    /// How long each state of [`Health::ALL`] was seen, up to the instant of the message.
    pub seen_ms: [Millis; 4],
    /// How long windows ran, likewise.
    pub maintenance_ms: Millis,
}

impl Lately {
    /// What was seen in the day up to `now`, and the windows that ran.
    pub fn of(now: Timestamp, timeline: &Timeline<Health>, windows: &[UsedWindow]) -> Self {
        let last = Timestamp(now.0.div_euclid(CELL_MS) * CELL_MS);
        let start = last - (CELLS as Millis - 1) * CELL_MS;
        let day = Span::new(start, now);
        // What is decided at an instant is about what lies before it; a state that began now is shown all the same.
        let seen: Vec<(Span, Health)> = timeline.spans(Span::new(start, now + 1)).collect();
        let ran = |w: &UsedWindow| Span::new(w.approved.start, w.restored.min(w.approved.end)).intersect(day);
        let ran: SpanSet = windows.iter().map(ran).filter(|s| !s.is_empty()).collect();
        let cells = (0..CELLS as Millis).map(|n| {
            let half_hour = Span::lasting(start + n * CELL_MS, CELL_MS);
            Cell { seen: worst(&seen, half_hour), in_maintenance: !ran.clip(half_hour).is_empty() }
        });
        let lasted = |health: Health| {
            let of_it = seen.iter().filter(|(_, state)| *state == health);
            of_it.map(|(span, _)| span.intersect(day).len_ms()).sum()
        };
        Self { start, cells: cells.collect(), seen_ms: Health::ALL.map(lasted), maintenance_ms: ran.len_ms() }
    }

    /// The end of the last cell.
    pub fn end(&self) -> Timestamp {
        self.start + CELLS as Millis * CELL_MS
    }
}

/// Work on a subsystem, or on what it needs, shortly before a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// On what.
    pub subsystem: SubsystemId,
    /// What people call that.
    pub name: Names,
    /// From its start to its end; what goes on ends at the instant of the message.
    pub span: Span,
    /// What it was.
    #[serde(flatten)]
    pub what: WorkKind,
}

/// What sort of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A maintenance window that ran.
    Window(WindowId),
    /// A change that the gate let through, by the holder of its lease.
    Change(String),
}

/// Down if any of it was, else degraded if any was, else what it was for longer: up or unknown.
fn worst(seen: &[(Span, Health)], half_hour: Span) -> Option<Health> {
    let mut lasted = [0; 4];
    for (span, health) in seen {
        let place = Health::ALL.iter().position(|h| h == health).unwrap_or_default();
        lasted[place] += span.intersect(half_hour).len_ms();
    }
    let [up, degraded, down, unknown] = lasted;
    match (down, degraded) {
        (1.., _) => Some(Health::Down),
        (_, 1..) => Some(Health::Degraded),
        _ if up + unknown == 0 => None,
        _ => Some(if up >= unknown { Health::Up } else { Health::Unknown }),
    }
}

/// The form on disk.
#[derive(Serialize, Deserialize)]
struct Stored {
    start: Timestamp,
    cells: String,
    seen_ms: [Millis; 4],
    maintenance_ms: Millis,
}

/// Small without a window, capital with one.
const LETTERS: [(Option<Health>, char); 5] = [
    (Some(Health::Up), 'u'),
    (Some(Health::Degraded), 'g'),
    (Some(Health::Down), 'd'),
    (Some(Health::Unknown), 'x'),
    (None, 'n'),
];

impl From<Lately> for Stored {
    fn from(lately: Lately) -> Self {
        let letter = |cell: &Cell| {
            let letter = LETTERS.iter().find(|(seen, _)| *seen == cell.seen).map_or('n', |(_, letter)| *letter);
            if cell.in_maintenance { letter.to_ascii_uppercase() } else { letter }
        };
        let cells = lately.cells.iter().map(letter).collect();
        Self { start: lately.start, cells, seen_ms: lately.seen_ms, maintenance_ms: lately.maintenance_ms }
    }
}

impl From<Stored> for Lately {
    fn from(stored: Stored) -> Self {
        let cell = |letter: char| {
            let known = LETTERS.iter().find(|(_, known)| *known == letter.to_ascii_lowercase());
            Cell { seen: known.and_then(|(seen, _)| *seen), in_maintenance: letter.is_ascii_uppercase() }
        };
        let letters = stored.cells.chars().map(cell).chain(std::iter::repeat(Cell::default()));
        let cells = letters.take(CELLS).collect();
        Self { start: stored.start, cells, seen_ms: stored.seen_ms, maintenance_ms: stored.maintenance_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sla::Standing;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_795_445_429_000);

    fn window(start: Timestamp, len: Millis, restored: Timestamp) -> UsedWindow {
        UsedWindow { window: "w.1".into(), approved: Span::lasting(start, len), restored, standing: Standing::Valid }
    }

    fn history() -> impl Strategy<Value = Vec<(i64, Health)>> {
        prop::collection::vec((-100..1_460_i64, prop::sample::select(&Health::ALL[..])), 0..40)
    }

    proptest! {
        /// Minute by minute, as one would do it by hand.
        #[test]
        fn cells_and_sums_are_those_of_a_look_at_every_minute(
            mut history in history(), from in 0..1_500_i64, lasts in 1..600_i64, early in 0..600_i64,
        ) {
            let start = Timestamp(NOW.0.div_euclid(CELL_MS) * CELL_MS) - 47 * CELL_MS;
            history.sort_by_key(|(minute, _)| *minute);
            let mut timeline = Timeline::default();
            for (minute, health) in history {
                timeline.set(start + minute * MINUTE, health);
            }
            let begun = start + from * MINUTE;
            let restored = begun + (lasts - early.min(lasts)) * MINUTE;
            let lately = Lately::of(NOW, &timeline, &[window(begun, lasts * MINUTE, restored)]);
            let minutes: Vec<Timestamp> = (0..1_440).map(|m| start + m * MINUTE).filter(|t| *t <= NOW).collect();
            let mut maintained = 0;
            for (n, cell) in lately.cells.iter().enumerate() {
                let inside: Vec<Timestamp> = minutes.iter().copied().skip(n * 30).take(30).collect();
                let count = |health| inside.iter().filter(|t| timeline.at(**t) == Some(health)).count();
                let unseen = count(Health::Up) + count(Health::Unknown) == 0;
                let expected = match (count(Health::Down), count(Health::Degraded)) {
                    (1.., _) => Some(Health::Down),
                    (_, 1..) => Some(Health::Degraded),
                    _ if unseen => None,
                    _ if count(Health::Up) > count(Health::Unknown) => Some(Health::Up),
                    _ if count(Health::Up) < count(Health::Unknown) => Some(Health::Unknown),
                    // The last minute is a part of one.
                    _ => cell.seen,
                };
                prop_assert_eq!(cell.seen, expected, "cell {}", n);
                let ran = inside.iter().filter(|t| **t >= begun && **t < restored).count();
                prop_assert_eq!(cell.in_maintenance, ran > 0, "cell {}", n);
                maintained += ran;
            }
            let whole = lately.seen_ms.iter().sum::<Millis>();
            let known = timeline.first().map_or(0, |first| NOW.since(first.max(start)).max(0));
            prop_assert_eq!(whole, known);
            prop_assert!((lately.maintenance_ms - maintained as Millis * MINUTE).abs() <= MINUTE);
        }

        #[test]
        fn a_day_comes_back_from_its_stored_form(history in history()) {
            let mut timeline = Timeline::default();
            history.iter().for_each(|(minute, health)| timeline.set(NOW - DAY + minute * MINUTE, *health));
            let lately = Lately::of(NOW, &timeline, &[window(NOW - HOUR, HOUR, NOW)]);
            let text = serde_json::to_string(&lately).unwrap();
            prop_assert!(text.len() < 200, "{}", text);
            prop_assert_eq!(serde_json::from_str::<Lately>(&text).unwrap(), lately);
        }
    }

    #[test]
    fn what_began_at_this_instant_is_shown() {
        let mut timeline = Timeline::default();
        timeline.set(NOW - DAY, Health::Up);
        timeline.set(NOW, Health::Down);
        assert_eq!(Lately::of(NOW, &timeline, &[]).cells.last().unwrap().seen, Some(Health::Down));
    }

    #[test]
    fn letters_of_another_version_are_nothing() {
        let stored = r#"{"start":0,"cells":"uZ?","seen_ms":[0,0,0,0],"maintenance_ms":0}"#;
        let lately: Lately = serde_json::from_str(stored).unwrap();
        assert_eq!(lately.cells.len(), CELLS);
        assert_eq!(lately.cells[0].seen, Some(Health::Up));
        assert_eq!((lately.cells[1].seen, lately.cells[2].seen), (None, None));
    }
}
