//! Rules that hold for every kind, and the loopback servers that the kinds' own tests share.

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::domain::{ReasonKind, Timestamp};
use crate::network::{ConnectTo, NoAnswer};
use jiff::civil;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Servers on loopback for all `.test` names, and an authority that the probes trust.
pub(crate) struct Rig {
    pub(crate) context: BuildContext,
    pub(crate) connections: Arc<AtomicUsize>,
    authority: CertifiedIssuer<'static, KeyPair>,
    tasks: JoinSet<()>,
}

/// What a server does with the head of a request.
pub(crate) type Reply = fn(&str) -> Vec<u8>;

/// Ends a reply that never comes, or never ends.
pub(crate) const HANG: &[u8] = b"<hang>";

impl Rig {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "City Root");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let loopback = ConnectTo { host: "*.test".into(), network: [127, 0, 0, 1].into(), prefix: 32, port_offset: 0 };
        // Servers of tests stand on loopback; tests of the guard take `allow` away again.
        let allow = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let network = Arc::new(Network { connect_to: vec![loopback], allow, roots: Arc::new(roots) });
        let mut context = BuildContext::new(network, Arc::new(Heartbeats::new(Timestamp(0))));
        let directory = "/usr/lib/nagios/plugins".into();
        let environment = Default::default();
        let grant = CommandGrant { directory, owners: Grantees::All, programs: None, environment };
        context.commands = Arc::new(Commands::new(vec![grant]));
        context.asker = Asker::Administrator;
        Self { context, connections: Arc::default(), authority, tasks: JoinSet::new() }
    }

    /// Takes away what lets probes reach loopback by any other way than `.test` names.
    pub(crate) fn guard(&mut self) {
        let mut network = (*self.context.network).clone();
        network.allow.clear();
        self.context = BuildContext::new(Arc::new(network), Arc::clone(&self.context.heartbeats));
    }

    /// A server certificate for `name` by the trusted authority, from the first day of one year to that of another.
    pub(crate) fn certificate(&self, name: &str, years: (i16, i16)) -> rustls::ServerConfig {
        self.certificate_between(name, years.0, civil::date(years.1, 1, 1))
    }

    /// One that ends at the midnight before the same time of day `days` from now.
    pub(crate) fn certificate_for_days(&self, name: &str, days: i64) -> rustls::ServerConfig {
        let end = SystemClock::default().now() + days * crate::domain::DAY;
        self.certificate_between(name, 2020, crate::domain::civil::Zone::utc().date(end))
    }

    fn certificate_between(&self, name: &str, from: i16, to: civil::Date) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(from.into(), 1, 1);
        params.not_after = rcgen::date_time_ymd(to.year().into(), to.month() as u8, to.day() as u8);
        let leaf = params.signed_by(&key, &self.authority).unwrap();
        server_config(vec![leaf.der().clone(), self.authority.der().clone()], &key)
    }

    /// A server certificate that vouches for itself.
    pub(crate) fn self_signed(name: &str) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        server_config(vec![leaf.der().clone()], &key)
    }

    /// Serves plain connections; returns the port.
    pub(crate) async fn serve(&mut self, reply: Reply) -> u16 {
        self.listen(None, reply).await
    }

    /// Serves TLS connections; returns the port.
    pub(crate) async fn serve_tls(&mut self, config: rustls::ServerConfig, reply: Reply) -> u16 {
        self.listen(Some(TlsAcceptor::from(Arc::new(config))), reply).await
    }

    async fn listen(&mut self, tls: Option<TlsAcceptor>, reply: Reply) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::clone(&self.connections);
        self.tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let tls = tls.clone();
                open.spawn(async move {
                    let _ = match tls {
                        None => answer(stream, reply).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => answer(stream, reply).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        port
    }

    /// Runs `task` as long as the rig lives.
    pub(crate) fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Holds something as long as the rig lives.
    pub(crate) fn keep(&mut self, thing: impl Send + 'static) {
        self.run(async move {
            let _thing = thing;
            std::future::pending().await
        });
    }

    pub(crate) fn prober(&self, kind: &str, body: serde_json::Value) -> Arc<dyn Prober> {
        let kind = super::kind(kind).unwrap();
        let record = crate::field::from_json(&body, kind.fields).unwrap();
        (kind.build)(&record, &self.context).unwrap()
    }

    /// One attempt with a deadline that only dead targets meet.
    pub(crate) async fn attempt(&self, kind: &str, body: serde_json::Value) -> Report {
        self.attempt_within(Duration::from_secs(20), kind, body).await
    }

    pub(crate) async fn attempt_within(&self, timeout: Duration, kind: &str, body: serde_json::Value) -> Report {
        let report = attempt(&*self.prober(kind, body), timeout, &SystemClock::default()).await;
        assert_declared(kind, &report);
        report
    }
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Reply) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let reply = reply(&String::from_utf8_lossy(&head));
    match reply.strip_suffix(HANG) {
        Some(part) => {
            stream.write_all(part).await?;
            stream.flush().await?;
            std::future::pending().await
        }
        None => {
            stream.write_all(&reply).await?;
            stream.shutdown().await
        }
    }
}

