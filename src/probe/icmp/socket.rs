//! A socket for echo requests: without privileges where the system lets us, else raw.
//!
//! Not here: packets. Invariant: where neither is allowed, the sentence says what an administrator can do about it.

use super::wire::{self, Echo, Layout, REPLY_BYTES_MAX};
use crate::domain::Outcome;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;

/// How many hops a request may take when nothing else is said.
const TTL: u8 = 64;

/// Whether requests may be cut on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragments {
    Allowed,
    Refused,
}

/// How requests leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The kernel owns the identifier.
    Unprivileged,
    Raw,
    /// We write the IPv4 header too.
    RawWithHeader,
}

/// A socket that asks one address.
#[derive(Debug)]
pub(super) struct Pinger {
    /// Not UDP: std and tokio only wrap the descriptor, and the calls are the same for ICMP.
    socket: UdpSocket,
    way: Way,
    layout: Layout,
    ttl: u8,
}

impl Pinger {
    /// Opens the least privileged socket that serves.
    pub(super) fn open(to: IpAddr, ttl: Option<u8>, fragments: Fragments) -> Result<Self, Outcome> {
        let uncut = fragments == Fragments::Refused && to.is_ipv4();
        let plain = if uncut { None } else { Some(create(to, Type::DGRAM)) };
        let (way, socket) = match plain {
            Some(Ok(socket)) => (Way::Unprivileged, Ok(socket)),
            _ => (if uncut { Way::RawWithHeader } else { Way::Raw }, create(to, Type::RAW)),
        };
        let socket = socket.map_err(|error| not_allowed(&error, fragments))?;
        let layout = match (to, way) {
            (IpAddr::V6(_), _) => Layout::V6,
            (IpAddr::V4(_), Way::Unprivileged) => Layout::V4,
            (IpAddr::V4(_), Way::Raw | Way::RawWithHeader) => Layout::V4WithHeader,
        };
        let ready = prepare(&socket, to, way, ttl).and_then(|()| UdpSocket::from_std(socket.into()));
        let socket = ready.map_err(|error| Outcome::unknown(format!("cannot set up a socket for ICMP: {error}")))?;
        Ok(Self { socket, way, layout, ttl: ttl.unwrap_or(TTL) })
    }

    /// Over UDP, to somebody who plays the network: a test needs nobody's leave to ping.
    #[cfg(test)]
    pub(super) fn played(socket: UdpSocket) -> Self {
        Self { socket, way: Way::Unprivileged, layout: Layout::V4, ttl: TTL }
    }

    /// How requests leave, for the trace.
    pub(super) fn named(&self) -> &'static str {
        match self.way {
            Way::Unprivileged => "an unprivileged ICMP socket",
            Way::Raw => "a raw ICMP socket",
            Way::RawWithHeader => "a raw ICMP socket, uncut",
        }
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// One request to `to`.
    pub(super) fn packet(&self, echo: &Echo, sequence: u16, to: IpAddr) -> Vec<u8> {
        let request = echo.request(sequence, self.layout);
        match (self.way, to) {
            (Way::RawWithHeader, IpAddr::V4(to)) => {
                [&wire::uncut_header(to, self.ttl, request.len()), request.as_slice()].concat()
            }
            _ => request,
        }
    }

    pub(super) async fn send(&self, packet: &[u8], to: IpAddr) -> io::Result<()> {
        // What is connected sends to its peer; a raw socket for IPv4 is not, or it would not hear routers.
        let sent = match self.layout {
            Layout::V4WithHeader => self.socket.send_to(packet, SocketAddr::new(to, 0)).await,
            Layout::V4 | Layout::V6 => self.socket.send(packet).await,
        };
        sent.map(drop)
    }

    /// The next packet, whosever it is.
    pub(super) async fn receive<'a>(&self, buffer: &'a mut [u8; REPLY_BYTES_MAX]) -> io::Result<&'a [u8]> {
        let read = self.socket.recv(buffer).await?;
        Ok(&buffer[..read])
    }
}

fn create(to: IpAddr, ty: Type) -> io::Result<Socket> {
    match to {
        IpAddr::V4(_) => Socket::new(Domain::IPV4, ty, Some(Protocol::ICMPV4)),
        IpAddr::V6(_) => Socket::new(Domain::IPV6, ty, Some(Protocol::ICMPV6)),
    }
}

fn prepare(socket: &Socket, to: IpAddr, way: Way, ttl: Option<u8>) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    match (to, ttl) {
        (IpAddr::V4(_), Some(ttl)) => socket.set_ttl_v4(ttl.into())?,
        (IpAddr::V6(_), Some(ttl)) => socket.set_unicast_hops_v6(ttl.into())?,
        (_, None) => {}
    }
    match (to, way) {
        (IpAddr::V4(_), Way::Raw) => Ok(()),
        (IpAddr::V4(_), Way::RawWithHeader) => socket.set_header_included_v4(true),
        _ => socket.connect(&SocketAddr::new(to, 0).into()),
    }
}

/// Why we cannot ask at all, and who can mend it.
pub(super) fn not_allowed(error: &io::Error, fragments: Fragments) -> Outcome {
    let remedy = match fragments {
        Fragments::Allowed => {
            "let this user's group ping (sysctl net.ipv4.ping_group_range), or give the program CAP_NET_RAW"
        }
        Fragments::Refused => "`dont_fragment` needs a raw socket: give the program CAP_NET_RAW, or leave it out",
    };
    let text = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("this machine does not let us send ICMP; {remedy}"),
        _ => format!("cannot open a socket for ICMP: {error}"),
    };
    Outcome::unknown(text)
}
