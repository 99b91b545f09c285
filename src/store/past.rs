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

/// How much of the log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpTo {
    /// All of it.
    Now,
    /// What was written by then.
    Instant(Timestamp),
    /// Facts up to and with this id.
    Fact(u64),
}

impl UpTo {
    fn holds(self, id: u64, at: Timestamp) -> bool {
        match self {
            Self::Now => true,
            Self::Instant(until) => at <= until,
            Self::Fact(last) => id <= last,
        }
    }
}

/// Where the reading ended.
pub(super) struct Read {
    /// The last fact.
    pub(super) last: Option<u64>,
    /// Until when somebody surely watched.
    pub(super) alive: Option<Timestamp>,
}

/// Folds facts into `history`, in the order of their ids.
pub(super) fn fold(path: &Path, history: &mut History, upto: UpTo) -> Result<Read, StoreError> {
    let db = schema::open_to_read(path)?;
    let mut all = db.prepare("SELECT id, at, kind, body FROM facts ORDER BY id")?;
    let mut rows = all.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (id, at): (u64, i64) = (row.get(0)?, row.get(1)?);
        let kind = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let understood = |e| damaged(format!("fact {id}"), &e);
        if !upto.holds(id, Timestamp(at)) {
            // The next fact is of a run that saw the end of what is asked for, or tells when the run before it ended.
            let next: Fact = serde_json::from_slice(body).map_err(understood)?;
            let alive = if let Fact::Started { alive_until, .. } = next { alive_until } else { Some(Timestamp(at)) };
            return Ok(Read { last, alive });
        }
        if kind == "probe_changed" {
            let changed: Changed<'_> = serde_json::from_slice(body).map_err(understood)?;
            history.changed(Timestamp(at), &changed.probe, changed.to, changed.since);
        } else {
            let fact: Fact = serde_json::from_slice(body).map_err(understood)?;
            history.apply(&Recorded { at: Timestamp(at), fact });
        }
        last = Some(id);
    }
    let mut alive = db.prepare("SELECT at FROM alive")?;
    let mut mark = alive.query([])?;
    let alive = mark.next()?.map(|row| row.get(0)).transpose()?.map(Timestamp);
    Ok(Read { last, alive })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture::City;
    use crate::domain::history::Past;
    use crate::domain::timeline::Health;
    use crate::domain::{MINUTE, ProbeId};
    use crate::store::Store;
    use std::sync::Arc;

    fn minute(n: i64) -> Timestamp {
        Timestamp(n * MINUTE)
    }

    fn changed(at: i64, to: ProbeHealth, since: i64) -> Recorded {
        let fact =
            Fact::ProbeChanged { probe: ProbeId::from("a/web/home"), to: Some(to), since: minute(since), reason: None };
        Recorded { at: minute(at), fact }
    }

    fn health(past: &Past, at: i64) -> Option<Health> {
        past.snapshot.subsystems[0].timeline.at(minute(at))
    }

    #[tokio::test]
    async fn the_past_can_be_asked_for_as_it_was_known_then() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
        let inventory = Arc::new(City::new().subsystem("a/web", 2, &[]).inventory());
        let started = |at, alive_until: Option<i64>| {
            let fact = Fact::Started { alive_until: alive_until.map(minute), version: "0.1.0".into() };
            Recorded { at: minute(at), fact }
        };
        let files = Recorded { at: minute(0), fact: Fact::Reloaded { digest: "first".into() } };
        let facts = vec![
            started(0, None),
            files,
            changed(10, ProbeHealth::Passing, 9),
            changed(30, ProbeHealth::Failing, 25),
            started(90, Some(60)),
            changed(91, ProbeHealth::Passing, 90),
        ];
        store.commit(0, facts, vec![]).await.unwrap();
        store.alive(minute(200)).await.unwrap();
        let asked = async |at: i64, upto| store.past(Arc::clone(&inventory), minute(at), upto).await.unwrap();

        let now = asked(200, UpTo::Now).await;
        assert_eq!(
            [27, 59, 61, 91].map(|at| health(&now, at)),
            [Health::Down, Health::Down, Health::Unknown, Health::Up].map(Some)
        );
        let made = now.made.as_ref().unwrap();
        assert_eq!((made.facts, made.files.as_str()), (6, "first"));
        // Before it was confirmed that it is down, nobody knew.
        let before = asked(29, UpTo::Instant(minute(29))).await;
        assert_eq!((health(&before, 27), before.made.map(|made| made.facts)), (Some(Health::Up), Some(3)));
        // In the gap the last sign of life is known from the start after it; a moment after that sign it still counts.
        let gap = asked(80, UpTo::Instant(minute(80))).await;
        assert_eq!([59, 61].map(|at| health(&gap, at)), [Health::Down, Health::Unknown].map(Some));
        let lively = asked(60, UpTo::Fact(4)).await;
        assert_eq!((health(&lively, 60), lively.made.map(|made| made.facts)), (Some(Health::Down), Some(4)));
        let nothing = asked(60, UpTo::Fact(0)).await;
        assert!(nothing.made.is_none() && health(&nothing, 60).is_none());
    }
}
