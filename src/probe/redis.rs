//! `redis`: logs in, chooses a database, pings, and looks at INFO where something is expected of it.
//!
//! Not here: keys; nothing is read or written. Invariants: only AUTH, SELECT, PING and INFO are said; every refusal is a
//! failure, LOADING and MASTERDOWN too, since whoever uses the database is refused as well; a replica that has lost its
//! master but still answers is degraded.

mod resp;

use super::lines::{Lines, shown};
use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use std::sync::Arc;
use std::time::Duration;

pub(super) use resp::{Answer, command, info_field, parse_answer};

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "redis",
    about: "Pings a Redis server, logged in or not, and compares its role and fields of INFO with what is expected.",
    example: "address: cache.bdc.test:6379\npassword: example\nexpect: { role: master, at_least: { connected_slaves: 1 } }\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const DATABASE: Type = Type::Int { min: 0, max: 65_535 };
const BOUND: Type = Type::Int { min: -(1 << 52), max: 1 << 52 };

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    TLS,
    Field::optional("user", Type::TEXT, "User of the access list; the default one when left out."),
    Field::optional("password", Type::Secret, "Password: `${NAME}`."),
    Field::optional("database", DATABASE, "Number of the database to choose by SELECT."),
    Field::optional("expect", Type::Record(EXPECT), "What INFO must say; PING must be answered in any case."),
    SLOWER_THAN,
];

