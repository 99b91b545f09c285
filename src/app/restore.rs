//! From the store to a running state: the newest checkpoint, the facts behind it, and what was missed.

use crate::domain::engine::{Engine, Event, Output};
use crate::domain::{EvidenceHead, HOUR, Inventory, Snapshot, Timestamp};
use crate::store::{Ends, Store, StoreError};
use std::sync::Arc;

/// The state as the store remembers it, and what follows from starting now.
pub(super) struct Restored {
    /// The engine, started.
    pub(super) engine: Engine,
    /// Facts, messages and effects of the start; to be stored and performed first.
    pub(super) first: Output,
    /// The first picture for readers.
    pub(super) picture: Snapshot,
    /// The last ids of the store.
    pub(super) ends: Ends,
}

/// Restores the state and starts the engine at `now`.
pub(super) async fn restore(
    store: &Store,
    now: Timestamp,
    inventory: &Arc<Inventory>,
    digest: &str,
) -> Result<Restored, StoreError> {
    let mut engine = Engine::new(now, Arc::clone(inventory));
    let mut loaded = store.load().await?;
    while let Some((through, bytes)) = &loaded.checkpoint {
        if engine.restore(bytes) {
            break;
        }
        tracing::info!("a checkpoint is of another shape; the facts are replayed instead");
        loaded = store.load_before(*through).await?;
    }
    for (_, recorded) in &loaded.facts {
        engine.apply(recorded);
    }
    if let Some(day) = &loaded.sealed {
        engine.hold_at(day.span.end);
        engine.note_evidence(EvidenceHead { day: day.day.clone(), head: day.head().to_string() });
    }
    engine.note_dead_letters(store.outbox_counts().await?.dead);
    engine.send_digests();
    // The mark of life is a few seconds old; a fact that was stored later proves more.
    let last_fact = loaded.facts.last().map(|(_, recorded)| recorded.at);
    let alive_until = loaded.alive.max(last_fact);
    let mut first = engine.start(now, alive_until, digest);
    for letter in store.outbox_accepted(alive_until.unwrap_or(now) - HOUR).await? {
        let Some(accepted) = letter.settled_at else { continue };
        let told = engine.handle(now, Event::Delivered { message: Box::new(letter.message), accepted });
        first.append(told);
    }
    let picture = engine.snapshot();
    Ok(Restored { engine, first, picture, ends: loaded.ends })
}
