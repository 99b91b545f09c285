//! What people decided about one window, in order: who, when, why, and whether an approval still holds.
//!
//! Not here: whether approvals suffice (`amend`). Invariants: a decision is never changed or taken back; the oldest are
//! forgotten first, and the facts keep them.

use super::*;
use crate::domain::audit::Actor;

/// Decisions of one window that are kept.
pub const DECISIONS_MAX: usize = 64;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// Why, in that person's words.
    pub reason: String,
    /// What.
    pub what: Decided,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// It was asked for, for this time; it is in no file.
    Requested(Span),
    /// The text of its schedule was approved.
    ApprovedText(Vec<OwnerId>),
    /// It was approved or changed.
    Amended(Amendment),
}

/// A decision as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionView {
    /// What it was.
    pub decision: Decision,
    /// An approval of something that the window is no longer.
    pub is_void: bool,
}

impl Decided {
    /// The word for the API: that of the order.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Requested(_) => "request",
            Self::ApprovedText(_) => "approve_text",
            Self::Amended(amendment) => amendment.as_str(),
        }
    }

    /// Of an approval: the owners in whose name.
    pub fn owners(&self) -> &[OwnerId] {
        match self {
            Self::ApprovedText(owners) | Self::Amended(Amendment::Approved { owners, .. }) => owners,
            _ => &[],
        }
    }

    /// Whether somebody said yes.
    pub fn approves(&self) -> bool {
        matches!(self, Self::ApprovedText(_) | Self::Amended(Amendment::Approved { .. }))
    }

    /// The time that was asked for; `start` is that of the window.
    pub fn span(&self, start: Timestamp) -> Option<Span> {
        match self {
            Self::Requested(span) | Self::Amended(Amendment::Moved { to: span }) => Some(*span),
            Self::Amended(
                Amendment::Shortened { end } | Amendment::ExtensionAsked { end } | Amendment::Extended { end },
            ) => Some(Span::new(start.min(*end), *end)),
            _ => None,
        }
    }
}

impl Window {
    /// Keeps what somebody decided.
    pub(super) fn decided(&mut self, at: Timestamp, by: &Actor, reason: &str, what: Decided) {
        if self.decisions.len() == DECISIONS_MAX {
            self.decisions.remove(0);
        }
        self.decisions.push(Decision { at, by: by.clone(), reason: reason.to_owned(), what });
    }

    /// Everything that people decided about it, those about its text among them, in order. What the files say now is
    /// asked for only while an approval may become void by it.
    pub fn decisions(&self, texts: &[Approval], wording: impl FnOnce() -> Wording) -> Vec<DecisionView> {
        if self.decisions.is_empty() && texts.is_empty() {
            return Vec::new();
        }
        let wording = self.state.is_pending().then(wording);
        let own = self.decisions.iter().map(|decision| DecisionView {
            decision: decision.clone(),
            is_void: match &decision.what {
                Decided::Amended(Amendment::Approved { about, .. }) => self.is_void(about, wording.as_ref()),
                _ => false,
            },
        });
        let in_force = |text: &&Approval| match &wording {
            Some(wording) => self.is_about_this(text, wording),
            None => !self.requested && text.at < self.started.unwrap_or(self.span.start),
        };
        let of_text = texts.iter().filter(in_force).map(|text| {
            let Approval { at, by, owners, reason, .. } = text.clone();
            DecisionView { decision: Decision { at, by, reason, what: Decided::ApprovedText(owners) }, is_void: false }
        });
        let mut all: Vec<DecisionView> = of_text.chain(own).collect();
        all.sort_by_key(|view| view.decision.at);
        all
    }

    fn is_void(&self, about: &About, wording: Option<&Wording>) -> bool {
        let other_plan = wording.is_some_and(|wording| wording.plan != about.plan);
        other_plan || !about.holds(&self.definition, self.span)
    }
}

#[cfg(test)]
mod tests;
