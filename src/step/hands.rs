//! Carries out orders: builds the runner of each from its body, runs it under its deadline, and reports.
//!
//! Not here: when (`domain::plan`) and that the intent was stored (`runtime`). Invariants: every order is reported once,
//! unless the process ends first; a body is expanded and built when it is carried out, so secrets live no longer than
//! that; before anything is done or looked at for a run, programs that a former process left running for it are ended;
//! at most [`STEPS_AT_ONCE_MAX`] run at the same time, and what leads back does not wait for what leads forward.

use super::{Made, StepContext, StepRunner, failed, flag, kind, orphans, unknown};
use crate::domain::plan::{Deed, End, Order, Report};
use crate::field::Problems;
use crate::field::{Place, decode, node_of_json};
use crate::probe::Asker;
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most steps that run at the same time, forward and, counted by themselves, back; others wait for their turn.
pub const STEPS_AT_ONCE_MAX: usize = 32;

/// A runner that does not keep its deadline is left after this much more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who carries out.
pub struct Hands {
    context: ArcSwap<StepContext>,
    reports: mpsc::Sender<Report>,
    tasks: TaskTracker,
    forward: Arc<Semaphore>,
    back: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Hands {
    /// Idle hands.
    pub fn new(
        context: StepContext,
        reports: mpsc::Sender<Report>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let turns = || Arc::new(Semaphore::new(STEPS_AT_ONCE_MAX));
        let (forward, back) = (turns(), turns());
        Self { context: ArcSwap::from_pointee(context), reports, tasks, forward, back, stop }
    }

    /// Takes over what a new set of files grants.
    pub fn adopt(&self, context: StepContext) {
        self.context.store(Arc::new(context));
    }

    /// Begins to carry out an order; its report comes later.
    pub fn carry_out(&self, order: Order) {
        let (context, reports) = (self.context.load_full(), self.reports.clone());
        let turns = match order.deed {
            Deed::Do => &self.forward,
            Deed::Undo | Deed::Observe | Deed::Restore => &self.back,
        };
        let (turns, stop) = (Arc::clone(turns), self.stop.clone());
        self.tasks.spawn(async move {
            let work = async {
                tokio::time::sleep(Duration::from_millis(order.pause_ms.unsigned_abs())).await;
                let Ok(_turn) = turns.acquire_owned().await else { return };
                let end = act(&context, &order).await;
                let Order { run, epoch, step, deed, attempt, .. } = order;
                // The runtime is gone only while the daemon stops; then the next start looks.
                let _ = reports.send(Report { run, epoch, step, deed, attempt, end }).await;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Takes away flags that no run keeps.
    pub fn release(&self, target: String) {
        let context = self.context.load_full();
        self.tasks.spawn_blocking(move || match flag::release(&context.flags, &target) {
            Ok(false) => {}
            Ok(true) => tracing::warn!(%target, "was out of service although no run kept it so; it was put back"),
            Err(error) => tracing::error!(%target, %error, "is out of service although no run keeps it so"),
        });
    }

    /// The flags of ours that are there.
    pub fn drained(&self) -> Vec<String> {
        flag::drained(&self.context.load().flags)
    }
}

async fn act(context: &StepContext, order: &Order) -> End {
    if !leave_nothing_running(&context.store, order).await {
        return failed("a program of a former process does not end");
    }
    let runner = match runner(context, order) {
        Ok(runner) => runner,
        Err(why) => return failed(why),
    };
    let time = Duration::from_millis(order.timeout_ms.unsigned_abs()) + PATIENCE;
    let work = async {
        match order.deed {
            Deed::Observe => runner.look(order).await,
            Deed::Do | Deed::Undo | Deed::Restore => runner.run(order).await,
        }
    };
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| unknown("it did not end in time"))
}

/// Ends what a former process left running for the same run: whether nothing of it is left.
async fn leave_nothing_running(store: &Path, order: &Order) -> bool {
    // The first process to carry a run out has no former one.
    if order.epoch <= 1 {
        return true;
    }
    let (store, run, epoch) = (store.to_owned(), order.run.clone(), order.epoch);
    tokio::task::spawn_blocking(move || orphans::end(&store, &run, epoch)).await.unwrap_or(false)
}

/// The runner of an order, from its body, with what the owner is granted now.
fn runner(context: &StepContext, order: &Order) -> Result<Arc<dyn StepRunner>, String> {
    let kind = kind(&order.action.kind).ok_or_else(|| format!("there is no kind `{}`", order.action.kind))?;
    let json = serde_json::from_str(&order.action.body).map_err(|error| format!("its body cannot be read: {error}"))?;
    let mut node = node_of_json(&json, &Place::of_file(order.plan.as_str()));
    (context.expand)(&order.owner, &mut node)?;
    let mut problems = Problems::new();
    let record = decode(&node, kind.fields, &mut problems);
    if !record.complete {
        return Err(problems.to_string());
    }
    let context = StepContext { asker: Asker::Owner(order.owner.clone()), ..context.clone() };
    match (kind.build)(&record, &context) {
        Ok(Made::Runner(runner)) => Ok(runner),
        Ok(Made::Own(_)) => Err(format!("`{}` is for the engine", kind.name)),
        Err(problems) => Err(problems.to_string()),
    }
}
