//! Serves the routes on listeners of ours, with TLS or without: bounded connections, deadlines for whoever dawdles.
//!
//! Not here: routes and who may use them. Invariants: a connection that says nothing ends; so many connections and no
//! more, of one address and in all; whoever is on this machine is not held to the count of one address, since a proxy
//! may be there; when the daemon stops, what was begun is finished, and whoever drops this ends every connection.

use super::access::Denial;
use super::access::limits::peer;
use super::access::session::Encrypted;
use crate::metrics::Metrics;
use crate::network::certificate::Certificate;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use socket2::SockRef;
use std::collections::HashMap;
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections at one time.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Of them, those of one address that is not on this machine.
pub const PER_PEER_MAX: usize = 512;
/// From the connection to the end of the handshake, and from the beginning of a request to the end of its headers.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(20);
/// Requests at one time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
/// All headers of one request.
const HEADER_BYTES_MAX: u32 = 32 * 1024;
/// `PRI * HTTP/2.0` and what belongs to it.
const PREFACE_BYTES: usize = 24;
/// A silent peer of HTTP/2 is asked this often whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// What was sent and is not taken for this long ends the connection: its reader is gone, or does not read.
pub const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How long a listener that cannot accept waits, so that a lack of descriptors is no busy loop.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// In all.
    pub connections: usize,
    /// Of one address that is not on this machine.
    pub per_peer: usize,
    /// How long what was sent may stay untaken.
    pub taken_within: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self { connections: CONNECTIONS_MAX, per_peer: PER_PEER_MAX, taken_within: TAKEN_WITHIN }
    }
}

/// One address to listen on.
#[derive(Debug)]
pub struct Listening {
    /// The socket.
    pub listener: TcpListener,
    /// What it speaks TLS with.
    pub certificate: Option<Arc<Certificate>>,
}

/// Who is connected.
#[derive(Clone, Debug)]
struct Places {
    all: Arc<Semaphore>,
    per_peer: usize,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place; dropping it makes room.
struct Place {
    _all: OwnedSemaphorePermit,
    peer: Option<IpAddr>,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    fn new(caps: Caps) -> Self {
        Self { all: Arc::new(Semaphore::new(caps.connections)), per_peer: caps.per_peer, peers: Arc::default() }
    }

    /// A place for a connection from `ip`, if there is room.
    fn take(&self, ip: IpAddr) -> Option<Place> {
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let peer = (!ip.to_canonical().is_loopback()).then(|| peer(ip));
        if let Some(peer) = peer {
            let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = peers.entry(peer).or_default();
            if *taken >= self.per_peer {
                return None;
            }
            *taken += 1;
        }
        Some(Place { _all: all, peer, peers: Arc::clone(&self.peers) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(peer) = self.peer else { return };
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = peers.get_mut(&peer) {
            *taken -= 1;
            if *taken == 0 {
                peers.remove(&peer);
            }
        }
    }
}

/// Runs what HTTP/2 does beside its connection.
#[derive(Clone)]
struct Beside(TaskTracker);

impl<F> hyper::rt::Executor<F> for Beside
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// What every connection needs.
#[derive(Clone)]
struct House {
    routes: Router,
    places: Places,
    taken_within: Duration,
    metrics: Arc<Metrics>,
    http: Builder<Beside>,
}

/// Serves `routes` on all of them until `stop`, and then finishes what was begun.
pub async fn serve(
    listening: Vec<Listening>,
    routes: Router,
    metrics: Arc<Metrics>,
    caps: Caps,
    stop: CancellationToken,
) {
    let mut http = Builder::new(Beside(TaskTracker::new()));
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(HEADER_BYTES_MAX as usize);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(HEADERS_WITHIN);
    let house = House { routes, places: Places::new(caps), taken_within: caps.taken_within, metrics, http };
    let mut listeners = JoinSet::new();
    for one in listening {
        listeners.spawn(listen(one, house.clone(), stop.clone()));
    }
    while listeners.join_next().await.is_some() {}
}

async fn listen(one: Listening, house: House, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = one.listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Some(place) = house.places.take(from.ip()) else {
            house.metrics.http_denied(Denial::Connections.as_str());
            continue;
        };
        // Answers are small, and written at once.
        let _ = stream.set_nodelay(true);
        // A stream of events to whoever stopped reading would otherwise keep its place for ever.
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(house.taken_within));
        let acceptor = one.certificate.as_ref().map(|certificate| TlsAcceptor::from(certificate.config()));
        connections.spawn(connection(stream, from, acceptor, house.clone(), graceful.watcher(), place));
    }
    drop(one.listener);
    tokio::join!(graceful.shutdown(), async { while connections.join_next().await.is_some() {} });
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    house: House,
    watcher: Watcher,
    place: Place,
) {
    match acceptor {
        None => speak(stream, from, Speech::Plain, &house, watcher).await,
        Some(acceptor) => match tokio::time::timeout(HEADERS_WITHIN, acceptor.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                if let Some(stream) = with_preface(stream).await {
                    speak(stream, from, Speech::Two, &house, watcher).await;
                }
            }
            Ok(Ok(stream)) => speak(stream, from, Speech::Tls, &house, watcher).await,
            // Whoever speaks no TLS, or does not trust us, knows why; a scanner fills no log.
            Ok(Err(error)) => tracing::debug!(%error, %from, "no TLS came about"),
            Err(_) => tracing::debug!(%from, "the handshake took too long"),
        },
    }
    drop(place);
}

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// HTTP/1.1 without TLS.
    Plain,
    /// HTTP/1.1 within TLS.
    Tls,
    /// HTTP/2 within TLS.
    Two,
}

/// Waits for the first words of HTTP/2, for which nobody else sets a deadline.
async fn with_preface<S: AsyncRead + AsyncWrite>(stream: S) -> Option<impl AsyncRead + AsyncWrite> {
    let (mut reader, writer) = tokio::io::split(stream);
    let mut preface = vec![0; PREFACE_BYTES];
    let read = tokio::time::timeout(HEADERS_WITHIN, reader.read_exact(&mut preface)).await;
    matches!(read, Ok(Ok(_))).then(|| tokio::io::join(Cursor::new(preface).chain(reader), writer))
}

async fn speak<S>(stream: S, from: SocketAddr, speech: Speech, house: &House, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = house.routes.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(from));
        if speech != Speech::Plain {
            request.extensions_mut().insert(Encrypted);
        }
        name_host(&mut request);
        routes.clone().oneshot(request)
    });
    let http = match speech {
        Speech::Two => house.http.clone().http2_only(),
        Speech::Plain | Speech::Tls => house.http.clone().http1_only(),
    };
    let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, %from, "a connection ended badly");
    }
}

/// HTTP/2 names the host in another place; what follows looks in one.
fn name_host(request: &mut Request<Body>) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let authority = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().insert(header::HOST, authority);
    }
}

#[cfg(test)]
mod tests;
