//! Parts of the daemon in this process, at the size of a big city: files, `/metrics`, figures, store, start.
//!
//! Not here: the engine's hot path (`engine`), probes (`peers`), the whole daemon (`daemon`).

#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/cpu.rs"]
mod cpu;
mod evidence;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/files.rs"]
mod files;
mod past;
mod readers;
mod reports;
mod start;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/table.rs"]
mod table;
mod windows;

use cpu::{Lap, Spent};
use files::{T0, loaded, silent, take};
use gengfu::config::Sources;
use gengfu::domain::engine::{Engine, Event};
use std::sync::Arc;
use table::{Goal, Unit, head, row};

/// Subsystems of the big city, and probes, one each.
pub(crate) const SUBSYSTEMS: usize = 10_000;

/// Repetitions; the fastest counts, since other work on the machine only takes away.
const REPEATS: usize = 3;

/// Measures the named sections, or all: `cargo bench --bench inside -- readers`.
fn main() -> anyhow::Result<()> {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |section: &str| named.is_empty() || named.iter().any(|name| name == section);
    if wanted("files") {
        head("Files, 10 000 subsystems");
        files_rows()?;
    }
    if wanted("readers") {
        head("What readers see, 10 000 subsystems with 60 days of history");
        readers::rows()?;
    }
    if wanted("windows") {
        head("Windows of 400 days");
        windows::rows()?;
    }
    if wanted("reports") {
        head("Reports, 5 000 subsystems with 200 changes in a year");
        reports::rows()?;
    }
    if wanted("start") {
        head("Store and start");
        start::rows()?;
    }
    if wanted("evidence") {
        head("Evidence of a year, 5 000 subsystems with 200 changes each");
        evidence::rows()?;
    }
    Ok(())
}

/// Does `work` a few times; the last result, and what the fastest time took.
pub(crate) fn fastest<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(T, Spent)> {
    let mut best: Option<(T, Spent)> = None;
    for _ in 0..REPEATS {
        let lap = Lap::own();
        let done = work()?;
        let spent = lap.spent();
        let spent = best.map_or(spent, |(_, former)| if former.wall_s < spent.wall_s { former } else { spent });
        best = Some((done, spent));
    }
    best.ok_or_else(|| anyhow::anyhow!("nothing was done"))
}

fn files_rows() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let city = silent(SUBSYSTEMS);
    city.write(folder.path())?;
    let main = folder.path().join("gengfu.yaml");
    let (former, spent) = fastest(|| take(&Sources::read(&main)?))?;
    row("check: read, parse and judge all files", Unit::Of("s"), spent.wall_s, Goal::AtMost(1.0), spent);

    let mut engine = Engine::new(T0, Arc::new(former.inventory));
    engine.start(T0, None, "digest");
    let owner = folder.path().join("probes/bureaus/b0042.yaml");
    let text = std::fs::read_to_string(&owner)?;
    let mut edit = 0;
    let (_, spent) = fastest(|| {
        edit += 1;
        std::fs::write(&owner, text.replacen("tier: 1", &format!("tier: {}", 1 + edit % 3), 1))?;
        let next = take(&Sources::read(&main)?)?;
        let reloaded = Event::Reloaded {
            inventory: Arc::new(next.inventory),
            digest: next.digest,
            by: gengfu::domain::Actor::ourselves("files"),
        };
        engine.handle(T0 + 60_000, reloaded);
        Ok(engine.snapshot())
    })?;
    row(
        "reload that changes one subsystem, until the new picture",
        Unit::Of("s"),
        spent.wall_s,
        Goal::AtMost(0.3),
        spent,
    );

    let (whole, spent) = fastest(|| Ok(loaded(&silent(300))?.inventory.subsystems.len()))?;
    row(&format!("check of {whole} subsystems"), Unit::Of("s"), spent.wall_s, Goal::None, spent);
    Ok(())
}
