//! `smtp`: the dialogue of mail up to the recipient, and no further unless asked to.
//!
//! Not here: replies (`reply`) and the mails that gengfu itself sends (`notify`). Invariants: DATA is said only where
//! `send_test` asks for it; a password is said only in TLS, and never written into the trace; a reply of 4xx is a
//! failure like one of 5xx, but for greylisting, which asks strangers to come again and is a degraded pass.

mod reply;

use super::lines::Lines;
use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::time::Duration;

pub(super) use reply::{Reply, parse_reply, reply};

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "smtp",
    about: "Speaks SMTP with a relay up to the recipient: greeting, EHLO, STARTTLS, AUTH, MAIL FROM, RCPT TO, QUIT.",
    example: "address: relay.bdc.test:25\nstarttls: required\nfrom: probe@gengfu.test\nto: postmaster@bdc.test\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

/// How we introduce ourselves.
pub(super) const EHLO: &str = "EHLO";
/// What that is answered with.
pub(super) const HELLO: &[u16] = &[250];
/// How much of the end of a conversation is waited for: none of it, only the last word has to leave.
const FAREWELL_TIME: Duration = Duration::from_millis(200);

const CODE: Type = Type::Int { min: 200, max: 599 };
const STARTTLS_WHEN: Type = Type::Choice(&["never", "if_offered", "required"]);
const STARTTLS_DOC: &str = "Whether to change to TLS by STARTTLS; without it and without `tls`, `if_offered`. With it, \
                            a mapping in `tls` holds the settings of that TLS.";
const TO_DOC: &str = "Recipient to name in RCPT TO; nothing is sent to it unless `send_test` is true. Greylisting is \
                      Degraded; any other reply but the right ones fails, 4xx too.";

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    TLS,
    Field::optional("starttls", STARTTLS_WHEN, STARTTLS_DOC),
    Field::optional("hello", Type::Host, "Our name in EHLO; the address we connect from when left out."),
    Field::optional("auth", Type::Record(AUTH), "Whom to log in as, by AUTH PLAIN or LOGIN, in TLS only."),
    Field::optional("from", Type::Mail, "Sender in MAIL FROM; the empty one when only `to` is there."),
    Field::optional("to", Type::Mail, TO_DOC),
    Field::optional("expect_code", Type::OneOrMany(&CODE), "Replies to RCPT TO that are right; 250 when left out."),
    Field::with_default("send_test", Type::Bool, "false", "Whether each attempt really sends a short mail."),
    SLOWER_THAN,
];

const AUTH: &[Field] = &[
    Field::required("user", Type::TEXT, "Name to log in with."),
    Field::required("password", Type::Secret, "Its password: `${NAME}`."),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Starttls {
    Never,
    IfOffered,
    Required,
}

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut wrong = |field: &str, text: &str| problems.push(Problem::error(Code::Value, record.at(field), text));
    let mut peer = Peer::of(record, context)?;
    let starttls = match record.opt_text("starttls") {
        Some("required") => Starttls::Required,
        None if !peer.tls_first => Starttls::IfOffered,
        Some("if_offered") => Starttls::IfOffered,
        _ => Starttls::Never,
    };
    if starttls != Starttls::Never && peer.tls_first {
        if matches!(record.get("tls").map(|tls| &tls.value), Some(Value::Bool(true))) {
            wrong("starttls", "`tls: true` shakes hands before anything is said; leave out one of both");
        }
        peer.tls_first = false;
    }
    let auth = record.record("auth").map(|auth| (auth.text("user").to_owned(), auth.text("password").to_owned()));
    if auth.is_some() && starttls == Starttls::Never && !peer.tls_first {
        wrong("auth", "a password is said in TLS only; set `tls: true` or `starttls: required`");
    }
    let codes = record.list("expect_code").iter().filter_map(|code| u16::try_from(code.value.as_int()?).ok());
    let codes: Vec<u16> = codes.collect();
    let (from, to) = (record.opt_text("from").map(str::to_owned), record.opt_text("to").map(str::to_owned));
    if to.is_none() && !codes.is_empty() {
        wrong("expect_code", "`expect_code` without `to`, whose reply it is about");
    }
    if record.flag("send_test") && (from.is_none() || to.is_none()) {
        wrong("send_test", "a mail needs `from` and `to`");
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Smtp {
        peer,
        starttls,
        hello: record.opt_text("hello").map(str::to_owned),
        auth,
        from,
        to,
        codes: if codes.is_empty() { vec![250] } else { codes },
        send_test: record.flag("send_test"),
        slower_than: peer::limit(record),
    }))
}

struct Smtp {
    peer: Peer,
    starttls: Starttls,
    hello: Option<String>,
    auth: Option<(String, String)>,
    from: Option<String>,
    to: Option<String>,
    codes: Vec<u16>,
    send_test: bool,
    slower_than: Option<Duration>,
}

