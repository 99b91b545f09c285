//! `/api/v1/events`: one small event when the picture has changed, at most one a second.
//!
//! Not here: the changes themselves; readers fetch what they show. Invariants: subscribers are bounded; a stream ends
//! with the daemon.

use crate::domain::Snapshot;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use crate::web::{SUBSCRIBERS_MAX, Subscribers};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// From one event to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// `GET /api/v1/events`.
pub(in crate::web) async fn events(
    State(state): State<WebState>,
    State(subscribers): State<Subscribers>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Ok(permit) = subscribers.0.try_acquire_owned() else {
        return Err(Problem::unavailable(format!("{SUBSCRIBERS_MAX} readers listen already; poll instead")));
    };
    let mut receiver = state.snapshot.clone();
    receiver.mark_changed();
    let stream = stream::unfold((receiver, permit, Duration::ZERO), next);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

type Listening = (watch::Receiver<Arc<Snapshot>>, OwnedSemaphorePermit, Duration);

async fn next((mut receiver, permit, pause): Listening) -> Option<(Result<Event, Infallible>, Listening)> {
    tokio::time::sleep(pause).await;
    receiver.changed().await.ok()?;
    let at = receiver.borrow_and_update().at;
    let event = Event::default().event("snapshot").data(format!("{{\"at\":\"{at}\"}}"));
    Some((Ok(event), (receiver, permit, PAUSE)))
}
