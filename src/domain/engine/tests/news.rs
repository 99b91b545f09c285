//! What the owner's people are told about a window besides its notice, and what is counted inside it.

use super::*;
use crate::domain::window::Telling;

fn news(bench: &Bench) -> Vec<String> {
    bench.mailed().into_iter().filter(|m| m.starts_with("news")).collect()
}

fn notice() -> Outcome {
    Outcome::fail(ReasonKind::Maintenance, "503, retry-after 3600")
}

#[test]
fn start_and_end_are_told_once_with_what_was_seen_inside() {
    let mut bench = Bench::new(&with_window());
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 130, &["c/alone"], &refused());
    assert_eq!(bench.engine.book.iter().next().unwrap().defects.len(), 0, "nothing before the first notice");
    bench.seen(130, 140, &["c/alone"], &notice());
    bench.seen(140, 160, &["c/alone"], &refused());
    bench.seen(160, 170, &["c/alone"], &notice());
    bench.seen(170, 230, &["c/alone"], &Outcome::Pass);
    assert_eq!(news(&bench), ["news Version(Started) c/alone", "news Version(Finished) c/alone"]);
    let last = bench.mails.iter().rev().find_map(|m| match &m.content {
        Content::WindowNews { windows, .. } => windows[0].summary.clone(),
        _ => None,
    });
    let summary = last.unwrap();
    assert_eq!((summary.took_ms, summary.approved_ms, summary.violation_ms), (100 * SECOND, 100 * SECOND, 0));
    assert_eq!(summary.outages[0].2, Span::new(T0 + 110 * SECOND, T0 + 170 * SECOND));
    assert_eq!(summary.defects[0].2, 1, "one defect, however long it lasts");
}

/// What a summary calls a violation is what the ledger of the same time says: hours count, and who was down when.
#[test]
fn the_violation_of_a_summary_is_that_of_the_ledger() {
    // T0 is 10:00; the service ends its day at 10:04, the window at 10:03:20.
    let city = with_window().hours("c/alone", "daily 08:00-10:04");
    let mut bench = Bench::new(&city);
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 300, &["c/alone"], &refused());
    bench.seen(300, 360, &["c/alone"], &Outcome::Pass);
    let summary = bench.mails.iter().rev().find_map(|m| match &m.content {
        Content::WindowNews { windows, .. } => windows[0].summary.clone(),
        _ => None,
    });
    let violation_ms = summary.unwrap().violation_ms;
    assert_eq!(violation_ms, 40 * SECOND, "from the approved end to the end of the hours");
    let snapshot = bench.engine.snapshot();
    let view = snapshot.subsystem(&"c/alone".into()).unwrap();
    let month = sla::Period::current(sla::Grain::Month, bench.now, &snapshot.inventory.zone);
    let account = sla::account_of(bench.now, &snapshot.inventory, view, month).unwrap();
    assert_eq!(account.policy_violation_ms, violation_ms);
}

#[test]
fn reminders_leave_once_and_not_for_what_was_past_when_it_was_announced() {
    let city = two_tiers().window("w", &["c/alone"], T0 + 2 * DAY, HOUR);
    let mut bench = Bench::new(&city);
    bench.until(2 * 86_400 - 1);
    assert_eq!(news(&bench), ["news Reminder(OneDay) c/alone", "news Reminder(OneHour) c/alone"]);
    let at = |what| {
        bench.mails.iter().find(|m| matches!(&m.content, Content::WindowNews { telling, .. } if *telling == what))
    };
    let hour = at(Telling::Reminder(crate::domain::window::Reminder::OneHour)).unwrap();
    assert_eq!(hour.at, T0 + 2 * DAY - HOUR);
    // A restart tells nothing again.
    let mut again = Engine::new(T0, Arc::new(city.inventory()));
    bench.facts.iter().for_each(|fact| again.apply(fact));
    let out = again.start(bench.now, Some(bench.now), "digest");
    assert!(out.messages.is_empty(), "{:?}", out.messages);
}

#[test]
fn what_is_called_off_is_one_mail_for_an_owner() {
    let mut bench = Bench::new(&with_window().window("v", &["c/alone"], T0 + DAY, HOUR));
    let out = bench.engine.handle(T0, reloaded(two_tiers().inventory()));
    bench.take(out);
    assert_eq!(news(&bench), ["news Version(Cancelled) c/alone"]);
    let called_off = bench.mails.iter().filter_map(|m| match &m.content {
        Content::WindowNews { windows, .. } => Some(windows.len()),
        _ => None,
    });
    assert_eq!(called_off.collect::<Vec<_>>(), [2]);
}
