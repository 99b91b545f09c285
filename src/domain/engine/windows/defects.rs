//! What a service shows while it is out of service: from the first notice on, anything else than a notice is a defect.
//!
//! Not here: what becomes of it (the summary of the window, the pages). Invariants: a defect is counted once until the
//! notice is up again; a pass ends the time out of service; what a notice is, the probe says (`ReasonKind::Maintenance`);
//! whether one is up is memory only, so after a restart the next notice begins anew.

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
        match (&seen.outcome, self.drained.get(&seen.probe)) {
            (Outcome::Fail(r) | Outcome::Degraded(r), _) if r.kind == ReasonKind::Maintenance => {
                self.drained.insert(seen.probe.clone(), Shows::Notice);
            }
            (Outcome::Pass | Outcome::Degraded(_), _) => drop(self.drained.remove(&seen.probe)),
            (Outcome::Fail(reason), Some(Shows::Notice)) => {
                let (window, reason) = (window.id.clone(), reason.clone());
                let so_far = self.book.get(&window).and_then(|w| w.defects.get(&id)).copied();
                self.drained.insert(seen.probe.clone(), Shows::Defect);
                if so_far.unwrap_or_default() < DEFECTS_MAX {
                    self.record(out, Fact::MaintenanceDefect { window, subsystem: id, reason });
                }
            }
            (Outcome::Fail(_), _) | (Outcome::Unknown(_), _) => {}
        }
    }
}
