//! When the engine has to look again although nothing happens.
//!
//! Entries may be late or obsolete: whoever is woken looks at the state and decides. Bound: one entry per probe, and
//! one per subsystem, incident and window and reason.

use crate::domain::*;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Wake {
    /// Has the probe's last result gone stale?
    Stale(ProbeId),
    /// Have hours begun, or a window ended?
    Subsystem(SubsystemId),
    /// Is it time for the opening mail?
    Tell(IncidentId),
    /// Is a change, a reminder or the next rung due, or may an unstable incident close?
    Follow(IncidentId),
    /// Does an outage have to be reported, or is a warning about that due?
    Filing(IncidentId),
    /// Is it clear what goes bad at once?
    Storm,
    /// Does the window's state change?
    Window(WindowId),
    /// Does the run of a plan go on?
    Run(RunId),
    /// Does the budget burn too fast, or no longer?
    Risk(SubsystemId),
    /// Is it time for the daily digest?
    Digest,
    /// Is it time for the canary?
    Canary,
    /// Expand windows another day, forget what is old.
    Daily,
}

/// A queue of wakes with at most one entry for each.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    heap: BinaryHeap<Reverse<(Timestamp, Wake)>>,
    due: HashMap<Wake, Timestamp>,
}

impl Wakes {
    /// Looks at `wake` at `at`, or earlier if that was asked for before.
    pub(super) fn at(&mut self, at: Timestamp, wake: Wake) {
        match self.due.get_mut(&wake) {
            Some(due) if *due <= at => return,
            Some(due) => *due = at,
            None => drop(self.due.insert(wake.clone(), at)),
        }
        self.heap.push(Reverse((at, wake)));
    }

    /// The earliest instant to look at something.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one wake that is due.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Wake> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse((at, wake)) = self.heap.pop()?;
            // An entry that was replaced by an earlier one is obsolete.
            if self.due.get(&wake) == Some(&at) {
                self.due.remove(&wake);
                return Some(wake);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_request_wins_and_each_thing_wakes_once() {
        let mut wakes = Wakes::default();
        wakes.at(Timestamp(30), Wake::Daily);
        wakes.at(Timestamp(10), Wake::Daily);
        wakes.at(Timestamp(20), Wake::Daily);
        assert_eq!(wakes.next(), Some(Timestamp(10)));
        assert_eq!(wakes.pop(Timestamp(9)), None);
        assert_eq!(wakes.pop(Timestamp(99)), Some(Wake::Daily));
        assert_eq!(wakes.pop(Timestamp(99)), None);
    }
}
