//! Copies of the whole store: taken while the daemon writes, put back while it does not.
//!
//! Invariants: a copy appears under its name only when it is complete and checked; nothing is overwritten: what a
//! restore replaces is kept beside it.

use super::{StoreError, lock, schema};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use std::fs;
use std::path::{Path, PathBuf};

/// Copies the store at `from` into the new file `to`. The writer is not held up: the copy reads one snapshot.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    refuse_existing(to)?;
    copy(from, to)
}

/// Puts the copy `from` in the place of the store at `to`, whose former files are renamed to `….replaced`.
pub(super) fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    let _alone = lock(to)?;
    schema::full_check(&schema::open_to_read(from)?)?;
    let replaced = with_suffix(to, ".replaced");
    if to.exists() {
        refuse_existing(&replaced)?;
    }
    // The log of the old file must not be replayed into the new one.
    for part in ["", "-wal", "-shm"] {
        let old = with_suffix(to, part);
        if old.exists() {
            fs::rename(&old, with_suffix(&replaced, part)).map_err(|e| StoreError::io(&old, &e))?;
        }
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let partial = with_suffix(to, ".partial");
    let copied = copy_into(from, &partial).and_then(|()| {
        fs::rename(&partial, to).map_err(|e| StoreError::io(to, &e))?;
        sync_directory(to)
    });
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    }
    copied
}

fn copy_into(from: &Path, partial: &Path) -> Result<(), StoreError> {
    let _ = fs::remove_file(partial);
    let source = schema::open_to_read(from)?;
    let mut target = Connection::open(partial)?;
    // One step with all pages: in write-ahead mode it reads a snapshot, so writers neither wait nor start it over.
    Backup::new(&source, &mut target)?.step(-1)?;
    // The copy travels as one file.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    schema::full_check(&target)?;
    target.close().map_err(|(_, e)| StoreError::from(e))?;
    let file = fs::File::open(partial).map_err(|e| StoreError::io(partial, &e))?;
    file.sync_all().map_err(|e| StoreError::io(partial, &e))
}

fn sync_directory(file: &Path) -> Result<(), StoreError> {
    let directory = super::directory(file);
    let opened = fs::File::open(directory).and_then(|d| d.sync_all());
    opened.map_err(|e| StoreError::io(directory, &e))
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::Io(format!("{} exists already and is not overwritten", path.display())));
    }
    Ok(())
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
