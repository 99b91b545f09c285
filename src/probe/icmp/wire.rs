//! Echo requests and what comes back, as bytes.
//!
//! Not here: sockets. Invariants: reading is total and looks at no byte that is not there; at most [`REPLY_BYTES_MAX`]
//! bytes of a packet are ever read.

use std::net::{IpAddr, Ipv4Addr};

/// Longest payload that is sent.
pub(super) const PAYLOAD_MAX: usize = 8_952;
/// Longest packet that is read: payload, our header, an IP header with options.
pub(super) const REPLY_BYTES_MAX: usize = PAYLOAD_MAX + 8 + 60;

/// What stands before the ICMP header of a packet that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Layout {
    /// Nothing: ICMP for IPv4.
    V4,
    /// An IPv4 header.
    V4WithHeader,
    /// Nothing: ICMP for IPv6.
    V6,
}

/// The requests of one attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    pub(super) ident: u16,
    /// Stands first in the payload, so that nobody else's answer is taken for ours.
    pub(super) token: u64,
    pub(super) payload_bytes: usize,
}

/// A packet that may be meant for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Heard {
    /// An answer, and how many hops it might still have taken, where the system shows the header.
    Reply { ident: u16, sequence: u16, token: Option<u64>, hops: Option<u8> },
    /// Somebody on the way would not pass a request on.
    Refused { what: String, from: Option<IpAddr>, ident: u16, sequence: u16 },
}

