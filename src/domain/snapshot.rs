//! What readers see: an immutable picture of the engine, cheap to take because unchanged parts are shared.
//!
//! Not here: figures that depend on the time of reading (`sla`); readers compute them from the timelines.

use super::correction::Correction;
use super::health::ProbeHealth;
use super::timeline::{Health, Timeline};
use super::window::WindowState;
use super::*;
use std::sync::Arc;

/// The present state of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeView {
    /// Which one.
    pub id: ProbeId,
    /// Confirmed health; `None` is unknown.
    pub health: Option<ProbeHealth>,
    /// Since when.
    pub since: Timestamp,
    /// What was seen when it changed, if it was not a pass.
    pub reason: Option<Reason>,
    /// What was confirmed lately, as far as bad rounds are counted in it; empty while no bad time is remembered.
    pub lately: Timeline<Option<ProbeHealth>>,
    /// Since when a recovery is being confirmed.
    pub recovering_since: Option<Timestamp>,
}

/// The present state of one subsystem, with its history.
#[derive(Clone, Debug)]
pub struct SubsystemView {
    /// Which one.
    pub id: SubsystemId,
    /// Present health; `Unknown` before the first result.
    pub health: Health,
    /// Since when; `None` before the first attempt.
    pub since: Option<Timestamp>,
    /// At least the last 62 days, as the probes saw it.
    pub timeline: Timeline<Health>,
    /// What counts in its place where people corrected it, and what they said; `None` if nobody did.
    pub corrected: Option<Corrected>,
    /// In the order of the file.
    pub probes: Vec<ProbeView>,
    /// Windows that touched it, in order of time, at least the last 62 days.
    pub windows: Vec<sla::UsedWindow>,
    /// Down time that looked like maintenance, outside any window.
    pub undeclared: SpanSet,
    /// The window that mutes and excludes it now.
    pub coverage: Option<WindowId>,
    /// Effective maintenance in the sense of `gengfu_subsystem_in_maintenance`: in any running window.
    pub in_maintenance: bool,
}

/// What people said afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// What counts.
    pub timeline: Timeline<Health>,
    /// In the order in which they were written.
    pub corrections: Vec<Correction>,
}

impl Corrected {
    /// From what was seen; `None` without corrections.
    pub fn of(seen: &Timeline<Health>, corrections: Vec<Correction>) -> Option<Self> {
        Some(Self { timeline: correction::counted(seen, &corrections)?, corrections })
    }
}

impl SubsystemView {
    /// What the accounting needs: what counts.
    pub fn seen(&self) -> sla::Seen<'_> {
        let counts = self.corrected.as_ref().map_or(&self.timeline, |corrected| &corrected.timeline);
        sla::Seen { timeline: Some(counts), ..self.measured() }
    }

    /// The same as the probes saw it, whatever was said afterwards.
    pub fn measured(&self) -> sla::Seen<'_> {
        sla::Seen { timeline: Some(&self.timeline), windows: &self.windows, undeclared: self.undeclared.clone() }
    }

    /// The corrections that are about some of `within`, in the order in which they were written.
    pub fn corrections(&self, within: Span) -> impl Iterator<Item = &Correction> + '_ {
        let all = self.corrected.iter().flat_map(|corrected| &corrected.corrections);
        all.filter(move |correction| correction.span.overlaps(within))
    }
}

/// One window, past, running or to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowView {
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
    /// From the start to the approved end.
    pub span: Span,
    /// Where it stands.
    pub state: WindowState,
    /// Why, for people.
    pub why: Names,
    /// When a relay accepted its notice.
    pub announced: Option<Timestamp>,
    /// Work that could not wait for notice and off-hours.
    pub emergency: Option<window::Emergency>,
    /// When the service was verified, once over.
    pub restored: Option<Timestamp>,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// How many versions there were.
    pub version: u32,
    /// The last of them, in order.
    pub versions: Vec<window::Version>,
    /// Maintenance defects of each subsystem that had any.
    pub defects: Vec<(SubsystemId, u32)>,
    /// What people decided about it and its schedule's text, in order.
    pub decisions: Vec<window::DecisionView>,
}

impl WindowView {
    /// Whether it goes by the approval of people, and has what it needs.
    pub fn is_approved(&self) -> bool {
        let undecided = matches!(self.state, WindowState::Draft | WindowState::Rejected);
        !undecided && self.decisions.iter().any(|d| d.decision.what.approves() && !d.is_void)
    }
}

