//! Reports over a small city: every breakdown sums to the whole, and every form is safe where it goes.

use super::*;
use crate::domain::fixture::City;
use crate::domain::history::{Past, PastIncident};
use crate::domain::sla::{Cause, Tally, UsedWindow};
use crate::domain::timeline::{Health, Timeline};
use proptest::prelude::*;
use std::sync::Arc;

const IDS: [&str; 4] = ["a/hall", "a/portal", "b/portal", "c/portal"];

/// 1 October 2026 in Shanghai.
const OCTOBER: Timestamp = Timestamp(1_790_784_000_000);

fn city() -> Inventory {
    let city = IDS.iter().fold(City::new(), |city, id| city.subsystem(id, 2, &[]));
    let mut inventory = city.hours("a/hall", "workdays 09:00-17:30").inventory();
    inventory.objectives.get_mut("public").unwrap().figure = Figure::Contract;
    inventory
}

#[derive(Clone, Debug, Default)]
struct Seen {
    changes: Vec<(Timestamp, Health)>,
    windows: Vec<UsedWindow>,
    undeclared: Vec<Span>,
}

fn past(inventory: Inventory, seen: Vec<Seen>, incidents: Vec<PastIncident>, now: Timestamp) -> Past {
    let views = inventory.subsystems.values().zip(seen).map(|(subsystem, seen)| {
        let mut timeline = Timeline::default();
        seen.changes.iter().for_each(|(at, health)| timeline.set(*at, *health));
        Arc::new(SubsystemView {
            id: subsystem.id.clone(),
            health: Health::Up,
            since: timeline.first(),
            timeline,
            probes: Vec::new(),
            windows: seen.windows,
            undeclared: seen.undeclared.into_iter().collect(),
            coverage: None,
            in_maintenance: false,
            corrected: None,
        })
    });
    let snapshot = Snapshot {
        at: now,
        subsystems: views.collect(),
        windows: Arc::default(),
        incidents: Arc::default(),
        clock_doubt: None,
        silences: Arc::default(),
        filings: Arc::default(),
        runs: Arc::default(),
        store_failed: false,
        reload_refused: None,
        reported: None,
        evidence: None,
        inventory: Arc::new(inventory),
    };
    Past::new(snapshot, incidents)
}

fn question(period: &str) -> Question {
    Question { period: Period::parse(period).unwrap(), owner: None }
}

fn outage(id: u64, subsystem: &str, span: Span, joined: &[(&str, Span)]) -> PastIncident {
    PastIncident {
        id: IncidentId(id),
        subsystem: subsystem.into(),
        symptom: Symptom::Down,
        severity: Severity::Page,
        lasted: vec![span],
        joined: joined.iter().map(|(id, span)| ((*id).into(), *span)).collect(),
        reason: Some(Reason::new(ReasonKind::Connect, "=1+1|<script>alert(1)</script> refused")),
        window: None,
        attribution: None,
    }
}

/// Minutes around the month.
fn instant() -> impl Strategy<Value = Timestamp> {
    (-40i64 * 1_440..40 * 1_440).prop_map(|minute| OCTOBER + minute * MINUTE)
}

fn span() -> impl Strategy<Value = Span> {
    (instant(), 1i64..3_000).prop_map(|(start, minutes)| Span::lasting(start, minutes * MINUTE))
}

prop_compose! {
    fn window()(approved in span(), over in -600i64..600, standing in 0usize..3) -> UsedWindow {
        UsedWindow {
            // One name is one stretch of time, whoever is in its scope.
            window: WindowId::new(format!("w.{}.{}.{over}", approved.start.0, approved.end.0)),
            restored: (approved.end + over * MINUTE).max(approved.start),
            approved,
            standing: [sla::Standing::Valid, sla::Standing::Emergency, sla::Standing::Violation][standing],
        }
    }
}

prop_compose! {
    fn seen()(
        mut changes in prop::collection::vec((instant(), prop::sample::select(Health::ALL.to_vec())), 0..12),
        mut windows in prop::collection::vec(window(), 0..4),
        undeclared in prop::collection::vec(span(), 0..2),
    ) -> Seen {
        changes.sort_by_key(|(at, _)| *at);
        windows.sort_by_key(|w| w.approved.start);
        Seen { changes, windows, undeclared }
    }
}

