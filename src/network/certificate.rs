//! The daemon's own certificate: read from its files, and read again when they change.
//!
//! Not here: listeners (`web::serve`). Invariants: a key that does not belong to its certificate is found when the files
//! are read, not when somebody connects; a set of files that is no good leaves the former one in force; the key is
//! shown nowhere.

use crate::domain::Timestamp;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, sign::CertifiedKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Largest file of a certificate or key.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where the files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, the daemon's own certificate first.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
    /// Roots that vouch for clients; with them every client must show a certificate.
    pub client_roots: Option<PathBuf>,
}

/// Why the files cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// One cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// Which.
        path: String,
        /// The system's words.
        why: String,
    },
    /// One does not hold what it should.
    #[error("{path} holds no {what}; write it as PEM")]
    Empty {
        /// Which.
        path: String,
        /// What is missing.
        what: &'static str,
    },
    /// They do not belong together, or are of a kind that is not understood.
    #[error("the certificate and its key cannot be used: {0}")]
    Unfit(String),
}

impl CertificateFiles {
    /// What a listener needs.
    ///
    /// # Errors
    /// Which file is no good, and why.
    pub fn load(&self) -> Result<ServerConfig, CertificateError> {
        let unfit = |error: rustls::Error| CertificateError::Unfit(error.to_string());
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_| CertificateError::Empty { path: shown(&self.key), what: "private key" })?;
        // Says early whether both belong together.
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(unfit)?;
        let versions = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = versions.map_err(unfit)?;
        let builder = match &self.client_roots {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| CertificateError::Unfit(error.to_string()))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// When the daemon's own certificate ends, if it can be read.
    pub fn not_after(&self) -> Option<Timestamp> {
        let own = certificates(&self.certificate).ok()?.into_iter().next()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&own).ok()?;
        Some(Timestamp(parsed.validity().not_after.timestamp() * 1_000))
    }

    /// By this a change shows.
    fn stamp(&self) -> Stamp {
        let paths = [Some(&self.certificate), Some(&self.key), self.client_roots.as_ref()];
        let of = |path: &PathBuf| std::fs::metadata(path).and_then(|m| Ok((m.modified()?, m.len()))).ok();
        paths.map(|path| path.and_then(of))
    }
}

type Stamp = [Option<(SystemTime, u64)>; 3];

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unreadable = |why: String| CertificateError::Unreadable { path: shown(path), why };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?).flatten().collect();
    if found.is_empty() {
        return Err(CertificateError::Empty { path: shown(path), what: "certificate" });
    }
    Ok(found)
}

/// The certificate that new connections get.
pub struct Certificate {
    files: ArcSwap<CertificateFiles>,
    config: ArcSwap<ServerConfig>,
    stamp: ArcSwap<Stamp>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files.load()).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`CertificateFiles::load`].
    pub fn open(files: CertificateFiles) -> Result<Self, CertificateError> {
        let (stamp, config) = (files.stamp(), files.load()?);
        Ok(Self {
            files: ArcSwap::from_pointee(files),
            config: ArcSwap::from_pointee(config),
            stamp: ArcSwap::from_pointee(stamp),
        })
    }

    /// What a new connection is served with.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files, perhaps others than before; the former ones stay in force if these are no good.
    ///
    /// # Errors
    /// As [`CertificateFiles::load`].
    pub fn renew(&self, files: CertificateFiles) -> Result<(), CertificateError> {
        let stamp = files.stamp();
        let config = files.load();
        // What was looked at is not looked at again before it changes.
        self.stamp.store(Arc::new(stamp));
        self.config.store(Arc::new(config?));
        self.files.store(Arc::new(files));
        Ok(())
    }

    /// Reads the files again if they have changed; says whether they had.
    ///
    /// # Errors
    /// As [`CertificateFiles::load`].
    pub fn renew_if_changed(&self) -> Result<Renewed, CertificateError> {
        let files = self.files.load_full();
        if files.stamp() == **self.stamp.load() {
            return Ok(Renewed::No);
        }
        self.renew((*files).clone()).map(|()| Renewed::Yes)
    }
}

/// Whether there was something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// There was.
    Yes,
    /// Nothing has changed.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of its own authority, in files.
    fn files(folder: &Path, name: &str) -> CertificateFiles {
        let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let files = CertificateFiles {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
            client_roots: None,
        };
        std::fs::write(&files.certificate, signed.cert.pem()).unwrap();
        std::fs::write(&files.key, signed.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn what_is_wrong_with_the_files_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (good, other) = (files(folder.path(), "a.test"), files(folder.path(), "b.test"));
        assert!(good.load().is_ok());
        let told = |files: CertificateFiles| files.load().unwrap_err().to_string();
        let mixed = CertificateFiles { key: other.key, ..good.clone() };
        assert!(told(mixed).starts_with("the certificate and its key cannot be used"));
        let absent = CertificateFiles { key: folder.path().join("absent.key"), ..good.clone() };
        assert!(told(absent).contains("absent.key cannot be read"));
        let swapped = CertificateFiles { certificate: good.key.clone(), ..good.clone() };
        assert!(told(swapped).ends_with("a.test.key holds no certificate; write it as PEM"));
        let swapped = CertificateFiles { key: good.certificate.clone(), ..good.clone() };
        assert!(told(swapped).contains("holds no private key"));
        let rootless = CertificateFiles { client_roots: Some(good.key.clone()), ..good };
        assert!(told(rootless).contains("holds no certificate"));
    }

    #[test]
    fn a_bad_renewal_leaves_the_former_certificate_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let own = files(folder.path(), "a.test");
        let certificate = Certificate::open(own.clone()).unwrap();
        let first = certificate.config();
        assert_eq!(certificate.renew_if_changed(), Ok(Renewed::No));
        std::fs::write(&own.key, "nothing").unwrap();
        assert!(certificate.renew_if_changed().is_err());
        assert_eq!(certificate.renew_if_changed(), Ok(Renewed::No), "told once");
        assert!(Arc::ptr_eq(&first, &certificate.config()));
        files(folder.path(), "a.test");
        assert_eq!(certificate.renew_if_changed(), Ok(Renewed::Yes));
        assert!(!Arc::ptr_eq(&first, &certificate.config()));
    }
}
