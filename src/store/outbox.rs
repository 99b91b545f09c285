//! Rows of the outbox: what waits, what was accepted, what was given up.
//!
//! Not here: sending (`crate::outbox`). Invariants: an id is inserted once and never again, whatever became of it; of
//! one thread and recipient only the earliest pending row is due; rows of one recipient are handed out one at a time,
//! the most urgent first. A row that is folded into another shares its fate. A fresh row that waits for its recipient's
//! quiet digest holds up no later one that does not, and leaves with that one.

mod fold;
mod turn;

pub use fold::{Crowd, Limits};
pub use turn::Held;
pub(super) use turn::{due, has_earlier};

use super::StoreError;
use crate::domain::{Content, Message, Timestamp};
use rusqlite::types::ToSql;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// Waits for its first or next attempt.
    Pending,
    /// A relay took it.
    Sent,
    /// Refused for good, or its life is over.
    Dead,
    /// Given up by a person.
    Dropped,
    /// A line of another row's mail, which has not left yet.
    Folded,
}

impl LetterState {
    /// The column's and the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
            Self::Folded => "folded",
        }
    }

    fn named(name: &str) -> Result<Self, StoreError> {
        let all = [Self::Pending, Self::Sent, Self::Dead, Self::Dropped, Self::Folded];
        all.into_iter().find(|s| s.as_str() == name).ok_or_else(|| StoreError::Corrupt(format!("letter state {name}")))
    }
}

/// Whom a message to the fallback contact stands in for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPlaceOf {
    /// The address that could not be reached.
    pub mail: String,
    /// Why.
    pub error: String,
}

/// One row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// What is to be said; `expires` is the row's, which a retry by a person extends.
    pub message: Message,
    /// What became of it.
    pub state: LetterState,
    /// Attempts so far.
    pub attempts: u32,
    /// No attempt before this instant; a first one is due at once, unless it is held until then.
    pub next_at: Timestamp,
    /// What the last attempt met.
    pub last_error: Option<String>,
    /// The relay of the last attempt.
    pub relay: Option<String>,
    /// When it was accepted or given up.
    pub settled_at: Option<Timestamp>,
    /// Set on a message to the fallback contact.
    pub in_place_of: Option<InPlaceOf>,
    /// The row whose mail says this in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded_into: Option<String>,
    /// The very bytes of the first attempt, so that every later one is the same mail.
    #[serde(skip)]
    pub rendered: Option<Vec<u8>>,
}

impl Letter {
    /// A fresh row, due at once or at the end of its hold.
    pub fn new(message: Message) -> Self {
        Self {
            next_at: message.held_until.unwrap_or(message.at),
            message,
            state: LetterState::Pending,
            attempts: 0,
            last_error: None,
            relay: None,
            settled_at: None,
            in_place_of: None,
            folded_into: None,
            rendered: None,
        }
    }

    /// Whether it was never tried and waits for its recipient's quiet digest.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.attempts == 0 && self.next_at > self.message.at && self.next_at > now
    }
}

/// How the outbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LetterCounts {
    /// Rows that wait.
    pub pending: u64,
    /// When the oldest of them was decided.
    pub oldest: Option<Timestamp>,
    /// Rows that were given up and that nobody has dropped.
    pub dead: u64,
}

const COLUMNS: &str = "message, expires, state, attempts, next_at, last_error, relay, settled_at, in_place_of, rendered, \
                       folded_into";

/// Inserts fresh rows; ids that are known already stay as they are.
pub(super) fn insert(db: &Connection, messages: &[Message]) -> Result<(), StoreError> {
    for message in messages {
        put(db, &Letter::new(message.clone()), "NOTHING")?;
        release(db, message)?;
    }
    Ok(())
}

/// What cannot wait takes along what waits before it in its thread.
fn release(db: &Connection, message: &Message) -> Result<(), StoreError> {
    if message.held_until.is_none() && message.sequence > 0 {
        let held = "UPDATE outbox SET next_at = at WHERE state = 'pending' AND thread = ?1 AND recipient = ?2
                    AND sequence < ?3 AND attempts = 0 AND next_at > at";
        db.prepare_cached(held)?.execute(params![message.thread, message.to.mail, message.sequence])?;
    }
    Ok(())
}

/// Records a row as it stands now, whether it was known or not.
pub(super) fn record(db: &Connection, letter: &Letter) -> Result<(), StoreError> {
    put(
        db,
        letter,
        "UPDATE SET state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at,
         last_error = excluded.last_error, relay = excluded.relay, settled_at = excluded.settled_at,
         rendered = coalesce(rendered, excluded.rendered)
         WHERE state = 'pending' OR excluded.state = 'sent'",
    )?;
    release(db, &letter.message)?;
    match letter.message.content {
        Content::Folded(_) => fold::follow(db, &letter.message.id),
        _ => Ok(()),
    }
}

fn put(db: &Connection, letter: &Letter, on_conflict: &str) -> Result<(), StoreError> {
    let m = &letter.message;
    let json = |e: serde_json::Error| StoreError::Corrupt(format!("message {} cannot be written: {e}", m.id));
    let body = serde_json::to_vec(m).map_err(json)?;
    let in_place_of = letter.in_place_of.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
    let insert = format!(
        "INSERT INTO outbox (id, thread, sequence, recipient, at, expires, next_at, attempts, state, last_error, relay,
         settled_at, in_place_of, urgency, message, rendered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT (id) DO {on_conflict}"
    );
    let settled_at = letter.settled_at.map(|t| t.0);
    let urgency = m.content.urgency().rank();
    let values: [&dyn ToSql; 16] = [
        &m.id,
        &m.thread,
        &m.sequence,
        &m.to.mail,
        &m.at.0,
        &m.expires.0,
        &letter.next_at.0,
        &letter.attempts,
        &letter.state.as_str(),
        &letter.last_error,
        &letter.relay,
        &settled_at,
        &in_place_of,
        &urgency,
        &body,
        &letter.rendered,
    ];
    db.prepare_cached(&insert)?.execute(values)?;
    Ok(())
}

