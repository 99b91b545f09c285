//! A connection that remembers how it broke.
//!
//! The HTTP/2 client drops that error in a task of its own and tells the caller only that the connection is closed. Not
//! here: what the error means. Invariant: the first error is kept.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was seen; shared with the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<Mutex<Option<io::Error>>>);

impl Witness {
    /// Watches `inner`.
    pub(super) fn of<S>(&self, inner: S) -> Watched<S> {
        Watched { inner, witness: self.clone() }
    }

    /// How the connection broke, if it did.
    pub(super) fn error(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn see<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let Poll::Ready(Err(error)) = result else { return result };
        let copy = error.kind().into();
        // This one follows our own end of the connection, and says nothing about the other's.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Poll::Ready(Err(error));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Poll::Ready(Err(copy))
    }
}

/// A connection under a witness's eyes.
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    witness: Witness,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.witness.see(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.witness.see(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.witness.see(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
