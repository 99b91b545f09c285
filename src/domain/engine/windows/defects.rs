//! What a service shows while it is out of service: anything else than a notice is a defect.
//!
//! Not here: what becomes of it (the summary of the window, the pages). Invariants: out of service is, by a plan, while
//! everything that the plan drains is drained, and without one from the first notice to the next pass; a defect is
//! counted once until the notice is up again; what a notice is, the probe says (`ReasonKind::Maintenance`); whether one
//! is up is memory only, so after a restart it begins anew.

use super::*;

/// Most defects of one window and subsystem that are recorded.
const DEFECTS_MAX: u32 = 1_000;

/// What a probe sees of a service that is out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::engine) enum Shows {
    /// The notice.
    Notice,
    /// Something else.
    Defect,
}

impl Engine {
    /// Judges one attempt inside a window that is not past its end.
    pub(in crate::domain::engine) fn look_for_defect(&mut self, out: &mut Output, seen: &Observation) {
        let id = seen.probe.subsystem();
        let Some(window) = self.book.covering(&id) else {
            self.drained.remove(&seen.probe);
            return;
        };
        let drained = self.is_drained_by_plan(window, seen);
        let shown = self.drained.get(&seen.probe).copied();
        let reason = match &seen.outcome {
            Outcome::Fail(r) | Outcome::Degraded(r) if r.kind == ReasonKind::Maintenance => {
                self.drained.insert(seen.probe.clone(), Shows::Notice);
                return;
            }
            Outcome::Pass | Outcome::Degraded(_) if !drained => {
                self.drained.remove(&seen.probe);
                return;
            }
            Outcome::Pass | Outcome::Degraded(_) => Reason::new(ReasonKind::Content, "a live page while drained"),
            Outcome::Fail(_) if !drained && shown.is_none() => return,
            Outcome::Fail(reason) => reason.clone(),
            Outcome::Unknown(_) => return,
        };
        if shown == Some(Shows::Defect) {
            return;
        }
        let Some(window) = self.book.covering(&id) else { return };
        let (window, so_far) = (window.id.clone(), window.defects.get(&id).copied());
        self.drained.insert(seen.probe.clone(), Shows::Defect);
        if so_far.unwrap_or_default() < DEFECTS_MAX {
            self.record(out, Fact::MaintenanceDefect { window, subsystem: id, reason });
        }
    }

    /// Whether the plan of a window kept its service out when the attempt began. Only critical probes that know a notice
    /// can be wrong about it.
    fn is_drained_by_plan(&self, window: &Window, seen: &Observation) -> bool {
        if window.definition.plan.is_none() {
            return false;
        }
        let knows_notices = |p: &ProbePlan| p.knows_notices && p.role == Role::Critical;
        let since = self.runs.of_window(&window.id).last().and_then(|run| run.drained_since());
        since.is_some_and(|since| since <= seen.started)
            && self.inventory.probes.get(&seen.probe).is_some_and(knows_notices)
    }
}
