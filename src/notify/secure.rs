//! TLS for mail over our own connection and with our own roots, in both forms that relays know.
//!
//! Not here: SMTP after the handshake (`mail`). Invariants: STARTTLS is required where it is configured, never merely
//! tried; nothing that came before the handshake is believed after it.

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest answer of a relay before the handshake, in bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1_024;

/// A configuration that trusts `roots`.
pub(super) fn config(roots: Arc<RootCertStore>) -> std::result::Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// TLS from the first byte.
pub(super) async fn implicit(tcp: TcpStream, host: &str, tls: &Arc<ClientConfig>) -> Result<Secured> {
    Ok(Secured { greeting: b"", peer: tcp.peer_addr()?, tls: handshake(tcp, host, tls).await? })
}

/// TLS after `STARTTLS`; an error if the relay does not offer it.
pub(super) async fn starttls(mut tcp: TcpStream, host: &str, hello: &str, tls: &Arc<ClientConfig>) -> Result<Secured> {
    expect(&answer(&mut tcp).await?, "220")?;
    tcp.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let offers = answer(&mut tcp).await?;
    expect(&offers, "250")?;
    let offered = |line: &str| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
    if !offers.lines().any(offered) {
        return Err(Error::other("does not offer STARTTLS; set `tls: implicit` or `tls: none` for it"));
    }
    tcp.write_all(b"STARTTLS\r\n").await?;
    expect(&answer(&mut tcp).await?, "220")?;
    // A server does not greet again after the handshake, but the client behind us waits for a greeting.
    Ok(Secured { greeting: b"220 secured\r\n", peer: tcp.peer_addr()?, tls: handshake(tcp, host, tls).await? })
}

async fn handshake(tcp: TcpStream, host: &str, tls: &Arc<ClientConfig>) -> Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
    TlsConnector::from(tls.clone()).connect(name, tcp).await
}

/// Reads one answer, byte by byte so that nothing sent behind it is taken for part of it.
async fn answer(tcp: &mut TcpStream) -> Result<String> {
    let (mut text, mut line) = (Vec::new(), 0);
    while text.len() < ANSWER_BYTES_MAX {
        text.push(tcp.read_u8().await?);
        if text.ends_with(b"\n") {
            if text.get(line + 3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            line = text.len();
        }
    }
    Err(Error::other("answers without end"))
}

fn expect(answer: &str, code: &str) -> Result<()> {
    if answer.starts_with(code) { Ok(()) } else { Err(Error::other(format!("answers {}", answer.trim_end()))) }
}

/// A stream under TLS that first says `greeting`.
#[derive(Debug)]
pub(super) struct Secured {
    greeting: &'static [u8],
    peer: SocketAddr,
    tls: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Secured {
    fn peer_addr(&self) -> Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.tls).poll_read(cx, buf);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buf.remaining()));
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}
