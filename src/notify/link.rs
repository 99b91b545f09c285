//! Links in mails that do something: who got the mail says "I have it" without signing in.
//!
//! Not here: the page that asks once more (`web::pages::take`). Invariants: a link is good for one incident, one recipient
//! and a time; whoever cannot sign cannot make one; it names nothing that is not in the mail anyway.

use crate::domain::{IncidentId, Timestamp};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What signs links.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

/// A link as it comes back.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The recipient's address.
    pub by: &'a str,
    /// Until when it is good, in milliseconds since 1970.
    pub until: i64,
    /// HMAC-SHA256, base64 for addresses.
    pub signature: &'a str,
}

impl LinkKey {
    /// A key of these bytes, which nobody else knows.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A key that anybody has: links made of it open nothing. For examples and simulations.
    pub fn of_examples() -> Self {
        Self::new(b"an example: links made of it open nothing")
    }

    /// Path and query of the page on which `by` takes `incident`, good until `until`.
    pub fn take(&self, incident: IncidentId, by: &str, until: Timestamp) -> String {
        let tag = hmac::sign(&self.0, said(incident, by, until.0).as_bytes());
        let (by, signature) = (encoded(by), URL_SAFE_NO_PAD.encode(tag));
        format!("/incidents/{incident}/take?by={by}&until={}&signature={signature}", until.0)
    }

    /// Whether a link is one of ours, and still good at `now`.
    pub fn is_good(&self, now: Timestamp, incident: IncidentId, signed: Signed<'_>) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(signed.signature) else { return false };
        let said = said(incident, signed.by, signed.until);
        now.0 < signed.until && hmac::verify(&self.0, said.as_bytes(), &tag).is_ok()
    }
}

/// What is signed. An address holds no line break, so no two links say the same.
fn said(incident: IncidentId, by: &str, until: i64) -> String {
    format!("take\n{incident}\n{until}\n{by}")
}

/// Percent-encoded for a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    let part = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INC: IncidentId = IncidentId(42);
    const UNTIL: Timestamp = Timestamp(1_000);

    fn signature(of: &str) -> &str {
        of.rsplit_once('=').unwrap().1
    }

    #[test]
    fn a_link_is_good_for_its_incident_its_recipient_and_its_time_alone() {
        let key = LinkKey::new(b"secret");
        let link = key.take(INC, "a+b@x.test", UNTIL);
        assert!(link.starts_with("/incidents/INC-0042/take?by=a%2Bb@x.test&until=1000&signature="), "{link}");
        let good = Signed { by: "a+b@x.test", until: 1_000, signature: signature(&link) };
        assert!(key.is_good(Timestamp(999), INC, good));
        assert!(!key.is_good(Timestamp(1_000), INC, good), "too late");
        assert!(!key.is_good(Timestamp(0), IncidentId(43), good));
        assert!(!key.is_good(Timestamp(0), INC, Signed { by: "c@x.test", ..good }));
        assert!(!key.is_good(Timestamp(0), INC, Signed { until: 2_000, ..good }));
        assert!(!key.is_good(Timestamp(0), INC, Signed { signature: "", ..good }));
        assert!(!LinkKey::new(b"other").is_good(Timestamp(0), INC, good));
    }
}
