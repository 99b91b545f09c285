//! One run of a plan: what has happened, folded from its facts.
//!
//! Not here: what follows (`next`, `unwind`). Invariants: state changes by facts alone; what is in flight belongs to
//! the epoch in which it was intended, and under a later one it is an orphan: nobody knows whether it was done.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Facts of one run that are kept in memory for readers, the last ones; the store keeps all.
pub const LOG_MAX: usize = 400;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Step by step.
    Forward,
    /// Waits for a person, but not beyond the point of no return.
    Parked {
        /// At which step.
        step: usize,
        /// Why.
        why: Names,
        /// Since when.
        since: Timestamp,
    },
    /// On the way back.
    Unwinding {
        /// Why.
        why: Names,
    },
    /// Over.
    Ended {
        /// How.
        how: Ending,
        /// When.
        at: Timestamp,
    },
}

/// The states of a run as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Goes forward.
    Running,
    /// Waits for a person.
    Parked,
    /// Goes back.
    Aborting,
    /// Did all.
    Done,
    /// Took all back.
    Undone,
    /// Left something behind.
    Broken,
}

impl RunState {
    /// Every one, in the order of the documents.
    pub const ALL: [Self; 6] = [Self::Running, Self::Parked, Self::Aborting, Self::Done, Self::Undone, Self::Broken];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Aborting => "aborting",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Broken => "broken",
        }
    }
}

/// How it stands with one deed of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Tries so far.
    pub attempts: u32,
    /// Of them, those that ended and did not succeed.
    pub failures: u32,
    /// The last one.
    pub standing: Standing,
}

/// The last try.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// There was none.
    #[default]
    Idle,
    /// It goes on, or the process that made it is gone.
    Flying {
        /// In which it was intended.
        epoch: u32,
        /// When it was intended.
        since: Timestamp,
    },
    /// It succeeded.
    Done {
        /// When.
        at: Timestamp,
    },
    /// It did not.
    Failed {
        /// When.
        at: Timestamp,
    },
    /// Nobody knows.
    Unknown {
        /// Since when.
        at: Timestamp,
    },
    /// It is left to people.
    GivenUp,
}

/// How it stands with one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Forward.
    pub forward: Track,
    /// Back.
    pub undo: Track,
    /// Looks.
    pub observe: Track,
    /// Putting back what it drained.
    pub restore: Track,
    /// What was seen since the last try, if it was looked for.
    pub seen: Option<Seen>,
    /// When the forward try that counts began.
    pub started: Option<Timestamp>,
    /// The last word about it, for people.
    pub note: String,
    /// Who let it pass.
    pub approved: BTreeSet<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// As it was at the start.
    pub plan: Plan,
    /// In which window.
    pub window: WindowId,
    /// From the window's start to its approved end.
    pub span: Span,
    /// What is affected.
    pub scope: Vec<SubsystemId>,
    /// Who or what started it.
    pub by: String,
    /// When it began.
    pub started: Timestamp,
    /// Who carries it out: the number of the process, so to speak.
    pub epoch: u32,
    /// Where it stands.
    pub phase: Phase,
    /// By step.
    pub steps: Vec<Progress>,
    /// What it keeps out of service, by target, and the step that took it out.
    pub held: BTreeMap<String, usize>,
    /// [`Plan::digest`] of the plan as it was at the start: what people let pass is of this text.
    pub digest: String,
    /// What happened since the start, at most [`LOG_MAX`] facts; for readers alone.
    pub log: Vec<Logged>,
}

impl Run {
    /// The run that a `Started` begins.
    pub(super) fn begin(id: &RunId, at: Timestamp, fact: &RunFact) -> Option<Self> {
        let RunFact::Started { plan, window, span, scope, by } = fact else { return None };
        Some(Self {
            id: id.clone(),
            steps: vec![Progress::default(); plan.steps.len()],
            plan: Plan::clone(plan),
            window: window.clone(),
            span: *span,
            scope: scope.clone(),
            by: by.clone(),
            started: at,
            epoch: 0,
            phase: Phase::Forward,
            held: BTreeMap::new(),
            digest: plan.digest(),
            log: Vec::new(),
        })
    }

