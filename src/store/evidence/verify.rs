//! Verification: reads every row once and names each place where the store is not what was signed.
//!
//! Not here: sentences (`cli`). Invariants: nothing is written; a live store is read as it is; one damaged day keeps none
//! of the others from being checked; findings are bounded and counted.

use super::key::is_signed;
use super::rows::{Log, MARK_BYTES, Mark, Prints, read_tallies};
use super::seal::SEAL_AFTER;
use super::statement::{Hash, PublicKey, Sealed, Statement};
use super::{OpenDay, open_day};
use crate::domain::{HOUR, Timestamp};
use crate::store::{StoreError, audit, schema};
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Findings that are told; all are counted.
pub(super) const FINDINGS_MAX: usize = 1_000;

/// Threads that read days.
const READERS_MAX: usize = 8;

/// How often a store that was sealed or pruned meanwhile is read again before its findings are believed.
const READ_AGAIN_MAX: usize = 3;

/// What somebody noted elsewhere and wants to find again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Heads of days.
    pub heads: Vec<Hash>,
    /// Keys that may have signed; without any, that of the first day.
    pub keys: Vec<PublicKey>,
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The civil date, if it lies in one.
    pub day: Option<String>,
    /// The table.
    pub table: &'static str,
    /// The row: its id, or the probe of a day's tallies.
    pub row: Option<String>,
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A day's statement is not there.
    DayMissing,
    /// A statement, or a page of the file, cannot be read.
    Unreadable(String),
    /// A day does not continue the one before it.
    Unchained,
    /// The signature is not that of the key that the statement names.
    Unsigned,
    /// Signed with a key that is not one of those expected.
    OtherKey(PublicKey),
    /// A row is not what was sealed.
    Changed,
    /// A row that was sealed is not there.
    Missing,
    /// A row is there that was not when the day was sealed.
    Added,
    /// A row is dated before one that was written earlier, or before its day.
    BackDated(Timestamp),
    /// The rows are not those that were sealed, and the marks do not say which.
    Differs,
    /// The marks, by which rows are found, were changed.
    MarksChanged,
    /// The end is missing: a row with this id was there once.
    CutOff(u64),
    /// This head is in no day.
    NoSuchHead(Hash),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub wrong: Wrong,
}

/// What was read and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Statements, in order.
    pub days: Vec<Statement>,
    /// Facts, audit rows and packed tallies that were read in sealed days.
    pub rows: [u64; 3],
    /// What came after the last sealed day.
    pub open: OpenDay,
    /// The first thousand, by day.
    pub findings: Vec<Finding>,
    /// How many there are.
    pub findings_total: usize,
    /// The dates of the days that hold the wanted heads.
    pub heads_found: Vec<(Hash, String)>,
}

impl Proof {
    /// The last statement.
    pub fn last(&self) -> Option<&Statement> {
        self.days.last()
    }
}

/// Reads the whole chain of the store at `path`.
///
/// # Errors
/// What keeps it from being read at all; what is wrong inside is a finding.
pub(in crate::store) fn verify(path: &Path, wanted: &Wanted) -> Result<Proof, StoreError> {
    for _ in 1..READ_AGAIN_MAX {
        let proof = once(path, wanted)?;
        let db = schema::open_to_read(path)?;
        let newest: u64 = db.query_row("SELECT count(*) FROM evidence", [], |row| row.get(0))?;
        // A day that was sealed meanwhile may have declared forgotten what was just missed.
        if proof.findings.is_empty() || newest == proof.days.len() as u64 {
            return Ok(proof);
        }
    }
    once(path, wanted)
}

fn once(path: &Path, wanted: &Wanted) -> Result<Proof, StoreError> {
    let db = schema::open_to_read(path)?;
    if !schema::has(&db, schema::WITH_EVIDENCE)? {
        return Err(StoreError::Unsealed(path.display().to_string()));
    }
    let mut findings = Vec::new();
    let days = chain(&db, wanted, &mut findings)?;
    let mut rows = [0; 3];
    for part in read_days(path, &days) {
        findings.extend(part.findings);
        rows.iter_mut().zip(part.rows).for_each(|(sum, n)| *sum += n);
    }
    let open = check_open(&db, &days, &mut findings)?;
    strangers(&db, &days, &mut findings)?;
    let found = |head: &Hash| days.iter().find(|day| day.head() == *head).map(|day| (*head, day.day.clone()));
    let heads_found: Vec<_> = wanted.heads.iter().filter_map(found).collect();
    for head in wanted.heads.iter().filter(|head| !heads_found.iter().any(|(found, _)| found == *head)) {
        findings.push(at(None, "evidence", None, Wrong::NoSuchHead(*head)));
    }
    findings.sort_by(|a, b| a.place.day.cmp(&b.place.day));
    let findings_total = findings.len();
    findings.truncate(FINDINGS_MAX);
    Ok(Proof { days, rows, open, findings, findings_total, heads_found })
}

