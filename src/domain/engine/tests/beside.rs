//! Neighbours of running maintenance: sooner confirmed, told at once and to more people, measured as always.

use super::*;

/// `b/hall` needs one of `a/one` and `a/two`; `a/one` is under maintenance from second 100 to second 400. `d/far` has
/// nothing to do with it.
fn city() -> City {
    City::new()
        .subsystem("a/one", 2, &[])
        .subsystem("a/two", 2, &[])
        .subsystem("b/hall", 2, &[])
        .subsystem("d/far", 2, &[])
        .needs_any_of("b/hall", &["a/one", "a/two"])
        .window("w", &["a/one"], T0 + 100 * SECOND, 300 * SECOND)
}

const ALL: [&str; 4] = ["a/one", "a/two", "b/hall", "d/far"];

/// How long after an attempt at `second` that fails the next one is asked for.
fn retry_after(bench: &mut Bench, second: i64, subsystem: &str) -> Millis {
    bench.retries.clear();
    bench.see(second, subsystem, &refused());
    bench.retries.pop().unwrap().1.since(bench.now)
}

#[test]
fn neighbours_are_confirmed_in_half_the_time_while_the_window_runs() {
    let mut bench = Bench::new(&city());
    bench.seen(0, 90, &ALL, &Outcome::Pass);
    assert_eq!(retry_after(&mut bench, 90, "a/two"), 5 * SECOND, "before");
    bench.seen(95, 120, &ALL, &Outcome::Pass);
    for (second, id, expected) in
        [(120, "a/two", 2_500), (121, "b/hall", 2_500), (122, "d/far", 5_000), (123, "a/one", 5_000)]
    {
        assert_eq!(retry_after(&mut bench, second, id), expected, "{id}");
    }
    bench.seen(130, 450, &ALL, &Outcome::Pass);
    assert_eq!(retry_after(&mut bench, 450, "a/two"), 5 * SECOND, "after");
}

#[test]
fn as_many_failures_confirm_as_always_and_the_time_line_is_the_same() {
    let history = |city: &City| {
        let mut bench = Bench::new(city);
        bench.seen(0, 150, &["a/two"], &Outcome::Pass);
        bench.seen(150, 170, &["a/two"], &refused());
        bench.seen(170, 200, &["a/two"], &Outcome::Pass);
        bench.seen(200, 260, &["a/two"], &refused());
        bench.seen(260, 350, &["a/two"], &Outcome::Pass);
        bench.engine.watch.subsystem(&"a/two".into()).unwrap().timeline.clone()
    };
    let alone = City::new().subsystem("a/one", 2, &[]).subsystem("a/two", 2, &[]).subsystem("b/hall", 2, &[]);
    assert_eq!(history(&city()), history(&alone.needs_any_of("b/hall", &["a/one", "a/two"])));
}

#[test]
fn trouble_beside_maintenance_is_told_at_once_and_to_those_at_work_too() {
    let mut inventory = city().inventory();
    let contact = Contact { name: "a".into(), mail: "a@city.test".into(), language: Language::Zh, digest_at: None };
    let source = Source { file: "on-call.yaml".into(), line: 1 };
    inventory.rosters.insert("a".into(), Roster::of_contacts("a".into(), vec![contact], source));
    inventory.owners.get_mut("a").unwrap().on_call = "a".into();
    let mut bench = Bench::of(inventory);
    bench.seen(0, 120, &ALL, &Outcome::Pass);
    bench.seen(120, 141, &["b/hall", "d/far"], &refused());
    let opened = |bench: &Bench, id: &str| -> Vec<(String, Timestamp, bool)> {
        let of = |m: &Message| match &m.content {
            Content::Opened(n) if n.subsystem.as_str() == id && n.symptom == Symptom::Down => {
                Some((m.to.mail.clone(), m.at, n.beside.is_some()))
            }
            _ => None,
        };
        bench.mails.iter().filter_map(of).collect()
    };
    let at = T0 + 140 * SECOND;
    let both = [("duty@city.test".to_owned(), at, true), ("a@city.test".to_owned(), at, true)];
    assert_eq!(opened(&bench, "b/hall"), both);
    assert!(opened(&bench, "d/far").is_empty(), "it settles first, as always");
    bench.until(170);
    assert_eq!(opened(&bench, "d/far"), [("duty@city.test".to_owned(), at + 15 * SECOND, false)]);
    bench.seen(170, 200, &["b/hall"], &Outcome::Pass);
    let closed =
        bench.mails.iter().filter(|m| matches!(&m.content, Content::Closed(n) if n.subsystem.as_str() == "b/hall"));
    assert_eq!(closed.count(), 2, "whoever got the opening gets the closing");
}
