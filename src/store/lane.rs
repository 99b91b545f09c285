//! The two threads that own the connections: one writes, one reads.
//!
//! Not here: any SQL. Invariants: there is one writer; what waits while a transaction is being synced becomes the next
//! transaction (group commit without a timer); a job that fails takes nobody of its group with it; nothing panics.

use super::{CommitTimes, StoreError, schema};
use crate::clock::{Clock, SystemClock};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait for a thread; who comes later waits in `send`.
const JOBS_WAITING_MAX: usize = 1_024;

/// Jobs in one transaction: bounds how much is tried again when one of them fails.
const JOBS_PER_COMMIT_MAX: usize = 256;

/// When a write must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// Survives a crash of the program, perhaps not a loss of power: it can be measured or computed again.
    Process,
    /// Survives a loss of power: synced before the answer.
    Power,
}

/// One piece of work on a connection, which may be run more than once before it is answered.
trait Job: Send {
    fn durability(&self) -> Durability;
    fn run(&mut self, db: &Connection) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<T, F> {
    durability: Durability,
    work: F,
    output: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Result<T, StoreError> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, db: &Connection) -> Result<(), StoreError> {
        self.output = Some((self.work)(db)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Nobody may be waiting any more; the work is done all the same.
        let Self { output, reply, .. } = *self;
        let _ = reply.send(committed.and_then(|()| output.ok_or(StoreError::Closed)));
    }
}

/// A thread with a connection and a bounded queue of work. Dropping it lets the queue run dry and joins the thread.
pub(super) struct Lane {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lane {
    /// A thread that writes through `db`.
    pub(super) fn writer(db: Connection, path: &Path, times: Arc<CommitTimes>) -> Result<Self, StoreError> {
        let path = path.to_path_buf();
        Self::spawn("store-writer", move |jobs| {
            Writer { db: Some(db), path, clock: SystemClock::default(), times }.serve(jobs)
        })
    }

    /// A thread that reads through `db`.
    pub(super) fn reader(db: Connection) -> Result<Self, StoreError> {
        Self::spawn("store-reader", move |mut jobs| {
            while let Some(mut job) = jobs.blocking_recv() {
                let read = job.run(&db);
                job.answer(read);
            }
        })
    }

    fn spawn(
        name: &str,
        serve: impl FnOnce(mpsc::Receiver<Box<dyn Job>>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel(JOBS_WAITING_MAX);
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || serve(waiting));
        let thread = thread.map_err(|e| StoreError::Io(format!("thread {name}: {e}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` on the thread. It may run twice, so it must not consume what it captured.
    pub(super) async fn run<T, F>(&self, durability: Durability, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        let task = Box::new(Task { durability, work, output: None, reply });
        jobs.send(task).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    /// `None` after an error that a fresh connection may cure.
    db: Option<Connection>,
    path: PathBuf,
    clock: SystemClock,
    times: Arc<CommitTimes>,
}

impl Writer {
    fn serve(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut group = vec![first];
            while let Some(next) = (group.len() < JOBS_PER_COMMIT_MAX).then(|| jobs.try_recv().ok()).flatten() {
                group.push(next);
            }
            self.write(group);
        }
    }

    fn write(&mut self, mut group: Vec<Box<dyn Job>>) {
        let committed = self.commit(&mut group);
        if committed.is_ok() || group.len() == 1 {
            group.into_iter().for_each(|job| job.answer(committed.clone()));
            return;
        }
        // One of them spoils it for all: each gets a transaction and an answer of its own.
        for job in group {
            let mut alone = [job];
            let committed = self.commit(&mut alone);
            let [job] = alone;
            job.answer(committed);
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let started = self.clock.monotonic();
        let mut db = match self.db.take() {
            Some(db) => db,
            None => schema::open_to_write(&self.path)?,
        };
        let committed = transaction(&mut db, group);
        if !committed.as_ref().is_err_and(StoreError::wants_reopening) {
            self.db = Some(db);
        }
        if committed.is_ok() {
            self.times.record(self.clock.monotonic().saturating_sub(started));
        }
        committed
    }
}

fn transaction(db: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let durable = group.iter().map(|job| job.durability()).max();
    let level = if durable == Some(Durability::Power) { "FULL" } else { "NORMAL" };
    // The level cannot change inside a transaction; a FULL commit syncs what NORMAL ones left in the log before it.
    db.pragma_update(None, "synchronous", level)?;
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for job in group {
        job.run(&tx)?;
    }
    Ok(tx.commit()?)
}