/// A port that takes no further connection: its queue is full and nobody accepts.
pub(crate) async fn black_hole() -> (u16, Vec<socket2::Socket>) {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..8 {
        let filler = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        let _ = filler.connect(&address);
        sockets.push(filler);
    }
    (address.as_socket().unwrap().port(), sockets)
}

/// A port that resets whoever connects.
pub(crate) async fn resetter(rig: &mut Rig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // The reset must not overtake the first bytes, or it would count as a refusal.
            let _ = stream.read(&mut [0; 1]).await;
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            drop::<TcpStream>(stream);
        }
    });
    port
}

/// A port where nobody listens, nor can begin to while the socket lives.
pub(crate) fn closed_port() -> (u16, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    (socket.local_addr().unwrap().as_socket().unwrap().port(), socket)
}

/// A report of `kind` gives none but the declared reasons, and in a sentence for people.
#[track_caller]
pub(crate) fn assert_declared(kind: &str, report: &Report) {
    let Some(reason) = report.outcome.reason() else { return };
    let declared = super::kind(kind).unwrap().reasons();
    assert!(declared.contains(&reason.kind), "{kind} does not declare this reason: {report:#?}");
    assert_eq!(report.outcome.label() == "unknown", reason.kind == ReasonKind::Local, "{kind}: {report:#?}");
    // What a derived `Debug` prints is for us, not for those who are woken by it.
    let debug = regex::Regex::new(r"\b[A-Z]\w*\(|\b[A-Z]\w+ \{ |\bNone\b|\bInvalid[A-Z]|[a-z]Error\b").unwrap();
    assert!(!reason.text.is_empty() && !debug.is_match(&reason.text), "{kind} in no sentence: {report:#?}");
}

#[track_caller]
pub(crate) fn assert_fail(report: &Report, kind: ReasonKind, part: &str) {
    let reason = report.outcome.reason().unwrap_or_else(|| panic!("{report:?}"));
    assert!(report.outcome.label() == "fail" && reason.kind == kind && reason.text.contains(part), "{report:#?}");
}

#[test]
fn kinds_are_in_alphabetical_order_and_their_examples_build() {
    assert!(KINDS.is_sorted_by(|a, b| a.name < b.name));
    let rig = Rig::new();
    for kind in KINDS {
        let body: serde_json::Value = serde_yaml::from_str(&kind.example.replace("${", "$")).unwrap();
        let record = crate::field::from_json(&body, kind.fields).unwrap_or_else(|p| panic!("{}: {p:?}", kind.name));
        assert!((kind.build)(&record, &rig.context).is_ok(), "{}", kind.name);
    }
}

