//! What the client of HTTP reads from: bounded before an answer's head has ended, and never greedy.
//!
//! Not here: opening it (`connector`), and what is read. Invariants: heads of 1xx and of the answer have at most
//! [`HEADS_BYTES_MAX`] together, however they come; after [`TURN_BYTES`] other tasks have their turn, timers among them,
//! since a peer that is always ready would otherwise keep its reader busy past every deadline.

use super::connector::Stream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of everything up to the end of an answer's head. One head alone has less: the parser holds it to 408 KiB.
const HEADS_BYTES_MAX: usize = 512 << 10;
/// How much is read in one go.
const TURN_BYTES: usize = 64 << 10;

/// One connection.
pub(super) struct Wire {
    pipe: Box<dyn Stream>,
    forwarded: bool,
    http2: bool,
    bounded: Bounded,
    read: usize,
    turn: usize,
}

/// Whether a head is awaited; it travels with the answer.
#[derive(Clone, Default)]
pub(super) struct Bounded(Arc<AtomicBool>);

impl Bounded {
    /// From now on, what comes is a body, which the caller bounds.
    pub(super) fn head_has_ended(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Wire {
    /// `forwarded` if a proxy reads the requests; HTTP/2 bounds its heads itself.
    pub(super) fn new(pipe: Box<dyn Stream>, forwarded: bool, http2: bool) -> Self {
        Self { pipe, forwarded, http2, bounded: Bounded::default(), read: 0, turn: 0 }
    }

    fn is_excessive(&self) -> bool {
        !self.http2 && self.read >= HEADS_BYTES_MAX && !self.bounded.0.load(Ordering::Relaxed)
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.forwarded).extra(self.bounded.clone());
        if self.http2 { connected.negotiated_h2() } else { connected }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_excessive() {
            let text = format!("no answer among {} KiB of heads", HEADS_BYTES_MAX >> 10);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        if self.turn >= TURN_BYTES {
            self.turn = 0;
            // Wakes us, but only after the runtime has looked at timers and sockets.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.pipe).poll_read(cx, buffer);
        let came = buffer.filled().len() - before;
        self.turn = if polled.is_ready() { self.turn + came } else { 0 };
        self.read = self.read.saturating_add(came);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    fn full(bytes: usize) -> Wire {
        let (near, mut far) = duplex(bytes);
        let written = futures_util::FutureExt::now_or_never(far.write_all(&vec![b'x'; bytes]));
        written.unwrap().unwrap();
        Wire::new(Box::new(near), false, false)
    }

    #[tokio::test]
    async fn reader_yields_although_there_is_more() {
        let mut wire = full(4 * TURN_BYTES);
        let mut turns = Vec::new();
        let mut room = vec![0; TURN_BYTES / 4];
        while turns.iter().sum::<usize>() < 4 * TURN_BYTES {
            let turn = std::future::poll_fn(|cx| {
                let mut read = 0;
                loop {
                    let mut buffer = ReadBuf::new(&mut room);
                    match Pin::new(&mut wire).poll_read(cx, &mut buffer) {
                        Poll::Ready(done) if done.is_ok() && !buffer.filled().is_empty() => {
                            read += buffer.filled().len()
                        }
                        _ => return Poll::Ready(read),
                    }
                }
            });
            turns.push(turn.await);
        }
        assert_eq!(turns, [TURN_BYTES; 4]);
    }

    #[tokio::test]
    async fn bound_holds_until_the_head_has_ended() {
        let all = 2 * HEADS_BYTES_MAX;
        let error = tokio::io::copy(&mut full(all), &mut tokio::io::sink()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut wire = full(all);
        wire.bounded.head_has_ended();
        assert_eq!(tokio::io::copy(&mut wire, &mut tokio::io::sink()).await.unwrap(), all as u64);
    }
}
