//! The report about a month, mailed on the first working day after it.
//!
//! Not here: when it is due and what it says (`report`), and that it is sent once (`domain::engine`): this task may ask
//! twice, before and after a crash, and the engine takes one.

use crate::clock::Clock;
use crate::domain::Snapshot;
use crate::domain::engine::Event;
use crate::report::{due, letters};
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How often somebody looks whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks until `stop`.
pub(super) async fn run(
    store: Store,
    clock: Arc<dyn Clock>,
    picture: watch::Receiver<Arc<Snapshot>>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let (now, seen) = (clock.now(), Arc::clone(&picture.borrow()));
        let Some(period) = due(now, &seen.inventory, seen.reported.as_deref()) else { continue };
        let made = async {
            let past = store.past(Arc::clone(&seen.inventory), now).await.map_err(|e| e.to_string())?;
            tokio::task::spawn_blocking(move || letters(&past, period)).await.map_err(|e| e.to_string())
        };
        let made = tokio::select! {
            () = stop.cancelled() => return,
            made = made => made,
        };
        match made {
            Ok(letters) => {
                if events.send(Event::MonthOver { period: period.to_string(), letters }).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, %period, "the report about a month cannot be made; it is tried again"),
        }
    }
}
