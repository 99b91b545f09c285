//! `gengfu hours`: the service-hours survey, from the store and the files, findings first.
//!
//! Works beside a running daemon and without one. Exit codes: 0 nothing contradicts what is declared, 1 something does,
//! 2 could not run.

use super::answer::{instant, language, say};
use crate::domain::survey::{PERIOD_MAX_MS, PERIOD_MS, Survey};
use crate::domain::*;
use crate::field::suggestion;
use crate::store::Store;
use crate::web::survey::{CSV_HEAD, csv, gather, json, sheet, surveys};
use anyhow::{Result, bail};
use std::io::Write;
use std::path::Path;

/// How the survey is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum HoursFormat {
    /// Findings first, then a table.
    #[default]
    Human,
    /// For scripts: with the observed weeks.
    Json,
    /// For spreadsheets: a row for each finding.
    Csv,
    /// Markdown: a sheet for each owner to sign.
    Md,
}

/// Arguments of `gengfu hours`.
#[derive(Debug, clap::Args)]
pub struct HoursArgs {
    /// Only subsystems of this owner.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// What was seen from this time on; 92 days before `--to` if left out.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What was seen before this time; now if left out.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: HoursFormat,
    /// Begin CSV with a byte order mark, for spreadsheets that guess.
    #[arg(long)]
    bom: bool,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// Surveys what the store at `path` has counted.
pub async fn hours(
    now: Timestamp,
    inventory: &Inventory,
    path: &Path,
    args: &HoursArgs,
    out: &mut (dyn Write + Send),
) -> Result<u8> {
    if let Some(owner) = args.owner.as_deref().filter(|o| !inventory.owners.contains_key(*o)) {
        match suggestion(owner, inventory.owners.keys().map(OwnerId::as_str)) {
            Some(near) => bail!("no owner is called {owner}; did you mean {near}?"),
            None => bail!("no owner is called {owner}"),
        }
    }
    let to = instant(now, inventory, args.to.as_deref())?;
    let from = instant(to - PERIOD_MS, inventory, args.from.as_deref())?;
    if to <= from {
        bail!("--to is not after --from; nothing lies between");
    }
    if to.since(from) > PERIOD_MAX_MS {
        bail!("more than 400 days; ask for a shorter time");
    }
    let period = Span::new(from, to);
    let wanted = |s: &Subsystem| args.owner.as_deref().is_none_or(|owner| s.id.owner().as_str() == owner);
    let store = Store::open_to_read(path)?;
    let gathering = gather(&store, inventory, period, wanted).await?;
    let all = surveys(inventory, &gathering, period, wanted);
    match args.format {
        HoursFormat::Human => human(inventory, &all, args.lang, out)?,
        HoursFormat::Json => writeln!(out, "{:#}", json(inventory, &all))?,
        HoursFormat::Csv => {
            let mark = if args.bom { "\u{feff}" } else { "" };
            write!(out, "{mark}{CSV_HEAD}")?;
            all.iter().try_for_each(|survey| write!(out, "{}", csv(inventory, survey, args.lang)))?;
        }
        HoursFormat::Md => sheets(inventory, &all, args.lang, out)?,
    }
    let contradicts = |survey: &Survey| survey.findings.iter().any(|f| f.kind.is_against_the_declaration());
    Ok(u8::from(all.iter().any(contradicts)))
}

fn human(inventory: &Inventory, all: &[Survey], language: Language, out: &mut (dyn Write + Send)) -> Result<()> {
    let name = |id: &SubsystemId| {
        inventory.subsystems.get(id).map_or_else(|| id.to_string(), |s| s.name.get(language).to_owned())
    };
    let mut found = 0;
    for survey in all {
        for finding in &survey.findings {
            found += 1;
            writeln!(out, "{}: {}", survey.subsystem, finding.sentence(language, name))?;
        }
    }
    if found == 0 {
        writeln!(out, "{}", say(language, "未发现与申报不符之处。", "Nothing contradicts what is declared."))?;
    }
    writeln!(out)?;
    for survey in all {
        let declared = inventory.subsystems.get(&survey.subsystem).map_or("", |s| s.hours.as_str());
        let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
        let effective = share(survey.effective_ms as f64, survey.declared_ms as f64);
        let (visits, failed) = survey.visits;
        let observed = match visits {
            0 => say(language, "未观测", "not seen").to_owned(),
            _ => format!("{:.2} %", share((visits - failed) as f64, visits as f64)),
        };
        let (days, of, finding) = match language {
            Language::Zh => ("天", "有效", "项发现"),
            Language::En => ("days", "effective", "findings"),
        };
        writeln!(
            out,
            "{:<36} {declared:<28} {of} {effective:>5.1} %  {observed:>9}  {:>3}/{} {days}  {} {finding}",
            survey.subsystem.as_str(),
            survey.days_seen,
            survey.days,
            survey.findings.len(),
        )?;
    }
    Ok(())
}

fn sheets(inventory: &Inventory, all: &[Survey], language: Language, out: &mut (dyn Write + Send)) -> Result<()> {
    for owner in inventory.owners.values() {
        let mine: Vec<&Survey> = all.iter().filter(|survey| survey.subsystem.owner() == owner.id).collect();
        if !mine.is_empty() {
            writeln!(out, "{}", sheet(inventory, owner, &mine, language))?;
        }
    }
    Ok(())
}