fn at(day: Option<&str>, table: &'static str, row: Option<String>, wrong: Wrong) -> Finding {
    Finding { place: Place { day: day.map(str::to_owned), table, row }, wrong }
}

/// Checks the statements against each other, and returns those that can be read.
fn chain(db: &Connection, wanted: &Wanted, findings: &mut Vec<Finding>) -> Result<Vec<Statement>, StoreError> {
    let mut select = db.prepare("SELECT number, statement, signature FROM evidence ORDER BY number")?;
    let mut rows = select.query([])?;
    let mut days: Vec<Statement> = Vec::new();
    let mut keys = wanted.keys.clone();
    let mut expected = 1;
    while let Some(row) = rows.next()? {
        let number: u64 = row.get(0)?;
        for missing in (expected..number).take(FINDINGS_MAX) {
            let after = days.last().map(|day| day.day.as_str());
            findings.push(at(after, "evidence", Some(missing.to_string()), Wrong::DayMissing));
        }
        expected = number + 1;
        let text = row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?;
        let read = std::str::from_utf8(text).ok().and_then(Statement::parse).filter(|day| day.number == number);
        let Some(day) = read else {
            let wrong = Wrong::Unreadable("not a statement".to_owned());
            findings.push(at(days.last().map(|day| day.day.as_str()), "evidence", Some(number.to_string()), wrong));
            continue;
        };
        let mut wrong = |wrong| findings.push(at(Some(&day.day), "evidence", Some(number.to_string()), wrong));
        if !is_signed(day.key, text, row.get_ref(2)?.as_bytes().map_err(rusqlite::Error::from)?) {
            wrong(Wrong::Unsigned);
        }
        if keys.is_empty() {
            keys.push(day.key);
        }
        if !keys.contains(&day.key) {
            wrong(Wrong::OtherKey(day.key));
            if wanted.keys.is_empty() {
                // Told once, where it changes.
                keys.push(day.key);
            }
        }
        if !continues(days.last(), &day) {
            wrong(Wrong::Unchained);
        }
        days.push(day);
    }
    Ok(days)
}

fn continues(before: Option<&Statement>, day: &Statement) -> bool {
    let Some(before) = before else { return day.number != 1 || day.previous == Hash::NONE };
    day.previous == before.head()
        && day.span.start == before.span.end
        && day.facts.first == before.facts.last + 1
        && day.audit.first == before.audit.last + 1
        && day.forgets_facts >= before.forgets_facts
        && day.forgets_audit >= before.forgets_audit
}

/// What one thread found.
#[derive(Default)]
struct Part {
    findings: Vec<Finding>,
    rows: [u64; 3],
}

