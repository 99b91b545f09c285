//! Windows in time: lets `window::lifecycle` decide, records what it says, and handles the edges of muting.
//!
//! What is known of a window is gathered in `readiness`, its rounds are counted in `rounds`, its notices leave in
//! `notices`, what becomes of it is told in `news`, what it shows meanwhile is looked at in `defects`.

mod defects;
mod news;
mod notices;
mod readiness;
mod rounds;

pub(super) use defects::Shows;
pub(super) use news::Untold;
pub(super) use rounds::Rounds;

use super::*;
use crate::domain::timeline::Health;
use crate::domain::window::lifecycle::{self, Admission, Work};
use crate::domain::window::{Window, WindowState};

/// How often a window near its start is looked at again while something stands in its way.
const LOOK_AGAIN: Millis = 30 * SECOND;

/// Most windows of one reload of which the audit log says that they stay called off.
const WRITTEN_AGAIN_MAX: usize = 100;

/// How long an overrun waits for the first results before it is told that nothing is known.
const UNSEEN_MAX: Millis = 2 * MINUTE;

impl Engine {
    /// Advances every window, then announces what needs announcing.
    pub(super) fn advance_all_windows(&mut self, out: &mut Output) {
        let ids: Vec<WindowId> = self.book.iter().filter(|w| !w.state.is_terminal()).map(|w| w.id.clone()).collect();
        self.in_turn(out, &ids, Self::advance_window);
        self.announce(out);
    }

    /// Takes over what the texts say; what people know of and no text holds any more is called off.
    pub(super) fn adopt_windows(&mut self, out: &mut Output) {
        let inventory = Arc::clone(&self.inventory);
        for id in self.book.adopt(self.now, &inventory) {
            let Some(window) = self.book.get(&id) else { continue };
            let why = Names { zh: "文件中不再有该窗口".into(), en: "its text no longer holds it".into() };
            let (schedule, span, to) = (window.schedule.clone(), window.span, WindowState::Cancelled);
            self.record(out, Fact::WindowChanged { window: id, schedule, span, to, why, begun: None });
        }
    }

    /// Puts into the audit log which windows stay called off although their text is back.
    pub(super) fn note_written_again(&mut self, out: &mut Output) {
        let ahead = |w: &&Window| w.written_again && w.span.end > self.now;
        for window in self.book.iter().filter(ahead).take(WRITTEN_AGAIN_MAX) {
            let by = Actor::ourselves("files");
            out.audit.push(AuditEntry::done(
                self.now,
                by,
                "window.stays_cancelled",
                window.id.as_str(),
                &window.reason().en,
            ));
        }
    }

    /// Takes one window as far as what is known takes it, and asks to be woken for the rest.
    pub(super) fn advance_window(&mut self, out: &mut Output, id: &WindowId) {
        while let Some(window) = self.book.get(id) {
            let known = self.known(window);
            let Some((to, why)) = lifecycle::next(self.now, window.state, &known) else {
                match (&known.admission, &known.hindrance) {
                    (Admission::Waiting(why) | Admission::Denied(why), _) | (_, Some(why)) => {
                        self.book.note(id, why.clone());
                    }
                    _ => {}
                }
                self.remind(id);
                self.wake_for_window(id, &known);
                self.tell_overrun(out, id);
                return self.run_keeps_time(out, id);
            };
            let (schedule, span) = (window.schedule.clone(), window.span);
            let begun = (to == WindowState::Entering).then(|| self.begun(window));
            self.record(out, Fact::WindowChanged { window: id.clone(), schedule, span, to, why, begun });
            self.mute_edges(out, id, to);
            self.run_follows(out, id, to);
        }
    }

    /// What a window is when it begins, since its text may change while it runs.
    fn begun(&self, window: &Window) -> Begun {
        let dependants = window.definition.scope.iter().filter_map(|id| self.inventory.dependants.get(id)).flatten();
        let bad = |id: &&SubsystemId| !matches!(self.watch.health(id), Health::Up | Health::Degraded);
        let mut bad_before: Vec<SubsystemId> = dependants.filter(bad).cloned().collect();
        bad_before.sort_unstable();
        bad_before.dedup();
        Begun { definition: window.definition.clone(), bad_before }
    }

    /// When a window starts, ends or overruns, what it mutes is decided again.
    fn mute_edges(&mut self, out: &mut Output, id: &WindowId, to: WindowState) {
        let Some(window) = self.book.get(id) else { return };
        if !window.state.took_place() {
            return;
        }
        let scope = window.definition.scope.clone();
        match to {
            WindowState::Verifying => self.begin_rounds(id),
            _ => drop(self.rounds.remove(id)),
        }
        self.find_neighbours();
        if to.is_terminal() {
            for incident in self.overruns_of(id) {
                self.close(out, incident);
            }
        }
        for subsystem in &scope {
            self.picture.touch(Some(subsystem.clone()));
            self.reconsider(out, subsystem);
        }
        if to.is_late() || to.is_terminal() {
            self.reconsider_dependants(out, &scope);
        }
        if to == WindowState::Stuck {
            self.tell_stuck(out, id);
        }
    }

    fn overruns_of(&self, id: &WindowId) -> Vec<IncidentId> {
        let of_this = |i: &&incident::Incident| i.symptom == Symptom::Overrun && i.window.as_ref() == Some(id);
        self.desk.open().filter(of_this).map(|i| i.id).collect()
    }

    fn reconsider_dependants(&mut self, out: &mut Output, scope: &[SubsystemId]) {
        let inventory = Arc::clone(&self.inventory);
        for dependant in scope.iter().filter_map(|id| inventory.dependants.get(id)).flatten() {
            if self.watch.health(dependant) == Health::Down {
                self.reconsider(out, dependant);
            }
        }
    }

    /// An overrun is an incident also when nothing is down: the time that was approved is over. Right after a start
    /// of ours, when nothing has been seen yet, it waits for the first results.
    fn tell_overrun(&mut self, out: &mut Output, id: &WindowId) {
        let Some(window) = self.book.get(id).filter(|w| w.state.is_late()) else { return };
        if !self.overruns_of(id).is_empty() {
            return;
        }
        let inventory = Arc::clone(&self.inventory);
        let scope = || window.definition.scope.iter().filter_map(|id| inventory.subsystems.get(id));
        let unseen = scope().all(|s| self.watch.health(&s.id) == Health::Unknown);
        let patient_until = window.span.end + UNSEEN_MAX;
        if unseen && self.work(window) == Work::ByHand && self.now < patient_until {
            return self.wakes.at(patient_until, Wake::Window(id.clone()));
        }
        let unwell = |s: &&Subsystem| !matches!(self.watch.health(&s.id), Health::Up | Health::Degraded);
        let Some(subsystem) = scope().find(unwell).or_else(|| scope().next()) else { return };
        let since = window.span.end;
        self.open_overrun(out, subsystem, id, since);
    }

    /// Half an hour over: besides the owner's people, the fallback roster is told.
    fn tell_stuck(&mut self, out: &mut Output, id: &WindowId) {
        self.tell_overrun(out, id);
        for incident in self.overruns_of(id) {
            self.tell_opening(out, incident);
            self.tell_fallback(out, incident);
        }
    }

    /// Windows that wait for a subsystem to be well again, or cannot start while it is not.
    pub(super) fn windows_of(&mut self, out: &mut Output, id: &SubsystemId) {
        let running: Vec<WindowId> = self.book.running(id).map(|w| w.id.clone()).collect();
        for window in running {
            self.advance_window(out, &window);
        }
    }
}
