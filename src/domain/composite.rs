//! Services that are made of others (事项): an expression over subsystems, judged at every instant from its members.
//!
//! Not here: how the members are (`timeline`) and what a window would take down (`impact`). Invariants: health and
//! availability follow from the members' timelines by the expression, never from a mean; of `n` that are needed the n-th
//! best decides, where down is worse than unknown, unknown than degraded, and degraded than up.

use super::timeline::{Health, Timeline};
use super::*;
use std::collections::BTreeSet;

/// What a composite needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// This subsystem.
    One(SubsystemId),
    /// So many of these; all of them, any one, or a number between.
    AtLeast(usize, Vec<Expression>),
}

impl Expression {
    /// Every one of `of`.
    pub fn all_of(of: Vec<Self>) -> Self {
        Self::AtLeast(of.len(), of)
    }

    /// One of `of`.
    pub fn any_of(of: Vec<Self>) -> Self {
        Self::AtLeast(1, of)
    }

    /// Every subsystem that it names.
    pub fn members(&self) -> BTreeSet<&SubsystemId> {
        match self {
            Self::One(id) => BTreeSet::from([id]),
            Self::AtLeast(_, of) => of.iter().flat_map(Self::members).collect(),
        }
    }

    /// How it is when its members are so.
    pub fn health(&self, of: &impl Fn(&SubsystemId) -> Health) -> Health {
        match self {
            Self::One(id) => of(id),
            Self::AtLeast(n, parts) => {
                let mut best: Vec<Health> = parts.iter().map(|part| part.health(of)).collect();
                best.sort_by_key(|health| worth(*health));
                // The n-th best; of nothing, nothing is known.
                best.len().checked_sub(*n).and_then(|i| best.get(i).copied()).unwrap_or(Health::Unknown)
            }
        }
    }

    /// Whether it works when exactly these of its members do.
    pub fn works(&self, does: &impl Fn(&SubsystemId) -> bool) -> bool {
        self.health(&|id| if does(id) { Health::Up } else { Health::Down }) == Health::Up
    }

    /// The pointwise combination of its members' timelines; one that has not begun is unknown.
    pub fn timeline<'a>(&self, of: &impl Fn(&SubsystemId) -> Option<&'a Timeline<Health>>) -> Timeline<Health> {
        let lines: Vec<(&SubsystemId, &Timeline<Health>)> =
            self.members().into_iter().filter_map(|id| Some((id, of(id)?))).collect();
        let mut whole = Timeline::default();
        let mut next = lines.iter().filter_map(|(_, line)| line.first()).min();
        while let Some(at) = next {
            let seen = |id: &SubsystemId| {
                let line = lines.iter().find(|(member, _)| *member == id);
                line.and_then(|(_, line)| line.at(at)).unwrap_or(Health::Unknown)
            };
            whole.set(at, self.health(&seen));
            next = lines.iter().filter_map(|(_, line)| line.next_change(at)).min();
        }
        whole
    }
}

fn worth(health: Health) -> u8 {
    match health {
        Health::Down => 0,
        Health::Unknown => 1,
        Health::Degraded => 2,
        Health::Up => 3,
    }
}

/// A service that citizens know, made of subsystems of any owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// `marriage-booking`.
    pub id: CompositeId,
    /// What people call it.
    pub name: Names,
    /// What it needs.
    pub needs: Expression,
    /// The hours in which its availability counts.
    pub hours: hours::Hours,
    /// The promise; without one it has no figures.
    pub objective: Option<ObjectiveId>,
    /// Where it was written.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(id: &str) -> Expression {
        Expression::One(id.into())
    }

    fn booking() -> Expression {
        let pay = Expression::any_of(vec![one("pay/a"), one("pay/b")]);
        let halls = Expression::AtLeast(2, vec![one("h/1"), one("h/2"), one("h/3")]);
        Expression::all_of(vec![one("bdc/identity"), pay, halls])
    }

    #[test]
    fn the_nth_best_member_decides_and_unknown_is_never_down() {
        use Health::{Degraded, Down, Unknown, Up};
        let of = |identity: Health, pay: [Health; 2], halls: [Health; 3]| {
            booking().health(&|id| match id.as_str() {
                "bdc/identity" => identity,
                "pay/a" => pay[0],
                "pay/b" => pay[1],
                other => halls[usize::from(other.as_bytes()[2] - b'1')],
            })
        };
        assert_eq!(of(Up, [Down, Up], [Up, Up, Down]), Up);
        assert_eq!(of(Up, [Down, Down], [Up, Up, Up]), Down);
        assert_eq!(of(Up, [Down, Unknown], [Up, Up, Up]), Unknown);
        assert_eq!(of(Up, [Up, Up], [Up, Degraded, Down]), Degraded);
        assert_eq!(of(Unknown, [Down, Down], [Up, Up, Up]), Down);
        assert_eq!(of(Up, [Up, Up], [Up, Down, Down]), Down);
        assert!(booking().works(&|id| !["pay/a", "h/2"].contains(&id.as_str())));
        assert!(!booking().works(&|id| id.as_str() != "bdc/identity"));
        assert_eq!(booking().members().len(), 6);
    }

    proptest! {
        #[test]
        fn timeline_and_availability_are_what_a_look_at_every_instant_says(
            changes in prop::collection::vec(prop::collection::vec((0i64..50, 0usize..4), 0..6), 3),
            n in 1usize..4,
        ) {
            let ids = ["a/a", "b/b", "c/c"];
            let lines: Vec<Timeline<Health>> = changes
                .iter()
                .map(|changes| {
                    let mut sorted = changes.clone();
                    sorted.sort_by_key(|(at, _)| *at);
                    let mut line = Timeline::default();
                    sorted.into_iter().for_each(|(at, health)| line.set(Timestamp(at), Health::ALL[health]));
                    line
                })
                .collect();
            let expression = Expression::AtLeast(n, ids.iter().map(|id| one(id)).collect());
            let of = |id: &SubsystemId| ids.iter().position(|i| *i == id.as_str()).map(|i| &lines[i]);
            let whole = expression.timeline(&of);
            let first = lines.iter().filter_map(Timeline::first).min();
            let mut counted = [0i64; 4];
            for t in 0..60 {
                let at = Timestamp(t);
                let seen = lines.iter().map(|line| line.at(at).unwrap_or(Health::Unknown));
                let count = |wanted: &[Health]| seen.clone().filter(|h| wanted.contains(h)).count();
                use Health::{Degraded, Unknown, Up};
                // In words: enough are up; or enough are at least degraded; or enough might be.
                let expected = if count(&[Up]) >= n {
                    Up
                } else if count(&[Up, Degraded]) >= n {
                    Degraded
                } else if count(&[Up, Degraded, Unknown]) >= n {
                    Unknown
                } else {
                    Health::Down
                };
                let begun = first.is_some_and(|first| first <= at);
                prop_assert_eq!(whole.at(at), begun.then_some(expected));
                if begun {
                    counted[Health::ALL.iter().position(|h| *h == expected).unwrap()] += 1;
                }
            }
            let within = Span::new(Timestamp(0), Timestamp(60));
            let found = sla::tally(&whole, &within.into(), within);
            prop_assert_eq!(
                (found.good_ms, found.bad_ms, found.unknown_ms, found.degraded_ms),
                (counted[0] + counted[1], counted[2], counted[3], counted[1])
            );
        }
    }
}
