//! One address of the city: listeners, the targets that share it, and how a behaviour looks on the wire.
//!
//! Not here: what is on a page (`http`), names (`dns`), certificates (`tls`). Invariants: it listens on 127/8 only;
//! every connection has a deadline and dies with the endpoint; nothing that a caller sends can stop it.

use super::script::{Behaviour, Stage};
use super::target::{Proto, Serves, Target, literal};
use super::{CityError, counter, dns, grpc, http, sip};
use crate::network::Network;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Longest life of one connection; a hanging one is dropped after it.
const CONNECTION_LIFE: Duration = Duration::from_secs(120);
/// Connections that wait to be accepted, per address.
const BACKLOG: i32 = 4_096;
/// Longest DNS query or SIP request.
const DNS_BYTES_MAX: usize = 4_096;
/// Pause after a failed accept: out of descriptors is mended by waiting, not by spinning.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every endpoint shares.
pub(super) struct Common {
    pub(super) stage: Arc<Stage>,
    pub(super) network: Arc<Network>,
    pub(super) tls: TlsAcceptor,
    /// For those who speak HTTP/2 alone.
    pub(super) tls_h2: TlsAcceptor,
    pub(super) connections: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

/// One target, and its healthy page, made once.
struct Place {
    target: Target,
    page: Vec<u8>,
}

/// All targets of one address.
pub(super) struct Endpoint {
    address: SocketAddr,
    places: Vec<Place>,
}

/// What is spoken at an address: the most demanding of its targets decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speech {
    Bytes,
    Http,
    Tls,
    Dns,
    Grpc,
    Grpcs,
    Sip,
}

impl Endpoint {
    pub(super) fn new(address: SocketAddr, targets: Vec<Target>) -> Self {
        let places = targets.into_iter().map(|target| Place { page: http::page(&target), target }).collect();
        Self { address, places }
    }

    /// `huangpu.test:443`, for messages.
    pub(super) fn named(&self) -> String {
        self.places.first().map_or_else(String::new, |p| format!("{}:{}", p.target.host, p.target.port))
    }

    fn speech(&self) -> Speech {
        let any = |wanted: &[Proto]| self.places.iter().any(|p| wanted.contains(&p.target.proto));
        match () {
            () if any(&[Proto::Dns]) => Speech::Dns,
            () if any(&[Proto::Sip]) => Speech::Sip,
            () if any(&[Proto::Grpcs]) => Speech::Grpcs,
            () if any(&[Proto::Grpc]) => Speech::Grpc,
            () if any(&[Proto::Https, Proto::Tls]) => Speech::Tls,
            () if any(&[Proto::Http]) => Speech::Http,
            () => Speech::Bytes,
        }
    }

    /// What the first target that asks for a text wants to read.
    pub(super) fn says(&self) -> Option<&str> {
        self.places.iter().find_map(|p| p.target.says.as_deref())
    }

    /// How the address behaves before a caller has said whom it wants: as its subsystems do, if they agree.
    pub(super) fn at_the_door(&self, stage: &Stage) -> Behaviour {
        let Some(first) = self.places.first() else { return Behaviour::Healthy };
        let behaviour = stage.behaviour(&first.target.subsystem);
        let others = self.places.iter().skip(1).filter(|p| p.target.subsystem != first.target.subsystem);
        let agreed = others.into_iter().all(|p| stage.behaviour(&p.target.subsystem) == behaviour);
        if agreed { behaviour } else { Behaviour::Healthy }
    }

    /// The place that a request means: the same host if it is known, then the longest common path.
    fn place(&self, request: &http::Request) -> Option<&Place> {
        let pages = self.places.iter().filter(|p| matches!(p.target.proto, Proto::Http | Proto::Https));
        pages.max_by_key(|p| {
            let path = &p.target.path;
            let exact = *path == request.path;
            let prefix = if request.path.starts_with(path.as_str()) { path.len() } else { 0 };
            (p.target.host == request.host, exact, prefix)
        })
    }

    /// Binds, so that a failure is known at once.
    pub(super) fn bind(self: Arc<Self>) -> Result<Bound, CityError> {
        let tcp = listener(self.address).map_err(|e| CityError::bind(self.address, &self.named(), e))?;
        let udp = match self.speech() {
            Speech::Dns | Speech::Sip => {
                Some(udp(self.address).map_err(|e| CityError::bind(self.address, &self.named(), e))?)
            }
            _ => None,
        };
        Ok(Bound { endpoint: self, tcp, udp })
    }
}

