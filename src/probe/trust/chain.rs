//! What the certificates of a chain say, for the trace and for those who watch expiry.
//!
//! Not here: whether the chain is trusted (`trust`). Invariants: a chain is read whether or not it is trusted; at most
//! [`CHAIN_MAX`] certificates and [`NAMES_MAX`] names of each are shown.

use super::ocsp;
use crate::domain::{DAY, HOUR, Timestamp};
use crate::probe::Recorder;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;
use x509_parser::public_key::PublicKey;

/// Certificates of one chain that are looked at.
const CHAIN_MAX: usize = 10;
/// Names of one certificate that are shown.
const NAMES_MAX: usize = 5;
/// How much of one name is shown where it must not push others away.
const NAME_CHARS_MAX: usize = 80;

/// Keeps what the chain says about its ends, and writes one line per certificate and one about the staple.
pub(super) fn note(
    recorder: &Recorder,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    staple: &[u8],
) {
    let (mut earliest, mut of_leaf, mut serial): (Option<Timestamp>, _, Vec<u8>) = (None, None, Vec::new());
    for (place, der) in std::iter::once(leaf).chain(intermediates).take(CHAIN_MAX).enumerate() {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else {
            recorder.note(format!("certificate {place}: {} bytes that are no certificate", der.len()));
            continue;
        };
        let not_after = Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1_000));
        earliest = Some(earliest.map_or(not_after, |before| before.min(not_after)));
        if place == 0 {
            of_leaf = Some(not_after);
            serial = certificate.raw_serial().to_vec();
        }
        recorder.note(format!("certificate {place}: {}", line(&certificate, not_after)));
    }
    if let Some(not_after) = earliest {
        recorder.certificate(not_after);
    }
    let staple = (!staple.is_empty()).then(|| ocsp::parse_staple(staple, &serial));
    if let Some(staple) = &staple {
        recorder.note(format!("OCSP staple: {staple}"));
    }
    recorder.leaf(of_leaf, staple);
}

fn line(certificate: &X509Certificate<'_>, not_after: Timestamp) -> String {
    let (subject, issuer) = (certificate.subject(), certificate.issuer());
    let key = key(certificate);
    let signed = algorithm(&certificate.signature_algorithm.algorithm);
    let names = names(certificate);
    format!("{subject}; issued by {issuer}; expires {not_after}; {key}; signed with {signed}{names}")
}

/// Why a certificate is not for the name that was asked for; `presented` is how the verifier shows its names.
pub(super) fn misnamed(asked: &str, presented: &[String]) -> String {
    let names: Vec<String> = presented.iter().filter_map(|name| plain(name)).collect();
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match names.as_slice() {
        [] => format!("certificate has no names, so it is not for {asked}"),
        names => {
            format!("certificate is for {}{more}, not for {asked}", names[..names.len().min(NAMES_MAX)].join(", "))
        }
    }
}

/// The name in `DnsName("a.test")` or `IpAddress(::1)`; others say nothing about hosts.
fn plain(presented: &str) -> Option<String> {
    let dns = presented.strip_prefix("DnsName(\"").and_then(|rest| rest.strip_suffix("\")"));
    let name = dns.or_else(|| presented.strip_prefix("IpAddress(")?.strip_suffix(')'))?;
    let cut: String = name.chars().take(NAME_CHARS_MAX).collect();
    Some(if cut.len() < name.len() { format!("{cut}…") } else { cut })
}

/// All that is ever shown of a certificate, for fuzzing.
pub(in crate::probe) fn show(bytes: &[u8]) {
    if let Ok((_, certificate)) = x509_parser::parse_x509_certificate(bytes) {
        let _ = line(&certificate, Timestamp(0));
    }
}

/// `RSA key of 2048 bits`.
fn key(certificate: &X509Certificate<'_>) -> String {
    let info = certificate.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA key of {} bits", key.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            format!("EC key on {}", curve.map_or_else(|| "a curve of its own".to_owned(), |curve| algorithm(&curve)))
        }
        Ok(PublicKey::DSA(_)) => "DSA key".to_owned(),
        _ => format!("{} key", algorithm(&info.algorithm.algorithm)),
    }
}

/// What people call it; a number where they do not.
fn algorithm(oid: &Oid<'_>) -> String {
    let number = oid.to_id_string();
    let name = match number.as_str() {
        "1.2.840.113549.1.1.4" => "MD5 and RSA",
        "1.2.840.113549.1.1.5" => "SHA-1 and RSA",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.113549.1.1.11" => "SHA-256 and RSA",
        "1.2.840.113549.1.1.12" => "SHA-384 and RSA",
        "1.2.840.113549.1.1.13" => "SHA-512 and RSA",
        "1.2.840.10045.4.1" => "SHA-1 and ECDSA",
        "1.2.840.10045.4.3.2" => "SHA-256 and ECDSA",
        "1.2.840.10045.4.3.3" => "SHA-384 and ECDSA",
        "1.2.840.10045.4.3.4" => "SHA-512 and ECDSA",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "1.2.156.10197.1.301" => "SM2",
        "1.2.156.10197.1.501" => "SM3 and SM2",
        _ => return number,
    };
    name.to_owned()
}

/// `; for a.test, b.test and 3 more`.
fn names(certificate: &X509Certificate<'_>) -> String {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return String::new() };
    let all = &extension.value.general_names;
    let shown: Vec<String> = all.iter().take(NAMES_MAX).map(name).collect();
    let more = match all.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; for {}{more}", shown.join(", "))
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => (*text).to_owned(),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from);
            let address = v4.or_else(|| <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from));
            address.map_or_else(|| "an address that is none".to_owned(), |address| address.to_string())
        }
        _ => "a name of another kind".to_owned(),
    }
}

/// How long a certificate is still good, for people.
pub(in crate::probe) fn expiry_text(now: Timestamp, not_after: Timestamp) -> String {
    let left_ms = not_after.since(now);
    let counted = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match left_ms {
        ..0 => format!("the certificate expired at {not_after}"),
        0..DAY => format!("the certificate expires in {}, at {not_after}", counted(left_ms / HOUR, "hour")),
        _ => format!("the certificate expires in {}, at {not_after}", counted(left_ms / DAY, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_for_others_are_listed_plainly_and_bounded() {
        let dns = |name: &str| format!("DnsName(\"{name}\")");
        let said = |names: &[String]| misnamed("c.test", names);
        assert_eq!(said(&[dns("a.test"), dns("*.b.test")]), "certificate is for a.test, *.b.test, not for c.test");
        let mixed = ["IpAddress(127.0.0.1)".to_owned(), "DirectoryName".to_owned(), "IpAddress(::1)".to_owned()];
        assert_eq!(said(&mixed), "certificate is for 127.0.0.1, ::1, not for c.test");
        assert_eq!(said(&["DirectoryName".to_owned()]), "certificate has no names, so it is not for c.test");
        let many: Vec<String> = (0..9).map(|n| dns(&format!("{n}.test"))).collect();
        let text = "certificate is for 0.test, 1.test, 2.test, 3.test, 4.test and 4 more, not for c.test";
        assert_eq!(said(&many), text);
        assert!(said(&[dns(&"x".repeat(9_000))]).len() < 200);
    }
}
