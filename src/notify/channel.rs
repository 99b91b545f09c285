//! Ways out of the house besides mail: each kind owns its fields, its code and its documentation in one file, and is
//! known by one row.
//!
//! Not here: when something leaves, and what follows from a refusal (`crate::outbox`). Invariants: one attempt for each
//! call, under a deadline of its own; the body of an answer is read, for a 200 is no success with bots; addresses and
//! keys are secrets, and stand in no text; what comes from targets is cut by bytes and cannot break out of its place.

mod alertmanager;
mod answer;
mod command;
mod dingtalk;
mod document;
mod feishu;
mod note;
mod post;
mod sign;
mod sms;
mod template;
#[cfg(test)]
mod tests;
mod webhook;
mod wecom;

pub use document::document;
pub use note::Note;

use super::{NotifyError, Receipt};
use crate::domain::{IncidentId, Millis, Reason, ReasonKind, Timestamp};
use crate::field::{Field, Place, Problems, Record, Type};
use crate::probe::{Commands, Transports};
use crate::store::Limits;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// One attempt at a channel, unless the kind has a deadline of its own.
const WITHIN: Duration = Duration::from_secs(10);

/// Carries messages to one place.
pub trait Way: Send + Sync {
    /// Makes one attempt.
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>>;

    /// Whether it says again what holds, and is to be told what it said before it was made.
    fn repeats(&self) -> bool {
        false
    }

    /// Learns of something that was sent before it was made, by a former run or under former files.
    fn recall(&self, note: &Note<'_>) {
        let _ = note;
    }

    /// Says again what has to be said again, of the incidents that are `open`; never takes long.
    fn again<'a>(&'a self, now: Timestamp, open: &'a BTreeSet<IncidentId>) -> BoxFuture<'a, ()> {
        let _ = (now, open);
        Box::pin(std::future::ready(()))
    }
}

/// Reads a secret as written, or of the file that it names.
pub type ReadSecret<'a> = &'a dyn Fn(&str, &Place, &mut Problems) -> Option<String>;

/// What kinds are built with.
pub struct ChannelContext<'a> {
    /// HTTP over the network that probes use, with its fence.
    pub transports: Arc<Transports>,
    /// Programs that may run.
    pub commands: Arc<Commands>,
    /// For `file:/path`.
    pub secret: ReadSecret<'a>,
}

impl ChannelContext<'_> {
    /// The secret in `field`, if it is written.
    fn secret(&self, record: &Record, field: &str, problems: &mut Problems) -> Option<String> {
        record.opt_text(field).and_then(|text| (self.secret)(text, record.at(field), problems))
    }
}

/// How fast a place may be told things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Beyond this, messages are folded into one.
    pub limits: Option<Limits>,
    /// Between two attempts.
    pub gap: Duration,
}

impl Pace {
    const FREE: Self = Self { limits: None, gap: Duration::ZERO };

    /// `burst` in a minute, and then one in `every_ms`: in no minute more than `burst` + 60 s / `every_ms`.
    const fn a_minute(burst: u32, every_ms: Millis, gap: Duration) -> Self {
        let limits = Limits { most: burst, within_ms: 60_000, page_every_ms: every_ms, every_ms };
        Self { limits: Some(limits), gap }
    }
}

/// Makes a way of a complete record.
pub type Build = fn(&Record, &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems>;

/// One kind of channel: the only place that knows it.
#[derive(Debug)]
pub struct ChannelKind {
    /// The key in the files, and the label of metrics.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// A body in YAML that builds.
    pub example: &'static str,
    /// What may stand in its body.
    pub fields: &'static [Field],
    /// How fast it may be told things.
    pub pace: Pace,
    /// Makes a way of a complete record.
    pub build: Build,
}

/// Every kind, alphabetically. A new one is a file, a `mod` line and a row here.
pub static KINDS: &[ChannelKind] =
    &[alertmanager::KIND, command::KIND, dingtalk::KIND, feishu::KIND, sms::KIND, webhook::KIND, wecom::KIND];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static ChannelKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A channel of the files.
pub struct Channel {
    /// What people call it: `wecom ops`.
    name: String,
    kind: &'static ChannelKind,
    way: Arc<dyn Way>,
    /// The next attempt, not before.
    free_at: Mutex<Option<Instant>>,
}

impl Channel {
    /// The channel `id` of `kind`, which goes by `way`.
    pub fn new(id: &str, kind: &'static ChannelKind, way: Arc<dyn Way>) -> Self {
        Self { name: format!("{} {id}", kind.name), kind, way, free_at: Mutex::default() }
    }

    /// What people call it: `wecom ops`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The label of metrics.
    pub fn kind(&self) -> &'static str {
        self.kind.name
    }

    /// How much it gets before messages are folded.
    pub fn limits(&self) -> Option<Limits> {
        self.kind.pace.limits
    }

    /// Makes one attempt, after the pause that the place asks for.
    ///
    /// # Errors
    /// Why it was not taken; the text names the channel, and never its address.
    pub async fn notify(&self, note: &Note<'_>) -> Result<Receipt, NotifyError> {
        let turn = {
            let mut free_at = self.free_at.lock().await;
            let turn = free_at.unwrap_or_else(Instant::now).max(Instant::now());
            *free_at = Some(turn + self.kind.pace.gap);
            turn
        };
        sleep_until(turn).await;
        self.way.send(note).await.map_err(|error| match error {
            NotifyError::Unreachable(text) | NotifyError::Deferred(text) => NotifyError::Deferred(self.says(&text)),
            NotifyError::Refused(text) => NotifyError::Refused(self.says(&text)),
        })
    }

    /// Whether it says again what holds, and is to be told what it said before it was made.
    pub fn repeats(&self) -> bool {
        self.way.repeats()
    }

    /// Learns of something that was sent before it was made; in the order in which that was sent.
    pub fn recall(&self, note: &Note<'_>) {
        self.way.recall(note);
    }

    /// Says again what has to be said again, of the incidents that are `open`.
    pub async fn again(&self, now: Timestamp, open: &BTreeSet<IncidentId>) {
        self.way.again(now, open).await;
    }

    /// A bounded sentence without control characters.
    fn says(&self, text: &str) -> String {
        Reason::new(ReasonKind::Protocol, format!("{}: {text}", self.name)).text
    }
}

/// Numbers that a bot calls by name.
const MOBILES: Type = Type::List { of: &Type::Text { max: 20 }, min: 0, max: 50 };

/// The address of a record, which is a secret of most places.
fn url(record: &Record, context: &ChannelContext<'_>, problems: &mut Problems) -> Option<reqwest::Url> {
    let text = context.secret(record, "url", problems)?;
    post::address(&text, record.at("url")).map_err(|problem| problems.push(*problem)).ok()
}
