//! From a target that somebody sent to a prober, or to the reason why not.
//!
//! Not here: patterns (`allow`). Invariant: what is asked is built of the parts that were judged, never of the text.

use super::{Allow, Module};
use crate::field::{Entry, Node, NodeKind, Place, Problems, decode};
use crate::probe::{BuildContext, ProbeKind, Prober};
use reqwest::Url;
use std::net::IpAddr;
use std::sync::Arc;

/// Longest target.
const TARGET_MAX: usize = 2_000;
/// Fields that may say whom a kind asks; the first that the module leaves out is filled in.
const TARGET_FIELDS: [&str; 6] = ["url", "address", "uri", "host", "server", "name"];

/// Why a target is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read as a target of this kind.
    #[error("the target is not understood: {0}")]
    NotUnderstood(String),
    /// Nobody allowed it.
    #[error(
        "{0} may not be probed: it is neither asked by a probe of the inventory nor matched by `probe.allow`; an \
         administrator adds it in gengfu.yaml: `probe: {{ allow: [\"{0}\"] }}`"
    )]
    NotAllowed(String),
    /// The module does not fit this target or this host name.
    #[error("the module cannot ask this: {0}")]
    Unfit(String),
}

/// Whom a target names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whom {
    host: String,
    port: Option<u16>,
    /// Only of kinds that ask for a URL.
    url: Option<Url>,
}

impl Whom {
    fn named(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", bracketed(&self.host)))
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Builds a prober for `target`.
pub(super) fn prober(
    module: &Module,
    target: &str,
    hostname: Option<&str>,
    allow: &Allow,
    context: &BuildContext,
) -> Result<Arc<dyn Prober>, Refused> {
    let Some(field) = field(module) else { return Err(Refused::Unfit("it names its target itself".into())) };
    let whom = whom(module, field, target)?;
    if !allow.matches(&whom.host, whom.port) {
        return Err(Refused::NotAllowed(whom.named()));
    }
    let mut body = module.body.clone();
    fill(module, &mut body, field, &whom)?;
    if let Some(hostname) = hostname.filter(|name| !name.is_empty()) {
        rename(module, &mut body, hostname, &whom)?;
    }
    build(module, &body, context).map_err(|problems| Refused::Unfit(problems.to_string()))
}

/// The body of a kind with a target filled in, for whoever writes files; nobody is asked whether it is allowed.
///
/// # Errors
/// Why the target does not fit.
pub fn aimed(kind: &'static ProbeKind, body: &Node, target: &str) -> Result<Node, Refused> {
    let at = body.at.clone();
    let module = Module { name: String::new(), kind, timeout: None, body: body.clone(), at };
    let Some(field) = field(&module) else { return Err(Refused::Unfit("it names its target itself".into())) };
    let whom = whom(&module, field, target)?;
    let mut body = module.body.clone();
    fill(&module, &mut body, field, &whom)?;
    Ok(body)
}

/// Whether the module builds at all.
pub(super) fn trial(module: &Module, context: &BuildContext) -> Result<(), Problems> {
    let Some(field) = field(module) else { return Ok(()) };
    let whom = Whom {
        host: "target.invalid".into(),
        port: Some(9),
        url: Url::parse(&format!("{}://target.invalid/", schemes(module)[0])).ok(),
    };
    let mut body = module.body.clone();
    // What cannot be filled in is found by the build.
    let _ = fill(module, &mut body, field, &whom);
    build(module, &body, context).map(drop)
}

fn build(module: &Module, body: &Node, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let record = decode(body, module.kind.fields, &mut problems);
    if !record.complete {
        return Err(problems);
    }
    (module.kind.build)(&record, context)
}

fn has(module: &Module, field: &str) -> bool {
    module.kind.fields.iter().any(|f| f.name == field)
}

/// The field that the target fills in.
fn field(module: &Module) -> Option<&'static str> {
    let candidates: &[&str] = match module.kind.name {
        "http" | "websocket" => &TARGET_FIELDS[..1],
        "dns" => &TARGET_FIELDS[4..],
        // Elsewhere `name` is a setting of TLS.
        _ => &TARGET_FIELDS[..5],
    };
    candidates.iter().copied().find(|field| has(module, field) && module.body.get(field).is_none())
}

fn schemes(module: &Module) -> [&'static str; 2] {
    if module.kind.name == "websocket" { ["ws", "wss"] } else { ["http", "https"] }
}

fn whom(module: &Module, field: &str, target: &str) -> Result<Whom, Refused> {
    let wrong = |why: &str| Refused::NotUnderstood(why.to_owned());
    if target.len() > TARGET_MAX || target.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong("it is too long, or holds blanks or control characters"));
    }
    if field == "url" {
        return url_of(target, schemes(module));
    }
    if target.contains(['@', '/', '?', '#', '\\', '%']) {
        return Err(wrong("this module takes a host and a port, nothing else"));
    }
    let (host, port) = host_and_port(target).ok_or_else(|| wrong("write it as host:port"))?;
    let port = match (field, port) {
        ("address" | "uri", None) => return Err(wrong("the port is missing; write it as host:port")),
        ("host" | "server", port) if has(module, "port") => port
            .or_else(|| module.body.get("port").and_then(Node::text).and_then(|text| text.parse().ok()))
            .or(own_port(module)),
        ("host" | "name", Some(_)) => return Err(wrong("this module takes a host without a port")),
        (_, port) => port,
    };
    Ok(Whom { host, port, url: None })
}

