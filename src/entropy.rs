//! Randomness of the system, for what nobody may guess: tokens and the ids of sessions.
//!
//! Not here: jitter and phases, which may be guessed (`fastrand`, hashes). Invariant: what comes out has 256 bits, or
//! nothing comes out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes; look at its log")]
pub struct NoEntropy;

/// 256 random bits, as 43 characters that fit into headers, cookies and addresses.
///
/// # Errors
/// If the system gives none.
pub fn secret() -> Result<String, NoEntropy> {
    let mut bytes = [0; 32];
    rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 43 && one.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{one}");
    }
}
