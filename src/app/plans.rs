//! Between the hands that carry out steps and the engine: reports, and a look at what is out of service.

use crate::domain::engine::Event;
use crate::domain::plan::Report;
use crate::step::Hands;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether something is out of service that no run keeps so.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Passes reports on until `stop`.
pub(super) async fn pass_on(mut reports: mpsc::Receiver<Report>, events: mpsc::Sender<Event>, stop: CancellationToken) {
    loop {
        let report = tokio::select! {
            () = stop.cancelled() => return,
            report = reports.recv() => report,
        };
        let Some(report) = report else { return };
        if events.send(Event::Reported(Box::new(report))).await.is_err() {
            return;
        }
    }
}

/// Shows the engine what is out of service, at the start and from then on.
pub(super) async fn reconcile(hands: Arc<Hands>, events: mpsc::Sender<Event>, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let looked = Arc::clone(&hands);
        let drained = tokio::task::spawn_blocking(move || looked.drained()).await.unwrap_or_default();
        if !drained.is_empty() && events.send(Event::Drained(drained)).await.is_err() {
            return;
        }
    }
}
