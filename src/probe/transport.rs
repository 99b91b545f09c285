//! Clients for probes: one per transport profile, none of which ever keeps or shares a connection.
//!
//! Not here: what is asked and expected (`http`). Invariants: no idle pool, no retries, no proxies from the environment;
//! the connector runs inside the task of the attempt, which is how it finds the attempt's recorder.

use super::trust::{self, client_config};
use super::{BoxFuture, Phase, Recorder, dial};
use crate::network::Network;
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
}

/// Which HTTP is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum HttpVersion {
    /// 2 where TLS agrees on it, else 1.1.
    #[default]
    Any,
    /// 1.1 only.
    Http1,
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
        };
        let tls = client_config(&self.network.roots, &profile.tls, alpn)
            .map_err(|error| format!("cannot set up TLS: {error}"))?;
        let mut builder = Client::builder();
        if profile.version == HttpVersion::Http1 {
            builder = builder.http1_only();
        }
        builder
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver(Arc::clone(&self.network)))
            .connector_layer(Stopwatch)
            .user_agent(&*self.user_agent)
            // Without it two attempts for one host could meet on one connection, and stopwatches would mix.
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .build()
            .map_err(|error| format!("cannot set up an HTTP client: {}", dial::innermost(&error)))
    }
}

/// A name that did not resolve, on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(pub(super) io::Error);

/// Resolves through `Network`; the port is that of the recorder's target, since the client does not pass it on.
struct Resolver(Arc<Network>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let network = Arc::clone(&self.0);
        Box::pin(async move {
            let recorder = Recorder::current();
            // Port 0 means "that of the URL".
            let port = recorder.as_ref().and_then(Recorder::target).map_or(0, |(_, port)| port);
            let addresses = network.resolve(name.as_str(), port).await.map_err(Unresolved)?;
            if let Some(recorder) = recorder {
                recorder.enter(Phase::Connect);
                let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                recorder.note(format!("{} is at {list}", name.as_str()));
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
