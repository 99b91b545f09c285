//! Targets with which nothing is wrong, one for each kind that asks a host over TCP.
//!
//! Not here: what is wrong with others. Invariant: the `every_kind_passes_…` test asks each of them.

use super::aimed;
use crate::probe::aim::HOST;
use crate::probe::lines::tests::Act::{Hang, Hear, Say, Take};
use crate::probe::lines::tests::script;
use crate::probe::sql::tests::Plan;
use crate::probe::tests::Rig;
use crate::probe::{dns, grpc, sip, sql, websocket};
use serde_json::Value;

/// Ports of servers that a body of [`aimed`] likes, in the order of those bodies.
pub(super) async fn ports(rig: &mut Rig, kind: &str) -> Vec<u16> {
    let one = match kind {
        "dns" => dns::tests::server(rig).await,
        "grpc" => grpc::tests::serve(rig, None).await.0,
        "http" | "journey" => rig.serve(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup".to_vec()).await,
        "redis" => script(rig, &[Take(14), Say(b"+PONG\r\n"), Hang]).await,
        "sip" => sip::tests::stream(rig, None, |request, _| vec![sip::tests::answer(request, "200 OK", "")]).await,
        "smtp" => {
            script(rig, &[Say(b"220 a ESMTP\r\n"), Hear("EHLO"), Say(b"250-a\r\n250 SIZE 9\r\n"), Hear("QUIT")]).await
        }
        "sql" => {
            let plan = Plan::Rows(1, "1");
            return vec![
                sql::tests::serve(rig, "postgresql", plan, None).await,
                sql::tests::serve(rig, "mysql", plan, None).await,
            ];
        }
        "ssh" => script(rig, &[Say(b"SSH-2.0-OpenSSH_9.2p1\r\n"), Hear("SSH-2.0-gengfu"), Hang]).await,
        "tcp" => script(rig, &[Say(b"220 a ESMTP\r\n"), Hang]).await,
        "tls" => rig.serve_tls(rig.certificate(HOST, (2020, 2090)), |_| Vec::new()).await,
        "websocket" => websocket::tests::serve(rig, None).await,
        _ => return Vec::new(),
    };
    vec![one]
}

/// Bodies that pass.
pub(super) async fn bodies(rig: &mut Rig, kind: &str) -> Vec<Value> {
    let ports = ports(rig, kind).await;
    let nth = |(place, port): (usize, u16)| aimed(kind, HOST, port).swap_remove(place);
    ports.into_iter().enumerate().map(nth).collect()
}
