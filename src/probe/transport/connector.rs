//! The way to a target: straight, or through a proxy that forwards, tunnels or speaks SOCKS; and TLS over it.
//!
//! Not here: requests (`client`), and what is read (`wire`). Invariants: a connector runs inside the task of the attempt,
//! which is how it finds the attempt's recorder; it marks the end of connecting, TLS included, and what follows is the
//! target's thinking.

use super::wire::Wire;
use super::{HttpVersion, Profile, Via};
use crate::network::{Network, WAIT_MAX};
use crate::probe::peer::Family;
use crate::probe::{BoxFuture, Phase, Recorder};
use http::{HeaderMap, HeaderValue, Uri, header, uri::Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower::{BoxError, Service};

/// A connection in the making.
type Pipe = Box<dyn Stream>;

/// Anything that bytes go through both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A name that did not resolve, on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::probe) struct Unresolved(pub(in crate::probe) io::Error);

/// TLS with both kinds of peers, and who we say that we are.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) target: Arc<ClientConfig>,
    pub(super) proxy: Arc<ClientConfig>,
    pub(super) user_agent: HeaderValue,
}

/// Opens connections of one profile.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    resolver: Resolver,
    pub(super) settings: Settings,
    proxy: Option<Proxy>,
    version: HttpVersion,
}

/// A proxy as connections need it.
#[derive(Clone)]
struct Proxy {
    way: Way,
    host: Box<str>,
    uri: Uri,
    authorization: Option<HeaderValue>,
}

/// What a proxy speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Http,
    Https,
    Socks5,
}

impl Proxy {
    fn of(via: &Via) -> Result<Self, String> {
        let way = match via.url.scheme() {
            "https" => Way::Https,
            "socks5" => Way::Socks5,
            _ => Way::Http,
        };
        let (host, port) = via.target();
        // The port of a name is what the resolver says, which knows of rules.
        let authority = match host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, port).to_string(),
            Err(_) => host.to_owned(),
        };
        let uri = format!("http://{authority}/").parse().map_err(|error| format!("cannot use the proxy: {error}"))?;
        Ok(Self { way, host: host.into(), uri, authorization: via.authorization()? })
    }
}

impl Connector {
    pub(super) fn new(resolver: Resolver, profile: &Profile, settings: Settings) -> Result<Self, String> {
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.enforce_http(false);
        // A probe's few bytes should leave at once.
        tcp.set_nodelay(true);
        let proxy = profile.proxy.as_ref().map(Proxy::of).transpose()?;
        Ok(Self { tcp, resolver, settings, proxy, version: profile.version })
    }

    /// The header for a proxy that reads the requests in the clear.
    pub(super) fn forwarding(&self) -> Option<&HeaderValue> {
        self.proxy.as_ref().filter(|proxy| proxy.way != Way::Socks5)?.authorization.as_ref()
    }

    async fn open(mut self, to: Uri) -> Result<TokioIo<Wire>, BoxError> {
        let secure = to.scheme() == Some(&Scheme::HTTPS);
        let proxy = self.proxy.take();
        let (mut pipe, forwarded) = match &proxy {
            None => (self.connect(to.clone()).await?, false),
            Some(proxy) if proxy.way == Way::Socks5 => (self.socks(proxy, &to, secure).await?, false),
            Some(proxy) if secure => (self.tunnel(proxy, &to).await?, false),
            Some(proxy) => (self.reach(proxy).await?, true),
        };
        let mut http2 = self.version == HttpVersion::Http2;
        if secure {
            let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
            (pipe, http2) = handshake(&self.settings.target, pipe, host).await?;
        }
        if let Some(recorder) = Recorder::current() {
            recorder.enter(Phase::Processing);
            recorder.note("connected");
        }
        Ok(TokioIo::new(Wire::new(pipe, forwarded, http2)))
    }

    /// A connection in the clear; the place that answered is noted.
    async fn connect(&mut self, to: Uri) -> Result<Pipe, BoxError> {
        let stream = self.tcp.call(to).await?.into_inner();
        if let (Some(recorder), Ok(peer)) = (Recorder::current(), stream.peer_addr()) {
            recorder.fact(|facts| facts.peer = Some(peer.ip()));
        }
        Ok(Box::new(stream))
    }

