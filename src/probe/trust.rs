//! TLS as a probe sees it: the chain is captured also when it is refused, and every refusal is a sentence.
//!
//! Not here: sockets, reading chains (`chain`) and staples (`ocsp`). Invariants: sessions are never resumed; the chain's facts are noted before trust is judged.

mod chain;
mod ocsp;

pub(super) use chain::{expiry_text, show};
pub(super) use ocsp::{Revocation, Staple, parse_staple};

#[cfg(test)]
pub(super) use ocsp::tests as staples;

use super::{Phase, Recorder};
use crate::domain::{Outcome, ReasonKind, Timestamp};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use std::fmt::Debug;
use std::sync::Arc;

/// Name in the certificate.
pub(super) const NAME: Field =
    Field::optional("name", Type::Host, "Name to ask for and to find in the certificate, if it is not the host.");
/// Whether the chain is judged.
pub(super) const TRUST: Field =
    Field::with_default("trust", Type::Choice(&["required", "ignored"]), "required", TRUST_DOC);
/// The oldest version.
pub(super) const MIN_VERSION: Field =
    Field::with_default("min_version", Type::Choice(&["1.2", "1.3"]), "1.2", MIN_VERSION_DOC);
/// The newest version.
pub(super) const MAX_VERSION: Field =
    Field::with_default("max_version", Type::Choice(&["1.2", "1.3"]), "1.3", "Newest version of TLS that is offered.");
/// A private root.
pub(super) const CA: Field = Field::optional("ca", PEM, "Roots in PEM that are trusted instead of the common ones.");
/// Our own certificate.
pub(super) const CERTIFICATE: Field =
    Field::optional("certificate", PEM, "Our certificate and its chain in PEM, where the peer asks for one.");
/// Its key.
pub(super) const KEY: Field = Field::optional("key", Type::Secret, "The key of `certificate` in PEM: `${NAME}`.");

const PEM: Type = Type::Text { max: 65_536 };
const MIN_VERSION_DOC: &str = "Oldest version of TLS that is accepted; there is no way below 1.2.";
const TRUST_DOC: &str = "Whether the chain must lead to a known root and carry the name.";

/// What makes two configurations of TLS different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Profile {
    pub(super) trust: Trust,
    pub(super) versions: Versions,
    /// Roots in PEM, instead of the common ones.
    pub(super) ca: Option<Arc<str>>,
    /// Our certificate and its key, in PEM.
    pub(super) identity: Option<(Arc<str>, Arc<str>)>,
}

/// Which versions of TLS are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Versions {
    /// 1.2 or 1.3.
    #[default]
    Any,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
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

impl Profile {
    /// Of a record that has [`TRUST`], [`MIN_VERSION`], [`MAX_VERSION`], [`CA`], [`CERTIFICATE`] and [`KEY`].
    ///
    /// # Errors
    /// All fields that are wrong, or do not go together.
    pub(super) fn of(record: &Record) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut wrong = |field: &str, text: String| problems.push(Problem::error(Code::Value, record.at(field), text));
        let trust = if record.text("trust") == "ignored" { Trust::Ignored } else { Trust::Required };
        let versions = match (record.text("min_version"), record.text("max_version")) {
            ("1.3", "1.2") => {
                wrong("max_version", "`max_version` is below `min_version`".into());
                Versions::Any
            }
            ("1.3", _) => Versions::Tls13,
            (_, "1.2") => Versions::Tls12,
            _ => Versions::Any,
        };
        let ca = record.opt_text("ca").map(Arc::<str>::from);
        if let Some(Err(why)) = ca.as_deref().map(roots_of) {
            wrong("ca", why);
        }
        let identity = match (record.opt_text("certificate"), record.opt_text("key")) {
            (Some(certificate), Some(key)) => {
                let identity = (certificate.into(), key.into());
                if let Err((field, why)) = identity_of(&identity) {
                    wrong(field, why);
                }
                Some(identity)
            }
            (None, None) => None,
            (Some(_), None) => {
                wrong("certificate", "`certificate` without its `key`".into());
                None
            }
            (None, Some(_)) => {
                wrong("key", "`key` without its `certificate`".into());
                None
            }
        };
        if problems.is_empty() { Ok(Self { trust, versions, ca, identity }) } else { Err(problems) }
    }
}

