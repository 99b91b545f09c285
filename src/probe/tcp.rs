//! `tcp`: connects, and where asked, shakes hands, says a line and waits for one.
//!
//! Not here: what the line means. Invariant: at most [`READ_BYTES_MAX`] bytes of an answer are read.

use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, Stream, TLS};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Field, Problems, Record, Type};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How much of an answer is read while the expected text has not come.
const READ_BYTES_MAX: usize = 64 << 10;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "tcp",
    about: "Opens a TCP connection; says a line and waits for one if asked to.",
    example: "address: relay.bdc.test:25\nexpect: \"220 \"\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    TLS,
    Field::optional("send", Type::TEXT, "A line to say after connecting; CR LF is added."),
    Field::optional("expect", Type::TEXT, "Text that must come: the greeting, or the answer to `send`."),
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    Ok(Arc::new(Tcp {
        peer: Peer::of(record, context)?,
        slower_than: peer::limit(record),
        send: record.opt_text("send").map(|line| format!("{line}\r\n")),
        expect: record.opt_text("expect").map(str::to_owned),
    }))
}

struct Tcp {
    peer: Peer,
    slower_than: Option<Duration>,
    send: Option<String>,
    expect: Option<String>,
}

impl Prober for Tcp {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.open(attempt).await.unwrap_or_else(|outcome| outcome) })
    }
}

impl Tcp {
    async fn open(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        let outcome = self.talk(attempt, stream).await?;
        Ok(peer::slow(self.slower_than, attempt.elapsed()).filter(|_| outcome == Outcome::Pass).unwrap_or(outcome))
    }

    async fn talk(&self, attempt: &Attempt, mut stream: Stream) -> Result<Outcome, Outcome> {
        let broken = |error, phase| self.peer.broken(&error, phase);
        attempt.enter(Phase::Processing);
        if let Some(line) = &self.send {
            stream.write_all(line.as_bytes()).await.map_err(|error| broken(error, Phase::Processing))?;
            stream.flush().await.map_err(|error| broken(error, Phase::Processing))?;
            attempt.note(format!("said {:?}", line.trim_end()));
        }
        let Some(expected) = &self.expect else {
            attempt.leave();
            return Ok(Outcome::Pass);
        };
        let mut heard = Vec::new();
        let mut buffer = [0; 4_096];
        while !contains(&heard, expected.as_bytes()) && heard.len() < READ_BYTES_MAX {
            let read = stream.read(&mut buffer).await.map_err(|error| broken(error, Phase::Processing))?;
            if read == 0 {
                break;
            }
            if heard.is_empty() {
                attempt.enter(Phase::Transfer);
            }
            heard.extend_from_slice(&buffer[..read]);
        }
        attempt.leave();
        let text: String = String::from_utf8_lossy(&heard).chars().take(80).collect();
        attempt.note(format!("heard {:?}", text.trim_end()));
        let text = match (contains(&heard, expected.as_bytes()), heard.is_empty()) {
            (true, _) => return Ok(Outcome::Pass),
            (false, true) => format!("expected {expected:?} from {}, got nothing", self.peer.named()),
            (false, false) => {
                format!("expected {expected:?} from {}, got {:?}", self.peer.named(), text.trim_end())
            }
        };
        Ok(Outcome::fail(ReasonKind::Content, text))
    }
}

fn contains(heard: &[u8], expected: &[u8]) -> bool {
    heard.windows(expected.len()).any(|part| part == expected)
}

#[cfg(test)]
mod tests;
