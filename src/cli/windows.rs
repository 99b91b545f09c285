//! `gengfu windows`: what is planned, with the answers of the policy, as a table, JSON or a calendar file.
//!
//! From the files alone: approvals and announcements count as absent, so a window is at most planned. Invariant: the
//! UID of a calendar entry is the window's id, the same as in the daemon's own feed.

mod plan;

use super::answer::{at_json, instant, language, moment, reason_json};
use crate::domain::impact::{Impact, impact};
use crate::domain::policy::{Admission, Asked, Obstacle, ask_all};
use crate::domain::window::{Planned, Schedule, WindowState};
use crate::domain::*;
use crate::field::{format_duration, suggestion};
use anyhow::{Context, Result, bail};
use icalendar::{Component, EventLike};
use serde_json::{Value, json};
use std::io::Write;

/// Shown when no end is asked for.
const SHOWN_MS: Millis = 31 * DAY;

/// Windows of one answer; a longer table is of no use to anyone.
const WINDOWS_MAX: usize = 10_000;

/// How windows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WindowsFormat {
    /// A table.
    #[default]
    Human,
    /// For scripts.
    Json,
    /// iCalendar, RFC 5545.
    Ics,
    /// For spreadsheets: a row for each window.
    Csv,
}

/// Which calendars count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Trust {
    /// Published years alone, as the daemon has it.
    #[default]
    Published,
    /// Provisional years as if they were published: a guess, and it says so.
    Provisional,
}

/// Arguments of `gengfu windows`.
#[derive(Debug, clap::Args)]
pub struct WindowsArgs {
    /// Windows that end after this time; now if left out.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Windows that start before this time; 31 days after `--from` if left out.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// All windows of a year, what clashes, and what each owner takes.
    #[arg(long, value_name = "YEAR", conflicts_with_all = ["from", "to"])]
    plan: Option<i16>,
    /// Windows of one owner.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Whether a year whose notice is not out may be taken for published.
    #[arg(long, value_enum, default_value_t)]
    calendar: Trust,
    /// How they are written.
    #[arg(long, value_enum, default_value_t)]
    format: WindowsFormat,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// One window with what the policy says to it.
pub(super) struct Listed<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) planned: Planned,
    pub(super) admission: Admission,
    /// What would be down with it.
    pub(super) impact: Impact,
}

/// Writes the windows; 0 whatever their states are.
pub fn windows(now: Timestamp, inventory: &Inventory, args: &WindowsArgs, out: &mut dyn Write) -> Result<u8> {
    let mut guessed = inventory.clone();
    let trusted = match args.calendar {
        Trust::Published => Vec::new(),
        Trust::Provisional => guessed.calendar.trust_provisional(),
    };
    answer(now, &guessed, &trusted, args, out)
}

/// Answers, after the calendar is settled; `trusted` years are a guess.
fn answer(
    now: Timestamp,
    inventory: &Inventory,
    trusted: &[i16],
    args: &WindowsArgs,
    out: &mut dyn Write,
) -> Result<u8> {
    if let Some(owner) = args.owner.as_deref().filter(|o| !inventory.owners.contains_key(*o)) {
        match suggestion(owner, inventory.owners.keys().map(OwnerId::as_str)) {
            Some(near) => bail!("no owner is called {owner}; did you mean {near}?"),
            None => bail!("no owner is called {owner}"),
        }
    }
    if let Some(year) = args.plan {
        let asked = plan::Asked { now, inventory, trusted, year, args };
        return plan::plan(&asked, out).map(|()| 0);
    }
    let from = instant(now, inventory, args.from.as_deref())?;
    let to = instant(from + SHOWN_MS, inventory, args.to.as_deref())?;
    if to <= from {
        bail!("--to is not after --from; nothing lies between");
    }
    let wanted = |s: &Schedule| args.owner.as_deref().is_none_or(|owner| s.owner.as_str() == owner);
    let listed = list(inventory, wanted, Span::new(from, to));
    match args.format {
        WindowsFormat::Human => {
            guess(trusted, args.lang, out)?;
            table(inventory, &listed, args.lang, out)?;
        }
        WindowsFormat::Json => {
            let all: Vec<Value> = listed.iter().map(window_json).collect();
            writeln!(out, "{:#}", json!({ "windows": all, "treated_as_published": trusted }))?;
        }
        WindowsFormat::Csv => plan::rows(inventory, &listed, &[], trusted, out)?,
        WindowsFormat::Ics => write!(out, "{}", calendar(now, inventory, &listed, trusted, args.lang)?)?,
    }
    Ok(0)
}

