//! Replies of SMTP: a code, perhaps an enhanced one, and lines of text.
//!
//! Not here: what is asked. Invariants: a reply has at most [`REPLY_LINES_MAX`] lines, all of one code; commands hold no
//! line break, since addresses and names are checked when a probe is built.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::lines::{Lines, PIECE_BYTES_MAX, Parsed, parse_line, shown};
use std::fmt;

/// Lines of one reply.
const REPLY_LINES_MAX: usize = 128;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 220, 250, 550.
    pub(crate) code: u16,
    /// Without their codes; at least one.
    pub(crate) lines: Vec<String>,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let text = self.lines.join(" / ");
        let text = text.trim_end();
        let cut: String = text.chars().take(160).collect();
        if cut.is_empty() { Ok(()) } else { write!(f, " {cut}{}", if cut.len() < text.len() { "…" } else { "" }) }
    }
}

impl Reply {
    /// Whether an answer to EHLO offers `extension`.
    pub(crate) fn offers(&self, extension: &str) -> bool {
        self.parameters(extension).is_some()
    }

    /// What stands behind `extension` in an answer to EHLO. The first line is the peer's name.
    pub(crate) fn parameters(&self, extension: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (word, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
            word.eq_ignore_ascii_case(extension).then_some(rest)
        })
    }

    /// The enhanced code, if the reply begins with one: `5.1.1`.
    pub(crate) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let mut number = || parts.next().is_some_and(|part| (1..=3).contains(&part.len()) && is_digits(part));
        (number() && number() && number() && parts.next().is_none()).then_some(word)
    }

    /// Whether a reply only asks us to come again, as a relay does that has not seen us before: 450 or 451 with the
    /// enhanced code of a policy, 4.7.x, or with the word itself.
    pub(crate) fn is_greylisting(&self) -> bool {
        let policy = self.enhanced().is_some_and(|code| code.starts_with("4.7."));
        let text = || self.lines.join(" ").to_ascii_lowercase();
        [450, 451].contains(&self.code)
            && (policy || ["greylist", "graylist", "grey-list"].iter().any(|word| text().contains(word)))
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One reply, however many lines it has.
pub(crate) fn parse_reply(bytes: &[u8]) -> Parsed<Reply> {
    let (mut code, mut lines, mut used) = (None, Vec::new(), 0);
    while let Some((line, length)) = parse_line(&bytes[used..])? {
        used += length;
        let wrong = || format!("does not speak SMTP: expected a reply, got {}", shown(&line));
        let (digits, rest) = line.split_at_checked(3).ok_or_else(wrong)?;
        let number = Some(digits).filter(|digits| is_digits(digits)).and_then(|digits| digits.parse::<u16>().ok());
        let number = number.filter(|number| (200..600).contains(number)).ok_or_else(wrong)?;
        if *code.get_or_insert(number) != number || lines.len() == REPLY_LINES_MAX {
            return Err(wrong());
        }
        let (more, text) = match rest.split_at_checked(1) {
            None => (false, ""),
            Some((" ", text)) => (false, text),
            Some(("-", text)) => (true, text),
            Some(_) => return Err(wrong()),
        };
        lines.push(text.to_owned());
        if !more {
            return Ok(Some((Reply { code: number, lines }, used)));
        }
    }
    if bytes.len() - used >= PIECE_BYTES_MAX { Err("sent a line of SMTP without an end".into()) } else { Ok(None) }
}

/// Reads a reply that must have one of the `expected` codes; `what` it answers is named in the failure.
pub(crate) async fn reply(lines: &mut Lines<'_>, what: &str, expected: &[u16]) -> Result<Reply, Outcome> {
    let reply = lines.answer(parse_reply).await?;
    lines.attempt.note(format!("heard {reply}"));
    if expected.contains(&reply.code) {
        return Ok(reply);
    }
    let codes = expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
    let text = format!("{what}: expected {codes}, got {reply}");
    Err(match reply.is_greylisting() {
        true => Outcome::degraded(ReasonKind::Status, text),
        false => Outcome::fail(ReasonKind::Status, text),
    })
}
