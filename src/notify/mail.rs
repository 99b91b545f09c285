//! SMTP: one envelope, one recipient, under deadlines of our own, over sessions that stay open for a while.
//!
//! Not here: which relay is tried when (`crate::outbox`). Invariants: what a relay says before it is told the recipient
//! is the relay's trouble; 5xx for the recipient or the mail is final; a mail whose last answer did not come may have
//! been taken, and is reported as deferred. A session that went stale between two mails costs no attempt: its first
//! failure is tried again on a fresh one, but never once the mail itself was on its way.

mod overheard;
mod pool;
mod session;

use super::{Mail, Notifier, NotifyError, Receipt, secure};
use crate::domain::Reason;
use crate::domain::ReasonKind::Protocol;
use crate::network::Network;
use futures_util::future::BoxFuture;
use lettre::transport::smtp::extension::ClientId;
use pool::{Lease, Pool};
use rustls::{ClientConfig, RootCertStore};
use session::{Envelope, Failed, Session};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// From name resolution to the answer to `EHLO` or `AUTH`.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// From `MAIL FROM` to the answer to the mail.
pub const DELIVER_WITHIN: Duration = Duration::from_secs(60);

/// How long a relay may take. The defaults are for production; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until a session stands, a fresh one or one that another mail gave back.
    pub connect: Duration,
    /// Until the mail is taken.
    pub deliver: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT_WITHIN, deliver: DELIVER_WITHIN }
    }
}

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
    pool: Pool,
}

impl MailRelay {
    /// A relay by its plan; `hello` is the name by which we introduce ourselves.
    ///
    /// # Errors
    /// If no TLS can be set up at all.
    pub fn new(plan: RelayPlan, hello: &str, network: Arc<Network>) -> Result<Self, rustls::Error> {
        let tls = secure::config(plan.roots.clone())?;
        let name = format!("{}:{}", plan.host, plan.port);
        Ok(Self { name, plan, hello: ClientId::Domain(hello.to_owned()), network, tls, pool: Pool::default() })
    }

    /// A session that nobody has used yet. Where the relay wants no more of them, one that is given back does.
    async fn fresh(&self) -> Result<(Session, Lease<'_>), NotifyError> {
        let within = self.plan.patience.connect;
        let lease = self.pool.lease();
        let opened = timeout(within, Session::open(&self.plan, &self.hello, &self.network, &self.tls)).await;
        match opened.unwrap_or_else(|_| Err(format!("no session within {within:?}"))) {
            Ok(session) => Ok((session, lease)),
            Err(text) => {
                let given_back = timeout(within, self.pool.given_back()).await.ok().flatten();
                given_back.ok_or_else(|| NotifyError::Unreachable(self.says(&text)))
            }
        }
    }

    async fn make(&self, mail: &Mail) -> Result<Receipt, NotifyError> {
        let envelope = Envelope::of(mail)?;
        if let Some((session, _lease)) = self.pool.take() {
            match self.deliver(session, &envelope, &mail.bytes).await {
                Err(failed) if failed.is_of_the_session() => self.pool.forget(),
                other => return other.map_err(|failed| self.verdict(failed)),
            }
        }
        let (session, _lease) = self.fresh().await?;
        self.deliver(session, &envelope, &mail.bytes).await.map_err(|failed| self.verdict(failed))
    }

    /// One try over one session, which is given back if it is fit for another.
    async fn deliver(&self, mut session: Session, envelope: &Envelope, bytes: &[u8]) -> Result<Receipt, Failed> {
        let delivered = timeout(self.plan.patience.deliver, session.deliver(envelope, bytes)).await;
        let delivered = delivered.unwrap_or(Err(Failed::Late));
        if delivered.as_ref().map_or_else(Failed::leaves_the_session_fit, |_| true) {
            self.pool.give_back(session);
        }
        let response = delivered?;
        let words: Vec<&str> = response.message().collect();
        Ok(Receipt { text: Reason::new(Protocol, format!("{} {}", response.code(), words.join(" "))).text })
    }

    /// What an answer, or none, means for the mail.
    fn verdict(&self, failed: Failed) -> NotifyError {
        match failed {
            Failed::Sender(error) => NotifyError::Unreachable(self.says(&error.to_string())),
            Failed::Addressing(error) | Failed::Content(error) if error.is_permanent() => {
                NotifyError::Refused(self.says(&error.to_string()))
            }
            Failed::Addressing(error) | Failed::Content(error) => NotifyError::Deferred(self.says(&error.to_string())),
            Failed::Unfit(text) => NotifyError::Refused(self.says(&text)),
            Failed::Late => {
                let text = format!("did not take the mail within {:?}", self.plan.patience.deliver);
                NotifyError::Deferred(self.says(&text))
            }
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
        Box::pin(self.make(mail))
    }

    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.rest())
    }
}
