//! `icmp` by behaviour. Where the machine does not let us ping, what can be seen is that this is said.

use super::socket::{Fragments, not_allowed};
use super::*;
use crate::clock::SystemClock;
use crate::domain::ReasonKind;
use crate::probe::tests::{Rig, assert_fail};
use crate::probe::{Report, attempt_with_facts};
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use tokio::net::UdpSocket;

/// What the network brings back for the n-th request.
pub(in crate::probe) type Play = fn(&[u8], usize) -> Vec<Vec<u8>>;

/// A probe whose requests go to somebody who plays the network.
pub(in crate::probe) struct Played {
    icmp: Icmp,
    to: SocketAddr,
}

impl Prober for Played {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(self.to).await.unwrap();
            let asked = self.icmp.ask(attempt, &Pinger::played(socket), self.to.ip()).await;
            asked.unwrap_or_else(|outcome| outcome)
        })
    }
}

/// Such a probe with a body; without a play, nobody is there.
pub(in crate::probe) async fn played(rig: &mut Rig, body: &serde_json::Value, play: Option<Play>) -> Arc<dyn Prober> {
    let icmp = icmp(&crate::field::from_json(body, FIELDS).unwrap(), &rig.context).unwrap();
    let network = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = network.local_addr().unwrap();
    if let Some(play) = play {
        rig.run(async move {
            let mut buffer = [0; 2_048];
            for count in 0.. {
                let Ok((read, from)) = network.recv_from(&mut buffer).await else { return };
                for packet in play(&buffer[..read], count) {
                    let _ = network.send_to(&packet, from).await;
                }
            }
        });
    }
    Arc::new(Played { icmp, to })
}

/// The answer to a request.
pub(in crate::probe) fn echoed(request: &[u8]) -> Vec<u8> {
    [&[0], &request[1..]].concat()
}

/// A router's word about a request: the host is unreachable.
pub(in crate::probe) fn unreachable(request: &[u8]) -> Vec<u8> {
    let header = wire::uncut_header(std::net::Ipv4Addr::LOCALHOST, 64, request.len());
    [&[3, 1, 0, 0, 0, 0, 0, 0], &header[..], request].concat()
}

/// Whether the report only says that this machine lets nobody ping.
fn is_forbidden(report: &Report) -> bool {
    let forbidden = report.outcome.reason().is_some_and(|reason| reason.text.contains("does not let us send ICMP"));
    assert!(!forbidden || report.outcome.label() == "unknown", "{report:#?}");
    forbidden
}

#[tokio::test]
async fn loopback_answers_every_packet_over_both_families() {
    let rig = Rig::new();
    for host in ["gw.bdc.test", "::1"] {
        let body = json!({ "host": host, "packets": 3, "interval": "10ms", "payload_bytes": 200, "ttl": 9 });
        let report = rig.attempt("icmp", body).await;
        if is_forbidden(&report) {
            continue;
        }
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        assert!(report.phases.processing.is_some_and(|mean| mean > Duration::ZERO && mean < report.took));
        let last = &report.trace.last().unwrap().text;
        assert!(last.starts_with("3 of 3 answered, 0 % lost; round trip "), "{last}");
        assert!(last.contains(", jitter "), "{last}");
    }
}

#[tokio::test]
async fn facts_tell_the_round_trip_and_what_a_raw_socket_sees_of_the_header() {
    let rig = Rig::new();
    for body in [json!({ "host": "127.0.0.1" }), json!({ "host": "127.0.0.1", "dont_fragment": true })] {
        let raw = body["dont_fragment"] == true;
        let (prober, clock) = (rig.prober("icmp", body), SystemClock::default());
        let (report, facts) = attempt_with_facts(&*prober, Duration::from_secs(5), &clock).await;
        if is_forbidden(&report) {
            continue;
        }
        let (_, round_trip) = facts.icmp.unwrap();
        assert_eq!(Some(round_trip), report.phases.processing);
        assert!(facts.icmp_hop_limit.is_some() || !raw, "{facts:?}");
    }
}

#[test]
fn packet_counts_once_however_often_it_is_answered() {
    let mut tally = Tally::new(Duration::from_secs(1));
    tally.send();
    assert!(tally.answer(0).is_some());
    assert_eq!((tally.answer(0), tally.answer(1)), (None, None));
    assert!(tally.summary().starts_with("1 of 1 answered"));
}

#[tokio::test]
async fn trouble_of_our_own_is_unknown() {
    let rig = Rig::new();
    // Nobody may send to everybody without asking the kernel first, so nothing leaves.
    let report = rig.attempt("icmp", json!({ "host": "255.255.255.255" })).await;
    assert_eq!(report.outcome.label(), "unknown", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Local);
}

#[tokio::test]
async fn packets_that_must_not_be_cut_leave_by_a_raw_socket() {
    let rig = Rig::new();
    let body = json!({ "host": "127.0.0.1", "dont_fragment": true, "payload_bytes": 1400 });
    let report = rig.attempt("icmp", body).await;
    if is_forbidden(&report) {
        return;
    }
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert!(report.trace.iter().any(|line| line.text.contains("uncut")), "{report:#?}");
}

#[tokio::test]
async fn names_without_an_address_of_the_family_do_not_resolve() {
    let rig = Rig::new();
    let report = rig.attempt("icmp", json!({ "host": "gw.bdc.test", "family": "ipv6" })).await;
    assert_fail(&report, ReasonKind::Resolve, "the name gw.bdc.test has no IPv6 address");
}

#[tokio::test]
async fn packets_that_do_not_fit_into_the_attempt_are_our_own_trouble() {
    let rig = Rig::new();
    let body = json!({ "host": "127.0.0.1", "packets": 20, "interval": "1s" });
    let report = rig.attempt_within(Duration::from_secs(5), "icmp", body).await;
    assert_eq!(report.outcome.label(), "unknown");
    let text = &report.outcome.reason().unwrap().text;
    assert!(is_forbidden(&report) || text.starts_with("20 packets every 1.00 s do not fit into one attempt"), "{text}");
}

#[test]
fn what_is_not_allowed_says_who_can_mend_it() {
    let denied = io::Error::from(io::ErrorKind::PermissionDenied);
    let outcome = not_allowed(&denied, Fragments::Allowed);
    let reason = outcome.reason().unwrap();
    assert_eq!((outcome.label(), reason.kind), ("unknown", ReasonKind::Local));
    assert!(reason.text.contains("net.ipv4.ping_group_range") && reason.text.contains("CAP_NET_RAW"), "{reason:?}");
    assert!(not_allowed(&denied, Fragments::Refused).reason().unwrap().text.contains("`dont_fragment`"));
}

#[test]
fn warning_that_could_never_come_is_refused() {
    let rig = Rig::new();
    let body = json!({ "host": "gw.bdc.test", "loss_warn": "20%", "loss_max": "10%" });
    let record = crate::field::from_json(&body, FIELDS).unwrap();
    let problems = build(&record, &rig.context).err().unwrap();
    assert!(problems.to_string().contains("`loss_warn` is not below `loss_max`"));
}
