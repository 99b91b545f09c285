//! What the same pace costs others: a bare `reqwest` loop that judges nothing, and `blackbox_exporter`.
//!
//! A paced probe wakes a sleeping machine, so it costs several times what a saturated one does; these rows say how much
//! of the daemon's figure is that. Not here: Prometheus, which would have to ask `blackbox_exporter`.

use crate::blackbox::{Blackbox, PROGRAM};
use crate::cpu::{Lap, Spent};
use crate::table::{Goal, Unit, row, say};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

/// 1 000 probes in 15 s.
const EVERY: Duration = Duration::from_millis(15);

/// Probes that are counted.
const PROBES: u32 = 2_000;

/// How long before that it warms up.
const WARMS_FOR: u32 = 200;

/// One row each.
pub(crate) async fn rows(folder: &Path, urls: &[String]) -> Result<()> {
    // A process that has a provider already keeps it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let own = Command::new(std::env::current_exe()?).arg("--child").args(urls).stderr(Stdio::inherit()).output()?;
    let line = String::from_utf8_lossy(&own.stdout);
    let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let &[wall_s, cpu_s] = &numbers[..] else { bail!("the bare loop said {line:?}") };
    print("CPU seconds per 1 000 probes, a bare reqwest loop", Spent { wall_s, cpu_s });
    match Blackbox::start(folder, Command::new(PROGRAM))? {
        Some(exporter) => {
            let client = reqwest::Client::builder().no_proxy().build()?;
            let spent = paced(&client, &exporter.urls("http", urls), exporter.id()).await?;
            print("CPU seconds per 1 000 probes, blackbox_exporter", spent);
        }
        None => say("blackbox_exporter is not installed: no comparison"),
    }
    Ok(())
}

fn print(what: &str, spent: Spent) {
    row(what, Unit::Of("s"), spent.cpu_s / f64::from(PROBES) * 1e3, Goal::None, spent);
}

/// The bare loop, in a process of its own, with as many threads as the daemon has.
pub(crate) fn child(urls: &[String]) -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let own = std::process::id();
    let Spent { wall_s, cpu_s } = runtime.block_on(paced(&client, urls, own))?;
    say(&format!("{wall_s} {cpu_s}"));
    Ok(())
}

/// Asks one URL after the other at the pace. Returns what `measured` spent.
async fn paced(client: &reqwest::Client, urls: &[String], measured: u32) -> Result<Spent> {
    let mut beat = interval_at(Instant::now(), EVERY);
    let mut asking = JoinSet::new();
    let mut lap = Lap::of(measured);
    for n in 0..WARMS_FOR + PROBES {
        beat.tick().await;
        if n == WARMS_FOR {
            lap = Lap::of(measured);
        }
        let ask = client.get(&urls[n as usize % urls.len()]);
        asking.spawn(async move { ask.send().await?.error_for_status()?.text().await });
        while let Some(done) = asking.try_join_next() {
            done??;
        }
    }
    let spent = lap.spent();
    for done in asking.join_all().await {
        done?;
    }
    Ok(spent)
}
