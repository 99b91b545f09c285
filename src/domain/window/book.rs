//! Every window of the next 400 days and what became of the last ones: the fold over their facts.
//!
//! Not here: when a state changes (`lifecycle`) and what schedules say (`recurrence`). Invariants: a running window
//! survives the removal of its text; coverage at an instant is a matter of the book alone.

use super::*;
use crate::domain::sla::UsedWindow;
use std::collections::BTreeMap;

/// How far ahead windows are expanded.
pub const HORIZON_MS: Millis = 400 * DAY;

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which one.
    pub id: WindowId,
    /// Of which schedule.
    pub schedule: ScheduleId,
    /// Whose.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What is affected.
    pub scope: Vec<SubsystemId>,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// From the start to the approved end.
    pub span: Span,
    /// Where it stands.
    pub state: WindowState,
    /// Why, for people.
    pub why: Names,
    /// Whether a notice was put into the outbox.
    pub noticed: bool,
    /// When a relay accepted its notice.
    pub announced: Option<Timestamp>,
    /// When the service was verified, once over.
    pub restored: Option<Timestamp>,
    /// Dependants whose owners were told that it runs.
    pub informed: Vec<SubsystemId>,
}

/// All windows, by facts and schedules.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    windows: BTreeMap<WindowId, Window>,
}

impl Book {
    /// Takes over the windows that `inventory`'s schedules yield from `now` on; drops those that are no longer
    /// wanted and not running.
    pub fn adopt(&mut self, now: Timestamp, inventory: &Inventory) {
        let horizon = Span::lasting(now, HORIZON_MS);
        let mut wanted: BTreeMap<WindowId, (&Schedule, Planned)> = BTreeMap::new();
        for schedule in inventory.schedules.values() {
            for planned in expand(schedule, &inventory.zone, horizon) {
                wanted.insert(planned.id.clone(), (schedule, planned));
            }
        }
        self.windows.retain(|id, w| {
            w.span.end <= now || is_running(w.state) || w.state.is_terminal() || wanted.contains_key(id)
        });
        for (id, (schedule, planned)) in wanted {
            let fresh = || Window::draft(schedule, &planned);
            let window = self.windows.entry(id).or_insert_with(fresh);
            if !is_running(window.state) && !window.state.is_terminal() {
                window.rewrite(schedule, &planned);
            }
        }
    }

    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact, inventory: &Inventory) {
        match fact {
            Fact::WindowChanged { window, schedule, span, to, why } => {
                let written = inventory.schedules.get(schedule);
                let entry = self.windows.entry(window.clone());
                let w = entry.or_insert_with(|| Window::remembered(window, schedule, *span, written));
                (w.span, w.state, w.why) = (*span, *to, why.clone());
                if *to == WindowState::Completed {
                    w.restored = Some(at.max(w.span.end));
                }
            }
            Fact::WindowNoticed { window } => self.with(window, |w| w.noticed = true),
            Fact::WindowAnnounced { window, accepted } => {
                self.with(window, |w| w.announced = Some(w.announced.map_or(*accepted, |a| a.min(*accepted))));
            }
            Fact::DependantsTold { window, subsystem } => self.with(window, |w| w.informed.push(subsystem.clone())),
            _ => {}
        }
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

    /// The window that mutes and excludes a subsystem now.
    pub fn covering(&self, id: &SubsystemId) -> Option<&Window> {
        self.running(id, WindowState::Active)
    }

    /// The window that has overrun with a subsystem in its scope.
    pub fn overrun(&self, id: &SubsystemId) -> Option<&Window> {
        self.running(id, WindowState::Overrun)
    }

    fn running(&self, id: &SubsystemId, state: WindowState) -> Option<&Window> {
        self.windows.values().find(|w| w.state == state && w.scope.contains(id))
    }

    /// How windows touched a subsystem, in order of time.
    pub fn used(&self, now: Timestamp, id: &SubsystemId) -> Vec<UsedWindow> {
        let ran = |w: &&Window| (is_running(w.state) || w.state == WindowState::Completed) && w.scope.contains(id);
        let mut used: Vec<UsedWindow> = self.windows.values().filter(ran).map(|w| w.used(now)).collect();
        used.sort_by_key(|u| u.approved.start);
        used
    }

    /// Forgets what ended before `t`, to bound memory; the facts keep it.
    pub fn forget_before(&mut self, t: Timestamp) {
        self.windows.retain(|_, w| w.span.end > t || is_running(w.state));
    }
}

fn is_running(state: WindowState) -> bool {
    matches!(state, WindowState::Active | WindowState::Overrun)
}

impl Window {
    fn draft(schedule: &Schedule, planned: &Planned) -> Self {
        Self::remembered(&planned.id, &schedule.id, planned.span, Some(schedule))
    }

    /// A window as its facts remember it; the text may be gone.
    fn remembered(id: &WindowId, schedule: &ScheduleId, span: Span, written: Option<&Schedule>) -> Self {
        Self {
            id: id.clone(),
            schedule: schedule.clone(),
            owner: written.map_or_else(|| OwnerId::new(""), |s| s.owner.clone()),
            name: written.map_or_else(Names::default, |s| s.name.clone()),
            scope: written.map_or_else(Vec::new, |s| s.scope.clone()),
            notice: written.and_then(|s| s.notice.clone()),
            span,
            state: WindowState::Draft,
            why: Names::default(),
            noticed: false,
            announced: None,
            restored: None,
            informed: Vec::new(),
        }
    }

    fn rewrite(&mut self, schedule: &Schedule, planned: &Planned) {
        self.owner = schedule.owner.clone();
        self.name = schedule.name.clone();
        self.scope = schedule.scope.clone();
        self.notice = schedule.notice.clone();
        self.span = planned.span;
    }

    /// Its use for the accounting. A window starts only if it was admitted and announced in time, so it is valid.
    fn used(&self, now: Timestamp) -> UsedWindow {
        let restored = self.restored.unwrap_or(now).max(self.span.start);
        UsedWindow { window: self.id.clone(), approved: self.span, restored, valid: true }
    }
}
