//! How six protocols that begin in the clear are asked to go on in TLS.
//!
//! Not here: the handshake (`dial`) and what is said after it. Invariants: every answer is parsed from bounded bytes; a
//! byte behind the consent to TLS ends the attempt (`lines`), since it came in the clear and would be taken for secured.

mod ldap;

use super::Attempt;
use super::lines::{Lines, Parsed, shown};
use super::peer::{Peer, Stream};
use super::smtp::{self, EHLO, HELLO};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Field, Record, Type};
use tokio::net::TcpStream;
use tokio_util::either::Either;

pub(super) use ldap::parse_answer as parse_ldap;

/// Which protocol is spoken before TLS.
pub(super) const STARTTLS: Field = Field::optional("starttls", Type::Choice(PROTOCOLS), STARTTLS_DOC);

const PROTOCOLS: &[&str] = &["smtp", "imap", "pop3", "ldap", "postgres", "xmpp"];
const STARTTLS_DOC: &str = "Protocol in which the change to TLS is asked for, where TLS does not come first.";
/// Lines that may come before the tagged answer of IMAP.
const UNTAGGED_MAX: usize = 64;
/// What PostgreSQL is asked: a length of 8, and the code 80877103.
const POSTGRES_ASK: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
const XMPP_ASK: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

/// A protocol that begins in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// RFC 3207.
    Smtp,
    /// RFC 3501.
    Imap,
    /// RFC 2595.
    Pop3,
    /// RFC 4511.
    Ldap,
    /// `SSLRequest`.
    Postgres,
    /// RFC 6120.
    Xmpp,
}

impl Protocol {
    /// Of a record that has [`STARTTLS`].
    pub(super) fn of(record: &Record) -> Option<Self> {
        Some(match record.opt_text("starttls")? {
            "smtp" => Self::Smtp,
            "imap" => Self::Imap,
            "pop3" => Self::Pop3,
            "ldap" => Self::Ldap,
            "postgres" => Self::Postgres,
            _ => Self::Xmpp,
        })
    }
}

/// Asks for TLS over a connection on which nothing was said yet, and shakes hands.
pub(super) async fn starttls(
    attempt: &Attempt,
    peer: &Peer,
    stream: TcpStream,
    protocol: Protocol,
) -> Result<Stream, Outcome> {
    let mut lines = Lines::new(attempt, peer, Either::Left(stream));
    match protocol {
        Protocol::Smtp => ask_smtp(&mut lines).await?,
        Protocol::Imap => ask_imap(&mut lines).await?,
        Protocol::Pop3 => ask_pop3(&mut lines).await?,
        Protocol::Ldap => ask_ldap(&mut lines).await?,
        Protocol::Postgres => ask_postgres(&mut lines).await?,
        Protocol::Xmpp => ask_xmpp(&mut lines).await?,
    }
    attempt.note("the peer consents to TLS");
    Ok(lines.secure().await?.into_parts().0)
}

/// The verdict about a peer that does not change to TLS.
fn unwilling(lines: &Lines<'_>, what: &str) -> Outcome {
    Outcome::fail(ReasonKind::Tls, format!("{} {what}", lines.peer.named()))
}

async fn ask_smtp(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    smtp::greeting(lines).await?;
    let name = lines.own_name();
    let offers = smtp::ask(lines, &format!("{EHLO} {name}"), EHLO, HELLO).await?;
    if !offers.offers("STARTTLS") {
        return Err(unwilling(lines, "does not offer STARTTLS"));
    }
    smtp::ask_for_tls(lines).await
}

async fn ask_imap(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    match lines.answer(parse_imap).await? {
        Said::Ok => {}
        Said::Refused(text) => return Err(unwilling(lines, &format!("expected a greeting, got {}", shown(&text)))),
        Said::More => return Err(lines.wrong("greets in no way that IMAP knows".into())),
    }
    lines.tell("a STARTTLS").await?;
    for _ in 0..UNTAGGED_MAX {
        match lines.answer(parse_imap_tagged).await? {
            Said::Ok => return Ok(()),
            Said::Refused(text) => {
                return Err(unwilling(lines, &format!("STARTTLS: expected OK, got {}", shown(&text))));
            }
            Said::More => {}
        }
    }
    Err(lines.wrong(format!("sent {UNTAGGED_MAX} lines instead of an answer to STARTTLS")))
}

async fn ask_pop3(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    if let Said::Refused(text) = lines.answer(parse_pop3).await? {
        return Err(unwilling(lines, &format!("expected a greeting, got {}", shown(&text))));
    }
    lines.tell("STLS").await?;
    match lines.answer(parse_pop3).await? {
        Said::Refused(text) => Err(unwilling(lines, &format!("STLS: expected +OK, got {}", shown(&text)))),
        _ => Ok(()),
    }
}

async fn ask_ldap(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    lines.attempt.note("said StartTLS in LDAP");
    lines.say(ldap::ASK).await?;
    let answer = lines.answer(parse_ldap).await?;
    if answer.code == 0 { Ok(()) } else { Err(unwilling(lines, &format!("StartTLS: expected success, got {answer}"))) }
}

async fn ask_postgres(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    lines.attempt.note("said SSLRequest");
    lines.say(POSTGRES_ASK).await?;
    match lines.answer(parse_postgres).await? {
        Said::Ok => Ok(()),
        _ => Err(unwilling(lines, "does not offer TLS (SSLRequest: expected S, got N)")),
    }
}

