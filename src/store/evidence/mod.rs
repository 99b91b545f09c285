//! The chain of evidence: each civil day's facts, tallies and audit rows, hashed, chained to the day before and signed.
//!
//! Not here: what facts mean. Invariants: a sealed day gets no row any more; a statement is never changed; rows go only
//! after a signed statement declared that retention forgets them; statements are kept for ever.
//! `docs/evidence.md` says what this proves, what it does not, and how an outsider checks it.

mod key;
mod pack;
mod rows;
mod seal;
mod statement;
#[cfg(test)]
mod tests;
mod verify;

pub(super) use key::Signer;
pub(super) use pack::unpack;
pub use seal::{SealedDays, Sealing};
pub(super) use seal::{last, seal, statement};
pub use statement::{Hash, PublicKey, Sealed, Statement};
pub(super) use verify::verify;
pub use verify::{Finding, Place, Proof, Wanted, Wrong};

use super::StoreError;
use crate::domain::Timestamp;
use rows::{Log, Prints};
use rusqlite::Connection;

/// Where the chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceEnd {
    /// The last day that was sealed.
    pub sealed: Option<Statement>,
    /// What came after it.
    pub open: OpenDay,
}

/// Rows that no sealed day holds yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenDay {
    /// How many facts.
    pub facts: u64,
    /// How many rows of the audit log.
    pub audit: u64,
    /// Over the last head, the digest of the facts and that of the audit rows; changes with every row.
    pub head: Hash,
}

/// When the last sealed day ended: nothing is dated earlier any more.
pub(super) fn sealed_until(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    Ok(last(db)?.map(|day| day.span.end))
}

/// Where the chain ends; reads all rows of the open day.
pub(super) fn end(db: &Connection) -> Result<EvidenceEnd, StoreError> {
    let sealed = last(db)?;
    let open = open_day(db, sealed.as_ref(), |_, _, _| ())?;
    Ok(EvidenceEnd { sealed, open })
}

/// Reads the rows behind the last sealed day, and shows each.
fn open_day(
    db: &Connection,
    sealed: Option<&Statement>,
    mut see: impl FnMut(Log, u64, Timestamp),
) -> Result<OpenDay, StoreError> {
    let mut bytes = sealed.map_or(Hash::NONE, Statement::head).0.to_vec();
    let mut counts = [0; 2];
    let ends = sealed.map_or([0; 2], |day| [day.facts.last, day.audit.last]);
    for (i, log) in [Log::Facts, Log::Audit].into_iter().enumerate() {
        let mut prints = Prints::new();
        log.read(db, (ends[i] + 1, i64::MAX as u64), &mut prints, |id, at| see(log, id, at))?;
        let (digest, marks) = prints.digest();
        bytes.extend(digest.0);
        counts[i] = marks.len() as u64;
    }
    Ok(OpenDay { facts: counts[0], audit: counts[1], head: Hash::of(&bytes) })
}
