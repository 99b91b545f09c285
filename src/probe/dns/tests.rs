//! `dns` by behaviour.

use super::*;
use crate::probe::tests::closed_port;
use crate::probe::tests::{Rig, assert_fail};
use hickory_proto::op::{OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record as Resource};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What the server of the tests knows: `huge` comes cut over UDP, `odd` first answers another question.
fn reply(bytes: &[u8], over_tcp: bool) -> Message {
    let question = Message::from_vec(bytes).unwrap();
    let query = question.queries[0].clone();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    let name = query.name().to_string();
    let data = match name.split('.').next().unwrap() {
        "gone" => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            None
        }
        "empty" => None,
        "text" => Some(RData::TXT(TXT::new(vec!["v=spf1 -all".to_owned()]))),
        "huge" if !over_tcp => {
            answer.metadata.truncation = true;
            None
        }
        _ => Some(RData::A(A::new(10, 1, 2, 3))),
    };
    if let Some(data) = data {
        answer.add_answer(Resource::from_rdata(query.name().clone(), 60, data));
    }
    answer.add_query(query);
    answer
}

async fn server(rig: &mut Rig) -> u16 {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    let udp = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
    rig.run(async move {
        let mut buffer = [0; 512];
        while let Ok((read, peer)) = udp.recv_from(&mut buffer).await {
            let answer = reply(&buffer[..read], false);
            let mut forged = answer.clone();
            forged.metadata.id ^= 1;
            forged.metadata.response_code = ResponseCode::ServFail;
            for message in [forged, answer] {
                let _ = udp.send_to(&message.to_vec().unwrap(), peer).await;
            }
        }
    });
    rig.run(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut buffer = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut buffer).await.unwrap();
            let answer = reply(&buffer, true).to_vec().unwrap();
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn answers_are_compared_with_what_is_expected() {
    let mut rig = Rig::new();
    let port = server(&mut rig).await;
    let ask = |body: serde_json::Value| {
        let mut full = json!({ "server": "ns1.bdc.test", "port": port });
        full.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        full
    };
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
