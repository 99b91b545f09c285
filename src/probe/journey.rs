//! `journey`: several requests one after the other, as a citizen would go through a service, with one verdict.
//!
//! Not here: fetching and judging, which are those of `http`. Invariants: the verdict names the step; steps for cleaning up
//! run whatever happened, and a step that hangs cannot eat their share of the deadline; values of variables are never
//! shown; cookies and values live for one attempt.
//!
//! Each step opens a connection of its own. A browser would keep one, but then a server that closes an idle connection
//! at the wrong moment would fail a journey that is fine, the phases of a step would depend on the step before it, and a
//! step could not tell a dead listener from an open connection. A journey of five steps costs less than five pages.

mod fields;
mod step;
mod template;

pub(super) use fields::KIND;

use super::{Attempt, BoxFuture, Prober, peer};
use crate::domain::{Outcome, Reason};
use std::time::Duration;
use step::{State, Step};
use template::{Shape, Template, Values};
use tokio::time::{Instant, timeout_at};

/// The share of the deadline that only cleaning up may use, in hundredths.
const CLEANUP_SHARE: u32 = 20;
/// What remains of the deadline after cleaning up, in hundredths: the verdict must be out before the attempt's own.
const CLEANUP_MARGIN: u32 = 2;

/// One configured journey.
struct Journey {
    steps: Vec<Step>,
    cleanup: Vec<Step>,
    /// Values that are known from the start.
    values: Values,
    cookies: bool,
    slower_than: Option<Duration>,
}

impl Prober for Journey {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut state = State::new(self.values.clone(), self.cookies);
            let walked = self.walk_in_time(attempt, &mut state).await;
            let left_behind = self.clean_up(attempt, &mut state).await;
            let outcome = match (walked, left_behind) {
                (Outcome::Pass, Some(reason)) => Outcome::Degraded(reason),
                (outcome, _) => outcome,
            };
            match outcome {
                Outcome::Pass => peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass),
                outcome => outcome,
            }
        })
    }
}

impl Journey {
    /// Walks, leaving their share of the deadline to the steps that clean up.
    async fn walk_in_time(&self, attempt: &Attempt, state: &mut State) -> Outcome {
        let whole = attempt.remaining();
        let kept = if self.cleanup.is_empty() { Duration::ZERO } else { whole * CLEANUP_SHARE / 100 };
        let mut place = 0;
        let walked = timeout_at(attempt.deadline - kept, self.walk(attempt, state, &mut place)).await;
        walked.unwrap_or_else(|_| {
            let outcome = attempt.lock().timed_out(rounded(whole - kept));
            attempt.leave();
            match self.steps.get(place) {
                Some(step) => step.named(outcome),
                None => outcome,
            }
        })
    }

    async fn walk(&self, attempt: &Attempt, state: &mut State, place: &mut usize) -> Outcome {
        let mut unwell = Outcome::Pass;
        for (number, step) in self.steps.iter().enumerate() {
            *place = number;
            match step.take(attempt, state).await {
                Outcome::Pass => {}
                Outcome::Degraded(reason) if unwell == Outcome::Pass => unwell = step.named(Outcome::Degraded(reason)),
                Outcome::Degraded(_) => {}
                ended => return step.named(ended),
            }
        }
        unwell
    }

    /// Takes every step that cleans up; what went wrong first.
    async fn clean_up(&self, attempt: &Attempt, state: &mut State) -> Option<Reason> {
        let margin = attempt.remaining() * CLEANUP_MARGIN / 100;
        let (mut first, steps) = (None, self.cleanup.len());
        for (number, step) in self.cleanup.iter().enumerate() {
            if let Some(name) = step.lacks(&state.values) {
                attempt.note(format!("{}: left out, since {{{{{name}}}}} is not known", step.title()));
                continue;
            }
            let left = u32::try_from(steps - number).unwrap_or(1);
            let share = attempt.remaining().saturating_sub(margin) / left;
            let taken = timeout_at(Instant::now() + share, step.take(attempt, state)).await;
            let outcome = taken.unwrap_or_else(|_| {
                let outcome = attempt.lock().timed_out(rounded(share));
                attempt.leave();
                outcome
            });
            let outcome = step.named(outcome);
            if let Some(reason) = outcome.reason() {
                attempt.note(&reason.text);
            }
            if let (None, Outcome::Fail(reason) | Outcome::Degraded(reason)) = (&first, outcome) {
                first = Some(reason);
            }
        }
        first
    }
}

/// Reads a text and fills every place in it, for the fuzzer.
pub(super) fn fill(text: &str) {
    let Ok(template) = Template::parse(text) else { return };
    let mut values = Values::default();
    template.names().for_each(|name| values.put(name, text));
    for shape in Shape::ALL {
        let filled = template.expand(&values, shape).unwrap_or_default();
        std::hint::black_box(values.veil.over(&filled));
    }
}

/// To whole milliseconds: what was lost since the attempt began is no part of a sentence.
fn rounded(length: Duration) -> Duration {
    let half = Duration::from_micros(500);
    Duration::from_millis(u64::try_from((length + half).as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
