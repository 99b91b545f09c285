//! Every window of the next 400 days and what became of the last ones: the fold over their facts.
//!
//! Not here: when a state changes (`lifecycle`) and what schedules say (`recurrence`). Invariants: a running window
//! survives the removal of its text and keeps what it was; coverage at an instant is a matter of the book alone.

use super::lifecycle::Asked;
use super::*;
use crate::domain::audit::Actor;
use crate::domain::sla::{Standing, UsedWindow};
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead windows are expanded.
pub const HORIZON_MS: Millis = 400 * DAY;

/// Most people whose approvals, and most amendments whose applicants, are kept of one window.
const PEOPLE_MAX: usize = 32;

/// Most tellings of one window that are remembered.
const TOLD_MAX: usize = 64;

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which one.
    pub id: WindowId,
    /// Of which schedule.
    pub schedule: ScheduleId,
    /// What it is.
    pub definition: Definition,
    /// Its time as the text or the request has it.
    pub written: Span,
    /// From the start to the approved end.
    pub span: Span,
    /// Where it stands.
    pub state: WindowState,
    /// Why, for people.
    pub why: Names,
    /// Asked for by a person, in no file.
    pub requested: bool,
    /// Work that cannot wait.
    pub emergency: Option<Emergency>,
    /// Who said yes.
    pub approvals: Vec<Approval>,
    /// Names of those who asked for it or for a change of it.
    pub applicants: Vec<String>,
    /// A later end that waits for approvals.
    pub extension: Option<Extension>,
    /// What a person asked for since it came to its state.
    pub asked: Option<Asked>,
    /// A person said to start in spite of what the last look before the start finds.
    pub waived: bool,
    /// What was put into the outbox as its last notice.
    pub noticed: Option<About>,
    /// How many notices of it were put there.
    pub notices: u32,
    /// When a relay accepted a notice, and what that was about.
    pub announced: Option<(Timestamp, About)>,
    /// When it was armed.
    pub armed: Option<Timestamp>,
    /// When it really started.
    pub started: Option<Timestamp>,
    /// When the service was verified, once over.
    pub restored: Option<Timestamp>,
    /// The work was called off or failed.
    pub aborted: bool,
    /// The approved end passed without a verified service.
    pub overran: bool,
    /// Dependants that were bad before it began: its verification does not wait for them.
    pub bad_before: Vec<SubsystemId>,
    /// Dependants whose owners were told that it runs.
    pub informed: Vec<SubsystemId>,
    /// How many versions there were.
    #[serde(default)]
    pub version: u32,
    /// The last of them, in order.
    #[serde(default)]
    pub versions: Vec<Version>,
    /// What the owner's people were told besides notices, and of which version.
    #[serde(default)]
    pub told: Vec<(u32, Telling)>,
    /// How often a subsystem showed something else than a notice while it was out of service.
    #[serde(default)]
    pub defects: BTreeMap<SubsystemId, u32>,
}

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
            Fact::WindowRequested { window, schedule, definition, span, emergency, by, .. } => {
                let w = self.remembered(window, schedule, *span, inventory);
                (w.requested, w.span, w.written) = (true, *span, *span);
                w.definition.clone_from(definition);
                w.emergency.clone_from(emergency);
                w.applied_for_by(by);
            }
            Fact::WindowAmended { window, schedule, written, by, amendment, .. } => {
                let w = self.remembered(window, schedule, *written, inventory);
                if w.written != *written {
                    (w.written, w.span) = (*written, *written);
                }
                w.amended(at, by, amendment);
            }
            Fact::ScheduleApproved { schedule, digest, owners, by } => {
                let about = Assent::Text(digest.clone());
                let approvals = self.texts.entry(schedule.clone()).or_default();
                approvals.retain(|a| a.by.name != by.name && a.about == about);
                approvals.push(Approval { by: by.clone(), owners: owners.clone(), about });
                approvals.truncate(PEOPLE_MAX);
            }
            Fact::WindowNoticed { window, about } => {
                self.with(window, |w| {
                    w.noticed = Some(about.clone().unwrap_or_else(|| w.about()));
                    w.notices += 1;
                });
            }
            Fact::WindowAnnounced { window, accepted, about } => self.with(window, |w| {
                let about = about.clone().unwrap_or_else(|| w.about());
                // The first notice about just this counts.
                if w.announced.as_ref().is_none_or(|(_, former)| *former != about) {
                    w.made_known(*accepted, about);
                }
            }),
            Fact::WindowTold { window, version, what } => self.with(window, |w| {
                if w.told.len() == TOLD_MAX {
                    w.told.remove(0);
                }
                w.told.push((*version, *what));
            }),
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

    /// Who approved a schedule's text.
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

    /// Windows that have begun and are not over, with a subsystem in their scope.
    pub fn running(&self, id: &SubsystemId) -> impl Iterator<Item = &Window> {
        let running = self.running.iter().filter_map(|window| self.windows.get(window));
        running.filter(move |w| w.definition.scope.contains(id))
    }

    /// How windows touched a subsystem, in order of time.
    pub fn used(&self, now: Timestamp, id: &SubsystemId) -> Vec<UsedWindow> {
        let touched = |w: &&Window| w.state.took_place() && w.definition.scope.contains(id);
        let mut used: Vec<UsedWindow> = self.windows.values().filter(touched).map(|w| w.used(now)).collect();
        used.sort_by_key(|u| u.approved.start);
        used
    }

    /// Forgets what ended before `t`, to bound memory; the facts keep it.
    pub fn forget_before(&mut self, t: Timestamp) {
        self.windows.retain(|_, w| w.span.end > t || w.state.is_running());
    }
}

