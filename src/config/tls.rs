//! `tls` of `gengfu.yaml`: where pages and API are served with TLS, and with what.
//!
//! Not here: listeners (`web::serve`), what is wrong with a certificate (`network::certificate`). Files that are not
//! there are a warning, since files are checked elsewhere, too; what is there must be good.

use crate::domain::Timestamp;
use crate::field::{Code, Problem, Problems, Record};
use crate::network::certificate::{CertificateError, CertificateFiles};
use std::path::Path;

/// Whoever's certificate ends within this time is warned.
const SOON_MS: i64 = 30 * crate::domain::DAY;

/// TLS of the daemon itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// An address of its own: `host:port`; `None` stands for `listen`.
    pub listen: Option<String>,
    /// Certificate, key and roots of clients.
    pub files: CertificateFiles,
}

/// Lowers `tls`.
pub(super) fn lower(
    root: &Path,
    main: &Record,
    now: Option<Timestamp>,
    problems: &mut Problems,
) -> Option<TlsSettings> {
    let record = main.record("tls").filter(|record| record.complete)?;
    let path = |field: &str| record.opt_text(field).map(|path| root.join(path));
    let files =
        CertificateFiles { certificate: path("certificate")?, key: path("key")?, client_roots: path("client_roots") };
    let at = record.at("certificate");
    match files.load() {
        Ok(_) => {}
        Err(error @ CertificateError::Unreadable { .. }) => {
            let problem = Problem::warning(Code::CertificateAbsent, at, error.to_string());
            problems.push(problem.hint("the daemon does not start without it"));
        }
        Err(error) => problems.push(Problem::error(Code::Value, at, error.to_string())),
    }
    if let (Some(now), Some(end)) = (now, files.not_after())
        && end.since(now) < SOON_MS
    {
        let verb = if end <= now { "expired" } else { "expires" };
        let problem = Problem::warning(Code::CertificateDue, at, format!("the daemon's certificate {verb} at {end}"));
        problems.push(problem.hint("renew it; the daemon reads the file again when it changes"));
    }
    Some(TlsSettings { listen: record.opt_text("listen").map(str::to_owned), files })
}
