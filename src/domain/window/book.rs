//! Every window of the next 400 days and what became of the last ones: the fold over their facts.
//!
//! Not here: what one window is (`entry`), when a state changes (`lifecycle`) and what schedules say (`recurrence`).
//! Invariants: a running window survives the removal of its text and keeps what it was; coverage at an instant is a
//! matter of the book alone.

use super::entry::{PEOPLE_MAX, Window};
use super::*;
use crate::domain::sla::UsedWindow;
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead windows are expanded.
pub const HORIZON_MS: Millis = 400 * DAY;

/// All windows, by facts and schedules.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    windows: BTreeMap<WindowId, Window>,
    /// Those that have begun and are not over.
    running: BTreeSet<WindowId>,
    /// Approvals of whole texts.
    texts: BTreeMap<ScheduleId, Vec<Approval>>,
}

impl Book {
    /// Takes over the windows that `inventory`'s schedules yield from `now` on; drops those that are no longer
    /// wanted and not running. Those that people know of stay, and are returned: they must be called off by a fact.
    pub fn adopt(&mut self, now: Timestamp, inventory: &Inventory) -> Vec<WindowId> {
        let horizon = Span::lasting(now, HORIZON_MS);
        let mut wanted: BTreeMap<WindowId, (&Schedule, Planned)> = BTreeMap::new();
        for schedule in inventory.schedules.values() {
            for planned in expand(schedule, &inventory.zone, horizon) {
                wanted.insert(planned.id.clone(), (schedule, planned));
            }
        }
        self.windows.values_mut().for_each(|w| w.written_again = false);
        let mut orphans = Vec::new();
        self.windows.retain(|id, w| {
            let stays = w.requested || w.state.is_running() || w.state.is_terminal();
            let past = w.span.end <= now || w.is_moved_and_written(inventory);
            if stays || past || wanted.contains_key(id) {
                return true;
            }
            if w.announced.is_some() {
                orphans.push(id.clone());
            }
            w.announced.is_some()
        });
        for (id, (schedule, planned)) in wanted {
            let fresh = || Window::new(&planned.id, &schedule.id, planned.span, schedule.definition());
            let window = self.windows.entry(id).or_insert_with(fresh);
            window.written_again = window.unwritten;
            if window.state.is_pending() && !window.requested {
                window.rewrite(schedule, &planned);
            }
        }
        self.texts.retain(|id, _| inventory.schedules.contains_key(id));
        orphans
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact, inventory: &Inventory) {
        match fact {
            Fact::WindowChanged { window, schedule, span, to, why, begun } => {
                let w = self.remembered(window, schedule, *span, inventory);
                (w.span, w.why) = (*span, why.clone());
                if let Some(begun) = begun {
                    w.definition.clone_from(&begun.definition);
                    w.bad_before.clone_from(&begun.bad_before);
                }
                w.came_to(at, *to);
                if to.is_running() {
                    self.running.insert(window.clone());
                } else {
                    self.running.remove(window);
                }
            }
            Fact::WindowRequested { window, schedule, definition, span, emergency, reason, by } => {
                let w = self.remembered(window, schedule, *span, inventory);
                (w.requested, w.span, w.written) = (true, *span, *span);
                w.definition.clone_from(definition);
                w.emergency.clone_from(emergency);
                w.applied_for_by(by);
                w.decided(at, by, reason, Decided::Requested(*span));
            }
            Fact::WindowAmended { window, schedule, written, by, reason, amendment } => {
                let w = self.remembered(window, schedule, *written, inventory);
                if w.written != *written {
                    (w.written, w.span) = (*written, *written);
                }
                w.amended(at, by, reason, amendment);
            }
            Fact::ScheduleApproved { schedule, digest, owners, by, reason } => {
                let about = Assent::Text(digest.clone());
                let approvals = self.texts.entry(schedule.clone()).or_default();
                // Those of former texts tell who let through what is over.
                approvals.retain(|a| a.by.name != by.name || a.about != about);
                if approvals.len() == PEOPLE_MAX {
                    approvals.remove(0);
                }
                let (by, owners, reason) = (by.clone(), owners.clone(), reason.clone());
                approvals.push(Approval { by, owners, about, at, reason });
            }
            Fact::WindowNoticed { window, about } => {
                self.with(window, |w| {
                    w.noticed = Some(about.clone().unwrap_or_else(|| w.about()));
                    w.notices += 1;
                });
            }
            Fact::WindowAnnounced { window, accepted, about, .. } => self.with(window, |w| {
                let about = about.clone().unwrap_or_else(|| w.about());
                // The first notice about just this counts.
                if w.announced.as_ref().is_none_or(|(_, former)| *former != about) {
                    w.made_known(*accepted, about);
                }
            }),
            Fact::WindowTold { window, version, what } => self.with(window, |w| w.told_of(*version, *what)),
            Fact::MaintenanceDefect { window, subsystem, .. } => {
                self.with(window, |w| *w.defects.entry(subsystem.clone()).or_default() += 1);
            }
            Fact::DependantsTold { window, subsystem } => self.with(window, |w| w.informed.push(subsystem.clone())),
            _ => {}
        }
    }

