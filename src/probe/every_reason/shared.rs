//! What goes wrong in the same way with every kind that asks a host: silence, refusals, names, TLS, slowness, the fence.
//!
//! Not here: what only one kind gives. Invariant: nothing leaves loopback, and no resolver is asked.

use super::{SHORT, Stage, aimed, health};
use crate::domain::ReasonKind;
use crate::probe::BuildContext;
use crate::probe::aim::{HOST, in_tls, with};
use crate::probe::lines::tests::{Act, dawdle, script};
use crate::probe::sql::tests::{Plan, serve};
use crate::probe::tests::{HANG, Rig, black_hole, closed_port, resetter};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Resolve => names(stage),
        ReasonKind::Local => fence(stage),
        // Without connections there is nothing else to share.
        _ if stage.kind == "icmp" => {}
        ReasonKind::Timeout => silence(stage).await,
        ReasonKind::Connect => refusals(stage).await,
        ReasonKind::Tls => handshakes(stage).await,
        ReasonKind::Certificate => certificates(stage).await,
        ReasonKind::Protocol => nonsense(stage).await,
        ReasonKind::Slow => slowness(stage).await,
        _ => {}
    }
}

/// Whether it waits for the target's first word, so that nobody hears anything from it before.
fn listens_first(kind: &str, body: &Value) -> bool {
    matches!(kind, "smtp" | "ssh" | "tcp") || body["engine"] == "mysql"
}

