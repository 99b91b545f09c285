//! Clients for probes: one per transport profile, none of which ever keeps or shares a connection.
//!
//! Not here: what is asked and expected (`http`), the ways to a target (`connector`). Invariants: no idle pool, no
//! retries, no proxies from the environment; every name, also that of a proxy, is resolved through `Network`.

mod client;
mod connector;
mod wire;

pub(super) use client::{Body, Client};
pub(super) use connector::Unresolved;

use super::peer::Family;
use super::trust::{self, client_config};
use crate::network::Network;
use connector::{Connector, Resolver};
use http::HeaderValue;
use rustls::ClientConfig;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// The header by which it knows us.
    fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let Some(authorization) = &self.authorization else { return Ok(None) };
        let mut value = HeaderValue::from_str(authorization).map_err(|_| "a header cannot hold the authorization")?;
        value.set_sensitive(true);
        Ok(Some(value))
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

    /// Names and trust.
    pub(super) fn network(&self) -> &Network {
        &self.network
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
        let tls = |alpn: &[&[u8]]| {
            let config = client_config(&self.network.roots, &profile.tls, alpn);
            config.map(Arc::new).map_err(|error| format!("cannot set up TLS: {error}"))
        };
        let user_agent = HeaderValue::from_str(&self.user_agent).map_err(|_| "a header cannot hold the user agent")?;
        let resolver = Resolver {
            network: Arc::clone(&self.network),
            family: profile.family,
            proxy: profile.proxy.as_ref().map(|via| (via.target().0.into(), via.target().1)),
            address: profile.address.clone(),
        };
        let (target, proxy) = (tls(alpn)?, tls(&[])?);
        let connector = Connector::new(resolver, profile, connector::Settings { target, proxy, user_agent })?;
        Ok(Client::new(profile, connector))
    }
}
