//! While the store refuses writes: letters go through memory, and back into the store when it takes them again.
//!
//! Invariant: what the store knows leaves from there, so that nothing leaves twice.

use super::{FLUSH_EVERY_MS, Outbox, memory, within};
use crate::domain::{Message, SECOND};
use crate::store::Letter;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

impl Outbox {
    /// Takes messages that the store refused.
    pub(super) async fn take_over(&mut self, mut messages: Vec<Message>) {
        // What the store holds leaves from there; what it cannot be asked about was refused by it a moment ago.
        let ids = messages.iter().map(|m| m.id.clone()).collect();
        let known = within(self.store.outbox_known(ids)).await;
        let known = self.note(known).unwrap_or_default();
        messages.retain(|m| !known.contains(&m.id));
        let refused = self.memory.add(messages);
        if refused > 0 {
            self.rounds.figures.lost.fetch_add(refused as u64, Ordering::Relaxed);
            tracing::error!(refused, max = memory::LETTERS_MAX, "no room in memory while the store refuses writes");
        }
        // Sending comes first; the store has just refused.
        self.flush_at = self.flush_at.max(self.rounds.time.now() + SECOND);
    }

    /// Offers to the store what only memory knows.
    pub(super) async fn flush(&mut self) {
        let now = self.rounds.time.now();
        if self.memory.is_empty() || now < self.flush_at {
            return;
        }
        self.flush_at = now + FLUSH_EVERY_MS;
        let out: HashSet<&String> = self.out.values().map(|out| &out.id).collect();
        let letters = self.memory.letters().filter(|l| !out.contains(&l.message.id));
        let letters: Vec<Letter> = letters.cloned().collect();
        let ids: Vec<String> = letters.iter().map(|l| l.message.id.clone()).collect();
        let recorded = within(self.store.outbox_record(letters, vec![])).await;
        if self.note(recorded).is_some() {
            ids.iter().for_each(|id| self.memory.forget(id));
            self.wake.notify_one();
        }
    }

    /// Whether the store holds an earlier message of the same thread; one that cannot be asked holds none.
    pub(super) async fn waits_for_stored(&mut self, message: &Message) -> bool {
        let earlier = within(self.store.outbox_has_earlier(message.clone(), self.memory.ids())).await;
        self.note(earlier).unwrap_or(false)
    }
}
