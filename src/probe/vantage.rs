//! Whether we can see at all: local references, the witnesses, that are asked when an attempt fails.
//!
//! Not here: what follows (`domain::engine`) and who is told. Invariants: a failure counts as one only if a majority of
//! the witnesses answered a question that was put after it, or at most [`GOOD_FOR`] before; however many attempts fail
//! together, one question is under way; every question has a deadline; without witnesses every failure counts.

use super::{Prober, attempt};
use crate::clock::Clock;
use crate::domain::{Outcome, Reason, ReasonKind, Sight};
use arc_swap::ArcSwap;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// How long a witness may take.
pub const WITNESS_WITHIN: Duration = Duration::from_secs(2);

/// For how long an answer holds for those that fail after it was asked for.
pub const GOOD_FOR: Duration = Duration::from_secs(1);

/// Fewer are no majority worth the name.
pub const WITNESSES_MIN: usize = 3;

/// More would be asked in vain.
pub const WITNESSES_MAX: usize = 15;

/// A local reference.
#[derive(Clone)]
pub struct Witness {
    /// What people call it.
    pub name: String,
    /// How it is asked.
    pub prober: Arc<dyn Prober>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Witness({})", self.name)
    }
}

/// The last question.
#[derive(Debug)]
struct Look {
    began: Instant,
    sight: Sight,
}

/// This place, as far as it sees.
pub struct Vantage {
    witnesses: ArcSwap<Vec<Witness>>,
    clock: Arc<dyn Clock>,
    /// Whoever holds it asks.
    last: Mutex<Option<Look>>,
    told: watch::Sender<Sight>,
}

impl std::fmt::Debug for Vantage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vantage").field("witnesses", &self.witnesses.load()).finish_non_exhaustive()
    }
}

impl Vantage {
    /// A place with these witnesses; without any it always sees.
    pub fn new(witnesses: Vec<Witness>, clock: Arc<dyn Clock>) -> Self {
        let (told, _) = watch::channel(Sight::Clear);
        Self { witnesses: ArcSwap::from_pointee(witnesses), clock, last: Mutex::new(None), told }
    }

    /// Takes over another set of witnesses; the next question goes to them.
    pub async fn adopt(&self, witnesses: Vec<Witness>) {
        self.witnesses.store(Arc::new(witnesses));
        *self.last.lock().await = None;
    }

    /// Whoever wants to hear of changes.
    pub fn changes(&self) -> watch::Receiver<Sight> {
        self.told.subscribe()
    }

    /// Turns a failure into "we could not measure" if we are blind.
    pub async fn judge(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Fail(_) => match self.look().await {
                Sight::Clear => outcome,
                Sight::Blind(reason) => Outcome::Unknown(reason),
            },
            other => other,
        }
    }

    /// Whether we see, by an answer that holds now. Takes at most two questions' time.
    pub async fn look(&self) -> Sight {
        let came = Instant::now();
        let witnesses = self.witnesses.load_full();
        if witnesses.is_empty() {
            self.told.send_if_modified(|told| std::mem::take(told).is_blind());
            return Sight::Clear;
        }
        let mut last = self.last.lock().await;
        if let Some(look) = last.as_ref().filter(|look| came.duration_since(look.began) < GOOD_FOR) {
            return look.sight.clone();
        }
        let began = Instant::now();
        let sight = self.ask(&witnesses).await;
        *last = Some(Look { began, sight: sight.clone() });
        self.told.send_if_modified(|told| {
            let turned = told.is_blind() != sight.is_blind();
            told.clone_from(&sight);
            turned
        });
        sight
    }

    /// Asks all of them at once; nobody waits for the rest once a majority has answered.
    async fn ask(&self, witnesses: &[Witness]) -> Sight {
        let mut asked: FuturesUnordered<_> = witnesses
            .iter()
            .map(|witness| async {
                let outcome = attempt(&*witness.prober, WITNESS_WITHIN, &*self.clock).await.outcome;
                (witness.name.as_str(), outcome)
            })
            .collect();
        let (mut few, all, mut silent) = (0, witnesses.len(), Vec::new());
        while let Some((name, outcome)) = asked.next().await {
            match outcome {
                Outcome::Pass | Outcome::Degraded(_) => few += 1,
                Outcome::Fail(reason) | Outcome::Unknown(reason) => silent.push(format!("{name} ({})", reason.text)),
            }
            if 2 * few > all {
                return Sight::Clear;
            }
        }
        silent.sort_unstable();
        let text = format!("this vantage is blind: {few} of {all} witnesses answer; silent: {}", silent.join("; "));
        Sight::Blind(Reason::new(ReasonKind::Local, text))
    }
}

#[cfg(test)]
mod tests;
