//! Rosters: whose turn it is, who goes before whom, what a hole does; and spans against a walk minute by minute.

use super::*;
use crate::domain::calendar::{Calendar, DayClass, Layer as CalendarLayer, LayerKind, Row, YearStatus};
use crate::domain::civil::Zone;
use crate::domain::fixture::City;
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

pub(crate) fn person(id: &str) -> Arc<Person> {
    let mail = format!("{id}@city.test");
    Arc::new(Person {
        id: id.into(),
        contact: Contact { name: id.to_owned(), mail, language: Language::Zh, digest_at: None },
    })
}

fn source(line: u32) -> Source {
    Source { file: "on-call.yaml".into(), line }
}

fn layer(id: &str, members: &[&str], from: &str, days: u32, when: &str) -> Layer {
    Layer {
        id: id.into(),
        weight: Weight::Decides,
        members: members.iter().map(|id| vec![person(id)]).collect(),
        turns: (members.len() > 1).then(|| Turns { from: from.parse().unwrap(), days }),
        when: Hours::parse(when).unwrap(),
        source: source(10),
    }
}

fn roster(layers: Vec<Layer>) -> Roster {
    Roster { layers, ..Roster::of_contacts("ops".into(), Vec::new(), source(1)) }
}

/// New Year's Day is off, and the Sunday behind it is worked.
fn calendar() -> Calendar {
    let row = |class| Row {
        class,
        name: Names { zh: "元旦".into(), en: "New Year".into() },
        published: None,
        source: source(7),
    };
    let rows = [
        (date(2026, 1, 1), row(DayClass::NonWorking)),
        (date(2026, 1, 2), row(DayClass::NonWorking)),
        (date(2026, 1, 4), row(DayClass::Working)),
    ];
    let layers = vec![CalendarLayer { kind: LayerKind::StateCouncil, owner: None, rows: rows.into() }];
    let years = [(2026, YearStatus::Published), (2027, YearStatus::Published)];
    Calendar { id: "china".into(), layers, years: years.into() }
}

struct Place {
    zone: Zone,
    calendar: Calendar,
}

impl Place {
    fn new(zone: &str) -> Self {
        Self { zone: Zone::named(zone).unwrap(), calendar: calendar() }
    }

    fn world(&self) -> World<'_> {
        World { zone: &self.zone, calendar: &self.calendar, owner: None }
    }

    fn at(&self, text: &str) -> Timestamp {
        self.zone.parse(text).unwrap()
    }

    fn who(&self, roster: &Roster, text: &str) -> Vec<String> {
        let at = self.at(text);
        names(&Timetable::new(roster, self.world(), Span::lasting(at, 1)).at(at))
    }
}

fn names(duties: &Duties) -> Vec<String> {
    duties.told.iter().map(|duty| duty.contact.name.clone()).collect()
}

fn shift(place: &Place, from: &str, to: &str, who: &[&str]) -> Shift {
    let span = Span::new(place.at(from), place.at(to));
    Shift { span, who: who.iter().map(|id| person(id)).collect(), source: source(20) }
}

fn override_of(place: &Place, from: &str, to: &str, who: &str, instead_of: Option<&str>) -> Override {
    let span = Span::new(place.at(from), place.at(to));
    let instead_of = instead_of.map(PersonId::from);
    Override { span, who: vec![person(who)], instead_of, reason: None, source: source(30) }
}

#[test]
fn a_week_changes_hands_at_its_local_time_in_the_order_of_the_members() {
    let place = Place::new("Asia/Shanghai");
    let roster = roster(vec![layer("weekly", &["a", "b", "c"], "2026-01-05T09:00", 7, "7x24")]);
    for (at, who) in [
        ("2026-01-05T09:00", "a"),
        ("2026-01-12T08:59:59", "a"),
        ("2026-01-12T09:00", "b"),
        ("2026-01-19T09:00", "c"),
        ("2026-01-26T09:00", "a"),
        ("2036-01-07T08:59", "c"),
        ("2036-01-07T09:00", "a"),
    ] {
        assert_eq!(place.who(&roster, at), [who], "{at}");
    }
    assert!(place.who(&roster, "2026-01-05T08:59:59").is_empty(), "nobody has a turn before the first hand-over");
}

#[test]
fn the_first_layer_that_has_somebody_decides_and_statutory_days_off_have_their_own() {
    let place = Place::new("Asia/Shanghai");
    let holidays = layer("holidays", &["h"], "", 1, "non-workdays 00:00-24:00");
    let roster = roster(vec![holidays, layer("weekly", &["a", "b"], "2025-12-29T09:00", 7, "7x24")]);
    for (at, who) in [
        ("2025-12-31T23:59:59", "a"),
        ("2026-01-01T00:00", "h"),
        ("2026-01-03T23:59", "h"),
        ("2026-01-04T10:00", "a"), // a Sunday that is worked
        ("2026-01-05T09:00", "b"),
        ("2026-01-10T12:00", "h"),
    ] {
        assert_eq!(place.who(&roster, at), [who], "{at}");
    }
}