#[test]
fn unknown_field_is_refused_by_every_kind() {
    for kind in KINDS {
        let body = serde_json::json!({ "colour": "blue" });
        let problems = crate::field::from_json(&body, kind.fields).unwrap_err();
        assert!(problems.to_string().contains("colour"), "{}: {problems}", kind.name);
    }
}

#[test]
fn document_of_the_kinds_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/probes.md");
    let expected = super::document::document();
    if std::fs::read_to_string(path).unwrap_or_default() != expected {
        std::fs::write(path, expected).unwrap();
        panic!("docs/probes.md was out of date and has been written anew; look at it and commit it");
    }
}

#[test]
fn trouble_of_our_own_is_unknown_also_deep_inside_other_errors() {
    // Too many open files here and on the system, no buffer space, no local port, a closed firewall, no network, no route.
    for code in [24, 23, 105, 99, 1, 13, 100, 101] {
        let wrapped = io::Error::other(io::Error::from_raw_os_error(code));
        let outcome = dial::failed(&wrapped, Phase::Connect, "a.test", 80);
        assert_eq!(outcome.label(), "unknown", "{code}: {outcome:?}");
        assert_eq!(outcome.reason().unwrap().kind, ReasonKind::Local);
    }
    let guarded = io::Error::other(io::Error::from(crate::network::Refused { address: [127, 0, 0, 1].into() }));
    let outcome = dial::failed(&guarded, Phase::Connect, "a.test", 80);
    assert!(outcome.label() == "unknown" && outcome.reason().unwrap().text.starts_with("127.0.0.1 is"), "{outcome:?}");
    let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
    assert_eq!(dial::failed(&refused, Phase::Connect, "a.test", 80).label(), "fail");
}

#[tokio::test]
async fn name_that_leads_to_this_machine_is_not_followed_by_any_kind() {
    let mut rig = Rig::new();
    let port = rig.serve(|_| Vec::new()).await;
    rig.guard();
    for (kind, body) in [
        ("dns", serde_json::json!({ "server": "localhost", "port": port, "name": "a.test", "transport": "tcp" })),
        ("http", serde_json::json!({ "url": format!("http://localhost:{port}/") })),
        ("tcp", serde_json::json!({ "address": format!("localhost:{port}") })),
        ("tcp", serde_json::json!({ "address": format!("127.0.0.1:{port}") })),
        ("tcp", serde_json::json!({ "address": format!("[::ffff:127.0.0.1]:{port}") })),
        ("tls", serde_json::json!({ "host": "localhost", "port": port })),
    ] {
        let report = rig.attempt(kind, body).await;
        let text = report.outcome.reason().map(|reason| reason.text.clone()).unwrap_or_default();
        assert!(report.outcome.label() == "unknown" && text.contains("network.allow"), "{kind}: {report:#?}");
    }
    assert_eq!(rig.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn resolver_without_an_answer_is_our_trouble_and_a_missing_name_the_targets() {
    let silent = NoAnswer::Silent(Duration::from_secs(4));
    let failed = NoAnswer::Failed("Temporary failure in name resolution".into());
    for (error, why) in [
        (silent.into(), "the resolver gave no answer within 4 s"),
        (failed.into(), "the resolver could not find out: Temporary failure in name resolution"),
        (io::Error::from_raw_os_error(24), "this machine has a problem of its own: Too many open files (os error 24)"),
    ] {
        let outcome = dial::unresolved(&error, "a.test");
        assert_eq!(outcome, Outcome::unknown(format!("could not resolve a.test: {why}")));
    }
    let outcome = dial::unresolved(&io::Error::other("Name or service not known"), "a.test");
    assert!(outcome.label() == "fail" && outcome.reason().unwrap().kind == ReasonKind::Resolve, "{outcome:?}");
    // A router's word about the host, not our own table's.
    let unreachable = io::Error::from_raw_os_error(113);
    assert_eq!(dial::failed(&unreachable, Phase::Connect, "a.test", 80).label(), "fail");
}
