//! The figures of one subsystem over one period, from what was seen and how windows were used.
//!
//! Not here: what is excluded (`exclusion`), and how fast the budget burns (`burn`). Invariants: good, bad and unknown
//! sum to the elapsed time, the causes sum to what was spent, and accounts of parts sum to the account of the whole.

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

    fn without(self, other: Self) -> Self {
        Self {
            good_ms: self.good_ms - other.good_ms,
            bad_ms: self.bad_ms - other.bad_ms,
            unknown_ms: self.unknown_ms - other.unknown_ms,
            degraded_ms: self.degraded_ms - other.degraded_ms,
        }
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

/// The instants of `set` inside `within` at which the subsystem was seen down.
fn down(timeline: &Timeline<Health>, set: &SpanSet, within: Span) -> SpanSet {
    let seen = parts(set, within).flat_map(|part| timeline.spans(part));
    seen.filter_map(|(span, health)| (health == Health::Down).then_some(span)).collect()
}

/// The account of one subsystem over `period`, as it stands at `now`.
///
/// `hours` are those of the promise; they may reach beyond the period, and with an exclusion cap they should be known
/// over [`reach`] of it. Around the clock is one span over everything. Time before the first attempt is not eligible,
/// future time is.
pub fn account(
    objective: &Objective,
    hours: &SpanSet,
    period: Span,
    now: Timestamp,
    seen: &Seen<'_>,
    zone: &Zone,
) -> Account {
    let nothing = Timeline::default();
    let timeline = seen.timeline.unwrap_or(&nothing);
    // What was never attempted begins now, so that its future counts as eligible.
    let first = timeline.first().unwrap_or(now);
    let began = period.start.max(first);
    let observed = Span::new(began, period.end.min(now));
    let whole = tally(timeline, hours, observed);
    let excluded = excluded(objective, hours, observed, now, seen, zone);
    let kept = whole.without(tally(timeline, &excluded, observed));
    let mut eligible_ms: Millis = parts(hours, Span::new(began, period.end)).map(Span::len_ms).sum();
    if objective.figure == Figure::Contract {
        eligible_ms -= excluded.len_ms();
    }
    let (public, contract) = (whole.bounded(), kept.bounded());
    let (spent_ms, policy_violation_ms) = spend(objective.figure, hours, observed, seen, &excluded);
    Account {
        period,
        elapsed_ms: whole.whole_ms(),
        good_ms: whole.good_ms,
        bad_ms: whole.bad_ms,
        unknown_ms: whole.unknown_ms,
        excluded_ms: excluded.len_ms(),
        degraded_ms: whole.degraded_ms,
        public,
        contract,
        budget_ms: budget_ms(objective.target_ppm, eligible_ms),
        spent_ms,
        policy_violation_ms,
        verdict: verdict(objective, if objective.figure == Figure::Public { &public } else { &contract }),
        partial: first > period.start,
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

/// What was spent under the agreed figure, by cause, and what of the bad time outside exclusions broke a rule.
fn spend(
    figure: Figure,
    hours: &SpanSet,
    observed: Span,
    seen: &Seen<'_>,
    excluded: &SpanSet,
) -> (BTreeMap<Cause, Millis>, Millis) {
    let mut spent = BTreeMap::new();
    let bad = seen.timeline.map_or(SpanSet::EMPTY, |t| down(t, hours, observed));
    if bad.is_empty() {
        return (spent, 0);
    }
    let outside = bad.subtract(excluded);
    let overrun: SpanSet = seen.windows.iter().map(UsedWindow::overrun).collect();
    let used = |standing| -> SpanSet {
        seen.windows.iter().filter(|w| w.standing == standing).map(UsedWindow::used).collect()
    };
    let (emergency, invalid) = (used(Standing::Emergency), used(Standing::Violation));
    let violation_ms = overrun.union(&seen.undeclared).union(&invalid).intersect(&outside).len_ms();

    let mut rest = if figure == Figure::Public { bad } else { outside };
    let classes = [
        (Cause::Emergency, &emergency),
        (Cause::Overrun, &overrun),
        (Cause::UndeclaredMaintenance, &seen.undeclared),
        (Cause::PolicyViolation, &invalid),
    ];
    for (cause, set) in classes {
        let hit_ms = rest.intersect(set).len_ms();
        if hit_ms > 0 {
            spent.insert(cause, hit_ms);
            rest = rest.subtract(set);
        }
    }
    if !rest.is_empty() {
        spent.insert(Cause::Incident, rest.len_ms());
    }
    (spent, violation_ms)
}
