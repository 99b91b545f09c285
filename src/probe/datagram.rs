//! Datagrams to one peer: which address is asked, and a socket that hears nobody else.
//!
//! Not here: what is said (the kinds). Invariant: the socket is connected, so that the kernel drops what comes from any
//! other source and reports a port where nobody listens.

use super::peer::Family;
use super::{Recorder, dial};
use crate::domain::{Outcome, ReasonKind};
use crate::network::Network;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::UdpSocket;

/// The address of `host` that is asked: the first of its family.
pub(super) async fn address(
    recorder: &Recorder,
    network: &Network,
    host: &str,
    port: u16,
    family: Family,
) -> Result<SocketAddr, Outcome> {
    let mut addresses = dial::resolve(recorder, network, host, port).await?;
    family.keep(&mut addresses);
    addresses
        .first()
        .copied()
        .ok_or_else(|| Outcome::fail(ReasonKind::Resolve, format!("the name {host} has no {}", family.noun())))
}

/// A socket that talks to `address` alone.
pub(super) async fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}
