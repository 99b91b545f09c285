//! The Ed25519 key that signs days: a file beside the store, readable by its owner alone.
//!
//! Not here: what is signed (`statement`). Invariants: the secret leaves this file neither as text nor in an error; it is
//! made once, at the first start, and no backup holds it; a file that is there is never overwritten.

use super::statement::{PublicKey, SIGNATURE_BYTES};
use crate::store::{StoreError, directory};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::Digest;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Nobody but the user that runs gengfu.
const OWNER_ONLY: u32 = 0o600;

/// What signs.
pub(in crate::store) struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public)
    }
}

impl Signer {
    /// The key of this file, which is made if it is not there.
    ///
    /// # Errors
    /// `Key` if the file is not a key; what the file system says.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            make(path)?;
        }
        let io = |e: std::io::Error| StoreError::io(path, &e);
        let open_to_others = fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0;
        if open_to_others {
            fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY)).map_err(io)?;
        }
        let bytes = fs::read(path).map_err(io)?;
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| StoreError::Key(path.display().to_string()))?;
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| StoreError::Key(path.display().to_string()))?;
        Ok(Self { pair, public: PublicKey(public) })
    }

    /// What others check by.
    pub(in crate::store) fn public(&self) -> PublicKey {
        self.public
    }

    /// 32 bytes for `purpose` that only this key makes; no signature of a day says as much.
    pub(in crate::store) fn secret_for(&self, purpose: &str) -> [u8; 32] {
        let signature = self.pair.sign(format!("gengfu: a secret for {purpose}").as_bytes());
        sha2::Sha256::digest(signature.as_ref()).into()
    }

    /// Signs these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }
}

/// Whether `signature` is this key's under `bytes`.
pub(super) fn is_signed(key: PublicKey, bytes: &[u8], signature: &[u8]) -> bool {
    signature.len() == SIGNATURE_BYTES && UnparsedPublicKey::new(&ED25519, key.0).verify(bytes, signature).is_ok()
}

/// Writes a new key, complete or not at all.
fn make(path: &Path) -> Result<(), StoreError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    let document = document.map_err(|_| StoreError::Io("the system gives no random bytes for the key".into()))?;
    let partial = crate::store::backup::with_suffix(path, ".partial");
    let io = |e: std::io::Error| StoreError::io(&partial, &e);
    match fs::remove_file(&partial) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e)),
        _ => {}
    }
    let mut file = fs::File::options().write(true).create_new(true).mode(OWNER_ONLY).open(&partial).map_err(io)?;
    file.write_all(document.as_ref()).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&partial, path).map_err(io)?;
    fs::File::open(directory(path)).and_then(|d| d.sync_all()).map_err(|e| StoreError::io(path, &e))
}
