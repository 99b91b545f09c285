//! Rows that share a mail because their recipient had many, or wants to hear of them once a day.
//!
//! Not here: how that mail reads. Invariants: a row that was tried once is never folded, for it may have been taken; a
//! folded row is never lost: it stands as the row stands that it was folded into, and later ones of its thread wait
//! for it.

use super::turn::{earlier, waits};
use super::{COLUMNS, Letter, LetterState, collect, json, put};
use crate::domain::{Millis, Timestamp, Urgency};
use crate::store::lane::Durability;
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::HashSet;

/// Lines of one mail.
const LINES_MAX: usize = 100;

/// How much one recipient gets before mails are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many mails of their own.
    pub most: u32,
    /// In so long.
    pub within_ms: Millis,
    /// From then on one mail in so long, where somebody must act.
    pub page_every_ms: Millis,
    /// The same where nobody must.
    pub every_ms: Millis,
}

/// Whether one more letter may leave to its recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// Yes.
    Room,
    /// Not before this instant.
    Until(Timestamp),
    /// These may, in one mail; at least two, in order of time.
    Fold(Vec<Letter>),
}

impl Store {
    /// Whether `letter`, which is due, may leave at `now`, or how; without `limits` only what waited for a quiet digest
    /// is folded. `held` are letters that are out, or whose state only the caller knows: none of them is folded.
    pub async fn outbox_crowd(
        &self,
        letter: Letter,
        now: Timestamp,
        limits: Option<Limits>,
        held: HashSet<String>,
    ) -> Result<Crowd, StoreError> {
        self.read(move |db| match (&limits, letter.message.held_until) {
            (_, Some(_)) if letter.attempts == 0 => share(db, &letter, QUIET, now, &held),
            (Some(limits), _) => crowd(db, &letter, now, limits, &held),
            (None, _) => Ok(Crowd::Room),
        })
        .await
    }

    /// Stores `letter`, into which those of `ids` that still wait are folded; synced before the answer.
    pub async fn outbox_fold(&self, letter: Letter, ids: Vec<String>) -> Result<(), StoreError> {
        self.write(Durability::Power, move |db| {
            put(db, &letter, "NOTHING")?;
            let folded = "UPDATE outbox SET state = 'folded', folded_into = ?1
                          WHERE state = 'pending' AND id IN (SELECT value FROM json_each(?2))";
            db.prepare_cached(folded)?.execute(params![letter.message.id, json(&ids)?])?;
            Ok(())
        })
        .await
    }

    /// What was folded into the letter `id`, in order of time.
    pub async fn outbox_folded(&self, id: String) -> Result<Vec<Letter>, StoreError> {
        self.read(move |db| {
            let rows = format!("SELECT {COLUMNS} FROM outbox WHERE folded_into = ?1 ORDER BY at, sequence, id");
            collect(db.prepare_cached(&rows)?.query([&id])?)
        })
        .await
    }
}

fn crowd(
    db: &Connection,
    letter: &Letter,
    now: Timestamp,
    limits: &Limits,
    held: &HashSet<String>,
) -> Result<Crowd, StoreError> {
    let to = &letter.message.to.mail;
    let taken = "SELECT count(*), max(settled_at) FROM outbox
                 WHERE state = 'sent' AND recipient = ?1 AND settled_at > ?2 AND folded_into IS NULL";
    let since = now.0.saturating_sub(limits.within_ms);
    let (taken, last): (u32, Option<i64>) =
        db.prepare_cached(taken)?.query_row(params![to, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last.filter(|_| taken >= limits.most && letter.attempts == 0) else { return Ok(Crowd::Room) };
    let urgent = letter.message.content.urgency() == Urgency::Page;
    let free_at = Timestamp(last) + if urgent { limits.page_every_ms } else { limits.every_ms };
    if now < free_at {
        return Ok(Crowd::Until(free_at));
    }
    share(db, letter, FRESH, now, held)
}

/// Those of one sort that are to go to the recipient of `letter`, if it is one of several.
fn share(
    db: &Connection,
    letter: &Letter,
    which: &str,
    now: Timestamp,
    held: &HashSet<String>,
) -> Result<Crowd, StoreError> {
    let mut all = foldable(db, &letter.message.to.mail, which, now, held)?;
    all.sort_by_key(|l| (l.message.at, l.message.sequence));
    let shares = all.len() > 1 && all.iter().any(|l| l.message.id == letter.message.id);
    Ok(if shares { Crowd::Fold(all) } else { Crowd::Room })
}

/// Rows that are due at once.
const FRESH: &str = "next_at <= at";

/// Rows that waited for the recipient's quiet digest until now.
const QUIET: &str = "next_at > at AND next_at <= ?2";

/// The most urgent that may share a mail to `to`.
fn foldable(
    db: &Connection,
    to: &str,
    which: &str,
    now: Timestamp,
    held: &HashSet<String>,
) -> Result<Vec<Letter>, StoreError> {
    let rows = format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = 'pending' AND recipient = ?1 AND attempts = 0
         AND in_place_of IS NULL AND ({which} OR ?2 IS NULL) ORDER BY urgency, at, sequence, id LIMIT {LINES_MAX}"
    );
    let mut gone = HashSet::new();
    let mut all = Vec::new();
    let mut earlier = earlier(db)?;
    for letter in collect(db.prepare_cached(&rows)?.query(params![to, now.0])?)? {
        let m = &letter.message;
        let free = m.content.folds() && !held.contains(&m.id);
        if free && !waits(&mut earlier, &m.thread, to, m.sequence, &gone)? {
            gone.insert(m.id.clone());
            all.push(letter);
        }
    }
    Ok(all)
}

/// Lets what was folded into `id` stand as it does.
pub(super) fn follow(db: &Connection, id: &str) -> Result<(), StoreError> {
    let pending = LetterState::Pending.as_str();
    let follow = "UPDATE outbox SET (state, settled_at, relay, last_error) =
                  (SELECT CASE state WHEN ?2 THEN 'folded' ELSE state END, settled_at, relay, last_error
                   FROM outbox WHERE id = ?1) WHERE folded_into = ?1";
    db.prepare_cached(follow)?.execute(params![id, pending])?;
    Ok(())
}
