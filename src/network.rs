//! How names become addresses, and whom we trust: shared by probes and mail.
//!
//! `connect_to` rules send the names that they match to other addresses, as `curl --connect-to` does: for staging, for
//! tests, and for the simulated city, whose names each get a loopback address of their own. Not here: proxies, TLS
//! profiles of single probes. Invariant: no probe reaches an address that [`Network::refusal`] refuses, except where the
//! administrator's own word, a rule of `connect_to` or a network of `allow`, sends it there.

pub mod certificate;
mod guard;
mod lookup;

pub use guard::{Refused, everything};
pub use lookup::{NoAnswer, WAIT_MAX};

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Sends matching names to addresses inside one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    /// A name, or `*.` and a suffix.
    pub host: String,
    /// A network such as 127.64.0.0/10: each name gets the address in it that its SHA-256 says.
    pub network: Ipv4Addr,
    /// Fixed leading bits, 0 to 32; with 32 all names get the same address.
    pub prefix: u8,
    /// Added to every port, so that nobody needs the privileged ones.
    pub port_offset: u16,
}

impl ConnectTo {
    fn matches(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        match self.host.strip_prefix('*') {
            Some(suffix) => {
                host.len() > suffix.len() && host.to_ascii_lowercase().ends_with(&suffix.to_ascii_lowercase())
            }
            None => host.eq_ignore_ascii_case(&self.host),
        }
    }

    fn address(&self, host: &str, port: u16) -> SocketAddr {
        let digest = Sha256::digest(host.trim_end_matches('.').to_ascii_lowercase());
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let free = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
        let ip = (u32::from(self.network) & !free) | (hash & free);
        SocketAddr::new(IpAddr::V4(ip.into()), port.wrapping_add(self.port_offset))
    }
}

/// Name resolution and trust.
#[derive(Clone, Debug)]
pub struct Network {
    /// The first rule that matches wins.
    pub connect_to: Vec<ConnectTo>,
    /// Networks that probes may reach although they would be refused.
    pub allow: Vec<IpNet>,
    /// Roots of the system and of `network.ca`.
    pub roots: Arc<rustls::RootCertStore>,
}

impl Network {
    /// Where a rule sends `host:port`, if one matches.
    pub fn redirected(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.connect_to.iter().find(|rule| rule.matches(host)).map(|rule| rule.address(host, port))
    }

    /// Why no probe may reach `address`, if so. Whoever connects to an address that [`Self::resolve`] did not give asks
    /// here first, for every hop.
    pub fn refusal(&self, address: IpAddr) -> Option<Refused> {
        guard::refusal(address, &self.allow)
    }

    /// The addresses of `host` that a probe may reach: by rule, as a literal, or from the system's resolver,
    /// for which nobody waits longer than `within`.
    ///
    /// # Errors
    /// If the name does not resolve; with [`Refused`] inside if none of its addresses may be reached, and with [`NoAnswer`]
    /// if the resolver is to blame, not the name.
    pub async fn resolve(&self, host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.redirected(host, port) {
            return Ok(vec![address]);
        }
        let mut addresses = found(host, port, within).await?;
        let refused = addresses.iter().find_map(|address| self.refusal(address.ip()));
        addresses.retain(|address| self.refusal(address.ip()).is_none());
        match refused {
            Some(refused) if addresses.is_empty() => Err(refused.into()),
            _ => Ok(addresses),
        }
    }

    /// The addresses of a `host` that an administrator named himself, such as a mail relay: nothing is refused.
    ///
    /// # Errors
    /// If the name does not resolve.
    pub async fn resolve_unguarded(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self.redirected(host, port) {
            Some(address) => Ok(vec![address]),
            None => found(host, port, WAIT_MAX).await,
        }
    }
}

async fn found(host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    lookup::lookup(host, port, within).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city() -> Network {
        let rule =
            ConnectTo { host: "*.test".into(), network: Ipv4Addr::new(127, 64, 0, 0), prefix: 10, port_offset: 20000 };
        Network { connect_to: vec![rule], allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) }
    }

    #[test]
    fn matching_names_get_a_stable_loopback_address_of_their_own() {
        let at = |host| city().redirected(host, 443).unwrap();
        assert_eq!(at("a.huangpu.test"), at("A.HUANGPU.test."));
        assert_ne!(at("a.huangpu.test"), at("b.huangpu.test"));
        assert!(at("a.huangpu.test").ip().is_loopback());
        assert_eq!(at("a.huangpu.test").port(), 20443);
        assert_eq!(city().redirected("example.org", 443), None);
        assert_eq!(city().redirected("test", 443), None);
    }
}
