//! Host keys that a server may have, as people write them down, and the one that it proved.
//!
//! Not here: how it proves it. Invariant: a pin that could never match is refused when the probe is built.

use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Problem, Problems, Record};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use std::fmt;

/// Characters of a SHA-256 in base64 without padding.
const FINGERPRINT_CHARS: usize = 43;

/// What can be checked, the best first.
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
];

/// The pinned keys; any of them is right.
#[derive(Debug)]
pub(super) struct Pins(Vec<Pin>);

#[derive(Debug)]
struct Pin {
    fingerprint: String,
    /// Known where the whole key was written down.
    algorithm: Option<Algorithm>,
}

/// The key that a server proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    algorithm: String,
    fingerprint: String,
}

impl Seen {
    pub(super) fn of(key: &KeyData) -> Self {
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        Self { algorithm: key.algorithm().as_str().to_owned(), fingerprint }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint)
    }
}

impl Pins {
    /// Of a record that has `host_key`.
    ///
    /// # Errors
    /// All that are no keys, or keys that cannot be checked.
    pub(super) fn of(record: &Record) -> Result<Self, Problems> {
        let (mut pins, mut problems) = (Vec::new(), Problems::new());
        for (text, at) in record.texts("host_key") {
            match pin(text) {
                Ok(pin) => pins.push(pin),
                Err(why) => problems.push(Problem::error(Code::Value, at, why)),
            }
        }
        if problems.is_empty() { Ok(Self(pins)) } else { Err(problems) }
    }

    /// What to ask the server for. A fingerprint does not say of which kind its key is.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let pinned = |algorithm: &&Algorithm| {
            self.0.iter().any(|pin| pin.algorithm.as_ref().is_none_or(|pinned| pinned == *algorithm))
        };
        ALGORITHMS.iter().filter(pinned).cloned().collect()
    }

    /// Whether the key of `name` is one of them.
    pub(super) fn judge(&self, seen: &Seen, name: &str) -> Result<(), Outcome> {
        if self.0.iter().any(|pin| pin.fingerprint == seen.fingerprint) {
            return Ok(());
        }
        let pins = self.0.iter().take(2).map(|pin| pin.fingerprint.as_str()).collect::<Vec<_>>().join(" or ");
        let more = if self.0.len() > 2 { format!(" or {} others", self.0.len() - 2) } else { String::new() };
        let text = format!("{name}: expected host key {pins}{more}, got {seen}");
        Err(Outcome::fail(ReasonKind::Content, text))
    }
}

fn pin(text: &str) -> Result<Pin, String> {
    let text = text.trim();
    if let Some(hash) = text.strip_prefix("SHA256:") {
        let hash = hash.trim_end_matches('=');
        let is_base64 = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        if hash.len() != FINGERPRINT_CHARS || !is_base64 {
            return Err("not a fingerprint; `ssh-keygen -lf` prints it as `SHA256:` and 43 characters".into());
        }
        return Ok(Pin { fingerprint: format!("SHA256:{hash}"), algorithm: None });
    }
    let key = PublicKey::from_openssh(text).map_err(|_| {
        "neither a fingerprint (`SHA256:…`) nor a public key (`ssh-ed25519 AAAA…`), as `ssh-keyscan` prints it without \
         the host"
            .to_owned()
    })?;
    let algorithm = key.algorithm();
    if !ALGORITHMS.contains(&algorithm) {
        return Err(format!("a key of type {} is not checked; pin the Ed25519 or ECDSA key", algorithm.as_str()));
    }
    Ok(Pin { fingerprint: key.fingerprint(HashAlg::Sha256).to_string(), algorithm: Some(algorithm) })
}
