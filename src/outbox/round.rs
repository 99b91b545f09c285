//! One round of one letter: every relay once, and what the answers mean for it.
//!
//! Invariants: 5xx ends this letter and nobody else's, and the fallback contact gets its content, once; everything
//! else is tried again until the letter's life is over. The bytes of the first round are those of every later one.

use super::backoff::pause_ms;
use super::figures::{Counted, MAIL};
use super::health::{Health, LOOK_EVERY_MS};
use super::time::Steady;
use super::{MailSetup, OutboxFigures};
use crate::domain::{Message, Recipient, Timestamp};
use crate::notify::channel::Note;
use crate::notify::compose::compose;
use crate::notify::render::render;
use crate::notify::{Mail, NotifyError};
use crate::store::{InPlaceOf, Letter, LetterState};
use std::sync::{Arc, Mutex, PoisonError};

/// What all rounds share.
pub(super) struct Rounds {
    pub(super) time: Steady,
    pub(super) figures: Arc<OutboxFigures>,
    pub(super) rng: Mutex<fastrand::Rng>,
    pub(super) health: Health,
}

impl Rounds {
    /// Tries `letter` at every relay until one takes or refuses it. Returns it as it stands then, and the letter to
    /// the fallback contact that follows from a failure for good.
    pub(super) async fn make(&self, mut letter: Letter, setup: &MailSetup) -> (Letter, Option<Letter>) {
        let now = self.time.now();
        if letter.message.expires <= now {
            let last = letter.last_error.take().unwrap_or_else(|| "it was not tried in time".into());
            return self.give_up(letter, format!("its life is over; {last}"), setup);
        }
        letter.attempts = letter.attempts.saturating_add(1);
        if let Some(id) = Recipient::channel(&letter.message.to.mail).map(str::to_owned) {
            return self.make_over(&id, letter, setup).await;
        }
        let mail = match write(&mut letter, setup) {
            Ok(mail) => mail,
            Err(error) => return self.give_up(letter, error, setup),
        };
        let mut error = "no relay is configured; set `mail.relays`".to_owned();
        let mut answered = setup.relays.is_empty();
        for relay in self.health.in_order(&setup.relays, now) {
            letter.relay = Some(relay.name().to_owned());
            match relay.notify(&mail).await {
                Ok(_) => {
                    self.health.is_well(relay.name());
                    return (self.sent(letter, setup), None);
                }
                Err(NotifyError::Refused(text)) => return self.give_up(letter, text, setup),
                Err(NotifyError::Deferred(text)) => (error, answered) = (text, true),
                Err(NotifyError::Unreachable(text)) => {
                    self.health.is_ill(relay.name(), self.time.now());
                    error = text;
                }
            }
        }
        let mut letter = self.later(letter, error, setup);
        if !answered {
            // Nobody has heard of it, so it has no pause of its own: the next look decides.
            letter.next_at = letter.next_at.min(self.time.now() + LOOK_EVERY_MS);
        }
        (letter, None)
    }

    /// One attempt at a channel.
    async fn make_over(&self, id: &str, mut letter: Letter, setup: &MailSetup) -> (Letter, Option<Letter>) {
        let Some(channel) = setup.channels.get(id) else {
            return self.give_up(letter, format!("there is no channel `{id}`; set it under `channels`"), setup);
        };
        letter.relay = Some(channel.name().to_owned());
        let in_place_of = letter.in_place_of.as_ref().map(|i| (i.mail.as_str(), i.error.as_str()));
        let rendered = render(&letter.message, in_place_of, &setup.render);
        let public_url = setup.render.public_url.trim_end_matches('/');
        let note = Note { message: &letter.message, rendered: &rendered, public_url, now: self.time.now() };
        let answer = channel.notify(&note).await;
        match answer {
            Ok(_) => (self.sent(letter, setup), None),
            Err(NotifyError::Refused(text)) => self.give_up(letter, text, setup),
            Err(NotifyError::Deferred(text) | NotifyError::Unreachable(text)) => {
                (self.later(letter, text, setup), None)
            }
        }
    }

    fn sent(&self, mut letter: Letter, setup: &MailSetup) -> Letter {
        self.figures.count(channel(&letter, setup), Counted::Sent);
        letter.state = LetterState::Sent;
        letter.settled_at = Some(self.time.now());
        letter.last_error = None;
        letter
    }

    fn later(&self, mut letter: Letter, error: String, setup: &MailSetup) -> Letter {
        self.figures.count(channel(&letter, setup), Counted::Failed);
        let pause = pause_ms(letter.attempts, &mut self.rng.lock().unwrap_or_else(PoisonError::into_inner));
        // At the end of its life it comes up once more, to be given up.
        letter.next_at = (self.time.now() + pause).min(letter.message.expires);
        tracing::warn!(message = letter.message.id, relay = letter.relay, attempts = letter.attempts, %error,
            "mail was not taken; trying again");
        letter.last_error = Some(error);
        letter
    }

    fn give_up(&self, mut letter: Letter, error: String, setup: &MailSetup) -> (Letter, Option<Letter>) {
        self.figures.count(channel(&letter, setup), Counted::Dead);
        let now = self.time.now();
        tracing::error!(message = letter.message.id, relay = letter.relay, %error, "mail was given up");
        let instead = stand_in(&letter, &error, now, setup);
        (letter.state, letter.settled_at) = (LetterState::Dead, Some(now));
        letter.last_error = Some(error);
        (letter, instead)
    }
}

/// By what it leaves, for metrics.
fn channel(letter: &Letter, setup: &MailSetup) -> &'static str {
    match Recipient::channel(&letter.message.to.mail) {
        None => MAIL,
        Some(id) => setup.channels.get(id).map_or("none", |channel| channel.kind()),
    }
}

/// The mail, from the bytes of the first round if there was one.
fn write(letter: &mut Letter, setup: &MailSetup) -> Result<Mail, String> {
    let message = &letter.message;
    if let Some(bytes) = &letter.rendered {
        let from = setup.render.from_mail.clone();
        return Ok(Mail { id: message.id.clone(), from, to: message.to.mail.clone(), bytes: bytes.clone() });
    }
    let in_place_of = letter.in_place_of.as_ref().map(|i| (i.mail.as_str(), i.error.as_str()));
    let mail = compose(message, &render(message, in_place_of, &setup.render), &setup.render)?;
    letter.rendered = Some(mail.bytes.clone());
    Ok(mail)
}

/// The letter that tells the fallback contact what `letter` could not tell. One that stands in already has none.
fn stand_in(letter: &Letter, error: &str, now: Timestamp, setup: &MailSetup) -> Option<Letter> {
    if letter.in_place_of.is_some() {
        return None;
    }
    let Message { id, to, at, expires, content, .. } = &letter.message;
    let fallback = setup.fallback.iter().find(|contact| contact.mail != to.mail)?;
    let mut message = Message::new(format!("undelivered-{id}"), 0, fallback.clone(), *at, 0, content.clone());
    message.expires = now + expires.since(*at);
    let mut instead = Letter::new(message);
    instead.in_place_of = Some(InPlaceOf { mail: to.mail.clone(), error: error.to_owned() });
    Some(instead)
}
