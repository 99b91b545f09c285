//! The evidence of a composite: what was seen of it, and how its bad time stands to the rules, by its expression alone.
//!
//! Not here: the expression (`composite`). Invariants: everything follows instant by instant from the members' evidence;
//! a composite is excused only for time in which it was down *only* because members were in valid windows.
//!
//! With M the members in a valid window at an instant at which the composite was down: M alone is *enough* if the
//! expression fails with all others up, and M is *needed* if it holds with M up. Enough and needed is excused: a second
//! member that failed by itself, or redundancy that an unplanned failure had used up, is nobody's maintenance. For the
//! causes that are counted against the promise either one will do, so that no rule is broken without being named.

use super::evidence::Evidence;
use super::timeline::{Health, Timeline};
use super::*;
use crate::domain::composite::Expression;
use std::borrow::Cow;

/// A member with what is known of it.
type Member<'a, 'e> = (&'a SubsystemId, &'a Evidence<'e>);

/// The evidence of a composite; a member that nothing is known of is unknown. Costs members × changes.
pub fn derived<'e>(needs: &Expression, of: &impl Fn(&SubsystemId) -> Option<&'e Evidence<'e>>) -> Evidence<'static> {
    // In the order of the ids: `members` is a sorted set.
    let members: Vec<Member<'_, 'e>> = needs.members().into_iter().filter_map(|id| Some((id, of(id)?))).collect();
    let Some(first) = members.iter().filter_map(|(_, e)| e.timeline.first()).min() else { return Evidence::default() };
    let mut timeline = Timeline::default();
    let mut sets: [Vec<Span>; 5] = Default::default();
    let edges = edges(first, &members);
    for (i, at) in edges.iter().enumerate() {
        let instant = Instant { needs, members: &members, at: *at };
        let health = instant.health(|_, seen| seen);
        timeline.set(*at, health);
        if health == Health::Down {
            let span = Span::new(*at, edges.get(i + 1).copied().unwrap_or(Timestamp::MAX));
            instant.classes().into_iter().zip(&mut sets).filter(|(is, _)| *is).for_each(|(_, set)| set.push(span));
        }
    }
    let [valid, emergency, overrun, undeclared, invalid] = sets.map(|set| set.into_iter().collect());
    Evidence { timeline: Cow::Owned(timeline), valid, emergency, overrun, undeclared, invalid }
}

fn classes<'a>(evidence: &'a Evidence<'_>) -> [&'a SpanSet; 5] {
    let Evidence { valid, emergency, overrun, undeclared, invalid, .. } = evidence;
    [valid, emergency, overrun, undeclared, invalid]
}

/// The instants from `first` on at which anything about any member changes, in order.
fn edges(first: Timestamp, members: &[Member<'_, '_>]) -> Vec<Timestamp> {
    let changes = members.iter().flat_map(|(_, e)| e.timeline.changes()).map(|(at, _)| *at);
    let spans = members.iter().flat_map(|(_, e)| classes(e)).flat_map(SpanSet::spans);
    let mut edges: Vec<Timestamp> =
        changes.chain(spans.flat_map(|s| [s.start, s.end])).filter(|at| *at >= first).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// All members at one instant.
struct Instant<'a, 'e> {
    needs: &'a Expression,
    members: &'a [Member<'a, 'e>],
    at: Timestamp,
}

impl Instant<'_, '_> {
    /// How the composite would be if each member were what `told` says; it is given what was seen.
    fn health(&self, told: impl Fn(&Evidence<'_>, Health) -> Health) -> Health {
        self.needs.health(&|id| {
            let Ok(i) = self.members.binary_search_by(|(member, _)| (*member).cmp(id)) else { return Health::Unknown };
            let evidence = self.members[i].1;
            told(evidence, evidence.timeline.at(self.at).unwrap_or(Health::Unknown))
        })
    }

    /// Which classes the bad instant belongs to.
    fn classes(&self) -> [bool; 5] {
        [0, 1, 2, 3, 4].map(|class| {
            let is_in = |evidence: &Evidence<'_>| classes(evidence)[class].contains(self.at);
            if !self.members.iter().any(|(_, evidence)| is_in(evidence)) {
                return false;
            }
            let enough = self.health(|e, seen| if is_in(e) { seen } else { Health::Up }) == Health::Down;
            let without = self.health(|e, seen| if is_in(e) { Health::Up } else { seen });
            match class {
                0 => enough && matches!(without, Health::Up | Health::Degraded),
                _ => enough || without != Health::Down,
            }
        })
    }
}
