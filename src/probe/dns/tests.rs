//! `dns` by behaviour.

use super::*;
use crate::probe::tests::closed_port;
use crate::probe::tests::{Rig, assert_fail};
use hickory_proto::op::{OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record as Resource};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What the server at `place` (the last byte of its address) knows: `huge` comes cut over UDP, `split` differs by place.
fn reply(bytes: &[u8], is_cut: impl Fn(&str) -> bool, place: u8) -> Message {
    let question = Message::from_vec(bytes).unwrap();
    let query = question.queries[0].clone();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.authoritative = true;
    let name = query.name().to_string();
    let first = name.split('.').next().unwrap();
    let text = |text: &str| RData::TXT(TXT::new(vec![text.to_owned()]));
    let data = match first {
        "gone" => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            None
        }
        "empty" => None,
        "text" => Some(text("v=spf1 -all")),
        "version" => Some(text("rig 1")),
        "recursion" if question.metadata.recursion_desired => Some(RData::A(A::new(10, 0, 0, 1))),
        "edns" => question.edns.as_ref().map(|edns| text(&edns.max_payload().to_string())),
        "zone" => {
            let name = |text: &str| Name::from_ascii(text).unwrap();
            Some(RData::SOA(SOA::new(name("ns1.bdc.test."), name("it.bdc.test."), 2_026_112_501, 1, 1, 1, 1)))
        }
        "split" => Some(RData::A(A::new(10, 1, 2, place))),
        "large" => Some(text(&"x".repeat(255))),
        _ if is_cut(first) => {
            answer.metadata.truncation = true;
            None
        }
        _ => Some(RData::A(A::new(10, 1, 2, 3))),
    };
    let resource = |data| {
        let mut resource = Resource::from_rdata(query.name().clone(), 300, data);
        resource.dns_class = query.query_class();
        resource
    };
    data.into_iter().for_each(|data| _ = answer.add_answer(resource(data)));
    let server = NS(Name::from_ascii("ns1.bdc.test.").unwrap());
    answer.add_authority(Resource::from_rdata(Name::from_ascii("bdc.test.").unwrap(), 60, RData::NS(server)));
    answer.add_query(query);
    answer
}

/// Serves UDP and TCP on one port of 127.0.0.`place`.
async fn server_at(rig: &mut Rig, place: u8, port: u16) -> u16 {
    let tcp = TcpListener::bind(std::net::SocketAddr::from(([127, 0, 0, place], port))).await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    let udp = UdpSocket::bind(std::net::SocketAddr::from(([127, 0, 0, place], port))).await.unwrap();
    rig.run(async move {
        let stranger = UdpSocket::bind(std::net::SocketAddr::from(([127, 0, 0, place], 0))).await.unwrap();
        let mut buffer = [0; 512];
        while let Ok((read, peer)) = udp.recv_from(&mut buffer).await {
            let answer = reply(&buffer[..read], |first| first == "huge", place);
            let (mut id, mut name) = (answer.clone(), answer.clone());
            id.metadata.id ^= 1;
            name.queries[0].set_name(Name::from_ascii("other.test.").unwrap());
            let mut forged = answer.clone();
            forged.metadata.response_code = ResponseCode::ServFail;
            let _ = stranger.send_to(&forged.to_vec().unwrap(), peer).await;
            let _ = udp.send_to(b"no message", peer).await;
            for message in [id, name, answer] {
                let _ = udp.send_to(&message.to_vec().unwrap(), peer).await;
            }
        }
    });
    rig.run(async move {
        while let Ok((stream, _)) = tcp.accept().await {
            over_stream(stream, place).await;
        }
    });
    port
}

async fn over_stream(mut stream: impl AsyncRead + AsyncWrite + Unpin, place: u8) {
    let Ok(length) = stream.read_u16().await else { return };
    let mut buffer = vec![0; length.into()];
    stream.read_exact(&mut buffer).await.unwrap();
    let answer = reply(&buffer, |_| false, place).to_vec().unwrap();
    let _ = stream.write_u16(answer.len() as u16).await;
    let _ = stream.write_all(&answer).await;
    let _ = stream.flush().await;
}

pub(in crate::probe) async fn server(rig: &mut Rig) -> u16 {
    server_at(rig, 1, 0).await
}