#[test]
fn shifts_go_before_layers_and_overrides_before_both() {
    let place = Place::new("Asia/Shanghai");
    let mut roster = roster(vec![layer("weekly", &["a", "b"], "2026-01-05T09:00", 7, "7x24")]);
    roster.shifts = vec![shift(&place, "2026-02-16T09:00", "2026-02-17T09:00", &["s", "t"])];
    roster.overrides = vec![
        override_of(&place, "2026-02-16T20:00", "2026-02-17T08:00", "o", Some("s")),
        override_of(&place, "2026-02-16T22:00", "2026-02-17T06:00", "p", Some("o")),
        override_of(&place, "2026-02-18T00:00", "2026-02-19T00:00", "q", None),
        override_of(&place, "2026-02-20T00:00", "2026-02-21T00:00", "x", Some("nobody-on-duty")),
    ];
    for (at, who) in [
        ("2026-02-16T08:59", &["b"][..]),
        ("2026-02-16T09:00", &["s", "t"]),
        ("2026-02-16T20:00", &["o", "t"]),
        ("2026-02-16T22:00", &["p", "t"]),
        ("2026-02-17T08:00", &["s", "t"]),
        ("2026-02-17T09:00", &["a"]),
        ("2026-02-18T12:00", &["q"]),
        ("2026-02-20T12:00", &["a"]),
    ] {
        assert_eq!(place.who(&roster, at), who, "{at}");
    }
}

#[test]
fn those_beside_are_told_too_and_fill_no_hole() {
    let place = Place::new("Asia/Shanghai");
    let lead = Layer { weight: Weight::Beside, ..layer("lead", &["l", "m"], "2026-01-05T09:00", 7, "7x24") };
    let mut roster = roster(vec![lead, layer("days", &["d"], "", 1, "daily 08:00-18:00")]);
    roster.contacts = vec![person("noc").contact.clone()];
    assert_eq!(place.who(&roster, "2026-01-06T12:00"), ["d", "l", "noc"]);
    assert_eq!(place.who(&roster, "2026-01-06T20:00"), ["l", "noc"]);
    let day = Span::new(place.at("2026-01-06"), place.at("2026-01-07"));
    let holes = Timetable::new(&roster, place.world(), day).holes();
    let expected = [("2026-01-06T00:00", "2026-01-06T08:00"), ("2026-01-06T18:00", "2026-01-07T00:00")];
    assert_eq!(holes, expected.map(|(from, to)| Span::new(place.at(from), place.at(to))).into_iter().collect());
}

#[test]
fn a_turn_keeps_its_local_time_over_a_change_of_the_clock() {
    let place = Place::new("Europe/Berlin");
    let turns = Turns { from: "2026-03-27T02:30".parse().unwrap(), days: 1 };
    let spans: Vec<(u64, String, Millis)> = turns
        .within(&place.zone, Span::new(place.at("2026-03-28"), place.at("2026-03-31")))
        .map(|(turn, span)| (turn, place.zone.rfc3339(span.start), span.len_ms() / MINUTE))
        .collect();
    // 02:30 does not exist on the 29th: the hand-over is at the gap's end, 03:00.
    let expected = [
        (0, "2026-03-27T02:30:00+01:00", 1440),
        (1, "2026-03-28T02:30:00+01:00", 1410),
        (2, "2026-03-29T03:00:00+02:00", 1410),
        (3, "2026-03-30T02:30:00+02:00", 1440),
    ];
    assert_eq!(spans, expected.map(|(turn, at, minutes)| (turn, at.to_owned(), minutes)));
}

#[test]
fn a_hole_is_told_to_the_fallback_and_a_hole_there_to_everybody_it_names() {
    let mut inventory = City::new().subsystem("a/portal", 2, &[]).inventory();
    let days = |id: &str, who: &str| Roster {
        id: id.into(),
        ..roster(vec![layer("days", &[who], "", 1, "daily 08:00-18:00")])
    };
    inventory.rosters.insert("a".into(), days("a", "d"));
    inventory.owners.get_mut("a").unwrap().on_call = "a".into();
    let told = |inventory: &Inventory, text: &str| -> Vec<String> {
        let at = inventory.zone.parse(text).unwrap();
        inventory.contacts(&"a".into(), at).into_iter().map(|contact| contact.name).collect()
    };
    assert_eq!(told(&inventory, "2026-01-06T12:00"), ["d"]);
    assert_eq!(told(&inventory, "2026-01-06T20:00"), ["duty"]);
    inventory.rosters.insert("duty".into(), days("duty", "e"));
    assert_eq!(told(&inventory, "2026-01-06T20:00"), ["e"]);
    let night = inventory.zone.parse("2026-01-06T20:00").unwrap();
    assert_eq!(inventory.duty(&"a".into(), None, night)[0].why, Why::Hole("a".into()));
}

