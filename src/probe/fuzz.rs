//! The parsers of bytes from outside, by name, for fuzzing.
//!
//! Not here: their results, which nobody asks for. Invariant: whatever the bytes, each returns.

use super::{dns, icmp, sip, trust};

/// The head of an answer in SIP.
pub fn sip_response(bytes: &[u8]) {
    let _ = sip::parse_response(bytes);
}

/// A packet behind an ICMP socket; the first byte says of which sort.
pub fn icmp_reply(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let layout = match first % 3 {
        0 => icmp::Layout::V4,
        1 => icmp::Layout::V4WithHeader,
        _ => icmp::Layout::V6,
    };
    let _ = icmp::parse_reply(rest, layout);
}

/// An answer of a name server, and its records as lines.
pub fn dns_answer(bytes: &[u8]) {
    if let Ok(answer) = dns::parse_answer(bytes) {
        dns::show(&answer);
    }
}

/// A stapled OCSP response.
pub fn ocsp_staple(bytes: &[u8]) {
    let (serial, staple) = bytes.split_at(bytes.len().min(2));
    let _ = trust::parse_staple(staple, serial).to_string();
}

/// The certificates of a chain, as the trace shows them.
pub fn certificate(bytes: &[u8]) {
    trust::show(bytes);
}
