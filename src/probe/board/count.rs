//! What is counted: attempts, ticks, hours and lengths.
//!
//! Not here: whose they are (`board`). Invariant: a tick is attempted or skipped, an attempt has one result.

use crate::domain::{Outcome, OwnerId, ProbeId, ReasonKind, Tier, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Passes and fails slower than this are counted by themselves in the tally.
pub const SLOW_AFTER: Duration = Duration::from_secs(15);
/// Upper bounds of the latency buckets, in seconds; the last one, +Inf, is implied.
pub const LATENCY_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// Why a scheduled tick was not attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The last attempt was still running.
    InFlight,
    /// There was no permit within the interval.
    NoPermit,
    /// Others asked the same host for the whole interval.
    HostBusy,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::InFlight, Self::NoPermit, Self::HostBusy];

    /// The `reason` label of `gengfu_attempts_skipped_total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::NoPermit => "no_permit",
            Self::HostBusy => "host_busy",
        }
    }
}

/// What happened to one probe within one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Scheduled ticks.
    pub scheduled: u32,
    /// Attempts that passed, re-tries included.
    pub pass: u32,
    /// Attempts that passed, but not as they should.
    pub degraded: u32,
    /// Attempts that failed.
    pub fail: u32,
    /// Attempts that could not measure.
    pub unknown: u32,
    /// Ticks that were not attempted.
    pub skipped: u32,
    /// Passes, degraded ones too, slower than [`SLOW_AFTER`].
    pub slow_pass: u32,
    /// Fails slower than that.
    pub slow_fail: u32,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: &Outcome, took: Duration) {
        let counter = match outcome {
            Outcome::Pass => &mut self.pass,
            Outcome::Degraded(_) => &mut self.degraded,
            Outcome::Fail(_) => &mut self.fail,
            Outcome::Unknown(_) => &mut self.unknown,
        };
        *counter += 1;
        let slow = u32::from(took > SLOW_AFTER);
        match outcome {
            Outcome::Pass | Outcome::Degraded(_) => self.slow_pass += slow,
            Outcome::Fail(_) => self.slow_fail += slow,
            Outcome::Unknown(_) => {}
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.scheduled += other.scheduled;
        self.pass += other.pass;
        self.degraded += other.degraded;
        self.fail += other.fail;
        self.unknown += other.unknown;
        self.skipped += other.skipped;
        self.slow_pass += other.slow_pass;
        self.slow_fail += other.slow_fail;
    }
}

/// The tally of one probe for the hour that starts at `hour`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourTally {
    /// Which probe.
    pub probe: ProbeId,
    /// Start of the hour, in UTC.
    pub hour: Timestamp,
    /// The counts.
    pub tally: Tally,
}

/// Attempts by result and by reason since the slot was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Passes.
    pub pass: u64,
    /// Degraded passes.
    pub degraded: u64,
    /// Failures.
    pub fail: u64,
    /// Attempts that could not measure.
    pub unknown: u64,
    /// Failures by reason, in the order of [`ReasonKind::ALL`].
    pub failures: [u64; ReasonKind::ALL.len()],
}

impl Counters {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Pass => self.pass += 1,
            Outcome::Degraded(_) => self.degraded += 1,
            Outcome::Fail(reason) => {
                self.fail += 1;
                self.failures[reason.kind as usize] += 1;
            }
            Outcome::Unknown(_) => self.unknown += 1,
        }
    }

    /// The `result` labels with their counts.
    pub fn by_result(&self) -> [(&'static str, u64); 4] {
        [("pass", self.pass), ("degraded", self.degraded), ("fail", self.fail), ("unknown", self.unknown)]
    }

    /// The `reason` labels with their counts.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        ReasonKind::ALL.iter().map(|kind| (kind.as_str(), self.failures[*kind as usize]))
    }
}

/// A histogram of attempt lengths, shared by all probes of one owner, kind and tier.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; LATENCY_BUCKETS.len() + 1],
    sum_us: AtomicU64,
}

impl Latency {
    pub(super) fn observe(&self, took: Duration) {
        let bucket = LATENCY_BUCKETS.partition_point(|bound| *bound < took.as_secs_f64());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Cumulative counts for [`LATENCY_BUCKETS`] and +Inf.
    pub fn cumulative(&self) -> [u64; LATENCY_BUCKETS.len() + 1] {
        let mut sum = 0;
        self.buckets.each_ref().map(|bucket| {
            sum += bucket.load(Ordering::Relaxed);
            sum
        })
    }

    /// Sum of all lengths, in seconds.
    pub fn sum_seconds(&self) -> f64 {
        Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64()
    }
}

/// The labels of one latency histogram.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatencyKey {
    /// Whose probes.
    pub owner: OwnerId,
    /// A row of `KINDS`.
    pub kind: &'static str,
    /// Tier of their subsystems.
    pub tier: Tier,
}
