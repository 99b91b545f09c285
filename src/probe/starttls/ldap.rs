//! StartTLS in LDAP: one request whose bytes never change, and the few parts of its answer that matter, in BER.
//!
//! Not here: any other operation. Invariant: lengths are definite and bounded, and nothing is read beyond them.

use crate::probe::lines::Parsed;
use std::fmt;

/// Message 1: an extended request for 1.3.6.1.4.1.1466.20037.
pub(super) const ASK: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Longest message that is looked at.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const OCTETS: u8 = 0x04;
const EXTENDED_RESPONSE: u8 = 0x78;

/// What the directory answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 is consent.
    pub(crate) code: u8,
    /// Its own words.
    pub(crate) text: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.code {
            1 => "operationsError",
            2 => "protocolError",
            8 => "strongerAuthRequired",
            10 => "referral",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            _ => "other",
        };
        write!(f, "result code {} ({name})", self.code)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", crate::probe::lines::shown(&self.text)) }
    }
}

/// One tag, its contents, and what follows; none where bytes are missing.
type Element<'a> = (u8, &'a [u8], &'a [u8]);

fn element(bytes: &[u8]) -> Result<Option<Element<'_>>, &'static str> {
    let [tag, first, rest @ ..] = bytes else { return Ok(None) };
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let Some((octets, rest)) = rest.split_at_checked(usize::from(long & 0x7f)) else { return Ok(None) };
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
        _ => return Err("a length that LDAP does not allow"),
    };
    if length > MESSAGE_BYTES_MAX {
        return Err("a message that is too long");
    }
    Ok(rest.split_at_checked(length).map(|(contents, after)| (*tag, contents, after)))
}

fn expected<'a>(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<(&'a [u8], &'a [u8]), &'static str> {
    match element(bytes)? {
        Some((found, contents, after)) if found == tag => Ok((contents, after)),
        _ => Err(what),
    }
}

/// The answer to [`ASK`].
pub(crate) fn parse_answer(bytes: &[u8]) -> Parsed<Answer> {
    let wrong = |what: &str| format!("does not answer StartTLS in LDAP: it sent {what}");
    if bytes.first().is_some_and(|tag| *tag != SEQUENCE) {
        return Err(wrong("no message"));
    }
    let Some((_, message, after)) = element(bytes).map_err(wrong)? else { return Ok(None) };
    Ok(Some((inside(message).map_err(wrong)?, bytes.len() - after.len())))
}

fn inside(message: &[u8]) -> Result<Answer, &'static str> {
    let (_id, rest) = expected(message, INTEGER, "a message without a number")?;
    let (response, _controls) = expected(rest, EXTENDED_RESPONSE, "another kind of message")?;
    let (code, rest) = expected(response, ENUMERATED, "no result code")?;
    let &[code] = code else { return Err("no result code") };
    let (_matched, rest) = expected(rest, OCTETS, "no matched name")?;
    let (text, _more) = expected(rest, OCTETS, "no diagnostic message")?;
    Ok(Answer { code, text: String::from_utf8_lossy(text).into_owned() })
}
