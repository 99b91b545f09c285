//! The store: one SQLite file with the log of facts, the outbox and what speeds up a start.
//!
//! Not here: what facts mean (`domain`) and when mail leaves (`outbox`). Crash promises: what `commit` answered is on
//! the disk, facts and messages together or not at all; the same batch may be handed in again after any error; the
//! alive mark and tallies survive a crash of the program, and may lose their last seconds with the power.
//! The SQL is plain, so that a second engine can stand behind the same methods.

mod audit;
mod backup;
mod error;
mod evidence;
mod facts;
mod lane;
mod outbox;
mod past;
mod schema;
#[cfg(test)]
mod tests;
mod times;

pub use audit::{AUDIT_PAGE_MAX, AuditOrder, AuditPlace, AuditQuery, AuditRow};
pub use error::StoreError;
pub use evidence::{
    EvidenceEnd, Finding, Hash, OpenDay, Place, Proof, PublicKey, Sealed, SealedDays, Sealing, Statement, Wanted, Wrong,
};
pub use outbox::{Crowd, Held, InPlaceOf, Letter, LetterCounts, LetterState, Limits};
pub use past::UpTo;
pub use times::CommitTimes;

use crate::domain::history::{History, Made, Past};
use crate::domain::{AuditEntry, Inventory, MINUTE, Message, Millis, ProbeId, Recorded, Span, Timestamp};
use lane::{Durability, Lane};
use rusqlite::Connection;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Facts in one page of [`Store::facts_between`].
pub const FACTS_PER_PAGE: usize = 4_096;

/// What the name of the key's file has behind that of the store.
const KEY_SUFFIX: &str = ".key";

/// A mark of life that is older than this says that nobody watches.
const ALIVE_FOR: Millis = MINUTE;

/// What a start needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The newest fold of the log: the last id that it contains, and its bytes.
    pub checkpoint: Option<(u64, Vec<u8>)>,
    /// What came after it, in order.
    pub facts: Vec<(u64, Recorded)>,
    /// The last instant at which the former run was alive.
    pub alive: Option<Timestamp>,
    /// The last day that was sealed; nothing may be dated before its end.
    pub sealed: Option<Statement>,
    /// The last ids; the first batch goes behind them.
    pub ends: Ends,
}

/// The last ids of what only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Of the log of facts.
    pub facts: u64,
    /// Of the audit log.
    pub audit: u64,
}

/// What is kept together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What happened.
    pub facts: Vec<Recorded>,
    /// Who is to be told.
    pub messages: Vec<Message>,
    /// Who asked for it, or was refused.
    pub audit: Vec<AuditEntry>,
}

/// Counts of one probe in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which probe.
    pub probe: ProbeId,
    /// Start of the hour, UTC.
    pub hour: Timestamp,
    /// Scheduled ticks.
    pub ticks: u32,
    /// Attempts that passed.
    pub pass: u32,
    /// Degraded passes.
    pub degraded: u32,
    /// Attempts that failed.
    pub fail: u32,
    /// Attempts that could not measure.
    pub unknown: u32,
    /// Ticks without an attempt.
    pub skipped: u32,
    /// Passes slower than 15 s.
    pub slow_pass: u32,
    /// Fails slower than 15 s.
    pub slow_fail: u32,
}