fn letter(row: &Row<'_>) -> Result<Letter, StoreError> {
    let damaged = |e: serde_json::Error| StoreError::Corrupt(format!("a message of the outbox: {e}"));
    let body = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    let mut message: Message = serde_json::from_slice(body).map_err(damaged)?;
    message.expires = Timestamp(row.get(1)?);
    let in_place_of: Option<String> = row.get(8)?;
    Ok(Letter {
        message,
        state: LetterState::named(&row.get::<_, String>(2)?)?,
        attempts: row.get(3)?,
        next_at: Timestamp(row.get(4)?),
        last_error: row.get(5)?,
        relay: row.get(6)?,
        settled_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        in_place_of: in_place_of.map(|text| serde_json::from_str(&text)).transpose().map_err(damaged)?,
        rendered: row.get(9)?,
        folded_into: row.get(10)?,
    })
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Letter>, StoreError> {
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        letters.push(letter(row)?);
    }
    Ok(letters)
}

/// When the next row that is not due at `now` becomes so.
pub(super) fn next(db: &Connection, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let again = "SELECT min(next_at) FROM outbox WHERE state = 'pending' AND attempts > 0 AND next_at > ?1";
    let held = "SELECT min(next_at) FROM outbox
                WHERE state = 'pending' AND attempts = 0 AND next_at > at AND next_at > ?1";
    let first = |rows: &str| db.prepare_cached(rows)?.query_row([now.0], |row| row.get::<_, Option<i64>>(0));
    Ok(first(again)?.into_iter().chain(first(held)?).min().map(Timestamp))
}

/// Rows in one state, or in any, newest decision first.
pub(super) fn list(db: &Connection, state: Option<LetterState>, limit: usize) -> Result<Vec<Letter>, StoreError> {
    // Not one statement for both: that could use no index.
    let which = if state.is_some() { "WHERE state = ?1" } else { "WHERE ?1 IS NULL" };
    let rows = format!("SELECT {COLUMNS} FROM outbox {which} ORDER BY at DESC, id LIMIT ?2");
    collect(db.prepare_cached(&rows)?.query(params![state.map(LetterState::as_str), limit])?)
}

/// One row by its id.
pub(super) fn get(db: &Connection, id: &str) -> Result<Option<Letter>, StoreError> {
    let mut one = db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?;
    let mut rows = one.query([id])?;
    rows.next()?.map(letter).transpose()
}

/// Messages that a relay took at or after `since`, in that order, without those to the fallback contact.
pub(super) fn accepted(db: &Connection, since: Timestamp) -> Result<Vec<Letter>, StoreError> {
    let mut rows = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = 'sent' AND state <> 'pending' AND settled_at >= ?1
         AND in_place_of IS NULL ORDER BY settled_at, id"
    ))?;
    collect(rows.query([since.0])?)
}

/// The last `limit` rows that a recipient was sent at or after `since`, the oldest first.
pub(super) fn taken(db: &Connection, to: &str, since: Timestamp, limit: usize) -> Result<Vec<Letter>, StoreError> {
    let mut rows = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = 'sent' AND recipient = ?1 AND settled_at >= ?2
         ORDER BY settled_at DESC, sequence DESC LIMIT ?3"
    ))?;
    let mut taken = collect(rows.query(params![to, since.0, limit])?)?;
    taken.reverse();
    Ok(taken)
}

/// Lets a person try a row again that was given up, with a new end of life.
pub(super) fn retry(db: &Connection, id: &str, expires: Timestamp) -> Result<(), StoreError> {
    let again = "UPDATE outbox SET state = 'pending', attempts = 0, next_at = at, settled_at = NULL,
                 expires = max(expires, ?2), folded_into = NULL WHERE id = ?1 AND state <> 'sent'";
    one(db.execute(again, params![id, expires.0])?, id)?;
    fold::follow(db, id)
}

/// Lets a person give a row up.
pub(super) fn drop(db: &Connection, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let given_up = "UPDATE outbox SET state = 'dropped', settled_at = ?2 WHERE id = ?1 AND state <> 'sent'";
    one(db.execute(given_up, params![id, at.0])?, id)?;
    fold::follow(db, id)
}

/// A list for `json_each`.
fn json(names: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(names).map_err(|e| StoreError::Corrupt(e.to_string()))
}

fn one(changed: usize, id: &str) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Missing(format!("unsent message {id}"))) }
}

/// How the outbox stands.
pub(super) fn counts(db: &Connection) -> Result<LetterCounts, StoreError> {
    // What is held is as old as the time at which it should have left.
    let pending = "SELECT count(*), min(CASE WHEN attempts = 0 AND next_at > at THEN next_at ELSE at END) FROM outbox
                   WHERE state = 'pending'";
    let (pending, oldest) =
        db.prepare_cached(pending)?.query_row([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let dead = "SELECT count(*) FROM outbox WHERE state = 'dead'";
    let dead = db.prepare_cached(dead)?.query_row([], |row| row.get(0))?;
    Ok(LetterCounts { pending, oldest: oldest.map(Timestamp), dead })
}

/// Those of `ids` that were ever inserted.
pub(super) fn known(db: &Connection, ids: &[String]) -> Result<Vec<String>, StoreError> {
    let mut known = db.prepare_cached("SELECT id FROM outbox WHERE id IN (SELECT value FROM json_each(?1))")?;
    Ok(known.query_map([json(ids)?], |row| row.get(0))?.collect::<Result<_, _>>()?)
}