fn added<'a>(shares: impl IntoIterator<Item = &'a Share>) -> Share {
    let mut sum = Share::default();
    shares.into_iter().for_each(|share| sum.add(share));
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_breakdown_sums_to_the_whole(
        all in prop::collection::vec(seen(), 4),
        outages in prop::collection::vec((0usize..4, span(), 0usize..4, span()), 0..5),
        period in prop::sample::select(vec!["2026-10-03", "2026-W40", "2026-10", "2026-Q4", "2026", "rolling_30d"]),
        now in instant(),
    ) {
        let incidents = (1..).zip(&outages).map(|(n, (root, span, other, joined))| {
            outage(n, IDS[*root], *span, &[(IDS[*other], *joined)])
        });
        let past = past(city(), all, incidents.collect(), now);
        let report = build(&past, now, &question(period)).unwrap();
        let whole = &report.whole.totals.share;
        let lines: Vec<Share> = report.subsystems.iter().map(|line| line.account.share()).collect();
        prop_assert_eq!(&added(&lines), whole);
        prop_assert_eq!(&added(report.owners.iter().map(|o| &o.sum.totals.share)), whole);
        let incidents = report.incidents.iter().map(|i| &i.share).chain([&report.beside_incidents]);
        prop_assert_eq!(&added(incidents), whole);
        let windows = report.windows.iter().map(|w| &w.share).chain([&report.beside_windows]);
        prop_assert_eq!(&added(windows), whole);
        if period != "2026-10-03" {
            prop_assert_eq!(&added(report.columns.iter().map(|(_, share)| share)), whole);
        }
        let Tally { good_ms, bad_ms, unknown_ms, .. } = whole.seen;
        prop_assert_eq!(good_ms + bad_ms + unknown_ms, report.subsystems.iter().map(|l| l.account.elapsed_ms).sum::<Millis>());
        prop_assert_eq!(whole.spent_total_ms(), report.whole.agreed.0.bad_ms);
        let totals = &report.whole.totals;
        prop_assert_eq!(totals.met + totals.missed + totals.undetermined, report.subsystems.len());
        prop_assert_eq!(report.league.ranked.len() + report.league.unranked.len(), report.owners.len());
        for pair in report.league.ranked.windows(2) {
            prop_assert!(pair[0].rank <= pair[1].rank);
        }
        // An owner's own report is its line in the city's.
        for owner in &report.owners {
            let asked = Question { owner: Some(owner.id.clone()), ..question(period) };
            let own = build(&past, now, &asked).unwrap();
            prop_assert_eq!(&own.whole.totals, &owner.sum.totals);
        }
    }
}

/// October: one portal was down for an hour, one blind for a week, one began on the tenth.
fn october() -> Report {
    let day = |n: i64| OCTOBER + (n - 1) * DAY;
    let down = Span::lasting(day(3), HOUR);
    let hall = Seen { changes: vec![(day(-40), Health::Up)], ..Seen::default() };
    let valid = UsedWindow {
        window: "w.1".into(),
        approved: Span::lasting(day(5), 2 * HOUR),
        restored: day(5) + 3 * HOUR,
        standing: sla::Standing::Valid,
    };
    let changes = vec![
        (day(-40), Health::Up),
        (down.start, Health::Down),
        (down.end, Health::Up),
        (day(5), Health::Down),
        (day(5) + 3 * HOUR, Health::Up),
    ];
    let portal = Seen { changes, windows: vec![valid], ..Seen::default() };
    let blind = vec![(day(-40), Health::Up), (day(8), Health::Unknown), (day(15), Health::Up)];
    let blind = Seen { changes: blind, ..Seen::default() };
    let late = Seen { changes: vec![(day(10), Health::Up)], ..Seen::default() };
    let mut inventory = city();
    let evil = Names { zh: "=HYPERLINK(\"http://x\")|<b>`门户`".into(), en: "@SUM(1)|<img src=x>".into() };
    inventory.subsystems.get_mut("a/portal").unwrap().name = evil;
    let past = past(inventory, vec![hall, portal, blind, late], vec![outage(7, "a/portal", down, &[])], day(40));
    build(&past, day(40), &question("2026-10")).unwrap()
}

