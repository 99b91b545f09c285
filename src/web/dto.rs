//! The wire: what the API answers. Domain types are not the wire format, so that either may change alone.
//!
//! Instants are RFC 3339 in UTC, lengths are integers with their unit in the name, states are words. Host names,
//! sentences from targets and traces are left out for strangers.

mod attribution;
mod instant;
mod window;

pub(super) use instant::{Rfc3339, at};
pub(super) use window::WindowDto;

use super::guard::Viewer;
use crate::domain::incident::Word;
use crate::domain::policy::{DenyReason, Grant};
use crate::domain::sla::{Account, Bounded, Ratio, Verdict};
use crate::domain::*;
use crate::metrics::targets::{cause_label, left_ms, phases};
use crate::probe::Report;
use attribution::AttributionDto;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// One thing with its sentence.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ReasonDto {
    #[schemars(extend("enum" = ReasonKind::ALL.map(ReasonKind::as_str)))]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl ReasonDto {
    fn of(viewer: Viewer, reason: &Reason) -> Self {
        Self { kind: reason.kind.as_str(), text: viewer.is_inside().then(|| reason.text.clone()) }
    }
}

/// A subsystem.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SubsystemDto {
    id: String,
    owner: String,
    name: Names,
    #[schemars(range(min = 1, max = 3))]
    tier: u8,
    public: bool,
    hours: String,
    objective: String,
    #[schemars(extend("enum" = timeline::Health::ALL.map(timeline::Health::as_str)))]
    health: &'static str,
    since: Option<Rfc3339>,
    in_maintenance: bool,
    /// Which window covers it now.
    window: Option<String>,
}

impl SubsystemDto {
    pub(super) fn of(subsystem: &Subsystem, view: &SubsystemView) -> Self {
        Self {
            id: subsystem.id.to_string(),
            owner: subsystem.id.owner().to_string(),
            name: subsystem.name.clone(),
            tier: subsystem.tier.into(),
            public: subsystem.public,
            hours: subsystem.hours.as_str().to_owned(),
            objective: subsystem.objective.to_string(),
            health: view.health.as_str(),
            since: view.since.map(at),
            in_maintenance: view.in_maintenance,
            window: view.coverage.as_ref().map(ToString::to_string),
        }
    }
}

/// A probe of a subsystem.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProbeDto {
    id: String,
    kind: &'static str,
    role: Role,
    every_ms: Millis,
    timeout_ms: Millis,
    /// `passing`, `degraded`, `failing` or `unknown`.
    health: &'static str,
    since: Rfc3339,
    reason: Option<ReasonDto>,
    last_attempt: Option<AttemptDto>,
}

impl ProbeDto {
    pub(super) fn of(viewer: Viewer, plan: &ProbePlan, view: &ProbeView, last: Option<&Report>) -> Self {
        Self {
            id: plan.id.to_string(),
            kind: plan.kind,
            role: plan.role,
            every_ms: plan.every_ms,
            timeout_ms: plan.timeout_ms,
            health: probe_health(view.health),
            since: at(view.since),
            reason: view.reason.as_ref().map(|r| ReasonDto::of(viewer, r)),
            last_attempt: last.map(|l| AttemptDto::of(viewer, l)),
        }
    }
}

fn probe_health(health: Option<health::ProbeHealth>) -> &'static str {
    match health {
        Some(health::ProbeHealth::Passing) => "passing",
        Some(health::ProbeHealth::Degraded) => "degraded",
        Some(health::ProbeHealth::Failing) => "failing",
        None => "unknown",
    }
}

/// One attempt.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AttemptDto {
    started: Rfc3339,
    took_ms: Millis,
    /// `pass`, `degraded`, `fail` or `unknown`.
    result: &'static str,
    reason: Option<ReasonDto>,
    phases_ms: BTreeMap<&'static str, f64>,
    http_status: Option<u16>,
    certificate_not_after: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceDto>,
}

/// One line of why an attempt ended as it did.
#[derive(Debug, Serialize, JsonSchema)]
struct TraceDto {
    at_ms: f64,
    text: String,
}

impl AttemptDto {
    pub(super) fn of(viewer: Viewer, last: &Report) -> Self {
        let ms = |d: std::time::Duration| d.as_micros() as f64 / 1_000.0;
        let lines = last.trace.iter().filter(|_| viewer.is_inside());
        Self {
            started: at(last.started),
            took_ms: i64::try_from(last.took.as_millis()).unwrap_or(i64::MAX),
            result: last.outcome.label(),
            reason: last.outcome.reason().map(|r| ReasonDto::of(viewer, r)),
            phases_ms: phases(&last.phases).map(|(name, took)| (name, ms(took))).collect(),
            http_status: last.http_status,
            certificate_not_after: last.certificate_not_after.map(at),
            trace: lines.map(|l| TraceDto { at_ms: ms(l.at), text: l.text.to_string() }).collect(),
        }
    }
}

