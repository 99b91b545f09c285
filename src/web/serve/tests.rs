//! Listeners as clients meet them, with real TLS.

use super::*;
use crate::network::certificate::CertificateFiles;
use axum::extract::{ConnectInfo, Request as Asked};
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::Path;
use tokio::io::AsyncWriteExt;

/// A listener on loopback that says what it sees of a request.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    metrics: Arc<Metrics>,
}

impl Served {
    async fn start(certificate: Option<Arc<Certificate>>) -> Self {
        Self::capped(certificate, Caps::default()).await
    }

    async fn capped(certificate: Option<Arc<Certificate>>, caps: Caps) -> Self {
        // Another test may have installed it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let says = async |request: Asked| {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
            let tls = request.extensions().get::<Encrypted>().is_some();
            let host = request.headers()[header::HOST].to_str().unwrap().to_owned();
            format!("{:?} {} {tls} {host}", request.version(), peer.unwrap())
        };
        let (stop, metrics) = (CancellationToken::new(), Arc::new(Metrics::new("0").unwrap()));
        // More than a connection's buffers hold.
        let much = async || vec![b'.'; 64 << 20];
        let routes = Router::new().route("/", get(says)).route("/much", get(much));
        let listening = vec![Listening { listener, certificate }];
        let served = serve(listening, routes, Arc::clone(&metrics), caps, stop.clone());
        let task = TaskTracker::new().spawn(served);
        Self { address, stop, task, metrics }
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap();
    }
}

/// An authority, and files that it vouches for.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, folder: &Path, name: &str) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        CertificateFiles { certificate: path("pem"), key: path("key"), client_roots: None }
    }

    fn client(&self, identity: Option<&CertificateFiles>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.0.pem().as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]).timeout(Duration::from_secs(20));
        if let Some(files) = identity {
            let pem = [std::fs::read(&files.key).unwrap(), std::fs::read(&files.certificate).unwrap()].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&pem).unwrap());
        }
        builder.build().unwrap()
    }
}

fn open(files: CertificateFiles) -> Option<Arc<Certificate>> {
    Some(Arc::new(Certificate::open(files).unwrap()))
}

#[tokio::test]
async fn both_versions_are_spoken_over_tls_and_the_peer_is_known() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let served = Served::start(open(authority.issue(folder.path(), "127.0.0.1"))).await;
    let url = format!("https://{}/", served.address);
    let two = authority.client(None).get(&url).send().await.unwrap().text().await.unwrap();
    assert_eq!(two, format!("HTTP/2.0 127.0.0.1 true {}", served.address));
    let root = reqwest::Certificate::from_pem(authority.0.pem().as_bytes()).unwrap();
    let one = reqwest::Client::builder().no_proxy().tls_certs_only([root]).http1_only().build().unwrap();
    let one = one.get(&url).send().await.unwrap().text().await.unwrap();
    assert_eq!(one, format!("HTTP/1.1 127.0.0.1 true {}", served.address));
    assert!(reqwest::get(format!("http://{}/", served.address)).await.is_err(), "nothing is said without TLS");
    served.stop().await;
}

