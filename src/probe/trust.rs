//! TLS as a probe sees it: the chain is captured also when it is refused, and every refusal is a sentence.
//!
//! Not here: sockets. Invariants: sessions are never resumed; the chain's facts are noted before trust is judged.

use super::{Phase, Recorder};
use crate::domain::{DAY, HOUR, Outcome, ReasonKind, Timestamp};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use std::fmt::Debug;
use std::sync::Arc;

/// Certificates of one chain that are looked at.
const CHAIN_MAX: usize = 10;

/// The oldest version of TLS that a probe accepts; there is none below 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum MinVersion {
    /// 1.2 or 1.3.
    #[default]
    Tls12,
    /// 1.3 only.
    Tls13,
}

/// Documents `min_version`, wherever it stands.
pub(super) const MIN_VERSION_DOC: &str = "Oldest version of TLS that is accepted; there is no way below 1.2.";
/// Documents `trust`, wherever it stands.
pub(super) const TRUST_DOC: &str = "Whether the chain must lead to a known root and carry the name.";

impl Trust {
    /// By its word in the files.
    pub(super) fn named(word: &str) -> Self {
        if word == "ignored" { Self::Ignored } else { Self::Required }
    }
}

impl MinVersion {
    /// By its word in the files.
    pub(super) fn named(word: &str) -> Self {
        if word == "1.3" { Self::Tls13 } else { Self::Tls12 }
    }

    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
        match self {
            Self::Tls12 => rustls::ALL_VERSIONS,
            Self::Tls13 => &TLS13,
        }
    }
}

/// Whether a chain that nobody vouches for ends the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Trust {
    /// The chain must lead to a known root and carry the name.
    #[default]
    Required,
    /// The chain is looked at, not judged.
    Ignored,
}

/// A client configuration that captures chains and stamps the beginning of handshakes.
///
/// # Errors
/// If the cryptographic provider supports none of the versions.
pub(super) fn client_config(
    roots: &Arc<RootCertStore>,
    min_version: MinVersion,
    trust: Trust,
    alpn: &[&[u8]],
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let judge = match trust {
        Trust::Ignored => Judge::Anybody,
        // The builder refuses an empty store; without any root we refuse every chain instead.
        Trust::Required if roots.is_empty() => Judge::Nobody,
        Trust::Required => {
            let judge = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider)).build();
            Judge::Roots(judge.map_err(|error| Error::General(error.to_string()))?)
        }
    };
    let capture = Capture { judge, schemes: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(min_version.versions())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(capture))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::store(Arc::new(Forgetful));
    Ok(config)
}

/// Remembers no session; asking it happens when the first message is made, so that is where the handshake begins.
#[derive(Debug)]
struct Forgetful;

impl ClientSessionStore for Forgetful {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        if let Some(recorder) = Recorder::current().filter(|recorder| recorder.phase() != Some(Phase::Tls)) {
            recorder.enter(Phase::Tls);
        }
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: rustls::client::Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<rustls::client::Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: rustls::client::Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<rustls::client::Tls13ClientSessionValue> {
        None
    }
}

/// Whom a chain may lead to.
#[derive(Debug)]
enum Judge {
    Roots(Arc<WebPkiServerVerifier>),
    Anybody,
    Nobody,
}

#[derive(Debug)]
struct Capture {
    judge: Judge,
    schemes: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(recorder) = Recorder::current() {
            note_chain(&recorder, leaf, intermediates);
        }
        match &self.judge {
            Judge::Roots(judge) => judge.verify_server_cert(leaf, intermediates, name, ocsp, now),
            Judge::Anybody => Ok(ServerCertVerified::assertion()),
            Judge::Nobody => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, leaf, signed, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, leaf, signed, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}

/// Keeps the chain's earliest expiry and writes one line per certificate.
fn note_chain(recorder: &Recorder, leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) {
    let mut earliest: Option<Timestamp> = None;
    for (place, der) in std::iter::once(leaf).chain(intermediates).take(CHAIN_MAX).enumerate() {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else {
            recorder.note(format!("certificate {place}: {} bytes that are no certificate", der.len()));
            continue;
        };
        let not_after = Timestamp(certificate.validity().not_after.timestamp() * 1_000);
        earliest = Some(earliest.map_or(not_after, |before| before.min(not_after)));
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        recorder.note(format!("certificate {place}: {subject}; issued by {issuer}; expires {not_after}"));
    }
    if let Some(not_after) = earliest {
        recorder.certificate(not_after);
    }
}

/// How long a certificate is still good, for people.
pub(super) fn expiry_text(now: Timestamp, not_after: Timestamp) -> String {
    let left_ms = not_after.since(now);
    match left_ms {
        ..0 => format!("the certificate expired at {not_after}"),
        0..DAY => format!("the certificate expires in {} hours, at {not_after}", left_ms / HOUR),
        _ => format!("the certificate expires in {} days, at {not_after}", left_ms / DAY),
    }
}

/// The verdict about a handshake that failed, for people.
pub(super) fn refused(error: &Error, host: &str) -> Outcome {
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
        Error::InvalidCertificate(C::NotValidForNameContext { presented, .. }) => {
            let names = presented.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            (ReasonKind::Tls, format!("the certificate is not for {host}, but for {names}"))
        }
        Error::InvalidCertificate(C::NotValidForName) => {
            (ReasonKind::Tls, format!("the certificate is not for {host}"))
        }
        Error::AlertReceived(alert) => (ReasonKind::Tls, format!("{host} refused the TLS handshake: {alert:?}")),
        Error::PeerIncompatible(why) => {
            (ReasonKind::Tls, format!("{host} speaks no version of TLS that is accepted, 1.2 at least: {why:?}"))
        }
        Error::InvalidMessage(_) => (ReasonKind::Tls, format!("{host} does not speak TLS on this port: {error}")),
        other => (ReasonKind::Tls, format!("the TLS handshake with {host} failed: {other}")),
    };
    Outcome::fail(kind, text)
}
