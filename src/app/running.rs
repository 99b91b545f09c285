//! What the tasks of a running daemon share, and how a new set of files reaches them.

use super::dead_man::{Receiver, Receivers};
use crate::clock::Clock;
use crate::config::modules::Desk;
use crate::config::{Loaded, Settings};
use crate::domain::access::Keyring;
use crate::domain::engine::Event;
use crate::domain::{Actor, Inventory, ProbeId};
use crate::metrics::Metrics;
use crate::network::certificate::Certificate;
use crate::notify::link::LinkKey;
use crate::outbox::{MailSetup, OutboxHandle};
use crate::probe::{Board, Heartbeats, Prober, Vantage};
use crate::scheduler::{ScheduledProbe, SchedulerHandle};
use crate::step::Hands;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Handles on the parts that change at run time.
pub(super) struct Running {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) scheduler: SchedulerHandle,
    pub(super) board: Arc<Board>,
    pub(super) heartbeats: Arc<Heartbeats>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) mail: Arc<ArcSwap<MailSetup>>,
    pub(super) links: LinkKey,
    pub(super) outbox: OutboxHandle,
    pub(super) hands: Arc<Hands>,
    pub(super) vantage: Arc<Vantage>,
    pub(super) receiver: Receivers,
    pub(super) desk: Arc<ArcSwap<Desk>>,
    pub(super) access: Arc<ArcSwap<Keyring>>,
    /// What TLS is spoken with, if it is.
    pub(super) certificate: Option<Arc<Certificate>>,
}

impl Running {
    /// Tells the engine.
    pub(super) async fn tell(&self, event: Event) {
        // The runtime is gone only while the daemon stops.
        let _ = self.events.send(event).await;
    }

    /// Notes that a set of files was read and is good.
    pub(super) fn reloaded(&self) {
        self.metrics.last_reload_successful.set(1);
        self.metrics.last_reload_success_timestamp_seconds.set(self.clock.now().0 as f64 / 1_000.0);
    }

    /// Hands a new set of files over: first the slots, then the engine, then the scheduler, so that no observation of a
    /// new probe comes before the engine knows it.
    pub(super) async fn adopt(&self, loaded: Loaded, by: Actor) {
        let tokens = loaded.heartbeat_tokens();
        let inventory = Arc::new(loaded.inventory);
        match super::mail::setup(&loaded.settings, &loaded.network, &loaded.channels, &inventory, &self.links) {
            Ok(setup) => self.mail.store(Arc::new(setup)),
            Err(error) => tracing::error!(%error, "mail goes on leaving by the former relays"),
        }
        let Settings { dead_man, user_agent, .. } = &loaded.settings;
        self.receiver.store(Arc::new(Receiver::of(dead_man.as_ref(), &loaded.network, user_agent)));
        self.vantage.adopt(loaded.witnesses).await;
        self.desk.store(Arc::new(loaded.desk));
        self.hands.adopt(loaded.steps);
        self.board.limit(loaded.settings.trace_bytes);
        self.board.rebuild(&inventory);
        self.tell(Event::Reloaded { inventory: Arc::clone(&inventory), digest: loaded.digest, by }).await;
        self.scheduler.replace(scheduled(&inventory, &loaded.probers, &self.board)).await;
        self.heartbeats.retain(|token| tokens.contains(token));
    }
}

/// What the scheduler runs.
pub(super) fn scheduled(
    inventory: &Inventory,
    probers: &HashMap<ProbeId, Arc<dyn Prober>>,
    board: &Board,
) -> Vec<ScheduledProbe> {
    let ready = |(id, prober): (&ProbeId, &Arc<dyn Prober>)| {
        let plan = Arc::new(inventory.probes.get(id)?.clone());
        Some(ScheduledProbe { plan, prober: Arc::clone(prober), slot: board.slot(id)? })
    };
    probers.iter().filter_map(ready).collect()
}
