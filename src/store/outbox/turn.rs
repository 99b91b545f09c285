//! Whose turn it is: the first row of each recipient, the most urgent first.
//!
//! Invariant: a look costs the same however many rows wait. It reads the front of the queue, which is enough unless few
//! recipients fill it; then it steps through recipients, so that nobody waits for somebody else's thousands. Bodies are
//! read of the rows alone that are handed out.

use super::{COLUMNS, Letter, StoreError, letter};
use crate::domain::{Message, Recipient, Timestamp};
use rusqlite::{CachedStatement, Connection, Row, params};
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

/// Rows of the front that one look reads.
const FRONT_ROWS: usize = 2_000;

/// Recipients that are asked for one by one if the front has few.
const RECIPIENTS_MAX: usize = 2_000;

/// Recipients in the front that are enough for now.
const ENOUGH: usize = 32;

const FRONT: &str = "SELECT id, recipient, thread, sequence, urgency, at, attempts, next_at FROM outbox
                     WHERE state = 'pending' ORDER BY urgency, at, sequence, id LIMIT ?1";

/// The next recipient in order, so that the index is stepped through by recipient and not by row.
const NEXT_RECIPIENT: &str = "SELECT min(recipient) FROM outbox WHERE state = 'pending' AND recipient > ?1";

const ROWS: &str = "SELECT id, recipient, thread, sequence, urgency, at, attempts, next_at FROM outbox
                    WHERE state = 'pending' AND recipient = ?1 ORDER BY urgency, at, sequence, id";

/// Rows that wait for a quiet digest hold nothing up: those that wait with them leave in order all the same.
const EARLIER: &str = "SELECT id FROM outbox WHERE state IN ('pending', 'folded') AND thread = ?1 AND recipient = ?2
                       AND sequence < ?3 AND NOT (state = 'pending' AND attempts = 0 AND next_at > at)";

/// The most urgent are first: rank, time and id.
type Head = (u8, i64, String);

/// What may be sent at `now`, one row for each recipient.
pub(in crate::store) fn due(
    db: &Connection,
    now: Timestamp,
    held: &Held,
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    let heads = heads(db, now, held, limit, FRONT_ROWS)?;
    let mut one = db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?;
    heads.into_iter().map(|(_, _, id)| one.query_row([id], |row| Ok(letter(row)))?).collect()
}

fn heads(
    db: &Connection,
    now: Timestamp,
    held: &Held,
    limit: usize,
    front_rows: usize,
) -> Result<Vec<Head>, StoreError> {
    let mut look = Look { now, held, earlier: earlier(db)?, heads: Vec::new(), taken: HashSet::new() };
    let mut front = db.prepare_cached(FRONT)?;
    let mut rows = front.query([front_rows])?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        look.at(row)?;
        if look.heads.len() == limit {
            return Ok(look.heads);
        }
    }
    if read == front_rows && look.heads.len() < ENOUGH {
        look.step_through(db)?;
    }
    look.heads.sort_unstable();
    look.heads.truncate(limit);
    Ok(look.heads)
}

/// One look.
struct Look<'a> {
    now: Timestamp,
    held: &'a Held,
    earlier: CachedStatement<'a>,
    heads: Vec<Head>,
    /// Recipients whose row was found.
    taken: HashSet<String>,
}

