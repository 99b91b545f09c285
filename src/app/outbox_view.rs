//! What pages and metrics show of the outbox, renewed once a second.

use crate::metrics::Metrics;
use crate::metrics::targets::OutboxCounts;
use crate::outbox::{Counted, OutboxFigures};
use crate::store::{Letter, LetterState, Store, StoreError};
use crate::web::state::OUTBOX_ROWS_MAX;
use crate::web::{OutboxRow, OutboxView};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// The task.
pub(super) struct Renewal {
    store: Store,
    figures: Arc<OutboxFigures>,
    metrics: Arc<Metrics>,
    view: watch::Sender<Arc<OutboxView>>,
    counted: BTreeMap<(&'static str, Counted), u64>,
}

impl Renewal {
    pub(super) fn new(
        store: Store,
        figures: Arc<OutboxFigures>,
        metrics: Arc<Metrics>,
        view: watch::Sender<Arc<OutboxView>>,
    ) -> Self {
        Self { store, figures, metrics, view, counted: BTreeMap::new() }
    }

    /// Renews until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            self.count();
            match read(&self.store).await {
                Ok(fresh) => drop(self.view.send_replace(Arc::new(fresh))),
                Err(error) => tracing::warn!(%error, "the outbox could not be read"),
            }
        }
    }

    /// Carries what was counted since the last look over to the metrics.
    fn count(&mut self) {
        let fresh = self.figures.counted();
        for (key, fresh) in &fresh {
            let before = self.counted.get(key).copied().unwrap_or_default();
            self.metrics.notifications.with_label_values(&[key.0, key.1.as_str()]).inc_by(fresh - before);
        }
        self.counted = fresh;
    }
}

async fn read(store: &Store) -> Result<OutboxView, StoreError> {
    let stands = store.outbox_counts().await?;
    let mut letters = Vec::new();
    for state in [LetterState::Dead, LetterState::Pending, LetterState::Sent] {
        let room = OUTBOX_ROWS_MAX.saturating_sub(letters.len());
        letters.extend(store.outbox_list(Some(state), room).await?);
    }
    let counts = OutboxCounts { pending: stands.pending, oldest: stands.oldest, dead_letters: stands.dead };
    Ok(OutboxView { counts, rows: letters.iter().map(row).collect() })
}

fn row(letter: &Letter) -> OutboxRow {
    let message = &letter.message;
    OutboxRow {
        id: message.id.clone(),
        thread: message.thread.clone(),
        sequence: message.sequence,
        to: message.to.mail.clone(),
        language: message.to.language,
        at: message.at,
        state: letter.state.as_str(),
        attempts: letter.attempts,
        next_at: (letter.state == LetterState::Pending).then_some(letter.next_at),
        last_error: letter.last_error.clone(),
    }
}
