//! The store: synced commits, a year of facts, and a start from a checkpoint or from the facts alone.

use crate::cpu::{Lap, Spent};
use crate::files::{T0, loaded, silent};
use crate::table::{Goal, Unit, row};
use crate::{REPEATS, SUBSYSTEMS, fastest, past};
use anyhow::Result;
use gengfu::domain::engine::{Engine, Event};
use gengfu::domain::{Content, DAY, Fact, HOUR, Inventory, Language, Message, Recipient, Recorded, Timestamp};
use gengfu::store::Store;
use std::path::Path;
use std::sync::Arc;

/// Commits that are timed.
const COMMITS: u32 = 500;

/// Changes of each probe in a year; with 10 000 probes a million facts.
const CHANGES: i64 = 101;

/// Facts behind the checkpoint: ten minutes of a bad day, 500 failures and recoveries.
const BEHIND: usize = 1_000;

/// Facts handed in at once while the year is written.
const BATCH: usize = 10_000;

pub(crate) fn rows() -> Result<()> {
    // Beside the build, not in a temporary directory: that one may lie in memory, where nothing is ever synced.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(commits(&folder.path().join("commits.db")))?;
    let inventory = Arc::new(loaded(&silent(SUBSYSTEMS))?.inventory);
    runtime.block_on(start(&folder.path().join("year.db"), &inventory))
}

async fn commits(path: &Path) -> Result<()> {
    let store = Store::open(path)?;
    let lap = Lap::own();
    let mut end = 0;
    for sequence in 0..COMMITS {
        end = store.commit(end, vec![fact()], vec![message(sequence)]).await?;
    }
    let spent = lap.spent();
    let rate = f64::from(COMMITS) / spent.wall_s;
    row("commits per second: one fact, one message, synced", Unit::Count, rate, Goal::None, spent);
    Ok(())
}

async fn start(path: &Path, inventory: &Arc<Inventory>) -> Result<()> {
    let facts = past::facts(inventory, 365, CHANGES);
    let (store, lap) = (Store::open(path)?, Lap::own());
    let (mut end, mut engine) = (0, Engine::new(T0 + -(366 * DAY), Arc::clone(inventory)));
    for batch in facts.chunks(BATCH) {
        end = store.commit(end, batch.to_vec(), Vec::new()).await?;
        batch.iter().for_each(|recorded| engine.apply(recorded));
    }
    let (written, spent) = (facts.len() as f64, lap.spent());
    row("facts of a year written, in batches", Unit::Count, written, Goal::None, spent);
    drop(store);

    let spent = from_disk(path, inventory).await?;
    row("start by replaying a million facts", Unit::Of("s"), spent.wall_s, Goal::None, spent);

    // As a daemon that has run all the time: it keeps 64 days in memory.
    let last = facts.last().map_or(T0, |recorded| recorded.at);
    engine.start(last, Some(last), "digest");
    engine.handle(last + 2 * HOUR, Event::Tick);
    let store = Store::open(path)?;
    store.checkpoint(end, engine.checkpoint()).await?;
    store.commit(end, past::bad_day(inventory, BEHIND), Vec::new()).await?;
    drop(store);
    let spent = from_disk(path, inventory).await?;
    row("start from a checkpoint, until the first picture", Unit::Of("s"), spent.wall_s, Goal::AtMost(1.0), spent);
    let (_, spent) = fastest(|| Ok(Store::open(path)?.commit_times().sum()))?;
    row("of that, opening and checking the store", Unit::Of("s"), spent.wall_s, Goal::None, spent);
    Ok(())
}

/// What the daemon does between its files and its first picture.
async fn from_disk(path: &Path, inventory: &Arc<Inventory>) -> Result<Spent> {
    let mut best = Spent { wall_s: f64::MAX, cpu_s: 0.0 };
    for _ in 0..REPEATS {
        let lap = Lap::own();
        let store = Store::open(path)?;
        let mut engine = Engine::new(T0, Arc::clone(inventory));
        let loaded = store.load().await?;
        if let Some((_, bytes)) = &loaded.checkpoint {
            anyhow::ensure!(engine.restore(bytes), "the checkpoint is of another shape");
        }
        loaded.facts.iter().for_each(|(_, recorded)| engine.apply(recorded));
        engine.start(T0, Some(T0), "digest");
        anyhow::ensure!(engine.snapshot().subsystems.len() == SUBSYSTEMS, "the picture is not whole");
        let spent = lap.spent();
        best = if spent.wall_s < best.wall_s { spent } else { best };
    }
    Ok(best)
}

fn fact() -> Recorded {
    Recorded { at: T0, fact: Fact::Reloaded { digest: "0".repeat(64) } }
}

fn message(sequence: u32) -> Message {
    let to = Recipient { name: "值班".into(), mail: "oncall@huangpu.test".into(), language: Language::Zh };
    let content = Content::ReloadRefused { text: "a sentence of the usual length about a file and a line".into() };
    Message::new("commits".into(), sequence, to, Timestamp(T0.0), DAY, content)
}