/// One incident, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// Its number.
    pub id: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// When it began.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
    /// Others that fail with it, and since when.
    pub affected: Vec<(SubsystemId, Timestamp)>,
    /// Messages sent so far.
    pub told: u32,
    /// What was seen.
    pub reason: Option<Reason>,
    /// The window it is about.
    pub window: Option<WindowId>,
    /// Whose undeclared maintenance it is, and what was declared.
    pub attribution: Option<Box<attribution::Attribution>>,
    /// What people said about it, in order.
    pub words: Vec<incident::Word>,
    /// Who has it, since when, if it is open and anybody said so.
    pub acknowledged: Option<incident::Word>,
    /// Its hand-over, if it is open and nobody confirmed that.
    pub handed_over: Option<incident::Word>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// Which one.
    pub id: StepId,
    /// What it does.
    pub kind: String,
    /// Its wave.
    pub wave: u32,
    /// How far it is: `waiting`, `running`, `done`, `failed`, `unknown`, `given_up`.
    pub state: &'static str,
    /// The same of its undo.
    pub undo: &'static str,
    /// Tries so far.
    pub attempts: u32,
    /// The last word about it.
    pub note: String,
}

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// Which one.
    pub id: RunId,
    /// Of which plan.
    pub plan: PlanId,
    /// What people call it.
    pub name: Names,
    /// The hash of its text as it was at the start.
    pub digest: String,
    /// Whose.
    pub owner: OwnerId,
    /// In which window.
    pub window: WindowId,
    /// Where it stands.
    pub state: plan::RunState,
    /// Why, when it is parked or on its way back.
    pub why: Option<Names>,
    /// The step at which it is parked.
    pub parked_at: Option<StepId>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who started it.
    pub by: String,
    /// How often a process took it over.
    pub epoch: u32,
    /// From when on no step starts.
    pub point_of_no_return: Timestamp,
    /// What it keeps out of service.
    pub drained: Vec<String>,
    /// In order.
    pub steps: Vec<StepView>,
    /// What happened, in order.
    pub log: Vec<plan::Logged>,
}

impl From<&plan::Run> for RunView {
    fn from(run: &plan::Run) -> Self {
        let word = |track: &plan::Track| match track.standing {
            plan::Standing::Idle => "waiting",
            plan::Standing::Flying { .. } => "running",
            plan::Standing::Done { .. } => "done",
            plan::Standing::Failed { .. } => "failed",
            plan::Standing::Unknown { .. } => "unknown",
            plan::Standing::GivenUp => "given_up",
        };
        let steps = run.plan.steps.iter().zip(&run.steps).map(|(step, progress)| StepView {
            id: step.id.clone(),
            kind: step.task.kind().to_owned(),
            wave: step.wave,
            state: word(&progress.forward),
            undo: word(&progress.undo),
            attempts: progress.forward.attempts,
            note: progress.note.clone(),
        });
        let (why, parked_at, ended) = match &run.phase {
            plan::Phase::Forward => (None, None, None),
            plan::Phase::Parked { step, why, .. } => {
                (Some(why.clone()), run.plan.steps.get(*step).map(|s| s.id.clone()), None)
            }
            plan::Phase::Unwinding { why } => (Some(why.clone()), None, None),
            plan::Phase::Ended { at, .. } => (None, None, Some(*at)),
        };
        Self {
            id: run.id.clone(),
            plan: run.plan.id.clone(),
            name: run.plan.name.clone(),
            digest: run.digest.clone(),
            owner: run.plan.owner.clone(),
            window: run.window.clone(),
            state: run.state(),
            why,
            parked_at,
            started: run.started,
            ended,
            by: run.by.clone(),
            epoch: run.epoch,
            point_of_no_return: run.point_of_no_return(),
            drained: run.held.keys().cloned().collect(),
            steps: steps.collect(),
            log: run.log.clone(),
        }
    }
}

/// The picture.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// The shape of the world.
    pub inventory: Arc<Inventory>,
    /// Sorted by id; one for every subsystem of the inventory.
    pub subsystems: Vec<Arc<SubsystemView>>,
    /// Sorted by start: the last 62 days and the next 400.
    pub windows: Arc<Vec<WindowView>>,
    /// Newest first, the last 1 000.
    pub incidents: Arc<Vec<IncidentView>>,
    /// Newest first: silences that hold, and the last ones that did.
    pub silences: Arc<Vec<silence::Silence>>,
    /// What has to be reported, then what had to be; newest first, the last 200.
    pub filings: Arc<Vec<filing::Sheet>>,
    /// Newest first: runs of plans, the last 500.
    pub runs: Arc<Vec<RunView>>,
    /// Why nothing is allowed by the clock, if so.
    pub clock_doubt: Option<Names>,
    /// The last month whose report was sent: `2026-10`.
    pub reported: Option<Arc<str>>,
    /// The last day that was sealed, and its head.
    pub evidence: Option<EvidenceHead>,
    /// The store refuses writes; pages leave from memory.
    pub store_failed: bool,
    /// Diagnostics of the last reload if it was refused.
    pub reload_refused: Option<Arc<str>>,
}

impl Snapshot {
    /// The view of one subsystem.
    pub fn subsystem(&self, id: &SubsystemId) -> Option<&Arc<SubsystemView>> {
        self.subsystems.binary_search_by(|v| v.id.cmp(id)).ok().map(|i| &self.subsystems[i])
    }
}
