//! Undeclared maintenance on the wire: whose it is, what was declared, what the policies would have said.

use super::{Viewer, at};
use crate::domain::Names;
use crate::domain::attribution::{Attribution, Declared, Ruling};
use serde::Serialize;

/// Whose undeclared maintenance it is.
#[derive(Debug, Serialize)]
pub(super) struct AttributionDto {
    at: String,
    owner: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<String>,
    declared: Vec<DeclaredDto>,
    nearest: Option<DeclaredDto>,
    policy: RulingDto,
}

#[derive(Debug, Serialize)]
struct DeclaredDto {
    window: String,
    state: &'static str,
    start: String,
    end: String,
    why: Names,
}

#[derive(Debug, Serialize)]
struct RulingDto {
    allow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Names>,
    next_open: Option<String>,
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
