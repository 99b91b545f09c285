//! The past that a page asks about: what the engine remembers, or else the whole log.
//!
//! Not here: what is made of it (`report`, `domain::sla`). Invariant: the log is read for one asker at a time, and what was
//! read serves others for [`FRESH_MS`], or [`LIVELY_MS`] for reports; the figures say as of when they are.

use super::problem::Problem;
use super::state::WebState;
use crate::domain::history::Past;
use crate::domain::sla::{Period, reach};
use crate::domain::{DAY, MINUTE, Millis, SECOND};
use crate::store::UpTo;
use axum::http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What a picture surely remembers.
const REMEMBERED_MS: Millis = 62 * DAY;

/// How long what was read of the log serves.
const FRESH_MS: Millis = 10 * MINUTE;

/// The same for reports, which are made of the log whatever they are about.
const LIVELY_MS: Millis = 15 * SECOND;

/// How long a page waits for the log.
const READ_WITHIN: Duration = Duration::from_secs(25);

/// What was last read of the log.
#[derive(Debug, Default)]
pub struct Archive(Mutex<Option<Arc<Past>>>);

impl Archive {
    /// The past that figures of `period` and of the one before follow from.
    pub(super) async fn about(state: &WebState, period: Period) -> Result<Arc<Past>, Problem> {
        let (now, picture) = (state.now(), state.picture());
        let zone = &picture.inventory.zone;
        let before = period.previous().unwrap_or(period);
        if reach(before.span(now, zone), zone).start < now - REMEMBERED_MS {
            Self::read(state, FRESH_MS).await
        } else {
            Ok(Self::remembered(state))
        }
    }

    /// The past from the facts alone, so that a report can be made again from them.
    pub(super) async fn of_facts(state: &WebState) -> Result<Arc<Past>, Problem> {
        Self::read(state, LIVELY_MS).await
    }

    fn remembered(state: &WebState) -> Arc<Past> {
        let mut picture = (*state.picture()).clone();
        picture.at = state.now();
        Arc::new(Past::from(picture))
    }

    async fn read(state: &WebState, fresh_ms: Millis) -> Result<Arc<Past>, Problem> {
        let (now, picture) = (state.now(), state.picture());
        let Some(store) = &state.store else { return Ok(Self::remembered(state)) };
        let read = async {
            let mut kept = state.archive.0.lock().await;
            let inventory = &picture.inventory;
            let serves =
                |p: &&Arc<Past>| p.snapshot.at + fresh_ms > now && Arc::ptr_eq(&p.snapshot.inventory, inventory);
            if let Some(past) = kept.as_ref().filter(serves) {
                return Ok(Arc::clone(past));
            }
            let past = Arc::new(store.past(Arc::clone(inventory), now, UpTo::Now).await?);
            *kept = Some(Arc::clone(&past));
            Ok::<_, crate::store::StoreError>(past)
        };
        let unavailable = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        match tokio::time::timeout(READ_WITHIN, read).await {
            Ok(read) => read.map_err(|e| unavailable(format!("the log cannot be read: {e}"))),
            Err(_) => Err(unavailable("the log takes too long to read; try again, or use `gengfu report`".to_owned())),
        }
    }
}
