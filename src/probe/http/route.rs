//! How a request reaches its target: which client, through which proxy, at which address.
//!
//! Not here: what is asked. Invariants: an address and a name for TLS hold for the URL's own host and port only, never
//! for where it redirects to; addresses written in a URL pass `Network` as names do.

use super::fetch::origin;
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Problem, Problems, Record, Value};
use crate::network::{Network, Refused, WAIT_MAX};
use crate::probe::peer::Family;
use crate::probe::transport::{Client, Compression, HttpVersion, Profile, Via};
use crate::probe::{BuildContext, dial, trust};
use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// Stands for an address in a URL, so that the client asks our resolver; it never leaves this machine.
const NOWHERE: &str = "address.invalid";

/// How targets are reached.
pub(in crate::probe) struct Route {
    network: Arc<Network>,
    client: Client,
    family: Family,
    proxy: Option<(Box<str>, u16)>,
    own: Option<Own>,
}

/// The URL's own host and port, which is reached in another way than by its name.
struct Own {
    origin: (String, u16),
    client: Client,
    address: (Box<str>, u16),
    /// What the client believes to be the host.
    host: Box<str>,
}

/// Where one request goes.
pub(super) struct Way<'a> {
    pub(super) client: &'a Client,
    pub(super) url: Url,
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// Whether a name is looked up on the way.
    pub(super) resolves: bool,
}

impl Route {
    /// Of a record with the fields of the transport. `common` has what is left out in it; `url` is whom it is about.
    pub(in crate::probe) fn of(
        record: &Record,
        common: Option<&Record>,
        url: Option<&Url>,
        context: &BuildContext,
    ) -> Result<Self, Problems> {
        let wrong = |field: &str, text: String| Problems::from(Problem::error(Code::Value, record.at(field), text));
        let settings = record.record("tls").or_else(|| common?.record("tls"));
        let mut profile = Profile {
            tls: settings.map(trust::Profile::of).transpose()?.unwrap_or_default(),
            version: version(record),
            compression: compression(record),
            family: Family::of(record),
            proxy: via(record, common)?,
            address: None,
        };
        let proxy = profile.proxy.as_ref().map(|via| (via.target().0.into(), via.target().1));
        let client_of = |profile: &Profile| context.transports.client(profile).map_err(|text| wrong("url", text));
        let client = client_of(&profile)?;
        let name = settings.and_then(|settings| settings.opt_text("name"));
        let address = address(record);
        let own = if name.is_none() && address.is_none() {
            None
        } else {
            let field = if address.is_some() { "address" } else { "tls" };
            if proxy.is_some() {
                return Err(wrong(
                    field,
                    "neither `address` nor `tls.name` goes with `proxy`, which finds the way".into(),
                ));
            }
            let Some((host, port)) = url.and_then(|url| origin(url).ok()) else {
                return Err(wrong(field, "this is about the host of an address that is known in advance".into()));
            };
            let (secure, literal) =
                (url.is_some_and(|url| url.scheme() == "https"), bare(&host).parse::<IpAddr>().is_ok());
            if literal && secure && name.is_none() {
                return Err(wrong(field, "`address` beside an `https` URL without a name wants `tls.name`".into()));
            }
            let known_as: Box<str> = name.unwrap_or(if literal { NOWHERE } else { &host }).into();
            // The client would put what it believes into `:authority`; HTTP/1.1 has the true host in `Host`.
            let explicit = url.is_some_and(|url| url.port().is_some());
            if explicit || *known_as != *host {
                if profile.version == HttpVersion::Http2 {
                    return Err(wrong("version", format!("HTTP/2 cannot be asked for together with `{field}` here")));
                }
                profile.version = HttpVersion::Http1;
            }
            let address = address.unwrap_or_else(|| (bare(&host).into(), port));
            profile.address = Some(address.clone());
            Some(Own { client: client_of(&profile)?, origin: (host, port), address, host: known_as })
        };
        Ok(Self { network: Arc::clone(&context.network), client, family: profile.family, proxy, own })
    }