/// Says nothing, and hangs up.
async fn hang_up(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// Runs `serve` with every connection to a new port, one after the other.
async fn listen<F: Future<Output = ()> + Send>(rig: &mut Rig, serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    port
}

async fn silence(stage: &mut Stage) {
    let (full, sockets) = black_hole().await;
    stage.rig.run(async move {
        let _sockets = sockets;
        std::future::pending().await
    });
    for body in aimed(stage.kind, HOST, full) {
        let aim = format!("still connecting to {HOST}:{full}, for ");
        stage.add("takes no connection", body, &["no result within 400 ms", &aim]).within(SHORT);
    }
    let mute = stage.rig.serve(|_| HANG.to_vec()).await;
    for body in aimed(stage.kind, HOST, mute) {
        let doing = if stage.kind == "tls" { "in the TLS handshake with" } else { "waiting for an answer from" };
        let aim = format!("still {doing} {HOST}:{mute}, for ");
        stage.add("says nothing", body, &["no result within 400 ms", &aim]).within(SHORT);
    }
    if stage.kind != "sql" {
        for body in in_tls(stage.kind, HOST, mute) {
            let aim = format!("still in the TLS handshake with {HOST}:{mute}, for ");
            stage.add("shakes no hands", body, &["no result within 400 ms", &aim]).within(SHORT);
        }
    }
}

fn names(stage: &mut Stage) {
    for body in aimed(stage.kind, HOST, 9) {
        let body = with(stage.kind, body, "family", json!("ipv6"));
        stage.add("has no address of the family", body, &[HOST, "no IPv6 address"]);
    }
    if matches!(stage.kind, "http" | "journey" | "websocket") {
        // A label of 64 letters is refused on this machine already, so no question leaves it.
        let name = format!("{}.test", "x".repeat(64));
        let mut network = (*stage.rig.context.network).clone();
        network.connect_to.clear();
        let heartbeats = Arc::clone(&stage.rig.context.heartbeats);
        stage.rig.context = BuildContext::new(Arc::new(network), heartbeats);
        for body in aimed(stage.kind, &name, 9) {
            stage.add("cannot exist", body, &[&format!("the name {name} does not resolve")]);
        }
    }
}

async fn refusals(stage: &mut Stage) {
    let (closed, socket) = closed_port();
    stage.rig.run(async move {
        let _socket = socket;
        std::future::pending().await
    });
    let (after, at_once) = (resetter(&mut stage.rig).await, listen(&mut stage.rig, reset).await);
    for body in aimed(stage.kind, HOST, closed) {
        stage.add("refuses", body, &[&format!("{HOST}:{closed} refused the connection")]);
    }
    for (place, body) in aimed(stage.kind, HOST, after).into_iter().enumerate() {
        let listens = listens_first(stage.kind, &body);
        let (port, body) =
            if listens { (at_once, aimed(stage.kind, HOST, at_once).swap_remove(place)) } else { (after, body) };
        stage.add("resets", body, &[&format!("{HOST}:{port} reset the connection")]);
    }
}

async fn reset(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// Ports that speak as much of the kind as comes before TLS, and then show what `config` has.
async fn secured(rig: &mut Rig, kind: &str, config: rustls::ServerConfig) -> Vec<u16> {
    if kind == "sql" {
        let (plan, config) = (Plan::Rows(1, "1"), || Some(config.clone()));
        return vec![serve(rig, "postgresql", plan, config()).await, serve(rig, "mysql", plan, config()).await];
    }
    let tls = TlsAcceptor::from(Arc::new(config));
    let port = listen(rig, move |stream| {
        let tls = tls.clone();
        async move {
            // Whoever hangs up with bytes unread resets, and what it said before may be lost.
            let mut rest = match tls.accept(stream).into_fallible().await {
                Ok(stream) => stream.into_inner().0,
                Err((_, stream)) => stream,
            };
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
    });
    vec![port.await]
}

async fn add_secured(stage: &mut Stage, what: &'static str, config: rustls::ServerConfig, parts: &[&str]) {
    let ports = secured(&mut stage.rig, stage.kind, config).await;
    for (place, port) in ports.into_iter().enumerate() {
        if let Some(body) = in_tls(stage.kind, HOST, port).into_iter().nth(place) {
            stage.add(what, body, parts);
        }
    }
}

async fn handshakes(stage: &mut Stage) {
    let text = [&*format!("no known authority vouches for the certificate of {HOST}"), "network.ca"];
    add_secured(stage, "vouches for itself", Rig::self_signed(HOST), &text).await;
    let other = stage.rig.certificate("b.bdc.test", (2020, 2090));
    let text = format!("the certificate is not for {HOST}, but for b.bdc.test");
    add_secured(stage, "has another name", other, &[&text]).await;
    // It looks at the handshake alone, and what the server thinks of ours comes behind it.
    if stage.kind != "tls" {
        let text = format!("{HOST} refused the TLS handshake: certificate required");
        let members = members_only(&stage.rig);
        add_secured(stage, "wants our certificate", members, &[&text]).await;
    }
    let old = only_tls12(&stage.rig);
    let ports = secured(&mut stage.rig, stage.kind, old).await;
    for (place, port) in ports.into_iter().enumerate() {
        let Some(body) = in_tls(stage.kind, HOST, port).into_iter().nth(place) else { continue };
        let body = match stage.kind {
            "tls" => with(stage.kind, body, "min_version", json!("1.3")),
            _ => with(stage.kind, body, "tls", json!({ "min_version": "1.3" })),
        };
        stage.add("is too old", body, &[&format!("{HOST} refused the TLS handshake: protocol version")]);
    }
    if stage.kind == "sql" {
        return;
    }
    let plain = listen(&mut stage.rig, async |mut stream: TcpStream| {
        let _ = stream.write_all(b"220 smtp ready\r\n").await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let plain = plain.await;
    for body in in_tls(stage.kind, HOST, plain) {
        stage.add("speaks no TLS", body, &[&format!("{HOST} does not speak TLS on this port")]);
    }
    let closing = listen(&mut stage.rig, hang_up).await;
    for body in in_tls(stage.kind, HOST, closing) {
        stage.add("hangs up", body, &[&format!("{HOST}:{closing} closed the connection in the TLS handshake")]);
    }
}

/// Asks for a certificate by the rig's authority, which nobody has.
fn members_only(rig: &Rig) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = Arc::clone(&rig.context.network.roots);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().unwrap();
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(rig.certificate(HOST, (2020, 2090)).cert_resolver)
}

/// Speaks TLS 1.2 and nothing else.
fn only_tls12(rig: &Rig) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(rig.certificate(HOST, (2020, 2090)).cert_resolver)
}

async fn certificates(stage: &mut Stage) {
    let expired = stage.rig.certificate(HOST, (2020, 2021));
    let text = format!("the certificate of {HOST} expired at 2021-01-01T00:00:00Z");
    add_secured(stage, "has expired", expired, &[&text]).await;
    let early = stage.rig.certificate(HOST, (2089, 2090));
    let text = format!("the certificate of {HOST} is not valid yet");
    add_secured(stage, "begins later", early, &[&text]).await;
}

/// Peers that go away, and peers that never stop; for those that take any text, that is no breach.
async fn nonsense(stage: &mut Stage) {
    if matches!(stage.kind, "tcp" | "tls") {
        return;
    }
    let closing = listen(&mut stage.rig, hang_up).await;
    for body in aimed(stage.kind, HOST, closing) {
        stage.add("hangs up", body, &[&format!("{HOST}:{closing}")]);
    }
    for (what, noise) in [("drones", &[b'x'; 4_096][..]), ("babbles", b"blah blah\r\n"), ("is all zeros", &[0; 4_096])]
    {
        let port = script(&mut stage.rig, &[Act::Flood(noise)]).await;
        for body in aimed(stage.kind, HOST, port) {
            stage.add(what, body, &[&format!("{HOST}:{port}")]);
        }
    }
}

async fn slowness(stage: &mut Stage) {
    let ports = health::ports(&mut stage.rig, stage.kind).await;
    for (place, port) in ports.into_iter().enumerate() {
        let late = listen(&mut stage.rig, move |mut near| async move {
            dawdle().await;
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        let body = aimed(stage.kind, HOST, late.await).swap_remove(place);
        let body = with(stage.kind, body, "slower_than", json!("1ms"));
        stage.add("answers late", body, &["took ", " ms, expected at most 1 ms"]).degraded();
    }
}

/// Probes may not reach this machine unless an administrator says so.
fn fence(stage: &mut Stage) {
    let bodies = aimed(stage.kind, "127.0.0.1", 9);
    if !bodies.is_empty() {
        stage.rig.guard();
    }
    for body in bodies {
        let text = "127.0.0.1 is an address that probes may not reach; allow it in network.allow of gengfu.yaml";
        stage.add("is this machine", body, &[text]).unknown();
    }
}
