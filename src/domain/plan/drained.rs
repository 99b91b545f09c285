//! Whether a plan keeps its service out: from the end of the last drain to the beginning of the first restore.
//!
//! Not here: what it keeps out at all (`Run::held`), which also counts what is on its way out or back. Invariant: a plan
//! that takes parts out in turn, and never all of them at once, never takes its service out.

use super::{Deed, Run, Standing, Task};
use crate::domain::Timestamp;
use std::collections::BTreeSet;

impl Run {
    /// Since when everything that the plan drains is out of service, while nothing of it is being put back.
    pub fn drained_since(&self) -> Option<Timestamp> {
        let targets: BTreeSet<&str> = self.plan.steps.iter().filter_map(|step| step.drains(Deed::Do)).collect();
        let since = targets.iter().map(|target| self.out_since(target)).collect::<Option<Vec<Timestamp>>>()?;
        since.into_iter().max()
    }

    /// Since when one target is out, unless somebody has begun to put it back.
    fn out_since(&self, target: &str) -> Option<Timestamp> {
        let holder = *self.held.get(target)?;
        let (step, progress) = (self.plan.steps.get(holder)?, self.steps.get(holder)?);
        let out = if matches!(step.task, Task::Restore(_)) { &progress.undo } else { &progress.forward };
        let Standing::Done { at } = out.standing else { return None };
        let mut others = self.plan.steps.iter().zip(&self.steps).enumerate().filter(|(index, _)| *index != holder);
        let returns = others.any(|(_, (step, progress))| {
            step.restores(Deed::Do) == Some(target) && progress.forward.standing != Standing::Idle
        });
        let untouched = progress.restore.standing == Standing::Idle && !returns;
        untouched.then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{START, action, begin, five_steps, plan_of, step};
    use super::super::*;

    fn fact(runs: &mut Runs, second: i64, step: &str, deed: Deed, end: Option<End>) {
        let (step, attempt, key) = (StepId::from(step), 1, String::new());
        let event = match end {
            None => RunFact::Intended { deed, step, attempt, key },
            Some(end) => RunFact::Finished { deed, step, end },
        };
        runs.apply(START + second * SECOND, &"r".into(), &event);
    }

    fn done() -> Option<End> {
        Some(End::Done { note: String::new() })
    }

    fn since(runs: &Runs) -> Option<i64> {
        runs.get(&"r".into()).unwrap().drained_since().map(|at| at.since(START) / SECOND)
    }

    #[test]
    fn a_service_is_out_from_the_end_of_its_drain_to_the_beginning_of_its_restore() {
        let mut runs = Runs::default();
        begin(&mut runs, "r", &five_steps());
        assert_eq!(since(&runs), None);
        fact(&mut runs, 10, "drain", Deed::Do, None);
        assert_eq!(since(&runs), None, "on its way out");
        fact(&mut runs, 20, "drain", Deed::Do, done());
        assert_eq!(since(&runs), Some(20));
        fact(&mut runs, 30, "restore", Deed::Do, None);
        assert_eq!(since(&runs), None, "on its way back");
        fact(&mut runs, 40, "restore", Deed::Do, done());
        assert_eq!(since(&runs), None);
        fact(&mut runs, 50, "restore", Deed::Undo, None);
        fact(&mut runs, 60, "restore", Deed::Undo, done());
        assert_eq!(since(&runs), Some(60), "drained again, to undo in safety");
        fact(&mut runs, 70, "restore", Deed::Restore, None);
        assert_eq!(since(&runs), None);
    }

    #[test]
    fn parts_that_are_drained_in_turn_are_no_service_out_of_service() {
        let one = |id: &str, target: &str, needs: &[usize]| step(id, needs, Task::Drain(action("drain", target)));
        let plan = plan_of(vec![
            one("first", "flag:a", &[]),
            step("back", &[0], Task::Restore(action("restore", "flag:a"))),
            one("second", "flag:b", &[1]),
        ]);
        let mut runs = Runs::default();
        begin(&mut runs, "r", &plan);
        for (second, step) in [(10, "first"), (20, "back"), (30, "second")] {
            fact(&mut runs, second, step, Deed::Do, None);
            fact(&mut runs, second + 1, step, Deed::Do, done());
            assert_eq!(since(&runs), None, "{step}");
        }
        let both = plan_of(vec![one("first", "flag:a", &[]), one("second", "flag:b", &[])]);
        let mut runs = Runs::default();
        begin(&mut runs, "r", &both);
        for (second, step) in [(10, "first"), (20, "second")] {
            fact(&mut runs, second, step, Deed::Do, None);
            fact(&mut runs, second + 1, step, Deed::Do, done());
        }
        assert_eq!(since(&runs), Some(21), "the service is out once its last part is");
    }
}
