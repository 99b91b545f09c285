//! Filings by behaviour: the clock, its warnings, what stops them, and a restart between any two.

use super::orders::{caller, is_refused, operator};
use super::*;
use crate::domain::filing::{Act, Assigned, Category, CountsFrom, Duty, Grade, Rules, Share, Threshold, Turn};
use crate::domain::order::{Wanted, WhyNot};

/// a/web is considerable after 30 min, serious after 3 h; it has 2 h.
pub(super) fn rules() -> Rules {
    let threshold = |grade, down_ms| Threshold {
        grade,
        of: ["a/web".into()].into(),
        of_text: Names { zh: "网".into(), en: "web".into() },
        down_ms,
        share: Share::Number(1),
        source: Source { file: "gengfu.yaml".into(), line: 1 },
    };
    let duty = Duty { category: Category::Central, within_ms: 2 * HOUR, to: Category::Central.authority() };
    Rules {
        roster: "duty".into(),
        unit: Names { zh: "中心".into(), en: "Centre".into() },
        counts_from: CountsFrom::Incident,
        categories: vec![Assigned { duty, owners: ["a".into()].into(), subsystems: Default::default() }],
        people: Default::default(),
        thresholds: vec![threshold(Grade::Considerable, 30 * MINUTE), threshold(Grade::Serious, 3 * HOUR)],
    }
}

pub(super) fn with(rules: Rules) -> Inventory {
    Inventory { filing: Some(Arc::new(rules)), ..two_tiers().inventory() }
}

/// Down from second 30 on, confirmed and told at second 50.
fn down(rules: Rules) -> Bench {
    let mut bench = Bench::of(with(rules));
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 60, &["a/web"], &refused());
    bench
}

/// Turn and minute of every mail about a filing.
fn told(bench: &Bench) -> Vec<(Turn, i64)> {
    let filing = |m: &Message| match m.content {
        Content::Filing { turn, .. } => Some((turn, m.at.since(T0) / MINUTE)),
        _ => None,
    };
    bench.mails.iter().filter_map(filing).collect()
}

fn lasts(bench: &mut Bench, from: i64, to: i64) {
    bench.seen(from, to, &["a/web"], &refused());
}

pub(super) fn act(bench: &mut Bench, act: Act) -> Result<order::Ordered, order::NotOrdered> {
    let incident = bench.facts.iter().find_map(|f| match &f.fact {
        Fact::IncidentOpened { incident, symptom: Symptom::Down, .. } => Some(*incident),
        _ => None,
    });
    bench.give(&operator(), Wanted::Filing(incident.unwrap(), act))
}

fn reported(bench: &Bench) -> Act {
    Act::Reported { at: bench.now, to: "网信办".into() }
}

#[test]
fn the_officer_is_told_when_a_threshold_is_reached_and_warned_until_it_is_overdue() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 4 * 3_600);
    // Told at second 50: half after 1 h 0:50, soon after 1 h 45:50, late after 2 h 0:50.
    let expected = [(Turn::Due, 30), (Turn::Half, 60), (Turn::Soon, 105), (Turn::Overdue, 120), (Turn::Rose, 180)];
    assert_eq!(told(&bench), expected);
    let ids: std::collections::BTreeSet<&String> = bench.mails.iter().map(|m| &m.id).collect();
    assert_eq!(ids.len(), bench.mails.len(), "no id twice");
}

#[test]
fn an_outage_that_ends_before_any_threshold_is_not_graded() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 29 * 60);
    bench.seen(29 * 60, 3 * 3_600, &["a/web"], &Outcome::Pass);
    assert_eq!(told(&bench), []);
    assert!(bench.engine.snapshot().filings.is_empty());
}

#[test]
fn the_duty_stays_when_the_outage_is_over() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 40 * 60);
    bench.seen(40 * 60, 3 * 3_600, &["a/web"], &Outcome::Pass);
    assert_eq!(told(&bench), [(Turn::Due, 30), (Turn::Half, 60), (Turn::Soon, 105), (Turn::Overdue, 120)]);
    let sheet = bench.engine.snapshot().filings[0].clone();
    assert!(sheet.until.is_some() && sheet.is_open());
}

#[test]
fn a_report_that_was_sent_is_told_once_and_ends_the_warnings() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 40 * 60);
    let sent = reported(&bench);
    let done = act(&mut bench, sent).unwrap();
    assert!(done.text.en.contains("sent to 网信办") && !done.text.en.contains("late"), "{done:?}");
    lasts(&mut bench, 40 * 60, 170 * 60);
    assert_eq!(told(&bench), [(Turn::Due, 30), (Turn::Settled, 39)]);
    // A higher grade may ask for another report.
    lasts(&mut bench, 170 * 60, 5 * 3_600);
    assert_eq!(told(&bench)[2..], [(Turn::Rose, 180)]);
}

#[test]
fn whoever_judges_that_none_is_due_ends_the_warnings_and_may_be_overruled() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 40 * 60);
    act(&mut bench, Act::Dismissed).unwrap();
    lasts(&mut bench, 40 * 60, 70 * 60);
    assert_eq!(told(&bench)[1..], [(Turn::Settled, 39)]);
    act(&mut bench, Act::Graded { grade: Grade::Considerable }).unwrap();
    lasts(&mut bench, 70 * 60, 130 * 60);
    assert_eq!(told(&bench)[2..], [(Turn::Due, 69), (Turn::Soon, 105), (Turn::Overdue, 120)]);
}