/// The port that the kind has by itself.
fn own_port(module: &Module) -> Option<u16> {
    let field = module.kind.fields.iter().find(|f| f.name == "port")?;
    match field.need {
        crate::field::Need::Default(text) => text.parse().ok(),
        _ if module.kind.name != "dns" => Some(443),
        _ if module.body.get("transport").and_then(Node::text) == Some("tls") => Some(853),
        _ => Some(53),
    }
}

fn url_of(target: &str, schemes: [&str; 2]) -> Result<Whom, Refused> {
    let wrong = |why: String| Refused::NotUnderstood(why);
    let named = schemes.iter().any(|scheme| {
        target.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            && target[scheme.len()..].starts_with("://")
    });
    if !named && target.split(['/', '?', '#']).next().is_some_and(|head| head.ends_with(':')) {
        return Err(wrong(format!("only {} and {} are asked", schemes[0], schemes[1])));
    }
    let written = if named { target.to_owned() } else { format!("{}://{target}", schemes[0]) };
    let url = Url::parse(&written).map_err(|error| wrong(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() || authority(&written).contains('@') {
        return Err(wrong("it holds a user; credentials belong into the module".into()));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it has no host".into()))?;
    Ok(Whom { host: host.to_owned(), port: url.port_or_known_default(), url: Some(url.clone()) })
}

/// What stands between the scheme and the path, as written.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

fn host_and_port(target: &str) -> Option<(String, Option<u16>)> {
    if let Ok(address) = target.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some((address.to_canonical().to_string(), None));
    }
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0)?)),
        None => (target, None),
    };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some((address.to_canonical().to_string(), port));
    }
    (!host.is_empty() && !host.contains([':', '[', ']'])).then(|| (host.to_ascii_lowercase(), port))
}

fn set(body: &mut Node, key: &str, text: String) {
    let at: Place = body.at.clone();
    let value = Node { at: at.clone(), kind: NodeKind::Scalar { text, quoted: false, expanded: false } };
    if let NodeKind::Map(entries) = &mut body.kind {
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key: key.to_owned(), key_at: at, value });
    }
}

fn fill(module: &Module, body: &mut Node, field: &str, whom: &Whom) -> Result<(), Refused> {
    if body.is_null() {
        body.kind = NodeKind::Map(Vec::new());
    }
    match (field, &whom.url, whom.port) {
        ("url", Some(url), _) => set(body, "url", url.to_string()),
        ("address", _, Some(port)) => set(body, "address", format!("{}:{port}", bracketed(&whom.host))),
        ("uri", _, Some(port)) => set(body, "uri", format!("sip:{}:{port}", bracketed(&whom.host))),
        ("host" | "server", _, port) => {
            set(body, field, whom.host.clone());
            if let Some(port) = port.filter(|_| has(module, "port")) {
                set(body, "port", port.to_string());
            }
        }
        ("name", ..) => set(body, "name", whom.host.clone()),
        _ => return Err(Refused::NotUnderstood("its parts do not fit this module".into())),
    }
    Ok(())
}

/// Asks the target under another name: `Host`, and the name in the certificate.
fn rename(module: &Module, body: &mut Node, hostname: &str, whom: &Whom) -> Result<(), Refused> {
    let unfit = |why: &str| Refused::Unfit(why.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if hostname.len() > 255 || !hostname.chars().all(plain) {
        return Err(Refused::NotUnderstood("`hostname` is not the name of a host".into()));
    }
    let name = hostname.rsplit_once(':').map_or(hostname, |(name, _)| name);
    match module.kind.name {
        "http" => {
            let Some(mut headers) = headers_without_host(body, hostname)? else { return Ok(()) };
            let at = body.at.clone();
            headers.push(Entry { key: "Host".into(), key_at: at.clone(), value: Node::plain(at.clone(), hostname) });
            put(body, "headers", Node { at, kind: NodeKind::Map(headers) });
            if whom.url.as_ref().is_some_and(|url| url.scheme() == "https") {
                name_in_tls(body, name);
            }
            Ok(())
        }
        "tcp" | "grpc" => {
            name_in_tls(body, name);
            Ok(())
        }
        _ => Err(unfit("`hostname` is for http, tcp and grpc")),
    }
}

/// The headers of the body; an error if they name another host, `None` if they name this one.
fn headers_without_host(body: &Node, hostname: &str) -> Result<Option<Vec<Entry>>, Refused> {
    let headers = body.get("headers").map(Node::entries).unwrap_or_default();
    match headers.iter().find(|entry| entry.key.eq_ignore_ascii_case("host")).map(|entry| entry.value.text()) {
        Some(own) if own != Some(hostname) => {
            Err(Refused::Unfit("the module has a `Host` header of its own, and `hostname` names another".into()))
        }
        Some(_) => Ok(None),
        None => Ok(Some(headers.to_vec())),
    }
}

fn put(body: &mut Node, key: &str, value: Node) {
    let at = body.at.clone();
    if let NodeKind::Map(entries) = &mut body.kind {
        entries.retain(|entry| entry.key != key);
        entries.push(Entry { key: key.to_owned(), key_at: at, value });
    }
}

/// Sets `tls.name` where TLS is on and no name is written.
fn name_in_tls(body: &mut Node, name: &str) {
    let mut settings = match body.get("tls") {
        Some(Node { kind: NodeKind::Map(entries), .. }) => entries.clone(),
        Some(node) if node.text() == Some("true") => Vec::new(),
        Some(_) => return,
        None if body.get("url").is_some() => Vec::new(),
        None => return,
    };
    if settings.iter().any(|entry| entry.key == "name") {
        return;
    }
    let at = body.at.clone();
    settings.push(Entry { key: "name".into(), key_at: at.clone(), value: Node::plain(at.clone(), name) });
    put(body, "tls", Node { at, kind: NodeKind::Map(settings) });
}
