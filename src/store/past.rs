//! The whole log, read once in order, for reports about any time.
//!
//! Not here: what is made of it (`domain::history`). Invariant: it is read on a connection of its own, so that neither
//! pages nor the daemon wait for it, and nothing of it is held in memory.

use super::facts::damaged;
use super::{StoreError, schema};
use crate::domain::health::ProbeHealth;
use crate::domain::history::History;
use crate::domain::{Fact, Recorded, Timestamp};
use serde::Deserialize;
use std::borrow::Cow;
use std::path::Path;

/// What nearly all facts are, without what no figure needs.
#[derive(Deserialize)]
struct Changed<'a> {
    #[serde(borrow)]
    probe: Cow<'a, str>,
    to: Option<ProbeHealth>,
    since: Timestamp,
}

/// Folds every fact into `history`; the mark of life is the answer.
pub(super) fn fold(path: &Path, history: &mut History) -> Result<Option<Timestamp>, StoreError> {
    let db = schema::open_to_read(path)?;
    let mut all = db.prepare("SELECT id, at, kind, body FROM facts ORDER BY id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (id, at): (u64, i64) = (row.get(0)?, row.get(1)?);
        let kind = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        if kind == "probe_changed" {
            let changed: Changed<'_> = serde_json::from_slice(body).map_err(|e| damaged(format!("fact {id}"), &e))?;
            history.changed(Timestamp(at), &changed.probe, changed.to, changed.since);
        } else {
            let fact: Fact = serde_json::from_slice(body).map_err(|e| damaged(format!("fact {id}"), &e))?;
            history.apply(&Recorded { at: Timestamp(at), fact });
        }
    }
    let mut alive = db.prepare("SELECT at FROM alive")?;
    let mut mark = alive.query([])?;
    Ok(mark.next()?.map(|row| row.get(0)).transpose()?.map(Timestamp))
}
