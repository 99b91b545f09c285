//! Whose undeclared maintenance it is: what the opening says about windows and policies, and that it stays so.

use super::*;
use crate::domain::attribution::{Attribution, Ruling};
use crate::domain::policy::Policy;
use crate::domain::window::WindowState;

/// `c/alone` answers 503 from second 30 on.
fn undeclared(city: &City) -> Bench {
    let mut bench = Bench::new(city);
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 90, &["c/alone"], &Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"));
    bench.until(200);
    bench
}

fn attribution(bench: &Bench) -> Attribution {
    let stored = bench.facts.iter().find_map(|f| match &f.fact {
        Fact::IncidentOpened { attribution, .. } => attribution.clone(),
        _ => None,
    });
    let mailed = bench.mails.iter().find_map(|m| match &m.content {
        Content::Opened(news) => news.attribution.clone(),
        _ => None,
    });
    let stored = stored.expect("an incident of undeclared maintenance");
    assert_eq!(Some(&stored), mailed.as_ref(), "the mail says what is stored");
    *stored
}

fn says(of: &Attribution, language: Language) -> String {
    of.declarations(&civil::Zone::named("Asia/Shanghai").unwrap(), language).join("; ")
}

/// Nights alone, so that T0, a working Wednesday 10:00, is shut.
fn nights(policy: &mut Policy) {
    let part = |hour| jiff::civil::time(hour, 0, 0, 0);
    policy.allow.always = false;
    policy.allow.nights = Some(policy::DayPart { start: part(22), end: part(6), end_day_offset: 1 });
}

#[test]
fn without_any_window_it_says_so_and_that_the_policy_would_have_allowed_one() {
    let bench = undeclared(&two_tiers());
    let of = attribution(&bench);
    assert_eq!((of.owner.as_str(), of.contacts.as_slice()), ("c", &["duty <duty@city.test>".to_owned()][..]));
    assert_eq!((of.at, says(&of, Language::Zh)), (T0 + 30 * SECOND, "没有为它申报过任何维护窗口".to_owned()));
    assert!(matches!(of.ruling, Ruling::Allowed { .. }), "{:?}", of.ruling);
}

#[test]
fn a_policy_that_is_shut_is_named_with_its_next_opening() {
    let of = attribution(&undeclared(&two_tiers().policy(nights)));
    let Ruling::Denied { why, next_open } = &of.ruling else { panic!("{:?}", of.ruling) };
    assert!(why.en.contains("10:00 is outside nights"), "{}", why.en);
    assert_eq!(*next_open, Some(T0 + 12 * HOUR));
}

#[test]
fn a_window_that_waits_for_approvals_or_is_blocked_is_named_with_what_it_lacks() {
    let held = two_tiers().window("w", &["c/alone"], T0 + 20 * SECOND, HOUR);
    let of = attribution(&undeclared(&held.policy(|p| p.approvals = 2)));
    assert_eq!((of.declared.len(), of.declared[0].state, of.nearest.is_none()), (1, WindowState::Draft, true));
    let text = says(&of, Language::En);
    assert!(text.contains("would have covered it but does not count: draft, ") && text.contains("approval"), "{text}");
}

#[test]
fn else_the_nearest_window_is_named_with_its_distance() {
    let later = two_tiers().window("w", &["c/alone"], T0 + 2 * HOUR, HOUR).window("v", &["c/alone"], T0 + DAY, HOUR);
    let of = attribution(&undeclared(&later));
    assert!(of.declared.is_empty());
    let text = says(&of, Language::En);
    assert!(text.contains("the nearest window w.") && text.ends_with("begins 1h59m30s later"), "{text}");
    assert!(says(&of, Language::Zh).contains("在此后 1h59m30s 才开始"));
}

#[test]
fn a_window_that_gave_its_time_back_is_named_with_its_real_end() {
    let early = two_tiers().window("w", &["c/alone"], T0 + 10 * SECOND, 30 * SECOND);
    let mut bench = Bench::new(&early);
    bench.seen(0, 100, &["c/alone"], &Outcome::Pass);
    bench.seen(100, 160, &["c/alone"], &Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"));
    bench.until(300);
    let text = says(&attribution(&bench), Language::En);
    assert!(text.contains("(completed, ") && text.ends_with("ended 1m before"), "{text}");
}

#[test]
fn what_was_said_at_the_opening_stays_through_changes_of_the_files_and_restarts() {
    let held = two_tiers().window("w", &["c/alone"], T0 + 20 * SECOND, HOUR).policy(|p| p.approvals = 2);
    let mut bench = undeclared(&held);
    let said = attribution(&bench);
    let out = bench.engine.handle(bench.now, reloaded(two_tiers().inventory()));
    bench.take(out);
    let mut again = Engine::new(T0, Arc::new(two_tiers().inventory()));
    bench.facts.iter().for_each(|fact| again.apply(fact));
    for engine in [&mut bench.engine, &mut again] {
        let shown = engine.snapshot().incidents.iter().find_map(|i| i.attribution.clone());
        assert_eq!(shown.as_deref(), Some(&said));
    }
}
