//! Ways out of the house: each takes one finished mail for one recipient to one relay.
//!
//! Not here: what a mail says (`render`), when it leaves, and what follows from a refusal (`crate::outbox`).
//! Invariants: a notifier makes one attempt under its own deadlines, never retries, never panics.

pub mod calendar;
pub mod channel;
pub mod compose;
pub mod examples;
pub mod link;
pub mod mail;
pub mod render;
mod secure;

use futures_util::future::BoxFuture;

/// One finished mail: its envelope and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Under which a relay may report about it: that of the message.
    pub id: String,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipient; one, so that nobody's trouble is another's.
    pub to: String,
    /// RFC 5322.
    pub bytes: Vec<u8>,
}

/// What a relay said when it took a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its words, usually with a queue id; bounded.
    pub text: String,
}

/// Why a mail was not taken; the text names the relay and says what it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The relay is in trouble, whoever the mail is for: try another one, and this one later.
    #[error("{0}")]
    Unreachable(String),
    /// The relay does not want this mail now, or it is not known whether it took it.
    #[error("{0}")]
    Deferred(String),
    /// This recipient or this mail will never be taken.
    #[error("{0}")]
    Refused(String),
}

/// One way out.
pub trait Notifier: Send + Sync {
    /// What people call it: `relay.bdc.test:25`.
    fn name(&self) -> &str;

    /// Makes one attempt.
    fn notify<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<Receipt, NotifyError>>;

    /// Lets go of what was kept open for a next attempt and was not needed for a while; never takes long.
    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
