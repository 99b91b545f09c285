//! What can go wrong with the store, as sentences with a remedy.
//!
//! Not here: what the daemon does about it (it goes on probing and pages from memory). Errors are `Clone` because one
//! failed transaction answers everyone who waited for it.

use rusqlite::ErrorCode;
use std::path::Path;

/// Why the store could not do what was asked. Nothing of a failed write is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the store.
    #[error("store {0} is in use by another gengfu; stop it, or set another `store.path`")]
    Busy(String),
    /// No space, or a limit on the size of files.
    #[error("the disk of the store is full; free space, or shorten `store.retain` (writes work again at once)")]
    Full,
    /// The file or its file system refuses writes, or the store was opened to read.
    #[error("store is read-only: {0}; make the file and its directory writable for the user that runs gengfu")]
    ReadOnly(String),
    /// The file is damaged, or not a store of ours.
    #[error("store is damaged: {0}; stop gengfu and run `gengfu restore` with the last backup")]
    Corrupt(String),
    /// A newer program has written it.
    #[error("store has version {found}, this program knows up to {known}; install the newer gengfu again")]
    Newer {
        /// Version of the file.
        found: i64,
        /// The newest that this program can read.
        known: i64,
    },
    /// The log does not end where the batch begins.
    #[error(
        "log of the store ends at {end}, a batch begins after {after}: two writers, or a store that was replaced under a running daemon; restart gengfu"
    )]
    Conflict {
        /// The last id in the store.
        end: u64,
        /// The id after which the batch wanted to write.
        after: u64,
    },
    /// The operating system failed us.
    #[error("store cannot be read or written: {0}; check the disk, and that its directory exists")]
    Io(String),
    /// The file of the signing key is not one.
    #[error(
        "{0} is no Ed25519 key in PKCS#8; put the right file back, or move it away: a new key is made at the next start, and `gengfu verify` will name the change"
    )]
    Key(String),
    /// The store is older than the chain of evidence.
    #[error("store {0} has no chain of evidence yet; start gengfu on it once, which seals its past")]
    Unsealed(String),
    /// What was asked for is not there.
    #[error("{0} is not in the store; list what there is with `gengfu outbox list`")]
    Missing(String),
    /// The store was closed.
    #[error("store is closed; gengfu is shutting down")]
    Closed,
}

impl StoreError {
    /// An error of the file system about `path`.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            PermissionDenied | ReadOnlyFilesystem => Self::ReadOnly(format!("{}: {error}", path.display())),
            _ => Self::Io(format!("{}: {error}", path.display())),
        }
    }

    /// Whether the connection that reported it should be opened anew before the next use.
    pub(super) fn wants_reopening(&self) -> bool {
        matches!(self, Self::Io(_) | Self::ReadOnly(_) | Self::Corrupt(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            _ => Self::Io(text),
        }
    }
}
