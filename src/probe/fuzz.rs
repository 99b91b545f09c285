//! The parsers of bytes from outside, one function each, so that a fuzzer can reach them.
//!
//! Not here: judging what they make of it. Invariant: no function here panics, whatever the bytes.

use super::lines::Parsed;
use super::sql::mysql_packets;
use super::{dns, icmp, redis, sip, smtp, ssh, starttls, trust};
use std::hint::black_box;

/// Parses one piece after the other, as a conversation does; what a parser takes is never more than there is.
fn pieces<T>(mut bytes: &[u8], parse: impl Fn(&[u8]) -> Parsed<T>) {
    while let Ok(Some((piece, length))) = parse(bytes) {
        black_box(piece);
        assert!(0 < length && length <= bytes.len(), "{length} of {}", bytes.len());
        bytes = &bytes[length..];
    }
}

/// Replies of SMTP, and what is made of them.
pub fn smtp_replies(bytes: &[u8]) {
    pieces(bytes, |bytes| {
        let reply = smtp::parse_reply(bytes)?;
        if let Some((reply, _)) = &reply {
            black_box((reply.to_string(), reply.enhanced(), reply.is_greylisting(), reply.offers("STARTTLS")));
        }
        Ok(reply)
    });
}

/// The answer of LDAP to StartTLS.
pub fn ldap_answer(bytes: &[u8]) {
    pieces(bytes, starttls::parse_ldap);
}

/// The ways of IMAP, POP3, PostgreSQL and XMPP to TLS.
pub fn starttls_preludes(bytes: &[u8]) {
    pieces(bytes, starttls::parse_imap);
    pieces(bytes, starttls::parse_imap_tagged);
    pieces(bytes, starttls::parse_pop3);
    pieces(bytes, starttls::parse_postgres);
    pieces(bytes, starttls::parse_xmpp_features);
    pieces(bytes, starttls::parse_xmpp_proceed);
}

/// The banner of SSH.
pub fn ssh_banner(bytes: &[u8]) {
    pieces(bytes, ssh::parse_banner);
}

/// Answers of Redis, and the fields of INFO.
pub fn redis_answers(bytes: &[u8]) {
    pieces(bytes, redis::parse_answer);
    black_box(redis::info_field(&String::from_utf8_lossy(bytes), "role"));
}

/// The output of a Nagios plugin, and the ranges in it.
pub fn nagios_output(bytes: &[u8]) {
    super::command::read_output(bytes);
}

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

/// What a MySQL server may say: greeting, error, another login method, row.
pub fn mysql_answers(bytes: &[u8]) {
    mysql_packets(bytes, |shown| _ = black_box(shown));
}

/// Bodies of pages in every encoding, and documents with a path into them.
pub fn http_bodies(bytes: &[u8]) {
    let text = super::http::text(bytes.to_vec(), None);
    black_box(super::expect::shown(&text));
    if let Ok(document) = super::expect::document(&text) {
        black_box(super::expect::shown_json(&document));
    }
    black_box(super::http::text(bytes.to_vec(), Some("text/html; charset=gb18030")));
}

/// A path of RFC 9535 in the first line, followed into the document behind it.
pub fn json_path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, body) =
        text.split_once('\n').unwrap_or((&text, r#"{"a":[{"b":1,"c":"x"},{"b":null}],"d":{"a":[[],{}]}}"#));
    if let (Ok(path), Ok(document)) = (super::expect::parse_path(path), super::expect::document(body)) {
        let found = path.query(&document).len();
        assert!(found <= bytes.len().max(64).pow(2), "a path may not multiply what it selects");
    }
}

/// Texts with places for values.
pub fn journey_templates(bytes: &[u8]) {
    super::journey::fill(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEEDS: &[&[u8]] = &[
        b"220-relay\r\n220 ready\r\n250-a\r\n250 STARTTLS\r\n550 5.1.1 no\r\n",
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"* OK ready\r\n* CAPABILITY x\r\na OK go\r\n",
        b"+OK ready\r\n-ERR no\r\n",
        b"<stream:stream><stream:features><starttls/></stream:features><proceed xmlns='x'></proceed>",
        b"Welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n",
        b"+PONG\r\n:1\r\n$5\r\nhello\r\n$-1\r\n-ERR no\r\n",
    ];

    fn all(bytes: &[u8]) {
        for parse in [smtp_replies, ldap_answer, starttls_preludes, ssh_banner, redis_answers] {
            parse(bytes);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(bytes: Vec<u8>) {
            all(&bytes);
        }

        #[test]
        fn no_damage_to_good_bytes_makes_a_parser_panic(
            seed in prop::sample::select(SEEDS),
            cut in 0_usize..120,
            place in 0_usize..120,
            byte: u8,
        ) {
            let mut bytes = seed[..cut.min(seed.len())].to_vec();
            if let Some(damaged) = bytes.get_mut(place) {
                *damaged = byte;
            }
            all(&bytes);
        }
    }
}
