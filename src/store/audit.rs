//! Rows of the audit log.
//!
//! Not here: who may read them (`web`). Invariants: a row is never changed; ids count up and are not used again, so that
//! a batch that is handed in twice is kept once, and two rows that say the same stay two; pages are bounded.

use super::{StoreError, evidence};
use crate::domain::{Actor, AuditEntry, AuditOutcome, OwnerId, Span, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

/// Most rows of one page.
pub const AUDIT_PAGE_MAX: usize = 1_000;

/// In which order rows are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditOrder {
    /// What happened last comes first.
    #[default]
    NewestFirst,
    /// As it happened.
    OldestFirst,
}

/// Which rows are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// When it happened.
    pub span: Span,
    /// Whose rows; everybody's without it.
    pub holder: Option<String>,
    /// `window.approve`, or all of `window`.
    pub action: Option<String>,
    /// About what.
    pub subject: Option<String>,
    /// From which end.
    pub order: AuditOrder,
    /// Only what comes behind this row.
    pub behind: Option<AuditPlace>,
    /// At most so many, and never more than [`AUDIT_PAGE_MAX`].
    pub limit: usize,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            span: Span::new(Timestamp::MIN, Timestamp::MAX),
            holder: None,
            action: None,
            subject: None,
            order: AuditOrder::default(),
            behind: None,
            limit: AUDIT_PAGE_MAX,
        }
    }
}

/// The place of a row among all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// When it happened.
    pub at: Timestamp,
    /// Its id.
    pub id: u64,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Counts up; holes say nothing.
    pub id: u64,
    /// What it says.
    pub entry: AuditEntry,
}

impl AuditRow {
    /// Where the next page begins.
    pub fn place(&self) -> AuditPlace {
        AuditPlace { at: self.entry.at, id: self.id }
    }
}

const COLUMNS: &str = "id, at, holder, owner, origin, action, subject, detail, refused";