fn body(port: u16, more: Value) -> Value {
    let mut body = json!({ "server": "ns1.bdc.test", "port": port });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn answers_are_compared_with_what_is_expected() {
    let mut rig = Rig::new();
    let port = server(&mut rig).await;
    let ask = |more: Value| body(port, more);
    let good = [
        json!({ "name": "a.bdc.test", "answers": "10.1.2.3" }),
        json!({ "name": "a.bdc.test", "answer_regex": r"^10\." }),
        json!({ "name": "huge.bdc.test", "answers": ["10.1.2.3"] }),
        json!({ "name": "a.bdc.test", "transport": "tcp" }),
        json!({ "name": "gone.bdc.test", "rcode": "NXDOMAIN" }),
        json!({ "name": "text.bdc.test", "type": "TXT", "answers": "v=spf1 -all" }),
    ];
    for body in good {
        let report = rig.attempt("dns", ask(body)).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
        assert!(report.phases.processing.is_some());
    }
    let bad = [
        (
            json!({ "name": "a.bdc.test", "answers": "10.9.9.9" }),
            "expected 10.9.9.9 for A a.bdc.test., ns1.bdc.test answers 10.1.2.3",
        ),
        (json!({ "name": "gone.bdc.test" }), "expected NOERROR for A gone.bdc.test., ns1.bdc.test answers NXDOMAIN"),
        (json!({ "name": "empty.bdc.test" }), "ns1.bdc.test has no A record for empty.bdc.test., it answers nothing"),
        (json!({ "name": "a.bdc.test", "answer_regex": "^192" }), "expected a match of /^192/"),
    ];
    for (body, text) in bad {
        assert_fail(&rig.attempt("dns", ask(body)).await, ReasonKind::Content, text);
    }
}

#[tokio::test]
async fn silent_and_absent_servers_fail() {
    let rig = Rig::new();
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let body = json!({ "server": "ns1.bdc.test", "port": port, "name": "a.bdc.test" });
    let report = rig.attempt_within(Duration::from_secs(1), "dns", body.clone()).await;
    assert_fail(&report, ReasonKind::Timeout, "still waiting for an answer from ns1.bdc.test");
    drop(silent);
    assert_fail(&rig.attempt("dns", body).await, ReasonKind::Connect, "refused the connection");
}

#[tokio::test]
async fn what_the_question_says_reaches_the_server() {
    let mut rig = Rig::new();
    let port = server(&mut rig).await;
    let good = [
        json!({ "name": "recursion.bdc.test", "answers": "10.0.0.1" }),
        json!({ "name": "recursion.bdc.test", "recursion": false, "answers": "10.1.2.3" }),
        json!({ "name": "edns.bdc.test", "type": "TXT", "edns_bytes": 1232, "answers": "1232" }),
        json!({ "name": "edns.bdc.test", "type": "TXT", "may_be_empty": true }),
        json!({ "name": "version.bind", "type": "TXT", "class": "CH", "answers": "rig 1" }),
        json!({ "name": "gone.bdc.test", "rcode": ["NOERROR", "NXDOMAIN"] }),
        json!({ "name": "a.bdc.test", "type": "ANY" }),
        json!({ "name": "zone.bdc.test", "type": "SOA", "soa_serial_at_least": 2026112501 }),
    ];
    for more in good {
        let report = rig.attempt("dns", body(port, more)).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    }
    let bad = [
        (
            json!({ "name": "zone.bdc.test", "type": "SOA", "soa_serial_at_least": 2026112600 }),
            "expected serial 2026112600 or later for zone.bdc.test., ns1.bdc.test has 2026112501",
        ),
        (
            json!({ "name": "gone.bdc.test", "rcode": ["NOERROR", "REFUSED"] }),
            "expected NOERROR or REFUSED for A gone.bdc.test., ns1.bdc.test answers NXDOMAIN",
        ),
        (
            json!({ "name": "a.bdc.test", "answers_lack_regex": ["^192", r"^10\."] }),
            r"expected no match of /^10\./ for A a.bdc.test., ns1.bdc.test answers 10.1.2.3",
        ),
    ];
    for (more, text) in bad {
        assert_fail(&rig.attempt("dns", body(port, more)).await, ReasonKind::Content, text);
    }
}

#[tokio::test]
async fn rules_see_the_lines_of_their_section() {
    let mut rig = Rig::new();
    let port = server(&mut rig).await;
    let with = |rules: Value| body(port, json!({ "name": "a.bdc.test", "rules": rules }));
    let line = r"^a\.bdc\.test\.\t300\tIN\tA\t10\.1\.2\.3$";
    let good = [
        json!({ "answer": { "any_match": ["^x", line], "all_match": [line, "10"], "none_match": "192" } }),
        json!({ "authority": { "any_match": r"\tNS\tns1\.bdc\.test\.$" } }),
        json!({ "additional": { "none_match": "." } }),
        json!({ "additional": { "all_match": ".", "may_be_empty": true } }),
    ];
    for rules in good {
        let report = rig.attempt("dns", with(rules)).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    }
    let bad = [
        (
            json!({ "answer": { "any_match": ["^x", "^y"] } }),
            "expected some answer record like /^x/ or /^y/, the first is",
        ),
        (
            json!({ "answer": { "all_match": ["10", "192"] } }),
            "expected each answer record to match /192/, got a.bdc.test.",
        ),
        (json!({ "answer": { "none_match": "10" } }), "expected no answer record like /10/, got a.bdc.test. 300 IN A"),
        (
            json!({ "additional": { "all_match": "." } }),
            "expected additional records like /./, got none, in the answer of",
        ),
        (json!({ "additional": { "any_match": "." } }), "expected some additional record like /./, there is none"),
    ];
    for (rules, text) in bad {
        assert_fail(&rig.attempt("dns", with(rules)).await, ReasonKind::Content, text);
    }
}

#[tokio::test]
async fn servers_are_compared_and_the_one_that_differs_is_named() {
    let mut rig = Rig::new();
    let port = server(&mut rig).await;
    server_at(&mut rig, 2, port).await;
    server_at(&mut rig, 3, port).await;
    let ask = |name: &str, others: Value| body(port, json!({ "name": name, "agree_with": others }));
    let report = rig.attempt("dns", ask("a.bdc.test", json!(["127.0.0.2", "127.0.0.3"]))).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = rig.attempt("dns", ask("split.bdc.test", json!("127.0.0.2"))).await;
    let text = "ns1.bdc.test answers 10.1.2.1 for A split.bdc.test., but 127.0.0.2 answers 10.1.2.2";
    assert_fail(&report, ReasonKind::Content, text);
    let _silent = UdpSocket::bind(std::net::SocketAddr::from(([127, 0, 0, 4], port))).await.unwrap();
    let report = rig.attempt_within(Duration::from_secs(1), "dns", ask("a.bdc.test", json!("127.0.0.4"))).await;
    assert_fail(&report, ReasonKind::Timeout, "did not answer within");
    let report = rig.attempt("dns", ask("a.bdc.test", json!("127.0.0.5"))).await;
    assert_fail(&report, ReasonKind::Connect, "127.0.0.5");
}

#[tokio::test]
async fn answers_come_over_tls_too_and_its_failures_are_told() {
    let mut rig = Rig::new();
    let mut ports = Vec::new();
    let good = rig.certificate("ns1.bdc.test", (2020, 2090));
    let configs = [good, rig.certificate("ns1.bdc.test", (2020, 2021)), Rig::self_signed("ns1.bdc.test")];
    for config in configs {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
        let tls = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        rig.run(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = tls.accept(stream).await {
                    over_stream(stream, 1).await;
                }
            }
        });
    }
    let ask = |port: u16, tls: Value| {
        let more = json!({ "name": "a.bdc.test", "answers": "10.1.2.3", "transport": "tls", "tls": tls });
        body(port, more)
    };
    let report = rig.attempt("dns", ask(ports[0], json!({}))).await;
    assert_eq!((&report.outcome, report.phases.tls.is_some()), (&Outcome::Pass, true), "{report:#?}");
    let mut slow = ask(ports[0], json!({}));
    slow["slower_than"] = json!("1ms");
    let report = rig.attempt("dns", slow).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
    let report = rig.attempt("dns", ask(ports[1], json!({}))).await;
    assert_fail(&report, ReasonKind::Certificate, "expired at 2021");
    let report = rig.attempt("dns", ask(ports[2], json!({}))).await;
    assert_fail(&report, ReasonKind::Tls, "no known authority");
    let report = rig.attempt("dns", ask(ports[2], json!({ "trust": "ignored" }))).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[tokio::test]
