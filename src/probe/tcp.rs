//! `tcp`: connects, and where asked, changes to TLS, says a line and waits for one, or holds a whole dialogue.
//!
//! Not here: reading within bounds (`lines`), and how protocols change to TLS (`starttls`). Invariant: where TLS begins
//! later, nothing is said before it but what asks for it.

mod dialogue;

use super::lines::{Lines, shown};
use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS};
use super::starttls::{Protocol, STARTTLS, starttls};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type, Value};
use dialogue::{DIALOGUE, LAST_WORD_TIME, Step};
use std::sync::Arc;
use std::time::Duration;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "tcp",
    about: "Opens a TCP connection; says a line and waits for one, or holds a dialogue, if asked to. With `starttls` or a \
            step that changes to TLS, a mapping in `tls` holds the settings of that TLS.",
    example: "address: relay.bdc.test:25\nexpect: \"220 \"\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const EXPECT_DOC: &str = "Text that must come: the greeting, or the answer to `send`. Any line may have it, so it is \
                          waited for until the peer closes or the time runs out; the failure shows what came instead.";

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    TLS,
    STARTTLS,
    Field::optional("send", Type::TEXT, "A line to say after connecting; CR LF is added."),
    Field::optional("expect", Type::TEXT, EXPECT_DOC),
    DIALOGUE,
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut wrong = |field: &str, text: &str| problems.push(Problem::error(Code::Value, record.at(field), text));
    let mut peer = Peer::of(record, context)?;
    let (starttls, steps) = (Protocol::of(record), dialogue::of(record));
    let changes = usize::from(starttls.is_some()) + steps.iter().filter(|step| step.starttls).count();
    let is_plain_true = matches!(record.get("tls").map(|tls| &tls.value), Some(Value::Bool(true)));
    if changes > 1 || (changes == 1 && is_plain_true) {
        wrong("tls", "TLS begins more than once; keep one of `tls: true`, `starttls` and a step with `starttls`");
    }
    if !steps.is_empty() && (record.has("send") || record.has("expect")) {
        wrong("dialogue", "`dialogue` beside `send` or `expect`; make them steps of it");
    }
    peer.tls_first &= changes == 0;
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Tcp {
        peer,
        starttls,
        send: record.opt_text("send").map(str::to_owned),
        expect: record.opt_text("expect").map(str::to_owned),
        steps,
        slower_than: peer::limit(record),
    }))
}

struct Tcp {
    peer: Peer,
    starttls: Option<Protocol>,
    send: Option<String>,
    expect: Option<String>,
    steps: Vec<Step>,
    slower_than: Option<Duration>,
}

impl Prober for Tcp {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.open(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Tcp {
    async fn open(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = match self.starttls {
            None => self.peer.open(attempt).await?,
            Some(protocol) => {
                let stream = self.peer.connect(attempt).await?;
                starttls(attempt, &self.peer, stream, protocol).await?
            }
        };
        let mut lines = Lines::new(attempt, &self.peer, stream);
        if let Some(line) = &self.send {
            lines.tell(line).await?;
        }
        if let Some(expected) = &self.expect {
            self.await_text(&mut lines, expected).await?;
        }
        dialogue::hold(lines, &self.steps).await?;
        attempt.leave();
        Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass))
    }

    /// Reads until `expected` is among what came. No line proves that it will not come, since the next one may have it.
    async fn await_text(&self, lines: &mut Lines<'_>, expected: &str) -> Result<(), Outcome> {
        let last_word = lines.attempt.deadline - LAST_WORD_TIME;
        let (mut is_there, mut open, mut waited) = (false, true, "");
        while open && !is_there {
            // Of silence there is nothing to show, so the attempt's own deadline ends it.
            let filled = match lines.held() {
                [] => lines.fill().await?,
                _ => match tokio::time::timeout_at(last_word, lines.fill()).await {
                    Ok(filled) => filled?,
                    Err(_) => {
                        waited = " and then no more in time";
                        0
                    }
                },
            };
            open = filled > 0;
            is_there = contains(lines.held(), expected.as_bytes());
        }
        let heard = String::from_utf8_lossy(lines.held());
        lines.attempt.note(format!("heard {}", shown(&heard)));
        if is_there {
            return Ok(());
        }
        let got = if heard.is_empty() { "nothing".into() } else { shown(&heard) };
        let text = format!("expected {expected:?} from {}, got {got}{waited}", self.peer.named());
        Err(Outcome::fail(ReasonKind::Content, text))
    }
}

fn contains(heard: &[u8], expected: &[u8]) -> bool {
    heard.windows(expected.len()).any(|part| part == expected)
}

#[cfg(test)]
mod tests;
