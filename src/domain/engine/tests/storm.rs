//! Much at once: one incident, one mail for each person, one cause told as that, and none of it a lost outage.

use super::course::with_ladder;
use super::*;
use crate::domain::incident::Incident;

/// `count` subsystems of owners `o0` to `o4`, which share the roster `duty`, and what needs the first of them.
fn city(count: usize, needs: &[&str]) -> (City, Vec<String>) {
    let ids: Vec<String> = (0..count).map(|n| format!("o{}/s{n:04}", n % 5)).collect();
    let tier = |n: usize| if n.is_multiple_of(4) { 1 } else { 2 };
    let city = ids.iter().enumerate().fold(City::new(), |city, (n, id)| {
        let needs = if n == 0 { &[] } else { needs };
        city.subsystem(id, tier(n), needs)
    });
    (city, ids)
}

fn storms(bench: &Bench) -> Vec<Incident> {
    let all = bench.engine.desk.open().chain(bench.engine.desk.closed());
    all.filter(|i| i.symptom == Symptom::Storm).cloned().collect()
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// Mails about incidents: second after T0, and what.
fn told(bench: &Bench) -> Vec<(i64, String)> {
    let mails = bench.mails.iter().filter(|m| about(m).is_some());
    mails.zip(bench.mailed()).map(|(m, what)| (m.at.since(T0) / SECOND, what)).collect()
}

#[test]
fn three_thousand_at_once_are_one_incident_and_one_mail_for_each_person() {
    let (city, ids) = city(3_000, &[]);
    let mut bench = Bench::new(&city);
    let round = |bench: &mut Bench, second: i64, outcome: &Outcome| {
        ids.iter().for_each(|id| bench.see(second, id, outcome));
    };
    [0, 5].iter().for_each(|second| round(&mut bench, *second, &Outcome::Pass));
    [15, 20, 25, 45, 65].iter().for_each(|second| round(&mut bench, *second, &refused()));
    assert_eq!(bench.outages(), [""; 0], "pages wait for a minute");
    bench.until(76);
    let open: Vec<&Incident> = bench.engine.desk.open().collect();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].symptom, open[0].joined.len()), (Symptom::Storm, 2_999));
    assert_eq!(bench.outages(), [format!("opened storm {}", ids[0])], "one person, one mail");
    assert_eq!(bench.engine.desk.closed().count(), 0, "the closed ones of before are not driven out");
    [80, 85].iter().for_each(|second| round(&mut bench, *second, &Outcome::Pass));
    assert_eq!(bench.outages(), [format!("opened storm {}", ids[0]), format!("closed storm {}", ids[0])]);
    assert_eq!(bench.engine.desk.open().count(), 0);
}

#[test]
fn what_has_one_cause_is_told_as_that_as_soon_as_it_is_clear() {
    let (city, ids) = city(40, &["o0/s0000"]);
    let mut bench = Bench::new(&city);
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 100, &refs(&ids), &refused());
    assert_eq!(bench.outages(), ["opened down o0/s0000"]);
    let mail = bench.mails.iter().find(|m| about(m).is_some()).unwrap();
    assert!(mail.at < T0 + 70 * SECOND, "told at {}", mail.at);
    assert!(bench.engine.desk.open().all(|i| i.symptom != Symptom::Storm));
    assert_eq!(bench.engine.desk.explains(&ids[7].as_str().into()).unwrap().subsystem, SubsystemId::from("o0/s0000"));
}

#[test]
fn a_storm_of_a_moment_wakes_nobody_and_stays_on_record() {
    let (city, ids) = city(20, &[]);
    let mut bench = Bench::new(&city);
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 60, &refs(&ids), &refused());
    bench.seen(60, 200, &refs(&ids), &Outcome::Pass);
    assert_eq!(bench.outages(), [""; 0]);
    assert_eq!(storms(&bench).len(), 1);
}

#[test]
fn who_was_not_hit_at_once_is_a_change_and_who_fails_after_it_stands_for_itself() {
    let (city, ids) = city(40, &[]);
    let mut bench = Bench::new(&city);
    let (first, last) = (refs(&ids[..20]), ids[39].as_str());
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 80, &first, &refused());
    bench.seen(80, 400, &[&first[..], &[&ids[30]]].concat(), &refused());
    let with = |m: &Message| matches!(m.content, Content::Changed(_)).then(|| about(m).map(|n| n.affected_total));
    assert_eq!(bench.mails.iter().filter_map(with).flatten().collect::<Vec<_>>(), [20]);
    bench.seen(400, 470, &first, &refused());
    for second in (470..600).step_by(10) {
        bench.see(second, ids[0].as_str(), &refused());
        bench.see(second, last, &if second < 480 { Outcome::Pass } else { refused() });
    }
    assert!(bench.outages().contains(&format!("opened down {last}")), "{:?}", told(&bench));
}

