//! The shipped files: the whole city loads, and its calendar is the State Council's.

use gengfu::city::Script;
use gengfu::config::{LoadOptions, Loaded, Sources, SystemRoots, load};
use gengfu::domain::calendar::{DayClass, LayerKind};
use gengfu::domain::{OwnerKind, Timestamp};
use gengfu::probe::Heartbeats;
use jiff::civil::{Date, Weekday, date};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

fn shipped() -> Loaded {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("gengfu.yaml");
    let sources = Sources::read(&main).unwrap();
    let mut options = LoadOptions::new(Timestamp(0), HashMap::new(), Arc::new(Heartbeats::new(Timestamp(0))));
    options.system_roots = SystemRoots::Skip;
    options.judge_from = None;
    load(&sources, &options).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_whole_city_loads() {
    let inventory = shipped().inventory;
    assert_eq!((inventory.owners.len(), inventory.subsystems.len()), (80, 250));
    let districts = inventory.owners.values().filter(|o| o.kind == OwnerKind::District);
    for district in districts {
        for name in ["portal", "hall", "exchange", "kiosks", "acceptance", "kiosk-gateway"] {
            assert!(inventory.subsystems.contains_key(&*format!("{}/{name}", district.id)), "{}/{name}", district.id);
        }
    }
    let owners_with_windows: std::collections::BTreeSet<_> = inventory.schedules.values().map(|s| &s.owner).collect();
    assert!(owners_with_windows.len() >= 10, "{owners_with_windows:?}");
}

#[test]
fn every_date_of_the_state_councils_layer_equals_the_published_table() {
    let table = include_str!("../fixtures/calendar/china-workdays.csv");
    let rows: BTreeMap<Date, DayClass> = table
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            let day: Date = cells.next().unwrap().parse().unwrap();
            let class = if cells.next() == Some("holiday") { DayClass::NonWorking } else { DayClass::Working };
            (day, class)
        })
        .collect();
    let calendar = shipped().inventory.calendar;
    let mut day = date(2018, 1, 1);
    while day <= date(2026, 12, 31) {
        let plain = match day.weekday() {
            Weekday::Saturday | Weekday::Sunday => DayClass::NonWorking,
            _ => DayClass::Working,
        };
        let found = calendar.day(day, None);
        assert_eq!(found.class, rows.get(&day).copied().unwrap_or(plain), "{day}");
        assert!(calendar.covered(day), "{day}");
        day = day.tomorrow().unwrap();
    }
    assert!(!calendar.covered(date(2027, 1, 1)), "2027 is provisional: nothing may be decided there");
    assert!(calendar.layers.iter().all(|l| l.kind == LayerKind::StateCouncil), "the municipal overlay is switched off");
}

#[test]
fn everybody_whom_the_demo_puts_on_stage_is_there_around_the_clock() {
    let inventory = shipped().inventory;
    for id in Script::demo().cast() {
        let subsystem = inventory.subsystems.get(id).unwrap_or_else(|| panic!("{id} is not in the shipped files"));
        assert!(subsystem.hours.is_always(), "{id} is not 7x24");
    }
}
