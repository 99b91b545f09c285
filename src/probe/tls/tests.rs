//! `tls` by behaviour.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{Rig, assert_fail};
use serde_json::json;

#[tokio::test]
async fn expiry_warns_fails_and_passes_by_what_is_left() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate_for_days("a.bdc.test", 20), |_| Vec::new()).await;
    let with = |warn, fail| json!({ "host": "a.bdc.test", "port": port, "warn_before": warn, "fail_before": fail });
    let report = rig.attempt("tls", with("15d", "7d")).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = rig.attempt("tls", with("30d", "7d")).await;
    assert_eq!(report.outcome.label(), "degraded");
    assert!(report.outcome.reason().unwrap().text.starts_with("the certificate expires in 19 days, at "));
    let report = rig.attempt("tls", with("60d", "30d")).await;
    assert_fail(&report, ReasonKind::Certificate, "the certificate expires in 19 days, at ");
}

#[tokio::test]
async fn refused_chains_fail_with_their_expiry_and_may_be_ignored() {
    let mut rig = Rig::new();
    let expired = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2021)), |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": expired })).await;
    assert_fail(&report, ReasonKind::Certificate, "the certificate of a.bdc.test expired at 2021-01-01T00:00:00Z");
    assert_eq!(report.certificate_not_after.unwrap().to_string(), "2021-01-01T00:00:00Z");
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": expired, "trust": "ignored" })).await;
    assert_fail(&report, ReasonKind::Certificate, "the certificate expired at 2021");
    let port = rig.serve_tls(Rig::self_signed("a.bdc.test"), |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port })).await;
    assert_fail(&report, ReasonKind::Tls, "no known authority vouches for the certificate of a.bdc.test");
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port, "name": "b.bdc.test" })).await;
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Tls);
}

#[tokio::test]
async fn port_that_speaks_no_tls_is_told() {
    let mut rig = Rig::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 smtp ready\r\n").await;
        }
    });
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port })).await;
    assert_fail(&report, ReasonKind::Tls, "a.bdc.test does not speak TLS on this port");
}

#[tokio::test]
async fn version_that_is_too_old_is_refused() {
    let mut rig = Rig::new();
    let modern = rig.certificate("a.bdc.test", (2020, 2090));
    let provider = modern.crypto_provider().clone();
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let mut old = builder
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(modern.cert_resolver.clone());
    old.alpn_protocols.clear();
    let port = rig.serve_tls(old, |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let body = json!({ "host": "a.bdc.test", "port": port, "min_version": "1.3" });
    assert_fail(&rig.attempt("tls", body).await, ReasonKind::Tls, "a.bdc.test");
}

#[test]
fn warning_that_could_never_come_is_refused() {
    let rig = Rig::new();
    let body = json!({ "host": "a.bdc.test", "warn_before": "7d", "fail_before": "30d" });
    let record = crate::field::from_json(&body, super::FIELDS).unwrap();
    let problems = super::build(&record, &rig.context).err().unwrap();
    assert!(problems.to_string().contains("`warn_before` is shorter than `fail_before`"));
}