async fn ask_xmpp(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    let head = format!(
        "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        lines.peer.tls.name
    );
    lines.attempt.note("said the head of a stream of XMPP");
    lines.say(head.as_bytes()).await?;
    if let Said::Refused(_) = lines.answer(parse_xmpp_features).await? {
        return Err(unwilling(lines, "does not offer STARTTLS"));
    }
    lines.tell(XMPP_ASK).await?;
    match lines.answer(parse_xmpp_proceed).await? {
        Said::Refused(text) => Err(unwilling(lines, &format!("starttls: expected proceed, got {}", shown(&text)))),
        _ => Ok(()),
    }
}

/// What an answer means for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Go on.
    Ok,
    /// No, and in which words.
    Refused(String),
    /// Something else; the answer is still to come.
    More,
}

fn line_of(bytes: &[u8], read: impl Fn(&str) -> Result<Said, String>) -> Parsed<Said> {
    match super::lines::parse_line(bytes)? {
        Some((line, length)) => Ok(Some((read(&line)?, length))),
        None => Ok(None),
    }
}

fn begins(line: &str, word: &str) -> bool {
    let head = line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    head && line[word.len()..].chars().next().is_none_or(|next| next == ' ')
}

/// The greeting of IMAP.
pub(super) fn parse_imap(bytes: &[u8]) -> Parsed<Said> {
    line_of(bytes, |line| match line {
        _ if begins(line, "* OK") => Ok(Said::Ok),
        _ if begins(line, "* BYE") || begins(line, "* PREAUTH") => Ok(Said::Refused(line.into())),
        _ => Err(format!("does not speak IMAP: expected `* OK`, got {}", shown(line))),
    })
}

/// A line on the way to the answer of IMAP to our command.
pub(super) fn parse_imap_tagged(bytes: &[u8]) -> Parsed<Said> {
    line_of(bytes, |line| match line {
        _ if begins(line, "a OK") => Ok(Said::Ok),
        _ if begins(line, "a NO") || begins(line, "a BAD") || begins(line, "* BYE") => Ok(Said::Refused(line.into())),
        _ if line.starts_with("* ") => Ok(Said::More),
        _ => Err(format!("does not speak IMAP: expected `a OK`, got {}", shown(line))),
    })
}

/// An answer of POP3.
pub(super) fn parse_pop3(bytes: &[u8]) -> Parsed<Said> {
    line_of(bytes, |line| match line {
        _ if begins(line, "+OK") => Ok(Said::Ok),
        _ if begins(line, "-ERR") => Ok(Said::Refused(line.into())),
        _ => Err(format!("does not speak POP3: expected `+OK`, got {}", shown(line))),
    })
}

/// The one byte that PostgreSQL answers with.
pub(super) fn parse_postgres(bytes: &[u8]) -> Parsed<Said> {
    match bytes.first() {
        None => Ok(None),
        Some(b'S') => Ok(Some((Said::Ok, 1))),
        Some(b'N') => Ok(Some((Said::Refused("N".into()), 1))),
        Some(_) => {
            let head = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
            Err(format!("does not speak the protocol of PostgreSQL: expected S or N, got {}", shown(&head)))
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn looks_like_xml(bytes: &[u8]) -> Result<&[u8], String> {
    let rest = bytes.trim_ascii_start();
    match rest.first() {
        None | Some(b'<') => Ok(rest),
        Some(_) => {
            let head = String::from_utf8_lossy(&rest[..rest.len().min(256)]);
            Err(format!("does not speak XMPP: got {}", shown(&head)))
        }
    }
}

/// The head of a stream of XMPP and what it offers.
pub(super) fn parse_xmpp_features(bytes: &[u8]) -> Parsed<Said> {
    const NONE: &[u8] = b"<stream:features/>";
    const END: &[u8] = b"</stream:features>";
    const ERROR: &[u8] = b"<stream:error";
    looks_like_xml(bytes)?;
    if let Some(start) = find(bytes, ERROR) {
        let text = String::from_utf8_lossy(&bytes[start..bytes.len().min(start + 512)]);
        return Err(format!("answers with a stream error: {}", shown(&text)));
    }
    if let Some(start) = find(bytes, NONE) {
        return Ok(Some((Said::Refused(String::new()), start + NONE.len())));
    }
    let Some(end) = find(bytes, END) else { return Ok(None) };
    let offered = find(&bytes[..end], b"<starttls").is_some();
    let said = if offered { Said::Ok } else { Said::Refused(String::new()) };
    Ok(Some((said, end + END.len())))
}

/// The answer of XMPP to `starttls`.
pub(super) fn parse_xmpp_proceed(bytes: &[u8]) -> Parsed<Said> {
    let rest = looks_like_xml(bytes)?;
    let Some(end) = rest.iter().position(|byte| *byte == b'>') else { return Ok(None) };
    let (tag, before) = (&rest[..=end], bytes.len() - rest.len());
    let text = String::from_utf8_lossy(&tag[..tag.len().min(512)]).into_owned();
    if !tag.starts_with(b"<proceed") {
        return Ok(Some((Said::Refused(text), before + tag.len())));
    }
    if tag.ends_with(b"/>") {
        return Ok(Some((Said::Ok, before + tag.len())));
    }
    const CLOSE: &[u8] = b"</proceed>";
    Ok(find(rest, CLOSE).map(|start| (Said::Ok, before + start + CLOSE.len())))
}

#[cfg(test)]
mod tests;