    /// A connection to the proxy itself.
    async fn reach(&mut self, proxy: &Proxy) -> Result<Pipe, BoxError> {
        let pipe = self.connect(proxy.uri.clone()).await?;
        match proxy.way {
            Way::Https => Ok(handshake(&self.settings.proxy, pipe, &proxy.host).await?.0),
            Way::Http | Way::Socks5 => Ok(pipe),
        }
    }

    async fn tunnel(&mut self, proxy: &Proxy, to: &Uri) -> Result<Pipe, BoxError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, self.settings.user_agent.clone());
        headers.extend(proxy.authorization.clone().map(|value| (header::PROXY_AUTHORIZATION, value)));
        let open = opened(self.reach(proxy).await?);
        let tunnelled = Tunnel::new(proxy.uri.clone(), open).with_headers(headers).call(to.clone()).await?;
        Ok(Box::new(tunnelled.into_inner()))
    }

    /// Through a SOCKS proxy to an address that we resolve ourselves.
    async fn socks(&mut self, proxy: &Proxy, to: &Uri, secure: bool) -> Result<Pipe, BoxError> {
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
        let addresses = self.resolver.look(host).await?;
        let ip = addresses.first().map(SocketAddr::ip).ok_or("the name has no address")?;
        let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let to = format!("http://{}/", SocketAddr::new(ip, port)).parse()?;
        let open = opened(self.reach(proxy).await?);
        let stream = SocksV5::new(proxy.uri.clone(), open).call(to).await;
        let stream = stream.map_err(|error| format!("the proxy opens no way: {error}"))?;
        Ok(Box::new(stream.into_inner()))
    }
}

/// A connector that has connected already.
fn opened(
    pipe: Pipe,
) -> impl Service<Uri, Response = TokioIo<Pipe>, Error = io::Error, Future = std::future::Ready<io::Result<TokioIo<Pipe>>>>
{
    let mut pipe = Some(pipe);
    tower::service_fn(move |_| {
        std::future::ready(pipe.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    })
}

/// TLS for `host`; also whether HTTP/2 was agreed on.
async fn handshake(config: &Arc<ClientConfig>, pipe: Pipe, host: &str) -> Result<(Pipe, bool), BoxError> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is not a name that TLS can ask for"))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, pipe).await?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Box::new(stream), http2))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Box::pin(self.clone().open(to))
    }
}

/// Resolves through `Network`; the port is that of the recorder's target, since the client does not pass it on.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) network: Arc<Network>,
    pub(super) family: Family,
    pub(super) proxy: Option<(Box<str>, u16)>,
    pub(super) address: Option<(Box<str>, u16)>,
}

impl Resolver {
    /// Where `name` is looked for. Port 0 means "that of the URL".
    fn place(&self, name: &str, recorder: Option<&Recorder>) -> (String, u16) {
        let proxy = self.proxy.as_ref().filter(|(host, _)| **host == *name);
        match proxy.or(self.address.as_ref()) {
            Some((host, port)) => (host.to_string(), *port),
            None => (name.to_owned(), recorder.and_then(Recorder::target).map_or(0, |(_, port)| port)),
        }
    }

    async fn look(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let recorder = Recorder::current();
        let (host, port) = self.place(name, recorder.as_ref());
        let within = recorder.as_ref().map_or(WAIT_MAX, Recorder::patience);
        let mut addresses = self.network.resolve(&host, port, within).await.map_err(Unresolved)?;
        self.family.keep(&mut addresses);
        if addresses.is_empty() {
            let text = format!("it has no {}", self.family.noun());
            return Err(Unresolved(io::Error::new(io::ErrorKind::NotFound, text)));
        }
        if let Some(recorder) = recorder {
            recorder.enter(Phase::Connect);
            recorder.fact(|facts| facts.peer = addresses.first().map(SocketAddr::ip));
            let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            recorder.note(format!("{host} is at {list}"));
        }
        Ok(addresses)
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.look(name.as_str()).await?.into_iter()) })
    }
}
