//! `blackbox_exporter` as Debian packages it, with one processor for Go.

use crate::process::{Process, free_port};
use anyhow::Result;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The program.
pub(crate) const PROGRAM: &str = "prometheus-blackbox-exporter";

/// The same demands as gengfu's probes make. Chains are not verified.
const MODULES: &str = "modules:
  http:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      valid_status_codes: [200]
      fail_if_body_not_matches_regexp: [ok]
      enable_http2: false
      tls_config: { insecure_skip_verify: true }
  tcp: { prober: tcp, timeout: 5s, tcp: { preferred_ip_protocol: ip4 } }
  dns: { prober: dns, timeout: 5s, dns: { preferred_ip_protocol: ip4, query_name: a.bench.test, query_type: A } }
  icmp: { prober: icmp, timeout: 5s, icmp: { preferred_ip_protocol: ip4 } }
  grpc: { prober: grpc, timeout: 5s, grpc: { preferred_ip_protocol: ip4, tls: false } }
";

/// A running exporter.
pub(crate) struct Blackbox {
    process: Process,
    port: u16,
}

impl Blackbox {
    /// Starts it by `command`; `None` if it is not installed.
    pub(crate) fn start(folder: &Path, mut command: Command) -> Result<Option<Self>> {
        if Command::new(PROGRAM).arg("--version").output().is_err() {
            return Ok(None);
        }
        let (port, file) = (free_port()?, folder.join("blackbox.yml"));
        std::fs::write(&file, MODULES)?;
        command.env("GOMAXPROCS", "1").arg(format!("--config.file={}", file.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::spawn(&mut command)?;
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(25));
        }
        Ok(Some(Self { process, port }))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it is asked to probe `targets` with one of its modules.
    pub(crate) fn urls(&self, module: &str, targets: &[String]) -> Vec<String> {
        let url = |target| format!("http://127.0.0.1:{}/probe?module={module}&target={target}", self.port);
        targets.iter().map(url).collect()
    }
}
