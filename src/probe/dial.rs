//! Connections of probes: resolve, connect, shake hands; and what a failed one means.
//!
//! Not here: deadlines, which the attempt has. Invariant: what only we can be blamed for is `Unknown`, never `Fail`.

use super::peer::Family;
use super::{Attempt, Phase, Recorder, trust};
use crate::domain::{Outcome, ReasonKind};
use crate::network::{Network, NoAnswer, Refused};
use rustls::pki_types::ServerName;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Addresses of one name that are tried, one after the other.
const ADDRESSES_MAX: usize = 8;

/// Resolves `host`, noting what came.
pub(super) async fn resolve(
    recorder: &Recorder,
    network: &Network,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Outcome> {
    recorder.aim(host, port);
    if host.parse::<IpAddr>().is_err() {
        recorder.enter(Phase::Resolve);
    }
    let found = network.resolve(host, port, recorder.patience()).await;
    recorder.leave();
    match found {
        Ok(addresses) if addresses.is_empty() => {
            Err(Outcome::fail(ReasonKind::Resolve, format!("the name {host} has no address")))
        }
        Ok(mut addresses) => {
            addresses.truncate(ADDRESSES_MAX);
            recorder.note(format!("{host} is at {}", list(&addresses)));
            recorder.fact(|facts| facts.peer = addresses.first().map(SocketAddr::ip));
            Ok(addresses)
        }
        Err(error) => Err(unresolved(&error, host)),
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The verdict about a name that did not resolve.
pub(super) fn unresolved(error: &io::Error, host: &str) -> Outcome {
    if let Some(refused) = cause::<Refused>(error) {
        return Outcome::unknown(refused.to_string());
    }
    if let Some(no_answer) = cause::<NoAnswer>(error) {
        return Outcome::unknown(format!("could not resolve {host}: {no_answer}"));
    }
    match local_trouble(error) {
        Some(trouble) => Outcome::unknown(format!("could not resolve {host}: {trouble}")),
        None => Outcome::fail(ReasonKind::Resolve, format!("the name {host} does not resolve: {error}")),
    }
}

/// Connects to the first address of `host` that lets us.
pub(super) async fn connect(
    attempt: &Attempt,
    network: &Network,
    host: &str,
    port: u16,
    family: Family,
) -> Result<TcpStream, Outcome> {
    let mut addresses = resolve(attempt, network, host, port).await?;
    family.keep(&mut addresses);
    if addresses.is_empty() {
        return Err(Outcome::fail(ReasonKind::Resolve, format!("the name {host} has no {}", family.noun())));
    }
    attempt.enter(Phase::Connect);
    let mut refused = None;
    for (place, address) in addresses.iter().enumerate() {
        // The last address may use up the attempt; a dead one before it may not, hence each gets its share.
        let left = u32::try_from(addresses.len() - place).unwrap_or(1);
        let share = if left == 1 { attempt.remaining() * 2 } else { attempt.remaining() / left };
        let connecting = tokio::time::timeout(share, TcpStream::connect(address)).await;
        match connecting.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                attempt.leave();
                attempt.note(format!("connected to {address}"));
                attempt.fact(|facts| facts.peer = Some(address.ip()));
                // A probe's few bytes should leave at once; if the option is refused, they leave a little later.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => {
                attempt.note(format!("cannot connect to {address}: {error}"));
                refused = Some(error);
            }
        }
    }
    attempt.leave();
    let error = refused.unwrap_or_else(|| ErrorKind::AddrNotAvailable.into());
    Err(broken(&error, Phase::Connect, host, port))
}

/// Shakes hands over `stream` for `name`.
pub(super) async fn handshake(
    recorder: &Recorder,
    config: &Arc<rustls::ClientConfig>,
    stream: TcpStream,
    name: &str,
    port: u16,
) -> Result<TlsStream<TcpStream>, Outcome> {
    let server_name = match ServerName::try_from(name.to_owned()) {
        Ok(server_name) => server_name,
        Err(_) => return Err(Outcome::fail(ReasonKind::Tls, format!("{name} is not a name that TLS can ask for"))),
    };
    recorder.enter(Phase::Tls);
    let stream = TlsConnector::from(Arc::clone(config)).connect(server_name, stream).await;
    recorder.leave();
    let stream = stream.map_err(|error| failed(&error, Phase::Tls, name, port))?;
    let session = stream.get_ref().1;
    let version = session.protocol_version().map_or_else(String::new, |version| format!("{version:?}"));
    recorder.note(format!("TLS handshake with {name} done, {version}"));
    Ok(stream)
}

/// Our own lack of something, if that is what `error` is about.
pub(super) fn local_trouble(error: &io::Error) -> Option<String> {
    // Error numbers of Linux for which std has no kind: too many open files here (24) and on the system (23), no
    // buffer space (105).
    const OURS: [i32; 3] = [23, 24, 105];
    let ours = match error.kind() {
        ErrorKind::AddrNotAvailable
        | ErrorKind::AddrInUse
        | ErrorKind::PermissionDenied
        | ErrorKind::OutOfMemory
        | ErrorKind::NetworkDown
        // Our own table has no route; a router that has none answers with HostUnreachable.
        | ErrorKind::NetworkUnreachable => true,
        _ => error.raw_os_error().is_some_and(|code| OURS.contains(&code)),
    };
    ours.then(|| format!("this machine has a problem of its own: {error}"))
}

/// The verdict about an input or output error in `phase`.
pub(super) fn broken(error: &io::Error, phase: Phase, host: &str, port: u16) -> Outcome {
    if let Some(refused) = cause::<Refused>(error) {
        return Outcome::unknown(refused.to_string());
    }
    if let Some(trouble) = local_trouble(error) {
        return Outcome::unknown(format!("cannot reach {host}:{port}: {trouble}"));
    }
    let before = match phase {
        Phase::Resolve | Phase::Connect => "",
        Phase::Tls => " in the TLS handshake",
        Phase::Processing => " before answering",
        Phase::Transfer => " in the middle of its answer",
    };
    let (kind, text) = match error.kind() {
        ErrorKind::ConnectionRefused => (ReasonKind::Connect, format!("{host}:{port} refused the connection")),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            (ReasonKind::Connect, format!("{host}:{port} reset the connection{before}"))
        }
        ErrorKind::HostUnreachable => (ReasonKind::Connect, format!("no way leads to {host}:{port}: {error}")),
        ErrorKind::UnexpectedEof if phase == Phase::Tls => {
            (ReasonKind::Tls, format!("{host}:{port} closed the connection{before}"))
        }
        ErrorKind::UnexpectedEof => (ReasonKind::Protocol, format!("{host}:{port} closed the connection{before}")),
        ErrorKind::TimedOut => (ReasonKind::Timeout, format!("{host}:{port} did not answer: {error}")),
        _ if phase == Phase::Connect => (ReasonKind::Connect, format!("cannot connect to {host}:{port}: {error}")),
        _ => (ReasonKind::Protocol, format!("{host}:{port} broke off{before}: {error}")),
    };
    Outcome::fail(kind, text)
}

/// The verdict about any error: looks for a TLS or an input/output error among its causes.
pub(super) fn failed(error: &(dyn Error + 'static), phase: Phase, host: &str, port: u16) -> Outcome {
    if let Some(refused) = cause::<rustls::Error>(error) {
        return trust::refused(refused, host);
    }
    match cause::<io::Error>(error) {
        Some(error) => broken(error, phase, host, port),
        None => Outcome::fail(ReasonKind::Protocol, format!("{host}:{port}: {}", innermost(error))),
    }
}

/// The innermost cause of type `E`. An `io::Error` hides what it wraps from `source`, so it is opened here.
pub(super) fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let below = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => cause::<E>(inner),
        None => error.source().and_then(cause::<E>),
    };
    below.or_else(|| error.downcast_ref::<E>())
}

/// The text of the last cause, which is the one that says something.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
