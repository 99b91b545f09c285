//! Sealing: once a civil day is over and nothing can be added to it any more, its statement is signed and kept.
//!
//! Invariants: days are sealed in order, without a hole, each in one transaction with the packing of its tallies; a day's
//! facts are the rows behind those of the day before, up to the first one of a later day; what retention will forget is
//! declared in a signed statement before a row goes.

use super::key::Signer;
use super::pack::{Counts, pack};
use super::rows::{Log, Mark, Prints, read_tallies};
use super::statement::{Hash, Sealed, Statement};
use crate::domain::civil::Zone;
use crate::domain::{HOUR, MINUTE, Millis, Span, Timestamp};
use crate::store::{StoreError, audit, facts};
use rusqlite::{Connection, OptionalExtension, params};

/// How long after its end a day is sealed: every attempt that began in it is over, and every store that refused writes
/// for a moment has caught up.
pub(super) const SEAL_AFTER: Millis = 10 * MINUTE;

/// A day that is sealed later than this after its end says so.
const LATE_AFTER: Millis = HOUR;

/// Days of one transaction, while they hold little.
const DAYS_PER_STEP: usize = 31;

/// No further day in a transaction that has read so many rows.
const ROWS_PER_STEP: usize = 20_000;

/// When and by which rules days are sealed.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// Engine time: nothing that is stored from now on has an earlier one.
    pub now: Timestamp,
    /// In which days are civil.
    pub zone: Zone,
    /// How long facts and tallies are kept.
    pub retain_ms: Millis,
    /// How long the audit log is kept.
    pub retain_audit_ms: Millis,
}

/// What one step sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedDays {
    /// In order.
    pub days: Vec<Statement>,
    /// Whether there may be more to seal at once.
    pub more: bool,
}

/// The statement of one day.
pub(in crate::store) fn statement(db: &Connection, number: u64) -> Result<Option<Statement>, StoreError> {
    let one = "SELECT statement FROM evidence WHERE number = ?1";
    let text: Option<String> = db.prepare_cached(one)?.query_row([number], |row| row.get(0)).optional()?;
    text.map(|text| Statement::parse(&text).ok_or_else(|| unreadable(number))).transpose()
}

fn unreadable(number: u64) -> StoreError {
    StoreError::Corrupt(format!("the statement of day number {number} in the evidence cannot be read"))
}

/// The statement of the last day that was sealed.
pub(in crate::store) fn last(db: &Connection) -> Result<Option<Statement>, StoreError> {
    let newest: Option<u64> = db.query_row("SELECT max(number) FROM evidence", [], |row| row.get(0))?;
    newest.map_or(Ok(None), |number| statement(db, number))
}

/// Seals what is due, a few days at most.
pub(in crate::store) fn seal(db: &Connection, signer: &Signer, sealing: &Sealing) -> Result<SealedDays, StoreError> {
    let (mut done, mut rows) = (SealedDays::default(), 0);
    while done.days.len() < DAYS_PER_STEP && rows < ROWS_PER_STEP {
        let last = match done.days.pop() {
            Some(last) => {
                done.days.push(last);
                done.days.last().cloned()
            }
            None => last(db)?,
        };
        let Some((read, day)) = seal_next(db, signer, sealing, last.as_ref())? else { return Ok(done) };
        rows += read;
        done.days.push(day);
    }
    done.more = true;
    Ok(done)
}

/// Where the next day begins: in time, and behind which rows.
struct Begin {
    from: Timestamp,
    facts: u64,
    audit: u64,
}