#[test]
fn a_person_may_grade_before_any_threshold_and_the_clock_runs_from_the_opening_mail() {
    let mut bench = down(rules());
    act(&mut bench, Act::Graded { grade: Grade::Serious }).unwrap();
    lasts(&mut bench, 60, 61 * 60);
    assert_eq!(told(&bench), [(Turn::Due, 0), (Turn::Half, 60)]);
    let sheet = bench.engine.snapshot().filings[0].clone();
    assert_eq!((sheet.grade, sheet.graded_by.as_deref()), (Grade::Serious, Some("operator")));
    assert_eq!(sheet.known, T0 + 50 * SECOND);
}

#[test]
fn an_earlier_known_moves_the_deadline_and_a_later_one_is_refused() {
    let mut bench = down(rules());
    lasts(&mut bench, 60, 40 * 60);
    let (later, never) = (bench.now, bench.now - 31 * DAY);
    is_refused(act(&mut bench, Act::Known { at: later }), WhyNot::Senseless, "only an earlier time");
    is_refused(act(&mut bench, Act::Known { at: never }), WhyNot::Senseless, "30 days");
    let earlier = T0 - 85 * MINUTE;
    act(&mut bench, Act::Known { at: earlier }).unwrap();
    lasts(&mut bench, 40 * 60, 50 * 60);
    assert_eq!(told(&bench)[1..], [(Turn::Overdue, 39)], "two hours after that were over already");
}

#[test]
fn a_clock_that_counts_from_the_grade_starts_when_the_threshold_is_reached() {
    let mut bench = down(Rules { counts_from: CountsFrom::Grade, ..rules() });
    lasts(&mut bench, 60, 100 * 60);
    assert_eq!(told(&bench), [(Turn::Due, 30), (Turn::Half, 90)]);
    assert_eq!(bench.engine.snapshot().filings[0].known, T0 + 30 * SECOND + 30 * MINUTE);
}

#[test]
fn dependants_count_and_the_shortest_time_of_all_who_fail_holds() {
    let mut rules = rules();
    rules.thresholds[0].of = ["a/web".into(), "b/hall".into()].into();
    rules.thresholds[0].share = Share::Ppm(1_000_000);
    rules.categories[0].owners = ["b".into()].into();
    let mut bench = Bench::of(with(rules));
    let both = ["a/web", "b/hall"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 60, &["a/web"], &refused());
    bench.seen(60, 50 * 60, &both, &refused());
    assert_eq!(told(&bench).len(), 1, "{:?}", bench.mailed());
    let sheet = bench.engine.snapshot().filings[0].clone();
    assert_eq!((sheet.duty.category, sheet.affected_total), (Category::Central, 1));
}

#[test]
fn who_may_not_or_makes_no_sense_is_refused() {
    let mut bench = down(rules());
    let foreign = caller("visitor", Some("c"), &["operate"]);
    let wanted = |act| Wanted::Filing(IncidentId(1), act);
    is_refused(bench.give(&foreign, wanted(Act::Dismissed)), WhyNot::Forbidden, "acts for `c`");
    let reader = caller("reader", None, &["read"]);
    is_refused(bench.give(&reader, wanted(Act::Dismissed)), WhyNot::Forbidden, "operate");
    is_refused(bench.give(&operator(), Wanted::Filing(IncidentId(99), Act::Dismissed)), WhyNot::Unknown, "INC-0099");
    let nobody = Act::Reported { at: bench.now, to: " ".into() };
    is_refused(bench.give(&operator(), wanted(nobody)), WhyNot::Senseless, "to whom");
    let tomorrow = Act::Reported { at: bench.now + DAY, to: "x".into() };
    is_refused(bench.give(&operator(), wanted(tomorrow)), WhyNot::Senseless, "future");
    let mut without = Bench::new(&two_tiers());
    is_refused(without.give(&operator(), wanted(Act::Dismissed)), WhyNot::Conflict, "`filing`");
}

#[test]
fn a_restart_at_any_minute_neither_doubles_nor_forgets_a_warning() {
    let undisturbed = {
        let mut bench = down(rules());
        lasts(&mut bench, 60, 4 * 3_600);
        told(&bench)
    };
    for minute in (1..235).step_by(23) {
        let mut bench = down(rules());
        lasts(&mut bench, 60, minute * 60);
        let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
        if minute % 2 == 0 {
            assert!(engine.restore(&bench.engine.checkpoint()));
        } else {
            bench.facts.iter().for_each(|f| engine.apply(f));
        }
        bench.engine = engine;
        let out = bench.engine.start(bench.now, Some(bench.now), "digest");
        bench.take(out);
        bench.until(minute * 60);
        lasts(&mut bench, minute * 60, 4 * 3_600);
        let turns = |all: &[(Turn, i64)]| all.iter().map(|(turn, _)| *turn).collect::<Vec<_>>();
        assert_eq!(turns(&told(&bench)), turns(&undisturbed), "restarted after {minute} min");
    }
}

#[test]
fn a_silence_hides_mails_about_the_outage_and_not_the_duty() {
    let mut bench = Bench::of(with(rules()));
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    let owner = silence::Matcher { owner: Some("a".into()), ..Default::default() };
    bench.give(&operator(), Wanted::Silence(owner, DAY)).unwrap();
    lasts(&mut bench, 30, 61 * 60);
    assert_eq!(told(&bench), [(Turn::Due, 30), (Turn::Half, 60)]);
}

#[test]
fn what_a_person_called_ordinary_is_told_all_the_same_once_a_threshold_is_reached() {
    let mut bench = down(rules());
    act(&mut bench, Act::Graded { grade: Grade::Ordinary }).unwrap();
    lasts(&mut bench, 60, 61 * 60);
    assert_eq!(told(&bench), [(Turn::Rose, 30)], "one mail, which says who judged it how");
    act(&mut bench, Act::Graded { grade: Grade::Considerable }).unwrap();
    lasts(&mut bench, 61 * 60, 62 * 60);
    assert_eq!(told(&bench)[1..], [(Turn::Due, 60)]);
}
