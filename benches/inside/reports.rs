//! Reports: a year of 5 000 subsystems with 200 changes each, from the store to the page.

use crate::files::{T0, loaded, silent};
use crate::table::{Goal, Unit, row};
use crate::{fastest, past};
use anyhow::{Context, Result};
use gengfu::domain::Language;
use gengfu::domain::sla::{Period, Reader};
use gengfu::report::{Question, build, html};
use gengfu::store::{Store, UpTo};
use std::sync::Arc;

/// Subsystems, one probe each.
const SUBSYSTEMS: usize = 5_000;

/// Changes of each in the year.
const CHANGES: i64 = 200;

/// Facts handed in at once while the year is written.
const BATCH: usize = 10_000;

pub(crate) fn rows() -> Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = folder.path().join("year.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let inventory = Arc::new(loaded(&silent(SUBSYSTEMS))?.inventory);
    let store = Store::open(&path)?;
    runtime.block_on(async {
        let mut end = 0;
        for batch in past::facts(&inventory, 365, CHANGES).chunks(BATCH) {
            end = store.commit(end, batch.to_vec(), Vec::new()).await?;
        }
        store.alive(T0).await
    })?;
    drop(store);
    let size = std::fs::metadata(&path)?.len();
    let store = Store::open_to_read(&path)?;
    let (year, spent) = fastest(|| Ok(runtime.block_on(store.past(Arc::clone(&inventory), T0, UpTo::Now))?))?;
    row("a year of a million facts read and folded", Unit::Of("s"), spent.wall_s, Goal::None, spent);
    row("size of that store", Unit::Of("MiB"), size as f64 / f64::from(1 << 20), Goal::None, spent);
    let zone = &inventory.zone;
    let question = Question { period: Period::named("year", T0, zone).map_err(anyhow::Error::msg)?, owner: None };
    let (report, built) = fastest(|| build(&year, T0, &question).context("no report"))?;
    row("the year's report built of it", Unit::Of("s"), built.wall_s, Goal::None, built);
    let (text, printed) = fastest(|| Ok(html(&report, Language::Zh)?))?;
    row("printed as HTML", Unit::Of("s"), printed.wall_s, Goal::None, printed);
    row("size of the HTML", Unit::Of("MiB"), text.len() as f64 / f64::from(1 << 20), Goal::None, printed);
    let whole = spent.wall_s + built.wall_s + printed.wall_s;
    row("report over a year, from the store to the page", Unit::Of("s"), whole, Goal::AtMost(2.0), built);
    let view = &year.snapshot.subsystems[SUBSYSTEMS / 2];
    let (_, one) =
        fastest(|| Reader::new(T0, &year.snapshot).answers(view, question.period, &[]).context("no figure"))?;
    row("the year's figures of one subsystem", Unit::Of("ms"), one.wall_s * 1e3, Goal::AtMost(50.0), one);
    Ok(())
}
