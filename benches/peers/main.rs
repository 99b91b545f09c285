//! Probes per CPU second, saturated: gengfu, a bare `reqwest` loop and `blackbox_exporter`, in turns, on one core; HTTP
//! and HTTPS here, the other kinds in `kinds`.
//!
//! nginx and whoever drives `blackbox_exporter` work on another core and are not counted. Each measured program runs in
//! a process of its own with four probes in flight; every probe opens a connection and, with HTTPS, makes a whole
//! handshake of TLS 1.3. `blackbox_exporter` leaves the chain unverified, which spares it work that the others do.

mod asker;
#[path = "../rig/blackbox.rs"]
mod blackbox;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/cpu.rs"]
mod cpu;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/files.rs"]
mod files;
mod kinds;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/process.rs"]
mod process;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/table.rs"]
mod table;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/target.rs"]
mod target;

use anyhow::Result;
use asker::Asked;
use blackbox::Blackbox;
use process::{MEASURED, OTHERS, on_core};
use table::{Goal, Unit, head, row, say};
use target::Target;

/// Rounds; each is one turn of everybody. The best one counts, since other work only takes away.
const ROUNDS: usize = 3;

/// One round.
struct Round {
    gengfu: Asked,
    reqwest: Asked,
    blackbox: Option<Asked>,
}

impl Round {
    fn against_blackbox(&self) -> Option<f64> {
        Some(self.gengfu.per_cpu_s() / self.blackbox.as_ref()?.per_cpu_s())
    }

    fn against_reqwest(&self) -> f64 {
        self.gengfu.per_cpu_s() / self.reqwest.per_cpu_s()
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--child", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return if rest.first().is_some_and(|who| who == kinds::SERVE) { kinds::serve() } else { asker::child(rest) };
    }
    let folder = tempfile::tempdir()?;
    let target = Target::start(folder.path(), OTHERS)?;
    for (scheme, goal) in [("http", 6.0), ("https", 3.0)] {
        compare(&target, folder.path(), scheme, goal)?;
    }
    kinds::compare(&target, folder.path())?;
    Ok(())
}

fn compare(target: &Target, folder: &std::path::Path, scheme: &str, goal: f64) -> Result<()> {
    let (urls, ca) = (target.urls(scheme), target.ca());
    head(&format!("{} probes, fresh connections, saturated", scheme.to_uppercase()));
    let mut rounds = Vec::new();
    for n in 1..=ROUNDS {
        let gengfu = asker::ask("gengfu", &urls, &ca)?;
        let reqwest = asker::ask("reqwest", &urls, &ca)?;
        let exporter = Blackbox::start(folder, on_core(MEASURED, blackbox::PROGRAM))?;
        let blackbox =
            exporter.map(|exporter| asker::drive(&exporter.urls("http", &urls), &ca, exporter.id())).transpose()?;
        let round = Round { gengfu, reqwest, blackbox };
        say(&format!(
            "<!-- round {n}: {:.0}, {:.0}, {:.0} per CPU second; × reqwest {:.2}, × blackbox {:.2} -->",
            round.gengfu.per_cpu_s(),
            round.reqwest.per_cpu_s(),
            round.blackbox.as_ref().map_or(0.0, Asked::per_cpu_s),
            round.against_reqwest(),
            round.against_blackbox().unwrap_or_default(),
        ));
        rounds.push(round);
    }
    let best = |who: fn(&Round) -> Option<&Asked>| {
        rounds.iter().filter_map(who).max_by(|a, b| a.per_cpu_s().total_cmp(&b.per_cpu_s()))
    };
    let per_cpu_s = |what: &str, asked: Option<&Asked>| {
        if let Some(asked) = asked {
            row(what, Unit::Count, asked.per_cpu_s(), Goal::None, asked.spent);
        }
    };
    per_cpu_s("gengfu, probes per CPU second", best(|round| Some(&round.gengfu)));
    per_cpu_s("reqwest, the bare loop", best(|round| Some(&round.reqwest)));
    per_cpu_s("blackbox_exporter", best(|round| round.blackbox.as_ref()));
    let most = |ratio: &dyn Fn(&Round) -> Option<f64>| rounds.iter().filter_map(ratio).max_by(f64::total_cmp);
    let spent = cpu::Spent::default();
    match most(&Round::against_blackbox) {
        Some(ratio) => row("gengfu / blackbox_exporter, best round", Unit::Times, ratio, Goal::AtLeast(goal), spent),
        None => say("blackbox_exporter is not installed: no comparison"),
    }
    let wanted = if scheme == "http" { Goal::AtLeast(0.7) } else { Goal::None };
    let ratio = most(&|round| Some(round.against_reqwest())).unwrap_or_default();
    row("gengfu / reqwest, best round", Unit::Times, ratio, wanted, spent);
    Ok(())
}
