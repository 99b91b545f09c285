//! `gengfu windows`: what is planned, with the answers of the policy, as a table, JSON or a calendar file.
//!
//! From the files alone: approvals and announcements count as absent, so a window is at most planned. Invariant: the
//! UID of a calendar entry is the window's id, the same as in the daemon's own feed.

use super::answer::{at_json, instant, language, moment, reason_json};
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
    /// Windows of one owner.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
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
}

/// Writes the windows; 0 whatever their states are.
pub fn windows(now: Timestamp, inventory: &Inventory, args: &WindowsArgs, out: &mut dyn Write) -> Result<u8> {
    if let Some(owner) = args.owner.as_deref().filter(|o| !inventory.owners.contains_key(*o)) {
        match suggestion(owner, inventory.owners.keys().map(OwnerId::as_str)) {
            Some(near) => bail!("no owner is called {owner}; did you mean {near}?"),
            None => bail!("no owner is called {owner}"),
        }
    }
    let from = instant(now, inventory, args.from.as_deref())?;
    let to = instant(from + SHOWN_MS, inventory, args.to.as_deref())?;
    if to <= from {
        bail!("--to is not after --from; nothing lies between");
    }
    let wanted = |s: &Schedule| args.owner.as_deref().is_none_or(|owner| s.owner.as_str() == owner);
    let listed = list(inventory, wanted, Span::new(from, to));
    match args.format {
        WindowsFormat::Human => table(inventory, &listed, args.lang, out)?,
        WindowsFormat::Json => {
            let all: Vec<Value> = listed.iter().map(window_json).collect();
            writeln!(out, "{:#}", json!({ "windows": all }))?;
        }
        WindowsFormat::Ics => write!(out, "{}", calendar(now, inventory, &listed, args.lang)?)?,
    }
    Ok(0)
}

/// The windows of some schedules inside a span, in order of time; what others ask for counts all the same.
pub(super) fn list(inventory: &Inventory, wanted: impl Fn(&Schedule) -> bool, within: Span) -> Vec<Listed<'_>> {
    let asked = ask_all(inventory, within).into_iter().filter(|a| wanted(a.schedule)).take(WINDOWS_MAX);
    asked.map(|Asked { schedule, planned, admission }| Listed { schedule, planned, admission }).collect()
}

impl Listed<'_> {
    /// Where it stands, as far as the files can say.
    pub(super) fn state(&self) -> WindowState {
        match (self.admission.is_rejected(), self.admission.is_admitted()) {
            (true, _) => WindowState::Rejected,
            (false, false) => WindowState::Draft,
            (false, true) => WindowState::Planned,
        }
    }

    /// `planned`, `draft: needs 2 approvals`, `denied: …`.
    pub(super) fn standing(&self, language: Language) -> String {
        let why = self.why(language);
        match (self.state(), language) {
            (WindowState::Draft, Language::Zh) => format!("草稿：{why}"),
            (WindowState::Draft, Language::En) => format!("draft: {why}"),
            (WindowState::Rejected, Language::Zh) => format!("不允许：{why}"),
            (WindowState::Rejected, Language::En) => format!("denied: {why}"),
            (_, Language::Zh) => "已计划".to_owned(),
            (_, Language::En) => "planned".to_owned(),
        }
    }

    /// What stands in its way; where something rejects it, only that.
    fn why(&self, language: Language) -> String {
        let rejected = self.admission.is_rejected();
        let shown = self.admission.obstacles.iter().filter(|o| o.rejects() == rejected);
        let texts = shown.flat_map(|o| match o {
            Obstacle::Denied { reasons, .. } => reasons.iter().map(|r| r.text.get(language).to_owned()).collect(),
            Obstacle::TooLong(reason) | Obstacle::Waits(reason) => vec![reason.text.get(language).to_owned()],
            other => vec![other.text().get(language).to_owned()],
        });
        texts.collect::<Vec<String>>().join(if language == Language::Zh { "；" } else { "; " })
    }
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
    for window in listed {
        let start = moment(inventory, window.planned.span.start, language);
        let lasts = format_duration(window.planned.span.len_ms());
        let (id, name) = (window.planned.id.as_str(), window.schedule.name.get(language));
        writeln!(out, "{start}  {lasts:>6}  {id:wide$}  {}  [{name}]", window.standing(language))?;
        for warning in &window.admission.warnings {
            writeln!(out, "    {}", warning.get(language))?;
        }
    }
    let count = |state| listed.iter().filter(|l| l.state() == state).count();
    let [planned, draft, rejected] = [WindowState::Planned, WindowState::Draft, WindowState::Rejected].map(count);
    match language {
        Language::Zh => writeln!(out, "{head} {}：已计划 {planned}，草稿 {draft}，不允许 {rejected}", listed.len())?,
        Language::En => writeln!(out, "{} {head}: {planned} planned, {draft} draft, {rejected} denied", listed.len())?,
    }
    Ok(())
}

/// One window for scripts.
pub(super) fn window_json(window: &Listed<'_>) -> Value {
    let Listed { schedule, planned, admission } = window;
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
        "source": schedule.source.to_string(),
    })
}

/// What is neither over nor denied, as a calendar file in UTC.
fn calendar(now: Timestamp, inventory: &Inventory, listed: &[Listed<'_>], language: Language) -> Result<String> {
    let utc =
        |at: Timestamp| chrono::DateTime::from_timestamp_millis(at.0).context("a window lies beyond all calendars");
    let mut calendar = icalendar::Calendar::new();
    calendar.name(match language {
        Language::Zh => "更夫 · 维护窗口",
        Language::En => "gengfu: maintenance windows",
    });
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
