//! Rows of the log, of checkpoints, of the alive mark and of the hourly tallies.
//!
//! Invariants: ids count up without holes from 1; a row is never changed; a batch that is already there is accepted
//! again without effect, one that differs from what is there is refused; checkpoints outlive the facts they fold.

use super::{Ends, FACTS_PER_PAGE, Loaded, StoreError, Tally, audit, evidence, schema};
use crate::domain::{DAY, Fact, HOUR, ProbeId, Recorded, Span, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;

/// Checkpoints that are kept: the newest, and one to fall back on.
const CHECKPOINTS_KEPT: u32 = 2;

/// Rows that one step of `prune` deletes, so that no commit waits long behind it.
pub(super) const PRUNED_PER_STEP: usize = 2_000;

#[derive(Deserialize)]
struct Kind {
    fact: String,
}

pub(super) fn damaged(what: impl std::fmt::Display, error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("{what} cannot be understood: {error}"))
}

/// The last id of the log; 0 if it is empty.
pub(super) fn end(db: &Connection) -> Result<u64, StoreError> {
    let newest = "SELECT max(coalesce((SELECT max(id) FROM facts), 0),
                             coalesce((SELECT max(through) FROM checkpoints), 0))";
    Ok(db.prepare_cached(newest)?.query_row([], |row| row.get(0))?)
}

/// Appends behind `after` and returns the last id.
pub(super) fn append(db: &Connection, after: u64, facts: &[Recorded]) -> Result<u64, StoreError> {
    let end = end(db)?;
    if end < after {
        return Err(StoreError::Conflict { end, after });
    }
    let mut insert = db.prepare_cached("INSERT INTO facts (id, at, kind, body) VALUES (?1, ?2, ?3, ?4)")?;
    let mut compare = db.prepare_cached("SELECT at = ?2 AND body = ?3 FROM facts WHERE id = ?1")?;
    let mut id = after;
    for recorded in facts {
        id += 1;
        let body = serde_json::to_vec(&recorded.fact).map_err(|e| damaged(format!("fact {id}"), &e))?;
        if id > end {
            let kind: Kind = serde_json::from_slice(&body).map_err(|e| damaged(format!("fact {id}"), &e))?;
            insert.execute(params![id, recorded.at.0, kind.fact, body])?;
        } else if compare.query_row(params![id, recorded.at.0, body], |row| row.get(0)).optional()? != Some(true) {
            return Err(StoreError::Conflict { end, after });
        }
    }
    Ok(end.max(id))
}

fn fact(row: &Row<'_>) -> Result<(u64, Recorded), StoreError> {
    let id = row.get(0)?;
    let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let fact: Fact = serde_json::from_slice(body).map_err(|e| damaged(format!("fact {id}"), &e))?;
    Ok((id, Recorded { at: Timestamp(row.get(1)?), fact }))
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<(u64, Recorded)>, StoreError> {
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push(fact(row)?);
    }
    Ok(facts)
}

/// One page of the facts written within `span`, by time; of those at its very start, only what is behind `after`.
pub(super) fn between(db: &Connection, span: Span, after: u64) -> Result<Vec<(u64, Recorded)>, StoreError> {
    let mut page = db.prepare_cached(
        "SELECT id, at, body FROM facts WHERE (at, id) > (?1, ?2) AND at < ?3 ORDER BY at, id LIMIT ?4",
    )?;
    collect(page.query(params![span.start.0, after, span.end.0, FACTS_PER_PAGE])?)
}

