//! What `/metrics` says about the outbox.

use crate::domain::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

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
}

/// Stands for "none waits".
const NONE: i64 = 0;

impl OutboxFigures {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_oldest(&self, oldest: Option<Timestamp>) {
        self.oldest_ms.store(oldest.map_or(NONE, |t| t.0), Ordering::Relaxed);
    }

    /// When the oldest letter that waits was decided.
    pub fn oldest(&self) -> Option<Timestamp> {
        Some(self.oldest_ms.load(Ordering::Relaxed)).filter(|ms| *ms != NONE).map(Timestamp)
    }
}
