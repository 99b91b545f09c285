//! `gengfu explain`: everything that decides about one subsystem at one instant, each with the file and line it is
//! written in. Works for past, present and future, because nothing it asks reads a clock.
//!
//! From the files alone: approvals and announcements count as absent, so no window covers anything here.

mod human;

use super::Format;
use super::answer::{at_json, grant_json, instant, language, length, reason_json, source_json, subsystem};
use super::windows::{Listed, list, window_json};
use crate::domain::calendar::{Day, LayerKind, YearStatus};
use crate::domain::gate::{GateAnswer, gate};
use crate::domain::hours::{HoursSpans, effective_hours};
use crate::domain::impact::{Impact, impact};
use crate::domain::policy::{Decision, GateMode, Policy, decide, governing, next_open, open_until};
use crate::domain::window::{Schedule, expand};
use crate::domain::*;
use anyhow::Result;
use serde_json::{Value, json};
use std::io::Write;

/// How far ahead the next window is looked for.
const AHEAD_MS: Millis = 400 * DAY;

/// Arguments of `gengfu explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Which subsystem: owner/subsystem.
    subsystem: String,
    /// The instant: RFC 3339, or a local time like 2026-12-19T23:00; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How long a change would take.
    #[arg(long = "for", value_name = "DURATION", value_parser = length, default_value = "1m")]
    lasts_ms: Millis,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// All that is known from the files about one subsystem and one span.
struct Explained<'a> {
    inventory: &'a Inventory,
    subsystem: &'a Subsystem,
    span: Span,
    day: Day<'a>,
    declared: HoursSpans,
    effective: HoursSpans,
    policies: Vec<&'a Policy>,
    decision: Decision,
    gate: GateAnswer,
    /// What would be down if the subsystem stopped.
    impact: Impact,
    /// The window that holds the instant, or else the next one.
    window: Option<Listed<'a>>,
}

/// Writes the explanation; 0 whatever is decided.
pub fn explain(now: Timestamp, inventory: &Inventory, args: &ExplainArgs, out: &mut dyn Write) -> Result<u8> {
    let subsystem = subsystem(inventory, &args.subsystem)?;
    let span = Span::lasting(instant(now, inventory, args.at.as_deref())?, args.lasts_ms);
    let explained = Explained::of(inventory, subsystem, span);
    match args.format {
        Format::Json => writeln!(out, "{:#}", explained.json())?,
        Format::Human => human::write(&explained, args.lang, out)?,
    }
    Ok(0)
}

/// The first window over a subsystem inside a span.
fn next_window<'a>(inventory: &'a Inventory, id: &SubsystemId, within: Span) -> Option<Listed<'a>> {
    let touching = |s: &Schedule| s.scope.contains(id);
    let schedules = inventory.schedules.values().filter(|s| touching(s));
    let first =
        schedules.flat_map(|s| expand(s, &inventory.zone, within)).min_by_key(|p| (p.span.start, p.id.clone()))?;
    list(inventory, touching, first.span).into_iter().find(|l| l.planned.id == first.id)
}

impl<'a> Explained<'a> {
    fn of(inventory: &'a Inventory, subsystem: &'a Subsystem, span: Span) -> Self {
        let Inventory { zone, calendar, .. } = inventory;
        let (id, owner) = (&subsystem.id, subsystem.id.owner());
        let instant = Span::lasting(span.start, 1);
        Self {
            inventory,
            subsystem,
            span,
            day: calendar.day(zone.date(span.start), Some(&owner)),
            declared: subsystem.hours.spans(zone, calendar, Some(&owner), instant),
            effective: effective_hours(inventory, id, instant),
            policies: governing(inventory, id),
            decision: decide(inventory, std::slice::from_ref(id), None, span),
            gate: gate(inventory, &[], id, span),
            impact: impact(inventory, std::slice::from_ref(id)),
            window: next_window(inventory, id, Span::lasting(span.start, AHEAD_MS)),
        }
    }

