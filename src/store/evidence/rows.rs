//! The bytes of rows, as they enter a day's digests.
//!
//! Form: integers are eight bytes, texts and blobs are their length in eight bytes and then themselves, what may be
//! absent has a byte 0 or 1 before it; all big-endian. A row's print is the SHA-256 of its bytes, a table's digest the
//! SHA-256 of the prints of its rows in order. The first four bytes of each print are kept as the row's mark: by the marks a
//! changed row is found, and a digest over them stands in the statement.

use super::statement::Hash;
use crate::domain::Timestamp;
use crate::store::StoreError;
use aws_lc_rs::digest;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

/// Bytes of a print that are kept.
pub(super) const MARK_BYTES: usize = 4;

/// A part of a print that is kept, to find the row that was changed.
pub(super) type Mark = [u8; MARK_BYTES];

/// What is computed over the rows of one table.
pub(super) struct Prints {
    whole: digest::Context,
    /// In order of the rows.
    pub(super) marks: Vec<Mark>,
}

impl Prints {
    pub(super) fn new() -> Self {
        Self { whole: digest::Context::new(&digest::SHA256), marks: Vec::new() }
    }

    fn add(&mut self, row: &[u8]) {
        let print = digest::digest(&digest::SHA256, row);
        self.whole.update(print.as_ref());
        let mut mark = Mark::default();
        mark.copy_from_slice(&print.as_ref()[..MARK_BYTES]);
        self.marks.push(mark);
    }

    pub(super) fn digest(self) -> (Hash, Vec<Mark>) {
        (Hash::finished(self.whole.finish()), self.marks)
    }
}

fn number(bytes: &mut Vec<u8>, value: i64) {
    bytes.extend(value.to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend((value.len() as u64).to_be_bytes());
    bytes.extend(value);
}

/// A column as it is, whatever is in it.
fn column(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Integer(value) => number(bytes, value),
        ValueRef::Text(value) | ValueRef::Blob(value) => text(bytes, value),
        ValueRef::Null => bytes.push(0),
        ValueRef::Real(value) => number(bytes, value.to_bits().cast_signed()),
    }
}

/// A column that may be absent.
fn perhaps(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    if !matches!(value, ValueRef::Null) {
        bytes.push(1);
    }
    column(bytes, value);
}

/// A table whose ids count up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// What happened.
    Facts,
    /// Who asked for it.
    Audit,
}

impl Log {
    /// Id and time come first.
    fn columns(self) -> &'static str {
        match self {
            Self::Facts => "id, at, kind, body FROM facts",
            Self::Audit => "id, at, holder, owner, origin, action, subject, detail, refused FROM audit",
        }
    }

    /// The table.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Audit => "audit",
        }
    }

    fn bytes(self, row: &Row<'_>, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let (columns, absent): (usize, &[usize]) = match self {
            Self::Facts => (4, &[]),
            Self::Audit => (9, &[3, 8]),
        };
        for i in 0..columns {
            let value = row.get_ref(i)?;
            if absent.contains(&i) { perhaps(bytes, value) } else { column(bytes, value) }
        }
        Ok(())
    }

    /// Adds the rows `first..=last`, and shows the id and time of each.
    pub(super) fn read(
        self,
        db: &Connection,
        (first, last): (u64, u64),
        prints: &mut Prints,
        mut see: impl FnMut(u64, Timestamp),
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {} WHERE id BETWEEN ?1 AND ?2 ORDER BY id", self.columns());
        let mut rows = db.prepare_cached(&sql)?;
        let mut rows = rows.query(params![first, last])?;
        let mut bytes = Vec::with_capacity(512);
        while let Some(row) = rows.next()? {
            bytes.clear();
            self.bytes(row, &mut bytes)?;
            prints.add(&bytes);
            see(row.get(0)?, Timestamp(row.get(1)?));
        }
        Ok(())
    }
}

/// Adds the packed tallies of the day that begins at `start`, and shows the probe of each.
pub(super) fn read_tallies(
    db: &Connection,
    start: Timestamp,
    prints: &mut Prints,
    mut see: impl FnMut(&str),
) -> Result<(), StoreError> {
    let mut rows = db.prepare_cached(
        "SELECT id, hours FROM tally_days JOIN probes ON key = probe WHERE start = ?1 ORDER BY probe",
    )?;
    let mut rows = rows.query([start.0])?;
    let mut bytes = Vec::with_capacity(512);
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
        bytes.clear();
        number(&mut bytes, start.0);
        text(&mut bytes, id);
        column(&mut bytes, row.get_ref(1)?);
        prints.add(&bytes);
        see(&String::from_utf8_lossy(id));
    }
    Ok(())
}
