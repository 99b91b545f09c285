//! The attempts that a slot keeps: the newest of all, and bad ones for longer than good ones.
//!
//! Not here: counting (`count`). Invariants: in the order in which they ended; whatever is older than the newest [`KEPT`]
//! is bad; all slots together hold no more than the budget, except the newest attempt of each, whose trace is left out
//! where there is no room for it.

use crate::domain::Outcome;
use crate::probe::Report;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many attempts are kept of one probe, and how many bad ones besides.
pub const KEPT: usize = 10;
/// Bytes that the attempts of all probes may take, unless `probing.trace_bytes` says otherwise.
pub const TRACE_BYTES: usize = 64 << 20;

/// The one budget of all slots, in bytes.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    limit: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { held: AtomicUsize::new(0), limit: AtomicUsize::new(TRACE_BYTES) }
    }
}

impl Budget {
    pub(super) fn limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// What must be given up. Good attempts leave a quarter to bad ones.
    fn excess(&self, bad: bool) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        let share = if bad { limit } else { limit - limit / 4 };
        self.held.load(Ordering::Relaxed).saturating_sub(share)
    }
}

/// One attempt, with what the upkeep of the others asks of it.
#[derive(Debug)]
struct Kept {
    report: Arc<Report>,
    bytes: usize,
    bad: bool,
}

/// The attempts of one probe.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Kept>);

impl History {
    /// Keeps a report, and lets go of others.
    pub(super) fn keep(&mut self, report: Report, budget: &Budget) {
        let (bytes, bad) = (bytes(&report), is_bad(&report));
        budget.held.fetch_add(bytes, Ordering::Relaxed);
        self.0.push_back(Kept { report: Arc::new(report), bytes, bad });
        let aged = self.0.len().checked_sub(KEPT + 1);
        if let Some(place) = aged.filter(|place| !self.0[*place].bad) {
            self.drop(place, budget);
        }
        // With more than `KEPT` of them the first one is older than the newest `KEPT`, and hence bad itself.
        if self.0.iter().filter(|kept| kept.bad).count() > KEPT {
            self.drop(0, budget);
        }
        self.shrink(budget, bad);
    }

    /// Makes room: old good attempts first, then old bad ones if a bad one came, at last the newest one's trace.
    fn shrink(&mut self, budget: &Budget, bad: bool) {
        while budget.excess(bad) > 0 {
            let older = self.0.len().saturating_sub(1);
            let good = self.0.iter().take(older).position(|kept| !kept.bad);
            match good.or_else(|| (bad && older > 0).then_some(0)) {
                Some(place) => self.drop(place, budget),
                None => return self.strip(budget),
            }
        }
    }

    fn strip(&mut self, budget: &Budget) {
        let Some(newest) = self.0.back_mut() else { return };
        // Nobody has been shown it yet.
        let Some(report) = Arc::get_mut(&mut newest.report) else { return };
        report.trace = Vec::new();
        let left = bytes(report);
        budget.held.fetch_sub(newest.bytes - left, Ordering::Relaxed);
        newest.bytes = left;
    }

    fn drop(&mut self, place: usize, budget: &Budget) {
        if let Some(kept) = self.0.remove(place) {
            budget.held.fetch_sub(kept.bytes, Ordering::Relaxed);
        }
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self, budget: &Budget) {
        while !self.0.is_empty() {
            self.drop(0, budget);
        }
    }

    /// The newest one.
    pub(super) fn last(&self) -> Option<&Arc<Report>> {
        self.0.back().map(|kept| &kept.report)
    }

    /// The newest first.
    pub(super) fn newest_first(&self) -> Vec<Arc<Report>> {
        self.0.iter().rev().map(|kept| Arc::clone(&kept.report)).collect()
    }
}

/// Whether it was neither a pass nor unknown.
fn is_bad(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Degraded(_) | Outcome::Fail(_))
}

