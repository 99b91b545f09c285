//! `http`: fetches a URL on a connection of its own and compares the answer with what is expected.
//!
//! Not here: clients (`transport`), fetching (`http::fetch`), judging (`http::expect`); `journey` uses the same. Invariants:
//! redirects are followed by our own loop, which takes only harmless headers to another origin; at most
//! `body_bytes_max` decoded bytes are read; nothing is retried; no secret of ours is shown, also when it is sent back.

mod body;
mod expect;
mod fetch;
mod fields;
mod route;
mod veil;

pub(super) use body::text;
pub(super) use expect::{Answer, Expect, Seen};
pub(super) use fetch::{Ask, Fetch, encoded};
pub(super) use fields::*;
pub(super) use route::Route;
pub(super) use veil::Veil;

use super::{Attempt, BoxFuture, Prober};
use crate::domain::Outcome;

/// One configured URL.
struct Http {
    fetch: Fetch,
    ask: Ask,
    expect: Expect,
    veil: Veil,
}

impl Prober for Http {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.look(attempt).await {
                Ok(Outcome::Pass) => Outcome::Pass,
                Ok(outcome) | Err(outcome) => self.veil.outcome(outcome),
            }
        })
    }

    fn host(&self) -> Option<&str> {
        self.ask.url.host_str().map(|host| host.trim_matches(['[', ']']))
    }
}

impl Http {
    async fn look(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let answer = self.fetch.fetch(attempt, self.ask.clone(), None, &self.veil).await?;
        let (took, not_after) = (attempt.elapsed(), attempt.certificate_not_after());
        Ok(self.expect.judge(&Seen { now: attempt.started, answer: &answer, took, not_after }))
    }
}

#[cfg(test)]
mod tests;