async fn wrong_streams_and_our_own_trouble_are_told() {
    let mut rig = Rig::new();
    let (closed, _socket) = closed_port();
    let tcp = |port: u16| body(port, json!({ "name": "a.bdc.test", "transport": "tcp" }));
    assert_fail(&rig.attempt("dns", tcp(closed)).await, ReasonKind::Connect, "refused the connection");
    let garbage = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = garbage.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = garbage.accept().await {
            let _ = stream.read(&mut [0; 512]).await;
            let _ = stream.write_all(b"\0\x05hello").await;
        }
    });
    assert_fail(
        &rig.attempt("dns", tcp(port)).await,
        ReasonKind::Protocol,
        "gave no answer to our question: not a DNS",
    );
    let report = rig.attempt("dns", body(port, json!({ "name": "a.bdc.test", "family": "ipv6" }))).await;
    assert_fail(&report, ReasonKind::Resolve, "the name ns1.bdc.test has no IPv6 address");
    // Nobody may send to everybody without asking the kernel first.
    let report = rig.attempt("dns", json!({ "server": "255.255.255.255", "name": "a.bdc.test" })).await;
    assert_eq!(report.outcome.label(), "unknown", "{report:#?}");
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    let rig = Rig::new();
    let more = json!({ "name": "a.bdc.test", "soa_serial_at_least": 1, "tls": { "trust": "ignored" } });
    let record = crate::field::from_json(&body(53, more), fields::KIND.fields).unwrap();
    let text = (fields::KIND.build)(&record, &rig.context).err().unwrap().to_string();
    assert!(text.contains("only the answer to `type: SOA`") && text.contains("without `transport: tls`"), "{text}");
}
