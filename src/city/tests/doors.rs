//! Every behaviour as a client meets it, certificates, names, and what is left after a stop.

use super::*;
use crate::domain::{DAY, Timestamp};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use rustls_pki_types::ServerName;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const PORTAL: (&str, &str, &str, &str) = ("huangpu/portal/home", "http", "https://a.HOST/", "一网通办");
const CERTIFICATE: (&str, &str, &str, &str) = ("huangpu/portal/certificate", "tls", "a.HOST", "");
const CATALOGUE: (&str, &str, &str, &str) = ("ndrc/price/page", "http", "https://a.HOST/catalogue", "收费目录");

fn portal() -> SubsystemId {
    "huangpu/portal".into()
}

#[tokio::test]
async fn pages_of_one_host_show_their_own_subsystems_text() {
    let rig = Rig::start("pages", &[PORTAL, CERTIFICATE, CATALOGUE, ("a/b/c", "http", "http://b.HOST/", "UP")]).await;
    let client = rig.client();
    for (scheme, name, port, path, text) in [
        ("https", "a", 443, "/", "一网通办"),
        ("https", "a", 443, "/catalogue", "收费目录"),
        ("https", "a", 443, "/elsewhere", "一网通办"),
        ("http", "b", 80, "/", "UP"),
    ] {
        let answer = client.get(rig.url(scheme, name, port, path)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.unwrap().contains(text), "{path}");
    }
    let head = client.head(rig.url("https", "a", 443, "/")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap()), (200, String::new()));
    rig.city.stop().await;
}

#[tokio::test]
async fn answers_follow_the_stage() {
    let rig = Rig::start("stage", &[PORTAL]).await;
    let (client, url) = (rig.client(), rig.url("https", "a", 443, "/"));
    let notice = Names { zh: "系统维护中".into(), en: "Under maintenance".into() };

    rig.city.stage.set(&portal(), Behaviour::Status(502));
    assert_eq!(client.get(&url).send().await.unwrap().status(), 502);

    rig.city.stage.set(&portal(), Behaviour::Blank);
    let blank = client.get(&url).send().await.unwrap();
    assert_eq!((blank.status().as_u16(), blank.text().await.unwrap()), (200, String::new()));

    rig.city.stage.set(&portal(), Behaviour::Maintenance { retry_after_s: 3_600, notice });
    let closed = client.get(&url).send().await.unwrap();
    assert_eq!((closed.status().as_u16(), closed.headers()["retry-after"].to_str().unwrap()), (503, "3600"));
    assert!(closed.text().await.unwrap().contains("系统维护中"));

    rig.city.stage.set(&portal(), Behaviour::Refuse);
    let error = client.get(&url).send().await.unwrap_err();
    assert!(!error.is_timeout() && !error.is_status(), "{error:?}");

    rig.city.stage.release(&portal());
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    rig.city.stop().await;
}

#[tokio::test]
async fn hanging_says_nothing_and_slow_is_late_but_right() {
    let rig = Rig::start("hang", &[PORTAL]).await;
    let (client, url) = (rig.client(), rig.url("https", "a", 443, "/"));
    rig.city.stage.set(&portal(), Behaviour::Hang);
    let hanging = client.get(&url).timeout(Duration::from_millis(300)).send().await;
    assert!(hanging.unwrap_err().is_timeout());

    rig.city.stage.set(&portal(), Behaviour::Slow(150));
    let before = tokio::time::Instant::now();
    assert!(client.get(&url).send().await.unwrap().text().await.unwrap().contains("一网通办"));
    assert!(before.elapsed() >= Duration::from_millis(150));
    rig.city.stop().await;
}

#[tokio::test]
async fn only_those_who_know_the_authority_trust_the_city() {
    let rig = Rig::start("trust", &[PORTAL]).await;
    let other = tls::Authority::new(Timestamp(1_790_000_000_000)).unwrap();
    let stranger = reqwest::Certificate::from_pem(other.pem().as_bytes()).unwrap();
    let url = rig.url("https", "a", 443, "/");
    assert!(rig.client_that_trusts(vec![stranger]).get(&url).send().await.is_err());
    assert!(rig.client().get(&url).send().await.is_ok());
    rig.city.stop().await;
}

async fn days_left(rig: &Rig) -> i64 {
    let mut roots = rustls::RootCertStore::empty();
    let pem = <rustls_pki_types::CertificateDer<'_> as rustls_pki_types::pem::PemObject>::from_pem_slice;
    roots.add(pem(rig.city.ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(rig.address("a", 443)).await.unwrap();
    let stream = connector.connect(ServerName::try_from(rig.host("a")).unwrap(), stream).await.unwrap();
    let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let (_, leaf) = x509_parser::parse_x509_certificate(&leaf).unwrap();
    let left_ms = leaf.validity().not_after.timestamp() * 1_000 - SystemClock::default().now().0;
    (left_ms + DAY / 2) / DAY
}

#[tokio::test]
async fn an_expiring_certificate_has_five_days_left_and_is_renewed_when_the_act_ends() {
    let rig = Rig::start("expiring", &[PORTAL, CERTIFICATE]).await;
    assert!(days_left(&rig).await > 30);
    rig.city.stage.set(&portal(), Behaviour::ExpiringCertificate);
    assert_eq!(days_left(&rig).await, EXPIRING_DAYS);
    rig.city.stage.release(&portal());
    assert!(days_left(&rig).await > 30);
    rig.city.stop().await;
}

#[tokio::test]
async fn tcp_shows_its_banner_and_answers_what_is_said() {
    let rig = Rig::start("banner", &[("a/b/c", "tcp", "a.HOST:5060", "^SIP/2\\.0 200")]).await;
    let mut stream = TcpStream::connect(rig.address("a", 5060)).await.unwrap();
    let mut line = [0; 13];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"SIP/2.0 200\r\n");
    stream.write_all(b"OPTIONS\r\n").await.unwrap();
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"SIP/2.0 200\r\n");
    rig.city.stop().await;
    assert_eq!(stream.read(&mut line).await.unwrap_or(0), 0, "a connection must not outlive the city");
}