/// Reads the rows of all days, several at a time.
fn read_days(path: &Path, days: &[Statement]) -> Vec<Part> {
    let readers = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, READERS_MAX);
    let (next, forgets) = (AtomicUsize::new(0), days.last().map_or((0, 0), |d| (d.forgets_facts, d.forgets_audit)));
    let work = || {
        let mut part = Part::default();
        let db = schema::open_to_read(path);
        while let Some(day) = days.get(next.fetch_add(1, Ordering::Relaxed)) {
            let before = part.findings.len();
            let read = db.as_ref().map_err(Clone::clone).and_then(|db| check_day(db, day, forgets, &mut part));
            if let Err(error) = read {
                part.findings.truncate(before);
                part.findings.push(at(Some(&day.day), "facts", None, Wrong::Unreadable(error.to_string())));
            }
        }
        part
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..readers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn check_day(db: &Connection, day: &Statement, forgets: (u64, u64), part: &mut Part) -> Result<(), StoreError> {
    let one = "SELECT marks FROM evidence WHERE number = ?1";
    let blob: Vec<u8> = db.prepare_cached(one)?.query_row([day.number], |row| row.get(0))?;
    let trusted = Hash::of(&blob) == day.marks;
    if !trusted {
        part.findings.push(at(Some(&day.day), "evidence", Some(day.number.to_string()), Wrong::MarksChanged));
    }
    let all: Vec<Mark> = blob.as_chunks::<MARK_BYTES>().0.to_vec();
    let parts = [day.facts.count, day.audit.count, day.tallies.0].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let mut rest = all.as_slice();
    let marks = parts.map(|n| {
        let (mine, others) = rest.split_at(n.min(rest.len()));
        rest = others;
        if trusted { mine } else { &[] }
    });
    if day.number > forgets.0 {
        check_log(db, Log::Facts, day, day.facts, marks[0], part)?;
        check_tallies(db, day, marks[2], part)?;
    }
    if day.number > forgets.1 {
        check_log(db, Log::Audit, day, day.audit, marks[1], part)?;
    }
    Ok(())
}

fn check_log(
    db: &Connection,
    log: Log,
    day: &Statement,
    sealed: Sealed,
    marks: &[Mark],
    part: &mut Part,
) -> Result<(), StoreError> {
    let (mut prints, mut ids, mut dates) = (Prints::new(), Vec::new(), Dates::of(log, day.span.start));
    let Part { findings, rows } = part;
    log.read(db, (sealed.first, sealed.last), &mut prints, |id, written| {
        ids.push(id);
        if dates.back_dated(written) {
            findings.push(at(Some(&day.day), log.table(), Some(id.to_string()), Wrong::BackDated(written)));
        }
    })?;
    rows[usize::from(log == Log::Audit)] += ids.len() as u64;
    let (digest, found) = prints.digest();
    if digest != sealed.digest {
        let dense = sealed.count == (sealed.last + 1).saturating_sub(sealed.first);
        let name = |i: usize| ids[i].to_string();
        let lost = |i: usize| dense.then(|| (sealed.first + i as u64).to_string());
        differences(day, log.table(), marks, &found, name, lost, findings);
    } else if log == Log::Facts {
        // Ids of facts have no holes: one that was there when the day was sealed is named all the same.
        let holes = (sealed.first..=sealed.last).filter(|id| ids.binary_search(id).is_err());
        let missing = |id: u64| at(Some(&day.day), log.table(), Some(id.to_string()), Wrong::Missing);
        if (ids.len() as u64) < (sealed.last + 1).saturating_sub(sealed.first) {
            findings.extend(holes.take(FINDINGS_MAX).map(missing));
        }
    }
    Ok(())
}

/// Whether rows are dated as they were written.
struct Dates {
    log: Log,
    least: Timestamp,
}

impl Dates {
    fn of(log: Log, start: Timestamp) -> Self {
        // Rows of the audit log are dated where they were asked for, a moment before they are stored.
        Self { log, least: if log == Log::Audit { start - SEAL_AFTER } else { start } }
    }

    fn back_dated(&mut self, written: Timestamp) -> bool {
        let back = written < self.least;
        if self.log == Log::Facts {
            self.least = self.least.max(written);
        }
        back
    }
}

fn check_tallies(db: &Connection, day: &Statement, marks: &[Mark], part: &mut Part) -> Result<(), StoreError> {
    let (mut prints, mut probes) = (Prints::new(), Vec::new());
    read_tallies(db, day.span.start, &mut prints, |probe| probes.push(probe.to_owned()))?;
    part.rows[2] += probes.len() as u64;
    let (digest, found) = prints.digest();
    if digest != day.tallies.1 {
        let name = |i: usize| probes[i].clone();
        differences(day, "tallies", marks, &found, name, |_| None, &mut part.findings);
    }
    Ok(())
}

/// Names the rows by which `found` differs from `sealed`, as far as the marks tell.
fn differences(
    day: &Statement,
    table: &'static str,
    sealed: &[Mark],
    found: &[Mark],
    name: impl Fn(usize) -> String,
    lost: impl Fn(usize) -> Option<String>,
    findings: &mut Vec<Finding>,
) {
    let before = findings.len();
    let mut tell = |row, wrong| findings.push(at(Some(&day.day), table, row, wrong));
    let (mut i, mut j) = (0, 0);
    while !sealed.is_empty() && (i < sealed.len() || j < found.len()) {
        match (sealed.get(i), found.get(j)) {
            (a, b) if a == b => (i, j) = (i + 1, j + 1),
            (Some(_), Some(b)) if sealed.get(i + 1) == Some(b) => {
                tell(lost(i).or_else(|| Some(format!("before {}", name(j)))), Wrong::Missing);
                i += 1;
            }
            (Some(a), Some(_)) if found.get(j + 1) == Some(a) => {
                tell(Some(name(j)), Wrong::Added);
                j += 1;
            }
            (Some(_), Some(_)) => {
                tell(Some(name(j)), Wrong::Changed);
                (i, j) = (i + 1, j + 1);
            }
            (Some(_), None) => {
                let behind = found.len().checked_sub(1).map(|last| format!("behind {}", name(last)));
                tell(lost(i).or(behind), Wrong::Missing);
                i += 1;
            }
            (None, _) => {
                tell(Some(name(j)), Wrong::Added);
                j += 1;
            }
        }
        if i + j > 2 * FINDINGS_MAX + sealed.len() + found.len() {
            break;
        }
    }
    if findings.len() == before {
        findings.push(at(Some(&day.day), table, None, Wrong::Differs));
    }
}

/// Checks what no sealed day holds yet: no holes, no dates from before, no end that was cut off.
fn check_open(db: &Connection, days: &[Statement], findings: &mut Vec<Finding>) -> Result<OpenDay, StoreError> {
    let last = days.last();
    let start = last.map_or(Timestamp::MIN, |day| day.span.end);
    let mut dates = [Dates::of(Log::Facts, start), Dates::of(Log::Audit, start)];
    let mut newest = last.map_or([0; 2], |day| [day.facts.last, day.audit.last]);
    let open = open_day(db, last, |log, id, written| {
        let i = usize::from(log == Log::Audit);
        let row = || Some(id.to_string());
        if dates[i].back_dated(written) {
            findings.push(at(None, log.table(), row(), Wrong::BackDated(written)));
        }
        if log == Log::Facts && last.is_some() && id != newest[0] + 1 {
            let lost = (newest[0] + 1).to_string();
            findings.push(at(None, log.table(), Some(lost), Wrong::Missing));
        }
        newest[i] = id;
    })?;
    let folded: Option<u64> = db.query_row("SELECT max(through) FROM checkpoints", [], |row| row.get(0))?;
    let given = audit::end(db)?;
    for (table, once, now) in [("facts", folded.unwrap_or(0), newest[0]), ("audit", given, newest[1])] {
        if once > now {
            findings.push(at(None, table, None, Wrong::CutOff(once)));
        }
    }
    Ok(open)
}

/// Finds rows that belong to sealed time, but to no sealed day.
fn strangers(db: &Connection, days: &[Statement], findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    for (table, before) in [("facts", first.facts.first), ("audit", first.audit.first)] {
        let sql = format!("SELECT id FROM {table} WHERE id < ?1 LIMIT {FINDINGS_MAX}");
        let mut early = db.prepare(&sql)?;
        for id in early.query_map([before], |row| row.get::<_, i64>(0))? {
            findings.push(at(Some(&first.day), table, Some(id?.to_string()), Wrong::Added));
        }
    }
    let sql = format!("SELECT id, hour FROM tallies JOIN probes ON key = probe WHERE hour <= ?1 LIMIT {FINDINGS_MAX}");
    let mut late = db.prepare(&sql)?;
    let mut late = late.query([last.span.end.0 - HOUR])?;
    while let Some(row) = late.next()? {
        let (probe, hour) = (row.get::<_, String>(0)?, Timestamp(row.get(1)?));
        let day = days.iter().find(|day| hour + HOUR > day.span.start && hour + HOUR <= day.span.end);
        findings.push(at(day.map(|day| day.day.as_str()), "tallies", Some(format!("{probe} {hour}")), Wrong::Added));
    }
    let mut next = db.prepare("SELECT min(start) FROM tally_days WHERE start > ?1")?;
    let mut start = i64::MIN;
    while let Some(found) = next.query_row([start], |row| row.get::<_, Option<i64>>(0))? {
        start = found;
        if !days.iter().any(|day| day.span.start.0 == start) {
            findings.push(at(None, "tallies", Some(Timestamp(start).to_string()), Wrong::Added));
        }
    }
    Ok(())
}
