//! `dns`: asks one name server one question and compares its answer with what is expected, and with other servers'.
//!
//! Not here: resolving names for ourselves (`network`), bytes on the wire (`exchange`), judging (`expect`). Invariants:
//! the question goes out once over UDP, and again over TCP only when the answer says that it was cut; answers to other
//! questions are ignored.

mod exchange;
mod expect;
mod fields;
mod rules;

pub(super) use exchange::parse_answer;
pub(super) use fields::KIND;

use super::{Attempt, BoxFuture, DnsFacts, Prober, Recorder, peer, record};
use crate::domain::{Outcome, ReasonKind};
use crate::network::Network;
use exchange::Server;
use expect::{Expect, rcode_text, records};
use futures_util::future::join_all;
use hickory_proto::op::{Edns, Message, Query};
use std::sync::Arc;
use std::time::Duration;

struct Dns {
    network: Arc<Network>,
    server: Server,
    /// Servers whose records must be the same.
    others: Vec<Server>,
    query: Query,
    recursion: Recursion,
    /// The size that is offered by EDNS, if it is.
    edns_bytes: Option<u16>,
    expect: Expect,
    slower_than: Option<Duration>,
}

/// Whether the server is asked to ask others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recursion {
    Desired,
    Not,
}

impl Prober for Dns {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.compare(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.server.host)
    }
}

impl Dns {
    async fn compare(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let question = self.question();
        let answer = self.server.ask(attempt, &self.network, &question, attempt.remaining()).await?;
        attempt.leave();
        attempt.fact(|facts| facts.dns = Some(DnsFacts::of(&answer)));
        let (server, asked) = (&self.server.host, asked(&self.query));
        let got = records(&answer);
        attempt.note(format!(
            "{server} answers {} for {asked}{}: {}",
            rcode_text(answer.metadata.response_code),
            flags(&answer),
            expect::list(&got)
        ));
        self.expect.judge(server, &self.query, &answer)?;
        self.agree(attempt, &question, &got).await?;
        Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass))
    }

    fn question(&self) -> Message {
        let mut question = Message::query();
        question.metadata.recursion_desired = self.recursion == Recursion::Desired;
        question.add_query(self.query.clone());
        if let Some(bytes) = self.edns_bytes {
            let mut edns = Edns::new();
            edns.set_max_payload(bytes).set_version(0);
            question.set_edns(edns);
        }
        question
    }

    /// Asks the other servers, all at once, and fails on the first whose records differ.
    async fn agree(&self, attempt: &Attempt, question: &Message, ours: &[String]) -> Result<(), Outcome> {
        if self.others.is_empty() {
            return Ok(());
        }
        attempt.enter(super::Phase::Processing);
        // One that is silent is to be named, so it gets less than what is left of the attempt.
        let share = attempt.remaining() * 9 / 10;
        let answers = join_all(self.others.iter().map(|other| async move {
            // Whom they are at and how long they take is their own; the phases are those of the first server.
            let scratch = Recorder::new(tokio::time::Instant::now() + share);
            let asking = other.ask(&scratch, &self.network, question, share);
            (other, tokio::time::timeout(share, asking).await)
        }))
        .await;
        attempt.leave();
        let (server, asked) = (&self.server.host, asked(&self.query));
        for (other, answer) in answers {
            let Ok(answer) = answer else {
                let text = format!("{} did not answer within {}, {server} did", other.named(), record::seconds(share));
                return Err(Outcome::fail(ReasonKind::Timeout, text));
            };
            let answer = answer?;
            let theirs = records(&answer);
            let rcode = rcode_text(answer.metadata.response_code);
            attempt.note(format!("{} answers {rcode} for {asked}: {}", other.host, expect::list(&theirs)));
            if theirs != ours {
                let (ours, theirs) = (expect::list(ours), expect::list(&theirs));
                let text = format!("{server} answers {ours} for {asked}, but {} answers {theirs}", other.host);
                return Err(Outcome::fail(ReasonKind::Content, text));
            }
        }
        Ok(())
    }
}

/// `A ywtb.test.`, the class only where it is not the Internet's.
fn asked(query: &Query) -> String {
    let class = match query.query_class() {
        hickory_proto::rr::DNSClass::IN => String::new(),
        class => format!("{class} "),
    };
    format!("{class}{} {}", query.query_type(), query.name())
}

/// ` (aa ra)`.
fn flags(answer: &Message) -> String {
    let meta = &answer.metadata;
    let all = [
        ("aa", meta.authoritative),
        ("tc", meta.truncation),
        ("ra", meta.recursion_available),
        ("ad", meta.authentic_data),
    ];
    let set: Vec<&str> = all.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    if set.is_empty() { String::new() } else { format!(" ({})", set.join(" ")) }
}

/// All that is ever shown of an answer, for fuzzing.
pub(super) fn show(answer: &Message) {
    let _ = (expect::list(&records(answer)), flags(answer));
    for record in answer.all_sections() {
        let _ = rules::line(record);
    }
}

#[cfg(test)]
pub(super) mod tests;
