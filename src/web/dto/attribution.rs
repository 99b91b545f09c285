//! Undeclared maintenance on the wire: whose it is, what was declared, what the policies would have said.

use super::{Rfc3339, Viewer, at};
use crate::domain::Names;
use crate::domain::attribution::{Attribution, Declared, Ruling};
use crate::domain::window::WindowState;
use schemars::JsonSchema;
use serde::Serialize;

/// Whose undeclared maintenance it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AttributionDto {
    at: Rfc3339,
    owner: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<String>,
    declared: Vec<DeclaredDto>,
    nearest: Option<DeclaredDto>,
    policy: RulingDto,
}

/// A window that would have covered it, and why it does not.
#[derive(Debug, Serialize, JsonSchema)]
struct DeclaredDto {
    window: String,
    #[schemars(extend("enum" = WindowState::ALL.map(WindowState::as_str)))]
    state: &'static str,
    start: Rfc3339,
    end: Rfc3339,
    why: Names,
}

/// What the policies say to that instant.
#[derive(Debug, Serialize, JsonSchema)]
struct RulingDto {
    allow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Names>,
    next_open: Option<Rfc3339>,
}

impl AttributionDto {
    /// Contacts are not for strangers.
    pub(super) fn of(viewer: Viewer, of: &Attribution) -> Self {
        Self {
            at: at(of.at),
            owner: of.owner.to_string(),
            contacts: of.contacts.iter().filter(|_| viewer.is_inside()).cloned().collect(),
            declared: of.declared.iter().map(DeclaredDto::from).collect(),
            nearest: of.nearest.as_ref().map(DeclaredDto::from),
            policy: RulingDto::from(&of.ruling),
        }
    }
}

impl From<&Declared> for DeclaredDto {
    fn from(d: &Declared) -> Self {
        let (start, end) = (at(d.span.start), at(d.span.end));
        Self { window: d.window.to_string(), state: d.state.as_str(), start, end, why: d.why.clone() }
    }
}

impl From<&Ruling> for RulingDto {
    fn from(ruling: &Ruling) -> Self {
        match ruling {
            Ruling::Allowed { until } => Self { allow: true, until: Some(at(*until)), why: None, next_open: None },
            Ruling::Denied { why, next_open } => {
                Self { allow: false, until: None, why: Some(why.clone()), next_open: next_open.map(at) }
            }
        }
    }
}
