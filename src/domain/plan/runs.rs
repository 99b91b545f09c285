//! All runs: a fold over their facts, and what only the whole of them can tell.
//!
//! Not here: what one run does next (`next`). Invariants: what two runs drained is put back by the last of them; a
//! report that does not belong to what is in flight under the present epoch changes nothing; runs that ended are
//! forgotten in time, live ones never.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Ended runs that are kept in memory; the facts keep all.
pub const RUNS_MAX: usize = 500;

/// What the shell says about something that it was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which run.
    pub run: RunId,
    /// Under which epoch it was asked for.
    pub epoch: u32,
    /// Of which step.
    pub step: StepId,
    /// What.
    pub deed: Deed,
    /// Which try.
    pub attempt: u32,
    /// How it ended.
    pub end: End,
}

/// What the shell is asked to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of which run.
    pub run: RunId,
    /// Under which epoch.
    pub epoch: u32,
    /// Of which plan.
    pub plan: PlanId,
    /// Whose.
    pub owner: OwnerId,
    /// Of which step.
    pub step: StepId,
    /// What.
    pub deed: Deed,
    /// Which try.
    pub attempt: u32,
    /// The same for every try.
    pub key: String,
    /// The runner's kind and body.
    pub action: Action,
    /// Deadline.
    pub timeout_ms: Millis,
    /// How long to wait before it is tried, by a clock that never jumps: while the wall clock lies behind, no instant
    /// can be waited for.
    pub pause_ms: Millis,
    /// Whether it may be carried out although the record of its intent could not be stored: it leads back to service,
    /// and twice is as good as once.
    pub safe: bool,
}

impl Report {
    /// The report that an order was carried out, or that its effect is there.
    pub fn done(order: Order) -> Self {
        let Order { run, epoch, step, deed, attempt, .. } = order;
        let note = String::new();
        let end = match deed {
            Deed::Observe => End::Saw { seen: Seen::Present, note },
            Deed::Do | Deed::Undo | Deed::Restore => End::Done { note },
        };
        Self { run, epoch, step, deed, attempt, end }
    }
}

/// Every run, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    runs: BTreeMap<RunId, Run>,
}

/// The id of a window's `n`th run, counted from 1.
pub fn run_id(window: &WindowId, n: usize) -> RunId {
    RunId::new(format!("{window}.{n}"))
}

impl Runs {
    /// Folds a fact in.
    pub fn apply(&mut self, at: Timestamp, id: &RunId, fact: &RunFact) {
        match self.runs.get_mut(id) {
            Some(run) => run.apply(at, fact),
            None => {
                if let Some(run) = Run::begin(id, at, fact) {
                    self.runs.insert(id.clone(), run);
                }
            }
        }
    }

    /// The wall clock skipped so much time: it counts for none of the steps that let time pass.
    pub fn skip(&mut self, ms: Millis) {
        self.runs.values_mut().filter(|run| run.is_live()).for_each(|run| run.skip(ms));
    }

    /// One of them.
    pub fn get(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// Those that are not over.
    pub fn live(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| run.is_live())
    }

    /// The runs of a window, the latest last.
    pub fn of_window(&self, window: &WindowId) -> Vec<&Run> {
        let mut of: Vec<&Run> = self.runs.values().filter(|run| run.window == *window).collect();
        of.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        of
    }

    /// The id of the next run of a window.
    pub fn next_id(&self, window: &WindowId) -> RunId {
        run_id(window, self.of_window(window).len() + 1)
    }

    /// What runs other than `id` keep out of service.
    pub fn held_besides(&self, id: &RunId) -> BTreeSet<String> {
        self.live().filter(|run| run.id != *id).flat_map(|run| run.held.keys().cloned()).collect()
    }

    /// What runs other than `id` are putting back just now.
    pub fn restoring_besides(&self, id: &RunId) -> BTreeSet<String> {
        let mut targets = BTreeSet::new();
        for run in self.live().filter(|run| run.id != *id) {
            for (step, progress) in run.plan.steps.iter().zip(&run.steps) {
                for deed in [Deed::Do, Deed::Restore] {
                    if run.is_flying(progress.track(deed)) {
                        targets.extend(step.restores(deed).map(str::to_owned));
                    }
                }
            }
        }
        targets
    }

    /// The fact that a report becomes; the error says why it becomes none.
    ///
    /// # Errors
    /// If it belongs to a former epoch, or to nothing that is in flight.
    pub fn accept(&self, report: &Report) -> Result<RunFact, String> {
        let Some(run) = self.runs.get(&report.run) else { return Err(format!("there is no run {}", report.run)) };
        if report.epoch != run.epoch {
            return Err(format!("it is of epoch {}, the run is in epoch {}", report.epoch, run.epoch));
        }
        let step = run.plan.step(report.step.as_str()).and_then(|i| run.steps.get(i));
        let track = step.map(|progress| progress.track(report.deed));
        match track {
            Some(track) if run.is_flying(track) && track.attempts == report.attempt => {
                Ok(RunFact::Finished { deed: report.deed, step: report.step.clone(), end: report.end.clone() })
            }
            _ => Err(format!("nothing of step {} is in flight", report.step)),
        }
    }

    /// What is out of service although no live run keeps it so.
    pub fn stranded<'a>(&self, drained: &'a [String]) -> Vec<&'a String> {
        let held: BTreeSet<&String> = self.live().flat_map(|run| run.held.keys()).collect();
        drained.iter().filter(|target| !held.contains(target)).collect()
    }

    /// How long each step took in former runs of a plan, by step, in order of time.
    pub fn durations(&self, plan: &PlanId) -> BTreeMap<StepId, Vec<Millis>> {
        let mut took: BTreeMap<StepId, Vec<Millis>> = BTreeMap::new();
        let mut runs: Vec<&Run> = self.runs.values().filter(|run| run.plan.id == *plan).collect();
        runs.sort_by_key(|run| run.started);
        for run in runs {
            for (step, progress) in run.plan.steps.iter().zip(&run.steps) {
                if let (Some(from), Standing::Done { at }) = (progress.started, &progress.forward.standing) {
                    took.entry(step.id.clone()).or_default().push(at.since(from));
                }
            }
        }
        took
    }

    /// Forgets runs that ended before `t`, and the oldest beyond [`RUNS_MAX`].
    pub fn forget_before(&mut self, t: Timestamp) {
        self.runs.retain(|_, run| run.is_live() || run.span.end > t);
        let mut over: Vec<(Timestamp, RunId)> =
            self.runs.values().filter(|run| !run.is_live()).map(|run| (run.started, run.id.clone())).collect();
        over.sort();
        let surplus = over.len().saturating_sub(RUNS_MAX);
        for (_, id) in over.into_iter().take(surplus) {
            self.runs.remove(&id);
        }
    }
}