/// The windows of some schedules inside a span, in order of time; what others ask for counts all the same.
pub(super) fn list(inventory: &Inventory, wanted: impl Fn(&Schedule) -> bool, within: Span) -> Vec<Listed<'_>> {
    let asked = ask_all(inventory, within).into_iter().filter(|a| wanted(a.schedule)).take(WINDOWS_MAX);
    let listed = asked.map(|Asked { schedule, planned, admission }| Listed {
        schedule,
        planned,
        admission,
        impact: impact(inventory, &schedule.scope),
    });
    listed.collect()
}

impl<'a> From<&crate::domain::annual::YearWindow<'a>> for Listed<'a> {
    fn from(window: &crate::domain::annual::YearWindow<'a>) -> Self {
        let Asked { schedule, planned, admission } = window.asked.clone();
        Self { schedule, planned, admission, impact: window.impact.clone() }
    }
}

impl Listed<'_> {
    /// Where it stands, as far as the files can say.
    pub(super) fn state(&self) -> WindowState {
        self.admission.state()
    }

    /// `planned`, `draft: needs 2 approvals`, `denied: …`.
    pub(super) fn standing(&self, language: Language) -> String {
        let why = self.admission.why(language);
        match (self.state(), language) {
            (WindowState::Draft, Language::Zh) => format!("草稿：{why}"),
            (WindowState::Draft, Language::En) => format!("draft: {why}"),
            (WindowState::Rejected, Language::Zh) => format!("不允许：{why}"),
            (WindowState::Rejected, Language::En) => format!("denied: {why}"),
            (_, Language::Zh) => "已计划".to_owned(),
            (_, Language::En) => "planned".to_owned(),
        }
    }
}

/// What must be said of answers that rest on provisional years.
pub(super) fn guessed(trusted: &[i16], language: Language) -> Option<String> {
    let years = trusted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let text = match language {
        Language::Zh => format!("注意：{years} 年安排尚未发布，以下按推定日历作答，仅供参考，不是许可"),
        Language::En => format!(
            "NOTE: the notice for {years} is not published; what follows takes the provisional table for it. \
             It is a guess, not a permission"
        ),
    };
    (!trusted.is_empty()).then_some(text)
}

fn guess(trusted: &[i16], language: Language, out: &mut dyn Write) -> Result<()> {
    if let Some(text) = guessed(trusted, language) {
        writeln!(out, "{text}")?;
    }
    Ok(())
}

