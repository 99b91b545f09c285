//! `tls` by behaviour.

use crate::clock::{Clock, SystemClock};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::Report;
use crate::probe::tests::{Rig, assert_fail, black_hole, closed_port, resetter};
use crate::probe::trust::staples::{GOOD, UNKNOWN, revoked, staple};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Staples something to whatever certificate a server has.
#[derive(Debug)]
struct Stapling(Arc<dyn ResolvesServerCert>, Vec<u8>);

impl ResolvesServerCert for Stapling {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut key = CertifiedKey::clone(&*self.0.resolve(hello)?);
        let serial = x509_parser::parse_x509_certificate(&key.cert[0]).unwrap().1.raw_serial().to_vec();
        key.ocsp = Some(match self.1.as_slice() {
            [b'!', rest @ ..] => rest.to_vec(),
            [b'<', status @ ..] => staple(&serial, status, "20260101000000Z", "20260108000000Z"),
            status => staple(&serial, status, "20260101000000Z", "20900101000000Z"),
        });
        Some(Arc::new(key))
    }
}

/// A certificate that vouches for itself until that many days from now, and its key.
fn lasting(days: i64) -> (CertificateDer<'static>, rcgen::KeyPair) {
    let end = SystemClock::default().now() + days * crate::domain::DAY;
    let end = crate::domain::civil::Zone::utc().date(end);
    let mut params = rcgen::CertificateParams::new(["a.bdc.test".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(end.year().into(), end.month() as u8, end.day() as u8);
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().der().clone(), key)
}

async fn stapled(rig: &mut Rig, staple: Vec<u8>, ocsp: &str) -> Report {
    let mut config = rig.certificate("a.bdc.test", (2020, 2090));
    config.cert_resolver = Arc::new(Stapling(Arc::clone(&config.cert_resolver), staple));
    let port = rig.serve_tls(config, |_| Vec::new()).await;
    rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port, "ocsp": ocsp })).await
}

fn trace(report: &Report) -> String {
    report.trace.iter().map(|line| &*line.text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn staples_are_shown_and_a_revoked_one_fails() {
    let mut rig = Rig::new();
    let report = stapled(&mut rig, GOOD.to_vec(), "required").await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let text = trace(&report);
    assert!(text.contains("OCSP staple: good; as of 2026-01-01T00:00:00Z, until 2090-01-01T00:00:00Z"), "{text}");
    assert!(text.contains("EC key on P-256; signed with SHA-256 and ECDSA; for a.bdc.test"), "{text}");
    assert!(text.contains("agreed on TLS 1.3, TLS_AES_"), "{text}");
    let report = stapled(&mut rig, revoked(), "shown").await;
    let text =
        "the certificate of a.bdc.test was revoked at 2026-03-01T12:00:00Z (KeyCompromise), its OCSP staple says";
    assert_fail(&report, ReasonKind::Certificate, text);
}

#[tokio::test]
async fn required_staple_must_be_there_and_hold() {
    let mut rig = Rig::new();
    for (staple, text) in [
        (UNKNOWN.to_vec(), "expected a good OCSP staple from a.bdc.test, got: unknown to its responder"),
        ([b"<", GOOD].concat(), "got one that held until 2026-01-08T00:00:00Z"),
        (b"!garbage".to_vec(), "got: not an OCSP response"),
    ] {
        assert_eq!(stapled(&mut rig, staple.clone(), "shown").await.outcome, Outcome::Pass);
        assert_fail(&stapled(&mut rig, staple, "required").await, ReasonKind::Certificate, text);
    }
    let port = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2090)), |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port, "ocsp": "required" })).await;
    assert_fail(&report, ReasonKind::Certificate, "expected a good OCSP staple from a.bdc.test, got none");
}

#[tokio::test]
async fn what_is_agreed_on_is_compared() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2090)), |_| Vec::new()).await;
    let with = |more: Value| {
        let mut body = json!({ "host": "a.bdc.test", "port": port });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let report = rig.attempt("tls", with(json!({ "version": ["1.2", "1.3"], "cipher": "^TLS_AES_" }))).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = rig.attempt("tls", with(json!({ "version": "1.2" }))).await;
    assert_fail(&report, ReasonKind::Tls, "expected TLS 1.2 with a.bdc.test, got 1.3");
    let report = rig.attempt("tls", with(json!({ "cipher": "^TLS_ECDHE_" }))).await;
    assert_fail(&report, ReasonKind::Tls, "expected a cipher suite like /^TLS_ECDHE_/ with a.bdc.test, got TLS_AES_");
    let report = rig.attempt("tls", with(json!({ "family": "ipv6" }))).await;
    assert_fail(&report, ReasonKind::Resolve, "the name a.bdc.test has no IPv6 address");
}

#[tokio::test]
async fn expiry_of_the_leaf_alone_can_count() {
    let mut rig = Rig::new();
    // A second certificate is shown, which nobody needs and which ends sooner.
    let ((leaf, key), (second, _)) = (lasting(20), lasting(5));
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![leaf, second], key).unwrap();
    let port = rig.serve_tls(config, |_| Vec::new()).await;
    let with = |chain: &str| json!({ "host": "a.bdc.test", "port": port, "warn_before": "10d", "chain": chain, "trust": "ignored" });
    let report = rig.attempt("tls", with("leaf")).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = rig.attempt("tls", with("whole")).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert!(report.outcome.reason().unwrap().text.starts_with("the certificate expires in 4 days"));
}

#[tokio::test]
async fn dead_ends_and_slowness_are_told() {
    let mut rig = Rig::new();
    let (closed, _socket) = closed_port();
    let body = |port: u16| json!({ "host": "a.bdc.test", "port": port });
    assert_fail(&rig.attempt("tls", body(closed)).await, ReasonKind::Connect, "refused the connection");
    let reset = resetter(&mut rig).await;
    let report = rig.attempt("tls", body(reset)).await;
    assert_fail(&report, ReasonKind::Connect, "reset the connection in the TLS handshake");
    let (full, _sockets) = black_hole().await;
    let report = rig.attempt_within(Duration::from_secs(1), "tls", body(full)).await;
    assert_fail(&report, ReasonKind::Timeout, "still connecting to a.bdc.test");
    let port = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2090)), |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port, "slower_than": "1ms" })).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Slow);
}

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
    let port = rig.serve_tls(rig.certificate("a.bdc.test", (2020, 2090)), |_| Vec::new()).await;
    let report = rig.attempt("tls", json!({ "host": "a.bdc.test", "port": port, "name": "c.bdc.test" })).await;
    assert_fail(&report, ReasonKind::Tls, "certificate is for a.bdc.test, not for c.bdc.test");
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

#[tokio::test]
async fn certificate_behind_starttls_is_seen_and_an_unwilling_peer_fails() {
    let mut rig = Rig::new();
    let config = rig.certificate_for_days("a.bdc.test", 20);
    let tls = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut ask = [0; 8];
            let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut ask).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"S").await;
            let _ = tls.accept(stream).await;
        }
    });
    let body = |port: u16| json!({ "host": "a.bdc.test", "port": port, "starttls": "postgres" });
    let report = rig.attempt("tls", body(port)).await;
    assert_eq!(report.outcome.label(), "degraded", "{report:#?}");
    assert_eq!(report.outcome.reason().unwrap().kind, ReasonKind::Certificate);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"N").await;
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 8]).await;
        }
    });
    assert_fail(&rig.attempt("tls", body(port)).await, ReasonKind::Tls, "a.bdc.test");
}
