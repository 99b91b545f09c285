//! Good rounds after the work: what verifies that a service is back.
//!
//! A round is a scheduled tick; re-tries do not count. Memory only: after a restart the count begins again.

use super::*;
use crate::domain::plan::{Run, Standing, Task};
use std::collections::BTreeMap;

/// Consecutive good rounds of every critical probe that verify a service.
pub(super) const GOOD_ROUNDS: u32 = 3;

/// Good rounds in a row of each probe that counts.
#[derive(Debug, Default)]
pub(in crate::domain::engine) struct Rounds(BTreeMap<ProbeId, u32>);

impl Rounds {
    /// Whether every probe had enough of them.
    pub(super) fn are_good(&self) -> bool {
        self.least() >= GOOD_ROUNDS
    }

    /// Of the probe that has fewest.
    fn least(&self) -> u32 {
        self.0.values().copied().min().unwrap_or(u32::MAX)
    }

    fn count(&mut self, seen: &Observation) {
        let Some(n) = self.0.get_mut(&seen.probe) else { return };
        match seen.outcome {
            Outcome::Pass | Outcome::Degraded(_) => *n += 1,
            Outcome::Fail(_) => *n = 0,
            Outcome::Unknown(_) => {}
        }
    }
}

impl Engine {
    /// Begins to count, for the critical probes of the scope and of what needs it directly, but for those that were
    /// bad before or are outside their hours.
    pub(in crate::domain::engine) fn begin_rounds(&mut self, id: &WindowId) {
        let Some(window) = self.book.get(id) else { return };
        let rounds = self.rounds_of(&window.definition.scope, &window.bad_before);
        self.rounds.insert(id.clone(), rounds);
    }

    /// No round yet, of every critical probe that counts.
    fn rounds_of(&self, scope: &[SubsystemId], bad_before: &[SubsystemId]) -> Rounds {
        let needed_by = scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let watched = |id: &&SubsystemId| {
            let open = self.inventory.subsystems.get(*id).is_some_and(|s| self.in_hours(s));
            open && !bad_before.contains(*id) && !scope.contains(*id)
        };
        let subsystems = scope.iter().chain(needed_by.filter(watched));
        let probes = subsystems.filter_map(|id| self.inventory.subsystems.get(id)).flat_map(|s| &s.probes);
        let critical = probes.filter(|id| self.inventory.probes.get(*id).is_some_and(|p| p.role == Role::Critical));
        Rounds(critical.map(|id| (id.clone(), 0)).collect())
    }

    /// Counts one attempt for every window that verifies.
    pub(in crate::domain::engine) fn count_round(&mut self, out: &mut Output, seen: &Observation) {
        if seen.trigger != Trigger::Tick {
            return;
        }
        let mut good = Vec::new();
        for (window, rounds) in &mut self.rounds {
            if !rounds.0.contains_key(&seen.probe) {
                continue;
            }
            rounds.count(seen);
            if rounds.are_good() {
                good.push(window.clone());
            }
        }
        self.run_rounds.values_mut().for_each(|rounds| rounds.count(seen));
        for window in good {
            self.advance_window(out, &window);
        }
    }

    /// Good rounds for the step of a run that waits for them; counted while one does, and no longer.
    pub(in crate::domain::engine) fn keep_run_rounds(&mut self, run: &Run) {
        let waits = |(step, progress): (&plan::Step, &plan::Progress)| {
            matches!(step.task, Task::Verify { .. }) && matches!(progress.forward.standing, Standing::Flying { .. })
        };
        if !run.is_live() || !run.plan.steps.iter().zip(&run.steps).any(waits) {
            self.run_rounds.remove(&run.id);
        } else if !self.run_rounds.contains_key(&run.id) {
            let bad_before = self.book.get(&run.window).map(|w| w.bad_before.clone()).unwrap_or_default();
            let rounds = self.rounds_of(&run.scope, &bad_before);
            self.run_rounds.insert(run.id.clone(), rounds);
        }
    }

    /// How many there are.
    pub(in crate::domain::engine) fn rounds_for_run(&self, run: &RunId) -> u32 {
        self.run_rounds.get(run).map_or(0, Rounds::least)
    }

    /// After a restart or a reload: whoever verifies counts anew, what left the inventory is not waited for.
    pub(in crate::domain::engine) fn resume_rounds(&mut self) {
        let verifying = |w: &&Window| w.state == WindowState::Verifying && !self.rounds.contains_key(&w.id);
        let begin: Vec<WindowId> = self.book.iter().filter(verifying).map(|w| w.id.clone()).collect();
        begin.iter().for_each(|id| self.begin_rounds(id));
        let inventory = &self.inventory;
        let all = self.rounds.values_mut().chain(self.run_rounds.values_mut());
        all.for_each(|r| r.0.retain(|probe, _| inventory.probes.contains_key(probe)));
    }
}
