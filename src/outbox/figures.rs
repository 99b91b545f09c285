//! What `/metrics` says about the outbox.

use crate::domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters since the start, and how the outbox stands; filled by its task, read by anyone.
#[derive(Debug, Default)]
pub struct OutboxFigures {
    /// Letters that a relay took.
    pub sent: AtomicU64,
    /// Rounds in which no relay took the letter.
    pub failed: AtomicU64,
    /// Letters that were given up.
    pub dead: AtomicU64,
    /// Messages that there was no room for in memory while the store refused writes.
    pub lost: AtomicU64,
    /// Letters that wait now, in the store or in memory.
    pub pending: AtomicU64,
    /// Dead letters that nobody has dropped.
    pub dead_letters: AtomicU64,
    oldest_ms: AtomicI64,
    counted: Mutex<BTreeMap<(&'static str, Counted), u64>>,
}

/// By what a letter leaves that leaves by no other channel.
pub const MAIL: &str = "mail";

/// What may become of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// It was taken.
    Sent,
    /// Nobody took it.
    Failed,
    /// It was given up.
    Dead,
}

impl Counted {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// Stands for "none waits".
const NONE: i64 = 0;

impl OutboxFigures {
    pub(super) fn count(&self, channel: &'static str, what: Counted) {
        let total = match what {
            Counted::Sent => &self.sent,
            Counted::Failed => &self.failed,
            Counted::Dead => &self.dead,
        };
        total.fetch_add(1, Ordering::Relaxed);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted.entry((channel, what)).or_default() += 1;
    }

    /// What became of rounds since the start, by channel.
    pub fn counted(&self) -> BTreeMap<(&'static str, Counted), u64> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_oldest(&self, oldest: Option<Timestamp>) {
        self.oldest_ms.store(oldest.map_or(NONE, |t| t.0), Ordering::Relaxed);
    }

    /// When the oldest letter that waits was decided.
    pub fn oldest(&self) -> Option<Timestamp> {
        Some(self.oldest_ms.load(Ordering::Relaxed)).filter(|ms| *ms != NONE).map(Timestamp)
    }
}
