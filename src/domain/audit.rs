//! Who did what, when, from where, and what came of it: the rows of the audit log.
//!
//! Not here: who may (`web`), and where rows are kept (`store`). Invariant: a change and its row are stored together.

use super::*;
use serde::{Deserialize, Serialize};

/// Longest reason that a person may give, in characters.
pub const REASON_MAX: usize = 500;

/// Longest text of a row, in characters; what is longer is cut.
const TEXT_MAX: usize = 2_000;

/// The holder of what the daemon does by itself.
const OURSELVES: &str = "gengfu";

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

impl Actor {
    /// The daemon itself, moved by `cause`: `files`, `SIGHUP`.
    pub fn ourselves(cause: &str) -> Self {
        Self { name: OURSELVES.to_owned(), owner: None, from: cause.to_owned() }
    }

    /// Whether no person and no machine asked.
    pub fn is_ourselves(&self) -> bool {
        self.name == OURSELVES
    }
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

impl AuditEntry {
    /// A row about something that was done.
    pub fn done(at: Timestamp, actor: Actor, action: &str, subject: &str, detail: &str) -> Self {
        Self::new(at, actor, action, subject, detail, AuditOutcome::Done)
    }

    /// A row about something that was refused, and why.
    pub fn refused(at: Timestamp, actor: Actor, action: &str, subject: &str, detail: &str, why: &str) -> Self {
        Self::new(at, actor, action, subject, detail, AuditOutcome::Refused(printable(why)))
    }

    fn new(at: Timestamp, actor: Actor, action: &str, subject: &str, detail: &str, outcome: AuditOutcome) -> Self {
        let (subject, detail) = (printable(subject), printable(detail));
        Self { at, actor, action: action.to_owned(), subject, detail, outcome }
    }
}

/// Bounded, and without what moves a cursor or ends a line.
fn printable(text: &str) -> String {
    text.chars().take(TEXT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
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

impl AuditOutcome {
    /// `done` or `refused`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
        }
    }

    /// Why it was refused; empty if it was not.
    pub fn why(&self) -> &str {
        match self {
            Self::Done => "",
            Self::Refused(why) => why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::engine::{Engine, Event};
    use crate::domain::fixture::City;
    use std::sync::Arc;

    const REFUSAL: &str = "error[GF0003]: unknown key\n --> a.yaml:1:1\n  |\n";

    fn person() -> Actor {
        Actor { name: "duty-officer".into(), owner: None, from: "192.0.2.7".into() }
    }

    fn refused(engine: &mut Engine, text: &str, by: Actor) -> (usize, Vec<AuditEntry>) {
        let out = engine.handle(Timestamp(9), Event::ReloadRefused { text: text.into(), by });
        (out.messages.len(), out.audit)
    }

    #[test]
    fn a_reload_leaves_a_row_with_whoever_asked() {
        let inventory = Arc::new(City::new().subsystem("a/web", 1, &[]).inventory());
        let mut engine = Engine::new(Timestamp(1), Arc::clone(&inventory));
        let started = engine.start(Timestamp(1), None, "first");
        assert_eq!(started.audit[0].actor, Actor::ourselves("start"));
        let out = engine.handle(Timestamp(5), Event::Reloaded { inventory, digest: "second".into(), by: person() });
        let expected = AuditEntry::done(Timestamp(5), person(), "reload", "second", "taken over");
        assert_eq!(out.audit, [expected]);
    }

    #[test]
    fn a_refusal_that_nobody_asked_for_is_one_row_and_each_person_has_their_own() {
        let mut engine = Engine::new(Timestamp(1), Arc::new(City::new().subsystem("a/web", 1, &[]).inventory()));
        let files = || Actor::ourselves("files");
        let (_, rows) = refused(&mut engine, REFUSAL, files());
        assert_eq!((rows.len(), rows[0].outcome.why()), (1, "error[GF0003]: unknown key --> a.yaml:1:1"));
        assert!(refused(&mut engine, REFUSAL, files()).1.is_empty(), "looked at again");
        let (mails, rows) = refused(&mut engine, REFUSAL, person());
        assert_eq!((mails, rows.len(), &rows[0].actor), (0, 1, &person()));
        assert_eq!(refused(&mut engine, "another", files()).1.len(), 1);
    }

    #[test]
    fn what_enters_a_row_is_one_line_and_bounded() {
        let long = "x".repeat(TEXT_MAX + 1);
        let row = AuditEntry::refused(Timestamp(1), person(), "reload", "a\r\nb\u{1b}[2J", &long, "no\tway");
        assert_eq!((&*row.subject, row.detail.len(), row.outcome.why()), ("a  b [2J", TEXT_MAX, "no way"));
    }
}
