//! `gengfu report`: what was promised and what came of it, from the store alone, beside a daemon or without one.
//!
//! Not here: what a report says (`report`). Exit codes: 0 written, 2 an owner or a store that is not there.

use super::answer::{instant, language};
use crate::domain::sla::Period;
use crate::domain::{Inventory, Language, OwnerId, Timestamp};
use crate::field::suggestion;
use crate::report::{Question, Report, build, csv, html, json, markdown};
use crate::store::{Store, UpTo};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// One file that needs nothing else, for the screen and for A4.
    Html,
    /// A row a promise, for spreadsheets.
    Csv,
    /// For scripts.
    Json,
    /// For people at a terminal, and for wikis.
    #[default]
    Md,
}

/// Arguments of `gengfu report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// A day 2026-10-03, a week 2026-W40, a month 2026-10, a quarter 2026-Q4, a year 2026, rolling_7d or rolling_30d; `day`
    /// to `year` are those of now.
    #[arg(long, default_value = "month")]
    period: String,
    /// One owner's part.
    #[arg(long)]
    owner: Option<String>,
    /// As it stood then; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The language: zh or en.
    #[arg(long, value_parser = language, default_value = "zh", env = "GENGFU_LANG")]
    lang: Language,
    /// Put the mark in front of a CSV by which spreadsheets know UTF-8.
    #[arg(long)]
    bom: bool,
    /// Into this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads the store at `path` and writes the report.
///
/// # Errors
/// An owner, a period or a store that is not there, or a file that cannot be written.
pub async fn report(
    now: Timestamp,
    path: &Path,
    inventory: Arc<Inventory>,
    args: &ReportArgs,
    out: &mut (dyn Write + Send),
) -> Result<u8> {
    let at = instant(now, &inventory, args.at.as_deref())?;
    let period = Period::named(&args.period, at, &inventory.zone).map_err(anyhow::Error::msg)?;
    let owner = args.owner.as_deref().map(OwnerId::from);
    if let Some(owner) = owner.as_ref().filter(|owner| !inventory.owners.contains_key(*owner)) {
        match suggestion(owner.as_str(), inventory.owners.keys().map(OwnerId::as_str)) {
            Some(near) => bail!("no owner is called {owner}; did you mean {near}?"),
            None => bail!("no owner is called {owner}"),
        }
    }
    let store = Store::open_to_read(path)
        .with_context(|| "there is no store to report from; run the daemon, or name another `store.path`")?;
    let upto = if args.at.is_some() { UpTo::Instant(at) } else { UpTo::Now };
    let past = store.past(inventory, at, upto).await?;
    let report = build(&past, at, &Question { period, owner }).context("there is nothing to report")?;
    let text = written(&report, args)?;
    match &args.out {
        Some(file) => std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(0)
}

fn written(report: &Report, args: &ReportArgs) -> Result<String> {
    Ok(match args.format {
        ReportFormat::Html => html(report, args.lang)?,
        ReportFormat::Csv => csv(report, args.lang, args.bom)?,
        ReportFormat::Json => format!("{:#}\n", json(report)),
        ReportFormat::Md => markdown(report, args.lang),
    })
}
