//! A name server for the city's names: A records that say where the city lives.
//!
//! Not here: sockets (`endpoint`). Invariants: answers are authoritative and have one record at most; what cannot be
//! parsed gets no answer; an unknown name gets NXDOMAIN.

use super::endpoint::Endpoint;
use super::script::{Behaviour, Stage};
use crate::network::Network;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType, rdata};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Life of a record, in seconds.
const TTL_S: u32 = 60;

/// The answer to one query, after the delay that the behaviour asks for; `None` where silence is the answer.
pub(super) async fn answer(query: &[u8], endpoint: &Endpoint, stage: &Stage, network: &Network) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).ok()?;
    let behaviour = endpoint.at_the_door(stage);
    match behaviour {
        Behaviour::Hang => return None,
        Behaviour::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
        _ => {}
    }
    reply(&query, &behaviour, endpoint.says(), network).to_vec().ok()
}

fn reply(query: &Message, behaviour: &Behaviour, says: Option<&str>, network: &Network) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.response_code = match behaviour {
        Behaviour::Refuse => ResponseCode::Refused,
        Behaviour::Status(_) | Behaviour::Maintenance { .. } => ResponseCode::ServFail,
        _ => ResponseCode::NoError,
    };
    let Some(question) = query.queries.first() else {
        reply.metadata.response_code = ResponseCode::FormErr;
        return reply;
    };
    reply.add_query(question.clone());
    if reply.metadata.response_code != ResponseCode::NoError || *behaviour == Behaviour::Blank {
        return reply;
    }
    let host = question.name().to_utf8();
    let Some(home) = network.redirected(&host, 0).map(|address| address.ip()) else {
        reply.metadata.response_code = ResponseCode::NXDomain;
        return reply;
    };
    let expected: Option<Ipv4Addr> = says.and_then(|text| text.trim().parse().ok());
    if let (RecordType::A, IpAddr::V4(home)) = (question.query_type(), home) {
        let data = RData::A(rdata::A(expected.unwrap_or(home)));
        reply.add_answer(Record::from_rdata(question.name().clone(), TTL_S, data));
    }
    reply
}