impl Look<'_> {
    /// Whether something is wanted for a recipient.
    fn wants(&self, recipient: &str) -> bool {
        let waits_for_relays = self.held.no_mail && Recipient::channel(recipient).is_none();
        !waits_for_relays && !self.held.closed.contains(recipient) && !self.taken.contains(recipient)
    }

    /// Takes the row if it is its recipient's turn.
    fn at(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (id, recipient): (String, String) = (row.get(0)?, row.get(1)?);
        let (rank, at): (u8, i64) = (row.get(4)?, row.get(5)?);
        let (attempts, next_at): (u32, i64) = (row.get(6)?, row.get(7)?);
        let rests = next_at > self.now.0 && (attempts > 0 || next_at > at);
        let waits_for_another = rank > 0 && self.held.busy.contains(&recipient);
        if rests || waits_for_another || !self.wants(&recipient) || self.held.ids.contains(&id) {
            return Ok(());
        }
        let (thread, sequence): (String, u32) = (row.get(2)?, row.get(3)?);
        if !waits(&mut self.earlier, &thread, &recipient, sequence, &self.held.ids)? {
            self.taken.insert(recipient);
            self.heads.push((rank, at, id));
        }
        Ok(())
    }

    fn step_through(&mut self, db: &Connection) -> Result<(), StoreError> {
        let (mut next, mut rows) = (db.prepare_cached(NEXT_RECIPIENT)?, db.prepare_cached(ROWS)?);
        let mut recipient = String::new();
        for _ in 0..RECIPIENTS_MAX {
            match next.query_row([&recipient], |row| row.get::<_, Option<String>>(0))? {
                Some(found) => recipient = found,
                None => break,
            }
            let mut rows = rows.query([&recipient])?;
            while self.wants(&recipient)
                && let Some(row) = rows.next()?
            {
                self.at(row)?;
            }
        }
        Ok(())
    }
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
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn empty() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gengfu.db");
        drop(crate::store::Store::open(&path).unwrap());
        let db = Connection::open(path).unwrap();
        (dir, db)
    }

    #[test]
    fn no_look_reads_rows_that_it_does_not_hand_out() {
        let (_dir, db) = empty();
        for (statement, parameters) in [(FRONT, 1), (NEXT_RECIPIENT, 1), (ROWS, 1), (EARLIER, 3)] {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let values = rusqlite::params_from_iter(std::iter::repeat_n(1, parameters));
            let steps = plan.query_map(values, |row| row.get::<_, String>(3)).unwrap();
            for step in steps.map(Result::unwrap) {
                // The front is read from its own index, in order, up to a limit.
                let kept = step.starts_with("SEARCH") || step.contains("INDEX outbox_front");
                assert!(kept && step.contains("USING"), "{statement}: {step}");
            }
        }
    }

    /// Recipient, thread, sequence, urgency, time, attempts, when it is due again.
    type Waiting = (usize, usize, u32, u8, i64, u32, i64);

    fn id(n: usize) -> String {
        format!("{n:04}")
    }

    /// The same by sorting everything.
    fn naive(all: &[Waiting], now: i64, held: &Held) -> Vec<String> {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|n| (all[*n].3, all[*n].4, all[*n].2, *n));
        let mut taken = BTreeSet::new();
        let mut found = Vec::new();
        for n in order {
            let (to, thread, sequence, rank, at, attempts, next_at) = all[n];
            let holds_up = |m: &Waiting| m.5 > 0 || m.6 <= m.4;
            let earlier = |m: &Waiting| m.0 == to && m.1 == thread && m.2 < sequence && holds_up(m);
            let waits = all.iter().enumerate().any(|(m, row)| earlier(row) && !held.ids.contains(&id(m)));
            let busy = rank > 0 && held.busy.contains(&to.to_string());
            let rests = next_at > now && (attempts > 0 || next_at > at);
            let closed = held.closed.contains(&to.to_string());
            if !waits && !busy && !rests && !closed && !held.ids.contains(&id(n)) && taken.insert(to) {
                found.push(id(n));
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn turns_are_those_of_a_model_however_few_rows_the_front_has(
            all in prop::collection::vec((0usize..5, 0usize..3, 0u32..4, 0u8..3, 0i64..9, 0u32..2, 0i64..9), 0..30),
            now in 0i64..9, front in 1usize..40, held in prop::collection::vec(0usize..30, 0..3),
        ) {
            let (_dir, db) = empty();
            for (n, row) in all.iter().enumerate() {
                let (to, thread, sequence, rank, at, attempts, next_at) = row;
                db.execute(
                    "INSERT INTO outbox (id, thread, sequence, recipient, at, expires, next_at, attempts, state, urgency,
                     message) VALUES (?1, ?2, ?3, ?4, ?5, 99, ?6, ?7, 'pending', ?8, x'')",
                    params![id(n), format!("t{thread}"), sequence, to.to_string(), at, next_at, attempts, rank],
                ).unwrap();
            }
            let held = Held {
                ids: held.iter().take(1).map(|n| id(*n)).collect(),
                busy: held.iter().skip(1).take(1).map(|n| (n % 5).to_string()).collect(),
                closed: held.iter().skip(2).map(|n| (n % 5).to_string()).collect(),
                no_mail: false,
            };
            let found: Vec<String> =
                heads(&db, Timestamp(now), &held, 99, front).unwrap().into_iter().map(|(_, _, id)| id).collect();
            let (found, model): (BTreeSet<_>, BTreeSet<_>) =
                (found.into_iter().collect(), naive(&all, now, &held).into_iter().collect());
            prop_assert_eq!(found, model);
        }
    }
}
