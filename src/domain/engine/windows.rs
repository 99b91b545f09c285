//! Windows in time: asks the policy, lets `window::lifecycle` decide, announces, and handles the edges of muting.

use super::*;
use crate::domain::policy::admit;
use crate::domain::timeline::Health;
use crate::domain::window::lifecycle::{self, Admission, Known};
use crate::domain::window::{Planned, Window, WindowState};
use std::collections::BTreeMap;

/// Windows that start within this time are announced as soon as they are admitted.
const ANNOUNCE_AHEAD: Millis = 62 * DAY;

/// Most windows in one announcement.
const ANNOUNCED_MAX: usize = 100;

impl Engine {
    /// Advances every window, then announces what needs announcing.
    pub(super) fn advance_all_windows(&mut self, out: &mut Output) {
        let ids: Vec<WindowId> = self.book.iter().filter(|w| !w.state.is_terminal()).map(|w| w.id.clone()).collect();
        for id in &ids {
            self.advance_window(out, id);
        }
        self.announce(out);
    }

    /// Takes one window as far as what is known takes it, and asks to be woken for the rest.
    pub(super) fn advance_window(&mut self, out: &mut Output, id: &WindowId) {
        while let Some(window) = self.book.get(id) {
            let known = self.known(window);
            let Some((to, why)) = lifecycle::next(self.now, window.state, &known) else {
                if let Admission::Waiting(why) = &known.admission {
                    self.book.note(id, why.clone());
                }
                self.wake_for_window(id, &known);
                return;
            };
            let (schedule, span, scope) = (window.schedule.clone(), window.span, window.scope.clone());
            self.record(out, Fact::WindowChanged { window: id.clone(), schedule, span, to, why });
            self.mute_edges(out, id, to, &scope);
        }
    }

    /// When a window starts, ends or overruns, what it mutes is decided again.
    fn mute_edges(&mut self, out: &mut Output, id: &WindowId, to: WindowState, scope: &[SubsystemId]) {
        if !matches!(to, WindowState::Active | WindowState::Overrun | WindowState::Completed) {
            return;
        }
        if to == WindowState::Completed {
            let over: Vec<IncidentId> = self
                .desk
                .open()
                .filter(|i| i.symptom == Symptom::Overrun && i.window.as_ref() == Some(id))
                .map(|i| i.id)
                .collect();
            for incident in over {
                self.close(out, incident);
            }
        }
        for subsystem in scope {
            self.picture.touch(Some(subsystem.clone()));
            self.reconsider(out, subsystem);
        }
        if to != WindowState::Active {
            self.reconsider_dependants(out, scope);
        }
    }

    fn reconsider_dependants(&mut self, out: &mut Output, scope: &[SubsystemId]) {
        let inventory = Arc::clone(&self.inventory);
        for dependant in scope.iter().filter_map(|id| inventory.dependants.get(id)).flatten() {
            if self.watch.health(dependant) == Health::Down {
                self.reconsider(out, dependant);
            }
        }
    }

    /// Windows that wait for a subsystem to be well again.
    pub(super) fn windows_of(&mut self, out: &mut Output, id: &SubsystemId) {
        if let Some(window) = self.book.overrun(id).map(|w| w.id.clone()) {
            self.advance_window(out, &window);
        }
    }

    fn known(&self, window: &Window) -> Known {
        let well = |id: &SubsystemId| {
            !self.inventory.subsystems.contains_key(id)
                || matches!(self.watch.health(id), Health::Up | Health::Degraded)
        };
        let decided = matches!(window.state, WindowState::Active | WindowState::Overrun) || window.state.is_terminal();
        let admission = if decided { Admission::Admitted { notice_by: None } } else { self.admission(window) };
        Known { span: window.span, admission, announced: window.announced, restored: window.scope.iter().all(well) }
    }

    fn admission(&self, window: &Window) -> Admission {
        let Some(schedule) = self.inventory.schedules.get(&window.schedule) else {
            return Admission::Denied(Names {
                zh: "计划文件已删除".to_owned(), en: "its text is gone".to_owned()
            });
        };
        let civil_start = self.inventory.zone.local(window.span.start);
        let admitted =
            admit(&self.inventory, schedule, &Planned { id: window.id.clone(), civil_start, span: window.span });
        let rejecting = admitted.obstacles.iter().find(|o| o.rejects());
        match (rejecting, admitted.obstacles.first()) {
            (Some(obstacle), _) => Admission::Denied(obstacle.text()),
            (None, Some(obstacle)) => Admission::Waiting(obstacle.text()),
            (None, None) => Admission::Admitted { notice_by: admitted.notice_by },
        }
    }

    fn wake_for_window(&mut self, id: &WindowId, known: &Known) {
        let notice_by = match known.admission {
            Admission::Admitted { notice_by } => notice_by.map(|by| by + 1),
            _ => None,
        };
        let due = [notice_by, Some(known.span.start), Some(known.span.end)];
        if let Some(at) = due.into_iter().flatten().filter(|at| *at > self.now).min() {
            self.wakes.at(at, Wake::Window(id.clone()));
        }
    }

    /// One announcement for each owner with the windows that are planned and not announced yet.
    fn announce(&mut self, out: &mut Output) {
        let soon = self.now + ANNOUNCE_AHEAD;
        let mut fresh: BTreeMap<OwnerId, Vec<Window>> = BTreeMap::new();
        for window in self.book.iter() {
            if window.state == WindowState::Planned && !window.noticed && window.span.start < soon {
                fresh.entry(window.owner.clone()).or_default().push(window.clone());
            }
        }
        for (owner, mut windows) in fresh {
            windows.sort_by_key(|w| w.span.start);
            windows.truncate(ANNOUNCED_MAX);
            self.announce_for(out, &owner, &windows);
        }
    }

    fn announce_for(&mut self, out: &mut Output, owner: &OwnerId, windows: &[Window]) {
        let Some(first) = windows.first() else { return };
        let name = self.inventory.owners.get(owner).map(|o| o.name.clone()).unwrap_or_default();
        let to: Vec<Recipient> = self.inventory.contacts(owner).iter().map(Recipient::from).collect();
        let announced = windows.iter().map(|w| self.announced(w)).collect();
        let content = Content::Announcement { owner: owner.clone(), name, windows: announced };
        self.send(out, &format!("notice-{owner}-{}", first.id), 0, &to, &content);
        for window in windows {
            self.record(out, Fact::WindowNoticed { window: window.id.clone() });
        }
    }

    /// A relay accepted a message: the windows that it announces are announced.
    pub(super) fn delivered(&mut self, out: &mut Output, message: &Message, accepted: Timestamp) {
        let Content::Announcement { windows, .. } = &message.content else { return };
        for announced in windows {
            let id = &announced.window;
            if self.book.get(id).is_some_and(|w| w.announced.is_none()) {
                self.record(out, Fact::WindowAnnounced { window: id.clone(), accepted });
                self.advance_window(out, id);
            }
        }
    }
}
