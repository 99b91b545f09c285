//! The report about a month, mailed on the first working day after it.
//!
//! Not here: when it is due and what it says (`report`), and that it is sent once (`domain::engine`): this task may ask
//! twice, before and after a crash, and the engine takes one.

use crate::clock::Clock;
use crate::domain::Snapshot;
use crate::domain::engine::Event;
use crate::report::{city_said, due, letters};
use crate::store::{Store, UpTo};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How often somebody looks whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks until `stop`.
pub(super) async fn run(
    store: Store,
    clock: Arc<dyn Clock>,
    picture: watch::Receiver<Arc<Snapshot>>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let (now, seen) = (clock.now(), Arc::clone(&picture.borrow()));
        let Some(period) = due(now, &seen.inventory, seen.reported.as_deref()) else { continue };
        let made = async {
            let past = store.past(Arc::clone(&seen.inventory), now, UpTo::Now).await.map_err(|e| e.to_string())?;
            let made = move || (letters(&past, period), city_said(&past, period));
            tokio::task::spawn_blocking(made).await.map_err(|e| e.to_string())
        };
        let made = tokio::select! {
            () = stop.cancelled() => return,
            made = made => made,
        };
        match made {
            Ok((letters, said)) => {
                if events.send(Event::MonthOver { period: period.to_string(), letters, said }).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, %period, "the report about a month cannot be made; it is tried again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::engine::{Engine, Event};
    use crate::domain::fixture::City;
    use crate::domain::health::ProbeHealth;
    use crate::domain::sla::Period;
    use crate::domain::{Fact, MINUTE, ProbeId, Recorded, Timestamp};
    use crate::report::{Question, build, digest};

    #[tokio::test(start_paused = true)]
    async fn a_month_is_mailed_once_from_nine_on_and_can_be_made_again_from_what_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
        let inventory = Arc::new(City::new().subsystem("a/web", 2, &[]).inventory());
        // November begins on a Sunday.
        let [first, due] = ["2026-10-05T00:00", "2026-11-02T09:00"].map(|text| inventory.zone.parse(text).unwrap());
        let changed = |at: Timestamp, to| Recorded {
            at,
            fact: Fact::ProbeChanged { probe: ProbeId::from("a/web/home"), to: Some(to), since: at, reason: None },
        };
        let facts = vec![changed(first, ProbeHealth::Passing), changed(first + 60 * MINUTE, ProbeHealth::Failing)];
        let mut last = store.commit(0, facts, vec![]).await.unwrap();
        store.alive(due - MINUTE).await.unwrap();

        let mut engine = Engine::new(due - MINUTE, Arc::clone(&inventory));
        let clock = Arc::new(ManualClock::at(due - MINUTE));
        let (picture, seen) = watch::channel(Arc::new(engine.snapshot()));
        let (events, mut asked) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let mut task = tokio::task::JoinSet::new();
        task.spawn(run(store.clone(), clock.clone(), seen, events, stop.clone()));
        let quiet = tokio::time::timeout(5 * LOOK_EVERY, asked.recv()).await;
        assert!(quiet.is_err(), "a minute too early");
        clock.advance(MINUTE);
        let event = asked.recv().await.unwrap();
        let Event::MonthOver { period, letters, said } = &event else { panic!("{event:?}") };
        assert_eq!((period.as_str(), letters.len()), ("2026-10", 2));
        assert!(letters[0].news.html.contains("gengfu-report 2026-10 a "), "{}", letters[0].news.html);
        let said = said.clone().unwrap();
        assert_eq!((said.as_of, said.facts), (due, last));

        // Stored with the letters; the next look finds it sent.
        let out = engine.handle(due, event);
        assert_eq!((out.messages.len(), out.facts.len()), (2, 1));
        last = store.commit(last, out.facts, out.messages).await.unwrap();
        picture.send_replace(Arc::new(engine.snapshot()));
        // A look that was under way asks again, and the engine has taken one.
        while let Ok(again) = asked.try_recv() {
            assert!(engine.handle(due, again).messages.is_empty());
        }
        clock.advance(60 * MINUTE);
        if let Ok(Some(again)) = tokio::time::timeout(5 * LOOK_EVERY, asked.recv()).await {
            assert!(engine.handle(due, again).messages.is_empty());
        }
        assert!(tokio::time::timeout(5 * LOOK_EVERY, asked.recv()).await.is_err(), "it goes on asking");
        stop.cancel();
        task.join_all().await;

        // Whatever is stored later, the report is what it was.
        store.commit(last, vec![changed(due + MINUTE, ProbeHealth::Passing)], vec![]).await.unwrap();
        let question = Question { period: Period::parse("2026-10").unwrap(), owner: None };
        let past = store.past(inventory, said.as_of, UpTo::Fact(said.facts)).await.unwrap();
        assert_eq!(digest(&build(&past, said.as_of, &question).unwrap()), said.digest);
    }
}
