//! Other people's relays, started for one test each: Debian's Postfix and OpenSMTPD, and aiosmtpd. A test whose relay is
//! not installed says so loudly and is left out; `tests/setup/install.sh` installs all three.

use gengfu::network::Network;
use gengfu::notify::mail::{Login, MailRelay, MailTls, Patience, RelayPlan};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tempfile::TempDir;

/// Name that all relays of the tests bear.
pub(crate) const HOST: &str = "relay.bdc.test";

/// A certificate for [`HOST`] by a private authority, as files.
pub(crate) struct Certified {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) roots: Arc<RootCertStore>,
    _dir: TempDir,
}

pub(crate) fn certified() -> Certified {
    certified_until(None)
}

/// The same; it ran out at the end of `year`.
pub(crate) fn expired(year: i32) -> Certified {
    certified_until(Some(year))
}

fn certified_until(year: Option<i32>) -> Certified {
    let dir = tempfile::tempdir().unwrap();
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    if let Some(year) = year {
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
    }
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let (certificate, key_file) = (dir.path().join("relay.pem"), dir.path().join("relay.key"));
    fs::write(&certificate, leaf.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    Certified { certificate, key: key_file, roots: Arc::new(roots), _dir: dir }
}

/// A relay that runs for as long as this lives.
pub(crate) struct Running {
    child: Child,
    /// Read by a thread, so that the relay never waits for a test that does not look.
    lines: Receiver<String>,
    /// SMTP, or whatever it was told to speak.
    pub(crate) port: u16,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let (line, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || printed.map_while(Result::ok).try_for_each(|text| line.send(text)));
        let first = lines.recv().unwrap_or_default();
        let port = first.strip_prefix("listening ").and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{command:?} did not start, see above: {first:?}"));
        Self { child, lines, port }
    }

    /// The next mail that it took, as aiosmtpd's reader saw it.
    pub(crate) fn mail(&self) -> serde_json::Value {
        let line = self.lines.recv().expect("the relay has ended");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both end with their input, and clean up behind themselves.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp").join(name)
}

/// Says so past the harness, which would keep the output of a test that passes to itself.
fn left_out(what: &str) {
    let text = format!("\n*** LEFT OUT: {what} is not installed; run tests/setup/install.sh ***\n\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// A faulty relay, if aiosmtpd is installed.
pub(crate) fn faulty(arguments: &[&str]) -> Option<Running> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let python = if venv.exists() { venv } else { "python3".into() };
    let probe = Command::new(&python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        left_out("aiosmtpd (PyPI)");
        return None;
    }
    let mut command = Command::new(python);
    command.arg(script("faults.py")).args(arguments);
    Some(Running::start(command))
}

/// A Postfix. It ends before its folder goes.
pub(crate) struct Postfix {
    pub(crate) running: Running,
    pub(crate) dir: TempDir,
    /// Where it speaks TLS from the first byte.
    pub(crate) tls_port: u16,
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"))
}

/// Both bind by number, so their ports are those that were free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An OpenSMTPD and its folder, if it is unpacked and we are root.
pub(crate) fn opensmtpd() -> Option<(Running, TempDir)> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/opensmtpd");
    if !is_root() || !unpacked.join("usr/sbin/smtpd").exists() {
        left_out("OpenSMTPD (unpacked from Debian), to be run as root,");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(script("opensmtpd.sh"));
    command.arg(unpacked).arg(dir.path()).arg(free_port().to_string());
    Some((Running::start(command), dir))
}

/// A Postfix, if it is installed and we are root.
pub(crate) fn postfix(certified: &Certified) -> Option<Postfix> {
    if !is_root() || !Path::new("/usr/sbin/postfix").exists() {
        left_out("Postfix (Debian), to be run as root,");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let (port, tls_port) = (free_port(), free_port());
    let mut command = Command::new(script("postfix.sh"));
    command.arg(dir.path()).arg(port.to_string()).arg(tls_port.to_string());
    command.arg(&certified.certificate).arg(&certified.key);
    Some(Postfix { running: Running::start(command), dir, tls_port })
}

/// Our side of the relay on `port`, whose name leads to loopback.
pub(crate) fn ours(port: u16, tls: MailTls, login: Option<(&str, &str)>, roots: &Arc<RootCertStore>) -> MailRelay {
    named(HOST, port, tls, login, roots)
}

/// The same under another name.
pub(crate) fn named(
    host: &str,
    port: u16,
    tls: MailTls,
    login: Option<(&str, &str)>,
    roots: &Arc<RootCertStore>,
) -> MailRelay {
    let login = login.map(|(user, password)| Login { user: user.into(), password: password.into() });
    let patience = Patience::default();
    let plan = RelayPlan { host: host.into(), port, tls, login, roots: roots.clone(), patience };
    let loopback = gengfu::network::ConnectTo {
        host: "*.test".into(),
        network: std::net::Ipv4Addr::LOCALHOST,
        prefix: 32,
        port_offset: 0,
    };
    let network = Network { connect_to: vec![loopback], allow: vec![], roots: roots.clone() };
    MailRelay::new(plan, "gengfu.bdc.test", Arc::new(network)).unwrap()
}

/// The same with little patience, for relays that hang.
pub(crate) fn impatient(port: u16) -> MailRelay {
    patient_for(port, Duration::from_millis(300))
}

/// The same with some patience.
pub(crate) fn patient_for(port: u16, patience: Duration) -> MailRelay {
    let roots = Arc::new(RootCertStore::empty());
    let patience = Patience { connect: patience, deliver: patience };
    let plan =
        RelayPlan { host: "127.0.0.1".into(), port, tls: MailTls::None, login: None, roots: roots.clone(), patience };
    let network = Network { connect_to: vec![], allow: vec![], roots };
    MailRelay::new(plan, "gengfu.bdc.test", Arc::new(network)).unwrap()
}