#[test]
fn a_month_says_what_was_lost_to_whom_and_who_is_not_compared() {
    let report = october();
    let portal = &report.subsystems[1];
    assert_eq!(portal.account.spent_ms[&Cause::Incident], HOUR);
    assert_eq!(portal.account.spent_ms[&Cause::Overrun], HOUR);
    assert_eq!(portal.account.excluded_ms, 2 * HOUR);
    assert_eq!(report.windows[0].overrun_ms(), HOUR);
    assert_eq!(report.incidents[0].share.seen.bad_ms, HOUR);
    let before = portal.before.as_ref().unwrap();
    assert_eq!(before.public.value.unwrap().percent(), "100.0000 %");
    assert!(portal.change_ppm().unwrap() < 0);
    let why: Vec<(&str, WhyNot)> = report.league.unranked.iter().map(|u| (u.owner.as_str(), u.why)).collect();
    assert_eq!(why, [("b", WhyNot::UnknownTooHigh), ("c", WhyNot::Partial)]);
    assert_eq!(report.league.ranked[0].owner.as_str(), "a");
    let days = report.columns.iter().filter(|(_, share)| share.spent_total_ms() > 0).count();
    assert_eq!((report.columns.len(), days), (31, 2));
}

#[test]
fn the_html_needs_nothing_else_and_lets_no_text_become_markup() {
    for language in [Language::Zh, Language::En] {
        let page = html(&october(), language).unwrap();
        let bare = page.replace("http://www.w3.org/2000/svg", "").replace("http://x", "");
        for word in ["<script", "<img", "src=", "href=", "url(", "@import", "http:", "https:"] {
            assert!(!bare.contains(&word.replace("src=", " src=\"")) || word == "src=", "{word}");
        }
        assert!(!page.contains("<b>`门户`") && !page.contains("<script>alert"));
        assert_eq!(page.matches("<table").count(), page.matches("<thead>").count());
        assert!(page.contains("INC-0007") && page.contains("<svg class=\"chart\""));
    }
}

#[test]
fn no_cell_of_the_table_is_a_formula_and_the_mark_stands_in_front() {
    let report = october();
    let text = csv(&report, Language::Zh, true).unwrap();
    assert!(text.starts_with('\u{feff}'));
    let mut rows = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let width = rows.headers().unwrap().len();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), report.subsystems.len());
    for row in &rows {
        assert_eq!(row.len(), width);
        for cell in row {
            let formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
            assert!(!formula, "{cell}");
        }
    }
    assert!(rows[1].iter().any(|cell| cell.starts_with("'=HYPERLINK")), "{:?}", rows[1]);
}

#[test]
fn cells_of_markdown_hold_what_they_are_given() {
    let text = markdown(&october(), Language::En);
    let evil = text.lines().find(|line| line.contains("a/portal")).unwrap();
    assert!(evil.contains(r"@SUM(1)\|\<img src=x\>"), "{evil}");
    let columns = |line: &str| line.replace(r"\|", "").matches('|').count();
    let tables = text.lines().filter(|line| line.starts_with('|'));
    let widths: std::collections::BTreeSet<usize> = tables.map(columns).collect();
    assert_eq!(widths, [5, 8, 9, 14].into());
    assert!(text.contains("Not ranked:") && text.contains("- b: more than 5 % of the time is unknown"), "{text}");
}

#[test]
fn numbers_for_scripts_are_those_for_people() {
    let value = json(&october());
    assert_eq!(value["totals"]["spent_ms"]["overrun"], 3_600_000);
    assert_eq!(value["subsystems"][1]["verdict"], "missed");
    assert_eq!(value["league"]["unranked"][0]["why"], "unknown_too_high");
    assert_eq!(value["period"], "2026-10");
    assert_eq!(value["columns"].as_array().unwrap().len(), 31);
    assert_eq!(value["incidents"][0]["id"], "INC-0007");
}

#[test]
fn nobody_knows_an_owner_that_is_in_no_file() {
    let past = past(city(), vec![Seen::default(); 4], Vec::new(), OCTOBER);
    let asked = Question { owner: Some("nobody".into()), ..question("2026-10") };
    assert!(build(&past, OCTOBER, &asked).is_none());
    let nothing = build(&past, OCTOBER, &question("2026-09")).unwrap();
    assert!(nothing.league.ranked.is_empty());
    assert!(html(&nothing, Language::En).unwrap().contains("Nobody can be compared"));
}

#[test]
fn a_months_report_is_due_on_the_first_working_day_at_nine() {
    use crate::domain::policy::fixture;
    let city = fixture::city();
    let due = |text: &str, sent| due(city.zone.parse(text).unwrap(), &city, sent).map(|p| p.to_string());
    // National Day: the first working day of October 2026 is the eighth.
    assert_eq!(due("2026-10-07T23:00", None), None);
    assert_eq!(due("2026-10-08T08:59", None), None);
    assert_eq!(due("2026-10-08T09:00", None).as_deref(), Some("2026-09"));
    assert_eq!(due("2026-10-20T12:00", Some("2026-08")).as_deref(), Some("2026-09"));
    assert_eq!(due("2026-10-20T12:00", Some("2026-09")), None);
    // New Year's Day and a make-up Sunday: the fourth of January is worked.
    assert_eq!(due("2026-01-02T12:00", None), None);
    assert_eq!(due("2026-01-04T09:00", None).as_deref(), Some("2025-12"));
}

