//! `blackbox_exporter` as Debian packages it, with one processor for Go.

use crate::process::{Process, free_port};
use anyhow::Result;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The program.
pub(crate) const PROGRAM: &str = "prometheus-blackbox-exporter";

/// The same demands as gengfu's probe: status and body. The chain is not verified.
const MODULES: &str = "modules:\n  http:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: \
                       ip4\n      valid_status_codes: [200]\n      fail_if_body_not_matches_regexp: [ok]\n      \
                       enable_http2: false\n      tls_config: { insecure_skip_verify: true }\n";

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

    /// Where it is asked to probe `urls`.
    pub(crate) fn urls(&self, urls: &[String]) -> Vec<String> {
        urls.iter().map(|url| format!("http://127.0.0.1:{}/probe?module=http&target={url}", self.port)).collect()
    }
}