/// An incident.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct IncidentDto {
    id: String,
    subsystem: String,
    #[schemars(extend("enum" = Symptom::ALL.map(Symptom::as_str)))]
    symptom: &'static str,
    /// `page` or `ticket`.
    severity: &'static str,
    since: Rfc3339,
    until: Option<Rfc3339>,
    affected: Vec<AffectedDto>,
    /// Messages about it so far.
    told: u32,
    reason: Option<ReasonDto>,
    window: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<AttributionDto>,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<WordDto>,
    /// What was said about it, for those inside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<WordDto>,
}

/// What a person said about an incident; strangers hear when, and not who and what.
#[derive(Debug, Serialize, JsonSchema)]
struct WordDto {
    at: Rfc3339,
    saying: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl WordDto {
    fn of(viewer: Viewer, word: &Word) -> Self {
        let inside = |text: &str| viewer.is_inside().then(|| text.to_owned());
        Self {
            at: at(word.at),
            saying: word.saying.as_str(),
            by: inside(&word.by.name),
            text: inside(&word.text).filter(|text| !text.is_empty()),
        }
    }
}

/// What is down because of it.
#[derive(Debug, Serialize, JsonSchema)]
struct AffectedDto {
    subsystem: String,
    since: Rfc3339,
}

impl IncidentDto {
    pub(super) fn of(viewer: Viewer, incident: &IncidentView) -> Self {
        let affected = incident.affected.iter();
        Self {
            id: incident.id.to_string(),
            subsystem: incident.subsystem.to_string(),
            symptom: incident.symptom.as_str(),
            severity: incident.severity.as_str(),
            since: at(incident.since),
            until: incident.until.map(at),
            affected: affected.map(|(id, t)| AffectedDto { subsystem: id.to_string(), since: at(*t) }).collect(),
            told: incident.told,
            reason: incident.reason.as_ref().map(|r| ReasonDto::of(viewer, r)),
            window: incident.window.as_ref().map(ToString::to_string),
            attribution: incident.attribution.as_deref().map(|of| AttributionDto::of(viewer, of)),
            acknowledged: incident.acknowledged.as_ref().map(|word| WordDto::of(viewer, word)),
            words: incident.words.iter().filter(|_| viewer.is_inside()).map(|w| WordDto::of(viewer, w)).collect(),
        }
    }
}

/// One link of a rule chain.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RuleDto {
    kind: &'static str,
    text: Names,
    rule: String,
    source: Option<String>,
}

impl From<&DenyReason> for RuleDto {
    fn from(r: &DenyReason) -> Self {
        let source = r.source.as_ref().map(ToString::to_string);
        Self { kind: r.kind.as_str(), text: r.text.clone(), rule: r.rule.clone(), source }
    }
}

impl From<&Grant> for RuleDto {
    fn from(r: &Grant) -> Self {
        let source = r.source.as_ref().map(ToString::to_string);
        Self { kind: r.kind.as_str(), text: r.text.clone(), rule: r.rule.clone(), source }
    }
}

/// The account of one subsystem over one period.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AccountDto {
    period: String,
    start: Rfc3339,
    end: Rfc3339,
    /// It began inside the period.
    partial: bool,
    target_ratio: f64,
    /// `met`, `missed` or `undetermined`.
    verdict: &'static str,
    /// Maintenance as the probes saw it.
    public: BoundedDto,
    /// Without what is excluded.
    contract: BoundedDto,
    elapsed_ms: Millis,
    good_ms: Millis,
    degraded_ms: Millis,
    bad_ms: Millis,
    unknown_ms: Millis,
    excluded_ms: Millis,
    budget_ms: Millis,
    /// Negative once it is overspent.
    budget_left_ms: Millis,
    /// By cause.
    spent_ms: BTreeMap<&'static str, Millis>,
    policy_violation_ms: Millis,
}

/// A share of the time; `low` counts unknown time as down, `high` as up.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BoundedDto {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<&Bounded> for BoundedDto {
    fn from(b: &Bounded) -> Self {
        let share = |r: Option<Ratio>| r.map(|r| r.part as f64 / r.whole as f64);
        Self { value: share(b.value), low: share(b.low), high: share(b.high) }
    }
}

impl AccountDto {
    pub(super) fn of(period: impl Into<String>, target_ppm: u32, a: &Account) -> Self {
        Self {
            period: period.into(),
            start: at(a.period.start),
            end: at(a.period.end),
            partial: a.partial,
            target_ratio: f64::from(target_ppm) / 1e6,
            verdict: match a.verdict {
                Verdict::Met => "met",
                Verdict::Missed => "missed",
                Verdict::Undetermined => "undetermined",
            },
            public: (&a.public).into(),
            contract: (&a.contract).into(),
            elapsed_ms: a.elapsed_ms,
            good_ms: a.good_ms,
            degraded_ms: a.degraded_ms,
            bad_ms: a.bad_ms,
            unknown_ms: a.unknown_ms,
            excluded_ms: a.excluded_ms,
            budget_ms: a.budget_ms,
            budget_left_ms: left_ms(a),
            spent_ms: a.spent_ms.iter().map(|(cause, ms)| (cause_label(*cause), *ms)).collect(),
            policy_violation_ms: a.policy_violation_ms,
        }
    }
}