fn table(inventory: &Inventory, listed: &[Listed<'_>], language: Language, out: &mut dyn Write) -> Result<()> {
    let (none, head) = match language {
        Language::Zh => ("没有维护窗口", "共"),
        Language::En => ("no windows", "in all"),
    };
    if listed.is_empty() {
        writeln!(out, "{none}")?;
        return Ok(());
    }
    let wide = listed.iter().map(|l| l.planned.id.as_str().len()).max().unwrap_or_default();
    rows(inventory, listed, wide, language, out)?;
    let count = |state| listed.iter().filter(|l| l.state() == state).count();
    let [planned, draft, rejected] = [WindowState::Planned, WindowState::Draft, WindowState::Rejected].map(count);
    match language {
        Language::Zh => writeln!(out, "{head} {}：已计划 {planned}，草稿 {draft}，不允许 {rejected}", listed.len())?,
        Language::En => writeln!(out, "{} {head}: {planned} planned, {draft} draft, {rejected} denied", listed.len())?,
    }
    Ok(())
}

/// A line for each window, and more below it where there is more to say.
fn rows(
    inventory: &Inventory,
    listed: &[Listed<'_>],
    wide: usize,
    language: Language,
    out: &mut dyn Write,
) -> Result<()> {
    for window in listed {
        let start = moment(inventory, window.planned.span.start, language);
        let lasts = format_duration(window.planned.span.len_ms());
        let (id, name) = (window.planned.id.as_str(), window.schedule.name.get(language));
        writeln!(out, "{start}  {lasts:>6}  {id:wide$}  {}  [{name}]", window.standing(language))?;
        for warning in &window.admission.warnings {
            writeln!(out, "    {}", warning.get(language))?;
        }
        if window.state() != WindowState::Rejected && !window.impact.is_empty() {
            writeln!(out, "    {}", window.impact.text(inventory).get(language))?;
        }
    }
    Ok(())
}

/// One window for scripts.
pub(super) fn window_json(window: &Listed<'_>) -> Value {
    let Listed { schedule, planned, admission, impact } = window;
    let mut reasons = Vec::new();
    let mut next_open = None;
    for obstacle in &admission.obstacles {
        match obstacle {
            Obstacle::NotCovered(reason) | Obstacle::TooLong(reason) | Obstacle::Waits(reason) => {
                reasons.push(reason_json(reason))
            }
            Obstacle::Denied { reasons: all, next_open: opens } => {
                reasons.extend(all.iter().map(reason_json));
                next_open = *opens;
            }
            Obstacle::Approvals { .. } => reasons.push(json!({ "kind": "approvals", "text": obstacle.text() })),
        }
    }
    json!({
        "id": planned.id,
        "schedule": schedule.id,
        "owner": schedule.owner,
        "name": schedule.name,
        "scope": schedule.scope,
        "start": planned.span.start.to_string(),
        "end": planned.span.end.to_string(),
        "lasts_ms": planned.span.len_ms(),
        "state": window.state().as_str(),
        "why": window.standing(Language::En),
        "reasons": reasons,
        "next_open": at_json(next_open),
        "notice_by": at_json(admission.notice_by),
        "warnings": admission.warnings,
        "impact": {
            "composites": impact.composites,
            "dependants": impact.dependants,
            "carried": impact.carried,
        },
        "source": schedule.source.to_string(),
    })
}

/// What is neither over nor denied, as a calendar file in UTC.
fn calendar(
    now: Timestamp,
    inventory: &Inventory,
    listed: &[Listed<'_>],
    trusted: &[i16],
    language: Language,
) -> Result<String> {
    let utc =
        |at: Timestamp| chrono::DateTime::from_timestamp_millis(at.0).context("a window lies beyond all calendars");
    let mut calendar = icalendar::Calendar::new();
    calendar.name(match language {
        Language::Zh => "更夫 · 维护窗口",
        Language::En => "gengfu: maintenance windows",
    });
    if let Some(guess) = guessed(trusted, language) {
        calendar.description(&guess);
    }
    for window in listed.iter().filter(|l| l.state() != WindowState::Rejected) {
        let (schedule, span) = (window.schedule, window.planned.span);
        let names = schedule.scope.iter().filter_map(|id| inventory.subsystems.get(id));
        let scope: Vec<&str> = names.map(|s| s.name.get(language)).collect();
        let notice = schedule.notice.as_ref().map_or("", |n| n.get(language));
        let description = [window.standing(language), scope.join("\n"), notice.to_owned()].join("\n");
        let event = icalendar::Event::new()
            .uid(&format!("{}@gengfu", window.planned.id))
            .summary(schedule.name.get(language))
            .description(description.trim_end())
            .starts(utc(span.start)?)
            .ends(utc(span.end)?)
            .timestamp(utc(now)?)
            .status(icalendar::EventStatus::Tentative)
            .done();
        calendar.push(event);
    }
    Ok(calendar.done().to_string())
}

#[cfg(test)]
mod tests;