/// A listener on loopback, with a backlog that survives a bench.
pub(super) fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn udp(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> std::io::Result<Socket> {
    if !address.ip().is_loopback() {
        let text = format!("{address} is not a loopback address; the city stays inside this machine");
        return Err(std::io::Error::new(std::io::ErrorKind::AddrNotAvailable, text));
    }
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// An endpoint that holds its sockets.
pub(super) struct Bound {
    endpoint: Arc<Endpoint>,
    tcp: TcpListener,
    udp: Option<UdpSocket>,
}

impl Bound {
    pub(super) fn address(&self) -> SocketAddr {
        self.endpoint.address
    }

    /// Serves until the city stops; its connections end with it.
    pub(super) async fn serve(self, common: Arc<Common>) {
        let Self { endpoint, tcp, udp } = self;
        let udp = udp.map(Arc::new);
        let mut tasks = JoinSet::new();
        let mut datagram = vec![0; DNS_BYTES_MAX];
        loop {
            tokio::select! {
                () = common.stop.cancelled() => return,
                Some(_) = tasks.join_next() => {}
                accepted = tcp.accept() => match accepted {
                    Ok((stream, _)) => {
                        let Ok(permit) = common.connections.clone().acquire_owned().await else { return };
                        let (endpoint, common) = (endpoint.clone(), common.clone());
                        tasks.spawn(async move {
                            // An error here is a caller that left; the next one does not care.
                            let _ = tokio::time::timeout(CONNECTION_LIFE, endpoint.meet(stream, &common)).await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(address = %endpoint.address, %error, "the city cannot accept");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Ok((bytes, from)) = receive(udp.as_deref(), &mut datagram) => {
                    let Ok(permit) = common.connections.clone().try_acquire_owned() else { continue };
                    let (query, endpoint, common) = (datagram[..bytes].to_vec(), endpoint.clone(), common.clone());
                    let Some(udp) = udp.clone() else { continue };
                    tasks.spawn(async move {
                        if let Some(reply) = endpoint.datagram(&query, &common).await {
                            // A caller that left does not care.
                            let _ = udp.send_to(&reply, from).await;
                        }
                        drop(permit);
                    });
                }
            }
        }
    }
}

async fn receive(socket: Option<&UdpSocket>, into: &mut [u8]) -> std::io::Result<(usize, SocketAddr)> {
    match socket {
        Some(socket) => socket.recv_from(into).await,
        None => std::future::pending().await,
    }
}

impl Endpoint {
    async fn meet(&self, mut stream: TcpStream, common: &Common) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let behaviour = self.at_the_door(&common.stage);
        match behaviour {
            Behaviour::Refuse => return reset(&stream),
            Behaviour::Hang => return hold(&mut stream).await,
            _ => {}
        }
        match self.speech() {
            Speech::Http => self.converse(stream, common).await,
            Speech::Tls => {
                let stream = common.tls.accept(stream).await?;
                self.converse(stream, common).await
            }
            Speech::Bytes => self.bytes(stream, &behaviour).await,
            Speech::Dns => self.queries(stream, common).await,
            Speech::Grpc => grpc::serve(stream, behaviour).await,
            Speech::Grpcs => grpc::serve(common.tls_h2.accept(stream).await?, behaviour).await,
            Speech::Sip => sip::serve(stream, &behaviour).await,
        }
    }

    async fn datagram(&self, said: &[u8], common: &Common) -> Option<Vec<u8>> {
        match self.speech() {
            Speech::Sip => sip::answer(said, &self.at_the_door(&common.stage)).await,
            _ => dns::answer(said, self, &common.stage, &common.network).await,
        }
    }

    async fn converse<S: Wire>(&self, mut stream: S, common: &Common) -> std::io::Result<()> {
        let Some(request) = http::request(&mut stream).await? else { return stream.shutdown().await };
        let Some(place) = self.place(&request) else { return stream.shutdown().await };
        let behaviour = common.stage.behaviour(&place.target.subsystem);
        match behaviour {
            Behaviour::Refuse => return reset(stream.tcp()),
            Behaviour::Hang => return hold(&mut stream).await,
            _ => {
                let made;
                let healthy = match place.target.serves {
                    Serves::Page => &place.page,
                    Serves::Counter => {
                        made = counter::answer(&request, &place.target);
                        &made
                    }
                };
                http::answer(&mut stream, request.method, healthy, &behaviour).await?;
            }
        }
        stream.shutdown().await
    }

    /// A banner when somebody waits for one, then an answer to the first thing said.
    async fn bytes(&self, mut stream: TcpStream, behaviour: &Behaviour) -> std::io::Result<()> {
        match behaviour {
            Behaviour::Slow(ms) => tokio::time::sleep(Duration::from_millis((*ms).into())).await,
            Behaviour::Healthy | Behaviour::ExpiringCertificate => {}
            _ => return stream.shutdown().await,
        }
        let Some(says) = self.says() else { return hold(&mut stream).await };
        let line = format!("{}\r\n", literal(says));
        // Both who listens first and who speaks first get the line: once at the door, once per thing said.
        stream.write_all(line.as_bytes()).await?;
        let mut said = [0; 1024];
        while stream.read(&mut said).await? > 0 {
            stream.write_all(line.as_bytes()).await?;
        }
        stream.shutdown().await
    }

    /// DNS over TCP: each message behind its length.
    async fn queries(&self, mut stream: TcpStream, common: &Common) -> std::io::Result<()> {
        loop {
            let length = usize::from(stream.read_u16().await?);
            if length > DNS_BYTES_MAX {
                return reset(&stream);
            }
            let mut query = vec![0; length];
            stream.read_exact(&mut query).await?;
            let Some(reply) = dns::answer(&query, self, &common.stage, &common.network).await else {
                return hold(&mut stream).await;
            };
            let Ok(length) = u16::try_from(reply.len()) else { return reset(&stream) };
            stream.write_u16(length).await?;
            stream.write_all(&reply).await?;
        }
    }
}

/// A stream that knows the TCP connection under it.
trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Makes the close that follows a reset.
fn reset(stream: &TcpStream) -> std::io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Says nothing until the caller leaves; the connection's life bounds it.
async fn hold<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