    /// The window that holds the instant.
    fn holding(&self) -> Option<&Listed<'a>> {
        self.window.as_ref().filter(|w| w.planned.span.contains(self.span.start))
    }

    /// `file:line` of the row that decides about the day, or what decides without one.
    fn calendar_source(&self) -> String {
        self.day.row.map_or_else(|| "plain week".to_owned(), |row| row.source.to_string())
    }

    fn json(&self) -> Value {
        let subsystem = self.subsystem;
        let holding = self.holding();
        json!({
            "subsystem": subsystem.id,
            "name": subsystem.name,
            "tier": u8::from(subsystem.tier),
            "public": subsystem.public,
            "source": subsystem.source.to_string(),
            "at": self.span.start.to_string(),
            "until": self.span.end.to_string(),
            "local": self.inventory.zone.rfc3339(self.span.start),
            "calendar": self.calendar_json(),
            "hours": {
                "declared": subsystem.hours.as_str(),
                "open": !self.declared.set.is_empty(),
                "effective_open": !self.effective.set.is_empty(),
                "provisional": self.effective.provisional,
                "source": subsystem.source.to_string(),
            },
            "policies": self.policies.iter().map(|p| self.policy_json(p)).collect::<Vec<_>>(),
            "decision": self.decision_json(),
            "gate": {
                "mode": self.gate_mode(),
                "allow": self.gate.allow,
                "until": at_json(self.gate.until),
                "reasons": self.gate.reasons.iter().map(reason_json).collect::<Vec<_>>(),
                "next_open": at_json(self.gate.next_open),
            },
            "coverage": {
                "window": holding.map(|w| &w.planned.id),
                "mutes": false,
                "why": if holding.is_some() { NOT_ANNOUNCED.1 } else { NO_WINDOW.1 },
            },
            "window": self.window.as_ref().map(window_json),
            "impact": {
                "composites": self.impact.composites,
                "dependants": self.impact.dependants,
                "carried": self.impact.carried,
            },
            "objective": self.objective_json(),
        })
    }

    fn calendar_json(&self) -> Value {
        let day = &self.day;
        json!({
            "id": self.inventory.calendar.id,
            "date": day.date.to_string(),
            "working_day": day.is_working(),
            "name": day.row.map(|row| &row.name),
            "layer": layer(day.layer),
            "year": status(day.status),
            "covered": day.status == YearStatus::Published,
            "source": self.calendar_source(),
        })
    }

    fn policy_json(&self, policy: &Policy) -> Value {
        json!({
            "id": policy.id,
            "gate": mode(policy.gate),
            "open_until": at_json(open_until(self.inventory, policy, self.span.start)),
            "next_open": at_json(next_open(self.inventory, policy, self.span.start)),
            "source": policy.source.to_string(),
        })
    }

    fn decision_json(&self) -> Value {
        let (until, next_open, rules) = match &self.decision {
            Decision::Allow { until, because } => (Some(*until), None, because.iter().map(grant_json).collect()),
            Decision::Deny { reasons, next_open } => (None, *next_open, reasons.iter().map(reason_json).collect()),
        };
        let rules: Vec<Value> = rules;
        json!({
            "allow": self.decision.is_allow(),
            "until": at_json(until),
            "reasons": rules,
            "next_open": at_json(next_open),
        })
    }

    fn gate_mode(&self) -> &'static str {
        let window = self.policies.iter().any(|p| p.gate == GateMode::Window);
        mode(if window { GateMode::Window } else { GateMode::Hours })
    }

    fn objective_json(&self) -> Value {
        let objective = self.inventory.objectives.get(&self.subsystem.objective);
        json!({
            "id": self.subsystem.objective,
            "target_ratio": objective.map(|o| f64::from(o.target_ppm) / 1e6),
            "period": objective.map(|o| o.period),
            "figure": objective.map(|o| o.figure),
            "exclusion_cap_ms": objective.map(|o| o.exclusion_cap_ms),
            "hours": objective.map(|o| o.hours.as_ref().unwrap_or(&self.subsystem.hours).as_str()),
            "pages": objective.map(|o| o.pages.words()),
            "source": source_json(objective.map(|o| &o.source)),
            "origins": objective.map(|o| o.origins.iter().map(origin_json).collect::<Vec<_>>()),
        })
    }
}

fn origin_json(origin: &Origin) -> Value {
    json!({
        "field": origin.field,
        "level": origin.level.as_str(),
        "source": source_json(origin.source.as_ref()),
    })
}

const NOT_ANNOUNCED: (&str, &str) = (
    "此刻在窗口内，但仅凭文件无从得知是否已公告",
    "inside the window, but only the daemon knows whether it was announced",
);
const NO_WINDOW: (&str, &str) = ("此刻没有维护窗口", "no window holds this instant");

fn mode(mode: GateMode) -> &'static str {
    match mode {
        GateMode::Hours => "hours",
        GateMode::Window => "window",
    }
}

fn layer(layer: Option<LayerKind>) -> &'static str {
    match layer {
        Some(LayerKind::Owner) => "owner",
        Some(LayerKind::Municipal) => "municipal",
        Some(LayerKind::StateCouncil) => "state-council",
        None => "weekday",
    }
}

fn status(status: YearStatus) -> &'static str {
    match status {
        YearStatus::Published => "published",
        YearStatus::Provisional => "provisional",
        YearStatus::Absent => "absent",
    }
}

#[cfg(test)]
mod tests;
