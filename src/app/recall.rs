//! Gives the board back what a former run counted: the week of visits that inspections look at.
//!
//! After the start, day by day, so that nobody waits for it. Tallies count re-tries, too: a former run's hours may have a
//! few failed visits too many for each change, never too few.

use crate::domain::inspection::{Inspection, WEEK_MS};
use crate::domain::{DAY, HOUR, Span, Timestamp};
use crate::probe::Board;
use crate::store::Store;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Reads the hours of the last week, the one that holds `now` included.
pub(super) async fn visits(store: Store, board: Arc<Board>, now: Timestamp, stop: CancellationToken) {
    // The newest first: the running hour before this run stores its own part of it.
    let running = now - now.0.rem_euclid(HOUR);
    let (oldest, mut end) = (running - WEEK_MS, running + HOUR);
    while end > oldest && !stop.is_cancelled() {
        let start = oldest.max(end - DAY);
        match store.tallies(Span::new(start, end)).await {
            Ok(rows) => rows.iter().for_each(|row| {
                let served = row.ticks.saturating_sub(row.skipped);
                let visits = (row.pass + row.degraded + row.fail).min(served);
                let failed = (row.fail + row.slow_pass).min(visits);
                let seen = Inspection { visits: visits.into(), failed: failed.into() };
                board.recall(&row.probe, row.hour, seen);
            }),
            Err(error) => return tracing::warn!(%error, "the week of visits could not be read; it begins anew"),
        }
        end = start;
    }
}