/// A handle on the store; cheap to clone. The last one to be dropped waits for the writer to finish.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // The reader goes first, so that the writer is the last connection and folds the log into the file.
    reader: Lane,
    /// `None` if the store was opened to read.
    writer: Option<Lane>,
    /// Signs days; `None` likewise.
    signer: Option<Arc<evidence::Signer>>,
    path: PathBuf,
    times: Arc<CommitTimes>,
    /// Held for as long as the store may be written.
    _alone: Option<fs::File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store to write: creates its directory, file and key as needed, migrates and checks it.
    /// Blocks for as long as the check of facts and outbox takes; call it before the daemon serves.
    ///
    /// # Errors
    /// `Busy` if another program writes it, `Newer`, `Corrupt`, `Key`, or what the file system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let directory = directory(path);
        fs::create_dir_all(directory).map_err(|e| StoreError::io(directory, &e))?;
        let alone = lock(path)?;
        let db = schema::open_to_write(path)?;
        schema::quick_check(&db)?;
        let signer = Some(Arc::new(evidence::Signer::open(&backup::with_suffix(path, KEY_SUFFIX))?));
        let times = Arc::new(CommitTimes::default());
        let reader = Lane::reader(schema::open_to_read(path)?)?;
        let writer = Some(Lane::writer(db, path, times.clone())?);
        Ok(Self(Arc::new(Inner { reader, writer, signer, path: path.into(), times, _alone: Some(alone) })))
    }

    /// Opens an existing store to read, beside a running daemon or without one; writes answer `ReadOnly`.
    ///
    /// # Errors
    /// As [`Store::open`], but never `Busy`.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Io(format!("{} does not exist", path.display())));
        }
        let reader = Lane::reader(schema::open_to_read(path)?)?;
        let (writer, signer, path) = (None, None, path.into());
        let inner = Inner { reader, writer, signer, path, times: Arc::default(), _alone: None };
        Ok(Self(Arc::new(inner)))
    }

    async fn write<T, F>(&self, durability: Durability, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.0.writer {
            Some(writer) => writer.run(durability, work).await,
            None => Err(StoreError::ReadOnly("it was opened to read".into())),
        }
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.reader.run(Durability::Process, work).await
    }

    /// How long commits took.
    pub fn commit_times(&self) -> &CommitTimes {
        &self.0.times
    }

    /// The newest checkpoint, the facts after it, and the alive mark.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        self.read(|db| facts::load(db, u64::MAX)).await
    }

    /// The same as if the checkpoint that contains fact `through` as its last were not there: for one that cannot
    /// be understood.
    pub async fn load_before(&self, through: u64) -> Result<Loaded, StoreError> {
        self.read(move |db| facts::load(db, through)).await
    }

    /// Appends facts behind the id `after` and puts messages into the outbox, both or neither; synced before the
    /// answer, which is the last id of the log. A batch that is already there, in whole or in its first part, is
    /// completed; so a batch may be handed in again after any error, and may have grown in between.
    ///
    /// # Errors
    /// `Conflict` if the log does not continue `after`; else nothing was kept and the same call may be repeated.
    pub async fn commit(&self, after: u64, facts: Vec<Recorded>, messages: Vec<Message>) -> Result<u64, StoreError> {
        self.write(Durability::Power, move |db| {
            let end = facts::append(db, after, &facts)?;
            outbox::insert(db, &messages)?;
            Ok(end)
        })
        .await
    }

    /// The same with rows of the audit log, behind both ids of `after`; the answer has the new ones.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn keep(&self, after: Ends, batch: Batch) -> Result<Ends, StoreError> {
        self.write(Durability::Power, move |db| {
            let facts = facts::append(db, after.facts, &batch.facts)?;
            outbox::insert(db, &batch.messages)?;
            Ok(Ends { facts, audit: audit::append(db, after.audit, &batch.audit)? })
        })
        .await
    }

    /// One page of the audit log; none of a store that is older than the log and only read.
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        self.read(move |db| if schema::has(db, schema::WITH_AUDIT)? { audit::page(db, &query) } else { Ok(Vec::new()) })
            .await
    }

    /// Forgets rows of the audit log of days that a signed statement declared forgotten, in small steps. Returns how many
    /// went.
    pub async fn prune_audit(&self) -> Result<usize, StoreError> {
        let mut gone = 0;
        loop {
            match self.write(Durability::Process, audit::prune).await? {
                0 => return Ok(gone),
                step => gone += step,
            }
        }
    }

    /// Overwrites the alive mark.
    pub async fn alive(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Process, move |db| facts::alive(db, at)).await
    }

    /// Adds these counts to those of their hours. Returns how many came too late and were left out: their day is sealed.
    pub async fn tally(&self, rows: Vec<Tally>) -> Result<usize, StoreError> {
        self.write(Durability::Process, move |db| facts::tally(db, &rows)).await
    }

    /// The tallies of hours that begin within `span`.
    pub async fn tallies(&self, span: Span) -> Result<Vec<Tally>, StoreError> {
        self.read(move |db| facts::tallies(db, span)).await
    }

    /// Keeps the fold of the log up to and with fact `through`; the last two are kept.
    pub async fn checkpoint(&self, through: u64, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.write(Durability::Process, move |db| facts::checkpoint(db, through, &bytes)).await
    }

    /// One page, at most [`FACTS_PER_PAGE`], of the facts written within `span`, by time; begin with `after` 0. The
    /// next page begins at the time of the last fact, `after` its id; an empty one is the end.
    pub async fn facts_between(&self, span: Span, after: u64) -> Result<Vec<(u64, Recorded)>, StoreError> {
        self.read(move |db| facts::between(db, span, after)).await
    }

    /// The past of what `inventory` names, as it was known at `at`, from the facts alone, as far as `upto` says. Reads the
    /// log beside everything else; what lies behind the last mark of life is unknown, unless that is fresh.
    ///
    /// # Errors
    /// `Corrupt` if a fact cannot be understood.
    pub async fn past(&self, inventory: Arc<Inventory>, at: Timestamp, upto: UpTo) -> Result<Past, StoreError> {
        let path = self.0.path.clone();
        blocking(move || {
            let mut history = History::new(inventory);
            let read = past::fold(&path, &mut history, upto)?;
            if let Some(alive) = read.alive.max(history.last()).filter(|alive| *alive + ALIVE_FOR < at) {
                history.lost_sight(alive);
            }
            let files = history.files().to_owned();
            let made = read.last.map(|facts| Made { facts, files });
            Ok(Past { made, ..history.past(at) })
        })
        .await
    }

    /// Forgets letters that were settled before `before`, and of days that a signed statement declared forgotten the
    /// tallies and those facts that both checkpoints contain, in small steps. Returns how many rows went.
    pub async fn prune(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut gone = 0;
        loop {
            match self.write(Durability::Process, move |db| facts::prune(db, before)).await? {
                0 => return Ok(gone),
                step => gone += step,
            }
        }
    }

    /// Letters that may be sent at `now`, without what the caller holds: of each recipient the first, of each thread
    /// the earliest.
    pub async fn outbox_due(&self, now: Timestamp, held: Held, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| outbox::due(db, now, &held, limit)).await
    }

    /// When the next letter that waits for a re-try becomes due, after `now`.
    pub async fn outbox_next(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |db| outbox::next(db, now)).await
    }

    /// Whether an earlier message of its thread still waits for its recipient; letters that the caller holds are left
    /// out.
    pub async fn outbox_has_earlier(&self, message: Message, held: HashSet<String>) -> Result<bool, StoreError> {
        self.read(move |db| outbox::has_earlier(db, &message, &held)).await
    }

    /// Those of `ids` that were ever inserted, whatever became of them.
    pub async fn outbox_known(&self, ids: Vec<String>) -> Result<Vec<String>, StoreError> {
        self.read(move |db| outbox::known(db, &ids)).await
    }

    /// Records how letters stand now, together with new ones that follow from it; synced before the answer.
    /// A letter that was sent stays sent.
    pub async fn outbox_record(&self, letters: Vec<Letter>, new: Vec<Letter>) -> Result<(), StoreError> {
        self.write(Durability::Power, move |db| {
            letters.iter().chain(&new).try_for_each(|letter| outbox::record(db, letter))
        })
        .await
    }

    /// Letters in one state, or in any, newest first.
    pub async fn outbox_list(&self, state: Option<LetterState>, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| outbox::list(db, state, limit)).await
    }

    /// One letter.
    pub async fn outbox_get(&self, id: String) -> Result<Option<Letter>, StoreError> {
        self.read(move |db| outbox::get(db, &id)).await
    }

    /// Letters that a relay took at or after `since`: what the engine may have missed by a crash.
    pub async fn outbox_accepted(&self, since: Timestamp) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| outbox::accepted(db, since)).await
    }

    /// The last `limit` letters that one recipient was sent at or after `since`, the oldest first.
    ///
    /// # Errors
    /// Of the store.
    pub async fn outbox_taken(&self, to: String, since: Timestamp, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| outbox::taken(db, &to, since, limit)).await
    }

    /// Tries a letter again that was given up, until `expires`.
    ///
    /// # Errors
    /// `Missing` if there is none, or it was sent.
    pub async fn outbox_retry(&self, id: String, expires: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Power, move |db| outbox::retry(db, &id, expires)).await
    }

    /// Gives a letter up; its row is kept, so that it cannot come back.
    ///
    /// # Errors
    /// `Missing` if there is none, or it was sent.
    pub async fn outbox_drop(&self, id: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(Durability::Power, move |db| outbox::drop(db, &id, at)).await
    }

    /// How the outbox stands.
    pub async fn outbox_counts(&self) -> Result<LetterCounts, StoreError> {
        self.read(outbox::counts).await
    }

    /// 32 bytes for `purpose` that follow from the store's key: nobody else knows them, and they are the same after a
    /// restart.
    ///
    /// # Errors
    /// `ReadOnly` if it was opened to read.
    pub fn secret_for(&self, purpose: &str) -> Result<[u8; 32], StoreError> {
        let signer = self.0.signer.as_ref().ok_or_else(|| StoreError::ReadOnly("it was opened to read".into()))?;
        Ok(signer.secret_for(purpose))
    }

    /// Seals the civil days that are over, oldest first, a few at a time; synced before the answer. The caller sees to it
    /// that all facts of earlier than `sealing.now` are stored.
    ///
    /// # Errors
    /// `Corrupt` if the last statement cannot be read; else nothing was sealed and the same call may be repeated.
    pub async fn seal(&self, sealing: Sealing) -> Result<SealedDays, StoreError> {
        let signer = self.0.signer.clone().ok_or_else(|| StoreError::ReadOnly("it was opened to read".into()))?;
        self.write(Durability::Power, move |db| evidence::seal(db, &signer, &sealing)).await
    }

    /// Where the chain of evidence ends; reads the rows of the open day.
    ///
    /// # Errors
    /// `Unsealed` if the store is older than the chain and only read.
    pub async fn evidence(&self) -> Result<EvidenceEnd, StoreError> {
        let path = self.0.path.display().to_string();
        self.read(move |db| {
            if !schema::has(db, schema::WITH_EVIDENCE)? {
                return Err(StoreError::Unsealed(path.clone()));
            }
            evidence::end(db)
        })
        .await
    }

    /// Reads the whole chain of evidence and every row that it holds, on connections of its own.
    ///
    /// # Errors
    /// `Unsealed`, or what keeps the file from being read; what is wrong inside is told by the answer.
    pub async fn verify(&self, wanted: Wanted) -> Result<Proof, StoreError> {
        let path = self.0.path.clone();
        blocking(move || evidence::verify(&path, &wanted)).await
    }

    /// Reads the whole file and checks it, tallies and indexes included.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read(schema::full_check).await
    }

    /// Copies the store into the new file `to` while it goes on being written.
    ///
    /// # Errors
    /// `Io` if `to` exists already.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.0.path.clone(), to.to_path_buf());
        blocking(move || backup::backup(&from, &to)).await
    }

    /// Puts a copy in the place of the store at `to`, whose former files are kept as `….replaced`.
    ///
    /// # Errors
    /// `Busy` while a daemon runs on it; `Corrupt` or `Newer` if the copy is no good, in which case nothing changes.
    pub async fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (from.to_path_buf(), to.to_path_buf());
        blocking(move || backup::restore(&from, &to)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(StoreError::Io(e.to_string())))
}

/// The directory that holds `file`.
fn directory(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that nobody else writes the store; released when the file is dropped or the process dies.
fn lock(path: &Path) -> Result<fs::File, StoreError> {
    let name = backup::with_suffix(path, ".lock");
    let file = fs::File::options().create(true).append(true).open(&name).map_err(|e| StoreError::io(&name, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::Busy(path.display().to_string())),
        Err(fs::TryLockError::Error(e)) => Err(StoreError::io(&name, &e)),
    }
}