    /// Folds a fact in.
    pub(super) fn apply(&mut self, at: Timestamp, fact: &RunFact) {
        if self.log.len() == LOG_MAX {
            self.log.remove(0);
        }
        self.log.push(Logged { at, fact: fact.clone() });
        match fact {
            RunFact::Started { .. } => {}
            RunFact::Leased { epoch } => self.epoch = *epoch,
            RunFact::Moved { span } => self.span = *span,
            RunFact::Intended { deed, step, attempt, .. } => self.intended(at, *deed, step, *attempt),
            RunFact::Finished { deed, step, end } => self.finished(at, *deed, step, end),
            RunFact::Approved { step, by } => {
                if let Some(progress) = self.progress(step) {
                    progress.approved.insert(by.clone());
                }
            }
            RunFact::Parked { step, why } => {
                if let Some(step) = self.plan.step(step.as_str()) {
                    self.phase = Phase::Parked { step, why: why.clone(), since: at };
                }
            }
            RunFact::Resumed { verdict, .. } => self.resumed(at, *verdict),
            RunFact::Aborting { why, .. } => self.phase = Phase::Unwinding { why: why.clone() },
            RunFact::Ended { how } => self.phase = Phase::Ended { how: *how, at },
        }
    }

    fn progress(&mut self, step: &StepId) -> Option<&mut Progress> {
        let index = self.plan.step(step.as_str())?;
        self.steps.get_mut(index)
    }

    fn intended(&mut self, at: Timestamp, deed: Deed, id: &StepId, attempt: u32) {
        let epoch = self.epoch;
        let Some(index) = self.plan.step(id.as_str()) else { return };
        let (Some(step), Some(progress)) = (self.plan.steps.get(index), self.steps.get_mut(index)) else { return };
        let track = progress.track_mut(deed);
        track.attempts = attempt;
        track.standing = Standing::Flying { epoch, since: at };
        match deed {
            Deed::Do => {
                progress.seen = None;
                progress.started = Some(at);
            }
            Deed::Undo => progress.seen = None,
            Deed::Observe | Deed::Restore => {}
        }
        if let Some(target) = step.drains(deed) {
            let target = target.to_owned();
            self.steps[index].restore = Track::default();
            self.held.insert(target, index);
        }
    }

    fn finished(&mut self, at: Timestamp, deed: Deed, id: &StepId, end: &End) {
        let Some(index) = self.plan.step(id.as_str()) else { return };
        let (Some(step), Some(progress)) = (self.plan.steps.get(index), self.steps.get_mut(index)) else { return };
        let track = progress.track_mut(deed);
        let note = match end {
            End::Done { note } => {
                track.standing = Standing::Done { at };
                note
            }
            End::Failed { note } => {
                track.failures += 1;
                track.standing = Standing::Failed { at };
                note
            }
            End::Unknown { note } => {
                track.failures += 1;
                track.standing = Standing::Unknown { at };
                note
            }
            End::Withheld { note } => {
                // What was tried before may have left something behind.
                track.attempts = track.attempts.saturating_sub(1);
                track.standing = if track.attempts == 0 { Standing::Idle } else { Standing::Unknown { at } };
                note
            }
            End::GivenUp { note } => {
                track.standing = Standing::GivenUp;
                note
            }
            End::Saw { seen, note } => {
                track.standing = Standing::Done { at };
                progress.seen = Some(*seen);
                note
            }
        };
        progress.note.clone_from(note);
        if deed == Deed::Observe && !matches!(end, End::Saw { .. } | End::Withheld { .. }) {
            progress.seen = Some(Seen::Unclear);
        }
        if matches!(end, End::Done { .. })
            && let Some(target) = step.restores(deed)
        {
            self.held.remove(target);
        }
    }

