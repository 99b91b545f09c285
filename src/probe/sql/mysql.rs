//! MySQL and MariaDB over our own connection and our own TLS: log in, ask, leave.
//!
//! The usual client opens its connections itself and trusts roots of its own choice, so it could neither honour
//! `network.ca` nor show phases and certificates. Not here: bytes (`wire`), expectations (`expect`). Invariants: the
//! password goes out in clear only inside TLS; several statements are never allowed on the connection.

pub(super) mod wire;

use super::capped::Capped;
use super::{Answer, READ_BYTES_MAX, Sql};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::peer::Stream;
use crate::probe::{Attempt, Phase};
use mysql_common::scramble::{create_response_for_ed25519, scramble_native, scramble_sha256};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::either::Either;
use wire::{Greeting, Refusal, can, parse_error, parse_first_column, parse_greeting, parse_switch};

/// Steps of a login; more are a server that goes in circles.
const STEPS_MAX: usize = 8;

/// Logs in, asks, and leaves.
pub(super) async fn ask(sql: &Sql, attempt: &Attempt) -> Result<Answer, Outcome> {
    let stream = Either::Left(sql.peer.connect(attempt).await?);
    attempt.enter(Phase::Processing);
    let mut session = Session { sql, attempt, stream: Capped { inner: stream, left: READ_BYTES_MAX }, sequence: 0 };
    let greeting = session.greeting().await?;
    attempt.note(format!("greeted by {}", greeting.version));
    if sql.peer.tls_first {
        session = session.secure(&greeting).await?;
    }
    session.log_in(&greeting).await?;
    attempt.note(format!("logged in as {}", sql.user));
    let patience = Sql::patience(attempt);
    let limit = if greeting.version.contains("MariaDB") {
        format!("SET max_statement_time = {}", patience.as_secs_f64())
    } else {
        format!("SET max_execution_time = {}", patience.as_millis())
    };
    // Versions that do not know the limit are asked without.
    if let Some(refusal) = session.command(&limit).await? {
        attempt.note(format!("no limit for the query: {}", refusal.message));
    }
    if let Some(refusal) = session.command("START TRANSACTION READ ONLY").await? {
        return Err(refused(sql, &refusal));
    }
    attempt.note("asking");
    let answer = session.query().await?;
    if answer.rows < sql.expect.rows() {
        session.command("ROLLBACK").await?;
    }
    // Closing rolls back as well, and the rest need not be read.
    let _ = session.say(0, &[wire::COM_QUIT]).await;
    Ok(answer)
}

struct Session<'a> {
    sql: &'a Sql,
    attempt: &'a Attempt,
    stream: Capped<Stream>,
    sequence: u8,
}

impl<'a> Session<'a> {
    async fn greeting(&mut self) -> Result<Greeting, Outcome> {
        let packet = self.hear().await?;
        if let Some(refusal) = parse_error(&packet) {
            return Err(refused(self.sql, &refusal));
        }
        parse_greeting(&packet).ok_or_else(|| self.sql.protocol("does not greet as MySQL does"))
    }

    async fn secure(mut self, greeting: &Greeting) -> Result<Self, Outcome> {
        if greeting.capabilities & can::SSL == 0 {
            return Err(self.sql.no_tls());
        }
        let sequence = self.sequence;
        self.say(sequence, &wire::ssl_request(self.capabilities())).await?;
        let Either::Left(plain) = self.stream.inner else { return Ok(self) };
        let inner = self.sql.peer.secure(self.attempt, plain).await?;
        self.attempt.enter(Phase::Processing);
        self.stream = Capped { inner, left: self.stream.left };
        Ok(self)
    }

    fn capabilities(&self) -> u32 {
        let tls = if self.sql.peer.tls_first { can::SSL } else { 0 };
        let database = if self.sql.database.is_some() { can::CONNECT_WITH_DB } else { 0 };
        can::ALWAYS | tls | database
    }

    async fn log_in(&mut self, greeting: &Greeting) -> Result<(), Outcome> {
        let sql = self.sql;
        let mut plugin = greeting.plugin.clone();
        // A server may greet with what we do not speak and still know this user by something else.
        let mut proof = self.proof(&plugin, &greeting.nonce).unwrap_or_default();
        let database = sql.database.as_deref();
        let hello = wire::login(self.capabilities(), &sql.user, &proof, database, &plugin);
        let sequence = self.sequence;
        self.say(sequence, &hello).await?;
        for _ in 0..STEPS_MAX {
            let packet = self.hear().await?;
            let sequence = self.sequence;
            match (packet.first(), packet.get(1)) {
                (Some(0x00), _) => return Ok(()),
                (Some(0xff), _) => return Err(self.refusal(&packet)),
                (Some(0xfe), _) => {
                    let Some((name, nonce)) = parse_switch(&packet) else {
                        return Err(sql.protocol("asks for a login of before 2004, which is not spoken here"));
                    };
                    proof = self.proof(&name, &nonce).ok_or_else(|| {
                        sql.protocol(&format!("asks for the login method {name:?}, which is not spoken here"))
                    })?;
                    plugin = name;
                    self.say(sequence, &proof).await?;
                }
                (Some(0x01), Some(0x03)) => {}
                (Some(0x01), Some(0x04)) if sql.peer.tls_first => {
                    self.say(sequence, &[sql.password.as_bytes(), b"\0"].concat()).await?;
                }
                (Some(0x01), Some(0x04)) => {
                    let what = format!("asks for the password itself ({plugin}), and it goes out in TLS only");
                    return Err(sql.protocol(&format!("{what}; set `tls: true`")));
                }
                _ => return Err(sql.protocol("does not answer a login as MySQL does")),
            }
        }
        Err(sql.protocol("does not come to an end with the login"))
    }

