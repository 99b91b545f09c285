//! Blindness, by behaviour: one incident about ourselves, told to the administrators, and over with the first answer.

use super::*;

fn blind() -> Event {
    Event::Sight(Sight::Blind(Reason::new(ReasonKind::Local, "this vantage is blind: 1 of 3 witnesses answer")))
}

/// What the shell makes of a failure while the witnesses are silent.
fn unmeasured() -> Outcome {
    Outcome::unknown("this vantage is blind: 1 of 3 witnesses answer")
}

fn bench() -> Bench {
    let mut inventory = City::new().subsystem("a/web", 1, &[]).subsystem("b/web", 1, &[]).inventory();
    let contact =
        Contact { name: "admins".into(), mail: "admins@city.test".into(), language: Language::En, digest_at: None };
    let source = Source { file: "on-call.yaml".into(), line: 9 };
    inventory.rosters.insert("admins".into(), Roster::of_contacts("admins".into(), vec![contact], source));
    inventory.admins = "admins".into();
    Bench::of(inventory)
}

fn tell(bench: &mut Bench, event: Event) {
    let out = bench.engine.handle(bench.now, event);
    bench.take(out);
}

#[test]
fn blindness_is_one_incident_about_ourselves_and_none_about_others() {
    let mut bench = bench();
    bench.seen(0, 60, &["a/web", "b/web"], &Outcome::Pass);
    tell(&mut bench, blind());
    for second in (60..600).step_by(10) {
        bench.see(second, "a/web", &unmeasured());
        bench.see(second, "b/web", &unmeasured());
        tell(&mut bench, blind());
    }
    assert_eq!(bench.mailed(), ["opened blind gengfu/sight"]);
    assert_eq!(bench.mails[0].to.mail, "admins@city.test");
    assert_eq!(bench.health("a/web"), Health::Unknown, "never down, never the last state");
    tell(&mut bench, Event::Sight(Sight::Clear));
    tell(&mut bench, Event::Sight(Sight::Clear));
    bench.seen(600, 660, &["a/web", "b/web"], &Outcome::Pass);
    assert_eq!(bench.mailed(), ["opened blind gengfu/sight", "closed blind gengfu/sight"]);
    assert_eq!(bench.health("a/web"), Health::Up);
}

#[test]
fn what_is_down_when_sight_returns_opens_then() {
    let mut bench = bench();
    bench.seen(0, 60, &["a/web"], &Outcome::Pass);
    tell(&mut bench, blind());
    bench.seen(60, 300, &["a/web"], &unmeasured());
    tell(&mut bench, Event::Sight(Sight::Clear));
    bench.seen(300, 330, &["a/web"], &refused());
    bench.until(340);
    assert_eq!(
        bench.mailed(),
        ["opened blind gengfu/sight", "closed blind gengfu/sight", "opened down a/web"],
        "{:#?}",
        bench.facts
    );
}

#[test]
fn a_relapse_is_the_same_incident_again() {
    let mut bench = bench();
    for second in [10, 20, 30] {
        bench.until(second);
        tell(&mut bench, blind());
        bench.until(second + 5);
        tell(&mut bench, Event::Sight(Sight::Clear));
    }
    let opened = bench.facts.iter().filter(|f| matches!(f.fact, Fact::IncidentOpened { .. })).count();
    assert_eq!(opened, 1);
    let closed = bench.mailed().iter().filter(|m| m.starts_with("closed")).count();
    assert_eq!((bench.mails.len(), closed), (6, 3), "each opening has its closing: {:?}", bench.mailed());
}

#[test]
fn a_restart_and_a_reload_keep_it_open_until_the_witnesses_answer() {
    let mut bench = bench();
    bench.until(10);
    tell(&mut bench, blind());
    let inventory = Arc::clone(bench.engine.inventory());
    let mut again = Engine::new(T0, Arc::clone(&inventory));
    bench.facts.iter().for_each(|fact| again.apply(fact));
    bench.engine = again;
    let out = bench.engine.start(bench.now, Some(bench.now), "digest");
    bench.take(out);
    let by = Actor::ourselves("files");
    tell(&mut bench, Event::Reloaded { inventory, digest: "other".into(), by });
    tell(&mut bench, blind());
    assert_eq!(bench.mailed(), ["opened blind gengfu/sight"]);
    tell(&mut bench, Event::Sight(Sight::Clear));
    assert_eq!(bench.mailed(), ["opened blind gengfu/sight", "closed blind gengfu/sight"]);
}
