//! A mail sink that speaks SMTP, takes what it is given, and can be told to misbehave.
//!
//! Not here: mail formats (`mail`) and keeping (`mailbox`). Invariants: lines, recipients and mails are bounded; a
//! mail is in the mailbox before its 250 leaves; nothing is ever sent on.

mod wire;

use super::endpoint::{ACCEPT_PAUSE, Common};
use super::mail::Mail;
use super::mailbox::Mailbox;
use crate::clock::Clock;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wire::Wire;

/// Longest command line.
const LINE_BYTES_MAX: usize = 4 * 1024;
/// Largest mail.
const MAIL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Recipients of one mail.
const RECIPIENTS_MAX: usize = 100;
/// Longest silence of a client, and longest hang of ours.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Where the sink stops answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hang {
    /// Nowhere.
    #[default]
    Never,
    /// Takes connections and never greets.
    AtGreeting,
    /// Takes the whole mail, keeps it, and never says so.
    AfterMail,
}

/// What the sink does wrong, switched by hand.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Switches>);

#[derive(Clone, Debug, Default)]
struct Switches {
    deferred: u32,
    rejected: BTreeSet<String>,
    hang: Hang,
}

impl Faults {
    /// The next `mails` attempts get a 451.
    pub fn defer(&self, mails: u32) {
        self.switches().deferred = mails;
    }

    /// This recipient gets a 550 from now on.
    pub fn reject(&self, address: &str) {
        self.switches().rejected.insert(address.to_ascii_lowercase());
    }

    /// Hangs from now on, or stops doing so; connections that hang already go on.
    pub fn hang(&self, hang: Hang) {
        self.switches().hang = hang;
    }

    /// Faultless from now on.
    pub fn mend(&self) {
        *self.switches() = Switches::default();
    }

    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn takes_one_deferral(&self) -> bool {
        let mut switches = self.switches();
        let deferred = switches.deferred > 0;
        switches.deferred = switches.deferred.saturating_sub(1);
        deferred
    }

    fn rejects(&self, address: &str) -> bool {
        self.switches().rejected.contains(&address.to_ascii_lowercase())
    }

    fn hangs(&self) -> Hang {
        self.switches().hang
    }
}

/// What every conversation shares.
pub(super) struct Sink {
    pub(super) mails: Arc<Mailbox>,
    pub(super) faults: Arc<Faults>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) common: Arc<Common>,
}

impl Sink {
    /// Serves until the city stops.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                () = self.common.stop.cancelled() => return,
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    };
                    let Ok(permit) = self.common.connections.clone().acquire_owned().await else { return };
                    let sink = self.clone();
                    tasks.spawn(async move {
                        if let Err(error) = sink.talk(stream).await {
                            tracing::debug!(%error, "a mail conversation broke off");
                        }
                        drop(permit);
                    });
                }
            }
        }
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut wire = Wire::new(Box::new(stream));
        if self.faults.hangs() == Hang::AtGreeting {
            return wire.stay_silent().await;
        }
        wire.say("220 relay of the simulated city ESMTP").await?;
        let mut mail = Envelope::default();
        let mut offers = Offers::StartTls;
        while let Some(line) = wire.line().await? {
            if self.faults.hangs() == Hang::AtGreeting {
                // A relay that stops answering stops on the sessions that it has, too.
                return wire.stay_silent().await;
            }
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    mail = Envelope::default();
                    wire.say(&offers.greeting()).await?;
                }
                "HELO" | "RSET" | "NOOP" => {
                    if !verb.eq_ignore_ascii_case("NOOP") {
                        mail = Envelope::default();
                    }
                    wire.say("250 fine").await?;
                }
                "STARTTLS" if offers == Offers::StartTls => {
                    wire.say("220 go ahead").await?;
                    // What was sent ahead of the handshake was not protected by it, and is dropped.
                    wire = Wire::new(Box::new(self.common.tls.accept(wire.stream).await?));
                    (mail, offers) = (Envelope::default(), Offers::Nothing);
                }
                "MAIL" => wire.say(self.sender(&mut mail, rest)).await?,
                "RCPT" => wire.say(self.recipient(&mut mail, rest)).await?,
                "DATA" => self.message(&mut wire, std::mem::take(&mut mail)).await?,
                "QUIT" => return wire.say("221 bye").await,
                "VRFY" => wire.say("252 send it and see").await?,
                _ => wire.say("502 not understood").await?,
            }
        }
        Ok(())
    }

    fn sender(&self, mail: &mut Envelope, rest: &str) -> &'static str {
        let Some(address) = path(rest, "FROM:") else { return "501 say MAIL FROM:<address>" };
        if self.faults.takes_one_deferral() {
            return "451 4.3.2 not now, try again later";
        }
        *mail = Envelope { from: Some(address), to: Vec::new() };
        "250 2.1.0 sender fine"
    }

    fn recipient(&self, mail: &mut Envelope, rest: &str) -> &'static str {
        let Some(address) = path(rest, "TO:").filter(|a| !a.is_empty()) else { return "501 say RCPT TO:<address>" };
        match () {
            () if mail.from.is_none() => "503 5.5.1 MAIL first",
            () if mail.to.len() >= RECIPIENTS_MAX => "452 4.5.3 too many recipients",
            () if self.faults.rejects(&address) => "550 5.1.1 no such mailbox",
            () => {
                mail.to.push(address);
                "250 2.1.5 recipient fine"
            }
        }
    }

    async fn message(&self, wire: &mut Wire, mail: Envelope) -> std::io::Result<()> {
        let (Some(from), false) = (mail.from, mail.to.is_empty()) else {
            return wire.say("503 5.5.1 MAIL and RCPT first").await;
        };
        wire.say("354 end with a dot on a line of its own").await?;
        let Some(raw) = wire.message().await? else { return wire.say("552 5.3.4 too large").await };
        let id = self.mails.keep(Mail::parse(self.clock.now(), from, mail.to, &raw));
        if self.faults.hangs() == Hang::AfterMail {
            return wire.stay_silent().await;
        }
        wire.say(&format!("250 2.0.0 kept as {id}")).await
    }
}

#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Offers {
    StartTls,
    Nothing,
}

impl Offers {
    fn greeting(self) -> String {
        let starttls = if self == Self::StartTls { "250-STARTTLS\r\n" } else { "" };
        format!("250-hello\r\n{starttls}250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAIL_BYTES_MAX}")
    }
}

/// The address in `FROM:<a@b.test> SIZE=…`; empty for the null sender.
fn path(rest: &str, word: &str) -> Option<String> {
    let head = rest.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let (address, _) = rest[word.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}
