//! What leaves next, and who waits: room, relays in trouble, recipients who have had their share.
//!
//! Invariants: what cannot wait finds a place, whatever else is out; while no relay can be reached, one letter at a time
//! looks whether one is back, and the others are not tried; whoever has had their share gets the rest in few mails.

use super::fold::fold;
use super::health::Weather;
use super::{CONCURRENCY, KEPT_FOR_PAGES, LOOKED_UP_MAX, MailSetup, Outbox, SATED_MAX, Sated, within};
use crate::domain::{Recipient, Timestamp, Urgency};
use crate::store::{Crowd, Held, Letter};
use std::collections::HashSet;

/// Mails that may leave in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    OneScout,
    Nothing,
}

impl Outbox {
    /// Sends what is due, as far as there is room.
    pub(super) async fn fill(&mut self) {
        if self.sends.len() >= CONCURRENCY {
            return;
        }
        let (setup, now) = (self.setup.load_full(), self.rounds.time.now());
        self.sated.retain(|_, sated| now < sated.until);
        let mut room = self.room(&setup, now);
        if room != Room::Enough {
            // What was looked up in better times would stand in the way of what does not go by mail.
            self.ready.clear();
        }
        self.fill_from_memory(now, &mut room).await;
        if self.ready.is_empty() && self.sends.len() < CONCURRENCY {
            let due = within(self.store.outbox_due(now, self.held(room), LOOKED_UP_MAX)).await;
            let due = self.note(due).unwrap_or_default();
            self.ready.extend(due);
        }
        while let Some(letter) = self.ready.pop_front() {
            if !self.takes(&letter, room) {
                self.ready.push_front(letter);
                return;
            }
            match self.share(letter, &setup, now).await {
                Some(letter) => self.leave(letter, &mut room),
                // Others may be due behind those whose recipients have to wait.
                None => self.wake.notify_one(),
            }
        }
    }

    async fn fill_from_memory(&mut self, now: Timestamp, room: &mut Room) {
        let ready = self.ready.iter().map(|letter| &letter.message.to.mail);
        let busy: HashSet<String> = self.out.values().map(|out| &out.recipient).chain(ready).cloned().collect();
        for letter in self.memory.due(now, &busy) {
            if self.takes(&letter, *room) && !self.waits_for_stored(&letter.message).await {
                self.spend(&letter, room);
                self.send(letter, true);
            }
        }
    }

    /// Sends one of the store's.
    fn leave(&mut self, letter: Letter, room: &mut Room) {
        self.spend(&letter, room);
        let closes = is_page(&letter);
        self.send(letter, closes);
    }

    fn spend(&mut self, letter: &Letter, room: &mut Room) {
        if *room == Room::OneScout && is_mail(&letter.message.to.mail) {
            *room = Room::Nothing;
        }
    }

    /// How mail stands; also notes when to look again.
    fn room(&mut self, setup: &MailSetup, now: Timestamp) -> Room {
        let weather = self.rounds.health.weather(&setup.relays, now);
        let out = self.out.values().any(|out| is_mail(&out.recipient));
        let (room, look_at) = match weather {
            Weather::Fair => (Room::Enough, None),
            Weather::Foul { .. } if out => (Room::Nothing, None),
            Weather::Foul { look_at } if now < look_at => (Room::Nothing, Some(look_at)),
            Weather::Foul { .. } => (Room::OneScout, None),
        };
        self.look_at = look_at;
        room
    }

    /// Whether there is a place for a letter.
    fn takes(&self, letter: &Letter, room: Room) -> bool {
        let places = if is_page(letter) { CONCURRENCY } else { CONCURRENCY - KEPT_FOR_PAGES };
        let reached = room != Room::Nothing || !is_mail(&letter.message.to.mail);
        self.sends.len() < places && reached
    }

    fn held(&self, room: Room) -> Held {
        let of = |closes: bool| {
            let out = self.out.values().filter(move |out| out.closes == closes).map(|out| &out.recipient);
            let sated = self.sated.iter().filter(move |(_, sated)| sated.closes == closes).map(|(to, _)| to);
            out.chain(sated).cloned().collect()
        };
        Held { ids: self.memory.ids(), busy: of(false), closed: of(true), no_mail: room == Room::Nothing }
    }

    /// The letter, or the one that it and others were folded into; none if its recipient has to wait.
    async fn share(&mut self, letter: Letter, setup: &MailSetup, now: Timestamp) -> Option<Letter> {
        let to = &letter.message.to.mail;
        let limits = match Recipient::channel(to) {
            None => setup.limits,
            Some(id) => setup.channels.get(id).and_then(|channel| channel.limits()),
        };
        if limits.is_none() && letter.message.held_until.is_none() {
            return Some(letter);
        }
        let mut held = self.memory.ids();
        held.extend(self.out.values().map(|out| out.id.clone()));
        let crowd = within(self.store.outbox_crowd(letter.clone(), now, limits, held)).await;
        match self.note(crowd).unwrap_or(Crowd::Room) {
            Crowd::Room => Some(letter),
            Crowd::Until(_) if self.sated.len() >= SATED_MAX => Some(letter),
            Crowd::Until(until) => {
                self.sated.insert(to.clone(), Sated { until, closes: is_page(&letter) });
                None
            }
            Crowd::Fold(letters) => {
                let ids = letters.iter().map(|l| l.message.id.clone()).collect();
                let folded = fold(&letters, now, &setup.render);
                let stored = within(self.store.outbox_fold(folded.clone(), ids)).await;
                // Not folded is late, not lost.
                Some(if self.note(stored).is_some() { folded } else { letter })
            }
        }
    }
}

fn is_page(letter: &Letter) -> bool {
    letter.message.content.urgency() == Urgency::Page
}

fn is_mail(address: &str) -> bool {
    Recipient::channel(address).is_none()
}