    /// The way to `url`, whose host and port are given; `Host` is set where the client would get it wrong.
    pub(super) fn way<'a>(&'a self, url: &Url, host: &'a str, port: u16, headers: &mut HeaderMap) -> Way<'a> {
        let mut url = url.clone();
        let mut host_header = || {
            let default = url.port().is_none();
            let text = if default { host.to_owned() } else { format!("{host}:{port}") };
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.entry(header::HOST).or_insert(value);
            }
        };
        if let Some(own) = self.own.as_ref().filter(|own| own.origin.0 == *host && own.origin.1 == port) {
            host_header();
            // The port of the address beats that of the URL only if the URL shows none.
            let _ = url.set_host(Some(&own.host));
            let _ = url.set_port(None);
            let resolves = own.address.0.parse::<IpAddr>().is_err();
            return Way { client: &own.client, url, host: &own.address.0, port: own.address.1, resolves };
        }
        // A port in the URL beats the one that a rule says, so it goes; the target still reads it in `Host`.
        if url.port().is_some() && self.proxy.is_none() && self.network.redirected(host, port).is_some() {
            host_header();
            let _ = url.set_port(None);
        }
        let (host, port, literal) = match &self.proxy {
            Some((proxy, port)) => (&**proxy, *port, proxy.parse::<IpAddr>().is_ok()),
            None => (host, port, bare(host).parse::<IpAddr>().is_ok()),
        };
        Way { client: &self.client, url, host, port, resolves: !literal }
    }

    /// Passes the addresses that the client would not resolve, since they are none of names: the target's, the proxy's.
    pub(super) async fn pass(&self, host: &str, port: u16) -> Result<(), io::Error> {
        let target = Some((host, port)).filter(|_| self.own.as_ref().is_none_or(|own| own.origin.0 != *host));
        let proxy = self.proxy.as_ref().map(|(host, port)| (&**host, *port));
        let literal = |place: &(&str, u16)| bare(place.0).parse::<IpAddr>().is_ok();
        for (host, port) in target.into_iter().chain(proxy).filter(literal) {
            let mut addresses = self.network.resolve(host, port, WAIT_MAX).await?;
            if self.proxy.is_none() {
                self.family.keep(&mut addresses);
            }
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("it is no {}", self.family.noun())));
            }
        }
        Ok(())
    }
}

/// The verdict about a place that was not resolved, or that probes may not reach; `hop` counts redirects.
pub(super) fn unreached(error: &io::Error, host: &str, hop: usize) -> Outcome {
    // Where a target sends us is the target's doing: what is refused there is its failure, not our trouble.
    if let Some(refused) = dial::cause::<Refused>(error).filter(|_| hop > 0) {
        let text = format!("redirected to {host}, which probes may not follow: {refused}");
        return Outcome::fail(ReasonKind::Protocol, text);
    }
    dial::unresolved(error, host)
}

/// A host without brackets.
pub(super) fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

fn version(record: &Record) -> HttpVersion {
    let names_host = record.map("headers").iter().any(|(name, _)| name.value.eq_ignore_ascii_case("host"));
    match record.text("version") {
        "2" => HttpVersion::Http2,
        "1.1" => HttpVersion::Http1,
        // HTTP/2 names the host elsewhere, where a header cannot change it.
        _ if names_host => HttpVersion::Http1,
        _ => HttpVersion::Any,
    }
}

fn compression(record: &Record) -> Compression {
    match record.text("compression") {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "br" => Compression::Brotli,
        "zstd" => Compression::Zstd,
        "deflate" => Compression::Deflate,
        _ => Compression::Any,
    }
}

fn address(record: &Record) -> Option<(Box<str>, u16)> {
    let (host, port) = record.opt_text("address")?.rsplit_once(':')?;
    Some((bare(host).into(), port.parse().ok()?))
}

fn via(record: &Record, common: Option<&Record>) -> Result<Option<Via>, Problems> {
    let of = |record: &Record| match record.get("proxy").map(|proxy| &proxy.value) {
        Some(Value::Url(url)) => Some((url.clone(), record.opt_text("proxy_authorization").map(Arc::<str>::from))),
        _ => None,
    };
    let wrong = |field: &str, text: &str, hint: &str| {
        Problems::from(Problem::error(Code::Value, record.at(field), text).hint(hint))
    };
    let Some((url, authorization)) = of(record).or_else(|| common.and_then(of)) else {
        let stray = record.has("proxy_authorization");
        let problem = || wrong("proxy_authorization", "`proxy_authorization` without a `proxy`", "name the proxy");
        return if stray { Err(problem()) } else { Ok(None) };
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("proxy", "credentials inside an address are shown", "write `proxy_authorization`"));
    }
    if url.scheme() == "socks5" && authorization.is_some() {
        return Err(wrong(
            "proxy_authorization",
            "a `socks5` proxy reads no header",
            "leave `proxy_authorization` out",
        ));
    }
    if authorization.as_deref().is_some_and(|text| HeaderValue::from_str(text).is_err()) {
        return Err(wrong("proxy_authorization", "a header cannot hold this value", "such as `Basic ${PROXY}`"));
    }
    Ok(Some(Via { url, authorization }))
}
