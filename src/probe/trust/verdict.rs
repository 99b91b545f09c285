//! What a handshake that failed means, for people.
//!
//! Not here: judging chains (`trust`). Invariant: names of the library's own errors are told in words.

use super::chain;
use crate::domain::{Outcome, ReasonKind, Timestamp};
use rustls::{CertificateError, Error, PeerIncompatible};

/// The verdict about a handshake with `host` that failed.
pub(in crate::probe) fn refused(error: &Error, host: &str) -> Outcome {
    use CertificateError as C;
    let (kind, text) = match error {
        Error::InvalidCertificate(C::ExpiredContext { not_after, .. }) => {
            let at = Timestamp(i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX / 1_000_000) * 1_000);
            (ReasonKind::Certificate, format!("the certificate of {host} expired at {at}"))
        }
        Error::InvalidCertificate(C::Expired) => {
            (ReasonKind::Certificate, format!("the certificate of {host} has expired"))
        }
        Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            (ReasonKind::Certificate, format!("the certificate of {host} is not valid yet"))
        }
        Error::InvalidCertificate(C::UnknownIssuer) => {
            let remedy = "add its root to `network.ca` if it is a private one";
            (ReasonKind::Tls, format!("no known authority vouches for the certificate of {host}; {remedy}"))
        }
        Error::InvalidCertificate(C::NotValidForNameContext { expected, presented }) => {
            (ReasonKind::Tls, chain::misnamed(&expected.to_str(), presented))
        }
        Error::InvalidCertificate(C::NotValidForName) => (ReasonKind::Tls, format!("certificate is not for {host}")),
        Error::AlertReceived(alert) => {
            (ReasonKind::Tls, format!("{host} refused the TLS handshake: {}", words(&format!("{alert:?}"))))
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => (ReasonKind::Tls, format!("{host} speaks no version of TLS that is accepted, 1.2 at least")),
        Error::PeerIncompatible(why) => {
            let why = words(&format!("{why:?}"));
            (ReasonKind::Tls, format!("{host} speaks another TLS than is accepted: {why}"))
        }
        Error::InvalidMessage(why) => {
            let why = words(&format!("{why:?}"));
            (ReasonKind::Tls, format!("{host} does not speak TLS on this port: {why}"))
        }
        other => (ReasonKind::Tls, format!("the TLS handshake with {host} failed: {other}")),
    };
    Outcome::fail(kind, text)
}

/// `HandshakeFailure` in words, `handshake failure`; `MissingData("x")` is `missing data, x`.
fn words(name: &str) -> String {
    if let Some((name, inside)) = name.split_once('(') {
        return format!("{}, {}", words(name), inside.trim_end_matches(')').trim_matches('"'));
    }
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::AlertDescription;

    fn text(error: Error) -> String {
        let outcome = refused(&error, "a.test");
        let reason = outcome.reason().unwrap();
        assert_eq!((outcome.label(), reason.kind), ("fail", ReasonKind::Tls));
        reason.text.clone()
    }

    #[test]
    fn names_of_errors_are_told_in_words() {
        let alert = Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(text(alert), "a.test refused the TLS handshake: handshake failure");
        let garbage = Error::InvalidMessage(rustls::InvalidMessage::MissingData("ServerHello"));
        assert_eq!(text(garbage), "a.test does not speak TLS on this port: missing data, ServerHello");
        let old = Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);
        assert_eq!(text(old), "a.test speaks no version of TLS that is accepted, 1.2 at least");
        let other = Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon);
        assert_eq!(text(other), "a.test speaks another TLS than is accepted: no cipher suites in common");
    }
}
