//! `blackbox_exporter` as Debian packages it: `GOMAXPROCS=1`, asked over connections that are kept.

use crate::asker::{Asked, drive};
use crate::process::{MEASURED, Process, free_port, on_core};
use anyhow::Result;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// The same demands as gengfu's probe: status and body. The chain is not verified.
const MODULES: &str = "modules:\n  http:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: \
                       ip4\n      valid_status_codes: [200]\n      fail_if_body_not_matches_regexp: [ok]\n      \
                       enable_http2: false\n      tls_config: { insecure_skip_verify: true }\n";

/// Lets it probe `urls`; `None` if it is not installed.
pub(crate) fn ask(folder: &Path, urls: &[String], ca: &Path) -> Result<Option<Asked>> {
    let (port, file) = (free_port()?, folder.join("blackbox.yml"));
    std::fs::write(&file, MODULES)?;
    let mut command = on_core(MEASURED, "prometheus-blackbox-exporter");
    command.env("GOMAXPROCS", "1").arg(format!("--config.file={}", file.display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let installed = std::process::Command::new("prometheus-blackbox-exporter").arg("--version").output().is_ok();
    if !installed {
        return Ok(None);
    }
    let exporter = Process::spawn(&mut command)?;
    for _ in 0..200 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(25));
    }
    let urls: Vec<String> =
        urls.iter().map(|url| format!("http://127.0.0.1:{port}/probe?module=http&target={url}")).collect();
    drive(&urls, ca, exporter.id()).map(Some)
}
