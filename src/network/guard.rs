//! Addresses that no probe may reach, whatever a file, a name server or a redirect says.
//!
//! People who edit an owner's files are not administrators, and whom they name answers for nothing: an address of this
//! machine, of its cloud's metadata or of nobody in particular is refused once it is known, hence after resolution. Not
//! here: private networks, which are what a city's probes are for. Invariant: every way to write an IPv4 address inside an
//! IPv6 one is judged as that IPv4 address.

use ipnet::IpNet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// This machine, whoever it is ("this network"; Linux connects 0.0.0.0 to itself), link-local addresses with the metadata
/// services among them, groups, everybody; and metadata services that stand elsewhere: Alibaba's, Oracle's, Azure's.
const REFUSED_V4: [(Ipv4Addr, u8); 8] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
    (Ipv4Addr::new(100, 100, 100, 200), 32),
    (Ipv4Addr::new(192, 0, 0, 192), 32),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The same in IPv6: nobody, this machine, link-local, groups; the metadata services of Amazon and Google.
const REFUSED_V6: [(Ipv6Addr, u8); 6] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    (Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), 128),
    (Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254), 128),
];

/// An address that no probe may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is an address that probes may not reach; allow it in network.allow of gengfu.yaml")]
pub struct Refused {
    /// As it was written or resolved.
    pub address: IpAddr,
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refused)
    }
}

/// Every address there is: for whoever may decide that.
pub fn everything() -> Vec<IpNet> {
    let v4 = IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    vec![v4, IpNet::new_assert(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)]
}

/// Why `address` may not be reached, unless `allow` names it or the IPv4 address inside it.
pub(super) fn refusal(address: IpAddr, allow: &[IpNet]) -> Option<Refused> {
    let allowed = |one: &IpAddr| allow.iter().any(|network| network.contains(one));
    if allowed(&address) {
        return None;
    }
    let inside = match address {
        IpAddr::V4(_) => Vec::new(),
        IpAddr::V6(v6) => embedded(v6),
    };
    let forms = std::iter::once(address).chain(inside.into_iter().map(IpAddr::V4));
    forms.into_iter().any(|form| is_refused(form) && !allowed(&form)).then_some(Refused { address })
}

fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => REFUSED_V4.iter().any(|(network, prefix)| {
            let free = u32::MAX.checked_shr((*prefix).into()).unwrap_or(0);
            (v4.to_bits() ^ network.to_bits()) & !free == 0
        }),
        IpAddr::V6(v6) => REFUSED_V6.iter().any(|(network, prefix)| {
            let free = u128::MAX.checked_shr((*prefix).into()).unwrap_or(0);
            (v6.to_bits() ^ network.to_bits()) & !free == 0
        }),
    }
}

/// The IPv4 addresses that a gateway or this machine may take out of an IPv6 address.
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let s = address.segments();
    let at = |place: usize| Ipv4Addr::from_bits((u32::from(s[place]) << 16) | u32::from(s[place + 1]));
    let octets = address.octets();
    match s {
        // The unspecified address and loopback are themselves, not 0.0.0.0 and 0.0.0.1.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![],
        // Compatible, mapped, translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => vec![at(6)],
        // NAT64: the well-known prefix, and the local ones, which may put the address in four places (RFC 6052 §2.2).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![at(6)],
        [0x64, 0xff9b, 1, ..] => {
            let o = octets;
            vec![
                at(6),
                Ipv4Addr::new(o[6], o[7], o[9], o[10]),
                Ipv4Addr::new(o[7], o[9], o[10], o[11]),
                Ipv4Addr::new(o[9], o[10], o[11], o[12]),
            ]
        }
        // 6to4; Teredo: its server, and the client, written inside out.
        [0x2002, ..] => vec![at(1)],
        [0x2001, 0, ..] => vec![at(2), Ipv4Addr::from_bits(!at(6).to_bits())],
        // ISATAP, behind any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![at(6)],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests;