impl Versions {
    fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        static TLS12: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];
        static TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
        match self {
            Self::Any => rustls::ALL_VERSIONS,
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
        }
    }
}

fn roots_of(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("not a certificate in PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("not the certificate of a root: {error}"))?;
    }
    if roots.is_empty() { Err("there is no certificate in PEM here".into()) } else { Ok(roots) }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Our certificate and key; the error names the field, and shows nothing of the key.
fn identity_of((certificate, key): &(Arc<str>, Arc<str>)) -> Result<Identity, (&'static str, String)> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
    let chain = chain.map_err(|error| ("certificate", format!("not a certificate in PEM: {error}")))?;
    if chain.is_empty() {
        return Err(("certificate", "there is no certificate in PEM here".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| ("key", "there is no private key in PEM here".to_owned()))?;
    Ok((chain, key))
}

/// A client configuration that captures chains and stamps the beginning of handshakes.
///
/// # Errors
/// If the cryptographic provider supports none of the versions, or refuses our certificate.
pub(super) fn client_config(
    common_roots: &Arc<RootCertStore>,
    profile: &Profile,
    alpn: &[&[u8]],
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let own_roots = profile.ca.as_deref().map(roots_of).transpose().map_err(Error::General)?.map(Arc::new);
    let roots = own_roots.as_ref().unwrap_or(common_roots);
    let judge = match profile.trust {
        Trust::Ignored => Judge::Anybody,
        // The builder refuses an empty store; without any root we refuse every chain instead.
        Trust::Required if roots.is_empty() => Judge::Nobody,
        Trust::Required => {
            let judge = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider)).build();
            Judge::Roots(judge.map_err(|error| Error::General(error.to_string()))?)
        }
    };
    let capture = Capture { judge, schemes: provider.signature_verification_algorithms };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(profile.versions.list())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(capture));
    let mut config = match profile.identity.as_ref().map(identity_of).transpose() {
        Ok(None) => builder.with_no_client_auth(),
        Ok(Some((chain, key))) => builder.with_client_auth_cert(chain, key)?,
        Err((_, why)) => return Err(Error::General(why)),
    };
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
            chain::note(&recorder, leaf, intermediates, ocsp);
            recorder.fact(|facts| facts.leaf(leaf));
        }
        match &self.judge {
            Judge::Roots(judge) => judge
                .verify_server_cert(leaf, intermediates, name, ocsp, now)
                .inspect(|_| tell(|tls| tls.trusted = true)),
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
        tell(|tls| tls.version = Some("TLS 1.2"));
        rustls::crypto::verify_tls12_signature(message, leaf, signed, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tell(|tls| tls.version = Some("TLS 1.3"));
        rustls::crypto::verify_tls13_signature(message, leaf, signed, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}

/// Adds a fact about TLS to the attempt that the present task runs.
fn tell(write: impl FnOnce(&mut super::TlsFacts)) {
    if let Some(recorder) = Recorder::current() {
        recorder.fact(|facts| write(facts.tls.get_or_insert_default()));
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
        Error::InvalidCertificate(C::NotValidForNameContext { expected, presented }) => {
            (ReasonKind::Tls, chain::misnamed(&expected.to_str(), presented))
        }
        Error::InvalidCertificate(C::NotValidForName) => (ReasonKind::Tls, format!("certificate is not for {host}")),
        Error::AlertReceived(alert) => (ReasonKind::Tls, format!("{host} refused the TLS handshake: {alert:?}")),
        Error::PeerIncompatible(why) => {
            (ReasonKind::Tls, format!("{host} speaks no version of TLS that is accepted, 1.2 at least: {why:?}"))
        }
        Error::InvalidMessage(_) => (ReasonKind::Tls, format!("{host} does not speak TLS on this port: {error}")),
        other => (ReasonKind::Tls, format!("the TLS handshake with {host} failed: {other}")),
    };
    Outcome::fail(kind, text)
}
