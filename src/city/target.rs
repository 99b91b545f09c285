//! What the city has to stand for: one target per probe, derived from the probes of a loaded inventory.
//!
//! Not here: how a target answers (`endpoint`) and when it fails (`script`). Invariant: a target names a host and a
//! port; the loopback address behind them is `Network::redirected`'s business alone.

use crate::domain::{Inventory, Names, ProbeId, SubsystemId};

/// What a probe talks to, in the words of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeTarget {
    /// `huangpu/portal/home`.
    pub probe: ProbeId,
    /// A kind of probe; for one without a place in the city, such as `heartbeat`, nobody stands.
    pub kind: String,
    /// A URL for `http` and `journey`; `host:port` or a bare host for the others. `tls://host:port` makes a `tcp` probe
    /// speak TLS, `grpcs://host:port` a `grpc` probe.
    pub at: String,
    /// What the answer must hold: body text for `http`, the line or pattern for `tcp`, an address for `dns`.
    pub says: Option<String>,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proto {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// Bytes: a banner, or an answer to whatever comes.
    Tcp,
    /// A TLS handshake is all that is asked for.
    Tls,
    /// DNS over UDP and TCP.
    Dns,
    /// The health service of gRPC in the clear.
    Grpc,
    /// The health service of gRPC over TLS.
    Grpcs,
    /// SIP over UDP and TCP.
    Sip,
}

/// What stands behind an address that speaks HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// One page.
    Page,
    /// A service that is used in several steps.
    Counter,
}

impl Proto {
    fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https | Self::Tls => Some(443),
            Self::Dns => Some(53),
            Self::Sip => Some(5060),
            Self::Tcp | Self::Grpc | Self::Grpcs => None,
        }
    }
}

/// One thing that somebody probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose script it follows.
    pub subsystem: SubsystemId,
    /// Who asks.
    pub probe: ProbeId,
    /// For its page.
    pub name: Names,
    /// `ywtb.huangpu.test`.
    pub host: String,
    /// The port that the probe names, before any offset.
    pub port: u16,
    /// Path and query of a URL, `/` for anything else.
    pub path: String,
    /// What it speaks.
    pub proto: Proto,
    /// What stands behind it.
    pub serves: Serves,
    /// What a good answer holds.
    pub says: Option<String>,
}

/// The targets of `probes`. Heartbeats, and texts that name no host or no port, have none.
pub fn targets_from(inventory: &Inventory, probes: &[ProbeTarget]) -> Vec<Target> {
    let name_of = |id: &SubsystemId| {
        let fallback = || Names { zh: id.to_string(), en: id.to_string() };
        inventory.subsystems.get(id).map_or_else(fallback, |s| s.name.clone())
    };
    probes.iter().filter_map(|probe| target(probe, name_of(&probe.probe.subsystem()))).collect()
}

fn target(probe: &ProbeTarget, name: Names) -> Option<Target> {
    let (scheme, rest) = probe.at.split_once("://").unwrap_or((&probe.kind, &probe.at));
    let proto = match scheme {
        "http" => Proto::Http,
        "https" => Proto::Https,
        "tcp" => Proto::Tcp,
        "tls" => Proto::Tls,
        "dns" => Proto::Dns,
        "grpc" => Proto::Grpc,
        "grpcs" => Proto::Grpcs,
        "sip" => Proto::Sip,
        _ => return None,
    };
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, proto.default_port()?),
    };
    if host.is_empty() {
        return None;
    }
    let path = path.split('#').next().unwrap_or_default();
    Some(Target {
        subsystem: probe.probe.subsystem(),
        probe: probe.probe.clone(),
        name,
        host: host.to_ascii_lowercase(),
        port,
        path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        proto,
        serves: if probe.kind == "journey" { Serves::Counter } else { Serves::Page },
        says: probe.says.clone(),
    })
}

/// A text that a simple pattern such as `^220 ` or `\+PONG` matches; plain text stays as it is.
pub(super) fn literal(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '^' | '$' => {}
            '\\' => out.extend(chars.next().map(|escaped| match escaped {
                'd' => '1',
                's' => ' ',
                'w' => 'a',
                other => other,
            })),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: &str, at: &str) -> Option<(String, u16, String, Proto)> {
        let probe = ProbeTarget { probe: "a/b/c".into(), kind: kind.into(), at: at.into(), says: None };
        target(&probe, Names::default()).map(|t| (t.host, t.port, t.path, t.proto))
    }

    #[test]
    fn a_probes_text_yields_host_port_path_and_protocol() {
        let row = |h: &str, port, p: &str, proto| Some((h.to_owned(), port, p.to_owned(), proto));
        assert_eq!(parsed("http", "https://A.test/x?y=1#z"), row("a.test", 443, "/x?y=1", Proto::Https));
        assert_eq!(parsed("http", "http://a.test:8080"), row("a.test", 8080, "/", Proto::Http));
        assert_eq!(parsed("http", "http://a.test?q"), row("a.test", 80, "/?q", Proto::Http));
        assert_eq!(parsed("tcp", "a.test:5060"), row("a.test", 5060, "/", Proto::Tcp));
        assert_eq!(parsed("tcp", "tls://a.test:993"), row("a.test", 993, "/", Proto::Tls));
        assert_eq!(parsed("tls", "a.test"), row("a.test", 443, "/", Proto::Tls));
        assert_eq!(parsed("dns", "ns.test"), row("ns.test", 53, "/", Proto::Dns));
        assert_eq!(parsed("journey", "https://a.test/x"), row("a.test", 443, "/x", Proto::Https));
        assert_eq!(parsed("grpc", "grpcs://a.test:8443"), row("a.test", 8443, "/", Proto::Grpcs));
        assert_eq!(parsed("sip", "a.test:5060"), row("a.test", 5060, "/", Proto::Sip));
    }

    #[test]
    fn what_names_no_address_has_no_target() {
        for (kind, at) in [("heartbeat", "token"), ("tcp", "a.test"), ("tcp", "a.test:http"), ("http", "https:///x")] {
            assert_eq!(parsed(kind, at), None, "{kind} {at}");
        }
    }

    #[test]
    fn literals_satisfy_the_simple_patterns_of_probes() {
        for pattern in [r"^220 ", r"\+PONG", "plain", r"^SIP/2\.0 200$", r"^\d\d ok"] {
            let text = literal(pattern);
            assert!(regex::Regex::new(pattern).unwrap().is_match(&text), "{pattern} {text}");
        }
    }
}
