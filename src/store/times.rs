//! How long commits took, for `gengfu_store_commit_seconds`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A histogram that one thread fills and anyone reads.
#[derive(Debug, Default)]
pub struct CommitTimes {
    counts: [AtomicU64; CommitTimes::BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl CommitTimes {
    /// Upper bounds of the buckets in microseconds; one more bucket holds what is longer.
    pub const BOUNDS_US: [u64; 10] = [250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000];

    pub(super) fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = Self::BOUNDS_US.partition_point(|bound| *bound < us);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Commits per bucket, not cumulated; the last one has no upper bound.
    pub fn counts(&self) -> [u64; Self::BOUNDS_US.len() + 1] {
        std::array::from_fn(|i| self.counts[i].load(Ordering::Relaxed))
    }

    /// Sum of all times.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us.load(Ordering::Relaxed))
    }
}
