//! What a server staples to its certificate about revocation (RFC 6960), as far as a monitor needs it.
//!
//! Not here: asking the responder, and verifying its signature: what a server says against itself counts, and what it
//! says for itself only shows that it staples. Invariants: reading never panics; a staple about another certificate
//! says nothing about this one.

use crate::domain::Timestamp;
use der::Decode;
use std::fmt;
use x509_ocsp::{BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus, SingleResponse};

/// Largest staple that is read.
const STAPLE_BYTES_MAX: usize = 64 << 10;

/// What a staple says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Staple {
    /// About this certificate.
    Says {
        /// Whether it is revoked.
        revocation: Revocation,
        /// Since when this is known to be right.
        this_update: Timestamp,
        /// Until when it holds.
        next_update: Option<Timestamp>,
    },
    /// It cannot be used, and why.
    Useless(String),
}

/// Whether a certificate is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Revocation {
    /// It is not.
    Good,
    /// It is.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Such as `KeyCompromise`.
        why: Option<String>,
    },
    /// The responder does not know it.
    Unknown,
}

impl fmt::Display for Staple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Useless(why) => f.write_str(why),
            Self::Says { revocation, this_update, next_update } => {
                match revocation {
                    Revocation::Good => write!(f, "good")?,
                    Revocation::Revoked { at, why: None } => write!(f, "revoked at {at}")?,
                    Revocation::Revoked { at, why: Some(why) } => write!(f, "revoked at {at}, {why}")?,
                    Revocation::Unknown => write!(f, "unknown to its responder")?,
                }
                write!(f, "; as of {this_update}")?;
                next_update.map_or(Ok(()), |until| write!(f, ", until {until}"))
            }
        }
    }
}

/// Reads a staple about the certificate with this serial number.
pub(in crate::probe) fn parse_staple(bytes: &[u8], serial: &[u8]) -> Staple {
    read(bytes, serial).unwrap_or_else(Staple::Useless)
}

fn read(bytes: &[u8], serial: &[u8]) -> Result<Staple, String> {
    if bytes.len() > STAPLE_BYTES_MAX {
        return Err(format!("{} bytes, more than are read", bytes.len()));
    }
    let response = OcspResponse::from_der(bytes).map_err(|error| format!("not an OCSP response: {error}"))?;
    if response.response_status != OcspResponseStatus::Successful {
        return Err(format!("the responder refused to answer: {:?}", response.response_status));
    }
    let body = response.response_bytes.ok_or("an OCSP response without an answer")?;
    let basic = BasicOcspResponse::from_der(body.response.as_bytes())
        .map_err(|error| format!("not a basic OCSP response: {error}"))?;
    let about_this =
        |single: &&SingleResponse| significant(single.cert_id.serial_number.as_bytes()) == significant(serial);
    let single = basic.tbs_response_data.responses.iter().find(about_this);
    let single = single.ok_or("it is about another certificate")?;
    let revocation = match single.cert_status {
        CertStatus::Good(_) => Revocation::Good,
        CertStatus::Revoked(info) => Revocation::Revoked {
            at: timestamp(info.revocation_time),
            why: info.revocation_reason.map(|reason| format!("{reason:?}")),
        },
        CertStatus::Unknown(_) => Revocation::Unknown,
    };
    Ok(Staple::Says {
        revocation,
        this_update: timestamp(single.this_update),
        next_update: single.next_update.map(timestamp),
    })
}

/// Serial numbers are integers; leading zeros are no part of them.
fn significant(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}

fn timestamp(time: OcspGeneralizedTime) -> Timestamp {
    let seconds = time.0.to_unix_duration().as_secs();
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000))
}

#[cfg(test)]
pub(in crate::probe) mod tests;