    fn resumed(&mut self, at: Timestamp, verdict: Resolution) {
        let Phase::Parked { step, .. } = self.phase else { return };
        self.phase = Phase::Forward;
        let Some(progress) = self.steps.get_mut(step) else { return };
        match verdict {
            Resolution::Done => progress.forward.standing = Standing::Done { at },
            // A person answers for it: what was tried before counts as not done.
            Resolution::Again => progress.forward = Track { attempts: progress.forward.attempts, ..Track::default() },
        }
    }

    /// Steps that the domain does itself began so much later: time-outs do not jump with the wall clock.
    pub(super) fn skip(&mut self, ms: Millis) {
        for (_, progress) in self.plan.steps.iter().zip(&mut self.steps).filter(|(s, _)| s.task.action().is_none()) {
            if let Standing::Flying { since, .. } = &mut progress.forward.standing {
                *since = *since + ms;
            }
        }
    }

    /// From when on no forward step starts.
    pub fn point_of_no_return(&self) -> Timestamp {
        self.plan.point_of_no_return(self.span.end)
    }

    /// Whether it is not over.
    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    /// As a label.
    pub fn state(&self) -> RunState {
        match self.phase {
            Phase::Forward => RunState::Running,
            Phase::Parked { .. } => RunState::Parked,
            Phase::Unwinding { .. } => RunState::Aborting,
            Phase::Ended { how: Ending::Done, .. } => RunState::Done,
            Phase::Ended { how: Ending::Undone, .. } => RunState::Undone,
            Phase::Ended { how: Ending::Broken, .. } => RunState::Broken,
        }
    }

    /// The key under which a deed of a step is tried, however often.
    pub fn key(&self, deed: Deed, step: &StepId) -> String {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(format!("{}\n{step}\n{}", self.id, deed.as_str()));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether `track` goes on in the hands of the present process.
    pub(super) fn is_flying(&self, track: &Track) -> bool {
        matches!(track.standing, Standing::Flying { epoch, .. } if epoch == self.epoch)
    }
}

impl Step {
    /// What a deed of this step takes out of service.
    pub(super) fn drains(&self, deed: Deed) -> Option<&str> {
        match (&self.task, deed, &self.undo) {
            (Task::Drain(action), Deed::Do, _) => Some(&action.target),
            // What was put back early is taken out again, so that what is undone next is undone in safety.
            (Task::Restore(_), Deed::Undo, Some(undo)) => Some(&undo.action.target),
            _ => None,
        }
    }

    /// What a deed of this step puts back into service.
    pub(super) fn restores(&self, deed: Deed) -> Option<&str> {
        match (&self.task, deed, &self.undo) {
            (Task::Restore(action), Deed::Do, _) => Some(&action.target),
            (Task::Drain(_), Deed::Restore, Some(undo)) => Some(&undo.action.target),
            (Task::Restore(action), Deed::Restore, _) => Some(&action.target),
            _ => None,
        }
    }

    /// What a runner is given for a deed of this step; `None` for what the engine does itself.
    pub fn order(&self, deed: Deed) -> Option<&Action> {
        match (deed, &self.task) {
            (Deed::Do, task) => task.action(),
            (Deed::Observe, _) => self.observe.as_ref(),
            (Deed::Undo, Task::Drain(_)) => None,
            (Deed::Undo, _) => self.undo.as_ref().map(|undo| &undo.action),
            (Deed::Restore, Task::Drain(_)) => self.undo.as_ref().map(|undo| &undo.action),
            (Deed::Restore, Task::Restore(action)) => Some(action),
            (Deed::Restore, _) => None,
        }
    }
}

impl Progress {
    /// How it stands with one deed.
    pub fn track(&self, deed: Deed) -> &Track {
        match deed {
            Deed::Do => &self.forward,
            Deed::Undo => &self.undo,
            Deed::Observe => &self.observe,
            Deed::Restore => &self.restore,
        }
    }

    fn track_mut(&mut self, deed: Deed) -> &mut Track {
        match deed {
            Deed::Do => &mut self.forward,
            Deed::Undo => &mut self.undo,
            Deed::Observe => &mut self.observe,
            Deed::Restore => &mut self.restore,
        }
    }
}
