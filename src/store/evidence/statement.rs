//! What is signed about one day: a short text that an outsider can read and compute again.
//!
//! Not here: where the figures come from (`rows`). Invariants: one statement has one text; the head of a day is the
//! SHA-256 of its text, and the next day's text holds it, so that a change anywhere changes every head behind it.

use crate::domain::{Span, Timestamp};
use aws_lc_rs::digest;
use std::fmt;
use std::str::FromStr;

/// Length of an Ed25519 signature.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// The first line; another form of statement begins otherwise.
const TITLE: &str = "gengfu evidence 1";

/// Thirty-two bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// A public Ed25519 key, written like a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl Hash {
    /// Stands before the first day.
    pub const NONE: Self = Self([0; 32]);

    /// SHA-256.
    pub fn of(bytes: &[u8]) -> Self {
        Self::finished(digest::digest(&digest::SHA256, bytes))
    }

    pub(super) fn finished(digest: digest::Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

/// Rows of a table whose ids count up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The first id that belongs to the day.
    pub first: u64,
    /// The last one; below `first` if there is none.
    pub last: u64,
    /// How many rows there were.
    pub count: u64,
    /// Over all of them.
    pub digest: Hash,
}

/// What is signed about one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Counts days from 1.
    pub number: u64,
    /// The civil date.
    pub day: String,
    /// The IANA name of the zone in which the day was one.
    pub zone: String,
    /// From its first instant to the first of the next; a day begins where the last one ended.
    pub span: Span,
    /// When it was sealed.
    pub sealed: Timestamp,
    /// Whether it was sealed long after its end: the daemon stood still, or the past is older than the chain.
    pub late: bool,
    /// The head of the day before.
    pub previous: Hash,
    /// Facts.
    pub facts: Sealed,
    /// Rows of the audit log.
    pub audit: Sealed,
    /// Packed tallies: how many probes counted, and over all of them.
    pub tallies: (u64, Hash),
    /// Over the marks by which a changed row is found.
    pub marks: Hash,
    /// Facts and tallies of days up to this number may be forgotten from now on: `store.retain`.
    pub forgets_facts: u64,
    /// Likewise rows of the audit log: `store.retain_audit`.
    pub forgets_audit: u64,
    /// Whose signature belongs to it.
    pub key: PublicKey,
}

impl Statement {
    /// The head of the day with this text.
    pub fn head(&self) -> Hash {
        Hash::of(self.to_string().as_bytes())
    }

    /// Reads what [`fmt::Display`] wrote; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        (lines.next()? == TITLE).then_some(())?;
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let number = field("number")?.parse().ok()?;
        let day = field("day")?.to_owned();
        let zone = field("zone")?.to_owned();
        let from = Timestamp(field("from")?.parse().ok()?);
        let until = Timestamp(field("until")?.parse().ok()?);
        let (sealed, manner) = field("sealed")?.split_once(' ')?;
        let previous = field("previous")?.parse().ok()?;
        let (facts, audit) = (rows(field("facts")?)?, rows(field("audit")?)?);
        let (count, digest) = field("tallies")?.split_once(' ')?;
        let marks = field("marks")?.parse().ok()?;
        let (forgets_facts, forgets_audit) = field("forgets")?.split_once(' ')?;
        let statement = Self {
            number,
            day,
            zone,
            span: Span::new(from, until),
            sealed: Timestamp(sealed.parse().ok()?),
            late: manner == LATE,
            previous,
            facts,
            audit,
            tallies: (count.parse().ok()?, digest.parse().ok()?),
            marks,
            forgets_facts: forgets_facts.parse().ok()?,
            forgets_audit: forgets_audit.parse().ok()?,
            key: PublicKey(field("key")?.parse::<Hash>().ok()?.0),
        };
        (statement.to_string() == text).then_some(statement)
    }
}

const LATE: &str = "late";
const IN_TIME: &str = "in-time";

fn rows(text: &str) -> Option<Sealed> {
    let mut words = text.split(' ');
    let mut number = || words.next()?.parse().ok();
    let (first, last, count) = (number()?, number()?, number()?);
    Some(Sealed { first, last, count, digest: words.next()?.parse().ok()? })
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\nnumber {}\nday {}\nzone {}", self.number, self.day, self.zone)?;
        writeln!(f, "from {}\nuntil {}", self.span.start.0, self.span.end.0)?;
        writeln!(f, "sealed {} {}", self.sealed.0, if self.late { LATE } else { IN_TIME })?;
        writeln!(f, "previous {}\nfacts {}\naudit {}", self.previous, self.facts, self.audit)?;
        writeln!(f, "tallies {} {}\nmarks {}", self.tallies.0, self.tallies.1, self.marks)?;
        writeln!(f, "forgets {} {}\nkey {}", self.forgets_facts, self.forgets_audit, self.key)
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.first, self.last, self.count, self.digest)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.0).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not 64 hexadecimal digits; copy it whole from the digest or the status");
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<Hash>().map(|hash| Self(hash.0))
    }
}
