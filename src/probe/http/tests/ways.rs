//! The ways to a target: addresses, names, families, proxies, versions, and where redirects may lead.

use super::page;
use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{Rig, assert_fail, closed_port};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn echo(head: &str) -> Vec<u8> {
    page("200 OK", &head.replace("\r\n", "|"))
}

fn asked(url: String, more: Value) -> Value {
    let mut body = json!({ "url": url });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn address_replaces_host_and_port_of_the_url_and_nothing_else() {
    let mut rig = Rig::new();
    let port = rig.serve(echo).await;
    let expect = |host: &str| json!({ "body_contains": format!("|host: {host}|") });
    for (url, host) in [
        ("http://nowhere.example/", "nowhere.example"),
        ("http://nowhere.example:81/", "nowhere.example:81"),
        ("http://192.0.2.1/", "192.0.2.1"),
    ] {
        for address in [format!("127.0.0.1:{port}"), format!("a.test:{port}")] {
            let body = asked(url.into(), json!({ "address": address, "expect": expect(host) }));
            let report = rig.attempt("http", body).await;
            assert_eq!(report.outcome, Outcome::Pass, "{url} at {address}: {report:#?}");
        }
    }
    let (closed, _socket) = closed_port();
    let report =
        rig.attempt("http", asked("http://a.test/".into(), json!({ "address": format!("127.0.0.1:{closed}") }))).await;
    assert_fail(&report, ReasonKind::Connect, &format!("127.0.0.1:{closed} refused the connection"));
    let elsewhere = rig.serve(|head| match head.contains("GET /there") {
        true => page("200 OK", "there"),
        false => {
            let port = head.split("test:").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
            page(&format!("302 Found\r\nlocation: http://b.test:{port}/there"), "")
        }
    });
    let elsewhere = elsewhere.await;
    let body = asked(format!("http://a.test:{elsewhere}/"), json!({ "address": format!("127.0.0.1:{elsewhere}") }));
    assert_eq!(rig.attempt("http", body).await.outcome, Outcome::Pass, "a redirect leaves the address behind");
}

#[tokio::test]
async fn name_for_tls_may_differ_from_the_host_which_stays_in_the_header() {
    let mut rig = Rig::new();
    let port = rig.serve_tls(rig.certificate("b.xuhui.test", (2020, 2090)), echo).await;
    let url = || format!("https://a.huangpu.test:{port}/");
    let expect = json!({ "body_contains": format!("|host: a.huangpu.test:{port}|") });
    let report =
        rig.attempt("http", asked(url(), json!({ "tls": { "name": "b.xuhui.test" }, "expect": expect }))).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let text = "certificate is for b.xuhui.test, not for a.huangpu.test";
    assert_fail(&rig.attempt("http", asked(url(), json!({}))).await, ReasonKind::Tls, text);
    let third = asked(url(), json!({ "tls": { "name": "c.test" } }));
    let text = "certificate is for b.xuhui.test, not for c.test";
    assert_fail(&rig.attempt("http", third).await, ReasonKind::Tls, text);
    let ip = asked(format!("https://127.0.0.1:{port}/"), json!({ "tls": { "name": "b.xuhui.test" } }));
    assert_eq!(rig.attempt("http", ip).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn family_leaves_out_the_addresses_of_the_other() {
    let mut rig = Rig::new();
    let port = rig.serve(echo).await;
    for host in ["a.test", "127.0.0.1"] {
        let report = rig.attempt("http", asked(format!("http://{host}:{port}/"), json!({ "family": "ipv6" }))).await;
        assert_fail(&report, ReasonKind::Resolve, "IPv6 address");
        let report = rig.attempt("http", asked(format!("http://{host}:{port}/"), json!({ "family": "ipv4" }))).await;
        assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    }
}

#[tokio::test]
async fn our_certificate_and_a_private_root_open_a_door_that_is_closed_to_others() {
    let mut rig = Rig::new();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let office = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(office.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let resolver = rig.certificate("a.huangpu.test", (2020, 2090)).cert_resolver;
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver);
    let port = rig.serve_tls(config, echo).await;
    let url = || format!("https://a.huangpu.test:{port}/");
    let key = KeyPair::generate().unwrap();
    let ours = CertificateParams::new(["probe.test".to_owned()]).unwrap().signed_by(&key, &office).unwrap();
    let tls = json!({ "tls": { "certificate": ours.pem(), "key": key.serialize_pem() } });
    let report = rig.attempt("http", asked(url(), tls)).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let report = rig.attempt("http", asked(url(), json!({}))).await;
    assert_fail(&report, ReasonKind::Tls, "certificate required");
    let report = rig.attempt("http", asked(url(), json!({ "tls": { "ca": office.pem() } }))).await;
    assert_fail(&report, ReasonKind::Tls, "no known authority vouches");
}

/// Passes bytes on both ways between whoever connects and the port that he asks for, by CONNECT or by SOCKS 5.
async fn tunnel(rig: &mut Rig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut first = [0; 1];
            near.read_exact(&mut first).await.unwrap();
            let target = if first[0] == 5 { socks(&mut near).await } else { connect(&mut near).await };
            let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    });
    port
}

async fn connect(near: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        near.read_buf(&mut head).await.unwrap();
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.to_lowercase().contains("proxy-authorization: basic abc"), "{head}");
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    head.split(' ').nth(1).unwrap().rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn socks(near: &mut TcpStream) -> u16 {
    let mut hello = [0; 2];
    near.read_exact(&mut hello).await.unwrap();
    near.write_all(&[5, 0]).await.unwrap();
    let mut request = [0; 10];
    near.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..8], [5, 1, 0, 1, 127, 0, 0, 1], "an address that we resolved ourselves");
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    u16::from_be_bytes([request[8], request[9]])
}