    /// The window of a fact; the text of its schedule may be gone.
    fn remembered(&mut self, id: &WindowId, of: &ScheduleId, span: Span, inventory: &Inventory) -> &mut Window {
        let definition = || inventory.schedules.get(of).map_or_else(Definition::forgotten, Schedule::definition);
        self.windows.entry(id.clone()).or_insert_with(|| Window::new(id, of, span, definition()))
    }

    fn with(&mut self, id: &WindowId, change: impl FnOnce(&mut Window)) {
        if let Some(window) = self.windows.get_mut(id) {
            change(window);
        }
    }

    /// Notes what a draft waits for; memory only, since it follows from the files and the day.
    pub fn note(&mut self, id: &WindowId, why: Names) {
        self.with(id, |w| w.why = why);
    }

    /// Every window, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Window> {
        self.windows.values()
    }

    /// One window.
    pub fn get(&self, id: &WindowId) -> Option<&Window> {
        self.windows.get(id)
    }

    /// Who approved a schedule's text, or a former one.
    pub fn text_approvals(&self, schedule: &ScheduleId) -> &[Approval] {
        self.texts.get(schedule).map_or(&[], Vec::as_slice)
    }

    /// The window that mutes and excludes a subsystem now.
    pub fn covering(&self, id: &SubsystemId) -> Option<&Window> {
        self.running(id).find(|w| !w.is_past_its_end())
    }

    /// The window that has overrun with a subsystem in its scope.
    pub fn overrun(&self, id: &SubsystemId) -> Option<&Window> {
        self.running(id).find(|w| w.is_past_its_end())
    }

    /// Whether any window has begun and is not over.
    pub fn is_at_work(&self) -> bool {
        !self.running.is_empty()
    }

    /// Every window that has begun and is not over.
    pub fn at_work(&self) -> impl Iterator<Item = &Window> {
        self.running.iter().filter_map(|window| self.windows.get(window))
    }

    /// Windows that have begun and are not over, with a subsystem in their scope.
    pub fn running(&self, id: &SubsystemId) -> impl Iterator<Item = &Window> {
        self.at_work().filter(move |w| w.definition.scope.contains(id))
    }

    /// How windows touched a subsystem, in order of time.
    pub fn used(&self, id: &SubsystemId) -> Vec<UsedWindow> {
        let touched = |w: &&Window| w.state.took_place() && w.definition.scope.contains(id);
        let mut used: Vec<UsedWindow> = self.windows.values().filter(touched).map(Window::used).collect();
        used.sort_by_key(|u| u.approved.start);
        used
    }

    /// How windows touched every subsystem, in order of time.
    pub fn used_by_all(&self) -> BTreeMap<SubsystemId, Vec<UsedWindow>> {
        let mut all: BTreeMap<SubsystemId, Vec<UsedWindow>> = BTreeMap::new();
        for window in self.windows.values().filter(|w| w.state.took_place()) {
            for id in &window.definition.scope {
                all.entry(id.clone()).or_default().push(window.used());
            }
        }
        all.values_mut().for_each(|used| used.sort_by_key(|u| u.approved.start));
        all
    }

    /// Forgets what ended before `t`, to bound memory; the facts keep it.
    pub fn forget_before(&mut self, t: Timestamp) {
        self.windows.retain(|_, w| w.span.end > t || w.state.is_running());
    }
}
