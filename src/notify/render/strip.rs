//! The last day of a subsystem, drawn: a strip of coloured cells in HTML, a line of characters in plain text.
//!
//! Why neither SVG nor an image: docs/adr/0013-mail-strip.md. Invariant: nothing is said by colour alone; cells have
//! marks, and the words beside them say how long each state lasted.

use super::one_line;
use super::words::Words;
use crate::domain::lately::{CELLS, Cell, Lately};
use crate::domain::timeline::Health;

/// Cells between two marks of time: six hours.
const CELLS_PER_TICK: usize = 12;

/// Ground of cells in which a window ran; a row of its own below what was seen.
const MAINTENANCE: &str = "#2b6cc4";

/// Stands in plain text for half an hour with both.
const DOWN_IN_MAINTENANCE: char = 'M';

/// What one look at a day needs.
pub(super) struct Strip {
    /// `24 hours up to 22:43`.
    pub(super) title: String,
    /// In order of time.
    pub(super) cells: Vec<Drawn>,
    /// The second row, if any window ran: numbers of cells, and their ground.
    pub(super) maintenance: Option<Vec<(usize, &'static str)>>,
    /// Civil times of the first cell and of every sixth hour after it.
    pub(super) ticks: Vec<String>,
    /// Each state that was, with its length.
    pub(super) legend: Vec<Key>,
    /// What the character of an outage inside a window means; empty if there was none.
    inside: &'static str,
}

/// One cell as it is drawn.
pub(super) struct Drawn {
    pub(super) colour: &'static str,
    pub(super) mark: &'static str,
    letter: char,
}

/// One entry of the legend.
pub(super) struct Key {
    pub(super) colour: &'static str,
    pub(super) words: String,
    letter: char,
}

impl Strip {
    pub(super) fn of(lately: &Lately, words: &Words<'_>) -> Self {
        let until = words.clock(words.now);
        let cells: Vec<Drawn> = lately.cells.iter().map(drawn).collect();
        let ticks = (0..CELLS / CELLS_PER_TICK).map(|n| {
            let hours = i64::try_from(n * CELLS_PER_TICK).unwrap_or_default();
            words.clock(lately.start + hours * crate::domain::lately::CELL_MS)
        });
        let seen = Health::ALL.into_iter().zip(lately.seen_ms).map(|(health, ms)| (Some(health), ms));
        let mut legend: Vec<Key> = seen
            .filter(|(_, ms)| *ms > 0)
            .map(|(seen, ms)| {
                let name = seen.map_or("", |health| words.health(health));
                let (colour, _, letter) = look(seen);
                Key { colour, words: format!("{name} {}", words.length(ms)), letter }
            })
            .collect();
        if lately.maintenance_ms > 0 {
            let text = format!("{} {}", words.say("维护窗口", "maintenance"), words.length(lately.maintenance_ms));
            legend.push(Key { colour: MAINTENANCE, words: text, letter: 'm' });
        }
        let title = match words.language {
            crate::domain::Language::Zh => format!("截至 {until} 的 24 小时"),
            crate::domain::Language::En => format!("24 hours up to {until}"),
        };
        let both = cells.iter().any(|cell| cell.letter == DOWN_IN_MAINTENANCE);
        let inside = if both { words.say("窗口内中断", "down inside it") } else { "" };
        Self { title, maintenance: maintenance(&lately.cells), cells, ticks: ticks.collect(), legend, inside }
    }

    /// The legend as one sentence, for screen readers and plain text.
    pub(super) fn sentence(&self) -> String {
        let keys: Vec<&str> = self.legend.iter().map(|key| key.words.as_str()).collect();
        format!("{}: {}", self.title, keys.join(", "))
    }

    /// Plain text: a line of characters with a mark of time every six hours, and what the characters mean.
    pub(super) fn lines(&self) -> Vec<String> {
        let quarters = self.cells.chunks(CELLS_PER_TICK).zip(&self.ticks);
        let line: Vec<String> = quarters
            .map(|(cells, tick)| format!("{tick} {}", cells.iter().map(|c| c.letter).collect::<String>()))
            .collect();
        let mut keys: Vec<String> = self.legend.iter().map(|key| format!("{} {}", key.letter, key.words)).collect();
        if !self.inside.is_empty() {
            keys.push(format!("{DOWN_IN_MAINTENANCE} {}", self.inside));
        }
        vec![one_line(&format!("{}:", self.title)), one_line(&line.join(" ")), one_line(&keys.join(", "))]
    }
}

fn drawn(cell: &Cell) -> Drawn {
    let (colour, mark, letter) = look(cell.seen);
    let letter = match (cell.in_maintenance, cell.seen) {
        (true, Some(Health::Down)) => DOWN_IN_MAINTENANCE,
        (true, _) => 'm',
        (false, _) => letter,
    };
    Drawn { colour, mark, letter }
}

/// Runs of cells with and without a window; none at all if no window ran.
fn maintenance(cells: &[Cell]) -> Option<Vec<(usize, &'static str)>> {
    let runs = cells.chunk_by(|a, b| a.in_maintenance == b.in_maintenance);
    let ground = |run: &[Cell]| if run.iter().any(|cell| cell.in_maintenance) { MAINTENANCE } else { "" };
    let runs: Vec<_> = runs.map(|run| (run.len(), ground(run))).collect();
    runs.iter().any(|(_, ground)| !ground.is_empty()).then_some(runs)
}

/// Ground, mark and character. White marks; the grounds are seen on light and on dark.
fn look(seen: Option<Health>) -> (&'static str, &'static str, char) {
    match seen {
        Some(Health::Up) => ("#2e8b57", "", '.'),
        Some(Health::Degraded) => ("#b87400", "~", '~'),
        Some(Health::Down) => ("#d33a2c", "×", 'X'),
        Some(Health::Unknown) => ("#7f8794", "?", '?'),
        None => ("", "", '_'),
    }
}

/// Every ground, for tests.
#[cfg(test)]
pub(super) fn colours() -> impl Iterator<Item = &'static str> {
    Health::ALL.into_iter().map(|health| look(Some(health)).0).chain([MAINTENANCE])
}
