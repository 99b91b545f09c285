//! Letters whose present state only this process knows: the store refused them, or refused to record what became of
//! them.
//!
//! Invariants: the same order within thread and recipient as in the store; bounded; nothing is forgotten before the
//! store has taken it.

use crate::domain::{Message, Timestamp};
use crate::store::{Letter, LetterState};
use std::collections::{BTreeMap, HashSet};

/// Messages that may be taken over while the store refuses writes; beyond that the newest are refused.
pub(super) const LETTERS_MAX: usize = 10_000;

/// By id.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<String, Letter>);

impl Memory {
    /// Takes fresh messages over; returns how many there was no room for.
    pub(super) fn add(&mut self, messages: Vec<Message>) -> usize {
        let mut refused = 0;
        for message in messages {
            if self.0.len() < LETTERS_MAX {
                self.0.entry(message.id.clone()).or_insert_with(|| Letter::new(message));
            } else {
                refused += 1;
            }
        }
        refused
    }

    /// Keeps what the store would not record.
    pub(super) fn keep(&mut self, letter: Letter) {
        self.0.insert(letter.message.id.clone(), letter);
    }

    /// The store knows it now.
    pub(super) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ids(&self) -> HashSet<String> {
        self.0.keys().cloned().collect()
    }

    /// Everything, for the store.
    pub(super) fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.0.values()
    }

    fn pending(&self) -> impl Iterator<Item = &Letter> {
        self.0.values().filter(|letter| letter.state == LetterState::Pending)
    }

    /// What may be sent at `now`, the most urgent first, one for each recipient who is not `busy`.
    pub(super) fn due(&self, now: Timestamp, busy: &HashSet<String>) -> Vec<Letter> {
        let ready = |l: &&Letter| l.next_at <= now || (l.attempts == 0 && !l.is_held(now));
        let mut due: Vec<&Letter> = self.pending().filter(ready).collect();
        due.sort_by_key(|l| (l.message.content.urgency(), l.message.at, l.message.sequence, &l.message.id));
        let mut taken = busy.clone();
        due.retain(|l| !self.has_earlier(&l.message) && taken.insert(l.message.to.mail.clone()));
        due.into_iter().cloned().collect()
    }

    fn has_earlier(&self, message: &Message) -> bool {
        let before = |l: &Letter| {
            let m = &l.message;
            let held = l.attempts == 0 && m.held_until.is_some();
            m.thread == message.thread && m.to.mail == message.to.mail && m.sequence < message.sequence && !held
        };
        self.pending().any(before)
    }

    /// When the next letter that waits for a re-try becomes due, after `now`.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.pending().filter(|l| (l.attempts > 0 || l.is_held(now)) && l.next_at > now).map(|l| l.next_at).min()
    }

    /// How many wait, and when the oldest of them was decided.
    pub(super) fn waiting(&self) -> (u64, Option<Timestamp>) {
        (self.pending().count() as u64, self.pending().map(|l| l.message.at).min())
    }
}
