//! `gengfu check`: every problem of the files, each at its place.
//!
//! Not here: finding them (`config`). Exit codes: 0 good, 1 problems (with `--strict` also warnings), 2 no main file,
//! 64 a time that cannot be read.

use super::Format;
use crate::config::{LoadOptions, Loaded, Sources, Style, SystemRoots, load, render, render_json};
use crate::domain::Timestamp;
use crate::domain::civil::Zone;
use crate::field::Problems;
use crate::probe::Heartbeats;
use anyhow::Result;
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Malformed usage.
const USAGE: u8 = 64;
/// Could not run.
const COULD_NOT_RUN: u8 = 2;

/// Arguments of `gengfu check`.
#[derive(Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// Warnings count as problems.
    #[arg(long)]
    pub strict: bool,
    /// Judge windows as of this time instead of now: RFC 3339, or local civil time.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How problems are written.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Checks the files of `config` and writes what was found.
///
/// # Errors
/// If `out` cannot be written.
pub fn check(
    now: Timestamp,
    env: HashMap<String, String>,
    config: &Path,
    args: &CheckArgs,
    style: Style,
    out: &mut dyn Write,
) -> Result<u8> {
    let sources = match Sources::read(config) {
        Ok(sources) => sources,
        Err(error) => return refuse(args.format, &error.to_string(), COULD_NOT_RUN, out),
    };
    let mut options = options(now, env);
    if let Some(text) = &args.at {
        match moment(text, &sources, &options) {
            Ok(at) => options.judge_from = Some(at),
            Err(why) => return refuse(args.format, &format!("--at: {why}"), USAGE, out),
        }
    }
    let found = load(&sources, &options);
    let problems = match &found {
        Ok(loaded) => &loaded.warnings,
        Err(problems) => problems,
    };
    let good = !problems.has_errors() && (problems.is_empty() || !args.strict);
    match args.format {
        Format::Json => writeln!(out, "{}", summary_json(good, problems, found.as_ref().ok()))?,
        Format::Human => human(problems, found.as_ref().ok(), &sources, style, out)?,
    }
    Ok(u8::from(!good))
}

/// What a command that only looks at the files loads them with.
pub fn options(now: Timestamp, env: HashMap<String, String>) -> LoadOptions {
    let mut options = LoadOptions::new(now, env, Arc::new(Heartbeats::new(now)));
    options.system_roots = SystemRoots::Skip;
    options
}

/// The variables that are text.
pub fn environment() -> HashMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Reads a time; a civil one needs the zone of the files.
fn moment(text: &str, sources: &Sources, options: &LoadOptions) -> Result<Timestamp, String> {
    if let Ok(at) = Zone::utc().parse(text)
        && (text.ends_with('Z') || text.contains('+'))
    {
        return Ok(at);
    }
    let silent = LoadOptions { judge_from: None, ..options.clone() };
    let zone = load(sources, &silent).map_or_else(|_| Zone::named("Asia/Shanghai"), |l| Ok(l.settings.zone))?;
    zone.parse(text)
}

fn refuse(format: Format, why: &str, code: u8, out: &mut dyn Write) -> Result<u8> {
    match format {
        Format::Json => writeln!(out, "{}", json!({ "ok": false, "error": why }))?,
        Format::Human => writeln!(out, "error: {why}")?,
    }
    Ok(code)
}

fn human(
    problems: &Problems,
    loaded: Option<&Loaded>,
    sources: &Sources,
    style: Style,
    out: &mut dyn Write,
) -> Result<()> {
    if !problems.is_empty() {
        out.write_all(render(problems, sources, style).as_bytes())?;
    }
    if let Some(loaded) = loaded {
        let inventory = &loaded.inventory;
        writeln!(
            out,
            "good: {} owners, {} subsystems, {} probes, {} schedules, {} policies in {} files",
            inventory.owners.len(),
            inventory.subsystems.len(),
            inventory.probes.len(),
            inventory.schedules.len(),
            inventory.policies.len(),
            sources.files.len()
        )?;
    }
    Ok(())
}

fn summary_json(good: bool, problems: &Problems, loaded: Option<&Loaded>) -> serde_json::Value {
    let counts = loaded.map(|l| {
        json!({
            "owners": l.inventory.owners.len(),
            "subsystems": l.inventory.subsystems.len(),
            "probes": l.inventory.probes.len(),
            "schedules": l.inventory.schedules.len(),
            "policies": l.inventory.policies.len(),
            "digest": l.digest,
        })
    });
    json!({ "ok": good, "problems": render_json(problems), "loaded": counts })
}
