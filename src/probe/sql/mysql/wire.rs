//! The few packets of MySQL that a probe reads and writes.
//!
//! Not here: sockets. Invariants: plain functions over bytes; no byte from outside makes one panic.

/// "Good-bye."
pub(super) const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
/// utf8mb4, in the collation that every version knows.
const CHARACTER_SET: u8 = 45;
/// Longest packet that we would like to get.
const PACKET_BYTES_MAX: u32 = 1 << 20;
/// Longest text of an error or a greeting that is kept, in characters.
const TEXT_MAX: usize = 200;

/// What client and server say they can do.
pub(super) mod can {
    /// Name a database at login.
    pub(in super::super) const CONNECT_WITH_DB: u32 = 1 << 3;
    /// Speak TLS.
    pub(in super::super) const SSL: u32 = 1 << 11;
    /// What we always ask for: long passwords, SQLSTATE, transactions, salted login, methods of login. Not among it:
    /// several statements, files of ours, compression.
    pub(in super::super) const ALWAYS: u32 = 1 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 19;
}

/// What a server says first.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Greeting {
    pub(super) version: String,
    pub(super) capabilities: u32,
    pub(super) nonce: Vec<u8>,
    pub(super) plugin: String,
}

/// An error that a server reports.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    pub(super) code: u16,
    /// Absent before the login.
    pub(super) state: Option<String>,
    pub(super) message: String,
}

/// A greeting of protocol version 10.
pub(in super::super) fn parse_greeting(bytes: &[u8]) -> Option<Greeting> {
    let mut rest = Bytes(bytes);
    if rest.take(1)? != [10] {
        return None;
    }
    let version = text(rest.until_nul()?);
    rest.take(4)?;
    let mut nonce = rest.take(8)?.to_vec();
    rest.take(1)?;
    let low = rest.u16()?;
    rest.take(3)?;
    let high = rest.u16()?;
    let length = usize::from(*rest.take(1)?.first()?);
    rest.take(10)?;
    // At least twelve bytes and a NUL, whatever the length says.
    nonce.extend_from_slice(rest.take(length.saturating_sub(8).max(13))?);
    nonce.truncate(20);
    let plugin = text(rest.until_nul().unwrap_or(rest.0));
    let plugin = if plugin.is_empty() { "mysql_native_password".into() } else { plugin };
    Some(Greeting { version, capabilities: u32::from(high) << 16 | u32::from(low), nonce, plugin })
}

/// An error, with or without its SQLSTATE.
pub(in super::super) fn parse_error(bytes: &[u8]) -> Option<Refusal> {
    let mut rest = Bytes(bytes);
    if rest.take(1)? != [0xff] {
        return None;
    }
    let code = rest.u16()?;
    let state = match rest.0.first() {
        Some(b'#') => Some(text(rest.take(6)?.get(1..)?)),
        _ => None,
    };
    Some(Refusal { code, state, message: text(rest.0) })
}

/// The wish for another login method: its name and a new nonce.
pub(in super::super) fn parse_switch(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut rest = Bytes(bytes);
    if rest.take(1)? != [0xfe] {
        return None;
    }
    let plugin = text(rest.until_nul()?);
    let nonce = rest.0.strip_suffix(b"\0").unwrap_or(rest.0);
    Some((plugin, nonce.to_vec()))
}

/// The first column of a row; the inner `None` is NULL.
pub(in super::super) fn parse_first_column(row: &[u8]) -> Option<Option<&[u8]>> {
    let mut rest = Bytes(row);
    let width = match rest.take(1)?.first()? {
        0xfb => return Some(None),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        0xff => return None,
        length => return Some(Some(rest.take((*length).into())?)),
    };
    let length = rest
        .take(width)?
        .iter()
        .rev()
        .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()))?;
    Some(Some(rest.take(length)?))
}

/// Whether a packet ends a list of columns or rows.
pub(super) fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&0xfe) && packet.len() < 9
}

/// A payload under its head.
pub(in super::super) fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    // A query has at most 10 000 characters, so three bytes hold its length.
    let length = u32::try_from(payload.len()).unwrap_or_default().to_le_bytes();
    [&[length[0], length[1], length[2], sequence], payload].concat()
}

/// A statement to run.
pub(super) fn query(text: &str) -> Vec<u8> {
    [&[COM_QUERY], text.as_bytes()].concat()
}

/// The wish for TLS.
pub(super) fn ssl_request(capabilities: u32) -> Vec<u8> {
    let mut bytes = capabilities.to_le_bytes().to_vec();
    bytes.extend_from_slice(&PACKET_BYTES_MAX.to_le_bytes());
    bytes.push(CHARACTER_SET);
    bytes.extend_from_slice(&[0; 23]);
    bytes
}

/// The login; `proof` is at most 64 bytes.
pub(super) fn login(capabilities: u32, user: &str, proof: &[u8], database: Option<&str>, plugin: &str) -> Vec<u8> {
    let mut bytes = ssl_request(capabilities);
    bytes.extend_from_slice(user.as_bytes());
    bytes.push(0);
    bytes.push(u8::try_from(proof.len()).unwrap_or_default());
    bytes.extend_from_slice(proof);
    for name in database.into_iter().chain([plugin]) {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(TEXT_MAX).collect()
}

/// What is left of a packet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn until_nul(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let head = self.take(end)?;
        self.take(1)?;
        Some(head)
    }
}
