//! The tables, as migrations that only go forward, and what every connection is set to.
//!
//! Invariants: a migration that was released is never edited; `user_version` counts those that were applied; a file
//! with a higher number, or of another program, is refused. Tables are STRICT.

use super::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours: `geng` in ASCII.
const APPLICATION_ID: i64 = 0x6765_6e67;

/// How long a connection waits for another's lock. Only a backup tool or an administrator's shell can hold one.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// The write-ahead log is folded into the file at this many pages of 4 KiB.
const WAL_PAGES: i64 = 1_000;

/// Oldest first; the position is the version.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE facts (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX facts_at ON facts (at);
    CREATE TABLE checkpoints (through INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE alive (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;
    CREATE TABLE probes (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE tallies (
        hour INTEGER NOT NULL, probe INTEGER NOT NULL REFERENCES probes (key),
        ticks INTEGER NOT NULL, pass INTEGER NOT NULL, degraded INTEGER NOT NULL, fail INTEGER NOT NULL,
        unknown INTEGER NOT NULL, skipped INTEGER NOT NULL, slow_pass INTEGER NOT NULL, slow_fail INTEGER NOT NULL,
        PRIMARY KEY (hour, probe)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        id TEXT NOT NULL PRIMARY KEY, thread TEXT NOT NULL, sequence INTEGER NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, expires INTEGER NOT NULL, next_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dead', 'dropped')),
        last_error TEXT, relay TEXT, settled_at INTEGER, in_place_of TEXT, message BLOB NOT NULL, rendered BLOB
    ) STRICT;
    CREATE INDEX outbox_waiting ON outbox (thread, recipient, sequence) WHERE state = 'pending';
    CREATE INDEX outbox_pending ON outbox (at) WHERE state = 'pending';
    CREATE INDEX outbox_again ON outbox (next_at) WHERE state = 'pending' AND attempts > 0;
    CREATE INDEX outbox_settled ON outbox (settled_at) WHERE state <> 'pending';
    CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
",
    "
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, holder TEXT NOT NULL, owner TEXT,
        origin TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, refused TEXT
    ) STRICT;
    CREATE INDEX audit_at ON audit (at);
    CREATE INDEX audit_holder ON audit (holder, at);
    CREATE INDEX audit_subject ON audit (subject, at);
",
    "
    CREATE TABLE evidence (
        number INTEGER PRIMARY KEY, statement TEXT NOT NULL, signature BLOB NOT NULL, marks BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tally_days (
        start INTEGER NOT NULL, probe INTEGER NOT NULL REFERENCES probes (key), hours BLOB NOT NULL,
        PRIMARY KEY (start, probe)
    ) STRICT, WITHOUT ROWID;
",
    // SQLite cannot change a check, so the table is made again.
    "
    CREATE TABLE outbox_new (
        id TEXT NOT NULL PRIMARY KEY, thread TEXT NOT NULL, sequence INTEGER NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, expires INTEGER NOT NULL, next_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dead', 'dropped', 'folded')),
        urgency INTEGER NOT NULL, last_error TEXT, relay TEXT, settled_at INTEGER, in_place_of TEXT, folded_into TEXT,
        message BLOB NOT NULL, rendered BLOB
    ) STRICT;
    INSERT INTO outbox_new SELECT id, thread, sequence, recipient, at, expires, next_at, attempts, state,
        CASE
            WHEN state <> 'pending' THEN 1
            WHEN json_extract(CAST(message AS TEXT), '$.content.what') IN ('opened', 'reopened')
                AND json_extract(CAST(message AS TEXT), '$.content.severity') = 'page' THEN 0
            WHEN json_extract(CAST(message AS TEXT), '$.content.what')
                IN ('announcement', 'digest', 'report', 'reload_refused') THEN 2
            ELSE 1
        END,
        last_error, relay, settled_at, in_place_of, NULL, message, rendered FROM outbox;
    DROP TABLE outbox;
    ALTER TABLE outbox_new RENAME TO outbox;
    CREATE INDEX outbox_front ON outbox (urgency, at, sequence, id, recipient, thread, attempts, next_at)
        WHERE state = 'pending';
    CREATE INDEX outbox_turn ON outbox (recipient, urgency, at, sequence, id) WHERE state = 'pending';
    CREATE INDEX outbox_waiting ON outbox (thread, recipient, sequence) WHERE state IN ('pending', 'folded');
    CREATE INDEX outbox_pending ON outbox (at) WHERE state = 'pending';
    CREATE INDEX outbox_again ON outbox (next_at) WHERE state = 'pending' AND attempts > 0;
    CREATE INDEX outbox_settled ON outbox (settled_at) WHERE state <> 'pending';
    CREATE INDEX outbox_taken ON outbox (recipient, settled_at) WHERE state = 'sent';
    CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
    CREATE INDEX outbox_folded ON outbox (folded_into) WHERE folded_into IS NOT NULL;
",
    "
    DROP INDEX outbox_pending;
    CREATE INDEX outbox_pending ON outbox (at, next_at, attempts) WHERE state = 'pending';
    CREATE INDEX outbox_held ON outbox (next_at) WHERE state = 'pending' AND attempts = 0 AND next_at > at;
",
];

/// The newest version that this program knows.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Opens the file to write, creating and migrating it as needed.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY_FOR)?;
    accept(&db)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    db.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(&mut db)?;
    Ok(db)
}

/// Opens an existing file to read; sees what is committed at the beginning of each statement.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_FOR)?;
    accept(&db)?;
    if version(&db)? == 0 {
        return Err(StoreError::Corrupt(format!("{} has no tables of gengfu", path.display())));
    }
    Ok(db)
}

