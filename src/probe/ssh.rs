//! `ssh`: reads the banner and, where a host key is pinned, exchanges keys to see the one that the server proves.
//!
//! Not here: logging in; nobody is. Invariants: the server's key is compared only after its signature was verified;
//! what runs the exchange ends with the attempt, since its only way to the network is ours.

mod pin;

use super::lines::{Lines, Parsed, parse_line, shown};
use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, Stream};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Field, Problems, Record, Type};
use pin::{Pins, Seen};
use regex::Regex;
use russh::client::{self, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use russh::{AlgorithmKind, SshId};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy_bidirectional, duplex};

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "ssh",
    about: "Reads the banner of an SSH server and compares the key that it proves with the pinned ones; logs nobody in.",
    example: "address: exchange.bdc.test:22\nbanner: ^SSH-2\\.0-OpenSSH\n\
              host_key: SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDoXs9qU9Jc5d5Y8rM\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

/// Lines before the banner (RFC 4253, 4.2).
const LINES_BEFORE_MAX: usize = 50;
/// Longest banner (RFC 4253, 4.2), with its end.
const BANNER_BYTES_MAX: usize = 255;
/// Who we say we are.
const OWN_BANNER: &str = "SSH-2.0-gengfu";
/// What waits between the network and the exchange.
const PIPE_BYTES: usize = 64 << 10;

const BANNER_DOC: &str = "Pattern that must match in the banner, such as `^SSH-2\\.0-OpenSSH_9`.";
const HOST_KEY_DOC: &str = "Fingerprints (`SHA256:…`) or public keys (`ssh-ed25519 AAAA…`) one of which the server must \
     prove; Ed25519 is asked for first, then ECDSA, and RSA cannot be checked. Since it leaves before logging in, OpenSSH \
     from 9.8 on wants the monitor in PerSourcePenaltyExemptList.";

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    Field::optional("banner", Type::Regex, BANNER_DOC),
    Field::optional("host_key", Type::OneOrMany(&Type::TEXT), HOST_KEY_DOC),
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let pins = record.has("host_key").then(|| Pins::of(record)).transpose()?;
    Ok(Arc::new(Ssh {
        peer: Peer::plain(record, context)?,
        banner: record.regex("banner").cloned(),
        pins,
        slower_than: peer::limit(record),
    }))
}

struct Ssh {
    peer: Peer,
    banner: Option<Regex>,
    pins: Option<Pins>,
    slower_than: Option<Duration>,
}

impl Prober for Ssh {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.open(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Ssh {
    async fn open(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        let mut lines = Lines::new(attempt, &self.peer, stream);
        let banner = self.banner(&mut lines).await?;
        attempt.note(format!("heard {}", shown(&banner)));
        if let Some(pattern) = self.banner.as_ref().filter(|pattern| !pattern.is_match(&banner)) {
            let text = format!("expected a banner that matches /{pattern}/ from {}, got", self.peer.named());
            return Err(Outcome::fail(ReasonKind::Content, format!("{text} {}", shown(&banner))));
        }
        match &self.pins {
            // Whoever leaves without a word is an error in the server's log.
            None => _ = lines.tell(OWN_BANNER).await,
            Some(pins) => {
                let (stream, held) = lines.into_parts();
                let seen = Box::pin(self.exchange(attempt, pins, stream, &[banner.as_bytes(), b"\r\n", &held])).await?;
                attempt.note(format!("host key {seen}"));
                pins.judge(&seen, &self.peer.named())?;
            }
        }
        attempt.leave();
        Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass))
    }

    async fn banner(&self, lines: &mut Lines<'_>) -> Result<String, Outcome> {
        for _ in 0..=LINES_BEFORE_MAX {
            match lines.answer(parse_banner).await? {
                Heard::Banner(banner) => return Ok(banner),
                Heard::Before(line) => lines.attempt.note(format!("heard before the banner: {}", shown(&line))),
            }
        }
        Err(lines.wrong(format!("sent {LINES_BEFORE_MAX} lines and no banner of SSH")))
    }

