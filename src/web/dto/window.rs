//! A window on the wire, its versions, and what people decided about it.

use super::{Rfc3339, Viewer, at};
use crate::domain::window::{Change, Decision, DecisionView, Emergency, Version, WindowState};
use crate::domain::{Names, Timestamp, WindowView};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A maintenance window.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct WindowDto {
    id: String,
    schedule: String,
    owner: String,
    name: Names,
    scope: Vec<String>,
    start: Rfc3339,
    end: Rfc3339,
    #[schemars(extend("enum" = WindowState::ALL.map(WindowState::as_str)))]
    state: &'static str,
    /// Why it stands there; what is missing.
    why: Names,
    announced: Option<Rfc3339>,
    restored: Option<Rfc3339>,
    emergency: Option<Emergency>,
    /// Rises with each change that readers must know; 0 before it is announced.
    version: u32,
    /// The last 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<VersionDto>,
    /// Of each subsystem: how often it answered otherwise than maintenance should.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    defects: BTreeMap<String, u32>,
    /// It goes by the approval of people, and has what it needs.
    approved: bool,
    /// What people decided about it, for those inside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<DecisionDto>,
}

/// One change of a window that readers must know.
#[derive(Debug, Serialize, JsonSchema)]
struct VersionDto {
    version: u32,
    #[schemars(extend("enum" = Change::ALL.map(Change::as_str)))]
    change: &'static str,
    at: Rfc3339,
    start: Rfc3339,
    end: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    former: Option<FormerDto>,
}

/// The time that was said before.
#[derive(Debug, Serialize, JsonSchema)]
struct FormerDto {
    start: Rfc3339,
    end: Rfc3339,
}

impl From<&Version> for VersionDto {
    fn from(v: &Version) -> Self {
        Self {
            version: v.number,
            change: v.change.as_str(),
            at: at(v.at),
            start: at(v.span.start),
            end: at(v.span.end),
            former: v.former.map(|f| FormerDto { start: at(f.start), end: at(f.end) }),
        }
    }
}

impl WindowDto {
    pub(in crate::web) fn of(viewer: Viewer, w: &WindowView) -> Self {
        Self {
            id: w.id.to_string(),
            schedule: w.schedule.to_string(),
            owner: w.owner.to_string(),
            name: w.name.clone(),
            scope: w.scope.iter().map(ToString::to_string).collect(),
            start: at(w.span.start),
            end: at(w.span.end),
            state: w.state.as_str(),
            why: w.why.clone(),
            announced: w.announced.map(at),
            restored: w.restored.map(at),
            emergency: w.emergency.clone(),
            version: w.version,
            versions: w.versions.iter().map(VersionDto::from).collect(),
            defects: w.defects.iter().map(|(id, n)| (id.to_string(), *n)).collect(),
            approved: w.is_approved(),
            decisions: w
                .decisions
                .iter()
                .filter(|_| viewer.is_inside())
                .map(|d| DecisionDto::of(d, w.span.start))
                .collect(),
        }
    }
}

/// What one person decided.
#[derive(Debug, Serialize, JsonSchema)]
struct DecisionDto {
    at: Rfc3339,
    /// The word of the order.
    action: &'static str,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Of an approval: the owners in whose name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<String>,
    /// Of another time: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Rfc3339>,
    /// Of an approval: what was approved is no longer what is to be done.
    void: bool,
}

impl DecisionDto {
    fn of(DecisionView { decision, is_void }: &DecisionView, start: Timestamp) -> Self {
        let Decision { at: when, by, reason, what } = decision;
        let span = what.span(start);
        Self {
            at: at(*when),
            action: what.as_str(),
            by: by.name.clone(),
            owner: by.owner.as_ref().map(ToString::to_string),
            reason: reason.clone(),
            owners: what.owners().iter().map(ToString::to_string).collect(),
            start: span.map(|span| at(span.start)),
            end: span.map(|span| at(span.end)),
            void: *is_void,
        }
    }
}
