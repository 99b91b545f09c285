//! Tells the engine and the metric whether we see, and asks on while we do not.
//!
//! Not here: asking (`probe::vantage`). Invariant: the engine hears the first answer after a start, so that blindness
//! of the former run ends with it.

use crate::domain::Sight;
use crate::domain::engine::Event;
use crate::probe::Vantage;
use prometheus::IntGauge;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the witnesses are asked while we are blind; otherwise failures ask.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// How often they are asked although nothing fails, so that it shows when they are gone before they are needed.
const ASK_ANYWAY_EVERY: Duration = Duration::from_secs(60);

/// Watches until `stop`.
pub(super) async fn watch(
    vantage: Arc<Vantage>,
    blind: IntGauge,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut changes = vantage.changes();
    let mut told: Option<Sight> = None;
    loop {
        let sight = tokio::select! {
            () = stop.cancelled() => return,
            sight = vantage.look() => sight,
        };
        blind.set(i64::from(sight.is_blind()));
        if told.as_ref().is_none_or(|told| told.is_blind() != sight.is_blind()) {
            match &sight {
                Sight::Clear if told.is_none() => {}
                Sight::Clear => tracing::info!("the witnesses answer again: failures are judged"),
                Sight::Blind(reason) => tracing::error!(reason = reason.text, "failures are not judged"),
            }
            // The runtime is gone only while the daemon stops.
            let _ = events.send(Event::Sight(sight.clone())).await;
        }
        let pause = if sight.is_blind() { ASK_EVERY } else { ASK_ANYWAY_EVERY };
        changes.mark_unchanged();
        told = Some(sight);
        tokio::select! {
            () = stop.cancelled() => return,
            // The sender lives in `vantage`.
            _ = changes.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
