//! One promise over one period, instant by instant: from here come the account and every way to break it down.
//!
//! Not here: what is excluded (`exclusion`), and how fast the budget burns (`burn`). Invariants: good, bad and unknown
//! sum to the elapsed time, the causes sum to what was spent, and shares of disjoint parts sum to the share of the whole,
//! to the millisecond.

use super::account::{Tally, parts, tally};
use super::evidence::Evidence;
use super::timeline::Health;
use super::*;
use crate::domain::civil::Zone;

/// What happened to the promised time of a period, or of a part of it. Shares add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What was seen in all of it.
    pub seen: Tally,
    /// What was seen outside exclusions.
    pub kept: Tally,
    /// Excluded by valid windows, within the cap.
    pub excluded_ms: Millis,
    /// Bad time under the agreed figure, by cause.
    pub spent_ms: BTreeMap<Cause, Millis>,
    /// Undeclared, late and outside-policy maintenance and overruns.
    pub policy_violation_ms: Millis,
}

impl Share {
    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.seen = self.seen + other.seen;
        self.kept = self.kept + other.kept;
        self.excluded_ms += other.excluded_ms;
        self.policy_violation_ms += other.policy_violation_ms;
        for (cause, ms) in &other.spent_ms {
            *self.spent_ms.entry(*cause).or_default() += ms;
        }
    }

    /// What was spent, whatever the cause.
    pub fn spent_total_ms(&self) -> Millis {
        self.spent_ms.values().sum()
    }
}

/// The promised time of one period up to now, with every instant's standing.
#[derive(Debug)]
pub struct Ledger<'a> {
    objective: &'a Objective,
    hours: &'a SpanSet,
    evidence: &'a Evidence<'a>,
    period: Span,
    /// Since the first attempt, up to now.
    observed: Span,
    partial: bool,
    excluded: SpanSet,
    /// Disjoint, in the order in which they are matched.
    spent: Vec<(Cause, SpanSet)>,
    violations: SpanSet,
}

impl<'a> Ledger<'a> {
    /// Opens the ledger of `period` as it stands at `now`.
    ///
    /// `hours` are those of the promise; they may reach beyond the period, and with an exclusion cap they should be known
    /// over [`reach`] of it. Around the clock is one span over everything. Time before the first attempt is not eligible,
    /// future time is.
    pub fn open(
        objective: &'a Objective,
        hours: &'a SpanSet,
        period: Span,
        now: Timestamp,
        evidence: &'a Evidence<'a>,
        zone: &Zone,
    ) -> Self {
        // What was never attempted begins now, so that its future counts as eligible.
        let first = evidence.timeline.first().unwrap_or(now);
        let observed = Span::new(period.start.max(first), period.end.min(now));
        let excluded = excluded(objective, hours, observed, now, evidence, zone);
        let bad = down(evidence, hours, observed);
        let (mut spent, mut violations) = (Vec::new(), SpanSet::EMPTY);
        if !bad.is_empty() {
            let outside = bad.subtract(&excluded);
            let broken = evidence.overrun.union(&evidence.undeclared).union(&evidence.invalid);
            violations = broken.intersect(&outside);
            let mut rest = if objective.figure == Figure::Public { bad } else { outside };
            for (cause, set) in evidence.causes() {
                spent.push((cause, rest.intersect(set)));
                rest = rest.subtract(set);
            }
            spent.push((Cause::Incident, rest));
            spent.retain(|(_, set)| !set.is_empty());
        }
        let partial = first > period.start;
        Self { objective, hours, evidence, period, observed, partial, excluded, spent, violations }
    }

    /// The figures of the whole period.
    pub fn account(&self) -> Account {
        let share = self.whole();
        let began = Span::new(self.observed.start, self.period.end);
        let mut eligible_ms: Millis = parts(self.hours, began).map(Span::len_ms).sum();
        if self.objective.figure == Figure::Contract {
            eligible_ms -= share.excluded_ms;
        }
        Account::of(self.objective, self.period, share, eligible_ms, self.partial)
    }

    /// All that was observed.
    fn whole(&self) -> Share {
        let seen = tally(&self.evidence.timeline, self.hours, self.observed);
        let kept = seen - tally(&self.evidence.timeline, &self.excluded, self.observed);
        let sums = self.spent.iter().map(|(cause, set)| (*cause, set.len_ms()));
        Share {
            seen,
            kept,
            excluded_ms: self.excluded.len_ms(),
            spent_ms: sums.collect(),
            policy_violation_ms: self.violations.len_ms(),
        }
    }

    /// What happened in some instants of the period.
    pub fn share(&self, of: &SpanSet) -> Share {
        let (promised, excluded) = (self.hours.intersect(of), self.excluded.intersect(of));
        let seen = tally(&self.evidence.timeline, &promised, self.observed);
        let kept = seen - tally(&self.evidence.timeline, &excluded, self.observed);
        let sums = self.spent.iter().map(|(cause, set)| (*cause, set.intersect(of).len_ms()));
        Share {
            seen,
            kept,
            excluded_ms: excluded.len_ms(),
            spent_ms: sums.filter(|(_, ms)| *ms > 0).collect(),
            policy_violation_ms: self.violations.intersect(of).len_ms(),
        }
    }

    /// The period, cut into parts: an instant belongs to the first that holds it, and what none holds is told last,
    /// under `None`. The shares sum to the whole; parts without any promised time are left out.
    pub fn breakdown<K>(&self, parts: impl IntoIterator<Item = (K, SpanSet)>) -> Vec<(Option<K>, Share)> {
        let mut rest = SpanSet::from(self.observed);
        let mut shares = Vec::new();
        for (key, part) in parts {
            let mine = part.intersect(&rest);
            if !mine.is_empty() {
                rest = rest.subtract(&mine);
                shares.push((Some(key), self.share(&mine)));
            }
        }
        shares.push((None, self.share(&rest)));
        shares.retain(|(_, share)| share.seen.whole_ms() > 0);
        shares
    }

    /// Since the first attempt, up to now.
    pub fn observed(&self) -> Span {
        self.observed
    }

    /// What is left out of the contract's figure.
    pub fn excluded(&self) -> &SpanSet {
        &self.excluded
    }

    /// The bad time under the agreed figure, by cause; disjoint.
    pub fn spent(&self) -> &[(Cause, SpanSet)] {
        &self.spent
    }
}

/// The promised instants inside `within` that were seen down.
fn down(evidence: &Evidence<'_>, hours: &SpanSet, within: Span) -> SpanSet {
    let seen = parts(hours, within).flat_map(|part| evidence.timeline.spans(part));
    seen.filter_map(|(span, health)| (health == Health::Down).then_some(span)).collect()
}