#[test]
fn a_ladder_is_the_usual_one_unless_the_roster_has_its_own() {
    let mut inventory = City::new().subsystem("a/portal", 2, &[]).inventory();
    let (owner, at) = (OwnerId::from("a"), Timestamp(0));
    assert_eq!(inventory.rung_after_ms(&owner, 0), Some(0));
    assert_eq!(inventory.rung_after_ms(&owner, 1), None, "the fallback does not come behind itself");
    let contact = |id: &str| vec![person(id).contact.clone()];
    let step = |after_ms, to: &[&str]| Step { after_ms, to: to.iter().map(|id| RosterId::from(*id)).collect() };
    for id in ["a", "lead"] {
        inventory.rosters.insert(id.into(), Roster::of_contacts(id.into(), contact(id), source(1)));
    }
    inventory.owners.get_mut("a").unwrap().on_call = "a".into();
    let ladder = |inventory: &Inventory| -> Vec<(Millis, Vec<String>)> {
        let names = |rung: Rung| rung.told.into_iter().map(|duty| duty.contact.name).collect();
        inventory.ladder(&owner, at).into_iter().map(|rung| (rung.after_ms / MINUTE, names(rung))).collect()
    };
    let rung = |minutes: Millis, names: &[&str]| (minutes, names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(ladder(&inventory), [rung(0, &["a"]), rung(15, &["duty"])]);
    let own = vec![step(5 * MINUTE, &["lead"]), step(HOUR, &["duty", "lead"])];
    inventory.rosters.get_mut("a").unwrap().escalate = Some(own);
    assert_eq!(ladder(&inventory), [rung(0, &["a"]), rung(5, &["lead"]), rung(60, &["duty", "lead"])]);
    assert_eq!(inventory.on_call(&owner, 3, at), None);
    inventory.rosters.get_mut("a").unwrap().escalate = Some(Vec::new());
    assert_eq!(ladder(&inventory), [rung(0, &["a"])]);
}

/// Whose turn it is, found by counting hand-overs one by one.
fn counted(place: &Place, turns: &Turns, at: Timestamp) -> Option<usize> {
    let mut date = turns.from.date();
    let mut turn = None;
    while place.zone.instant(date.to_datetime(turns.from.time())) <= at {
        turn = Some(turn.map_or(0, |turn: usize| turn + 1));
        for _ in 0..turns.days {
            date = date.tomorrow().unwrap();
        }
    }
    turn
}

/// The rules as the manual tells them, for one instant.
fn naive(place: &Place, roster: &Roster, at: Timestamp) -> Vec<String> {
    let group = |group: &Group| group.iter().map(|p| p.id.to_string()).collect::<Vec<_>>();
    let of_layer = |layer: &Layer| -> Vec<String> {
        let local: DateTime = place.zone.local(at);
        let open = match layer.when.as_str() {
            "7x24" => true,
            "non-workdays 00:00-24:00" => !place.calendar.is_working(local.date(), None),
            "daily 20:00-08:00+1" => local.hour() >= 20 || local.hour() < 8,
            other => unreachable!("{other}"),
        };
        let turn = layer.turns.as_ref().map_or(Some(0), |turns| counted(place, turns, at));
        match turn {
            Some(turn) if open => group(&layer.members[turn % layer.members.len()]),
            _ => Vec::new(),
        }
    };
    let mut deciding: Vec<String> =
        roster.shifts.iter().filter(|s| s.span.contains(at)).flat_map(|s| group(&s.who)).collect();
    for layer in roster.layers.iter().filter(|l| l.weight == Weight::Decides) {
        if deciding.is_empty() {
            deciding = of_layer(layer);
        }
    }
    let mut beside: Vec<String> =
        roster.layers.iter().filter(|l| l.weight == Weight::Beside).flat_map(of_layer).collect();
    for change in roster.overrides.iter().filter(|o| o.span.contains(at)) {
        match &change.instead_of {
            None => deciding = group(&change.who),
            Some(whose) => {
                for list in [&mut deciding, &mut beside] {
                    if let Some(place) = list.iter().position(|id| id == whose.as_str()) {
                        list[place] = change.who[0].id.to_string();
                    }
                }
            }
        }
    }
    let mut all: Vec<String> = Vec::new();
    for id in deciding.into_iter().chain(beside) {
        if !all.contains(&id) {
            all.push(id);
        }
    }
    all
}

const PEOPLE: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn some_layer() -> impl Strategy<Value = Layer> {
    let members = prop::collection::vec(prop::sample::subsequence(PEOPLE.to_vec(), 1..3), 1..5);
    let when = prop::sample::select(vec!["7x24", "non-workdays 00:00-24:00", "daily 20:00-08:00+1"]);
    let from = (-40_i32..40, 0_i8..24, prop::sample::select(vec![0_i8, 30]));
    (members, when, from, 1_u32..9, prop::bool::weighted(0.2)).prop_map(
        |(members, when, (day, hour, minute), days, beside)| {
            let from = date(2026, 3, 20).checked_add(jiff::Span::new().days(day)).unwrap().at(hour, minute, 0, 0);
            Layer {
                id: "layer".into(),
                weight: if beside { Weight::Beside } else { Weight::Decides },
                members: members.iter().map(|group| group.iter().map(|id| person(id)).collect()).collect(),
                turns: Some(Turns { from, days }),
                when: Hours::parse(when).unwrap(),
                source: source(10),
            }
        },
    )
}

fn some_span() -> impl Strategy<Value = Span> {
    let start = date(2026, 3, 15).at(0, 0, 0, 0);
    let start = Zone::utc().instant(start);
    (0_i64..20 * 1440, 1_i64..4 * 1440).prop_map(move |(at, long)| Span::lasting(start + at * MINUTE, long * MINUTE))
}

fn some_roster() -> impl Strategy<Value = Roster> {
    let who = || prop::sample::select(PEOPLE.to_vec());
    let shift = (some_span(), who()).prop_map(|(span, who)| Shift { span, who: vec![person(who)], source: source(20) });
    let change = (some_span(), who(), prop::option::of(who())).prop_map(|(span, who, whose)| {
        let instead_of = whose.map(PersonId::from);
        Override { span, who: vec![person(who)], instead_of, reason: None, source: source(30) }
    });
    let parts = (
        prop::collection::vec(some_layer(), 1..4),
        prop::collection::vec(shift, 0..4),
        prop::collection::vec(change, 0..4),
    );
    parts.prop_map(|(layers, mut shifts, overrides)| {
        shifts.sort_by_key(|shift| shift.span.start);
        Roster { shifts, overrides, ..roster(layers) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two weeks around the change of the clock in Europe, and nothing of the kind in Shanghai.
    #[test]
    fn who_is_on_duty_agrees_with_a_walk_minute_by_minute(
        roster in some_roster(),
        zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin"]),
        first in 0_i64..14,
    ) {
        let place = Place::new(zone);
        let start = place.at("2026-03-16") + first * DAY;
        let within = Span::lasting(start, 3 * DAY);
        let table = Timetable::new(&roster, place.world(), within);
        let pieces = table.pieces();
        prop_assert_eq!(pieces.first().map(|p| p.0.start), Some(within.start));
        prop_assert_eq!(pieces.last().map(|p| p.0.end), Some(within.end));
        prop_assert!(pieces.windows(2).all(|w| w[0].0.end == w[1].0.start && w[0].1 != w[1].1));
        let mut piece = 0;
        for minute in 0..3 * 1440 {
            let at = start + minute * MINUTE;
            let expected = naive(&place, &roster, at);
            while pieces[piece].0.end <= at {
                piece += 1;
            }
            prop_assert_eq!(&names(&pieces[piece].1), &expected, "{}", place.zone.rfc3339(at));
            if minute % 97 == 0 {
                let alone = Timetable::new(&roster, place.world(), Span::lasting(at, 1)).at(at);
                prop_assert_eq!(&alone, &pieces[piece].1);
            }
        }
    }
}

#[test]
fn every_instant_of_four_hundred_days_belongs_to_whom_the_layers_say() {
    for zone in ["Asia/Shanghai", "Europe/Berlin"] {
        let place = Place::new(zone);
        let roster = roster(vec![
            layer("holidays", &["h", "i"], "2025-12-01T00:00", 1, "non-workdays 00:00-24:00"),
            layer("weekly", &["a", "b", "c"], "2025-12-01T02:30", 7, "7x24"),
        ]);
        let within = Span::new(place.at("2025-12-15"), place.at("2025-12-15") + 400 * DAY);
        let table = Timetable::new(&roster, place.world(), within);
        assert!(table.holes().is_empty());
        for (span, duties) in table.pieces() {
            let middle = Timestamp(i64::midpoint(span.start.0, span.end.0));
            for at in [span.start, middle, span.end - 1] {
                assert_eq!(names(&duties), naive(&place, &roster, at), "{}", place.zone.rfc3339(at));
            }
        }
        let stints = table.stints();
        let covered: Millis = stints.iter().map(|stint| stint.span.len_ms()).sum();
        assert_eq!(covered, within.len_ms(), "one at a time, never nobody");
    }
}
