//! The figures of one subsystem over one period, from what was seen and how windows were used.
//!
//! Not here: which instant counts as what (`ledger`), and how fast the budget burns (`burn`). Invariants: good, bad and
//! unknown sum to the elapsed time, the causes sum to what was spent, and accounts of parts sum to the account of the
//! whole.

use super::evidence::Evidence;
use super::ledger::{Ledger, Share};
use super::timeline::{Health, Timeline};
use super::*;
use crate::domain::civil::Zone;

/// How long a subsystem was seen in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Up or degraded.
    pub good_ms: Millis,
    /// Down.
    pub bad_ms: Millis,
    /// Unknown.
    pub unknown_ms: Millis,
    /// The degraded part of the good time.
    pub degraded_ms: Millis,
}

impl Tally {
    /// All of it; what lies before the timeline's beginning is not in it.
    pub fn whole_ms(&self) -> Millis {
        self.good_ms + self.bad_ms + self.unknown_ms
    }

    /// The share of known time that was good, and what it would be if unknown time had been down, or up.
    pub fn bounded(self) -> Bounded {
        Bounded {
            value: Ratio::of(self.good_ms, self.good_ms + self.bad_ms),
            low: Ratio::of(self.good_ms, self.whole_ms()),
            high: Ratio::of(self.good_ms + self.unknown_ms, self.whole_ms()),
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            good_ms: self.good_ms + other.good_ms,
            bad_ms: self.bad_ms + other.bad_ms,
            unknown_ms: self.unknown_ms + other.unknown_ms,
            degraded_ms: self.degraded_ms + other.degraded_ms,
        }
    }
}

impl std::ops::Sub for Tally {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            good_ms: self.good_ms - other.good_ms,
            bad_ms: self.bad_ms - other.bad_ms,
            unknown_ms: self.unknown_ms - other.unknown_ms,
            degraded_ms: self.degraded_ms - other.degraded_ms,
        }
    }
}

/// How long what was seen inside `set` and `within`.
pub fn tally(timeline: &Timeline<Health>, set: &SpanSet, within: Span) -> Tally {
    let mut tally = Tally::default();
    for part in parts(set, within) {
        for (span, health) in timeline.spans(part) {
            match health {
                Health::Up => tally.good_ms += span.len_ms(),
                Health::Degraded => {
                    tally.good_ms += span.len_ms();
                    tally.degraded_ms += span.len_ms();
                }
                Health::Down => tally.bad_ms += span.len_ms(),
                Health::Unknown => tally.unknown_ms += span.len_ms(),
            }
        }
    }
    tally
}

/// The pieces of a set inside one span, without a copy of the set.
pub(super) fn parts(set: &SpanSet, within: Span) -> impl Iterator<Item = Span> + '_ {
    let first = set.spans().partition_point(|s| s.end <= within.start);
    set.spans()[first..].iter().map(move |s| s.intersect(within)).take_while(|s| !s.is_empty())
}

/// The account of one subsystem over `period`, as it stands at `now`; the hours are those of [`Ledger::open`].
pub fn account(
    objective: &Objective,
    hours: &SpanSet,
    period: Span,
    now: Timestamp,
    seen: &Seen<'_>,
    zone: &Zone,
) -> Account {
    Ledger::open(objective, hours, period, now, &Evidence::of(seen), zone).account()
}

impl Account {
    /// The figures that follow from what happened; `eligible_ms` is that of the whole period, future included.
    pub(super) fn of(objective: &Objective, period: Span, share: Share, eligible_ms: Millis, partial: bool) -> Self {
        let (public, contract) = (share.seen.bounded(), share.kept.bounded());
        Self {
            period,
            elapsed_ms: share.seen.whole_ms(),
            good_ms: share.seen.good_ms,
            bad_ms: share.seen.bad_ms,
            unknown_ms: share.seen.unknown_ms,
            excluded_ms: share.excluded_ms,
            degraded_ms: share.seen.degraded_ms,
            kept: share.kept,
            public,
            contract,
            budget_ms: budget_ms(objective.target_ppm, eligible_ms),
            spent_ms: share.spent_ms,
            policy_violation_ms: share.policy_violation_ms,
            verdict: verdict(objective, if objective.figure == Figure::Public { &public } else { &contract }),
            partial,
        }
    }

    /// What happened, as it adds up over subsystems and periods.
    pub fn share(&self) -> Share {
        Share {
            seen: Tally {
                good_ms: self.good_ms,
                bad_ms: self.bad_ms,
                unknown_ms: self.unknown_ms,
                degraded_ms: self.degraded_ms,
            },
            kept: self.kept,
            excluded_ms: self.excluded_ms,
            spent_ms: self.spent_ms.clone(),
            policy_violation_ms: self.policy_violation_ms,
        }
    }
}

/// (1 − target) of the eligible time; what is less than a millisecond is not given away.
fn budget_ms(target_ppm: u32, eligible_ms: Millis) -> Millis {
    eligible_ms * Millis::from(1_000_000 - target_ppm.min(1_000_000)) / 1_000_000
}

fn verdict(objective: &Objective, figure: &Bounded) -> Verdict {
    match (figure.low, figure.high) {
        (Some(low), _) if low.reaches(objective.target_ppm) => Verdict::Met,
        (_, Some(high)) if !high.reaches(objective.target_ppm) => Verdict::Missed,
        _ => Verdict::Undetermined,
    }
}