fn begin(db: &Connection, zone: &Zone, last: Option<&Statement>) -> Result<Option<Begin>, StoreError> {
    if let Some(last) = last {
        return Ok(Some(Begin { from: last.span.end, facts: last.facts.last, audit: last.audit.last }));
    }
    let first = |table: &str| -> Result<Option<(u64, i64)>, StoreError> {
        let sql = format!("SELECT id, at FROM {table} ORDER BY id LIMIT 1");
        Ok(db.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    };
    let (fact, row) = (first("facts")?, first("audit")?);
    let hour: Option<i64> = db.query_row("SELECT min(hour) FROM tallies", [], |row| row.get(0))?;
    let earliest = [fact.map(|(_, at)| at), row.map(|(_, at)| at), hour].into_iter().flatten().min();
    let Some(earliest) = earliest else { return Ok(None) };
    Ok(Some(Begin {
        from: zone.midnight(zone.date(Timestamp(earliest))),
        facts: fact.map_or(facts::end(db)?, |(id, _)| id - 1),
        audit: row.map_or(audit::end(db)?, |(id, _)| id - 1),
    }))
}

/// Seals the next day if it is over; the answer has how many rows were read.
fn seal_next(
    db: &Connection,
    signer: &Signer,
    sealing: &Sealing,
    last: Option<&Statement>,
) -> Result<Option<(usize, Statement)>, StoreError> {
    let Sealing { now, zone, .. } = sealing;
    let Some(begin) = begin(db, zone, last)? else { return Ok(None) };
    let date = zone.date(begin.from);
    let span = Span::new(begin.from, zone.day(date).end);
    if *now < span.end + SEAL_AFTER || span.end <= span.start {
        return Ok(None);
    }
    pack_tallies(db, span)?;
    let (facts, mut marks) = sealed(db, Log::Facts, begin.facts, span.end)?;
    let (audit, audit_marks) = sealed(db, Log::Audit, begin.audit, span.end)?;
    let mut prints = Prints::new();
    read_tallies(db, span.start, &mut prints, |_| ())?;
    let (digest, tally_marks) = prints.digest();
    let tallies = (tally_marks.len() as u64, digest);
    marks.extend(audit_marks.into_iter().chain(tally_marks));
    let blob = marks.concat();
    let number = last.map_or(1, |last| last.number + 1);
    let day = Statement {
        number,
        day: date.to_string(),
        zone: zone.name().to_owned(),
        span,
        sealed: *now,
        late: *now > span.end + LATE_AFTER,
        previous: last.map_or(Hash::NONE, Statement::head),
        facts,
        audit,
        tallies,
        marks: Hash::of(&blob),
        forgets_facts: forgets(db, last.map_or(0, |last| last.forgets_facts), *now - sealing.retain_ms)?,
        forgets_audit: forgets(db, last.map_or(0, |last| last.forgets_audit), *now - sealing.retain_audit_ms)?,
        key: signer.public(),
    };
    let text = day.to_string();
    let insert = "INSERT INTO evidence (number, statement, signature, marks) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(insert)?.execute(params![number, text, signer.sign(text.as_bytes()), blob])?;
    Ok(Some((marks.len(), day)))
}

/// The rows of a log behind `after` that belong to a day which ends at `until`.
fn sealed(db: &Connection, log: Log, after: u64, until: Timestamp) -> Result<(Sealed, Vec<Mark>), StoreError> {
    // By id, not by the index on time: the first hit ends the search.
    let later = format!("SELECT id FROM {} WHERE id > ?1 AND +at >= ?2 ORDER BY id LIMIT 1", log.table());
    let later: Option<u64> =
        db.prepare_cached(&later)?.query_row(params![after, until.0], |row| row.get(0)).optional()?;
    let newest = format!("SELECT max(id) FROM {}", log.table());
    let last = match later {
        Some(id) => id - 1,
        None => {
            db.prepare_cached(&newest)?.query_row([], |row| row.get::<_, Option<u64>>(0))?.unwrap_or(after).max(after)
        }
    };
    let mut prints = Prints::new();
    log.read(db, (after + 1, last), &mut prints, |_, _| ())?;
    let (digest, marks) = prints.digest();
    Ok((Sealed { first: after + 1, last, count: marks.len() as u64, digest }, marks))
}

/// The last day that may be forgotten: it and all before it ended at or before `before`.
fn forgets(db: &Connection, so_far: u64, before: Timestamp) -> Result<u64, StoreError> {
    let mut number = so_far;
    while statement(db, number + 1)?.is_some_and(|day| day.span.end <= before) {
        number += 1;
    }
    Ok(number)
}

/// Puts the hours that ended within `span` into one row for each probe.
fn pack_tallies(db: &Connection, span: Span) -> Result<(), StoreError> {
    let (after, through) = (span.start.0 - HOUR, span.end.0 - HOUR);
    let mut rows = db.prepare_cached(
        "SELECT probe, hour, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail
         FROM tallies WHERE hour > ?1 AND hour <= ?2 ORDER BY probe, hour",
    )?;
    let mut insert = db.prepare_cached("INSERT INTO tally_days (start, probe, hours) VALUES (?1, ?2, ?3)")?;
    let mut rows = rows.query([after, through])?;
    let mut keep = |probe: Option<i64>, hours: &mut Vec<(Timestamp, Counts)>| -> Result<(), StoreError> {
        if let Some(probe) = probe {
            insert.execute(params![span.start.0, probe, pack(span.start, hours)])?;
        }
        hours.clear();
        Ok(())
    };
    let (mut of, mut hours) = (None, Vec::new());
    while let Some(row) = rows.next()? {
        let probe: i64 = row.get(0)?;
        if of != Some(probe) {
            keep(of.replace(probe), &mut hours)?;
        }
        let mut counts = Counts::default();
        for (i, count) in counts.iter_mut().enumerate() {
            *count = row.get(i + 2)?;
        }
        hours.push((Timestamp(row.get(1)?), counts));
    }
    keep(of, &mut hours)?;
    db.prepare_cached("DELETE FROM tallies WHERE hour > ?1 AND hour <= ?2")?.execute([after, through])?;
    Ok(())
}
