//! The calendar's layers and counts.

use super::*;
use jiff::civil::date;

fn row(class: DayClass, zh: &str, en: &str) -> Row {
    let source = Source { file: "china.yaml".into(), line: 1 };
    Row { class, name: Names { zh: zh.into(), en: en.into() }, published: None, source }
}

fn layer(kind: LayerKind, rows: &[(Date, DayClass)]) -> Layer {
    Layer { kind, owner: None, rows: rows.iter().map(|(d, c)| (*d, row(*c, "春节", "Spring Festival"))).collect() }
}

/// Spring Festival and National Day of 2026, and provisional 2027.
fn china() -> Calendar {
    let mut rows = vec![(date(2026, 2, 14), DayClass::Working), (date(2026, 2, 28), DayClass::Working)];
    rows.extend((15..=23).map(|d| (date(2026, 2, d), DayClass::NonWorking)));
    rows.extend((1..=7).map(|d| (date(2026, 10, d), DayClass::NonWorking)));
    rows.push((date(2026, 10, 10), DayClass::Working));
    let years = [(2025, YearStatus::Published), (2026, YearStatus::Published), (2027, YearStatus::Provisional)];
    Calendar { id: "china".into(), layers: vec![layer(LayerKind::StateCouncil, &rows)], years: years.into() }
}

#[test]
fn rows_replace_the_weekday_and_everything_else_is_the_plain_week() {
    let calendar = china();
    for (day, working, named) in [
        (date(2026, 2, 13), true, false),
        (date(2026, 2, 14), true, true),
        (date(2026, 2, 16), false, true),
        (date(2026, 3, 1), false, false),
        (date(2026, 3, 2), true, false),
    ] {
        let found = calendar.day(day, None);
        assert_eq!((found.is_working(), found.row.is_some()), (working, named), "{day}");
    }
    let people = calendar.day(date(2026, 2, 14), None).people();
    assert_eq!(
        (people.zh.as_str(), people.en.as_str()),
        ("2月14日 星期六（春节调休上班日）", "Sat 14 Feb (make-up workday, Spring Festival)")
    );
}

#[test]
fn owner_overlay_beats_municipal_beats_state_council_and_only_for_that_owner() {
    let mut calendar = china();
    let (mine, other) = (OwnerId::from("huangpu"), OwnerId::from("xuhui"));
    let day = date(2026, 2, 16);
    calendar.layers.insert(0, layer(LayerKind::Municipal, &[(day, DayClass::Working)]));
    calendar
        .layers
        .push(Layer { owner: Some(mine.clone()), ..layer(LayerKind::Owner, &[(day, DayClass::NonWorking)]) });
    let answer = |owner| (calendar.day(day, owner).class, calendar.day(day, owner).layer);
    assert_eq!(answer(None), (DayClass::Working, Some(LayerKind::Municipal)));
    assert_eq!(answer(Some(&other)), (DayClass::Working, Some(LayerKind::Municipal)));
    assert_eq!(answer(Some(&mine)), (DayClass::NonWorking, Some(LayerKind::Owner)));
}

#[test]
fn later_notice_amends_an_earlier_one_whatever_the_order_of_the_files() {
    let day = date(2026, 5, 4);
    let said = |class, published| {
        let mut layer = layer(LayerKind::StateCouncil, &[(day, class)]);
        layer.rows.values_mut().for_each(|r| r.published = Some(published));
        layer
    };
    let notice = said(DayClass::Working, date(2025, 11, 4));
    let amendment = said(DayClass::NonWorking, date(2026, 3, 22));
    for layers in [vec![notice.clone(), amendment.clone()], vec![amendment, notice]] {
        let calendar = Calendar { layers, ..china() };
        assert_eq!(calendar.day(day, None).class, DayClass::NonWorking);
    }
}

#[test]
fn coverage_ends_with_the_last_published_year() {
    let (calendar, zone) = (china(), Zone::named("Asia/Shanghai").unwrap());
    assert!(
        calendar.covered(date(2026, 12, 31))
            && !calendar.covered(date(2027, 1, 1))
            && !calendar.covered(date(2024, 12, 31))
    );
    assert_eq!(calendar.covered_until(&zone), Some(zone.midnight(date(2027, 1, 1))));
    assert_eq!(Calendar::default().covered_until(&zone), None);
    let span = |from: Date, to: Date| Span::new(zone.midnight(from), zone.midnight(to));
    assert_eq!(calendar.first_uncovered(&zone, span(date(2026, 1, 1), date(2027, 1, 1))), None);
    assert_eq!(calendar.first_uncovered(&zone, span(date(2026, 12, 30), date(2027, 1, 3))), Some(date(2027, 1, 1)));
    assert_eq!(calendar.first_uncovered(&zone, span(date(2024, 12, 30), date(2025, 1, 3))), Some(date(2024, 12, 30)));
}

#[test]
fn working_days_are_counted_after_the_announcement_up_to_the_start() {
    let calendar = china();
    // Thu 12, Fri 13 and the make-up Saturday 14 are worked; 15 to 23 are not; Tue 24 is.
    assert_eq!(calendar.working_days_between(date(2026, 2, 11), date(2026, 2, 24), None), 4);
    assert_eq!(calendar.working_days_between(date(2026, 2, 13), date(2026, 2, 14), None), 1);
    assert_eq!(calendar.working_days_between(date(2026, 2, 14), date(2026, 2, 23), None), 0);
    assert_eq!(calendar.working_days_between(date(2026, 2, 24), date(2026, 2, 24), None), 0);
}

#[test]
fn last_notice_date_is_the_latest_that_leaves_enough_working_days() {
    let calendar = china();
    for start in (1..=60).map(|n| date(2026, 1, 20).saturating_add(jiff::Span::new().days(n))) {
        for needed in 0..12 {
            let last = calendar.last_notice_date(start, needed, None);
            assert!(calendar.working_days_between(last, start, None) >= needed, "{start} {needed}");
            let later = civil::day_after(last);
            assert!(last == start || calendar.working_days_between(later, start, None) < needed, "{start} {needed}");
        }
    }
}

#[test]
fn non_working_days_in_a_row_are_one_span() {
    let (calendar, zone) = (china(), Zone::named("Asia/Shanghai").unwrap());
    let within = Span::new(zone.midnight(date(2026, 2, 9)), zone.midnight(date(2026, 2, 28)));
    let off = calendar.non_working(&zone, None, within);
    assert_eq!(off.spans(), [Span::new(zone.midnight(date(2026, 2, 15)), zone.midnight(date(2026, 2, 24)))]);
}

#[test]
fn every_date_of_2026_has_the_class_of_its_notice_and_the_year_248_working_days() {
    let calendar = crate::domain::policy::fixture::calendar();
    let days = || std::iter::successors(Some(date(2026, 1, 1)), |d| d.tomorrow().ok()).take_while(|d| d.year() == 2026);
    assert_eq!(days().filter(|d| calendar.day(*d, None).is_working()).count(), 248);
    for day in days() {
        let found = calendar.day(day, None);
        let weekend = is_weekend(day);
        // A row always turns the plain week over; without one the weekday stands.
        assert_eq!(found.is_working(), weekend == found.row.is_some(), "{day}");
    }
}
