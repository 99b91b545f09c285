//! A bounded conversation in lines, or in other pieces that a parser can tell apart, over one connection.
//!
//! Not here: what is said (the kinds). Invariants: at most [`READ_BYTES_MAX`] bytes of a peer are ever read, and at most
//! [`PIECE_BYTES_MAX`] wait for their end; a connection changes to TLS only with nothing left over from before, since
//! what came in the clear could have been put there by anybody.

use super::peer::{Peer, Stream};
use super::{Attempt, Phase, dial};
use crate::domain::{Outcome, ReasonKind};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::either::Either;

/// How much of one peer is read in one attempt.
const READ_BYTES_MAX: usize = 256 << 10;
/// Longest line, or other piece, that is waited for.
pub(super) const PIECE_BYTES_MAX: usize = 64 << 10;
/// How much of a text of the peer is shown, in characters.
const SHOWN_MAX: usize = 120;

/// What a parser makes of the bytes so far: nothing yet, or a piece and its length; or what is wrong with them, as the
/// rest of a sentence that begins with who sent them.
pub(super) type Parsed<T> = Result<Option<(T, usize)>, String>;

/// A conversation.
pub(super) struct Lines<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) peer: &'a Peer,
    stream: Stream,
    held: Vec<u8>,
    read: usize,
}

impl<'a> Lines<'a> {
    /// Begins with waiting for the peer.
    pub(super) fn new(attempt: &'a Attempt, peer: &'a Peer, stream: Stream) -> Self {
        attempt.enter(Phase::Processing);
        Self { attempt, peer, stream, held: Vec::new(), read: 0 }
    }

    /// Says something. Nothing of it is written into the trace.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        self.attempt.enter(Phase::Processing);
        let said = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        said.await.map_err(|error| dial::failed(&error, Phase::Processing, &self.peer.host, self.peer.port))
    }

    /// Says a line, and writes it into the trace.
    pub(super) async fn tell(&mut self, line: &str) -> Result<(), Outcome> {
        self.attempt.note(format!("said {}", shown(line)));
        self.say(format!("{line}\r\n").as_bytes()).await
    }

    /// The next piece; none if the peer has closed the connection before its first byte.
    pub(super) async fn piece<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<Option<T>, Outcome> {
        loop {
            if let Some((piece, length)) = parse(&self.held).map_err(|wrong| self.wrong(wrong))? {
                self.held.drain(..length.min(self.held.len()));
                return Ok(Some(piece));
            }
            if self.fill().await? == 0 {
                return if self.held.is_empty() { Ok(None) } else { Err(self.closed()) };
            }
        }
    }

    /// The next piece of a peer that owes us one.
    pub(super) async fn answer<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T, Outcome> {
        self.piece(parse).await?.ok_or_else(|| self.closed())
    }

    /// The next line; at the end of the connection, what there is of it; none if there is nothing.
    pub(super) async fn line(&mut self) -> Result<Option<String>, Outcome> {
        loop {
            if let Some((line, length)) = parse_line(&self.held).map_err(|wrong| self.wrong(wrong))? {
                self.held.drain(..length);
                return Ok(Some(line));
            }
            if self.fill().await? == 0 {
                let rest = std::mem::take(&mut self.held);
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            }
        }
    }

    /// Reads what comes; nothing at the end of the connection.
    pub(super) async fn fill(&mut self) -> Result<usize, Outcome> {
        if self.held.len() >= PIECE_BYTES_MAX {
            return Err(self.wrong(format!("sent {PIECE_BYTES_MAX} bytes without an end")));
        }
        if self.read >= READ_BYTES_MAX {
            return Err(self.wrong(format!("sent more than {READ_BYTES_MAX} bytes, and not what was expected")));
        }
        let mut buffer = [0; 4_096];
        let read = match self.stream.read(&mut buffer).await {
            Ok(read) => read,
            // TLS without a farewell; a conversation in lines notices by itself when something is missing.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            Err(error) => {
                let phase = self.attempt.phase().unwrap_or(Phase::Processing);
                return Err(dial::failed(&error, phase, &self.peer.host, self.peer.port));
            }
        };
        if read > 0 && self.attempt.phase() == Some(Phase::Processing) {
            self.attempt.enter(Phase::Transfer);
        }
        self.held.extend_from_slice(&buffer[..read]);
        self.read += read;
        Ok(read)
    }

    /// What was read and not yet taken.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Shakes hands in TLS.
    pub(super) async fn secure(self) -> Result<Self, Outcome> {
        if !self.held.is_empty() {
            let text = shown(&text(&self.held));
            return Err(
                self.wrong(format!("sent {text} in the clear behind its consent to TLS; somebody may inject it"))
            );
        }
        let Either::Left(stream) = self.stream else {
            return Err(self.wrong("speaks TLS already, and was asked to begin it again".into()));
        };
        let stream = self.peer.secure(self.attempt, stream).await?;
        self.attempt.enter(Phase::Processing);
        Ok(Self { stream, ..self })
    }

    /// Whether TLS is spoken.
    pub(super) fn is_secure(&self) -> bool {
        matches!(self.stream, Either::Right(_))
    }

    /// Our own address on this connection, as an address literal of mail: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    pub(super) fn own_name(&self) -> String {
        let socket: &TcpStream = match &self.stream {
            Either::Left(socket) => socket,
            Either::Right(secured) => secured.get_ref().0,
        };
        match socket.local_addr().map(|address| address.ip()) {
            Ok(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Ok(address) => format!("[{address}]"),
            Err(_) => "localhost".into(),
        }
    }

    /// The connection, and what was read of it and not yet taken.
    pub(super) fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.held)
    }

    /// The verdict about a peer that broke the protocol: who, and what it did.
    pub(super) fn wrong(&self, what: String) -> Outcome {
        Outcome::fail(ReasonKind::Protocol, format!("{} {what}", self.peer.named()))
    }

    /// The verdict about a peer that went away where it owed an answer.
    pub(super) fn closed(&self) -> Outcome {
        let phase = self.attempt.phase().unwrap_or(Phase::Processing);
        self.peer.broken(&ErrorKind::UnexpectedEof.into(), phase)
    }
}

/// A line without its end, CR LF or LF.
pub(super) fn parse_line(bytes: &[u8]) -> Parsed<String> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    Ok(Some((text(&bytes[..end]), end + 1)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

/// A text of the peer for a sentence: quoted, cut, without control characters.
pub(super) fn shown(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
pub(super) mod tests;
