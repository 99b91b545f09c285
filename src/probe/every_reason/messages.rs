//! What goes wrong with those that exchange messages: `dns`, `sip`, `sql`.
//!
//! Not here: connections and TLS (`shared`).

use super::{SHORT, Stage};
use crate::domain::ReasonKind;
use crate::probe::aim::{HOST, aimed};
use crate::probe::lines::tests::Act::{Hang, Say, Take};
use crate::probe::lines::tests::script;
use crate::probe::sip::tests::{Say as Answer, answer, stream, udp};
use crate::probe::sql::tests::{Plan, serve};
use crate::probe::{aim, dns};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match stage.kind {
        "dns" => dns(stage, reason).await,
        "sip" => sip(stage, reason).await,
        _ => sql(stage, reason).await,
    }
}

/// A port that takes datagrams and answers none, for as long as the rig lives.
async fn silent(stage: &mut Stage) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    stage.rig.keep(socket);
    port
}

/// A port from which datagrams come without end once it was asked.
async fn chatter(stage: &mut Stage) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    stage.rig.run(async move {
        let Ok((_, from)) = socket.recv_from(&mut [0; 512]).await else { return };
        while socket.send_to(b"no answer", from).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    port
}

/// A body over UDP.
fn over_udp(kind: &str, port: u16) -> Value {
    aim::with(kind, aimed(kind, HOST, port).remove(0), "transport", json!("udp"))
}

/// What `dns` and `sip` have in common over UDP.
async fn datagrams(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Timeout => {
            let port = silent(stage).await;
            let parts = ["no result within 400 ms", &*format!("still waiting for an answer from {HOST}:{port}, for ")];
            stage.add("answers no datagram", over_udp(stage.kind, port), &parts).within(SHORT);
        }
        ReasonKind::Connect => {
            let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
            let parts = [&*format!("{HOST}:{port} refused the connection")];
            stage.add("takes no datagram", over_udp(stage.kind, port), &parts);
        }
        _ => {}
    }
}

async fn dns(stage: &mut Stage, reason: ReasonKind) {
    datagrams(stage, reason).await;
    match reason {
        ReasonKind::Content => {
            let port = dns::tests::server(&mut stage.rig).await;
            let body = |name: &str| json!({ "server": HOST, "port": port, "name": name, "answers": "10.9.9.9" });
            let parts = ["expected 10.9.9.9 for A a.bdc.test., a.bdc.test answers 10.1.2.3"];
            stage.add("answers something else", body("a.bdc.test"), &parts);
            let parts = ["expected NOERROR for A gone.bdc.test., a.bdc.test answers NXDOMAIN"];
            stage.add("does not know the name", body("gone.bdc.test"), &parts);
            let parts = ["a.bdc.test has no A record for empty.bdc.test., it answers nothing"];
            stage.add("has no record", body("empty.bdc.test"), &parts);
        }
        ReasonKind::Protocol => {
            let port = script(&mut stage.rig, &[Take(2), Say(b"\0\x05hello"), Hang]).await;
            let body = aimed("dns", HOST, port).remove(0);
            let parts = [&*format!("{HOST}:{port} gave no answer to our question: not a DNS message")];
            stage.add("is another server", body, &parts);
            let port = script(&mut stage.rig, &[Take(2)]).await;
            let body = aimed("dns", HOST, port).remove(0);
            stage.add("hangs up", body, &[&format!("{HOST}:{port} closed the connection before answering")]);
            let port = chatter(stage).await;
            let parts = [&*format!("{HOST}:{port} sent 1000 datagrams, and no answer to our question")];
            stage.add("answers nothing that was asked", over_udp("dns", port), &parts);
        }
        _ => {}
    }
}

async fn sip(stage: &mut Stage, reason: ReasonKind) {
    datagrams(stage, reason).await;
    let busy: Answer = |request, _| vec![answer(request, "486 Busy Here", "")];
    let closed: Answer = |request, _| vec![answer(request, "503 Service Unavailable", "Retry-After: 3600\r\n")];
    let web: Answer = |_, _| vec!["HTTP/1.1 400 Bad Request\r\n\r\n".into()];
    if reason == ReasonKind::Protocol {
        let trying: Answer = |request, _| vec![answer(request, "100 Trying", "Content-Length: 0\r\n"); 100];
        let port = stream(&mut stage.rig, None, trying).await;
        let parts = [&*format!("{HOST}:{port} sent 100 answers, none of them final")];
        stage.add("tries for ever", aimed("sip", HOST, port).remove(0), &parts);
    }
    let (what, say, text) = match reason {
        ReasonKind::Status => ("is busy", busy, "expected status 200 from {peer}, got 486 Busy Here"),
        ReasonKind::Maintenance => (
            "says when to come back",
            closed,
            "expected status 200 from {peer}, got 503 Service Unavailable (retry-after 3600)",
        ),
        ReasonKind::Protocol => {
            ("is another server", web, "{peer} does not answer in SIP, but with \"HTTP/1.1 400 Bad Request\"")
        }
        _ => return,
    };
    let port = udp(&mut stage.rig, say).await;
    stage.add(what, over_udp("sip", port), &[&text.replace("{peer}", &format!("{HOST}:{port}"))]);
    let port = stream(&mut stage.rig, None, say).await;
    stage.add(what, aimed("sip", HOST, port).remove(0), &[&text.replace("{peer}", &format!("{HOST}:{port}"))]);
}

async fn sql(stage: &mut Stage, reason: ReasonKind) {
    const LOGIN: Plan = Plan::NoLogin(1045, "28P01", "no geheim");
    let no_password = "refused the login of probe; check `user` and `password`";
    let (late_pg, late_my) = (Plan::NoQuery(0, "57014", "slow"), Plan::NoQuery(1_969, "70100", "slow"));
    let plans: &[(&'static str, Plan, &str)] = match reason {
        ReasonKind::Timeout => {
            &[("gives up", late_pg, "gave up the query ("), ("gives up", late_my, "gave up the query (")]
        }
        ReasonKind::Status => &[("does not know us", LOGIN, no_password)],
        ReasonKind::Content => &[("has something else", Plan::Rows(1, "42"), "expected at most 41 from ")],
        ReasonKind::Protocol => &[("wants a strange login", Plan::Strange, "asks for ")],
        ReasonKind::Tls => &[("offers no TLS", Plan::Rows(1, "42"), "does not offer TLS; turn it on there, or set")],
        _ => &[],
    };
    for (place, engine) in ["postgresql", "mysql"].into_iter().enumerate() {
        let plan = if reason == ReasonKind::Timeout { plans.get(place) } else { plans.first() };
        let Some((what, plan, text)) = plan else { continue };
        let port = serve(&mut stage.rig, engine, *plan, None).await;
        let mut body = aimed("sql", HOST, port).swap_remove(place);
        body["expect"] = json!({ "at_most": 41 });
        body["tls"] = json!(reason == ReasonKind::Tls);
        stage.add(what, body, &[text, &format!("{HOST}:{port}")]);
    }
}