impl Prober for Smtp {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.open(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Smtp {
    async fn open(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        let mut lines = Lines::new(attempt, &self.peer, stream);
        greeting(&mut lines).await?;
        let mut offers = self.hello(&mut lines).await?;
        if self.starttls != Starttls::Never {
            if offers.offers("STARTTLS") {
                ask_for_tls(&mut lines).await?;
                lines = lines.secure().await?;
                offers = self.hello(&mut lines).await?;
            } else if self.starttls == Starttls::Required {
                let text = format!("{} does not offer STARTTLS", self.peer.named());
                return Err(Outcome::fail(ReasonKind::Tls, text));
            }
        }
        let done = self.transaction(&mut lines, &offers).await;
        let took = attempt.elapsed();
        farewell(&mut lines).await;
        done?;
        Ok(peer::slow(self.slower_than, took).unwrap_or(Outcome::Pass))
    }

    /// EHLO, or HELO where that is not known.
    async fn hello(&self, lines: &mut Lines<'_>) -> Result<Reply, Outcome> {
        let name = self.hello.clone().unwrap_or_else(|| lines.own_name());
        lines.tell(&format!("{EHLO} {name}")).await?;
        let answer = reply(lines, EHLO, &[250, 500, 501, 502, 504]).await?;
        if answer.code == 250 {
            return Ok(answer);
        }
        let answer = ask(lines, &format!("HELO {name}"), "HELO", HELLO).await?;
        // HELO offers nothing, whatever its lines say.
        Ok(Reply { lines: vec![String::new()], ..answer })
    }

    async fn transaction(&self, lines: &mut Lines<'_>, offers: &Reply) -> Result<(), Outcome> {
        if let Some((user, password)) = &self.auth {
            log_in(lines, offers, user, password).await?;
        }
        if self.from.is_none() && self.to.is_none() {
            return Ok(());
        }
        let from = format!("MAIL FROM:<{}>", self.from.as_deref().unwrap_or_default());
        ask(lines, &from, &from.replacen(':', " ", 1), HELLO).await?;
        let Some(to) = &self.to else { return Ok(()) };
        let answer = ask(lines, &format!("RCPT TO:<{to}>"), &format!("RCPT TO <{to}>"), &self.codes).await?;
        if self.send_test && answer.code < 300 {
            self.send(lines, to).await?;
        }
        Ok(())
    }

    async fn send(&self, lines: &mut Lines<'_>, to: &str) -> Result<(), Outcome> {
        ask(lines, "DATA", "DATA", &[354]).await?;
        let from = self.from.as_deref().unwrap_or_default();
        let at = jiff::Timestamp::from_millisecond(lines.attempt.started.0).unwrap_or_default();
        let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let id = format!("{}.{:08x}", lines.attempt.started.0, fastrand::u32(..));
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mail = format!(
            "Date: {date}\r\nFrom: <{from}>\r\nTo: <{to}>\r\nMessage-ID: <{id}@{domain}>\r\nSubject: gengfu test\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             A monitor sent this mail to see whether mail is accepted. It can be deleted.\r\n.\r\n"
        );
        lines.attempt.note("said a short mail");
        lines.say(mail.as_bytes()).await?;
        reply(lines, "the end of DATA", HELLO).await.map(|_| ())
    }
}

/// Says `command` and reads the reply to it, which `what` names in a failure.
pub(super) async fn ask(lines: &mut Lines<'_>, command: &str, what: &str, expected: &[u16]) -> Result<Reply, Outcome> {
    lines.tell(command).await?;
    reply(lines, what, expected).await
}

/// Reads the greeting.
pub(super) async fn greeting(lines: &mut Lines<'_>) -> Result<Reply, Outcome> {
    reply(lines, "the greeting", &[220]).await
}

/// Asks for TLS of a peer that offers it.
pub(super) async fn ask_for_tls(lines: &mut Lines<'_>) -> Result<(), Outcome> {
    ask(lines, "STARTTLS", "STARTTLS", &[220]).await.map(|_| ())
}

async fn log_in(lines: &mut Lines<'_>, offers: &Reply, user: &str, password: &str) -> Result<(), Outcome> {
    if !lines.is_secure() {
        let text = format!("{} offers no TLS, and a password is said in TLS only", lines.peer.named());
        return Err(Outcome::fail(ReasonKind::Tls, text));
    }
    let mechanisms = offers.parameters("AUTH").unwrap_or_default().to_ascii_uppercase();
    let knows = |mechanism| mechanisms.split_whitespace().any(|word| word == mechanism);
    if knows("PLAIN") {
        lines.attempt.note(format!("said AUTH PLAIN as {user}"));
        let secret = STANDARD.encode(format!("\0{user}\0{password}"));
        lines.say(format!("AUTH PLAIN {secret}\r\n").as_bytes()).await?;
    } else if knows("LOGIN") {
        ask(lines, "AUTH LOGIN", "AUTH LOGIN", &[334]).await?;
        lines.say(format!("{}\r\n", STANDARD.encode(user)).as_bytes()).await?;
        reply(lines, "AUTH LOGIN", &[334]).await?;
        lines.say(format!("{}\r\n", STANDARD.encode(password)).as_bytes()).await?;
    } else {
        let offered = if mechanisms.is_empty() { "none" } else { mechanisms.as_str() };
        let text = format!("{}: expected AUTH PLAIN or LOGIN among what is offered", lines.peer.named());
        return Err(Outcome::fail(ReasonKind::Content, format!("{text}, got {offered}")));
    }
    reply(lines, &format!("AUTH as {user}"), &[235]).await.map(|_| ())
}

/// QUIT, which also ends a transaction that was begun (RFC 5321, 4.1.1.10). Nothing depends on the answer.
async fn farewell(lines: &mut Lines<'_>) {
    let _ = tokio::time::timeout(FAREWELL_TIME, lines.tell("QUIT")).await;
    lines.attempt.leave();
}

#[cfg(test)]
mod tests;