impl Echo {
    /// One request; over IPv6 the kernel fills in the checksum.
    pub(super) fn request(&self, sequence: u16, layout: Layout) -> Vec<u8> {
        let kind = if layout == Layout::V6 { 128 } else { 8 };
        let mut packet = vec![kind, 0, 0, 0];
        packet.extend(self.ident.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(self.token.to_be_bytes());
        packet.resize(8 + self.payload_bytes.clamp(8, PAYLOAD_MAX), 0x67);
        if layout != Layout::V6 {
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        packet
    }
}

/// An IPv4 header that forbids cutting; the kernel fills in source, identification and checksum.
pub(super) fn uncut_header(to: Ipv4Addr, ttl: u8, payload_bytes: usize) -> [u8; 20] {
    let length = u16::try_from(20 + payload_bytes).unwrap_or(u16::MAX).to_be_bytes();
    let to = to.octets();
    [0x45, 0, length[0], length[1], 0, 0, 0x40, 0, ttl, 1, 0, 0, 0, 0, 0, 0, to[0], to[1], to[2], to[3]]
}

/// Reads one packet; `None` if it is neither an answer nor a refusal.
pub(in crate::probe) fn parse_reply(bytes: &[u8], layout: Layout) -> Option<Heard> {
    let (from, hops, icmp) = match layout {
        Layout::V4 | Layout::V6 => (None, None, bytes),
        Layout::V4WithHeader => {
            let (header, rest) = v4_header(bytes)?;
            (Some(IpAddr::V4(address(header)?)), header.get(8).copied(), rest)
        }
    };
    let v6 = layout == Layout::V6;
    let (kind, code) = (*icmp.first()?, *icmp.get(1)?);
    match (v6, kind) {
        (false, 0) | (true, 129) => {
            let token = icmp.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
            Some(Heard::Reply { ident: word(icmp, 4)?, sequence: word(icmp, 6)?, token, hops })
        }
        (false, 3 | 11 | 12) | (true, 1..=4) => {
            let quoted = icmp.get(8..)?;
            let request = if v6 { after_v6_header(quoted)? } else { v4_header(quoted)?.1 };
            let asked = if v6 { 128 } else { 8 };
            let what = if v6 { what_v6(kind, code, icmp) } else { what_v4(kind, code, icmp) };
            let is_ours = *request.first()? == asked;
            is_ours.then_some(Heard::Refused { what, from, ident: word(request, 4)?, sequence: word(request, 6)? })
        }
        _ => None,
    }
}

/// An IPv4 header whose protocol is ICMP, and what is behind it.
fn v4_header(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *bytes.first()?;
    let length = usize::from(first & 0x0f) * 4;
    let is_icmp = first >> 4 == 4 && length >= 20 && *bytes.get(9)? == 1;
    is_icmp.then(|| bytes.split_at_checked(length)).flatten()
}

/// What is behind an IPv6 header without extensions, if it is ICMPv6.
fn after_v6_header(bytes: &[u8]) -> Option<&[u8]> {
    let is_icmp = *bytes.first()? >> 4 == 6 && *bytes.get(6)? == 58;
    is_icmp.then(|| bytes.get(40..)).flatten()
}

fn address(header: &[u8]) -> Option<Ipv4Addr> {
    let bytes: [u8; 4] = header.get(12..16)?.try_into().ok()?;
    Some(bytes.into())
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn what_v4(kind: u8, code: u8, icmp: &[u8]) -> String {
    match (kind, code) {
        (3, 0) => "the network is unreachable".into(),
        (3, 1) => "the host is unreachable".into(),
        (3, 2) => "the protocol is unreachable".into(),
        (3, 4) => format!("the packet is too long, the next link takes {} bytes", word(icmp, 6).unwrap_or_default()),
        (3, 9 | 10 | 13) => "it may not pass (prohibited by an administrator)".into(),
        (3, code) => format!("the destination is unreachable (code {code})"),
        (11, 0) => "its time to live ended on the way".into(),
        (11, _) => "its fragments did not come in time".into(),
        _ => "its header is wrong".into(),
    }
}

fn what_v6(kind: u8, code: u8, icmp: &[u8]) -> String {
    match (kind, code) {
        (1, 0) => "there is no route to the destination".into(),
        (1, 1) => "it may not pass (prohibited by an administrator)".into(),
        (1, 3) => "the host is unreachable".into(),
        (1, code) => format!("the destination is unreachable (code {code})"),
        (2, _) => format!("the packet is too long, the next link takes {} bytes", word(icmp, 6).unwrap_or_default()),
        (3, 0) => "its hops ended on the way".into(),
        (3, _) => "its fragments did not come in time".into(),
        _ => "its header is wrong".into(),
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Echo = Echo { ident: 0x1234, token: 7, payload_bytes: 16 };

    fn header(protocol: u8) -> Vec<u8> {
        let mut header = uncut_header(Ipv4Addr::LOCALHOST, 64, 24).to_vec();
        header[9] = protocol;
        header[12..16].copy_from_slice(&[10, 0, 0, 1]);
        header
    }

    #[test]
    fn requests_sum_up_to_nothing_and_their_answers_are_read() {
        let mut packet = ECHO.request(9, Layout::V4);
        assert_eq!((checksum(&packet), packet.len()), (0, 24));
        assert_eq!(parse_reply(&packet, Layout::V4), None, "our own request is no answer");
        packet[0] = 0;
        let reply = |hops| Some(Heard::Reply { ident: 0x1234, sequence: 9, token: Some(7), hops });
        assert_eq!(parse_reply(&packet, Layout::V4), reply(None));
        assert_eq!(parse_reply(&[header(1), packet.clone()].concat(), Layout::V4WithHeader), reply(Some(64)));
        assert_eq!(parse_reply(&[header(17), packet.clone()].concat(), Layout::V4WithHeader), None);
        packet[0] = 129;
        assert_eq!(parse_reply(&packet, Layout::V6), reply(None));
    }

    #[test]
    fn refusals_name_who_and_what_and_quote_our_request() {
        let quoted = [header(1), ECHO.request(9, Layout::V4)].concat();
        let refusal = |kind, code| [header(1), vec![kind, code, 0, 0, 0, 0, 5, 0x78], quoted.clone()].concat();
        let text = |kind, code| match parse_reply(&refusal(kind, code), Layout::V4WithHeader) {
            Some(Heard::Refused { what, from: Some(from), ident: 0x1234, sequence: 9 }) => format!("{from}: {what}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(3, 1), "10.0.0.1: the host is unreachable");
        assert_eq!(text(3, 4), "10.0.0.1: the packet is too long, the next link takes 1400 bytes");
        assert_eq!(text(11, 0), "10.0.0.1: its time to live ended on the way");
        let mut v6 = vec![0x60, 0, 0, 0, 0, 24, 58, 64];
        v6.resize(40, 0);
        let packet = [vec![1, 1, 0, 0, 0, 0, 0, 0], v6, ECHO.request(9, Layout::V6)].concat();
        let Some(Heard::Refused { what, .. }) = parse_reply(&packet, Layout::V6) else { panic!() };
        assert_eq!(what, "it may not pass (prohibited by an administrator)");
    }

    #[test]
    fn cut_packets_are_nothing() {
        let whole = [header(1), vec![3, 1, 0, 0, 0, 0, 0, 0], header(1), ECHO.request(9, Layout::V4)].concat();
        for cut in 0..whole.len() - 16 {
            assert_eq!(parse_reply(&whole[..cut], Layout::V4WithHeader), None, "{cut}");
        }
    }
}
