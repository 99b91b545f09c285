//! One window of the book: what it is, what people did about it, and how a fact changes it.
//!
//! Not here: which facts concern it (`book`) and what follows (`lifecycle`). Invariant: it changes by facts and by its
//! text alone.

use super::lifecycle::Asked;
use super::*;
use crate::domain::audit::Actor;
use crate::domain::sla::{Standing, UsedWindow};
use std::collections::BTreeMap;

/// Most people whose approvals, and most amendments whose applicants, are kept of one window.
pub(super) const PEOPLE_MAX: usize = 32;

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
    /// Called off because its text no longer held it, not by a person.
    #[serde(default)]
    pub unwritten: bool,
    /// That, and the text holds it again; follows from the files.
    #[serde(skip)]
    pub written_again: bool,
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
    /// What people decided about it, in order.
    pub decisions: Vec<Decision>,
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
            unwritten: false,
            written_again: false,
            version: 0,
            versions: Vec::new(),
            told: Vec::new(),
            defects: BTreeMap::new(),
            decisions: Vec::new(),
        }
    }

    /// Takes over what the text says now. A changed time drops what a person changed about the former one.
    pub(super) fn rewrite(&mut self, schedule: &Schedule, planned: &Planned) {
        self.definition = schedule.definition();
        if self.written != planned.span {
            (self.written, self.span, self.extension) = (planned.span, planned.span, None);
        }
    }

    /// Whether a person moved it, and its text, whose own time may have passed, still yields it.
    pub(super) fn is_moved_and_written(&self, inventory: &Inventory) -> bool {
        let yields = |s: &Schedule| expand(s, &inventory.zone, self.written).iter().any(|p| p.id == self.id);
        self.span != self.written && inventory.schedules.get(&self.schedule).is_some_and(yields)
    }

    pub(super) fn came_to(&mut self, at: Timestamp, to: WindowState) {
        self.unwritten = to == WindowState::Cancelled && self.asked.is_none();
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
    pub(super) fn retimed(&mut self, at: Timestamp, span: Span) {
        let former = std::mem::replace(&mut self.span, span);
        if let Some(change) = Change::between(former, span) {
            self.revised(at, change, Some(former));
        }
    }

    /// A notice was accepted. Whether its time is another than was said shows here also when a text was changed.
    pub(super) fn made_known(&mut self, at: Timestamp, about: About) {
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

    pub(super) fn amended(&mut self, at: Timestamp, by: &Actor, reason: &str, amendment: &Amendment) {
        self.decided(at, by, reason, Decided::Amended(amendment.clone()));
        match amendment {
            Amendment::Approved { owners, about } => {
                self.approvals.retain(|a| a.by.name != by.name);
                let about = Assent::Window(about.clone());
                let (by, owners, reason) = (by.clone(), owners.clone(), reason.to_owned());
                self.approvals.push(Approval { by, owners, about, at, reason });
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

    /// The owner's people were told about a version.
    pub(super) fn told_of(&mut self, version: u32, what: Telling) {
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push((version, what));
    }

    pub(super) fn applied_for_by(&mut self, by: &Actor) {
        if !self.applicants.contains(&by.name) && self.applicants.len() < PEOPLE_MAX {
            self.applicants.push(by.name.clone());
        }
    }

    /// Why it stands where it does. What was called off with its text stays so: what was said to people is over.
    pub fn reason(&self) -> Names {
        if !self.written_again {
            return self.why.clone();
        }
        Names {
            zh: format!(
                "{}；文件中又有该窗口，但已取消的窗口不会恢复：请用 `gengfu window request` 重新申请，或改换开始时间",
                self.why.zh
            ),
            en: format!(
                "{}; the text holds it again, but what was called off stays so: ask for it with `gengfu window request`, \
                 or write another start",
                self.why.en
            ),
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
    pub(super) fn used(&self) -> UsedWindow {
        let start = self.started.unwrap_or(self.span.start).min(self.span.end);
        let restored = self.restored.unwrap_or(Timestamp::MAX).max(start);
        let standing = if self.emergency.is_some() { Standing::Emergency } else { Standing::Valid };
        UsedWindow { window: self.id.clone(), approved: Span::new(start, self.span.end), restored, standing }
    }
}
