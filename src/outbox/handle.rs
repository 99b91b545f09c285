//! What the other parts give to the outbox and get from it.

use super::OutboxFigures;
use crate::domain::{Message, Recipient, Timestamp};
use crate::notify::Notifier;
use crate::notify::channel::Channel;
use crate::notify::render::RenderContext;
use crate::store::Limits;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// How mail leaves; a reload puts a new one in its place.
pub struct MailSetup {
    /// In the order in which they are tried.
    pub relays: Vec<Arc<dyn Notifier>>,
    /// Ways besides mail, by id.
    pub channels: BTreeMap<String, Arc<Channel>>,
    /// How it is worded.
    pub render: RenderContext,
    /// Who gets what could not be delivered; the first whose address is another.
    pub fallback: Vec<Recipient>,
    /// How many mails one recipient gets before others share one; `None`: as many as there are.
    pub limits: Option<Limits>,
}

/// A relay took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The message; never one to the fallback contact in place of another.
    pub message: Message,
    /// When.
    pub accepted_at: Timestamp,
}

/// The other parts' end of the outbox; cheap to clone.
#[derive(Clone)]
pub struct OutboxHandle {
    wake: Arc<Notify>,
    memory: mpsc::Sender<Vec<Message>>,
    figures: Arc<OutboxFigures>,
}

impl OutboxHandle {
    pub(super) fn new(wake: Arc<Notify>, memory: mpsc::Sender<Vec<Message>>, figures: Arc<OutboxFigures>) -> Self {
        Self { wake, memory, figures }
    }

    /// Says that something was committed; call it after every commit with messages.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Hands over messages that the store refused. They leave at once, and are put into the store when it takes
    /// writes again; committing them later, too, does no harm.
    pub async fn deliver_from_memory(&self, messages: Vec<Message>) {
        // The outbox is gone only when the daemon stops.
        let _ = self.memory.send(messages).await;
    }

    /// What `/metrics` says.
    pub fn figures(&self) -> &Arc<OutboxFigures> {
        &self.figures
    }
}
