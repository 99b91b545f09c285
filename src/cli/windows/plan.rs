//! `gengfu windows --plan YEAR`: every window of a year by month, what clashes, and what each owner takes.
//!
//! Not here: the plan itself (`domain::annual`). Invariants: what rests on a provisional calendar says so in every form;
//! no cell of a table for spreadsheets begins like a formula.

use super::{Listed, Trust, WindowsArgs, WindowsFormat, calendar, guess, guessed, rows as lines, window_json};
use crate::cli::answer::{moment, say, source_json};
use crate::domain::annual::{AnnualPlan, Clash, Taken, Total, annual_plan};
use crate::domain::calendar::YearStatus;
use crate::domain::*;
use crate::field::format_duration;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::Write;

/// Clashes that are written for people; a longer list is for scripts.
const CLASHES_MAX: usize = 200;

/// One question.
pub(super) struct Asked<'a> {
    pub(super) now: Timestamp,
    pub(super) inventory: &'a Inventory,
    /// Provisional years that are taken for published ones.
    pub(super) trusted: &'a [i16],
    pub(super) year: i16,
    pub(super) args: &'a WindowsArgs,
}

pub(super) fn plan(asked: &Asked<'_>, out: &mut dyn Write) -> Result<()> {
    let Asked { now, inventory, trusted, year, args } = *asked;
    let all = annual_plan(inventory, year).with_context(|| format!("{year} is no year of any calendar"))?;
    let plan = match args.owner.as_deref() {
        Some(owner) => all.only(&owner.into()),
        None => all,
    };
    let listed: Vec<Listed<'_>> = plan.windows.iter().map(Listed::from).collect();
    match args.format {
        WindowsFormat::Human => human(asked, &plan, &listed, out),
        WindowsFormat::Json => Ok(writeln!(out, "{:#}", plan_json(asked, &plan, &listed))?),
        WindowsFormat::Csv => rows(inventory, &listed, &plan.clashes, trusted, out),
        WindowsFormat::Ics => Ok(write!(out, "{}", calendar(now, inventory, &listed, trusted, args.lang)?)?),
    }
}

fn human(asked: &Asked<'_>, plan: &AnnualPlan<'_>, listed: &[Listed<'_>], out: &mut dyn Write) -> Result<()> {
    let Asked { inventory, trusted, year, args, .. } = *asked;
    let lang = args.lang;
    guess(trusted, lang, out)?;
    if args.calendar == Trust::Published && inventory.calendar.status(year) != YearStatus::Published {
        let text = match lang {
            Language::Zh => format!("{year} 年安排尚未发布，窗口均为草稿；--calendar provisional 可按推定日历预演"),
            Language::En => format!(
                "the notice for {year} is not published, so windows stay drafts; --calendar provisional asks as if it were"
            ),
        };
        writeln!(out, "{text}")?;
    }
    let wide = listed.iter().map(|l| l.planned.id.as_str().len()).max().unwrap_or_default();
    for month in 1..=12 {
        let first = plan.windows.partition_point(|w| w.month < month);
        let next = plan.windows.partition_point(|w| w.month <= month);
        if let Some(windows) = listed.get(first..next).filter(|w| !w.is_empty()) {
            let (zh, en) = (
                format!("{year} 年 {month} 月（{}）", windows.len()),
                format!("{year}-{month:02} ({})", windows.len()),
            );
            writeln!(out, "{}", if lang == Language::Zh { zh } else { en })?;
            lines(inventory, windows, wide, lang, out)?;
        }
    }
    clashes(inventory, &plan.clashes, lang, out)?;
    totals(&plan.totals(), lang, out)
}

fn clashes(inventory: &Inventory, clashes: &[Clash], lang: Language, out: &mut dyn Write) -> Result<()> {
    let count = clashes.len();
    writeln!(out, "{}", if lang == Language::Zh { format!("冲突 {count}") } else { format!("clashes: {count}") })?;
    for clash in clashes.iter().take(CLASHES_MAX) {
        let (at, kind) = (moment(inventory, clash.at, lang), clash.kind.name());
        let source = clash.source.as_ref().map(|s| format!("  ({s})")).unwrap_or_default();
        let first = clash.windows.first().map(WindowId::as_str).unwrap_or_default();
        writeln!(out, "{at}  {}  {first}: {}{source}", kind.get(lang), clash.text.get(lang))?;
    }
    if count > CLASHES_MAX {
        writeln!(out, "{}", say(lang, "其余见 --format json", "the rest is in --format json"))?;
    }
    Ok(())
}

fn totals(totals: &[Total], lang: Language, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "{}",
        say(lang, "各单位合计（窗口数/时长，按月）", "totals by owner (windows, length), and by month")
    )?;
    let wide = totals.iter().map(|t| t.owner.as_str().len()).max().unwrap_or_default();
    for Total { owner, months, year } in totals {
        let of = |taken: &Taken| format!("{}/{}", taken.windows(), format_duration(taken.ms));
        let each: Vec<String> = months.iter().map(of).collect();
        let Taken { planned, drafts, denied, .. } = *year;
        let answer = match lang {
            Language::Zh => format!("已计划 {planned} 草稿 {drafts} 不允许 {denied}"),
            Language::En => format!("{planned} planned {drafts} draft {denied} denied"),
        };
        writeln!(out, "{:wide$}  {}  {answer}  {}", owner.as_str(), of(year), each.join(" "))?;
    }
    Ok(())
}

