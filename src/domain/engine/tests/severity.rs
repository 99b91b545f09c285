//! How loud an outage is, what makes it louder, quiet digests, and hand-overs.

use super::course::{told, with_ladder};
use super::orders::operator;
use super::*;
use crate::domain::incident::Saying;
use crate::domain::order::{Wanted, WhyNot};

/// A base of tier 3 that a hall of tier 2 needs; `team` is on duty for both, and above it the fallback roster.
fn with_base() -> Inventory {
    let city = City::new().subsystem("a/base", 3, &[]).subsystem("a/hall", 2, &["a/base"]);
    let (mut inventory, ladder) = (city.inventory(), with_ladder());
    inventory.rosters = ladder.rosters.clone();
    inventory.owners.get_mut(&OwnerId::from("a")).unwrap().on_call = "team".into();
    inventory
}

/// Those of `team` want to hear of what can wait at nine.
fn with_digest(mut inventory: Inventory) -> Inventory {
    let team = inventory.rosters.get_mut(&RosterId::from("team")).unwrap();
    team.contacts[0].digest_at = Some(jiff::civil::time(9, 0, 0, 0));
    inventory
}

fn expected(of: &[(i64, &str)]) -> Vec<(i64, String)> {
    of.iter().map(|(minute, what)| (*minute, (*what).to_owned())).collect()
}

fn of_outage(bench: &Bench) -> Vec<&Message> {
    bench.mails.iter().filter(|m| about(m).is_some_and(|n| n.symptom == Symptom::Down)).collect()
}

#[test]
fn an_outage_of_tier_three_is_a_ticket_that_nobody_is_called_for() {
    let mut bench = Bench::of(with_base());
    bench.seen(0, 30, &["a/base", "a/hall"], &Outcome::Pass);
    bench.seen(30, 1_300, &["a/base"], &refused());
    assert_eq!(told(&bench), expected(&[(1, "opened to team")]));
    assert!(of_outage(&bench).iter().all(|m| about(m).unwrap().severity == Severity::Ticket));
}

#[test]
fn an_outage_of_tier_three_is_a_page_once_its_month_is_overdrawn() {
    let mut bench = Bench::of(with_base());
    // 43 minutes of a month at 99.9 %.
    bench.seen(0, 30, &["a/base"], &Outcome::Pass);
    bench.seen(30, 3_000, &["a/base"], &refused());
    bench.seen(3_000, 4_500, &["a/base"], &Outcome::Pass);
    bench.seen(4_500, 4_700, &["a/base"], &refused());
    let severities: Vec<Severity> = of_outage(&bench)
        .iter()
        .filter(|m| matches!(m.content, Content::Opened(_)))
        .map(|m| about(m).unwrap().severity)
        .collect();
    assert_eq!(severities, [Severity::Ticket, Severity::Page]);
}

#[test]
fn a_ticket_is_a_page_at_once_when_something_more_important_fails_with_it_and_climbs_from_then_on() {
    let mut bench = Bench::of(with_base());
    bench.seen(0, 30, &["a/base", "a/hall"], &Outcome::Pass);
    for second in (30..660).step_by(10) {
        bench.see(second, "a/base", &refused());
        bench.see(second, "a/hall", &Outcome::Pass);
    }
    bench.seen(660, 1_700, &["a/base", "a/hall"], &refused());
    let all = [(1, "opened to team"), (11, "changed to team +1"), (26, "escalated to duty +1")];
    assert_eq!(told(&bench), expected(&all));
    let raised = of_outage(&bench).into_iter().find(|m| about(m).unwrap().raised).unwrap();
    assert_eq!(raised.content.urgency(), Urgency::Page);
    assert!(bench.mails.iter().filter(|m| about(m).is_some_and(|n| n.raised)).count() == 1, "said once");
}

