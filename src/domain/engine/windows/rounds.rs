//! Good rounds after the work: what verifies that a service is back.
//!
//! A round is a scheduled tick; re-tries do not count. Memory only: after a restart the count begins again.

use super::*;
use std::collections::BTreeMap;

/// Consecutive good rounds of every critical probe that verify a service.
pub(super) const GOOD_ROUNDS: u32 = 3;

/// Good rounds in a row of each probe that counts.
#[derive(Debug, Default)]
pub(in crate::domain::engine) struct Rounds(BTreeMap<ProbeId, u32>);

impl Rounds {
    /// Whether every probe had enough of them.
    pub(super) fn are_good(&self) -> bool {
        self.0.values().all(|n| *n >= GOOD_ROUNDS)
    }
}

impl Engine {
    /// Begins to count, for the critical probes of the scope and of what needs it directly, but for those that were
    /// bad before or are outside their hours.
    pub(in crate::domain::engine) fn begin_rounds(&mut self, id: &WindowId) {
        let Some(window) = self.book.get(id) else { return };
        let scope = &window.definition.scope;
        let needed_by = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let watched = |id: &&SubsystemId| {
            let open = self.inventory.subsystems.get(*id).is_some_and(|s| self.in_hours(s));
            open && !window.bad_before.contains(*id) && !scope.contains(*id)
        };
        let subsystems = scope.iter().chain(needed_by.filter(watched));
        let probes = subsystems.filter_map(|id| self.inventory.subsystems.get(id)).flat_map(|s| &s.probes);
        let critical = probes.filter(|id| self.inventory.probes.get(*id).is_some_and(|p| p.role == Role::Critical));
        let rounds = Rounds(critical.map(|id| (id.clone(), 0)).collect());
        self.rounds.insert(id.clone(), rounds);
    }

    /// Counts one attempt for every window that verifies.
    pub(in crate::domain::engine) fn count_round(&mut self, out: &mut Output, seen: &Observation) {
        if seen.trigger != Trigger::Tick {
            return;
        }
        let mut good = Vec::new();
        for (window, rounds) in &mut self.rounds {
            let Some(n) = rounds.0.get_mut(&seen.probe) else { continue };
            match seen.outcome {
                Outcome::Pass | Outcome::Degraded(_) => *n += 1,
                Outcome::Fail(_) => *n = 0,
                Outcome::Unknown(_) => {}
            }
            if rounds.are_good() {
                good.push(window.clone());
            }
        }
        for window in good {
            self.advance_window(out, &window);
        }
    }

    /// After a restart or a reload: whoever verifies counts anew, what left the inventory is not waited for.
    pub(in crate::domain::engine) fn resume_rounds(&mut self) {
        let verifying = |w: &&Window| w.state == WindowState::Verifying && !self.rounds.contains_key(&w.id);
        let begin: Vec<WindowId> = self.book.iter().filter(verifying).map(|w| w.id.clone()).collect();
        begin.iter().for_each(|id| self.begin_rounds(id));
        let inventory = &self.inventory;
        self.rounds.values_mut().for_each(|r| r.0.retain(|probe, _| inventory.probes.contains_key(probe)));
    }
}