fn plan_json(asked: &Asked<'_>, plan: &AnnualPlan<'_>, listed: &[Listed<'_>]) -> Value {
    let status = match (asked.trusted.contains(&plan.year), asked.inventory.calendar.status(plan.year)) {
        (true, _) | (false, YearStatus::Provisional) => "provisional",
        (false, YearStatus::Published) => "published",
        (false, YearStatus::Absent) => "absent",
    };
    let taken = |t: &Taken| json!({ "windows": t.windows(), "planned": t.planned, "draft": t.drafts, "denied": t.denied, "lasts_ms": t.ms });
    let total = |t: &Total| {
        let months: Vec<Value> = t.months.iter().map(taken).collect();
        json!({ "owner": t.owner, "year": taken(&t.year), "months": months })
    };
    let clash = |c: &Clash| {
        json!({
            "kind": c.kind.as_str(),
            "at": c.at.to_string(),
            "windows": c.windows,
            "owners": c.owners,
            "text": c.text,
            "source": source_json(c.source.as_ref()),
        })
    };
    json!({
        "year": plan.year,
        "calendar": status,
        "treated_as_published": asked.trusted,
        "windows": listed.iter().map(window_json).collect::<Vec<_>>(),
        "clashes": plan.clashes.iter().map(clash).collect::<Vec<_>>(),
        "totals": plan.totals().iter().map(total).collect::<Vec<_>>(),
    })
}

/// A row for each window.
pub(super) fn rows(
    inventory: &Inventory,
    listed: &[Listed<'_>],
    clashes: &[Clash],
    trusted: &[i16],
    out: &mut dyn Write,
) -> Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "id",
        "schedule",
        "owner",
        "name_zh",
        "name_en",
        "start",
        "end",
        "lasts_minutes",
        "state",
        "why_zh",
        "why_en",
        "clashes",
        "composites",
        "dependants",
        "carried",
        "note",
    ])?;
    let note = guessed(trusted, Language::En).unwrap_or_default();
    for window in listed {
        let (id, span) = (&window.planned.id, window.planned.span);
        let clashing = clashes.iter().filter(|c| c.windows.contains(id)).map(|c| c.kind.as_str());
        let kinds: std::collections::BTreeSet<&str> = clashing.collect();
        let composites: Vec<&str> = window.impact.composites.iter().map(CompositeId::as_str).collect();
        let cells = [
            id.to_string(),
            window.schedule.id.to_string(),
            window.schedule.owner.to_string(),
            window.schedule.name.zh.clone(),
            window.schedule.name.en.clone(),
            inventory.zone.rfc3339(span.start),
            inventory.zone.rfc3339(span.end),
            (span.len_ms() / MINUTE).to_string(),
            window.state().as_str().to_owned(),
            window.admission.why(Language::Zh),
            window.admission.why(Language::En),
            kinds.into_iter().collect::<Vec<_>>().join(" "),
            composites.join(" "),
            window.impact.dependants.len().to_string(),
            window.impact.carried.len().to_string(),
            note.clone(),
        ];
        table.write_record(cells.map(|cell| plain(&cell)))?;
    }
    out.write_all(&table.into_inner().context("a table of windows does not end")?)?;
    Ok(())
}

/// A cell that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
