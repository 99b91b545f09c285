//! Whom `/probe` may be sent to: patterns of `probe.allow`, else the hosts of the inventory's own probes.
//!
//! Not here: addresses that a name leads to (`network`). Invariants: what is not matched is refused; a pattern and a
//! target are brought to one form by the same parser, so that no spelling of a host differs from itself.

use crate::field::Record;
use crate::probe::Reach;
use reqwest::Url;
use std::collections::HashSet;
use std::net::IpAddr;
use url_host::Form;

/// Which ports a pattern covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ports {
    /// All.
    Any,
    /// This one, and questions that have none (ICMP).
    One(u16),
    /// Questions that have none.
    None,
}

impl Ports {
    fn cover(self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) | (Self::One(_) | Self::None, None) => true,
            (Self::One(own), Some(port)) => own == port,
            (Self::None, Some(_)) => false,
        }
    }
}

/// One pattern that is more than a host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// `*.` and this, which begins with a dot.
    Suffix(String),
    /// Leading bits of an address.
    Network(IpAddr, u8),
}

/// All patterns.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    hosts: HashSet<(String, Ports)>,
    rules: Vec<(Rule, Ports)>,
}

impl Allow {
    /// Reads one pattern: a host, `*.suffix` or a network, and a port if only one is meant.
    ///
    /// # Errors
    /// A sentence without its subject.
    pub fn add(&mut self, pattern: &str) -> Result<(), String> {
        let (host, ports) = split(pattern)?;
        if let Some(suffix) = host.strip_prefix("*.") {
            let Some(Form::Name(suffix)) = Form::of(suffix) else { return Err("has no suffix behind `*.`".into()) };
            self.rules.push((Rule::Suffix(format!(".{suffix}")), ports));
            return Ok(());
        }
        if let Some((address, bits)) = host.split_once('/') {
            let address: IpAddr = unbracketed(address).parse().map_err(|_| "is not a network".to_owned())?;
            let bits = bits.parse::<u8>().ok().filter(|bits| *bits <= if address.is_ipv4() { 32 } else { 128 });
            self.rules.push((Rule::Network(address, bits.ok_or("has no length of a network")?), ports));
            return Ok(());
        }
        match Form::of(host) {
            Some(form) => self.hosts.insert((form.to_string(), ports)),
            None => return Err("is neither a host, nor `*.suffix`, nor a network".into()),
        };
        Ok(())
    }

    /// Adds whom a probe of the inventory asks.
    pub fn add_targets_of(&mut self, body: &Record) {
        let field = |name: &str| body.fields.iter().any(|f| f.name == name);
        if field("url")
            && let Some(url) = body.url("url")
            && let Some(host) = url.host_str()
        {
            self.add_host(host, url.port_or_known_default());
        }
        if field("address")
            && let Some((host, port)) = body.opt_text("address").and_then(|text| text.rsplit_once(':'))
        {
            self.add_host(host, port.parse().ok());
        }
        for name in ["host", "server"] {
            if field(name)
                && let Some(host) = body.opt_text(name)
            {
                let usual = match (name, field("transport") && body.text("transport") == "tls") {
                    ("server", true) => Some(853),
                    ("server", false) => Some(53),
                    _ => None,
                };
                let port = if field("port") { body.opt_int("port").or(usual) } else { None };
                self.add_host(host, port.and_then(|port| u16::try_from(port).ok()));
            }
        }
    }

    fn add_host(&mut self, host: &str, port: Option<u16>) {
        if let Some(form) = Form::of(host) {
            self.hosts.insert((form.to_string(), port.map_or(Ports::None, Ports::One)));
        }
    }

    /// Whether `host` may be asked on `port`.
    pub fn matches(&self, host: &str, port: Option<u16>) -> bool {
        let Some(form) = Form::of(host) else { return false };
        let name = form.to_string();
        let exact = |ports: Ports| self.hosts.contains(&(name.clone(), ports));
        if exact(Ports::Any) || port.is_some_and(|port| exact(Ports::One(port))) {
            return true;
        }
        if port.is_none() && (exact(Ports::None) || self.hosts.iter().any(|(host, _)| *host == name)) {
            return true;
        }
        self.rules.iter().any(|(rule, ports)| {
            ports.cover(port)
                && match (rule, &form) {
                    (Rule::Suffix(suffix), Form::Name(name)) => name.len() > suffix.len() && name.ends_with(suffix),
                    (Rule::Network(network, bits), Form::Address(address)) => holds(*network, *bits, *address),
                    _ => false,
                }
        })
    }
}