#[tokio::test]
async fn proxies_find_the_way_in_the_clear_through_a_tunnel_and_by_socks() {
    let mut rig = Rig::new();
    let secure = rig.serve_tls(rig.certificate("a.huangpu.test", (2020, 2090)), echo).await;
    let plain = rig.serve(echo).await;
    let (forward, tunnel) = (rig.serve(echo).await, tunnel(&mut rig).await);
    let whole = json!({ "body_contains": "GET http://elsewhere.example/x HTTP/1.1|", "body_regex": "proxy-authorization: Basic abc" });
    let cases = [
        ("http://elsewhere.example/x".into(), format!("http://p.test:{forward}"), json!("Basic abc"), whole),
        (
            format!("https://a.huangpu.test:{secure}/"),
            format!("http://p.test:{tunnel}"),
            json!("Basic abc"),
            json!({ "body_lacks": "Basic abc" }),
        ),
        (format!("http://a.huangpu.test:{plain}/"), format!("socks5://127.0.0.1:{tunnel}"), Value::Null, json!({})),
    ];
    for (url, proxy, authorization, expect) in cases {
        let mut body = asked(url, json!({ "proxy": proxy, "expect": expect }));
        if !authorization.is_null() {
            body["proxy_authorization"] = authorization;
        }
        let report = rig.attempt("http", body).await;
        assert_eq!(report.outcome, Outcome::Pass, "{proxy}: {report:#?}");
    }
    let (closed, _socket) = closed_port();
    let body = asked("http://a.test/".into(), json!({ "proxy": format!("http://p.test:{closed}") }));
    assert_fail(
        &rig.attempt("http", body).await,
        ReasonKind::Connect,
        &format!("p.test:{closed} refused the connection"),
    );
}

/// Speaks just enough of HTTP/2: its settings, and status 204 for the first request.
async fn http2(rig: &mut Rig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).await.unwrap();
            assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
            let mut frame = [0; 9];
            while frame[3] != 1 {
                stream.read_exact(&mut frame).await.unwrap();
                let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize;
                stream.read_exact(&mut vec![0; length]).await.unwrap();
            }
            stream.write_all(&[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x89]).await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
        }
    });
    port
}

#[tokio::test]
async fn versions_are_chosen_openly() {
    let mut rig = Rig::new();
    let two = http2(&mut rig).await;
    let body =
        asked(format!("http://a.test:{two}/"), json!({ "version": "2", "expect": { "version": "2", "status": 204 } }));
    let report = rig.attempt("http", body).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let one = listener.local_addr().unwrap().port();
    rig.run(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // What stays unread when the socket goes would be answered with a reset.
        while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
    });
    let report = rig.attempt("http", asked(format!("http://a.test:{one}/"), json!({ "version": "2" }))).await;
    assert_fail(&report, ReasonKind::Protocol, "gave no HTTP answer");
    let mut config = rig.certificate("a.huangpu.test", (2020, 2090));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let secure = rig.serve_tls(config, echo).await;
    let report =
        rig.attempt("http", asked(format!("https://a.huangpu.test:{secure}/"), json!({ "version": "2" }))).await;
    assert_fail(&report, ReasonKind::Tls, "a.huangpu.test refused the TLS handshake: no application protocol");
}