#[test]
fn owners_get_their_part_and_administrators_the_citys() {
    let seen =
        Seen { changes: vec![(OCTOBER - 40 * DAY, Health::Up), (OCTOBER + DAY, Health::Down)], ..Seen::default() };
    let incident = outage(3, "a/hall", Span::new(OCTOBER + DAY, Timestamp::MAX), &[]);
    let past = past(city(), vec![seen; 4], vec![incident], OCTOBER + 35 * DAY);
    let letters = letters(&past, Period::parse("2026-10").unwrap());
    let threads: Vec<&str> = letters.iter().map(|l| l.thread.as_str()).collect();
    assert_eq!(threads, ["report-2026-10-a", "report-2026-10-b", "report-2026-10-c", "report-2026-10-city"]);
    let news = &letters[3].news;
    assert!(news.lead.contains("0 met, 4 missed"), "{}", news.lead);
    assert_eq!(news.missed.len(), 4);
    assert!(news.incidents[0].contains("INC-0003"), "{:?}", news.incidents);
    assert!(news.html.contains("a/hall") && !letters[1].news.html.contains("a/hall"));
    let nothing = super::letters(&past, Period::parse("2026-01").unwrap());
    assert!(nothing.is_empty(), "nothing was seen in January");
}

/// October again, with an hour of the portal that somebody says was the monitor's own.
fn corrected() -> Report {
    let day = |n: i64| OCTOBER + (n - 1) * DAY;
    let down = Span::lasting(day(3), HOUR);
    let well = || Seen { changes: vec![(day(-40), Health::Up)], ..Seen::default() };
    let changes = vec![(day(-40), Health::Up), (down.start, Health::Down), (down.end, Health::Up)];
    let seen = vec![well(), Seen { changes, ..Seen::default() }, well(), well()];
    let mut past = past(city(), seen, vec![outage(7, "a/portal", down, &[])], day(40));
    let by = Actor { name: "<keeper>".into(), owner: None, from: "127.0.0.1".into() };
    let (at, reason) = (day(20), "line of www.a.test was cut | CHG-7".to_owned());
    let said = correction::Correction { at, span: down, counts_as: Some(Health::Unknown), by, reason };
    for view in past.snapshot.subsystems.iter_mut().filter(|view| view.id.as_str() == "a/portal") {
        let corrected = Corrected::of(&view.timeline, vec![said.clone()]);
        *view = Arc::new(SubsystemView { corrected, ..(**view).clone() });
    }
    build(&past, day(40), &question("2026-10")).unwrap()
}

#[test]
fn a_correction_stands_beside_what_was_measured_in_every_form() {
    let mut report = corrected();
    let portal = &report.subsystems[1];
    assert_eq!((portal.account.bad_ms, portal.account.unknown_ms), (0, HOUR));
    assert_eq!(portal.measured.as_ref().map(|measured| measured.bad_ms), Some(HOUR));
    assert_eq!(report.measured.as_ref().map(|totals| totals.share.seen.bad_ms), Some(HOUR));
    assert_eq!(report.corrections[0].seen, [(Health::Down, HOUR)]);
    let value = json(&report);
    assert_eq!(value["corrections"][0]["by"], "<keeper>");
    assert_eq!(value["subsystems"][1]["measured"]["public"]["value"], value["subsystems"][1]["public"]["low"]);
    let page = html(&report, Language::En).unwrap();
    assert!(page.contains("&#60;keeper&#62;") && page.contains("<td class=\"ev\">unknown</td>"), "{page}");
    assert!(page.contains("measured 99.8656"), "{page}");
    let text = markdown(&report, Language::Zh);
    assert!(text.contains("## 更正") && text.contains("本期有 1 处更正") && text.contains("cut \\| CHG-7"), "{text}");
    assert!(csv(&report, Language::En, false).unwrap().contains("corrected"));
    report.keep_hosts_private();
    for form in [html(&report, Language::En).unwrap(), markdown(&report, Language::En), json(&report).to_string()] {
        assert!(!form.contains("www.a.test") && !form.contains("keeper"), "{form}");
    }
}