#[test]
fn a_restart_in_a_storm_tells_of_it_once() {
    let (city, ids) = city(30, &[]);
    let mut bench = Bench::new(&city);
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 60, &refs(&ids), &refused());
    assert_eq!((bench.outages().len(), storms(&bench).len()), (0, 1));
    let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| engine.apply(fact));
    bench.engine = engine;
    let out = bench.engine.start(bench.now, Some(bench.now), "digest");
    bench.take(out);
    bench.seen(60, 150, &refs(&ids), &refused());
    assert_eq!(bench.outages(), [format!("opened storm {}", ids[0])]);
}

#[test]
fn few_in_a_small_city_are_no_storm() {
    let mut bench = Bench::of(with_ladder());
    let all = ["a/web", "b/hall", "c/alone"];
    bench.seen(0, 30, &all, &Outcome::Pass);
    bench.seen(30, 90, &all, &refused());
    assert_eq!(bench.outages(), ["opened down a/web", "opened down c/alone"]);
}

#[test]
fn a_storm_that_nobody_takes_climbs_the_ladders_of_all_whom_it_hits() {
    let (city, ids) = city(100, &[]);
    let mut inventory = city.inventory();
    let duty = inventory.rosters[&RosterId::from("duty")].clone();
    for owner in ["o3", "o4"] {
        let person = |post: &str| Contact {
            name: format!("{owner} {post}"),
            mail: format!("{post}@{owner}.test"),
            language: Language::En,
            digest_at: None,
        };
        let (mut team, mut lead) = (duty.clone(), duty.clone());
        (lead.id, lead.contacts) = (RosterId::from(format!("{owner}-lead").as_str()), vec![person("lead")]);
        (team.id, team.contacts) = (owner.into(), vec![person("team")]);
        team.escalate = Some(vec![roster::Step { after_ms: 10 * MINUTE, to: vec![lead.id.clone()] }]);
        inventory.owners.get_mut(&OwnerId::from(owner)).unwrap().on_call = team.id.clone();
        [team, lead].into_iter().for_each(|roster| _ = inventory.rosters.insert(roster.id.clone(), roster));
    }
    let mut bench = Bench::of(inventory);
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 800, &refs(&ids), &refused());
    let called = bench.mails.iter().filter(|m| matches!(m.content, Content::Escalated(_)));
    let called: Vec<(i64, &str)> = called.map(|m| (m.at.since(T0) / MINUTE, m.to.name.as_str())).collect();
    assert_eq!(called, [(11, "o3 lead"), (11, "o4 lead")]);
}

#[test]
fn everybody_finds_their_own_first_in_the_table() {
    let (city, ids) = city(100, &[]);
    let mut inventory = city.inventory();
    let mut roster = inventory.rosters[&RosterId::from("duty")].clone();
    let person = Contact { name: "four".into(), mail: "four@o4.test".into(), language: Language::En, digest_at: None };
    (roster.id, roster.contacts) = ("four".into(), vec![person]);
    inventory.owners.get_mut(&OwnerId::from("o4")).unwrap().on_call = roster.id.clone();
    inventory.rosters.insert(roster.id.clone(), roster);
    let mut bench = Bench::of(inventory);
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 100, &refs(&ids), &refused());
    let table = |name: &str| {
        let mail = bench.mails.iter().find(|m| about(m).is_some() && m.to.name == name).unwrap();
        about(mail).unwrap().affected.iter().map(|a| a.subsystem.owner().to_string()).collect::<Vec<_>>()
    };
    assert!(table("four")[..20].iter().all(|owner| owner == "o4"), "{:?}", table("four"));
    assert_eq!(table("duty")[0], "o0");
    assert_eq!((table("four").len(), table("duty").len()), (50, 50), "both see how far it goes");
}

#[test]
fn the_end_of_a_storm_says_how_far_it_went_and_no_promise_of_its_first_one_is_at_risk_for_it() {
    let (city, ids) = city(100, &[]);
    let mut bench = Bench::of(city.inventory());
    bench.seen(0, 30, &refs(&ids), &Outcome::Pass);
    bench.seen(30, 900, &refs(&ids), &refused());
    bench.seen(900, 1_200, &refs(&ids), &Outcome::Pass);
    let closing = bench.mails.iter().find(|m| matches!(m.content, Content::Closed(_))).and_then(about).unwrap();
    assert_eq!((closing.symptom, closing.affected_total), (Symptom::Storm, 99));
    let risks = bench.mails.iter().filter(|m| about(m).is_some_and(|n| n.symptom == Symptom::SlaAtRisk)).count();
    assert_eq!(risks, 0);
}