#[tokio::test]
async fn compression_is_offered_as_chosen() {
    let mut rig = Rig::new();
    let port = rig.serve(echo).await;
    for (chosen, part) in [
        ("none", None),
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("deflate", Some("deflate")),
    ] {
        let expect = match part {
            None => json!({ "body_lacks": "accept-encoding" }),
            Some(part) => json!({ "body_contains": format!("|accept-encoding: {part}|") }),
        };
        let report = rig
            .attempt(
                "http",
                asked(format!("http://a.test:{port}/"), json!({ "compression": chosen, "expect": expect })),
            )
            .await;
        assert_eq!(report.outcome, Outcome::Pass, "{chosen}: {report:#?}");
    }
}

#[tokio::test]
async fn name_and_password_go_into_one_header() {
    let mut rig = Rig::new();
    let port = rig.serve(echo).await;
    let auth = json!({ "user": "probe", "password": "geheim" });
    let expect = json!({ "body_contains": "|authorization: Basic cHJvYmU6Z2VoZWlt|" });
    let report = rig
        .attempt("http", asked(format!("http://a.test:{port}/"), json!({ "basic_auth": auth, "expect": expect })))
        .await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}

#[tokio::test]
async fn redirects_that_lead_to_no_page_or_into_this_machine_fail_by_name() {
    let mut rig = Rig::new();
    let port = rig
        .serve(|head| {
            let to = match head.split(' ').nth(1).unwrap() {
                "/file" => "file:///etc/passwd",
                "/script" => "javascript:alert(1)",
                "/empty" => "http://",
                "/metadata" => "http://169.254.169.254/latest/meta-data/",
                "/loopback" => "http://127.0.0.1:1/",
                "/named" => "http://localhost:1/",
                _ => "http://user:pass@b.test:1/",
            };
            page(&format!("302 Found\r\nlocation: {to}"), "")
        })
        .await;
    rig.guard();
    let cases = [
        ("file", "redirected to \"file:///etc/passwd\", which is neither http nor https"),
        ("script", "redirected to \"javascript:alert(1)\", which is neither http nor https"),
        ("empty", "redirected to \"http://\", which is no address"),
        ("metadata", "redirected to 169.254.169.254, which probes may not follow"),
        ("loopback", "redirected to 127.0.0.1, which probes may not follow"),
        ("named", "redirected to localhost, which probes may not follow"),
    ];
    for (path, part) in cases {
        let report = rig.attempt("http", asked(format!("http://a.test:{port}/{path}"), json!({}))).await;
        assert_fail(&report, ReasonKind::Protocol, part);
    }
    assert_eq!(rig.connections.load(Ordering::SeqCst), cases.len());
    let report = rig.attempt("http", asked(format!("http://a.test:{port}/x"), json!({}))).await;
    assert!(!format!("{report:?}").contains("pass@"), "{report:#?}");
    for (url, more) in [
        ("http://127.0.0.1/", json!({})),
        ("http://a.example/", json!({ "address": "127.0.0.1:80" })),
        ("http://a.example/", json!({ "proxy": "http://127.0.0.1:80" })),
        ("http://169.254.169.254/", json!({ "proxy": format!("http://p.test:{port}") })),
    ] {
        let report = rig.attempt("http", asked(url.into(), more)).await;
        assert_eq!(report.outcome.label(), "unknown", "{url}: {report:#?}");
    }
}

#[tokio::test]
async fn to_another_origin_go_harmless_headers_only() {
    let mut rig = Rig::new();
    let last = rig.serve(echo).await;
    let first = rig.serve(|head| {
        let to = head.split(' ').nth(1).unwrap().trim_start_matches('/');
        page(&format!("307 Temporary Redirect\r\nlocation: http://b.test:{to}/"), "")
    });
    let first = first.await;
    let headers = json!({ "x-api-key": "k3y", "cookie": "a=b", "accept": "text/x", "authorization": "Bearer z" });
    let expect = json!({ "body_contains": "|accept: text/x|", "body_lacks": ["k3y", "cookie", "Bearer"] });
    let body = asked(format!("http://a.test:{first}/{last}"), json!({ "headers": headers, "expect": expect }));
    let report = rig.attempt("http", body).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
}
