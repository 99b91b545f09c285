//! Whose turn it is: the first row of each recipient, the most urgent first.
//!
//! Invariant: a look costs a few index seeks for each recipient who waits, however many rows they have; bodies are read
//! of the rows alone that are handed out.

use super::{COLUMNS, Letter, StoreError, letter};
use crate::domain::{Message, Recipient, Timestamp};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashSet;

/// What the caller holds and the store need not hand out.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Letters whose present state only the caller knows: as if they were not there.
    pub ids: HashSet<String>,
    /// Recipients to whom something is out: for them only what cannot wait.
    pub busy: HashSet<String>,
    /// Recipients for whom nothing is wanted.
    pub closed: HashSet<String>,
    /// Set while no relay can be reached: only what does not go by mail.
    pub no_mail: bool,
}

/// The next recipient in order, so that the index is stepped through by recipient and not by row.
const NEXT_RECIPIENT: &str = "SELECT min(recipient) FROM outbox WHERE state = 'pending' AND recipient > ?1";

const ROWS: &str = "SELECT id, thread, sequence, urgency, at, attempts, next_at FROM outbox
                    WHERE state = 'pending' AND recipient = ?1 ORDER BY urgency, at, sequence, id";

const EARLIER: &str = "SELECT id FROM outbox WHERE state IN ('pending', 'folded') AND thread = ?1 AND recipient = ?2
                       AND sequence < ?3";

/// The most urgent are first: rank, time and id.
type Head = (u8, i64, String);

/// What may be sent at `now`, one row for each recipient.
pub(in crate::store) fn due(
    db: &Connection,
    now: Timestamp,
    held: &Held,
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    let (mut next, mut rows) = (db.prepare_cached(NEXT_RECIPIENT)?, db.prepare_cached(ROWS)?);
    let mut earlier = db.prepare_cached(EARLIER)?;
    let mut heads = Vec::new();
    let mut recipient = String::new();
    while let Some(found) = next.query_row([&recipient], |row| row.get::<_, Option<String>>(0))? {
        recipient = found;
        let waits_for_relays = held.no_mail && Recipient::channel(&recipient).is_none();
        if !waits_for_relays && !held.closed.contains(&recipient) {
            heads.extend(head(&mut rows, &mut earlier, &recipient, now, held)?);
        }
    }
    heads.sort_unstable();
    heads.truncate(limit);
    let mut one = db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?;
    heads.into_iter().map(|(_, _, id)| one.query_row([id], |row| Ok(letter(row)))?).collect()
}

fn head(
    rows: &mut CachedStatement<'_>,
    earlier: &mut CachedStatement<'_>,
    recipient: &str,
    now: Timestamp,
    held: &Held,
) -> Result<Option<Head>, StoreError> {
    let mut rows = rows.query([recipient])?;
    while let Some(row) = rows.next()? {
        let (id, rank, at): (String, u8, i64) = (row.get(0)?, row.get(3)?, row.get(4)?);
        if rank > 0 && held.busy.contains(recipient) {
            return Ok(None);
        }
        let rests = row.get::<_, u32>(5)? > 0 && row.get::<_, i64>(6)? > now.0;
        let (thread, sequence): (String, u32) = (row.get(1)?, row.get(2)?);
        if !rests && !held.ids.contains(&id) && !waits(earlier, &thread, recipient, sequence, &held.ids)? {
            return Ok(Some((rank, at, id)));
        }
    }
    Ok(None)
}

/// Whether an earlier row of the thread, `besides` left out, has not left yet.
pub(super) fn waits(
    earlier: &mut CachedStatement<'_>,
    thread: &str,
    recipient: &str,
    sequence: u32,
    besides: &HashSet<String>,
) -> Result<bool, StoreError> {
    let mut rows = earlier.query(params![thread, recipient, sequence])?;
    while let Some(row) = rows.next()? {
        if !besides.contains(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The statement that [`waits`] asks.
pub(super) fn earlier(db: &Connection) -> Result<CachedStatement<'_>, StoreError> {
    Ok(db.prepare_cached(EARLIER)?)
}

/// Whether an earlier message of the same thread waits for the same recipient, `besides` left out.
pub(in crate::store) fn has_earlier(
    db: &Connection,
    message: &Message,
    besides: &HashSet<String>,
) -> Result<bool, StoreError> {
    waits(&mut earlier(db)?, &message.thread, &message.to.mail, message.sequence, besides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_look_reads_rows_that_it_does_not_hand_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gengfu.db");
        drop(crate::store::Store::open(&path).unwrap());
        let db = Connection::open(path).unwrap();
        for (statement, parameters) in [(NEXT_RECIPIENT, 1), (ROWS, 1), (EARLIER, 3)] {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let values = rusqlite::params_from_iter(std::iter::repeat_n("x", parameters));
            let steps = plan.query_map(values, |row| row.get::<_, String>(3)).unwrap();
            for step in steps.map(Result::unwrap) {
                assert!(step.contains("USING") && step.starts_with("SEARCH"), "{statement}: {step}");
            }
        }
    }
}
