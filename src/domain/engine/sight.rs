//! Blindness: while the witnesses are silent, one incident about ourselves and none about others.
//!
//! Not here: that failures are unknown meanwhile (`crate::probe`), so that nothing else opens. Invariant: the open
//! incident is the state; a restart finds it, and the first answer of the witnesses keeps or closes it.

use super::*;

impl Engine {
    /// The witnesses were asked.
    pub(super) fn sight(&mut self, out: &mut Output, sight: Sight) {
        let (subsystem, symptom, severity) = (our_sight(), Symptom::Blind, Severity::Page);
        let open = self.desk.find(&subsystem, symptom, severity).map(|i| i.id);
        match (sight, open) {
            (Sight::Blind(reason), None) => {
                let since = self.now;
                let horizon = since - self.inventory.timers.reopen_ms;
                let incident = match self.desk.relapse_of(&subsystem, symptom, severity, horizon) {
                    Some(incident) => {
                        self.record(out, Fact::IncidentReopened { incident, since });
                        incident
                    }
                    None => {
                        let (incident, reason) = (self.desk.next_id(), Some(reason));
                        let (window, attribution) = (None, None);
                        self.record(
                            out,
                            Fact::IncidentOpened {
                                incident,
                                subsystem,
                                symptom,
                                severity,
                                since,
                                window,
                                reason,
                                attribution,
                            },
                        );
                        incident
                    }
                };
                self.picture.touch_runs();
                self.tell_opening(out, incident);
            }
            (Sight::Clear, Some(incident)) => {
                self.picture.touch_runs();
                self.close(out, incident);
            }
            (Sight::Blind(_), Some(_)) | (Sight::Clear, None) => {}
        }
    }
}
