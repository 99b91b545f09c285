//! Witnesses: majorities, storms of failures, silence with a deadline, and sight that returns.

use super::*;
use crate::clock::ManualClock;
use crate::domain::Timestamp;
use crate::probe::{Attempt, BoxFuture};
use futures_util::future::join_all;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Answers while it is told to; else it never does.
#[derive(Default)]
struct Reference {
    mute: AtomicBool,
    asked: AtomicUsize,
}

impl Prober for Arc<Reference> {
    fn probe<'a>(&'a self, _: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.mute.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            Outcome::Pass
        })
    }
}

fn house(n: usize) -> (Vec<Arc<Reference>>, Arc<Vantage>) {
    let references: Vec<Arc<Reference>> = (0..n).map(|_| Arc::default()).collect();
    let witness = |(i, r): (usize, &Arc<Reference>)| Witness { name: format!("w{i}"), prober: Arc::new(Arc::clone(r)) };
    let witnesses = references.iter().enumerate().map(witness).collect();
    (references, Arc::new(Vantage::new(witnesses, Arc::new(ManualClock::at(Timestamp(0))))))
}

fn mute(references: &[Arc<Reference>]) {
    references.iter().for_each(|r| r.mute.store(true, Ordering::Relaxed));
}

fn failure() -> Outcome {
    Outcome::fail(ReasonKind::Connect, "a.test refused the connection")
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_while_a_majority_of_the_witnesses_answers() {
    for (silent, label) in [(0, "fail"), (1, "fail"), (2, "unknown"), (3, "unknown")] {
        let (references, vantage) = house(3);
        mute(&references[..silent]);
        assert_eq!(vantage.judge(failure()).await.label(), label, "{silent} of 3 are silent");
    }
    let (references, vantage) = house(4);
    mute(&references[..2]);
    assert_eq!(vantage.judge(failure()).await.label(), "unknown", "half is no majority");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_silent_once_a_majority_has_answered() {
    let (references, vantage) = house(3);
    mute(&references[..1]);
    let began = Instant::now();
    assert_eq!(vantage.judge(failure()).await.label(), "fail");
    assert_eq!(began.elapsed(), Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn the_reason_names_who_is_silent_and_is_about_ourselves() {
    let (references, vantage) = house(3);
    mute(&references[1..]);
    let outcome = vantage.judge(failure()).await;
    let reason = outcome.reason().unwrap();
    assert_eq!(reason.kind, ReasonKind::Local);
    assert!(reason.text.starts_with("this vantage is blind: 1 of 3 witnesses answer; silent: w1 ("), "{}", reason.text);
}

#[tokio::test(start_paused = true)]
async fn who_passes_and_whoever_has_no_witnesses_asks_nobody() {
    let (references, vantage) = house(3);
    assert_eq!(vantage.judge(Outcome::Pass).await, Outcome::Pass);
    assert_eq!(references[0].asked.load(Ordering::Relaxed), 0);
    vantage.adopt(Vec::new()).await;
    assert_eq!(vantage.judge(failure()).await, failure());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_failures_at_once_are_one_question_and_wait_no_longer_than_it() {
    let (references, vantage) = house(3);
    mute(&references);
    let began = Instant::now();
    let outcomes = join_all((0..1_000).map(|_| vantage.judge(failure()))).await;
    assert!(outcomes.iter().all(|outcome| outcome.label() == "unknown"));
    assert_eq!(references[0].asked.load(Ordering::Relaxed), 1);
    assert_eq!(began.elapsed(), WITNESS_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_is_not_believed_and_sight_returns_with_the_next() {
    let (references, vantage) = house(3);
    let mut changes = vantage.changes();
    assert_eq!(vantage.judge(failure()).await.label(), "fail");
    mute(&references);
    tokio::time::sleep(GOOD_FOR).await;
    assert_eq!(vantage.judge(failure()).await.label(), "unknown");
    assert!(changes.has_changed().unwrap() && changes.borrow_and_update().is_blind());
    references.iter().for_each(|r| r.mute.store(false, Ordering::Relaxed));
    tokio::time::sleep(GOOD_FOR).await;
    assert_eq!(vantage.judge(failure()).await.label(), "fail");
    assert!(changes.has_changed().unwrap() && !changes.borrow_and_update().is_blind());
}
