//! Which message leaves first when many wait, and which may share a mail with others.
//!
//! Not here: when they leave (`outbox`). Invariant: within a thread the order holds, however urgent the later one is.

use super::*;
use serde::{Deserialize, Serialize};

/// How little a message can wait, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Somebody must act now.
    Page,
    /// Somebody waits to hear it.
    News,
    /// It is read when there is time.
    Routine,
}

impl Urgency {
    /// Its place in a queue, from 0.
    pub fn rank(self) -> u8 {
        match self {
            Self::Page => 0,
            Self::News => 1,
            Self::Routine => 2,
        }
    }
}

impl Content {
    /// How little it can wait.
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::Opened(news) | Self::Reopened(news) | Self::Escalated(news) if news.severity == Severity::Page => {
                Urgency::Page
            }
            Self::Changed(news) if news.raised || (news.handed.is_some() && news.severity == Severity::Page) => {
                Urgency::Page
            }
            Self::Plan(news) if matches!(news.kind, RunNewsKind::Parked | RunNewsKind::StaysDrained) => Urgency::Page,
            Self::Filing { turn, .. } if !matches!(turn, filing::Turn::Half | filing::Turn::Settled) => Urgency::Page,
            Self::Announcement { .. }
            | Self::Canary
            | Self::Digest(_)
            | Self::Report(_)
            | Self::ReloadRefused { .. } => Urgency::Routine,
            _ => Urgency::News,
        }
    }

    /// Whether one line says enough of it where many would be too many mails. What carries a calendar, a file or
    /// a draft, or is a mail that many share already, stays a mail of its own.
    pub fn folds(&self) -> bool {
        !matches!(
            self,
            Self::Announcement { .. }
                | Self::WindowNews { .. }
                | Self::Filing { .. }
                | Self::Canary
                | Self::Digest(_)
                | Self::Report(_)
                | Self::ReloadRefused { .. }
                | Self::Folded(_)
        )
    }
}

/// Where what a line tells of stood when the mail was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldedState {
    /// An incident that lasts.
    Open,
    /// An incident that is over.
    Closed,
    /// Anything else.
    News,
}

/// One message in a mail that many share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedLine {
    /// The thread that it belongs to.
    pub thread: String,
    /// What its own mail would have been called, in the recipient's language.
    pub subject: String,
    /// When it was decided.
    pub at: Timestamp,
    /// Where it leaves its incident.
    pub state: FoldedState,
}

/// Messages that share a mail because their recipient had many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedNews {
    /// In order of time, bounded to 100.
    pub lines: Vec<FoldedLine>,
    /// Whether they waited for the recipient's quiet digest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

impl From<&Content> for FoldedState {
    fn from(content: &Content) -> Self {
        match content {
            Content::Opened(_)
            | Content::Reopened(_)
            | Content::Changed(_)
            | Content::Reminder(_)
            | Content::Escalated(_) => Self::Open,
            Content::Closed(_) => Self::Closed,
            _ => Self::News,
        }
    }
}
