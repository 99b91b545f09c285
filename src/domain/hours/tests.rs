//! Hours: the grammar, and spans against a sampler that asks minute by minute.

use super::*;
use crate::domain::calendar::{DayClass, Layer, LayerKind, Row};
use jiff::civil::date;
use proptest::prelude::*;

/// Spring Festival 2026 with its make-up Saturday 14 February; 2027 is provisional.
pub(super) fn china() -> Calendar {
    let row = |class| Row {
        class,
        name: Names { zh: "春节".into(), en: "Spring Festival".into() },
        published: None,
        source: Source { file: "china.yaml".into(), line: 7 },
    };
    let mut rows: std::collections::BTreeMap<_, _> =
        (15..=23).map(|d| (date(2026, 2, d), row(DayClass::NonWorking))).collect();
    rows.insert(date(2026, 2, 14), row(DayClass::Working));
    rows.insert(date(2026, 2, 28), row(DayClass::Working));
    let layers = vec![Layer { kind: LayerKind::StateCouncil, owner: None, rows }];
    let years = [(2025, YearStatus::Published), (2026, YearStatus::Published), (2027, YearStatus::Provisional)];
    Calendar { id: "china".into(), layers, years: years.into() }
}

fn shanghai() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

#[track_caller]
fn covers(text: &str, at: &str) -> bool {
    let zone = shanghai();
    let t = zone.parse(at).unwrap();
    Hours::parse(text).unwrap().spans(&zone, &china(), None, Span::lasting(t, MINUTE)).set.contains(t)
}

#[test]
fn workdays_follow_the_statutory_calendar_and_mon_fri_the_plain_week() {
    for (text, at, inside) in [
        ("workdays 09:00-17:30", "2026-02-14T10:00", true),
        ("Mon-Fri 09:00-17:30", "2026-02-14T10:00", false),
        ("workdays 09:00-17:30", "2026-02-16T10:00", false),
        ("Mon-Fri 09:00-17:30", "2026-02-16T10:00", true),
        ("non-workdays 10:00-16:00", "2026-02-16T10:00", true),
        ("non-workdays 10:00-16:00", "2026-02-14T10:00", false),
        ("workdays 09:00-17:30", "2026-02-24T08:59", false),
        ("workdays 09:00-17:30", "2026-02-24T17:30", false),
    ] {
        assert_eq!(covers(text, at), inside, "{text} at {at}");
    }
}

#[test]
fn hours_reach_into_the_next_day_and_back_into_the_one_before() {
    for (text, at, inside) in [
        ("Fri 22:00-06:00+1", "2026-11-28T05:59", true),
        ("Fri 22:00-06:00+1", "2026-11-28T06:00", false),
        ("Mon 22:00-1-06:00", "2026-11-29T22:00", true),
        ("Mon 22:00-1-06:00", "2026-11-29T21:59", false),
        ("daily 08:00-24:00", "2026-11-29T23:59", true),
        ("Sat 08:00-24:00+1", "2026-11-29T23:59", true),
        ("Sat 08:00-24:00+1", "2026-11-30T00:00", false),
        ("Mon,Wed 09:00-10:00; Sat 10:00-11:00", "2026-11-28T10:30", true),
    ] {
        assert_eq!(covers(text, at), inside, "{text} at {at}");
    }
}

#[test]
fn wrong_hours_are_refused_at_the_byte_that_is_wrong() {
    for (text, offset, says) in [
        ("", 0, "a rule is missing"),
        ("9-5", 0, "write 7x24"),
        ("workday 09:00-17:00", 0, "`workday` names no days"),
        ("Mon-Fry 09:00-17:00", 4, "`Fry` names no days"),
        ("daily 9:00-17:00", 6, "two digits"),
        ("daily 09:00-17:60", 12, "no time of a day"),
        ("daily 24:00-24:00+1", 6, "may only end a day"),
        ("daily 22:00-06:00", 12, "not after the start"),
        ("daily 09:00-09:00", 12, "not after the start"),
        ("daily 09:00 17:00", 11, "expected `-`"),
        ("daily 09:00-17:00+2", 17, "left over"),
        ("daily 09:00-17:00 Sat", 17, "left over"),
        ("daily 09:00-17:00;", 18, "a rule is missing"),
        ("daily 09:00-17:00; 7x24", 19, "stands alone"),
        ("日间 09:00-17:00", 0, "names no days"),
        ("daily 09:0五-17:00", 6, "two digits"),
    ] {
        let (at, sentence) = Hours::parse(text).unwrap_err();
        assert!(at == offset && sentence.contains(says), "{text}: {at} {sentence}");
    }
}

