//! SMTP: one connection, one envelope, one recipient, under deadlines of our own.
//!
//! Not here: which relay is tried when (`crate::outbox`). Invariants: what a relay says before it is told the recipient
//! is the relay's trouble; 5xx for the recipient or the mail is final; a mail whose last answer did not come may have
//! been taken, and is reported as deferred.

use super::{Mail, Notifier, NotifyError, Receipt, secure};
use crate::domain::Reason;
use crate::domain::ReasonKind::Protocol;
use crate::network::Network;
use futures_util::future::BoxFuture;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// From name resolution to the answer to `EHLO` or `AUTH`.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// From `MAIL FROM` to the answer to the mail.
pub const DELIVER_WITHIN: Duration = Duration::from_secs(60);

/// How long a relay may take. The defaults are for production; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the session stands.
    pub connect: Duration,
    /// Until the mail is taken.
    pub deliver: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT_WITHIN, deliver: DELIVER_WITHIN }
    }
}

/// For the farewell; the mail is taken already.
const QUIT_WITHIN: Duration = Duration::from_millis(200);

/// How a connection to a relay is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailTls {
    /// Not at all: a relay on the same machine or network.
    #[default]
    None,
    /// By `STARTTLS`, which the relay must offer.
    StartTls,
    /// From the first byte, usually port 465.
    Implicit,
}

/// Who we are to a relay. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Account.
    pub user: String,
    /// Password, or an authorisation code.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where mail is handed in.
#[derive(Clone, Debug)]
pub struct RelayPlan {
    /// Name, which its certificate must bear.
    pub host: String,
    /// Usually 25, 465 or 587.
    pub port: u16,
    /// Protection of the connection.
    pub tls: MailTls,
    /// If it asks who we are.
    pub login: Option<Login>,
    /// Whom we trust to certify it; `network.roots`, or those with the relay's own `ca` added.
    pub roots: Arc<RootCertStore>,
    /// How long it may take.
    pub patience: Patience,
}

/// A relay that mail is handed to.
pub struct MailRelay {
    name: String,
    plan: RelayPlan,
    hello: ClientId,
    network: Arc<Network>,
    tls: Arc<ClientConfig>,
}

impl MailRelay {
    /// A relay by its plan; `hello` is the name by which we introduce ourselves.
    ///
    /// # Errors
    /// If no TLS can be set up at all.
    pub fn new(plan: RelayPlan, hello: &str, network: Arc<Network>) -> Result<Self, rustls::Error> {
        let tls = secure::config(plan.roots.clone())?;
        let name = format!("{}:{}", plan.host, plan.port);
        Ok(Self { name, plan, hello: ClientId::Domain(hello.to_owned()), network, tls })
    }

    async fn stream(&self) -> std::io::Result<Box<dyn AsyncTokioStream>> {
        let RelayPlan { host, port, tls, .. } = &self.plan;
        let addresses = self.network.resolve_unguarded(host, *port).await?;
        let tcp = TcpStream::connect(&addresses[..]).await?;
        tcp.set_nodelay(true)?;
        Ok(match tls {
            MailTls::None => Box::new(tcp),
            MailTls::StartTls => Box::new(secure::starttls(tcp, host, &self.hello.to_string(), &self.tls).await?),
            MailTls::Implicit => Box::new(secure::implicit(tcp, host, &self.tls).await?),
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let stream = self.stream().await.map_err(|e| e.to_string())?;
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await;
        let mut connection = greeted.map_err(|e| e.to_string())?;
        if let Some(Login { user, password }) = &self.plan.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            let let_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            let_in.map_err(|e| format!("does not let `{user}` in: {e}"))?;
        }
        Ok(connection)
    }

    async fn deliver(&self, relay: &mut AsyncSmtpConnection, mail: &Mail) -> Result<Response, NotifyError> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|e| NotifyError::Refused(format!("{text} is no mail address: {e}")))
        };
        let (from, to) = (address(&mail.from)?, address(&mail.to)?);
        let mut parameters = Vec::new();
        if !mail.to.is_ascii() || !mail.from.is_ascii() {
            if !relay.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(NotifyError::Refused(format!("{} does not take addresses beyond ASCII", self.name)));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let unreachable = |e: Error| NotifyError::Unreachable(self.says(&e.to_string()));
        relay.command(From::new(Some(from), parameters)).await.map_err(unreachable)?;
        relay.command(Rcpt::new(to, vec![])).await.map_err(|e| self.verdict(&e))?;
        relay.command(Data).await.map_err(|e| self.verdict(&e))?;
        relay.message(&mail.bytes).await.map_err(|e| self.verdict(&e))
    }

    /// What an answer to the recipient or the mail means.
    fn verdict(&self, error: &Error) -> NotifyError {
        let text = self.says(&error.to_string());
        let closing = error.status().is_some_and(|code| code.to_string() == "421");
        match (error.is_permanent(), closing) {
            (true, _) => NotifyError::Refused(text),
            (_, true) => NotifyError::Unreachable(text),
            _ => NotifyError::Deferred(text),
        }
    }

    /// A bounded sentence without control characters.
    fn says(&self, text: &str) -> String {
        Reason::new(Protocol, format!("{}: {text}", self.name)).text
    }
}

impl Notifier for MailRelay {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let Patience { connect, deliver } = self.plan.patience;
            let connected = timeout(connect, self.connect()).await;
            let mut relay = connected
                .unwrap_or_else(|_| Err(format!("no session within {connect:?}")))
                .map_err(|text| NotifyError::Unreachable(self.says(&text)))?;
            let delivered = timeout(deliver, self.deliver(&mut relay, mail)).await;
            let response = delivered.unwrap_or_else(|_| {
                let text = format!("did not take the mail within {deliver:?}");
                Err(NotifyError::Deferred(self.says(&text)))
            })?;
            let _ = timeout(QUIT_WITHIN, relay.quit()).await;
            let words: Vec<&str> = response.message().collect();
            Ok(Receipt { text: Reason::new(Protocol, format!("{} {}", response.code(), words.join(" "))).text })
        })
    }
}