    /// Exchanges keys, with what was `read` already said again, and returns the one that the server proved.
    async fn exchange(
        &self,
        attempt: &Attempt,
        pins: &Pins,
        mut stream: Stream,
        read: &[&[u8]],
    ) -> Result<Seen, Outcome> {
        let (theirs, mut ours) = duplex(PIPE_BYTES);
        for part in read {
            ours.write_all(part).await.map_err(|error| self.peer.broken(&error, Phase::Processing))?;
        }
        let config = client::Config {
            client_id: SshId::Standard(OWN_BANNER.into()),
            preferred: russh::Preferred { key: pins.algorithms().into(), ..russh::Preferred::DEFAULT },
            inactivity_timeout: Some(attempt.remaining()),
            ..client::Config::default()
        };
        let seen = Arc::new(Mutex::new(None));
        let exchange = connect_stream(Arc::new(config), theirs, Witness(Arc::clone(&seen)));
        let pump = async {
            match copy_bidirectional(&mut stream, &mut ours).await {
                // The exchange itself tells what it made of the end.
                Ok(_) => std::future::pending().await,
                Err(error) => error,
            }
        };
        attempt.enter(Phase::Processing);
        let ended = tokio::select! {
            biased;
            ended = exchange => ended.map(|_| ()),
            error = pump => return Err(self.peer.broken(&error, Phase::Processing)),
        };
        attempt.leave();
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (seen, ended) {
            (Some(seen), _) => Ok(seen),
            (None, Err(error)) => Err(self.failed(&error)),
            (None, Ok(())) => {
                Err(Outcome::unknown("the exchange of keys ended without a key; that is a defect of gengfu"))
            }
        }
    }

    fn left(&self) -> Outcome {
        let text = format!("{} closed the connection in the exchange of keys", self.peer.named());
        Outcome::fail(ReasonKind::Protocol, text)
    }

    /// The verdict about an exchange that showed no key.
    fn failed(&self, error: &russh::Error) -> Outcome {
        let name = self.peer.named();
        match error {
            russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, ours, theirs } => {
                let theirs = list(theirs);
                if theirs.split(", ").all(|name| name.contains("rsa")) {
                    return Outcome::unknown(format!(
                        "{name} has only an RSA host key ({theirs}), which is not checked"
                    ));
                }
                let text = format!("{name}: expected a host key of type {}, got {theirs}", list(ours));
                Outcome::fail(ReasonKind::Content, text)
            }
            russh::Error::NoCommonAlgo { kind, theirs, .. } => {
                let text = format!("{name} has no {kind:?} algorithm that is accepted, only {}", list(theirs));
                Outcome::fail(ReasonKind::Protocol, text)
            }
            russh::Error::Disconnect | russh::Error::HUP => self.left(),
            russh::Error::IO(error) if error.kind() == ErrorKind::UnexpectedEof => self.left(),
            other => Outcome::fail(ReasonKind::Protocol, format!("{name} broke the exchange of keys: {other}")),
        }
    }
}

fn list(names: &[String]) -> String {
    // Names of extensions stand among those of algorithms.
    let names = names.iter().filter(|name| !name.starts_with("ext-info") && !name.starts_with("kex-strict"));
    names.take(6).map(|name| name.chars().take(40).collect::<String>()).collect::<Vec<_>>().join(", ")
}

/// Sees the key that the server proved, and goes no further.
struct Witness(Arc<Mutex<Option<Seen>>>);

impl client::Handler for Witness {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let seen = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => Seen::of(key.key_data()),
            PublicKeyOrCertificate::Certificate(certificate) => Seen::of(certificate.public_key()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(false)
    }
}

/// A line of a server that has not spoken SSH yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// `SSH-2.0-…`.
    Banner(String),
    /// Something for people, which is allowed before it.
    Before(String),
}

/// A line on the way to the banner.
pub(super) fn parse_banner(bytes: &[u8]) -> Parsed<Heard> {
    let is_banner = bytes.starts_with(b"SSH-");
    let Some((line, length)) = parse_line(bytes)? else {
        let endless = is_banner && bytes.len() > BANNER_BYTES_MAX;
        return if endless { Err("sent a banner without an end".into()) } else { Ok(None) };
    };
    if !is_banner {
        return Ok(Some((Heard::Before(line), length)));
    }
    if length > BANNER_BYTES_MAX {
        return Err(format!("sent a banner longer than {BANNER_BYTES_MAX} bytes"));
    }
    if line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-") {
        return Ok(Some((Heard::Banner(line), length)));
    }
    Err(format!("speaks no SSH 2.0: got {}", shown(&line)))
}

#[cfg(test)]
pub(super) mod tests;
