//! What the calendar and the API say of a small roster.

use super::*;
use crate::domain::fixture::City;
use crate::domain::hours::Hours;
use crate::domain::roster::tests::person;
use crate::domain::roster::{Layer, Override, Turns};

fn inventory() -> Inventory {
    let mut inventory = City::new().subsystem("a/portal", 2, &[]).inventory();
    let source = Source { file: "on-call.yaml".into(), line: 3 };
    let layer = Layer {
        id: "weekly".into(),
        weight: Weight::Decides,
        members: vec![vec![person("one")], vec![person("two")]],
        turns: Some(Turns { from: "2026-01-05T09:00".parse().unwrap(), days: 7 }),
        when: Hours::always(),
        source: source.clone(),
    };
    let at = |text: &str| inventory.zone.parse(text).unwrap();
    let stand_in = Override {
        span: Span::new(at("2026-12-03T09:00"), at("2026-12-04T09:00")),
        who: vec![person("three")],
        instead_of: Some("two".into()),
        reason: Some("培训".into()),
        source: source.clone(),
    };
    let mut roster = Roster::of_contacts("a".into(), Vec::new(), source);
    roster.layers.push(layer);
    roster.overrides.push(stand_in);
    inventory.rosters.insert("a".into(), roster);
    inventory.owners.get_mut("a").unwrap().on_call = "a".into();
    inventory
}

#[test]
fn an_answer_says_who_why_and_where_it_is_written() {
    let inventory = inventory();
    let at = inventory.zone.parse("2026-12-03T12:00").unwrap();
    let said = serde_json::to_value(OnCallDto::of(&inventory, &inventory.owners["a"], at)).unwrap();
    assert_eq!(said["roster"], "a");
    let first = &said["rungs"][0]["told"][0];
    assert_eq!((&first["name"], &first["why"]), (&"three".into(), &"override".into()));
    assert_eq!(first["text"]["en"], "stands in for `two` (培训)");
    assert_eq!(first["source"], "on-call.yaml:3");
    assert_eq!((&said["rungs"][1]["after_s"], &said["rungs"][1]["told"][0]["name"]), (&900.into(), &"duty".into()));
    let shifts: Vec<(&str, &str)> = said["shifts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["to"].as_str().unwrap(), s["name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        shifts[..3],
        [("2026-12-04T01:00:00Z", "three"), ("2026-12-07T01:00:00Z", "two"), ("2026-12-14T01:00:00Z", "one")]
    );
}

#[test]
fn events_keep_their_identity_while_time_goes_on() {
    let inventory = inventory();
    let owner = OwnerId::from("a");
    let uids = |at: &str| -> std::collections::BTreeSet<String> {
        let now = inventory.zone.parse(at).unwrap();
        let text = calendar(&inventory, Some(&owner), now, Language::En);
        text.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned).collect()
    };
    let (today, tomorrow) = (uids("2026-12-01T10:00"), uids("2026-12-02T10:00"));
    assert!(today.len() > 10 && today.intersection(&tomorrow).count() >= today.len() - 1, "{today:?} {tomorrow:?}");
}