/// What a start needs, as if checkpoints from `before` on were not there.
pub(super) fn load(db: &Connection, before: u64) -> Result<Loaded, StoreError> {
    let newest = "SELECT through, body FROM checkpoints WHERE through < ?1 ORDER BY through DESC LIMIT 1";
    let checkpoint: Option<(u64, Vec<u8>)> =
        db.query_row(newest, [before.min(i64::MAX as u64)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let through = checkpoint.as_ref().map_or(0, |(through, _)| *through);
    let mut rest = db.prepare("SELECT id, at, body FROM facts WHERE id > ?1 ORDER BY id")?;
    let facts = collect(rest.query([through])?)?;
    let alive = db.query_row("SELECT at FROM alive", [], |row| row.get(0)).optional()?.map(Timestamp);
    let audit = if schema::has(db, schema::WITH_AUDIT)? { audit::end(db)? } else { 0 };
    let sealed = if schema::has(db, schema::WITH_EVIDENCE)? { evidence::last(db)? } else { None };
    Ok(Loaded { checkpoint, facts, alive, sealed, ends: Ends { facts: end(db)?, audit } })
}

/// Overwrites the alive mark.
pub(super) fn alive(db: &Connection, at: Timestamp) -> Result<(), StoreError> {
    let one = "INSERT INTO alive (one, at) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET at = excluded.at";
    db.prepare_cached(one)?.execute([at.0])?;
    Ok(())
}

/// Keeps a checkpoint and forgets all but the last two.
pub(super) fn checkpoint(db: &Connection, through: u64, body: &[u8]) -> Result<(), StoreError> {
    let end = end(db)?;
    if end < through {
        return Err(StoreError::Conflict { end, after: through });
    }
    let put = "INSERT INTO checkpoints (through, body) VALUES (?1, ?2)
               ON CONFLICT (through) DO UPDATE SET body = excluded.body";
    db.execute(put, params![through, body])?;
    let forget = "DELETE FROM checkpoints WHERE through NOT IN
                  (SELECT through FROM checkpoints ORDER BY through DESC LIMIT ?1)";
    db.execute(forget, [CHECKPOINTS_KEPT])?;
    Ok(())
}

/// Adds to the tallies of an hour; returns how many came too late, since their day is sealed.
pub(super) fn tally(db: &Connection, rows: &[Tally]) -> Result<usize, StoreError> {
    let sealed_until = evidence::sealed_until(db)?.unwrap_or(Timestamp::MIN);
    let mut known = db.prepare_cached("INSERT INTO probes (id) VALUES (?1) ON CONFLICT (id) DO NOTHING")?;
    let mut add = db.prepare_cached(
        "INSERT INTO tallies (hour, probe, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail)
         SELECT ?1, key, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM probes WHERE id = ?2
         ON CONFLICT (hour, probe) DO UPDATE SET ticks = ticks + excluded.ticks, pass = pass + excluded.pass,
         degraded = degraded + excluded.degraded, fail = fail + excluded.fail, unknown = unknown + excluded.unknown,
         skipped = skipped + excluded.skipped, slow_pass = slow_pass + excluded.slow_pass,
         slow_fail = slow_fail + excluded.slow_fail",
    )?;
    let in_time = rows.iter().filter(|t| t.hour + HOUR > sealed_until);
    let mut late = rows.len();
    for t in in_time {
        late -= 1;
        known.execute([t.probe.as_str()])?;
        let counts = [t.ticks, t.pass, t.degraded, t.fail, t.unknown, t.skipped, t.slow_pass, t.slow_fail];
        let [ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail] = counts;
        let (hour, probe) = (t.hour.0, t.probe.as_str());
        add.execute(params![hour, probe, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail])?;
    }
    Ok(late)
}

/// The tallies of the hours that begin within `span`, by hour.
pub(super) fn tallies(db: &Connection, span: Span) -> Result<Vec<Tally>, StoreError> {
    let mut rows = db.prepare_cached(
        "SELECT id, hour, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail
         FROM tallies JOIN probes ON key = probe WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, id",
    )?;
    let mut rows = rows.query([span.start.0, span.end.0])?;
    let mut tallies = if schema::has(db, schema::WITH_EVIDENCE)? { packed(db, span)? } else { Vec::new() };
    while let Some(row) = rows.next()? {
        let mut counts = [0; 8];
        for (i, count) in counts.iter_mut().enumerate() {
            *count = row.get(i + 2)?;
        }
        tallies.push(tally_of(ProbeId::new(row.get::<_, String>(0)?), Timestamp(row.get(1)?), counts));
    }
    tallies.sort_by(|a, b| (a.hour, a.probe.as_str()).cmp(&(b.hour, b.probe.as_str())));
    Ok(tallies)
}

/// Those of sealed days, in any order.
fn packed(db: &Connection, span: Span) -> Result<Vec<Tally>, StoreError> {
    let mut days = db.prepare_cached(
        "SELECT id, start, hours FROM tally_days JOIN probes ON key = probe WHERE start > ?1 AND start < ?2",
    )?;
    // A day that begins two days before `span` is over when it begins, whatever its zone does.
    let mut days = days.query([span.start.0 - 2 * DAY, span.end.0 + HOUR])?;
    let mut tallies = Vec::new();
    while let Some(row) = days.next()? {
        let probe = ProbeId::new(row.get::<_, String>(0)?);
        let hours = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let hours = evidence::unpack(Timestamp(row.get(1)?), hours)
            .ok_or_else(|| StoreError::Corrupt(format!("the packed tallies of {probe} cannot be read")))?;
        let within = hours.into_iter().filter(|(hour, _)| span.contains(*hour));
        tallies.extend(within.map(|(hour, counts)| tally_of(probe.clone(), hour, counts)));
    }
    Ok(tallies)
}

fn tally_of(probe: ProbeId, hour: Timestamp, counts: [u32; 8]) -> Tally {
    let [ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail] = counts;
    Tally { probe, hour, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail }
}

/// One step of forgetting: letters that were settled before `before`, and facts and tallies of the days that a signed
/// statement declared forgotten. Returns how many rows went, 0 when there is nothing left.
pub(super) fn prune(db: &Connection, before: Timestamp) -> Result<usize, StoreError> {
    let outbox = "DELETE FROM outbox WHERE id IN
                  (SELECT id FROM outbox WHERE state <> 'pending' AND settled_at < ?1 LIMIT ?2)";
    let mut gone = db.prepare_cached(outbox)?.execute(params![before.0, PRUNED_PER_STEP])?;
    let declared = evidence::last(db)?.map_or(0, |day| day.forgets_facts);
    if let Some(day) = evidence::statement(db, declared)? {
        // A fact may go only when both checkpoints contain it, so that a start never misses one.
        let facts = "DELETE FROM facts WHERE id IN (SELECT id FROM facts WHERE id <= ?1
                     AND id <= coalesce((SELECT min(through) FROM checkpoints), 0) ORDER BY id LIMIT ?2)";
        let tallies = "DELETE FROM tally_days WHERE (start, probe) IN
                       (SELECT start, probe FROM tally_days WHERE start < ?1 LIMIT ?2)";
        gone += db.prepare_cached(facts)?.execute(params![day.facts.last, PRUNED_PER_STEP])?;
        gone += db.prepare_cached(tallies)?.execute(params![day.span.end.0, PRUNED_PER_STEP])?;
    }
    Ok(gone)
}
