//! The city's certificate authority: made in memory at the start, one leaf per host by SNI, gone with the city.
//!
//! Not here: trust (the daemon is handed the PEM). Invariants: the authority's key never leaves memory; only hosts of
//! the city get a leaf; validity counts from the city's clock.

use super::script::{Behaviour, Stage};
use super::{CityError, EXPIRING_DAYS};
use crate::clock::Clock;
use crate::domain::{DAY, SubsystemId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long an ordinary leaf and the authority itself are valid, in days.
const LEAF_DAYS: i64 = 200;
const AUTHORITY_DAYS: i64 = 3_650;

/// `rcgen` counts time in a type of its own dependency; a macro spares us naming it.
macro_rules! instant {
    ($at:expr) => {
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(($at).0).unwrap_or_default())
    };
}

/// Signs leaves.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    pub(super) fn new(now: Timestamp) -> Result<Self, CityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "gengfu simulated city");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = instant!(now - DAY);
        params.not_after = instant!(now + AUTHORITY_DAYS * DAY);
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// The root, for those who are to trust the city.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    fn leaf(&self, host: &str, now: Timestamp, days: i64) -> Result<CertifiedKey, CityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, host);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.not_before = instant!(now - DAY);
        params.not_after = instant!(now + days * DAY);
        let leaf = params.signed_by(&key, &self.issuer)?;
        let private =
            PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| CityError::Certificate(e.to_string()))?;
        let signing = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&private)?;
        Ok(CertifiedKey::new(vec![leaf.der().clone(), self.certificate.clone()], signing))
    }
}

/// Picks the leaf that a caller asks for by name.
pub(super) struct Leaves {
    authority: Authority,
    stage: Arc<Stage>,
    clock: Arc<dyn Clock>,
    hosts: HashMap<String, Vec<SubsystemId>>,
    /// By host and days left; at most two for each host.
    made: Mutex<HashMap<(String, i64), Arc<CertifiedKey>>>,
}

impl std::fmt::Debug for Leaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leaves({} hosts)", self.hosts.len())
    }
}

impl Leaves {
    pub(super) fn new(
        authority: Authority,
        stage: Arc<Stage>,
        clock: Arc<dyn Clock>,
        hosts: HashMap<String, Vec<SubsystemId>>,
    ) -> Self {
        Self { authority, stage, clock, hosts, made: Mutex::default() }
    }

    pub(super) fn pem(&self) -> &str {
        self.authority.pem()
    }

    fn pick(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let host = host.to_ascii_lowercase();
        let subsystems = self.hosts.get(&host)?;
        let expiring = subsystems.iter().any(|id| self.stage.behaviour(id) == Behaviour::ExpiringCertificate);
        let days = if expiring { EXPIRING_DAYS } else { LEAF_DAYS };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made.get(&(host.clone(), days)).cloned();
        known.or_else(|| {
            let leaf = self.authority.leaf(&host, self.clock.now(), days);
            let leaf = leaf.inspect_err(|e| tracing::warn!(host, error = %e, "the city cannot sign a leaf")).ok()?;
            let leaf = Arc::new(leaf);
            made.insert((host, days), leaf.clone());
            Some(leaf)
        })
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.pick(hello.server_name()?)
    }
}

/// TLS 1.2 and 1.3, no resumption: each probe pays for a whole handshake, as it says it does.
pub(super) fn server_config(leaves: Arc<Leaves>, protocol: &[u8]) -> Result<Arc<ServerConfig>, CityError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(leaves);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}