impl Window {
    /// One that nobody has decided about yet.
    pub fn new(id: &WindowId, schedule: &ScheduleId, span: Span, definition: Definition) -> Self {
        Self {
            id: id.clone(),
            schedule: schedule.clone(),
            definition,
            written: span,
            span,
            state: WindowState::Draft,
            why: Names::default(),
            requested: false,
            emergency: None,
            approvals: Vec::new(),
            applicants: Vec::new(),
            extension: None,
            asked: None,
            waived: false,
            noticed: None,
            notices: 0,
            announced: None,
            armed: None,
            started: None,
            restored: None,
            aborted: false,
            overran: false,
            bad_before: Vec::new(),
            informed: Vec::new(),
            version: 0,
            versions: Vec::new(),
            told: Vec::new(),
            defects: BTreeMap::new(),
        }
    }

    /// Takes over what the text says now. A changed time drops what a person changed about the former one.
    fn rewrite(&mut self, schedule: &Schedule, planned: &Planned) {
        self.definition = schedule.definition();
        if self.written != planned.span {
            (self.written, self.span, self.extension) = (planned.span, planned.span, None);
        }
    }

    /// Whether a person moved it, and its text, whose own time may have passed, still yields it.
    fn is_moved_and_written(&self, inventory: &Inventory) -> bool {
        let yields = |s: &Schedule| expand(s, &inventory.zone, self.written).iter().any(|p| p.id == self.id);
        self.span != self.written && inventory.schedules.get(&self.schedule).is_some_and(yields)
    }

    fn came_to(&mut self, at: Timestamp, to: WindowState) {
        (self.state, self.asked) = (to, None);
        match to {
            WindowState::Armed => self.armed = Some(at),
            // Armed before its start it starts at its start, however late the machine looks; else when it could.
            WindowState::Entering => self.started = Some(self.armed.unwrap_or(at).max(self.span.start)),
            WindowState::Active => {
                self.started = self.started.or(Some(self.span.start));
                self.revised(at, Change::Started, None);
            }
            WindowState::Aborting => self.aborted = true,
            WindowState::Overrun if !self.overran => {
                self.overran = true;
                self.revised(at, Change::Overrun, None);
            }
            // By hand the approved end is the end; what is verified before it or after it was over then.
            WindowState::Completed | WindowState::Failed => {
                self.restored = Some(at.max(self.span.start));
                let early = at < self.span.end;
                self.revised(at, if early { Change::FinishedEarly } else { Change::Finished }, None);
            }
            WindowState::Cancelled | WindowState::Missed => self.revised(at, Change::Cancelled, None),
            _ => {}
        }
    }

