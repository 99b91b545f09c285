//! Staples, written out in DER by hand.

use super::*;

/// A length and what it is of, behind a tag.
pub(in crate::probe) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..0x80 => bytes.push(short as u8),
        middle @ 0x80..0x100 => bytes.extend([0x81, middle as u8]),
        long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    bytes.extend(content);
    bytes
}

/// A staple about `serial` with this CertStatus, from one GeneralizedTime to another. Nobody signed it.
pub(in crate::probe) fn staple(serial: &[u8], status: &[u8], this: &str, next: &str) -> Vec<u8> {
    let sequence = |parts: &[Vec<u8>]| tlv(0x30, &parts.concat());
    let sha1 = sequence(&[tlv(0x06, &[0x2b, 0x0e, 0x03, 0x02, 0x1a])]);
    let ecdsa = sequence(&[tlv(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])]);
    let hash = tlv(0x04, &[7; 20]);
    let id = sequence(&[sha1, hash.clone(), hash.clone(), tlv(0x02, serial)]);
    let time = |text: &str| tlv(0x18, text.as_bytes());
    let single = sequence(&[id, status.to_vec(), time(this), tlv(0xa0, &time(next))]);
    let data = sequence(&[tlv(0xa2, &hash), time(this), sequence(&[single])]);
    let basic = sequence(&[data, ecdsa, tlv(0x03, &[0, 1, 2, 3])]);
    let kind = tlv(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]);
    sequence(&[tlv(0x0a, &[0]), tlv(0xa0, &sequence(&[kind, tlv(0x04, &basic)]))])
}

pub(in crate::probe) const GOOD: &[u8] = &[0x80, 0];
pub(in crate::probe) const UNKNOWN: &[u8] = &[0x82, 0];

pub(in crate::probe) fn revoked() -> Vec<u8> {
    tlv(0xa1, &[tlv(0x18, b"20260301120000Z"), tlv(0xa0, &[0x0a, 1, 1])].concat())
}

#[test]
fn staples_say_whether_since_when_and_until_when() {
    let text = |status: &[u8]| {
        let bytes = staple(&[5], status, "20260101000000Z", "20260108000000Z");
        parse_staple(&bytes, &[0, 5]).to_string()
    };
    let rest = "; as of 2026-01-01T00:00:00Z, until 2026-01-08T00:00:00Z";
    assert_eq!(text(GOOD), format!("good{rest}"));
    assert_eq!(text(UNKNOWN), format!("unknown to its responder{rest}"));
    assert_eq!(text(&revoked()), format!("revoked at 2026-03-01T12:00:00Z, KeyCompromise{rest}"));
}

#[test]
fn useless_staples_say_why() {
    let bytes = staple(&[5], GOOD, "20260101000000Z", "20260108000000Z");
    assert_eq!(parse_staple(&bytes, &[6]), Staple::Useless("it is about another certificate".into()));
    let later = tlv(0x30, &tlv(0x0a, &[3]));
    assert_eq!(parse_staple(&later, &[5]), Staple::Useless("the responder refused to answer: TryLater".into()));
    for cut in 0..bytes.len() {
        assert!(matches!(parse_staple(&bytes[..cut], &[5]), Staple::Useless(_)), "{cut}");
    }
}