/// What a report takes in memory.
fn bytes(report: &Report) -> usize {
    let said = report.outcome.reason().map_or(0, |reason| reason.text.len());
    let trace: usize = report.trace.iter().map(|line| line.text.len() + size_of_val(line)).sum();
    size_of::<Report>() + said + trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ReasonKind, Timestamp};
    use crate::probe::{Phases, TraceLine};
    use proptest::prelude::*;
    use std::time::Duration;

    fn report(number: i64, outcome: Outcome, trace: usize) -> Report {
        Report {
            started: Timestamp(number),
            took: Duration::ZERO,
            outcome,
            phases: Phases::default(),
            http_status: None,
            certificate_not_after: None,
            fleet: None,
            trace: vec![TraceLine { at: Duration::ZERO, text: "x".repeat(trace).into() }],
        }
    }

    fn outcome(which: u8) -> Outcome {
        match which {
            0 => Outcome::Pass,
            1 => Outcome::unknown("no socket"),
            2 => Outcome::degraded(ReasonKind::Slow, "slow"),
            _ => Outcome::fail(ReasonKind::Connect, "refused"),
        }
    }

    fn held(history: &History) -> Vec<i64> {
        history.newest_first().iter().map(|report| report.started.0).collect()
    }

    proptest! {
        #[test]
        fn the_newest_of_all_and_the_newest_bad_ones_are_kept(outcomes in prop::collection::vec(0_u8..4, 0..200)) {
            let (budget, mut history) = (Budget::default(), History::default());
            for (number, which) in outcomes.iter().enumerate() {
                history.keep(report(number as i64, outcome(*which), 10), &budget);
            }
            let all = outcomes.iter().enumerate().rev();
            let bad: Vec<usize> = all.clone().filter(|(_, which)| **which >= 2).map(|(n, _)| n).take(KEPT).collect();
            let wanted = all.map(|(n, _)| n).enumerate().filter(|(age, n)| *age < KEPT || bad.contains(n));
            prop_assert_eq!(held(&history), wanted.map(|(_, n)| n as i64).collect::<Vec<_>>());
            history.clear(&budget);
            prop_assert_eq!(budget.held(), 0);
        }

        #[test]
        fn the_budget_holds_whatever_comes(
            limit in 20_000_usize..200_000,
            attempts in prop::collection::vec((0_usize..4, 0_u8..4, 0_usize..20_000), 0..200),
        ) {
            let budget = Budget::default();
            budget.limit(limit);
            let mut slots: [History; 4] = Default::default();
            let bare = slots.len() * (size_of::<Report>() + "no socket".len());
            for (number, (slot, which, trace)) in attempts.into_iter().enumerate() {
                slots[slot].keep(report(number as i64, outcome(which), trace), &budget);
                prop_assert!(budget.held() <= limit + bare, "{} of {limit}", budget.held());
                prop_assert_eq!(slots[slot].last().map(|report| report.started.0), Some(number as i64));
            }
            let sum: usize = slots.iter().flat_map(|slot| &slot.0).map(|kept| bytes(&kept.report)).sum();
            prop_assert_eq!(budget.held(), sum);
        }
    }

    #[test]
    fn good_attempts_never_push_out_bad_ones() {
        let budget = Budget::default();
        budget.limit(40_000);
        let (mut quiet, mut busy) = (History::default(), History::default());
        (0..3).for_each(|n| quiet.keep(report(n, outcome(3), 5_000), &budget));
        (0..50).for_each(|n| busy.keep(report(n, Outcome::Pass, 5_000), &budget));
        assert_eq!(held(&quiet), [2, 1, 0]);
        assert!(budget.held() <= 30_000 && !held(&busy).is_empty());
        busy.keep(report(50, outcome(3), 5_000), &budget);
        assert!(busy.last().is_some_and(|report| !report.trace.is_empty()), "a failure has room for its trace");
    }
}
