//! One session with a relay: greeting, protection, login, and then mails one after the other.
//!
//! Not here: how long anything may take, and what an answer means for the mail (`super`). Invariants: a session that was
//! used is reset before the next envelope, in the same breath where the relay lets us speak ahead (PIPELINING); where it
//! offers DSN it is asked to report failures and delays, under our id.

use super::super::{Mail, NotifyError, secure};
use super::overheard::Overheard;
use super::{Login, MailTls, RelayPlan};
use crate::network::Network;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use rustls::ClientConfig;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What stands on the envelope.
pub(super) struct Envelope {
    from: Address,
    to: Address,
    /// Under which a relay reports about it.
    id: String,
}

impl Envelope {
    pub(super) fn of(mail: &Mail) -> Result<Self, NotifyError> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|e| NotifyError::Refused(format!("{text} is no mail address: {e}")))
        };
        Ok(Self { from: address(&mail.from)?, to: address(&mail.to)?, id: mail.id.clone() })
    }

    fn is_ascii(&self) -> bool {
        let ascii = |address: &Address| <Address as AsRef<str>>::as_ref(address).is_ascii();
        ascii(&self.from) && ascii(&self.to)
    }
}

/// Where a delivery failed; the answer says why.
#[derive(Debug)]
pub(super) enum Failed {
    /// Before the relay was told for whom the mail is.
    Sender(Error),
    /// For this recipient, or before the mail was on its way.
    Addressing(Error),
    /// Once the mail was on its way: it may have been taken if there is no answer.
    Content(Error),
    /// The relay cannot take such a mail.
    Unfit(String),
    /// The deadline passed.
    Late,
}

impl Failed {
    /// Whether it may be because the session had gone stale, and no harm can come of another try at once.
    pub(super) fn is_of_the_session(&self) -> bool {
        match self {
            Self::Sender(error) | Self::Addressing(error) => !is_an_answer(error),
            _ => false,
        }
    }

    /// Whether the relay waits for the next mail on it.
    pub(super) fn leaves_the_session_fit(&self) -> bool {
        match self {
            Self::Sender(error) | Self::Addressing(error) | Self::Content(error) => is_an_answer(error),
            Self::Unfit(_) => true,
            Self::Late => false,
        }
    }
}

/// An answer after which the session goes on; 421 says that it does not.
fn is_an_answer(error: &Error) -> bool {
    error.status().is_some_and(|code| u16::from(code) != 421)
}

/// A session.
pub(super) struct Session {
    smtp: AsyncSmtpConnection,
    dsn: bool,
    pipelining: bool,
    pub(super) opened_at: Instant,
    pub(super) mails: u32,
}

impl Session {
    /// The error is what the relay said, or that it said nothing.
    pub(super) async fn open(
        plan: &RelayPlan,
        hello: &ClientId,
        network: &Network,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, String> {
        let stream = stream(plan, hello, network, tls).await.map_err(|e| e.to_string())?;
        let (stream, heard) = Overheard::new(stream);
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await;
        let mut smtp = greeted.map_err(|e| e.to_string())?;
        let offers = heard.take();
        let offers = |word: &str| offers.iter().any(|offer| offer == word);
        let (dsn, pipelining) = (offers("DSN"), offers("PIPELINING"));
        if let Some(Login { user, password }) = &plan.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            let let_in = smtp.auth(DEFAULT_MECHANISMS, &credentials).await;
            let_in.map_err(|e| format!("does not let `{user}` in: {e}"))?;
        }
        Ok(Self { smtp, dsn, pipelining, opened_at: Instant::now(), mails: 0 })
    }

    /// Hands one mail over.
    pub(super) async fn deliver(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Response, Failed> {
        let commands = self.commands(envelope)?;
        self.mails += 1;
        let last = commands.len() - 1;
        let stage = move |number: usize, error| {
            // RSET, if there is one, and MAIL come before the two that are about this mail.
            if number + 1 < last { Failed::Sender(error) } else { Failed::Addressing(error) }
        };
        if self.pipelining {
            self.ahead(commands, stage).await?;
        } else {
            for (number, command) in commands.into_iter().enumerate() {
                self.smtp.command(command).await.map_err(|e| stage(number, e))?;
            }
        }
        self.smtp.message(bytes).await.map_err(Failed::Content)
    }

    /// Says everything before the mail in one breath, and then reads as many answers.
    async fn ahead(&mut self, commands: Vec<String>, stage: impl Fn(usize, Error) -> Failed) -> Result<(), Failed> {
        let last = commands.len() - 1;
        let mut failed = None;
        for number in 0..=last {
            let answer = match number {
                0 => self.smtp.command(commands.concat()).await,
                _ => self.smtp.read_response().await,
            };
            match answer {
                Ok(_) if number == last && failed.is_some() => {
                    // It waits for a mail to nobody: an empty one, which it must refuse.
                    let _ = self.smtp.message(b"").await;
                }
                Ok(_) => {}
                Err(error) if error.status().is_none() => return Err(failed.unwrap_or_else(|| stage(number, error))),
                Err(error) => failed = failed.or_else(|| Some(stage(number, error))),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn commands(&self, envelope: &Envelope) -> Result<Vec<String>, Failed> {
        let (mut about_mail, mut about_recipient) = (Vec::new(), Vec::new());
        if !envelope.is_ascii() {
            if !self.smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failed::Unfit("does not take addresses beyond ASCII".into()));
            }
            about_mail.push(MailParameter::SmtpUtfEight);
        }
        if self.dsn {
            let mail = |keyword: &str, value: &str| MailParameter::Other {
                keyword: keyword.to_owned(),
                value: Some(value.to_owned()),
            };
            about_mail.extend([mail("RET", "HDRS"), mail("ENVID", &envelope.id)]);
            let value = Some("FAILURE,DELAY".to_owned());
            about_recipient.push(RcptParameter::Other { keyword: "NOTIFY".to_owned(), value });
        }
        let reset = (self.mails > 0).then(|| Rset.to_string());
        let from = From::new(Some(envelope.from.clone()), about_mail).to_string();
        let to = Rcpt::new(envelope.to.clone(), about_recipient).to_string();
        Ok(reset.into_iter().chain([from, to, Data.to_string()]).collect())
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        let _ = self.smtp.quit().await;
    }
}

async fn stream(
    plan: &RelayPlan,
    hello: &ClientId,
    network: &Network,
    config: &Arc<ClientConfig>,
) -> std::io::Result<Box<dyn AsyncTokioStream>> {
    let RelayPlan { host, port, tls, .. } = plan;
    let addresses = network.resolve_unguarded(host, *port).await?;
    let tcp = TcpStream::connect(&addresses[..]).await?;
    tcp.set_nodelay(true)?;
    Ok(match tls {
        MailTls::None => Box::new(tcp),
        MailTls::StartTls => Box::new(secure::starttls(tcp, host, &hello.to_string(), config).await?),
        MailTls::Implicit => Box::new(secure::implicit(tcp, host, config).await?),
    })
}
