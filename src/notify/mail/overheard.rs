//! What a relay says at the beginning of a session, kept beside what the library makes of it: the library keeps of the
//! offers only those that it uses itself, and some relays do not answer a second `EHLO`.
//!
//! Invariant: nothing is kept any more once the offers were taken.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::io::Result;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are kept.
const HEARD_MAX: usize = 8 * 1_024;

/// What was heard; nothing once it was taken.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<Mutex<Option<Vec<u8>>>>);

impl Heard {
    /// The words that begin lines of positive answers, in capitals, and an end to listening.
    pub(super) fn take(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let text = String::from_utf8_lossy(&heard).to_ascii_uppercase();
        let offer = |line: &str| {
            line.strip_prefix("250").and_then(|rest| rest.get(1..)?.split_whitespace().next().map(str::to_owned))
        };
        text.lines().filter_map(offer).collect()
    }
}

/// A stream that is listened to.
#[derive(Debug)]
pub(super) struct Overheard {
    inner: Box<dyn AsyncTokioStream>,
    heard: Heard,
}

impl Overheard {
    pub(super) fn new(inner: Box<dyn AsyncTokioStream>) -> (Self, Heard) {
        let heard = Heard(Arc::new(Mutex::new(Some(Vec::new()))));
        (Self { inner, heard: heard.clone() }, heard)
    }
}

impl AsyncTokioStream for Overheard {
    fn peer_addr(&self) -> Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

impl AsyncRead for Overheard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Some(kept) = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let new = &buf.filled()[before..];
            kept.extend_from_slice(&new[..new.len().min(HEARD_MAX.saturating_sub(kept.len()))]);
        }
        read
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
