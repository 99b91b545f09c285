//! Every spelling of an address that no probe may reach, and the words that let one through.

use super::*;
use crate::network::{ConnectTo, Network, WAIT_MAX};
use proptest::prelude::*;
use std::sync::Arc;

fn network(allow: &[&str]) -> Network {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    Network { connect_to: Vec::new(), allow, roots: Arc::new(rustls::RootCertStore::empty()) }
}

/// What a probe gets for this text.
async fn resolved(network: &Network, host: &str) -> Result<Vec<IpAddr>, Option<Refused>> {
    let found = network.resolve(host, 80, WAIT_MAX).await;
    let inside = |error: io::Error| error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()).copied();
    found.map(|list| list.into_iter().map(|address| address.ip()).collect()).map_err(inside)
}

/// The IPv6 addresses that carry `v4`, each in the way that some gateway or kernel understands.
fn carriers(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let bc = u16::from_be_bytes([b, c]);
    let local = |s: [u16; 5]| Ipv6Addr::new(0x64, 0xff9b, 1, s[0], s[1], s[2], s[3], s[4]);
    vec![
        v4.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        local([7, 0, 0, high, low]),
        local([high, low >> 8, (low & 0xff) << 8, 0, 0]),
        local([0xab00 | u16::from(a), bc >> 8, (bc & 0xff) << 8 | u16::from(d), 0, 0]),
        local([0xabcd, u16::from(a), bc, u16::from(d) << 8, 0]),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf5ff, 0xfffe),
        Ipv6Addr::new(0x2001, 0, 0x0801, 0x0203, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0xfd00, 0, 0, 1, 0x200, 0x5efe, high, low),
    ]
}

/// How people, or `getaddrinfo`, write it.
fn spellings(v4: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = v4.octets();
    let number = v4.to_bits();
    let mut all = vec![
        v4.to_string(),
        number.to_string(),
        format!("{number:#x}"),
        format!("0{number:o}"),
        format!("{a}.{}", number & 0xff_ffff),
        format!("{a}.{b}.{}", number & 0xffff),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
    ];
    for carrier in carriers(v4) {
        let long = carrier.segments().map(|segment| format!("{segment:04X}")).join(":");
        all.extend([carrier.to_string(), format!("[{carrier}]"), format!("[{long}]"), long]);
    }
    all
}

fn refused_v4() -> impl Strategy<Value = Ipv4Addr> {
    let inside = |(network, prefix): (Ipv4Addr, u8), free: u32| {
        Ipv4Addr::from_bits(network.to_bits() | (free & u32::MAX.checked_shr(prefix.into()).unwrap_or(0)))
    };
    (0..REFUSED_V4.len(), any::<u32>()).prop_map(move |(row, free)| inside(REFUSED_V4[row], free))
}

fn refused_v6() -> impl Strategy<Value = Ipv6Addr> {
    let inside = |(network, prefix): (Ipv6Addr, u8), free: u128| {
        Ipv6Addr::from_bits(network.to_bits() | (free & u128::MAX.checked_shr(prefix.into()).unwrap_or(0)))
    };
    (0..REFUSED_V6.len(), any::<u128>()).prop_map(move |(row, free)| inside(REFUSED_V6[row], free))
}

fn run<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_spelling_of_a_refused_address_passes(v4 in refused_v4(), v6 in refused_v6()) {
        let network = network(&["10.0.0.0/8", "fd12::/16"]);
        for text in spellings(v4).into_iter().chain([v6.to_string(), format!("[{v6}]")]) {
            // Those that the system's resolver does not read at all reach nobody either.
            let got = run(resolved(&network, &text));
            prop_assert!(got.is_err(), "{text}: {got:?}");
            let literal = text.trim_matches(['[', ']']).parse::<IpAddr>();
            prop_assert!(literal.is_err() || got == Err(Some(Refused { address: literal.unwrap() })), "{text}: {got:?}");
        }
    }

    #[test]
    fn what_is_allowed_passes_in_every_spelling(v4 in refused_v4()) {
        let allowed = network(&[&format!("{v4}/32")]);
        for text in carriers(v4).iter().map(ToString::to_string).chain([v4.to_string()]) {
            let alone = !text.starts_with("2001:0:801") && !text.starts_with("64:ff9b:1:") && !text.starts_with("2001::");
            if alone && !["::", "::1"].contains(&text.as_str()) {
                prop_assert!(run(resolved(&allowed, &text)).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn ordinary_addresses_pass(host in 1u32..u32::MAX) {
        let v4 = Ipv4Addr::from_bits(host);
        let special = REFUSED_V4.iter().any(|(n, p)| IpNet::new(IpAddr::V4(*n), *p).unwrap().contains(&IpAddr::V4(v4)));
        prop_assert_eq!(refusal(IpAddr::V4(v4), &[]).is_some(), special);
    }
}

#[tokio::test]
async fn numbers_that_only_the_systems_resolver_reads_are_refused_after_it() {
    let network = network(&[]);
    for host in ["127.1", "2130706433", "0x7f000001", "017700000001", "0", "localhost", "0xa9fea9fe"] {
        let got = resolved(&network, host).await;
        assert!(matches!(got, Err(Some(_))), "{host}: {got:?}");
    }
}

#[tokio::test]
async fn private_and_public_addresses_pass_without_a_word() {
    let network = network(&[]);
    for host in
        ["10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "240.0.0.1", "8.8.8.8", "fd12::1", "2606:4700::1"]
    {
        assert_eq!(resolved(&network, host).await, Ok(vec![host.parse().unwrap()]), "{host}");
    }
}

#[tokio::test]
async fn administrators_word_reaches_everything() {
    let mut network = network(&[]);
    assert!(network.resolve_unguarded("127.0.0.1", 25).await.is_ok());
    assert!(network.resolve_unguarded("localhost", 25).await.is_ok());
    network.connect_to.push(ConnectTo {
        host: "city.test".into(),
        network: Ipv4Addr::new(127, 0, 0, 9),
        prefix: 32,
        port_offset: 0,
    });
    assert!(network.resolve("city.test", 80, WAIT_MAX).await.is_ok());
    assert!(resolved(&network, "127.0.0.9").await.is_err(), "the rule is about the name, not the address");
    network.allow = everything();
    assert!(network.resolve("127.0.0.9", 80, WAIT_MAX).await.is_ok());
    assert!(network.resolve("::1", 80, WAIT_MAX).await.is_ok());
}

#[test]
fn refusal_says_what_to_write() {
    let refused = network(&[]).refusal("127.0.0.1".parse().unwrap()).unwrap();
    let error = io::Error::from(refused);
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    let text = "127.0.0.1 is an address that probes may not reach; allow it in network.allow of gengfu.yaml";
    assert_eq!(error.to_string(), text);
}
