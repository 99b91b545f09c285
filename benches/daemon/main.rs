//! The whole daemon, as it is run, paced: 1 000 probes every 15 s, and with `GENGFU_BENCH_LONG` 100 000 every 60 s.
//!
//! `-- gate` measures the gate alone, `-- pages` how soon mail about an outage is with the relay, `-- storm` what happens
//! when 3 000 subsystems fail at once, and `-- crowd` what it costs when many look at the overview. The daemon probes an
//! nginx on loopback, stores, answers `/metrics` and looks after its mail. What it says of itself is read from its own
//! `/metrics`; what it costs, from the kernel.

#[path = "../rig/blackbox.rs"]
mod blackbox;
#[path = "../rig/chromium.rs"]
mod chromium;
mod control;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/cpu.rs"]
mod cpu;
mod crowd;
mod daemon;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/files.rs"]
mod files;
mod gate;
mod pages;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/process.rs"]
mod process;
mod scrape;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/table.rs"]
mod table;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/target.rs"]
mod target;

use anyhow::Result;
use cpu::{Lap, Spent};
use daemon::Daemon;
use process::OTHERS;
use scrape::Scrape;
use std::path::Path;
use std::time::Duration;
use table::{Goal, Unit, head, row, say};
use target::Target;

/// A size of the city, and for how long it is watched.
struct Load {
    title: &'static str,
    subsystems: usize,
    every_s: u32,
    /// Until every probe was tried once and health is confirmed.
    warms_s: u64,
    lasts_s: u64,
}

const PACED: Load =
    Load { title: "1 000 HTTP probes every 15 s", subsystems: 1_000, every_s: 15, warms_s: 35, lasts_s: 60 };
const CITY: Load =
    Load { title: "10 000 HTTP probes every 60 s", subsystems: 10_000, every_s: 60, warms_s: 70, lasts_s: 60 };
const LONG: Load =
    Load { title: "100 000 HTTP probes every 60 s", subsystems: 100_000, every_s: 60, warms_s: 150, lasts_s: 180 };

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--child", urls)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return control::child(urls);
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let long = std::env::var_os("GENGFU_BENCH_LONG").is_some();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let target = Target::start(folder.path(), OTHERS)?;
    if arguments.iter().any(|argument| argument == "gate") {
        head("The gate of a daemon with 1 000 HTTP probes every 15 s");
        return runtime.block_on(async {
            let urls = target.urls("http");
            let (daemon, _) = Daemon::start(PACED.subsystems, PACED.every_s, urls, folder.path()).await?;
            tokio::time::sleep(Duration::from_secs(PACED.every_s.into())).await;
            gate::rows(&daemon, PACED.subsystems).await
        });
    }
    if arguments.iter().any(|argument| argument == "pages") {
        return runtime.block_on(pages(&target, folder.path()));
    }
    if arguments.iter().any(|argument| argument == "storm") {
        return runtime.block_on(storm(&target, folder.path()));
    }
    if arguments.iter().any(|argument| argument == "crowd") {
        return runtime.block_on(crowd(&target, folder.path()));
    }
    if !long {
        head("The same pace without gengfu: 67 HTTP probes a second, fresh connections");
        runtime.block_on(control::rows(folder.path(), &target.urls("http")))?;
    }
    for load in if long { &[LONG][..] } else { &[PACED, CITY][..] } {
        runtime.block_on(watch(load, &target, &folder.path().join(load.subsystems.to_string())))?;
    }
    if !long {
        runtime.block_on(pages(&target, &folder.path().join("pages")))?;
        runtime.block_on(storm(&target, &folder.path().join("storm")))?;
        runtime.block_on(crowd(&target, &folder.path().join("crowd")))?;
    }
    Ok(())
}

async fn pages(target: &Target, folder: &Path) -> Result<()> {
    head("Mail of a daemon with 10 000 HTTP probes every 60 s, of which 600 fail within a minute");
    pages::rows(CITY.subsystems, CITY.every_s, target.urls("http"), folder).await
}

async fn storm(target: &Target, folder: &Path) -> Result<()> {
    head("A storm: 3 000 of 5 000 HTTP probes every 60 s fail at once, 50 people, and four pages a second are read");
    pages::storm(target.urls("http"), folder).await
}

async fn crowd(target: &Target, folder: &Path) -> Result<()> {
    head("Many look: a whole city of 5 000 subsystems, an HTTP probe every 60 s each, one in sixty comes and goes");
    crowd::rows(target.urls("http"), folder).await
}

async fn watch(load: &Load, target: &Target, folder: &Path) -> Result<()> {
    head(load.title);
    let (daemon, ready) = Daemon::start(load.subsystems, load.every_s, target.urls("http"), folder).await?;
    row("start until it serves, new store", Unit::Of("s"), ready.wall_s, Goal::None, ready);
    tokio::time::sleep(Duration::from_secs(load.warms_s)).await;
    let before = daemon.scrape().await?;
    let lap = Lap::of(daemon.id());
    tokio::time::sleep(Duration::from_secs(load.lasts_s)).await;
    let spent = lap.spent();
    let asking = Lap::of(daemon.id());
    let after = daemon.scrape().await?;
    let scraped = asking.spent();
    report(load, &before, &after, spent, &daemon);
    row("GET /metrics, this scrape", Unit::Of("ms"), scraped.wall_s * 1e3, Goal::AtMost(100.0), scraped);
    if load.subsystems == PACED.subsystems {
        gate::rows(&daemon, load.subsystems).await?;
    }
    let reload = daemon.reload_changed().await?;
    let goal = if load.subsystems == 10_000 { Goal::AtMost(0.3) } else { Goal::None };
    row("reload that changes one subsystem, as asked for over HTTP", Unit::Of("s"), reload.wall_s, goal, reload);
    Ok(())
}

fn report(load: &Load, before: &Scrape, after: &Scrape, spent: Spent, daemon: &Daemon) {
    let between = |name: &str| after.sum(name) - before.sum(name);
    let attempts = between("gengfu_probe_attempts_total");
    let wanted = load.subsystems as f64 / f64::from(load.every_s) * load.lasts_s as f64;
    row("attempts made / attempts due", Unit::Times, attempts / wanted, Goal::AtLeast(0.99), spent);
    row("ticks skipped", Unit::Count, between("gengfu_attempts_skipped_total"), Goal::AtMost(0.0), spent);
    let goal = if load.every_s == 15 { Goal::AtMost(0.15) } else { Goal::None };
    row("CPU seconds per 1 000 probes, all of the daemon", Unit::Of("s"), spent.cpu_s / attempts * 1e3, goal, spent);
    let rss_mib = daemon.rss_bytes() / f64::from(1 << 20);
    let goal = if load.subsystems == 1_000 { Goal::AtMost(60.0) } else { Goal::None };
    row("resident memory", Unit::Of("MiB"), rss_mib, goal, spent);
    row("of that, per probe", Unit::Of("KiB"), rss_mib * 1024.0 / load.subsystems as f64, Goal::None, spent);
    let lag = after.since(before).quantile("gengfu_scheduler_lag_seconds", 0.99);
    row("lag of attempts, p99 at most", Unit::Of("ms"), lag * 1e3, Goal::AtMost(50.0), spent);
    let failed = after.sum_where("gengfu_probe_attempts_total", |labels| !labels.contains("result=\"pass\""));
    if failed > 0.0 {
        say(&format!("<!-- {failed} attempts did not pass -->"));
    }
}
