//! Lines of a mail conversation, in and out, under bounds and deadlines.
//!
//! Not here: what the lines mean (`smtp`). Invariants: what is read ahead never outgrows a mail; every read has a
//! deadline; a mail's dots are unstuffed here and nowhere else.

use super::{LINE_BYTES_MAX, MAIL_BYTES_MAX, SILENCE_MAX};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Lines in, lines out, under bounds and deadlines.
pub(super) struct Wire {
    pub(super) stream: Box<dyn Stream>,
    pending: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, pending: Vec::new() }
    }

    pub(super) async fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    /// Appends what comes next to `pending`; 0 at the end.
    async fn more(&mut self) -> std::io::Result<usize> {
        let read = tokio::time::timeout(SILENCE_MAX, self.stream.read_buf(&mut self.pending)).await;
        read.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    /// The next command; `None` when the client has gone.
    pub(super) async fn line(&mut self) -> std::io::Result<Option<String>> {
        loop {
            if let Some(at) = self.pending.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=at).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.pending.len() > LINE_BYTES_MAX {
                self.say("500 line too long").await?;
                return Ok(None);
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// A mail up to its dot, unstuffed; `None` when it was too large, and then read to its end all the same.
    pub(super) async fn message(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let (mut mail, mut fits) = (Vec::new(), Fits::Yes);
        loop {
            while let Some(at) = self.pending.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=at).collect();
                match line.as_slice() {
                    b".\r\n" | b".\n" => return Ok((fits == Fits::Yes).then_some(mail)),
                    [b'.', unstuffed @ ..] => mail.extend_from_slice(unstuffed),
                    line => mail.extend_from_slice(line),
                }
                if mail.len() > MAIL_BYTES_MAX {
                    (fits, mail) = (Fits::No, Vec::new());
                }
            }
            if self.pending.len() > MAIL_BYTES_MAX {
                return Err(std::io::Error::other("a line longer than a mail may be"));
            }
            if self.more().await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    pub(super) async fn stay_silent(&mut self) -> std::io::Result<()> {
        while self.more().await? > 0 {
            self.pending.clear();
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
}