#[test]
fn normal_form_is_one_for_every_way_of_writing() {
    for (text, normal) in [
        ("7x24", "7x24"),
        ("  workdays   09:00-17:30 ;daily 20:00-21:00", "workdays 09:00-17:30; daily 20:00-21:00"),
        ("Wed,Mon,Tue 09:00-10:00", "Mon-Wed 09:00-10:00"),
        ("mon,sun 09:00-10:00", "Mon,Sun 09:00-10:00"),
        ("Sat-Mon 22:00-1-24:00+1", "Mon,Sat,Sun 22:00-1-24:00+1"),
    ] {
        let hours = Hours::parse(text).unwrap();
        assert_eq!((hours.normal().as_str(), hours.as_str()), (normal, text));
    }
    assert!(Hours::parse("Mon-Fri 09:00-17:00").unwrap().names_plain_week());
    assert!(!Hours::parse("workdays 09:00-17:00").unwrap().names_plain_week());
}

#[test]
fn figure_is_provisional_only_where_the_calendar_was_asked_and_has_no_notice() {
    let (zone, calendar) = (shanghai(), china());
    let day = zone.day(date(2027, 1, 4));
    let provisional =
        |text: &str, within| Hours::parse(text).unwrap().spans(&zone, &calendar, None, within).provisional;
    assert!(provisional("workdays 09:00-17:00", day));
    assert!(!provisional("Mon-Fri 09:00-17:00", day) && !provisional("7x24", day));
    assert!(!provisional("workdays 09:00-17:00", zone.day(date(2026, 12, 31))));
    assert!(provisional("workdays 22:00-1-06:00", zone.day(date(2026, 12, 31))));
}

#[test]
fn around_the_clock_costs_one_span_however_long_the_time() {
    let forever = Span::new(Timestamp::MIN, Timestamp::MAX);
    let hours = Hours::parse("7x24").unwrap();
    assert_eq!(hours.spans(&shanghai(), &china(), None, forever).set.spans(), [forever]);
    assert!(hours.spans(&shanghai(), &china(), None, Span::new(Timestamp(5), Timestamp(5))).set.is_empty());
}

/// What the words say, asked for one instant at a time, without any of the code above but the parser.
fn naive(rules: &[Rule], zone: &Zone, calendar: &Calendar, t: Timestamp) -> bool {
    let near = (-2..=2).map(|n| zone.date(t).saturating_add(jiff::Span::new().days(n)));
    near.into_iter().any(|date| {
        rules.iter().any(|rule| {
            let works = calendar.day(date, None).is_working();
            let held = match rule.days {
                Days::Daily => true,
                Days::Week(set) => set[date.weekday().to_monday_zero_offset() as usize],
                Days::Working => works,
                Days::NonWorking => !works,
            };
            let edge = |e: Edge| {
                let day = date.saturating_add(jiff::Span::new().days(i64::from(e.day) + i64::from(e.minute / 1440)));
                zone.instant(day.at((e.minute % 1440 / 60) as i8, (e.minute % 60) as i8, 0, 0))
            };
            held && edge(rule.start) <= t && t < edge(rule.end)
        })
    })
}