const EXPECT: &[Field] = &[
    Field::optional("role", Type::Choice(&["master", "replica"]), "Role in replication."),
    Field::optional(
        "equals",
        Type::Map(&Type::TEXT),
        "Fields of INFO and their values: `maxmemory_policy: noeviction`.",
    ),
    Field::optional("at_least", Type::Map(&BOUND), "Fields of INFO and their least values: `connected_slaves: 1`."),
    Field::optional(
        "at_most",
        Type::Map(&BOUND),
        "Fields of INFO and their greatest values: `used_memory: 8000000000`.",
    ),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    if record.has("user") && !record.has("password") {
        return Err(Problem::error(Code::Value, record.at("user"), "`user` without its `password`").into());
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let login = record.opt_text("password").map(|password| match record.opt_text("user") {
        Some(user) => words(&["AUTH", user, password]),
        None => words(&["AUTH", password]),
    });
    Ok(Arc::new(Redis {
        peer: Peer::of(record, context)?,
        login,
        database: record.opt_int("database").map(|number| number.to_string()),
        expect: record.record("expect").map(Expect::of),
        slower_than: peer::limit(record),
    }))
}

/// What INFO must say.
#[derive(Debug)]
struct Expect {
    role: Option<String>,
    equals: Vec<(String, String)>,
    at_least: Vec<(String, i64)>,
    at_most: Vec<(String, i64)>,
}

impl Expect {
    fn of(record: &Record) -> Self {
        let numbers = |field| {
            let pairs = record.map(field).iter();
            pairs.filter_map(|(name, value)| Some((name.value.clone(), value.value.as_int()?))).collect()
        };
        let texts = record.map("equals").iter();
        Self {
            role: record.opt_text("role").map(str::to_owned),
            equals: texts.filter_map(|(name, text)| Some((name.value.clone(), text.value.as_text()?.into()))).collect(),
            at_least: numbers("at_least"),
            at_most: numbers("at_most"),
        }
    }

    /// What is wrong with `info`.
    fn judge(&self, info: &str) -> Option<Outcome> {
        let fail = |text: String| Some(Outcome::fail(ReasonKind::Content, text));
        let role = info_field(info, "role").map(|role| if role == "slave" { "replica" } else { role });
        if let Some(expected) = self.role.as_deref().filter(|expected| role != Some(expected)) {
            return fail(format!("expected role {expected}, got {}", role.map_or("none".into(), shown)));
        }
        for (name, expected) in &self.equals {
            match info_field(info, name) {
                Some(value) if value == expected => {}
                Some(value) => return fail(format!("expected {name} {expected:?} in INFO, got {}", shown(value))),
                None => return fail(format!("expected {name} {expected:?} in INFO, which has no such field")),
            }
        }
        let least = self.at_least.iter().map(|(name, limit)| (name, "at least", limit));
        for (name, word, limit) in least.chain(self.at_most.iter().map(|(name, limit)| (name, "at most", limit))) {
            let Some(value) = info_field(info, name) else {
                return fail(format!("expected {name} of {word} {limit} in INFO, which has no such field"));
            };
            let right = value.parse::<f64>().is_ok_and(|value| {
                let limit = *limit as f64;
                if word == "at least" { value >= limit } else { value <= limit }
            });
            if !right {
                return fail(format!("expected {name} of {word} {limit}, got {}", shown(value)));
            }
        }
        let down = info_field(info, "master_link_status") == Some("down") && role == Some("replica");
        down.then(|| Outcome::degraded(ReasonKind::Content, "the replica answers, but has lost its master"))
    }
}

struct Redis {
    peer: Peer,
    login: Option<Vec<String>>,
    database: Option<String>,
    expect: Option<Expect>,
    slower_than: Option<Duration>,
}

impl Prober for Redis {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.open(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Redis {
    async fn open(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        let mut lines = Lines::new(attempt, &self.peer, stream);
        if let Some(login) = &self.login {
            attempt.note("said AUTH");
            let words: Vec<&str> = login.iter().map(String::as_str).collect();
            simple(&mut lines, &words, "OK").await?;
        }
        if let Some(database) = &self.database {
            attempt.note(format!("said SELECT {database}"));
            simple(&mut lines, &["SELECT", database], "OK").await?;
        }
        attempt.note("said PING");
        simple(&mut lines, &["PING"], "PONG").await?;
        if let Some(expect) = &self.expect {
            let info = info(&mut lines).await?;
            if let Some(outcome) = expect.judge(&info) {
                return Err(outcome);
            }
        }
        attempt.leave();
        Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass))
    }
}

/// Says a command that is answered with `expected`.
async fn simple(lines: &mut Lines<'_>, words: &[&str], expected: &str) -> Result<(), Outcome> {
    match ask(lines, words, expected).await? {
        Answer::Simple(text) if text == expected => Ok(()),
        other => Err(Outcome::fail(ReasonKind::Content, format!("{}: expected {expected}, got {other}", words[0]))),
    }
}

async fn info(lines: &mut Lines<'_>) -> Result<String, Outcome> {
    lines.attempt.note("said INFO");
    match ask(lines, &["INFO"], "a text").await? {
        Answer::Bulk(Some(text)) => Ok(text),
        other => Err(Outcome::fail(ReasonKind::Content, format!("INFO: expected a text, got {other}"))),
    }
}

async fn ask(lines: &mut Lines<'_>, words: &[&str], expected: &str) -> Result<Answer, Outcome> {
    lines.say(&command(words)).await?;
    let answer = lines.answer(parse_answer).await?;
    match &answer {
        Answer::Error(text) => {
            lines.attempt.note(format!("heard {}", shown(text)));
            let text = format!("{}: expected {expected}, got {}{}", words[0], shown(text), remedy(text));
            Err(Outcome::fail(ReasonKind::Status, text))
        }
        Answer::Simple(text) => {
            lines.attempt.note(format!("heard {}", shown(text)));
            Ok(answer)
        }
        _ => Ok(answer),
    }
}

/// What can be done about a refusal.
fn remedy(error: &str) -> &'static str {
    match error.split(' ').next().unwrap_or_default() {
        "NOAUTH" => "; set `password`, and `user` where there is an access list",
        "WRONGPASS" => "; check `user` and `password`",
        "NOPERM" => "; the user needs +ping, +select and +info",
        "DENIED" => "; it talks to its own machine only: set a password there, or `protected-mode no`",
        "LOADING" => "; it will serve when its data is read",
        "MASTERDOWN" => "; the replica has lost its master and may not serve stale data",
        _ if error.contains("without any password configured") => "; leave out `password`",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