/// The last id that was ever given, whether its row is still there or not.
pub(super) fn end(db: &Connection) -> Result<u64, StoreError> {
    let given = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
    Ok(db.prepare_cached(given)?.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Appends behind `after` and returns the last id.
pub(super) fn append(db: &Connection, after: u64, entries: &[AuditEntry]) -> Result<u64, StoreError> {
    let end = end(db)?;
    if end < after {
        return Err(StoreError::Conflict { end, after });
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (id, at, holder, owner, origin, action, subject, detail, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut id = after;
    for entry in entries {
        id += 1;
        // What is there already was handed in before.
        if id > end {
            let AuditEntry { at, actor, action, subject, detail, outcome } = entry;
            let owner = actor.owner.as_ref().map(OwnerId::as_str);
            let refused = match outcome {
                AuditOutcome::Done => None,
                AuditOutcome::Refused(why) => Some(why),
            };
            insert.execute(params![id, at.0, actor.name, owner, actor.from, action, subject, detail, refused])?;
        }
    }
    Ok(end.max(id))
}

/// One page.
pub(super) fn page(db: &Connection, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
    let (order, behind) = match query.order {
        AuditOrder::NewestFirst => ("DESC", "<"),
        AuditOrder::OldestFirst => ("ASC", ">"),
    };
    let mut sql = format!("SELECT {COLUMNS} FROM audit WHERE at >= ? AND at < ?");
    let mut values: Vec<Value> = vec![query.span.start.0.into(), query.span.end.0.into()];
    for (column, wanted) in [("holder", &query.holder), ("subject", &query.subject)] {
        if let Some(wanted) = wanted {
            sql.push_str(&format!(" AND {column} = ?"));
            values.push(wanted.clone().into());
        }
    }
    if let Some(action) = &query.action {
        sql.push_str(" AND (action = ? OR substr(action, 1, length(?) + 1) = ? || '.')");
        values.extend(std::iter::repeat_n(Value::from(action.clone()), 3));
    }
    if let Some(AuditPlace { at, id }) = query.behind {
        sql.push_str(&format!(" AND (at, id) {behind} (?, ?)"));
        values.extend([at.0.into(), i64::try_from(id).unwrap_or(i64::MAX).into()]);
    }
    sql.push_str(&format!(" ORDER BY at {order}, id {order} LIMIT ?"));
    values.push(i64::try_from(query.limit.min(AUDIT_PAGE_MAX)).unwrap_or_default().into());
    let mut rows = db.prepare_cached(&sql)?;
    Ok(rows.query_map(params_from_iter(values), row)?.collect::<Result<_, _>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let actor =
        Actor { name: row.get(2)?, owner: row.get::<_, Option<String>>(3)?.map(OwnerId::new), from: row.get(4)? };
    let outcome = row.get::<_, Option<String>>(8)?.map_or(AuditOutcome::Done, AuditOutcome::Refused);
    let (action, subject, detail) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let entry = AuditEntry { at: Timestamp(row.get(1)?), actor, action, subject, detail, outcome };
    Ok(AuditRow { id: row.get(0)?, entry })
}

/// One step of forgetting the days that a signed statement declared forgotten; returns how many rows went.
pub(super) fn prune(db: &Connection) -> Result<usize, StoreError> {
    let declared = evidence::last(db)?.map_or(0, |day| day.forgets_audit);
    let Some(day) = evidence::statement(db, declared)? else { return Ok(0) };
    let old = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= ?1 ORDER BY id LIMIT ?2)";
    Ok(db.prepare_cached(old)?.execute(params![day.audit.last, super::facts::PRUNED_PER_STEP])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::civil::Zone;
    use crate::domain::{DAY, Fact, Recorded};
    use crate::store::{Batch, Ends, Sealing, Store};

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
        (dir, store)
    }

    fn entry(at: i64, name: &str, action: &str) -> AuditEntry {
        let actor = Actor { name: name.into(), owner: Some("bdc".into()), from: "192.0.2.7".into() };
        AuditEntry::done(Timestamp(at), actor, action, "bdc-monthly.0a1b2c3d", "the work takes longer")
    }

    fn rows(entries: Vec<AuditEntry>) -> Batch {
        Batch { audit: entries, ..Batch::default() }
    }

    async fn found(store: &Store, query: AuditQuery) -> Vec<(i64, String)> {
        let rows = store.audit(query).await.unwrap();
        rows.into_iter().map(|row| (row.entry.at.0, row.entry.action)).collect()
    }

    #[tokio::test]
    async fn rows_of_one_millisecond_that_say_the_same_stay_as_many_as_they_were() {
        let (_dir, store) = store();
        let twice = rows(vec![entry(5, "a", "reload"), entry(5, "a", "reload")]);
        assert_eq!(store.keep(Ends::default(), twice.clone()).await, Ok(Ends { facts: 0, audit: 2 }));
        assert_eq!(store.keep(Ends::default(), twice).await.unwrap().audit, 2, "handed in again after an error");
        assert_eq!(
            store.keep(Ends { facts: 0, audit: 2 }, rows(vec![entry(5, "a", "reload")])).await.unwrap().audit,
            3
        );
        assert_eq!(found(&store, AuditQuery::default()).await.len(), 3);
        let read = store.audit(AuditQuery::default()).await.unwrap();
        assert_eq!(read[0].entry, entry(5, "a", "reload"));
        assert_eq!(store.load().await.unwrap().ends.audit, 3);
    }

    #[tokio::test]
    async fn a_row_is_kept_with_its_facts_or_not_at_all() {
        let (_dir, store) = store();
        let fact = Recorded { at: Timestamp(1), fact: Fact::Started { alive_until: None, version: "0".into() } };
        let batch = Batch { facts: vec![fact], audit: vec![entry(1, "a", "reload")], ..Batch::default() };
        let hole = store.keep(Ends { facts: 0, audit: 7 }, batch.clone()).await;
        assert!(matches!(hole, Err(StoreError::Conflict { .. })));
        assert_eq!(store.load().await.unwrap().ends, Ends::default());
        assert_eq!(store.keep(Ends::default(), batch).await, Ok(Ends { facts: 1, audit: 1 }));
    }

    #[tokio::test]
    async fn rows_are_found_by_who_what_when_and_in_pages_from_either_end() {
        let (_dir, store) = store();
        let all = [(1, "a", "reload"), (2, "b", "window.approve"), (2, "a", "window.move"), (3, "b", "windows")];
        let entries = all.iter().map(|(at, name, action)| entry(*at, name, action)).collect();
        store.keep(Ends::default(), rows(entries)).await.unwrap();
        let of = |holder: Option<&str>, action: Option<&str>| AuditQuery {
            holder: holder.map(str::to_owned),
            action: action.map(str::to_owned),
            ..AuditQuery::default()
        };
        assert_eq!(found(&store, of(Some("b"), None)).await, [(3, "windows".into()), (2, "window.approve".into())]);
        assert_eq!(found(&store, of(None, Some("window"))).await.len(), 2);
        assert_eq!(found(&store, of(Some("a"), Some("window.move"))).await.len(), 1);
        assert!(found(&store, of(None, Some("win%"))).await.is_empty());
        let span = AuditQuery { span: Span::new(Timestamp(2), Timestamp(3)), ..AuditQuery::default() };
        assert_eq!(found(&store, span).await.len(), 2);
        for (order, expected) in [(AuditOrder::NewestFirst, [3, 2, 2, 1]), (AuditOrder::OldestFirst, [1, 2, 2, 3])] {
            let mut query = AuditQuery { order, limit: 1, ..AuditQuery::default() };
            let mut seen = Vec::new();
            while let Some(row) = store.audit(query.clone()).await.unwrap().pop() {
                query.behind = Some(row.place());
                seen.push(row.entry.at.0);
            }
            assert_eq!(seen, expected);
        }
    }

    #[tokio::test]
    async fn ids_go_on_after_everything_was_forgotten() {
        let (_dir, store) = store();
        let end = store.keep(Ends::default(), rows(vec![entry(1, "a", "reload"), entry(DAY, "a", "reload")])).await;
        assert_eq!(store.prune_audit().await, Ok(0), "no day declares them forgotten");
        let now = Timestamp(9 * DAY);
        let rules = |retain_audit_ms| Sealing { now, zone: Zone::utc(), retain_ms: DAY, retain_audit_ms };
        store.seal(rules(8 * DAY)).await.unwrap();
        assert_eq!(store.prune_audit().await, Ok(1));
        store.seal(Sealing { now: now + 2 * DAY, ..rules(DAY) }).await.unwrap();
        assert_eq!(store.prune_audit().await, Ok(1));
        assert_eq!(store.load().await.unwrap().ends, end.unwrap());
        assert_eq!(
            store.keep(Ends { facts: 0, audit: 2 }, rows(vec![entry(12 * DAY, "a", "x")])).await.unwrap().audit,
            3
        );
    }

    #[tokio::test]
    async fn a_store_from_before_the_log_is_read_and_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gengfu.db");
        drop(Store::open(&path).unwrap());
        let db = Connection::open(&path).unwrap();
        db.execute_batch("DROP TABLE audit; DROP TABLE evidence; DROP TABLE tally_days; PRAGMA user_version = 1;")
            .unwrap();
        drop(db);
        let reader = Store::open_to_read(&path).unwrap();
        assert!(reader.audit(AuditQuery::default()).await.unwrap().is_empty());
        assert_eq!(reader.load().await.unwrap().ends, Ends::default());
        drop(reader);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.keep(Ends::default(), rows(vec![entry(1, "a", "reload")])).await.unwrap().audit, 1);
        store.check().await.unwrap();
    }
}
