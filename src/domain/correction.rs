//! What people say afterwards about a span of a subsystem: how it counts, in whose name, and why.
//!
//! Not here: who may say so (`engine::correct`) and what figures make of it (`sla`). Invariants: what the probes saw is
//! kept as it is and shown beside; of several corrections the last one that was written holds; nothing is said about time
//! before the first attempt, or about time to come.

use super::timeline::{Health, Timeline};
use super::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest span of one correction.
pub const CORRECTED_MAX: Millis = 31 * DAY;

/// Most corrections of one subsystem that are remembered; further ones are refused.
pub const CORRECTIONS_MAX: usize = 200;

/// One correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// When it was written.
    pub at: Timestamp,
    /// About when.
    pub span: Span,
    /// What the span counts as; `None` takes former corrections of it back.
    pub counts_as: Option<Health>,
    /// Who.
    pub by: Actor,
    /// Why, in that person's words.
    pub reason: String,
}

/// All corrections, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrections(BTreeMap<SubsystemId, Vec<Correction>>);

impl Corrections {
    /// Folds a fact in; the others are not about this.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact) {
        if let Fact::SpanCorrected { subsystem, span, counts_as, by, reason } = fact {
            let (span, counts_as, by, reason) = (*span, *counts_as, by.clone(), reason.clone());
            self.0.entry(subsystem.clone()).or_default().push(Correction { at, span, counts_as, by, reason });
        }
    }

    /// Those of a subsystem, under its former id too.
    pub fn of(&self, subsystem: &Subsystem) -> Vec<Correction> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let ids = subsystem.was.iter().chain([&subsystem.id]);
        let mut all: Vec<Correction> = ids.filter_map(|id| self.0.get(id)).flatten().cloned().collect();
        all.sort_by_key(|correction| correction.at);
        all
    }

    /// Forgets what is about time before `horizon`.
    pub fn forget_before(&mut self, horizon: Timestamp) {
        self.0.retain(|_, all| {
            all.retain(|correction| correction.span.end > horizon);
            !all.is_empty()
        });
    }
}

/// What counts where people corrected what was seen; `None` if nobody did.
///
/// Costs changes × corrections.
pub fn counted(seen: &Timeline<Health>, corrections: &[Correction]) -> Option<Timeline<Health>> {
    let first = seen.first().filter(|_| !corrections.is_empty())?;
    let edges = corrections.iter().flat_map(|c| [c.span.start, c.span.end]).filter(|at| *at > first);
    let mut edges: Vec<Timestamp> = seen.changes().iter().map(|(at, _)| *at).chain(edges).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut counted = Timeline::default();
    for at in edges {
        let said = corrections.iter().rev().find(|c| c.span.contains(at)).and_then(|c| c.counts_as);
        if let Some(health) = said.or_else(|| seen.at(at)) {
            counted.set(at, health);
        }
    }
    Some(counted)
}

/// How long each state lasted in `within`, in the order of [`Health::ALL`]; without what did not occur.
pub fn seen_in(seen: &Timeline<Health>, within: Span) -> Vec<(Health, Millis)> {
    let lasted = |wanted: Health| -> Millis {
        seen.spans(within).filter(|(_, health)| *health == wanted).map(|(span, _)| span.len_ms()).sum()
    };
    Health::ALL.into_iter().map(|health| (health, lasted(health))).filter(|(_, ms)| *ms > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Option<Health>; 5] =
        [None, Some(Health::Up), Some(Health::Degraded), Some(Health::Down), Some(Health::Unknown)];

    fn correction(start: i64, end: i64, counts_as: Option<Health>) -> Correction {
        let span = Span::new(Timestamp(start), Timestamp(end));
        Correction { at: Timestamp(0), span, counts_as, by: Actor::ourselves("test"), reason: "test".into() }
    }

    fn timeline(changes: &[(i64, Health)]) -> Timeline<Health> {
        let mut timeline = Timeline::default();
        changes.iter().for_each(|(at, health)| timeline.set(Timestamp(*at), *health));
        timeline
    }

    #[test]
    fn without_corrections_there_is_nothing_to_count_anew() {
        assert_eq!(counted(&timeline(&[(0, Health::Up)]), &[]), None);
        assert_eq!(counted(&Timeline::default(), &[correction(0, 9, Some(Health::Up))]), None);
    }

    proptest! {
        /// At every instant: the last correction that holds it, else what was seen.
        #[test]
        fn every_instant_counts_as_the_last_word_about_it(
            steps in prop::collection::vec((1_i64..9, 1_usize..5), 1..8),
            said in prop::collection::vec((0_i64..60, 1_i64..30, 0_usize..5), 0..6),
        ) {
            let mut at = 5;
            let mut seen = Timeline::default();
            for (step, health) in steps {
                at += step;
                seen.set(Timestamp(at), ALL[health].unwrap());
            }
            let said: Vec<Correction> =
                said.into_iter().map(|(start, len, what)| correction(start, start + len, ALL[what])).collect();
            let whole = counted(&seen, &said);
            prop_assert_eq!(whole.is_none(), said.is_empty());
            let whole = whole.unwrap_or_else(|| seen.clone());
            for t in (0..100).map(Timestamp) {
                let mut naive = seen.at(t);
                for one in said.iter().filter(|c| seen.at(t).is_some() && c.span.contains(t)) {
                    naive = one.counts_as.or(seen.at(t));
                }
                prop_assert_eq!(whole.at(t), naive, "at {}", t.0);
            }
        }
    }
}
