//! What follows from the facts alone is what the engine knows.

use super::*;
use crate::domain::history::{History, Past};
use crate::domain::sla::{Account, Grain, Period, Reader};

fn accounts(past: &Past, now: Timestamp) -> Vec<Account> {
    let mut reader = Reader::new(now, &past.snapshot);
    let day = Period::current(Grain::Day, now, &past.snapshot.inventory.zone);
    past.snapshot.subsystems.iter().filter_map(|view| reader.account(view, day)).collect()
}

/// An hour with an undeclared maintenance, a window that overruns, outages that others follow, and a relapse.
fn hour(bench: &mut Bench) {
    let (pass, fail) = (Outcome::Pass, Outcome::fail(ReasonKind::Connect, "refused"));
    let notice = Outcome::fail(ReasonKind::Maintenance, "503");
    bench.seen(0, 300, &["a/web", "b/web"], &pass);
    for second in (300..500).step_by(10) {
        bench.see(second, "a/web", &notice);
        bench.see(second, "b/web", &fail);
    }
    bench.seen(500, 650, &["a/web", "b/web"], &pass);
    for second in (650..1_400).step_by(10) {
        bench.see(second, "a/web", &fail);
        bench.see(second, "b/web", &pass);
    }
    bench.seen(1_400, 1_800, &["a/web", "b/web"], &pass);
    bench.seen(1_800, 1_900, &["a/web", "b/web"], &fail);
    bench.seen(1_900, 2_000, &["a/web", "b/web"], &pass);
    bench.seen(2_000, 2_100, &["a/web", "b/web"], &fail);
    bench.seen(2_100, 3_600, &["a/web", "b/web"], &pass);
}

#[test]
fn figures_from_the_facts_alone_are_those_of_the_engine() {
    let city = City::new().subsystem("a/web", 2, &[]).subsystem("b/web", 2, &["a/web"]);
    let city = city.window("works", &["a/web"], T0 + 600 * SECOND, 10 * MINUTE);
    let mut bench = Bench::new(&city);
    hour(&mut bench);
    let alive = Some(bench.now);
    bench.until(4_000);
    let out = bench.engine.start(bench.now, alive, "digest");
    bench.take(out);
    bench.seen(4_010, 4_500, &["a/web", "b/web"], &Outcome::Pass);

    let mut history = History::new(Arc::new(city.inventory()));
    bench.facts.iter().for_each(|recorded| history.apply(recorded));
    let (live, past) = (Past::from(bench.engine.snapshot()), history.past(bench.now));
    for (live, past) in live.snapshot.subsystems.iter().zip(&past.snapshot.subsystems) {
        assert_eq!(live.timeline, past.timeline, "{}", live.id);
        assert_eq!(live.windows, past.windows, "{}", live.id);
    }
    let (live_accounts, past_accounts) = (accounts(&live, bench.now), accounts(&past, bench.now));
    assert_eq!(live_accounts, past_accounts);
    let spent = &past_accounts[0].spent_ms;
    assert!(spent.contains_key(&crate::domain::sla::Cause::UndeclaredMaintenance), "{spent:?}");
    assert!(spent.contains_key(&crate::domain::sla::Cause::Overrun), "{spent:?}");
    let ids = |past: &Past| past.incidents.iter().map(|i| i.id).collect::<Vec<_>>();
    assert_eq!(ids(&live), ids(&past));
    // The engine forgets who recovered before the root did; the facts do not.
    assert!(past.incidents.iter().any(|i| i.joined.iter().any(|(id, _)| id.as_str() == "b/web")), "{past:?}");
    assert!(past.incidents.iter().any(|i| i.lasted.len() > 1), "a relapse is one incident");
}