fn query(host: &str) -> Vec<u8> {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_utf8(format!("{host}.")).unwrap(), RecordType::A));
    query.to_vec().unwrap()
}

async fn over_udp(rig: &Rig, query: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(query, rig.address("ns", 53)).await.unwrap();
    let mut reply = [0; 512];
    let n = socket.recv(&mut reply).await.unwrap();
    Message::from_vec(&reply[..n]).unwrap()
}

#[tokio::test]
async fn names_of_the_city_resolve_over_udp_and_tcp() {
    let rig = Rig::start("dns", &[("bdc/dns/primary", "dns", "ns.HOST", "")]).await;
    let home = rig.address("www", 0).ip();
    let question = query(&rig.host("www"));
    let answers = |m: Message| m.answers.iter().map(|r| r.data.clone()).collect::<Vec<_>>();
    let expected = match home {
        std::net::IpAddr::V4(ip) => vec![RData::A(hickory_proto::rr::rdata::A(ip))],
        std::net::IpAddr::V6(_) => Vec::new(),
    };
    assert_eq!(answers(over_udp(&rig, &question).await), expected);

    let mut stream = TcpStream::connect(rig.address("ns", 53)).await.unwrap();
    stream.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(answers(Message::from_vec(&reply).unwrap()), expected);

    let unknown = over_udp(&rig, &query("www.example.org")).await;
    assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
    rig.city.stage.set(&"bdc/dns".into(), Behaviour::Status(500));
    assert_eq!(over_udp(&rig, &question).await.metadata.response_code, ResponseCode::ServFail);
    rig.city.stop().await;
}

#[tokio::test]
async fn nothing_listens_outside_loopback_and_a_stop_frees_every_address() {
    let rig = Rig::start("stop", &[PORTAL, ("a/b/c", "dns", "ns.HOST", ""), ("a/b/d", "tcp", "b.HOST:25", "")]).await;
    let all: Vec<_> = rig.city.listening.iter().chain(&rig.city.smtp).chain([&rig.city.mailbox]).copied().collect();
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|address| address.ip().is_loopback()), "{all:?}");
    // A connection that hangs must not keep its address.
    let _idle = TcpStream::connect(rig.address("b", 25)).await.unwrap();
    rig.city.stop().await;
    for address in all {
        TcpListener::bind(address).await.unwrap_or_else(|e| panic!("{address} is still taken: {e}"));
    }
}

#[tokio::test]
async fn a_taken_address_is_named_with_its_remedy_and_nothing_stays_bound() {
    let rig = Rig::start("taken", &[PORTAL]).await;
    let (clock, tracker) = (Arc::new(SystemClock::default()), TaskTracker::new());
    let targets = targets(&rig.suffix, &[PORTAL]);
    let second = Options::new(rig.network.clone());
    let relay = format!("other-relay.{}", rig.suffix);
    let second = Options { relays: vec![(relay.clone(), 25)], ..second };
    let error = City::start(targets, &Script::default(), clock, &tracker, second).await.err().unwrap().to_string();
    let address = rig.address("a", 443).to_string();
    assert!(error.contains(&address) && error.contains(&rig.host("a")) && error.contains("port_offset"), "{error}");
    assert!(tracker.is_empty());
    TcpListener::bind(rig.network.redirected(&relay, 25).unwrap()).await.unwrap();
    rig.city.stop().await;
}

#[tokio::test]
async fn targets_that_no_rule_sends_to_loopback_are_left_out() {
    let rig = Rig::start("outside", &[PORTAL, ("a/b/c", "http", "https://example.org/", "")]).await;
    assert_eq!(rig.city.left_out, ["a/b/c".into()]);
    assert_eq!(rig.city.listening.len(), 1);
    rig.city.stop().await;
}

#[tokio::test]
async fn heartbeats_come_from_those_who_are_well() {
    let mut rig = Rig::start("beats", &[PORTAL]).await;
    let (heard, mut tokens) = tokio::sync::mpsc::channel::<String>(16);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let hear = |axum::extract::Path(token): axum::extract::Path<String>| async move {
        heard.send(token).await.unwrap();
    };
    let daemon = axum::Router::new().route("/api/v1/heartbeat/{token}", axum::routing::post(hear));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, daemon).await });
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    rig.city.stage.set(&"b/dead".into(), Behaviour::Refuse);
    let beat = |subsystem: &str, token: &str| Heartbeat {
        subsystem: subsystem.into(),
        token: token.into(),
        members: Vec::new(),
    };
    rig.city.send_heartbeats(&base, vec![beat("a/batch", "one"), beat("b/dead", "two"), beat("c/kiosks", "three")]);
    assert_eq!(tokens.recv().await.unwrap(), "one");
    assert_eq!(tokens.recv().await.unwrap(), "three");
    rig.city.stop().await;
}