#[tokio::test]
async fn without_tls_nothing_is_called_encrypted() {
    let served = Served::start(None).await;
    let said = reqwest::Client::builder().no_proxy().build().unwrap();
    let said = said.get(format!("http://{}/", served.address)).send().await.unwrap().text().await.unwrap();
    assert_eq!(said, format!("HTTP/1.1 127.0.0.1 false {}", served.address));
    served.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_what_the_next_connection_gets() {
    let (folder, former, next) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let certificate = open(former.issue(folder.path(), "127.0.0.1"));
    let served = Served::start(certificate.clone()).await;
    let url = format!("https://{}/", served.address);
    let kept = former.client(None);
    assert!(kept.get(&url).send().await.is_ok());
    next.issue(folder.path(), "127.0.0.1");
    certificate.unwrap().renew_if_changed().unwrap();
    assert!(next.client(None).get(&url).send().await.is_ok());
    assert!(former.client(None).get(&url).send().await.is_err());
    assert!(kept.get(&url).send().await.is_ok(), "a connection that stands goes on");
    served.stop().await;
}

#[tokio::test]
async fn where_clients_must_show_a_certificate_the_others_get_nothing() {
    let (folder, authority, other) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.0.pem()).unwrap();
    let files = CertificateFiles { client_roots: Some(roots), ..authority.issue(folder.path(), "127.0.0.1") };
    let served = Served::start(open(files)).await;
    let url = format!("https://{}/", served.address);
    let own = authority.issue(folder.path(), "client.test");
    assert!(authority.client(Some(&own)).get(&url).send().await.is_ok());
    let foreign = other.issue(folder.path(), "stranger.test");
    for identity in [None, Some(&foreign)] {
        assert!(authority.client(identity).get(&url).send().await.is_err());
    }
    served.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_never_finishes_is_left() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let plain = Served::start(None).await;
    let tls = Served::start(open(authority.issue(folder.path(), "127.0.0.1"))).await;
    for (address, said) in [(plain.address, &b""[..]), (plain.address, b"GET / HTTP/1.1\r\nHo"), (tls.address, b"")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut end = Vec::new();
        let ended = tokio::time::timeout(HEADERS_WITHIN * 2, stream.read_to_end(&mut end)).await;
        assert!(ended.is_ok(), "{said:?} is waited for without end");
    }
    plain.stop().await;
    tls.stop().await;
}

#[test]
fn so_many_places_for_one_address_and_in_all() {
    let places = Places::new(Caps::default());
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let mut taken: Vec<Place> = (0..PER_PEER_MAX).map(|_| places.take(ip("192.0.2.7")).unwrap()).collect();
    assert!(places.take(ip("192.0.2.7")).is_none());
    assert!(places.take(ip("192.0.2.8")).is_some(), "the neighbour has room");
    taken.pop();
    taken.push(places.take(ip("192.0.2.7")).unwrap());
    taken.extend((PER_PEER_MAX..CONNECTIONS_MAX).map(|_| places.take(ip("127.0.0.1")).unwrap()));
    assert!(places.take(ip("127.0.0.1")).is_none());
    drop(taken);
    assert!(places.peers.lock().unwrap().is_empty());
    assert_eq!(places.all.available_permits(), CONNECTIONS_MAX);
}

#[tokio::test]
async fn a_connection_without_a_place_is_closed_and_counted_and_those_before_it_go_on() {
    let served = Served::capped(None, Caps { connections: 1, per_peer: 1, ..Caps::default() }).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    let ask = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    first.write_all(ask.as_bytes()).await.unwrap();
    assert!(first.read(&mut [0; 4_096]).await.unwrap() > 0);
    let mut second = TcpStream::connect(served.address).await.unwrap();
    assert!(matches!(second.read(&mut [0; 16]).await, Ok(0) | Err(_)));
    assert_eq!(served.metrics.http_denied.with_label_values(&["connections"]).get(), 1);
    first.write_all(ask.as_bytes()).await.unwrap();
    assert!(first.read(&mut [0; 4_096]).await.unwrap() > 0);
    drop(first);
    served.stop().await;
}

#[tokio::test]
async fn whoever_does_not_take_what_was_sent_loses_the_place() {
    let caps = Caps { connections: 1, per_peer: 1, taken_within: Duration::from_millis(300) };
    let served = Served::capped(None, caps).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    let ask = format!("GET /much HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    first.write_all(ask.as_bytes()).await.unwrap();
    // It reads nothing, and stays; others come until there is room.
    let room = async {
        loop {
            let mut next = TcpStream::connect(served.address).await.unwrap();
            let ask = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
            if next.write_all(ask.as_bytes()).await.is_ok() && next.read(&mut [0; 512]).await.is_ok_and(|n| n > 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), room).await.unwrap();
    drop(first);
    served.stop().await;
}
