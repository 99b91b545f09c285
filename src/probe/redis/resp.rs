//! The few answers of Redis that a probe meets, in RESP 2.
//!
//! Not here: what is asked. Invariant: a length that is announced is bounded before anything is waited for.

use crate::probe::lines::{PIECE_BYTES_MAX, Parsed, parse_line, shown};
use std::fmt;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `+OK`.
    Simple(String),
    /// `-NOAUTH …`.
    Error(String),
    /// `:1`.
    Number(i64),
    /// A text with its length; none for a null.
    Bulk(Option<String>),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) | Self::Error(text) | Self::Bulk(Some(text)) => f.write_str(&shown(text)),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Bulk(None) => f.write_str("a null"),
        }
    }
}

/// One answer.
pub(crate) fn parse_answer(bytes: &[u8]) -> Parsed<Answer> {
    let Some(kind) = bytes.first() else { return Ok(None) };
    if !b"+-:$".contains(kind) {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
        return Err(format!("does not speak RESP: got {}", shown(&head)));
    }
    let Some((line, head)) = parse_line(bytes)? else { return Ok(None) };
    let rest = &line[1..];
    let number = || rest.parse::<i64>().map_err(|_| format!("broke RESP: {} is no number", shown(rest)));
    let answer = match kind {
        b'+' => Answer::Simple(rest.into()),
        b'-' => Answer::Error(rest.into()),
        b':' => Answer::Number(number()?),
        _ => return bulk(bytes, head, number()?),
    };
    Ok(Some((answer, head)))
}

fn bulk(bytes: &[u8], head: usize, length: i64) -> Parsed<Answer> {
    if length == -1 {
        return Ok(Some((Answer::Bulk(None), head)));
    }
    let length = usize::try_from(length).ok().filter(|length| length + head + 2 <= PIECE_BYTES_MAX);
    let length = length.ok_or_else(|| format!("announced a text longer than {PIECE_BYTES_MAX} bytes"))?;
    let Some(text) = bytes.get(head..head + length + 2) else { return Ok(None) };
    let text = text.strip_suffix(b"\r\n").ok_or("broke RESP: a text does not end where it said")?;
    Ok(Some((Answer::Bulk(Some(String::from_utf8_lossy(text).into_owned())), head + length + 2)))
}

/// A command as Redis reads it.
pub(crate) fn command(words: &[&str]) -> Vec<u8> {
    let head = format!("*{}\r\n", words.len());
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    std::iter::once(head).chain(words).collect::<String>().into_bytes()
}

/// The value of a field of INFO.
pub(crate) fn info_field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.split_once(':').filter(|(key, _)| *key == name)).map(|(_, value)| value.trim())
}
