//! Who is asked: an nginx of our own on loopback, HTTP and HTTPS, with a certificate made for the run.
//!
//! Not here: who asks. Invariants: nothing outside a temporary directory is written; nginx ends with the run; TLS
//! sessions cannot be resumed, so that every probe pays for a whole handshake.

use super::process::{Process, free_port, on_core};
use anyhow::{Context, Result, bail};
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Addresses on which nginx listens. Several, so that no prober runs out of local ports.
const ADDRESSES: u8 = 8;

/// Requests that one connection of a tester may take until nginx is up.
const TRIES: u32 = 200;

/// The running target.
pub(crate) struct Target {
    _nginx: Process,
    port: u16,
    tls_port: u16,
    folder: PathBuf,
}

impl Target {
    /// Starts nginx on a core, if that can be chosen.
    pub(crate) fn start(folder: &Path, core: usize) -> Result<Self> {
        certificates(folder)?;
        let (port, tls_port) = (free_port()?, free_port()?);
        std::fs::write(folder.join("nginx.conf"), configuration(folder, port, tls_port))?;
        let mut command = on_core(core, "nginx");
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("nginx.log"));
        let nginx = Process::spawn(&mut command).context("nginx cannot be started; install nginx-light")?;
        let target = Self { _nginx: nginx, port, tls_port, folder: folder.to_owned() };
        target.wait()?;
        Ok(target)
    }

    fn wait(&self) -> Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.tls_port));
        for _ in 0..TRIES {
            if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(25));
        }
        bail!("nginx does not listen; see {}", self.folder.join("nginx.log").display())
    }

    /// URLs of one scheme.
    pub(crate) fn urls(&self, scheme: &str) -> Vec<String> {
        let port = if scheme == "https" { self.tls_port } else { self.port };
        (1..=ADDRESSES).map(|last| format!("{scheme}://127.0.0.{last}:{port}/")).collect()
    }

    /// The root that signed the target's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

fn certificates(folder: &Path) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca.pem"), ca.self_signed(&ca_key)?.pem())?;
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(vec!["portal.huangpu.test".into()])?;
    leaf.subject_alt_names
        .extend((1..=ADDRESSES).map(|last| SanType::IpAddress(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))));
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    std::fs::write(folder.join("leaf.pem"), leaf.pem())?;
    std::fs::write(folder.join("leaf.key"), key.serialize_pem())?;
    Ok(())
}

fn configuration(folder: &Path, port: u16, tls_port: u16) -> String {
    let folder = folder.display();
    let listen: String = (1..=ADDRESSES)
        .map(|last| {
            format!("listen 127.0.0.{last}:{port} backlog=4096; listen 127.0.0.{last}:{tls_port} ssl backlog=4096;\n")
        })
        .collect();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid;\nevents {{ worker_connections 16384; }}\nhttp {{\n\
         access_log off;\n{temporary}server {{\n{listen}ssl_certificate {folder}/leaf.pem; ssl_certificate_key \
         {folder}/leaf.key; ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off;\nlocation / {{ \
         default_type text/plain; return 200 \"ok\\n\"; }}\n}}\n}}\n"
    )
}
