//! `sql`: logs in to a database and asks one query that only reads.
//!
//! Not here: how each engine is spoken to (`postgresql`, `mysql`). Invariants: one statement, inside a read-only
//! transaction that is never committed; rows, bytes and the shown value are bounded; no text contains the password.

mod capped;
mod expect;
mod mysql;
mod postgresql;

pub(super) use mysql::mysql_packets;

use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober, dial};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use capped::TooMuch;
use expect::{Answer, Expect};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How much of all that the server sends is read.
const READ_BYTES_MAX: usize = 1 << 20;
/// The most rows that can be asked for.
const ROWS_MAX: usize = 1_000;
/// The server may work this much longer than we wait, so that a time-out is ours and names the phase.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a query that reads begins with.
const READING: [&str; 6] = ["SELECT", "SHOW", "WITH", "VALUES", "TABLE", "EXPLAIN"];

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "sql",
    about: "Logs in to PostgreSQL, MySQL or MariaDB and asks one query in a read-only transaction.",
    example: "engine: postgresql\naddress: db.bdc.test:5432\ntls: true\nuser: monitor\npassword: ${DB_PASSWORD}\n\
        database: exchange\nquery: SELECT count(*) FROM inbox WHERE failed\nexpect: { at_most: 100 }\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const NUMBER: Type = Type::Int { min: i64::MIN, max: i64::MAX };
const ROWS: Type = Type::Int { min: 1, max: 1_000 };
const QUERY_DOC: &str = "One statement that reads: it begins with SELECT, SHOW, WITH, VALUES, TABLE or EXPLAIN.";

const FIELDS: &[Field] = &[
    Field::required("engine", Type::Choice(&["postgresql", "mysql"]), "What is spoken; `mysql` is MariaDB's too."),
    ADDRESS,
    FAMILY,
    TLS,
    Field::required("user", Type::TEXT, "Who logs in; give it the right to read what the query needs, no more."),
    Field::optional("password", Type::Secret, "The user's password: `${NAME}`."),
    Field::optional("database", Type::TEXT, "Database to open; left out, the server's choice."),
    Field::with_default("query", Type::Text { max: 10_000 }, "SELECT 1", QUERY_DOC),
    Field::optional("expect", Type::Record(EXPECT), "What the first column of the first row must be."),
    SLOWER_THAN,
];

const EXPECT: &[Field] = &[
    Field::optional("equals", Type::TEXT, "The value, as the engine writes it."),
    Field::optional("matches", Type::Regex, "Pattern that must match in the value."),
    Field::optional("at_least", NUMBER, "The smallest number that is right."),
    Field::optional("at_most", NUMBER, "The largest number that is right."),
    Field::optional("rows_at_least", ROWS, "How many rows there must be at least; no further ones are read."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let query = record.text("query").trim().trim_end_matches(';').to_owned();
    if !reads(&query) {
        let text = "this query does not begin like one that only reads";
        problems.push(Problem::error(Code::Value, record.at("query"), text).expected(READING.join(", ")));
    }
    for field in ["user", "database", "query", "password"] {
        if record.opt_text(field).is_some_and(|text| text.contains('\0')) {
            problems.push(Problem::error(Code::Value, record.at(field), "a NUL character cannot be sent"));
        }
    }
    let engine = if record.text("engine") == "mysql" { Engine::Mysql } else { Engine::Postgresql };
    let peer = Peer::of(record, context)?;
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Sql {
        engine,
        peer,
        user: record.text("user").to_owned(),
        password: record.text("password").to_owned(),
        database: record.opt_text("database").map(str::to_owned),
        query,
        expect: record.record("expect").map(Expect::of).unwrap_or_default(),
        slower_than: peer::limit(record),
    }))
}

/// A first guard that costs nothing; the read-only transaction and the user's rights are the ones that count.
fn reads(query: &str) -> bool {
    let word: String =
        query.trim_start_matches(['(', ' ', '\n']).chars().take_while(char::is_ascii_alphabetic).collect();
    READING.iter().any(|reading| reading.eq_ignore_ascii_case(&word))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Postgresql,
    Mysql,
}

impl Engine {
    fn spoken(self) -> &'static str {
        match self {
            Self::Postgresql => "PostgreSQL",
            Self::Mysql => "MySQL",
        }
    }
}

struct Sql {
    engine: Engine,
    peer: Peer,
    user: String,
    /// Empty for none.
    password: String,
    database: Option<String>,
    query: String,
    expect: Expect,
    slower_than: Option<Duration>,
}

impl Prober for Sql {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.ask(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Sql {
    async fn ask(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let answer = match self.engine {
            Engine::Postgresql => postgresql::ask(self, attempt).await?,
            Engine::Mysql => mysql::ask(self, attempt).await?,
        };
        attempt.leave();
        attempt.note(format!("got {answer}"));
        match self.expect.judge(&answer, &self.peer.named()) {
            Some(wrong) => Err(Outcome::fail(ReasonKind::Content, self.without_password(wrong))),
            None => Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass)),
        }
    }

    /// How long the server may work on the query.
    fn patience(attempt: &Attempt) -> Duration {
        attempt.remaining() + PATIENCE
    }

    /// A failure by what the server said; `code` is what it calls it.
    fn refused(&self, kind: ReasonKind, what: &str, code: &str, message: &str) -> Outcome {
        let text = format!("{} {what} ({code}: {message})", self.peer.named());
        Outcome::fail(kind, self.without_password(text))
    }

    fn protocol(&self, what: &str) -> Outcome {
        Outcome::fail(ReasonKind::Protocol, self.without_password(format!("{} {what}", self.peer.named())))
    }

    fn no_tls(&self) -> Outcome {
        let remedy = "turn it on there, or set `tls: false` here";
        Outcome::fail(ReasonKind::Tls, format!("{} does not offer TLS; {remedy}", self.peer.named()))
    }

    /// The verdict about a connection that broke.
    fn lost(&self, error: &(dyn Error + 'static), phase: Phase) -> Outcome {
        if dial::cause::<TooMuch>(error).is_some() {
            if phase != Phase::Transfer {
                let what =
                    format!("sent more than {} KiB, and no answer of {}", READ_BYTES_MAX >> 10, self.engine.spoken());
                return self.protocol(&what);
            }
            let text = format!("{} sent more than {} KiB; ask for less", self.peer.named(), READ_BYTES_MAX >> 10);
            return Outcome::fail(ReasonKind::Content, text);
        }
        dial::failed(error, phase, &self.peer.host, self.peer.port)
    }

    /// Servers do not repeat passwords, but whoever answers in their place might.
    fn without_password(&self, text: String) -> String {
        if self.password.is_empty() { text } else { text.replace(&self.password, "…") }
    }
}

#[cfg(test)]
pub(super) mod tests;
