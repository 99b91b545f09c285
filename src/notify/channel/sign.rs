//! Signatures: HMAC with SHA-256, in the form that each place wants.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn hmac_base64(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

/// DingTalk: the secret signs its own time, in milliseconds.
pub(super) fn dingtalk(secret: &str, now_ms: i64) -> String {
    hmac_base64(secret.as_bytes(), format!("{now_ms}\n{secret}").as_bytes())
}

/// Feishu: time, in seconds, and secret are the key, and nothing is signed.
pub(super) fn feishu(secret: &str, now_s: i64) -> String {
    hmac_base64(format!("{now_s}\n{secret}").as_bytes(), b"")
}

/// Standard Webhooks, version 1: id, time in seconds and body.
pub(super) fn webhook(key: &[u8], id: &str, now_s: i64, body: &str) -> String {
    format!("v1,{}", hmac_base64(key, format!("{id}.{now_s}.{body}").as_bytes()))
}

/// The key in a secret: base64 behind `whsec_`, else the bytes as they are.
pub(super) fn webhook_key(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}
