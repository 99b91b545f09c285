//! The chain of evidence of a year: sealed day by day, and proved from the beginning.
//!
//! Not here: what it proves. Invariant: nothing that is measured finds anything wrong.

use crate::cpu::Lap;
use crate::files::{T0, loaded, silent};
use crate::table::{Goal, Unit, row};
use crate::{fastest, past};
use anyhow::{Result, ensure};
use gengfu::domain::civil::Zone;
use gengfu::domain::{DAY, HOUR, Inventory, MINUTE, Timestamp};
use gengfu::store::{Sealing, Store, Tally, Wanted};
use std::path::Path;

/// Subsystems, one probe each.
const SUBSYSTEMS: usize = 5_000;

/// Changes of each in the year: a million facts in all.
const CHANGES: i64 = 200;

const DAYS: i64 = 365;

pub(crate) fn rows() -> Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = folder.path().join("year.db");
    let inventory = loaded(&silent(SUBSYSTEMS))?.inventory;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(write(&path, &inventory))?;
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    let (proof, spent) = fastest(|| {
        let proof = runtime.block_on(Store::open_to_read(&path)?.verify(Wanted::default()))?;
        ensure!(proof.findings.is_empty(), "an honest store is found wrong: {:?}", proof.findings);
        Ok(proof)
    })?;
    let [facts, _, tallies] = proof.rows;
    let days = proof.days.len();
    row("size of the store of a year, MB", Unit::Count, megabytes, Goal::None, spent);
    let what = format!("verify {days} days, {facts} facts, {tallies} packed tallies");
    row(&what, Unit::Of("s"), spent.wall_s, Goal::AtMost(10.0), spent);
    Ok(())
}

/// A year as a daemon writes it: facts, hourly tallies, and a seal each night.
async fn write(path: &Path, inventory: &Inventory) -> Result<()> {
    let (store, facts) = (Store::open(path)?, past::facts(inventory, DAYS, CHANGES));
    let (begins, mut end, mut rest) = (T0 + -(DAYS * DAY), 0, facts.as_slice());
    let (zone, lap, mut slowest) = (Zone::utc(), Lap::own(), 0.0_f64);
    for day in 0..=DAYS {
        let midnight = zone.midnight(zone.date(begins + day * DAY));
        let (mine, later) = rest.split_at(rest.partition_point(|fact| fact.at < midnight + DAY));
        rest = later;
        end = store.commit(end, mine.to_vec(), Vec::new()).await?;
        for hour in 0..24 {
            store.tally(hour_of(inventory, midnight + hour * HOUR)).await?;
        }
        let now = midnight + DAY + 11 * MINUTE;
        let (retain_ms, night) = (3 * 365 * DAY, Lap::own());
        store.seal(Sealing { now, zone: zone.clone(), retain_ms, retain_audit_ms: retain_ms }).await?;
        slowest = slowest.max(night.spent().wall_s);
    }
    let spent = lap.spent();
    row("a year written and sealed, day by day", Unit::Of("s"), spent.wall_s, Goal::None, spent);
    row("the slowest seal of a day", Unit::Of("s"), slowest, Goal::AtMost(1.0), spent);
    Ok(())
}

fn hour_of(inventory: &Inventory, hour: Timestamp) -> Vec<Tally> {
    let counted = |probe: &gengfu::domain::ProbeId| Tally {
        probe: probe.clone(),
        hour,
        ticks: 120,
        pass: 118,
        degraded: 0,
        fail: 1,
        unknown: 0,
        skipped: 1,
        slow_pass: 0,
        slow_fail: 0,
    };
    inventory.probes.keys().map(counted).collect()
}