    /// Counts a change that readers must know.
    fn revised(&mut self, at: Timestamp, change: Change, former: Option<Span>) {
        self.version += 1;
        if self.versions.len() == VERSIONS_MAX {
            self.versions.remove(0);
        }
        self.versions.push(Version { number: self.version, change, at, span: self.span, former });
    }

    /// Sets another time; whoever reads must know.
    fn retimed(&mut self, at: Timestamp, span: Span) {
        let former = std::mem::replace(&mut self.span, span);
        if let Some(change) = Change::between(former, span) {
            self.revised(at, change, Some(former));
        }
    }

    /// A notice was accepted. Whether its time is another than was said shows here also when a text was changed.
    fn made_known(&mut self, at: Timestamp, about: About) {
        let former = self.announced.replace((at, about.clone()));
        let said = self.versions.last().map_or(about.span, |v| v.span);
        let change = match former {
            None => Some(Change::Announced),
            Some((_, former)) => {
                let rescoped = (former.digest != about.digest).then_some(Change::Rescoped);
                Change::between(said, about.span).or(rescoped)
            }
        };
        if let Some(change) = change {
            self.revised(at, change, (said != about.span).then_some(said));
        }
    }

    fn amended(&mut self, at: Timestamp, by: &Actor, amendment: &Amendment) {
        match amendment {
            Amendment::Approved { owners, about } => {
                self.approvals.retain(|a| a.by.name != by.name);
                let about = Assent::Window(about.clone());
                self.approvals.push(Approval { by: by.clone(), owners: owners.clone(), about });
                self.approvals.truncate(PEOPLE_MAX);
            }
            Amendment::Skipped | Amendment::Cancelled => self.asked = Some(Asked::Cancel),
            Amendment::Moved { to } => {
                self.retimed(at, *to);
                self.applied_for_by(by);
            }
            Amendment::Shortened { end } => self.retimed(at, Span::new(self.span.start, *end)),
            Amendment::ExtensionAsked { end } => {
                self.extension = Some(Extension { end: *end, by: by.clone() });
                self.applied_for_by(by);
            }
            Amendment::Extended { end } => {
                self.retimed(at, Span::new(self.span.start, *end));
                self.extension = None;
            }
            Amendment::Waived => self.waived = true,
            Amendment::Finished => self.asked = Some(Asked::Finish),
            Amendment::Aborted => self.asked = Some(Asked::Abort),
        }
    }

    fn applied_for_by(&mut self, by: &Actor) {
        if !self.applicants.contains(&by.name) && self.applicants.len() < PEOPLE_MAX {
            self.applicants.push(by.name.clone());
        }
    }

    /// Whether it is past its approved end and the service is not verified.
    pub fn is_past_its_end(&self) -> bool {
        self.state.is_late() || (self.overran && self.state.is_running())
    }

    /// The time that people were told before, if it is another.
    pub fn formerly(&self) -> Option<Span> {
        let said = self.noticed.as_ref().map(|about| about.span);
        said.filter(|said| *said != self.span)
    }

    /// When notice of just this window was accepted.
    pub fn announced_at(&self) -> Option<Timestamp> {
        let (at, about) = self.announced.as_ref()?;
        about.holds(&self.definition, self.span).then_some(*at)
    }

    /// Whether a notice of just this window was put into the outbox.
    pub fn is_noticed(&self) -> bool {
        self.noticed.as_ref().is_some_and(|about| about.holds(&self.definition, self.span))
    }

    /// Its use for the accounting. A window starts only if it was admitted and announced in time, so it is valid,
    /// unless it is an emergency.
    fn used(&self, now: Timestamp) -> UsedWindow {
        let start = self.started.unwrap_or(self.span.start).min(self.span.end);
        let restored = self.restored.unwrap_or(now).max(start);
        let standing = if self.emergency.is_some() { Standing::Emergency } else { Standing::Valid };
        UsedWindow { window: self.id.clone(), approved: Span::new(start, self.span.end), restored, standing }
    }
}