#[test]
fn whoever_wants_a_digest_gets_tickets_of_tier_three_at_their_time_and_pages_at_once() {
    let mut bench = Bench::of(with_digest(with_base()));
    bench.seen(0, 30, &["a/base", "a/hall"], &Outcome::Pass);
    for second in (30..660).step_by(10) {
        bench.see(second, "a/base", &refused());
        bench.see(second, "a/hall", &Outcome::Pass);
    }
    // T0 is ten in the morning.
    let nine = T0 + 23 * HOUR;
    let opened = of_outage(&bench)[0].clone();
    assert_eq!(opened.held_until, Some(nine));
    assert!(opened.expires > nine + HOUR, "its life begins then");
    bench.seen(660, 700, &["a/base", "a/hall"], &refused());
    let raised = *of_outage(&bench).last().unwrap();
    assert_eq!((about(raised).unwrap().raised, raised.held_until), (true, None));
}

#[test]
fn an_address_that_is_written_twice_gets_a_digest_only_if_both_want_it() {
    let mut inventory = with_digest(with_base());
    assert!(inventory.digest_at("team@a.test").is_some());
    let mut other = inventory.rosters[&RosterId::from("team")].clone();
    (other.id, other.contacts[0].digest_at) = ("other".into(), None);
    inventory.rosters.insert(other.id.clone(), other);
    assert_eq!(inventory.digest_at("team@a.test"), None);
    assert_eq!(inventory.digest_at("nobody@a.test"), None);
}

#[test]
fn who_is_handed_an_incident_is_told_at_once_and_the_ladder_begins_anew_until_they_take_it() {
    let mut bench = Bench::of(with_ladder());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 600, &["a/web"], &refused());
    bench.give(&operator(), Wanted::Incident(IncidentId(1), Saying::Acknowledged)).unwrap();
    bench.seen(600, 700, &["a/web"], &refused());
    bench.give(&operator(), Wanted::HandOver(IncidentId(1), "duty@city.test".into())).unwrap();
    assert!(bench.engine.desk.get(IncidentId(1)).unwrap().acknowledged().is_none());
    bench.seen(700, 1_750, &["a/web"], &refused());
    let all = [
        (0, "opened to team"),
        (9, "changed to team"),
        (11, "changed to team"),
        (11, "changed to duty"),
        // They were told once already.
        (26, "escalated to duty"),
    ];
    assert_eq!(told(&bench), expected(&all));
    let handed = bench.mails.iter().find(|m| m.to.name == "duty").and_then(about).unwrap();
    assert_eq!(handed.handed.as_ref().unwrap().to, ["duty"]);
    bench.give(&operator(), Wanted::Incident(IncidentId(1), Saying::Acknowledged)).unwrap();
    assert!(bench.engine.desk.get(IncidentId(1)).unwrap().handed_over().is_none());
}

#[test]
fn nothing_is_handed_to_somebody_whom_no_roster_has_or_after_it_is_over() {
    let mut bench = Bench::of(with_ladder());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 100, &["a/web"], &refused());
    let refused_to = |bench: &mut Bench, to: &str| {
        bench.give(&operator(), Wanted::HandOver(IncidentId(1), to.into())).unwrap_err().kind
    };
    assert_eq!(refused_to(&mut bench, "nobody"), WhyNot::Unknown);
    bench.seen(100, 200, &["a/web"], &Outcome::Pass);
    assert_eq!(refused_to(&mut bench, "team"), WhyNot::Conflict);
}

#[test]
fn a_relapse_of_another_severity_opens_the_same_incident_again() {
    let mut bench = Bench::of(with_base());
    bench.seen(0, 30, &["a/base"], &Outcome::Pass);
    bench.seen(30, 2_700, &["a/base"], &refused());
    // Overdrawn by now.
    bench.seen(2_700, 2_900, &["a/base"], &Outcome::Pass);
    bench.seen(2_900, 3_100, &["a/base"], &refused());
    let last = *of_outage(&bench).last().unwrap();
    assert!(matches!(last.content, Content::Reopened(_)), "{last:?}");
    assert_eq!((last.thread.as_str(), about(last).unwrap().severity), ("INC-0001", Severity::Page));
}
