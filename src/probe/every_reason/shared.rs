//! What goes wrong in the same way with every kind that asks a host: silence, refusals, names, nonsense,
//! slowness, the fence.
//!
//! Not here: TLS (`secured`), and what only one kind gives. Invariant: nothing leaves loopback, and no resolver is asked.

use super::{SHORT, Stage, aimed, health, secured};
use crate::domain::ReasonKind;
use crate::probe::BuildContext;
use crate::probe::aim::{HOST, in_tls, with};
use crate::probe::lines::tests::{Act, dawdle, script};
use crate::probe::tests::{HANG, Rig, black_hole, closed_port, resetter};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Resolve => names(stage),
        ReasonKind::Local => fence(stage),
        // Without connections there is nothing else to share.
        _ if stage.kind == "icmp" => {}
        ReasonKind::Timeout => {
            silence(stage).await;
            half_answers(stage).await;
        }
        ReasonKind::Connect => refusals(stage).await,
        ReasonKind::Tls => secured::handshakes(stage).await,
        ReasonKind::Certificate => secured::certificates(stage).await,
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
pub(super) async fn hang_up(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// Runs `serve` with every connection to a new port, one after the other.
pub(super) async fn listen<F: Future<Output = ()> + Send>(
    rig: &mut Rig,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
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
    stage.rig.keep(sockets);
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

async fn half_answers(stage: &mut Stage) {
    // What it heard of the text that it wants is its answer.
    if stage.kind == "tcp" {
        return;
    }
    for (body, port) in by_way(stage, Way::Stuck).await {
        stage
            .add("stops in the middle", body, &["no result within 400 ms", &format!("{HOST}:{port}, for ")])
            .within(SHORT);
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
    stage.rig.keep(socket);
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

/// Peers that go away, and peers that never stop; for those that take any text, that is no breach.
async fn nonsense(stage: &mut Stage) {
    if matches!(stage.kind, "tcp" | "tls") {
        return;
    }
    let closing = listen(&mut stage.rig, hang_up).await;
    for body in aimed(stage.kind, HOST, closing) {
        stage.add("hangs up", body, &[&format!("{HOST}:{closing}")]);
    }
    for (body, port) in by_way(stage, Way::Cut).await {
        stage.add("ends in the middle", body, &[&format!("{HOST}:{port}")]);
    }
    for (what, noise) in [("drones", &[b'x'; 4_096][..]), ("babbles", b"blah blah\r\n"), ("is all zeros", &[0; 4_096])]
    {
        let port = script(&mut stage.rig, &[Act::Flood(noise)]).await;
        for body in aimed(stage.kind, HOST, port) {
            stage.add(what, body, &[&format!("{HOST}:{port}")]);
        }
    }
}

/// Where the way to a healthy server is not what it should be.
#[derive(Clone, Copy)]
enum Way {
    /// Everything comes, after a while.
    Late,
    /// The first byte comes, and nothing more.
    Stuck,
    /// The first byte comes, and the end.
    Cut,
}

/// Bodies that ask a healthy server by such a way, and the ports that they name.
async fn by_way(stage: &mut Stage, way: Way) -> Vec<(Value, u16)> {
    let mut bodies = Vec::new();
    for (place, port) in health::ports(&mut stage.rig, stage.kind).await.into_iter().enumerate() {
        let near = listen(&mut stage.rig, move |near| relay(near, port, way)).await;
        bodies.push((aimed(stage.kind, HOST, near).swap_remove(place), near));
    }
    bodies
}

async fn relay(mut near: TcpStream, port: u16, way: Way) {
    dawdle().await;
    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = match way {
        Way::Late => tokio::io::copy_bidirectional(&mut near, &mut far).await.map(|_| ()),
        Way::Stuck => first_byte(&mut near, &mut far).await,
        Way::Cut => match first_byte(&mut near, &mut far).await {
            Ok(()) => near.shutdown().await,
            error => error,
        },
    };
    let _ = tokio::io::copy(&mut near, &mut tokio::io::sink()).await;
}

/// Hands on everything, until the first byte of an answer has been handed back.
async fn first_byte(near: &mut TcpStream, far: &mut TcpStream) -> io::Result<()> {
    let (mut buffer, mut answer) = ([0; 4_096], [0; 1]);
    loop {
        tokio::select! {
            read = near.read(&mut buffer) => far.write_all(&buffer[..read?]).await?,
            read = far.read_exact(&mut answer) => {
                read?;
                return near.write_all(&answer).await;
            }
        }
    }
}

async fn slowness(stage: &mut Stage) {
    for (body, _) in by_way(stage, Way::Late).await {
        let body = with(stage.kind, body, "slower_than", json!("1ms"));
        stage.add("answers late", body, &["took ", ", expected at most 1 ms"]).degraded();
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
