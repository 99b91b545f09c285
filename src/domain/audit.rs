//! Who did what, when, from where, and what came of it: the rows of the audit log.
//!
//! Not here: who may (`web`), and where rows are kept (`store`). Invariant: a change and its row are stored together.

use super::*;
use serde::{Deserialize, Serialize};

/// Longest reason that a person may give, in characters.
pub const REASON_MAX: usize = 500;

/// A person or a machine that asks for a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The holder's name, as `gengfu.yaml` has it.
    pub name: String,
    /// The owner for whom the holder acts; what this owner applies for, the holder does not approve.
    pub owner: Option<OwnerId>,
    /// Where the request came from: an address, or `files` for a reload.
    pub from: String,
}

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, and from where.
    pub actor: Actor,
    /// What was asked for: `window.approve`, `reload`, `sign_in`.
    pub action: String,
    /// On what: a window, an incident, a token's holder.
    pub subject: String,
    /// The reason that was given and what was asked for in particular, for people.
    pub detail: String,
    /// What came of it.
    pub outcome: AuditOutcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "why")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused, and why.
    Refused(String),
}
