//! Clients for probes: one per transport profile, none of which ever keeps or shares a connection.
//!
//! Not here: what is asked and expected (`http`). Invariants: no idle pool, no retries, no proxies from the environment;
//! the connector runs inside the task of the attempt, which is how it finds the attempt's recorder; every name, also
//! that of a proxy, is resolved through `Network`.

use super::peer::Family;
use super::trust::{self, client_config};
use super::{BoxFuture, Phase, Recorder, dial};
use crate::network::Network;
use http::HeaderValue;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect, retry};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// What makes two clients different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Profile {
    pub(super) tls: trust::Profile,
    pub(super) version: HttpVersion,
    pub(super) compression: Compression,
    pub(super) family: Family,
    pub(super) proxy: Option<Via>,
    /// Where every name leads to, instead of where it is.
    pub(super) address: Option<(Box<str>, u16)>,
}

/// Which HTTP is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum HttpVersion {
    /// 2 where TLS agrees on it, else 1.1.
    #[default]
    Any,
    /// 1.1 only.
    Http1,
    /// 2 only, also without TLS.
    Http2,
}

/// Which compression is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Compression {
    /// All that we know.
    #[default]
    Any,
    /// None.
    None,
    /// `gzip` only.
    Gzip,
    /// `br` only.
    Brotli,
    /// `zstd` only.
    Zstd,
    /// `deflate` only.
    Deflate,
}

/// A proxy and how it knows us.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Via {
    pub(super) url: reqwest::Url,
    pub(super) authorization: Option<Arc<str>>,
}

impl Via {
    /// Host and port.
    pub(super) fn target(&self) -> (&str, u16) {
        let port = self.url.port_or_known_default().unwrap_or(1080);
        (self.url.host_str().unwrap_or_default().trim_matches(['[', ']']), port)
    }

    fn proxy(&self) -> Result<reqwest::Proxy, String> {
        let proxy = reqwest::Proxy::all(self.url.clone()).map_err(|error| dial::innermost(&error))?;
        let Some(authorization) = &self.authorization else { return Ok(proxy) };
        let mut value = HeaderValue::from_str(authorization).map_err(|_| "a header cannot hold the authorization")?;
        value.set_sensitive(true);
        Ok(proxy.custom_http_auth(value))
    }
}

/// The clients of one network, made when first asked for.
#[derive(Debug)]
pub struct Transports {
    network: Arc<Network>,
    user_agent: Box<str>,
    clients: Mutex<HashMap<Profile, Client>>,
    /// TLS for the kinds that speak something else than HTTP.
    configs: Mutex<HashMap<trust::Profile, Arc<ClientConfig>>>,
}

impl Transports {
    /// No client yet; all of them will say that they are `user_agent`.
    pub fn new(network: Arc<Network>, user_agent: &str) -> Self {
        Self { network, user_agent: user_agent.into(), clients: Mutex::default(), configs: Mutex::default() }
    }

    /// The client of `profile`.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub(super) fn client(&self, profile: &Profile) -> Result<Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(profile) {
            return Ok(client.clone());
        }
        let client = self.build(profile)?;
        clients.insert(profile.clone(), client.clone());
        Ok(client)
    }

    /// TLS without HTTP; probes of one profile share what is read only.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub(super) fn tls(&self, profile: &trust::Profile) -> Result<Arc<ClientConfig>, String> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(profile) {
            return Ok(Arc::clone(config));
        }
        let config =
            client_config(&self.network.roots, profile, &[]).map_err(|error| format!("cannot set up TLS: {error}"))?;
        let config = Arc::new(config);
        configs.insert(profile.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn build(&self, profile: &Profile) -> Result<Client, String> {
        let alpn: &[&[u8]] = match profile.version {
            HttpVersion::Any => &[b"h2", b"http/1.1"],
            HttpVersion::Http1 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
        };
        let tls = client_config(&self.network.roots, &profile.tls, alpn)
            .map_err(|error| format!("cannot set up TLS: {error}"))?;
        let offered = |one| [Compression::Any, one].contains(&profile.compression);
        let mut builder = match profile.version {
            HttpVersion::Any => Client::builder(),
            HttpVersion::Http1 => Client::builder().http1_only(),
            HttpVersion::Http2 => Client::builder().http2_prior_knowledge(),
        };
        builder = builder.no_proxy();
        if let Some(via) = &profile.proxy {
            builder = builder.proxy(via.proxy()?);
        }
        let resolver = Resolver {
            network: Arc::clone(&self.network),
            family: profile.family,
            proxy: profile.proxy.as_ref().map(|via| (via.target().0.into(), via.target().1)),
            address: profile.address.clone(),
        };
        builder
            .tls_backend_preconfigured(tls)
            .gzip(offered(Compression::Gzip))
            .brotli(offered(Compression::Brotli))
            .zstd(offered(Compression::Zstd))
            .deflate(offered(Compression::Deflate))
            .dns_resolver(resolver)
            .connector_layer(Stopwatch)
            .user_agent(&*self.user_agent)
            // Without it two attempts for one host could meet on one connection, and stopwatches would mix.
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()
            .map_err(|error| format!("cannot set up an HTTP client: {}", dial::innermost(&error)))
    }
}

/// A name that did not resolve, on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) io::Error);

/// Resolves through `Network`; the port is that of the recorder's target, since the client does not pass it on.
struct Resolver {
    network: Arc<Network>,
    family: Family,
    proxy: Option<(Box<str>, u16)>,
    address: Option<(Box<str>, u16)>,
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
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (network, family) = (Arc::clone(&self.network), self.family);
        let recorder = Recorder::current();
        let (host, port) = self.place(name.as_str(), recorder.as_ref());
        Box::pin(async move {
            let mut addresses = network.resolve(&host, port).await.map_err(Unresolved)?;
            family.keep(&mut addresses);
            if addresses.is_empty() {
                let text = format!("it has no {}", family.noun());
                return Err(Unresolved(io::Error::new(io::ErrorKind::NotFound, text)).into());
            }
            if let Some(recorder) = recorder {
                recorder.enter(Phase::Connect);
                recorder.fact(|facts| facts.peer = addresses.first().map(std::net::SocketAddr::ip));
                let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                recorder.note(format!("{host} is at {list}"));
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Marks the end of connecting, TLS included; what follows is the target's thinking.
#[derive(Clone, Copy)]
struct Stopwatch;

impl<S> Layer<S> for Stopwatch {
    type Service = Timed<S>;
    fn layer(&self, inner: S) -> Timed<S> {
        Timed(inner)
    }
}

#[derive(Clone)]
struct Timed<S>(S);

impl<S, R> Service<R> for Timed<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.0.call(request);
        Box::pin(async move {
            let connected = connecting.await?;
            if let Some(recorder) = Recorder::current() {
                recorder.enter(Phase::Processing);
                recorder.note("connected");
            }
            Ok(connected)
        })
    }
}