    /// What proves the password by that method; empty for an empty one.
    fn proof(&self, plugin: &str, nonce: &[u8]) -> Option<Vec<u8>> {
        let password = self.sql.password.as_bytes();
        let proof = match plugin {
            "mysql_native_password" => scramble_native(nonce, password).map(Vec::from),
            "caching_sha2_password" => scramble_sha256(nonce, password).map(Vec::from),
            "client_ed25519" if password.is_empty() => None,
            "client_ed25519" => Some(create_response_for_ed25519(password, nonce).to_vec()),
            _ => return None,
        };
        Some(proof.unwrap_or_default())
    }

    /// A statement without rows; what the server has against it, if anything.
    async fn command(&mut self, text: &str) -> Result<Option<Refusal>, Outcome> {
        self.say(0, &wire::query(text)).await?;
        let packet = self.hear().await?;
        match packet.first() {
            Some(0x00) => Ok(None),
            Some(0xff) => Ok(parse_error(&packet)),
            _ => Err(self.sql.protocol("does not answer as MySQL does")),
        }
    }

    async fn query(&mut self) -> Result<Answer, Outcome> {
        self.say(0, &wire::query(&self.sql.query)).await?;
        let head = self.hear().await?;
        self.attempt.enter(Phase::Transfer);
        match head.first() {
            Some(0x00) => return Ok(Answer::default()),
            Some(0xff) => return Err(self.refusal(&head)),
            // It may name any file of ours; it gets none.
            Some(0xfb) => return Err(self.sql.protocol("asks for a file of ours instead of answering")),
            _ => {}
        }
        // The columns, up to their end.
        while !wire::is_end(&self.row().await?) {}
        let mut answer = Answer::default();
        while answer.rows < self.sql.expect.rows() {
            let row = self.row().await?;
            if wire::is_end(&row) {
                break;
            }
            let value = parse_first_column(&row).ok_or_else(|| self.sql.protocol("sent a broken row"))?;
            answer.add(value.map(String::from_utf8_lossy).as_deref());
        }
        Ok(answer)
    }

    /// A packet of a result, which may be an error even in the middle.
    async fn row(&mut self) -> Result<Vec<u8>, Outcome> {
        let packet = self.hear().await?;
        if packet.first() == Some(&0xff) { Err(self.refusal(&packet)) } else { Ok(packet) }
    }

    fn refusal(&self, packet: &[u8]) -> Outcome {
        match parse_error(packet) {
            Some(refusal) => refused(self.sql, &refusal),
            None => self.sql.protocol("sent a broken error"),
        }
    }

    async fn say(&mut self, sequence: u8, payload: &[u8]) -> Result<(), Outcome> {
        let said = async {
            self.stream.write_all(&wire::packet(sequence, payload)).await?;
            self.stream.flush().await
        };
        let said = said.await;
        self.sequence = sequence.wrapping_add(1);
        said.map_err(|error| self.lost(&error))
    }

    /// The next packet; its bytes are counted, so it cannot be longer than what is left.
    async fn hear(&mut self) -> Result<Vec<u8>, Outcome> {
        let mut head = [0; 4];
        let heard = async {
            self.stream.read_exact(&mut head).await?;
            let [a, b, c, sequence] = head;
            let length = u32::from_le_bytes([a, b, c, 0]);
            let mut payload = Vec::new();
            (&mut self.stream).take(length.into()).read_to_end(&mut payload).await?;
            let whole = payload.len() == usize::try_from(length).unwrap_or(usize::MAX);
            if whole { Ok((sequence, payload)) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) }
        };
        let heard = heard.await;
        let (sequence, payload) = heard.map_err(|error| self.lost(&error))?;
        self.sequence = sequence.wrapping_add(1);
        Ok(payload)
    }

    fn lost(&self, error: &io::Error) -> Outcome {
        let phase = self.attempt.phase().unwrap_or(Phase::Processing);
        self.attempt.leave();
        self.sql.lost(error, phase)
    }
}

/// The verdict about an error that the server reports.
fn refused(sql: &Sql, refusal: &Refusal) -> Outcome {
    let user = &sql.user;
    let status = ReasonKind::Status;
    let (kind, what) = match refusal.code {
        1045 | 1698 => (status, format!("refused the login of {user}; check `user` and `password`")),
        1044 | 1049 => {
            let database = sql.database.as_deref().unwrap_or_default();
            (status, format!("has no database {database:?} for {user}; check `database`"))
        }
        1040 | 1203 | 1226 => (status, "has no connection left".into()),
        1129 | 1130 => (status, "does not let this host in".into()),
        1053 | 1927 | 3169 => (status, "is shutting down".into()),
        1317 | 1969 | 3024 => (ReasonKind::Timeout, "gave up the query".into()),
        1792 | 1290 => (status, "refused a query that would write".into()),
        1142 | 1143 | 1227 | 1370 => (status, format!("does not let {user} ask this")),
        1064 => (status, "does not understand `query` as one statement".into()),
        _ => (status, "refused".into()),
    };
    let state = refusal.state.as_deref().map_or_else(String::new, |state| format!(", SQLSTATE {state}"));
    sql.refused(kind, &what, &format!("error {}{state}", refusal.code), &refusal.message)
}

/// Reads `bytes` as everything that a server may say, and shows what came out.
pub(in crate::probe) fn mysql_packets(bytes: &[u8], show: impl Fn(&dyn std::fmt::Debug)) {
    show(&(parse_greeting(bytes), parse_error(bytes), parse_switch(bytes), parse_first_column(bytes)));
    show(&wire::is_end(bytes));
}
