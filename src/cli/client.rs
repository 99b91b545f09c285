//! What every command shares that asks a running daemon: where it is, with which token, for how long, and what its
//! answers mean for an exit code.
//!
//! Not here: what is asked. Invariants: one deadline over a whole question; an answer is bounded; a redirect is not
//! followed, since it would carry the token elsewhere; a token enters no message; what is no clear yes is never exit 0.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode, Url};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Connecting, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A whole question, unless a command says otherwise; the daemon itself gives a change 20 s.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The longest answer that is read; a page of the audit log is the longest that there is.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The longest file of a token.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Problems found, or denied.
const DENIED: u8 = 1;

/// Could not run.
const COULD_NOT_RUN: u8 = 2;

/// Arguments of every command that asks a daemon.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServerArgs {
    /// The daemon: http://127.0.0.1:9424.
    #[arg(long, global = true, value_name = "URL")]
    server: Option<Url>,
    /// A file that holds the token for the daemon.
    #[arg(long, global = true, value_name = "FILE", env = "GENGFU_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// A file of roots that are trusted besides the system's, for https.
    #[arg(long, global = true, value_name = "FILE", env = "GENGFU_CA")]
    ca: Option<PathBuf>,
}

impl ServerArgs {
    /// Whether a daemon is named.
    pub fn is_named(&self) -> bool {
        self.server.is_some()
    }

    /// Whether a token is shown.
    pub fn has_token(&self) -> bool {
        self.token_file.is_some()
    }

    /// A client for the daemon that is named, or for `otherwise`: where the files say that it listens. Each of its
    /// questions takes at most `within`.
    ///
    /// # Errors
    /// What cannot be read, or is no address of a daemon.
    pub fn client(&self, otherwise: Option<&str>, within: Duration) -> Result<Client> {
        let server = match (&self.server, otherwise) {
            (Some(url), _) => url.clone(),
            (None, Some(text)) => Url::parse(text).with_context(|| format!("{text} is no address"))?,
            (None, None) => bail!("no daemon is named; give --server http://127.0.0.1:9424"),
        };
        if !matches!(server.scheme(), "http" | "https") || server.host_str().is_none() {
            bail!("{server} is no address of a daemon; write http:// or https:// and a host");
        }
        let token = self.token_file.as_deref().map(read_token).transpose()?;
        if token.is_some() && server.scheme() == "http" && !is_here(&server) {
            // Whoever does it nevertheless, through a tunnel say, is not held up.
            let warning = "warning: the token leaves this machine unencrypted; use https://";
            let _ = writeln!(std::io::stderr(), "{warning}");
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(self.ca.as_deref())?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .build()?;
        Ok(Client { http, server, token, within })
    }
}

fn is_here(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_token(path: &Path) -> Result<String> {
    let read = || format!("cannot read the token in {}", path.display());
    if std::fs::metadata(path).with_context(read)?.len() > TOKEN_BYTES_MAX {
        bail!("{} is longer than {TOKEN_BYTES_MAX} bytes; a token is not", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(read)?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{} holds no token: one word, as `gengfu token` prints it", path.display());
    }
    Ok(token.to_owned())
}

fn tls(ca: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        if added == 0 {
            bail!("{} holds no certificate; write it as PEM", path.display());
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// A way to one daemon.
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<String>,
    within: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.server.as_str()).finish_non_exhaustive()
    }
}

/// What a daemon answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its JSON; null if it was none.
    pub json: Value,
    server: Url,
}

impl Client {
    /// Reads something. `path` is relative: `api/v1/gate`.
    ///
    /// # Errors
    /// If no answer came.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer> {
        self.ask(Method::GET, path, query, None).await
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// If no answer came, in which case it may have been done all the same.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, query: &[(&str, String)], body: Option<&Value>) -> Result<Answer> {
        let mut base = self.server.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let url = base.join(path).context("the address of the daemon cannot be extended")?;
        let mut request = self.http.request(method, url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = async {
            let mut response = request.send().await?;
            let mut text = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                text.extend_from_slice(&chunk);
                if text.len() > ANSWER_BYTES_MAX {
                    bail!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
                }
            }
            let json = serde_json::from_slice(&text).unwrap_or(Value::Null);
            Ok(Answer { status: response.status(), json, server: self.server.clone() })
        };
        let (server, seconds) = (shown(&self.server), self.within.as_secs());
        tokio::time::timeout(self.within, answer)
            .await
            .with_context(|| format!("{server} did not answer within {seconds} s"))?
            .with_context(|| format!("cannot ask {server}; does a daemon run there?"))
    }
}

/// The address as people may see it: without user and password.
fn shown(server: &Url) -> String {
    let mut shown = server.clone();
    // Both fail only for addresses that cannot have them.
    let _ = shown.set_password(None);
    let _ = shown.set_username("");
    shown.to_string()
}

impl Answer {
    /// Whether the daemon did, or told, what it was asked.
    pub fn is_good(&self) -> bool {
        self.status.is_success()
    }

    /// The exit code: 0 done, 1 denied or found wrong, 2 could not be asked.
    pub fn code(&self) -> u8 {
        match self.status {
            status if status.is_success() => 0,
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::LOCKED => DENIED,
            StatusCode::FORBIDDEN => DENIED,
            _ => COULD_NOT_RUN,
        }
    }

    /// The sentence of a problem, with its remedy, safe for a terminal.
    pub fn problem(&self) -> String {
        let said = ["detail", "title"].iter().find_map(|key| self.json[*key].as_str());
        let said = said.unwrap_or("that is not how a gengfu daemon answers; look at the address");
        format!("{} answered {}: {}", shown(&self.server), self.status, printable_lines(said))
    }
}

/// One line from elsewhere, without what a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1_000).collect()
}

/// Several lines from elsewhere, likewise.
fn printable_lines(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(16_000).collect()
}

#[cfg(test)]
mod tests;
