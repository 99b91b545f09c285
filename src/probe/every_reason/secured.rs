//! What goes wrong with TLS in the same way with every kind that speaks it: chains, names, versions, what is no TLS.
//!
//! Not here: being unwilling to change to it, which the kinds say in ways of their own.

use super::Stage;
use super::shared::{hang_up, listen};
use crate::probe::aim::{HOST, in_tls, with};
use crate::probe::sql::tests::{Plan, serve};
use crate::probe::tests::Rig;
use rustls::server::WebPkiClientVerifier;
use serde_json::json;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

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

pub(super) async fn handshakes(stage: &mut Stage) {
    let text = [&*format!("no known authority vouches for the certificate of {HOST}"), "network.ca"];
    add_secured(stage, "vouches for itself", Rig::self_signed(HOST), &text).await;
    let other = stage.rig.certificate("b.bdc.test", (2020, 2090));
    let text = format!("certificate is for b.bdc.test, not for {HOST}");
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

pub(super) async fn certificates(stage: &mut Stage) {
    let expired = stage.rig.certificate(HOST, (2020, 2021));
    let text = format!("the certificate of {HOST} expired at 2021-01-01T00:00:00Z");
    add_secured(stage, "has expired", expired, &[&text]).await;
    let early = stage.rig.certificate(HOST, (2089, 2090));
    let text = format!("the certificate of {HOST} is not valid yet");
    add_secured(stage, "begins later", early, &[&text]).await;
}