/// Whether the file has what came with this version; a store that is only read is not brought up to date.
pub(super) fn has(db: &Connection, wanted: i64) -> Result<bool, StoreError> {
    Ok(version(db)? >= wanted)
}

/// The version that has the audit log.
pub(super) const WITH_AUDIT: i64 = 2;

/// The version that has the chain of evidence, and packed tallies.
pub(super) const WITH_EVIDENCE: i64 = 3;

/// Refuses files of other programs and of newer versions.
fn accept(db: &Connection) -> Result<(), StoreError> {
    let (found, application) = (version(db)?, number(db, "application_id")?);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(StoreError::Corrupt("the file belongs to another program".into()));
    }
    if found > VERSION {
        return Err(StoreError::Newer { found, known: VERSION });
    }
    Ok(())
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let applied = usize::try_from(version(db)?).unwrap_or_default();
    for (step, statements) in MIGRATIONS.iter().enumerate().skip(applied) {
        // The mark, the tables and the version appear together or not at all.
        let tx = db.transaction()?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.execute_batch(statements)?;
        tx.pragma_update(None, "user_version", step as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// Checks what cannot be rebuilt. Tallies are left out: they are by far the largest, and a start must not wait.
pub(super) fn quick_check(db: &Connection) -> Result<(), StoreError> {
    for table in ["facts", "outbox", "audit", "checkpoints", "alive", "evidence"] {
        verdict(db, &format!("PRAGMA quick_check({table})"))?;
    }
    Ok(())
}

/// Checks everything, indexes included; reads the whole file.
pub(super) fn full_check(db: &Connection) -> Result<(), StoreError> {
    verdict(db, "PRAGMA integrity_check(1)")
}

fn verdict(db: &Connection, pragma: &str) -> Result<(), StoreError> {
    let verdict: String = db.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt(verdict)) }
}

fn version(db: &Connection) -> Result<i64, StoreError> {
    number(db, "user_version")
}

fn number(db: &Connection, pragma: &str) -> Result<i64, StoreError> {
    Ok(db.pragma_query_value(None, pragma, |row| row.get(0))?)
}
