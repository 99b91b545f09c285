//! The past that a page asks about: what the engine remembers, or else the whole log.
//!
//! Not here: what is made of it (`report`, `domain::sla`). Invariant: the log is read for one asker at a time, and what was
//! read serves others for [`FRESH_MS`]; the figures say as of when they are.

use super::problem::Problem;
use super::state::WebState;
use crate::domain::history::Past;
use crate::domain::sla::{Period, reach};
use crate::domain::{DAY, MINUTE, Millis};
use axum::http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What a picture surely remembers.
const REMEMBERED_MS: Millis = 62 * DAY;

/// How long what was read of the log serves.
const FRESH_MS: Millis = 10 * MINUTE;

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
        let store = state.store.as_ref().filter(|_| reach(before.span(now, zone), zone).start < now - REMEMBERED_MS);
        let Some(store) = store else {
            let mut picture = (*picture).clone();
            picture.at = now;
            return Ok(Arc::new(Past::from(picture)));
        };
        let read = async {
            let mut kept = state.archive.0.lock().await;
            let inventory = &picture.inventory;
            let serves =
                |p: &&Arc<Past>| p.snapshot.at + FRESH_MS > now && Arc::ptr_eq(&p.snapshot.inventory, inventory);
            if let Some(past) = kept.as_ref().filter(serves) {
                return Ok(Arc::clone(past));
            }
            let past = Arc::new(store.past(Arc::clone(inventory), now).await?);
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
