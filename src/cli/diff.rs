//! `gengfu diff`: what a reload would change, between two sets of files.
//!
//! Not here: comparing (`config`). Exit codes: 0 both sets are good, 1 one has problems, 2 could not run.

use super::Format;
use super::check::options;
use crate::config::{Change, ChangeKind, Loaded, Sources, Style, diff, load, render, render_json};
use crate::domain::Timestamp;
use anyhow::Result;
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Could not run.
const COULD_NOT_RUN: u8 = 2;

/// Arguments of `gengfu diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The main file of the set that runs; `--config` names the one that would replace it.
    #[arg(value_name = "RUNNING")]
    pub running: PathBuf,
    /// How changes are written.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Compares the files of `args.running` with those of `config`.
///
/// # Errors
/// If `out` cannot be written.
pub fn diff_files(
    now: Timestamp,
    env: HashMap<String, String>,
    config: &Path,
    args: &DiffArgs,
    style: Style,
    out: &mut dyn Write,
) -> Result<u8> {
    let mut sets = Vec::with_capacity(2);
    for main in [args.running.as_path(), config] {
        match loaded(now, &env, main, args.format, style, out)? {
            Ok(loaded) => sets.push(loaded),
            Err(code) => return Ok(code),
        }
    }
    if let [old, new] = sets.as_slice() {
        write(&diff(old, new), args.format, out)?;
    }
    Ok(0)
}

/// One set, or the exit code after its problems were written.
fn loaded(
    now: Timestamp,
    env: &HashMap<String, String>,
    main: &Path,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> Result<std::result::Result<Loaded, u8>> {
    let sources = match Sources::read(main) {
        Ok(sources) => sources,
        Err(error) => {
            match format {
                Format::Human => writeln!(out, "error: {error}")?,
                Format::Json => writeln!(out, "{}", json!({ "ok": false, "error": error.to_string() }))?,
            }
            return Ok(Err(COULD_NOT_RUN));
        }
    };
    let mut options = options(now, env.clone());
    options.judge_from = None;
    match load(&sources, &options) {
        Ok(loaded) => Ok(Ok(loaded)),
        Err(problems) => {
            match format {
                Format::Human => out.write_all(render(&problems, &sources, style).as_bytes())?,
                Format::Json => writeln!(out, "{}", json!({ "ok": false, "problems": render_json(&problems) }))?,
            }
            Ok(Err(1))
        }
    }
}

/// Writes changes for people or scripts.
///
/// # Errors
/// If `out` cannot be written.
pub fn write(changes: &[Change], format: Format, out: &mut dyn Write) -> Result<()> {
    match format {
        Format::Json => {
            let one = |c: &Change| {
                json!({
                    "change": c.kind.as_str(),
                    "thing": c.thing,
                    "id": c.id,
                    "parts": c.parts,
                    "file": c.source.as_ref().map(|s| s.file.to_string()),
                    "line": c.source.as_ref().map(|s| s.line),
                })
            };
            writeln!(out, "{}", json!({ "ok": true, "changes": changes.iter().map(one).collect::<Vec<_>>() }))?;
        }
        Format::Human => {
            for change in changes {
                write!(out, "{} {} {}", change.kind.sign(), change.thing, change.id)?;
                match &change.source {
                    Some(source) if change.kind != ChangeKind::Removed => writeln!(out, "  ({source})")?,
                    _ => writeln!(out)?,
                }
                for part in &change.parts {
                    writeln!(out, "    {part}")?;
                }
            }
            let count = |kind| changes.iter().filter(|c| c.kind == kind).count();
            let (added, removed) = (count(ChangeKind::Added), count(ChangeKind::Removed));
            writeln!(out, "{added} added, {removed} removed, {} changed", count(ChangeKind::Changed))?;
        }
    }
    Ok(())
}