impl Reach for Allow {
    fn allows(&self, host: &str, port: u16) -> bool {
        self.matches(host, Some(port))
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The host of a pattern and its ports. An IPv6 address needs brackets to have a port.
fn split(pattern: &str) -> Result<(&str, Ports), String> {
    let bare_v6 = pattern.matches(':').count() > 1 && !pattern.contains(']');
    match pattern.rsplit_once(':') {
        Some((host, port)) if !bare_v6 && !port.contains(']') => {
            let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or("has no port behind the colon")?;
            Ok((host, Ports::One(port)))
        }
        _ => Ok((pattern, Ports::Any)),
    }
}

fn holds(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let mask = |length: u32| u128::MAX.checked_shl(length - u32::from(bits)).unwrap_or(0);
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(u32::from(network)) ^ u128::from(u32::from(address))) & mask(32) & 0xffff_ffff == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (u128::from(network) ^ u128::from(address)) & mask(128) == 0,
        _ => false,
    }
}

/// The one form of a host.
mod url_host {
    use super::{IpAddr, Url, unbracketed};

    /// A name in small letters and ASCII, without a final dot, or an address, with IPv4 in IPv6 unwrapped.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) enum Form {
        Name(String),
        Address(IpAddr),
    }

    impl Form {
        pub(super) fn of(host: &str) -> Option<Self> {
            if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
                return Some(Self::Address(address.to_canonical()));
            }
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            if host.is_empty() || !host.chars().all(plain) {
                return None;
            }
            // Decimal, octal and hexadecimal spellings of addresses come out as addresses.
            let url = Url::parse(&format!("http://{host}/")).ok()?;
            let name = url.host_str()?;
            if let Ok(address) = unbracketed(name).parse::<IpAddr>() {
                return Some(Self::Address(address.to_canonical()));
            }
            let name = name.strip_suffix('.').unwrap_or(name);
            (!name.is_empty() && !name.split('.').any(str::is_empty)).then(|| Self::Name(name.to_owned()))
        }
    }

    impl std::fmt::Display for Form {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self {
                Self::Name(name) => f.write_str(name),
                Self::Address(address) => address.fmt(f),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(patterns: &[&str]) -> Allow {
        let mut allow = Allow::default();
        patterns.iter().for_each(|pattern| allow.add(pattern).unwrap());
        allow
    }

    #[test]
    fn hosts_suffixes_networks_and_ports() {
        let allow =
            allow(&["a.test", "*.bdc.test", "b.test:443", "10.0.0.0/8", "[2001:db8::]/32", "[::1]:80", "127.1"]);
        for (host, port) in [
            ("a.test", 80),
            ("A.TEST.", 80),
            ("x.bdc.test", 1),
            ("x.y.BDC.test.", 1),
            ("b.test", 443),
            ("10.200.1.1", 22),
            ("[::ffff:10.1.1.1]", 22),
            ("2001:db8:1::1", 443),
            ("[::1]", 80),
            ("2130706433", 80),
            ("0x7f.0.0.1", 80),
        ] {
            assert!(allow.matches(host, Some(port)), "{host}:{port}");
        }
        for (host, port) in [
            ("bdc.test", 1),
            ("evilbdc.test", 1),
            ("a.test..", 80),
            ("a.test.evil.test", 80),
            ("b.test", 80),
            ("11.0.0.1", 22),
            ("184549377", 22),
            ("0xb000001", 22),
            ("[::1]", 81),
            ("::ffff:11.0.0.1", 22),
            ("fe80::1%eth0", 22),
            ("", 80),
            ("a.test@evil.test", 80),
            ("a.test#", 80),
        ] {
            assert!(!allow.matches(host, Some(port)), "{host}:{port}");
        }
        assert!(allow.matches("b.test", None) && !allow.matches("c.test", None));
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for pattern in ["", "*", "*.", "a b", "a.test:", "a.test:0", "a.test:99999", "10.0.0.0/33", "x/8", "http://a/"]
        {
            assert!(Allow::default().add(pattern).is_err(), "{pattern}");
        }
    }
}