prop_compose! {
    fn rule()(
        days in prop_oneof![
            Just("daily"), Just("workdays"), Just("non-workdays"), Just("Mon-Fri"), Just("Sat"), Just("Sun,Tue"),
        ],
        start in 0i16..48, length in 1i16..60, shift in prop::bool::weighted(0.2),
    ) -> String {
        let (start_day, start) = if shift { (-1, start) } else { (0, start) };
        let end = (start + start_day * 48 + length).min(95).max(start + start_day * 48 + 1);
        let edge = |n: i16| format!("{:02}:{:02}", n / 2, n % 2 * 30);
        let end = if end > 48 { format!("{}+1", edge(end - 48)) } else { edge(end.max(0)) };
        let before = if shift { "-1" } else { "" };
        format!("{days} {}{before}-{end}", edge(start))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spans_agree_with_a_sampler_in_every_zone(
        rules in prop::collection::vec(rule(), 1..4),
        zone in prop_oneof![Just("Asia/Shanghai"), Just("America/New_York"), Just("America/Sao_Paulo"), Just("Australia/Lord_Howe")],
        day in prop_oneof![0i64..30, Just(24i64), 260i64..290],
    ) {
        let (zone, calendar) = (Zone::named(zone).unwrap(), china());
        let hours = Hours::parse(&rules.join("; ")).unwrap();
        let from = zone.midnight(date(2026, 2, 10).saturating_add(jiff::Span::new().days(day)));
        let within = Span::lasting(from + 7 * MINUTE, 3 * DAY);
        let spans = hours.spans(&zone, &calendar, None, within);
        prop_assert!(spans.set.spans().iter().all(|s| within.covers(*s)));
        for minute in (0..3 * 24 * 60).step_by(15) {
            let t = within.start + minute * MINUTE;
            prop_assert_eq!(spans.set.contains(t), naive(&hours.rules, &zone, &calendar, t), "{} at {}", hours.as_str(), t);
        }
    }

    #[test]
    fn normal_form_means_the_same_and_is_its_own_normal_form(rules in prop::collection::vec(rule(), 1..4)) {
        let hours = Hours::parse(&rules.join(" ;")).unwrap();
        let again = Hours::parse(&hours.normal()).unwrap();
        prop_assert_eq!(&again.rules, &hours.rules);
        prop_assert_eq!(again.normal(), hours.normal());
    }

    #[test]
    fn any_text_is_parsed_or_refused_inside_itself(text in "[0-9:;+\\-a-zA-Z ,一]{0,24}") {
        if let Err((offset, _)) = Hours::parse(&text) {
            prop_assert!(offset <= text.len() && text.is_char_boundary(offset), "{:?} {}", text, offset);
        }
    }
}

mod effective {
    use super::*;
    use crate::domain::policy::fixture::{city, subsystem};

    fn add(city: &mut Inventory, id: &str, hours: &str, depends_on: Vec<Dependency>) {
        city.subsystems.insert(id.into(), subsystem(id, Tier::Three, hours, depends_on));
    }

    fn hours_of(city: &Inventory, id: &str) -> Millis {
        let week = Span::new(city.zone.midnight(date(2026, 11, 23)), city.zone.midnight(date(2026, 11, 30)));
        effective_hours(city, &id.into(), week).set.len_ms()
    }

    #[test]
    fn hard_dependencies_shorten_hours_through_the_whole_chain_and_soft_ones_do_not() {
        let mut city = city();
        let one = |id: &str| Dependency::One(id.into());
        add(&mut city, "national/registry", "workdays 08:00-20:00", vec![]);
        add(&mut city, "bdc/relay", "7x24", vec![one("national/registry")]);
        add(&mut city, "bdc/desk", "7x24", vec![one("bdc/relay"), one("national/registry")]);
        add(&mut city, "bdc/lucky", "7x24", vec![Dependency::Soft("national/registry".into())]);
        add(&mut city, "bdc/evening", "daily 18:00-22:00", vec![one("bdc/desk")]);
        assert_eq!(hours_of(&city, "bdc/relay"), 5 * 12 * HOUR);
        assert_eq!(hours_of(&city, "bdc/desk"), 5 * 12 * HOUR);
        assert_eq!(hours_of(&city, "bdc/lucky"), 7 * DAY);
        assert_eq!(hours_of(&city, "bdc/evening"), 5 * 2 * HOUR);
        assert_eq!(hours_of(&city, "nobody/nothing"), 0);
    }

    #[test]
    fn redundancy_group_gives_what_any_member_gives() {
        let mut city = city();
        add(&mut city, "pay/day", "daily 06:00-18:00", vec![]);
        add(&mut city, "pay/late", "daily 12:00-24:00", vec![]);
        add(&mut city, "bdc/till", "7x24", vec![Dependency::AnyOf(vec!["pay/day".into(), "pay/late".into()])]);
        assert_eq!(hours_of(&city, "bdc/till"), 7 * 18 * HOUR);
    }

    #[test]
    fn whole_city_is_asked_once_each() {
        let mut city = city();
        add(&mut city, "bdc/l0", "workdays 00:00-24:00", vec![]);
        // Two ways down at every level would be 2^40 visits without a memory.
        for n in 1..=40 {
            let below = || Dependency::One(SubsystemId::new(format!("bdc/l{}", n - 1)));
            add(&mut city, &format!("bdc/l{n}"), "7x24", vec![below(), below()]);
        }
        assert_eq!(hours_of(&city, "bdc/l40"), 5 * DAY);
    }
}
