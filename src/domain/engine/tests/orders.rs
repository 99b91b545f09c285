//! Orders of people: what each does, who may give it, and what is told when it cannot be.

use super::*;
use crate::domain::access::Caller;
use crate::domain::order::{Action, NotOrdered, Order, Ordered, Request, Wanted, WhyNot};
use crate::domain::window::WindowState;

pub(super) fn caller(name: &str, owner: Option<&str>, scopes: &[&str]) -> Caller {
    let scopes = scopes.iter().map(|s| s.parse().unwrap()).collect();
    Caller { name: name.into(), owner: owner.map(OwnerId::from), scopes, from: "127.0.0.1".into() }
}

pub(super) fn operator() -> Caller {
    caller("operator", None, &["operate"])
}

pub(super) fn approver(name: &str) -> Caller {
    caller(name, None, &["approve:c"])
}

impl Bench {
    pub(super) fn give(&mut self, by: &Caller, what: Wanted) -> Result<Ordered, NotOrdered> {
        let order = Order { by: by.clone(), reason: "because of CHG-7".into(), what };
        let (out, result) = self.engine.order(self.now, &order);
        assert_eq!(out.audit.len(), 1, "every order leaves one row");
        self.take(out);
        result
    }

    pub(super) fn act(&mut self, by: &Caller, action: Action) -> Result<Ordered, NotOrdered> {
        let id = self.engine.book.iter().next().unwrap().id.clone();
        self.give(by, Wanted::Window(id, action))
    }

    pub(super) fn only(&self) -> window::Window {
        self.engine.book.iter().next().unwrap().clone()
    }
}

#[track_caller]
pub(super) fn is_refused(result: Result<Ordered, NotOrdered>, kind: WhyNot, says: &str) {
    let not = result.expect_err("refused");
    assert_eq!(not.kind, kind, "{not:?}");
    assert!(not.text.en.contains(says), "{not:?}");
    assert!(!not.text.zh.is_empty());
}

/// A window over c/alone from second 2000 to 5600, which two people must approve.
fn approved_city() -> City {
    two_tiers().window("w", &["c/alone"], T0 + 2_000 * SECOND, HOUR).policy(|p| p.approvals = 2)
}

fn running() -> Bench {
    let mut bench = Bench::new(&two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, HOUR));
    bench.seen(0, 120, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Active);
    bench
}

#[test]
fn two_approvals_make_a_draft_planned_and_the_applicants_do_not_count() {
    let mut bench = Bench::new(&approved_city());
    assert_eq!(bench.only().state, WindowState::Draft);
    let insider = caller("insider", Some("c"), &["approve:c", "operate"]);
    is_refused(bench.act(&insider, Action::Approve), WhyNot::Forbidden, "acts for c, the applicant");
    is_refused(bench.act(&caller("other", None, &["approve:b"]), Action::Approve), WhyNot::Forbidden, "approve:c");
    bench.act(&approver("first"), Action::Approve).unwrap();
    bench.act(&approver("first"), Action::Approve).unwrap();
    assert_eq!(bench.only().state, WindowState::Draft, "one person counts once");
    let done = bench.act(&approver("second"), Action::Approve).unwrap();
    assert_eq!(done.state, Some(WindowState::Announced));
}

#[test]
fn moving_an_approved_window_voids_its_approvals_and_makes_the_mover_an_applicant() {
    let mut bench = Bench::new(&approved_city());
    bench.act(&approver("first"), Action::Approve).unwrap();
    bench.act(&approver("second"), Action::Approve).unwrap();
    let mover = caller("second", None, &["operate", "approve:c"]);
    let to = T0 + 3_000 * SECOND;
    let done = bench.act(&mover, Action::Move { to, lasts_ms: None }).unwrap();
    assert_eq!((done.state, done.span), (Some(WindowState::Blocked), Some(Span::lasting(to, HOUR))));
    is_refused(bench.act(&mover, Action::Approve), WhyNot::Forbidden, "applied for this window");
    bench.act(&approver("first"), Action::Approve).unwrap();
    assert_eq!(bench.act(&approver("third"), Action::Approve).unwrap().state, Some(WindowState::Announced));
    assert_eq!(bench.mails.iter().filter(|m| matches!(m.content, Content::Announcement { .. })).count(), 2);
}

#[test]
fn shortening_keeps_approvals_and_notice() {
    let mut bench = Bench::new(&approved_city());
    bench.act(&approver("first"), Action::Approve).unwrap();
    bench.act(&approver("second"), Action::Approve).unwrap();
    let end = T0 + 3_000 * SECOND;
    let done = bench.act(&operator(), Action::Shorten { end }).unwrap();
    assert_eq!((done.state, done.span.map(|s| s.end)), (Some(WindowState::Announced), Some(end)));
    is_refused(bench.act(&operator(), Action::Shorten { end }), WhyNot::Senseless, "before the present end");
}

#[test]
fn approving_the_text_approves_its_windows_until_the_text_changes() {
    let mut bench = Bench::new(&approved_city());
    bench.give(&approver("first"), Wanted::ApproveText("w".into())).unwrap();
    bench.give(&approver("second"), Wanted::ApproveText("w".into())).unwrap();
    assert_eq!(bench.only().state, WindowState::Announced);
    let longer = two_tiers().window("w", &["c/alone"], T0 + 2_000 * SECOND, 2 * HOUR).policy(|p| p.approvals = 2);
    let event = reloaded(longer.inventory());
    let out = bench.engine.handle(bench.now, event);
    bench.take(out);
    assert_eq!(bench.only().state, WindowState::Blocked);
}

#[test]
fn one_window_of_a_schedule_is_skipped_and_stays_so() {
    let city = two_tiers().window("w", &["c/alone"], T0 + 2_000 * SECOND, HOUR);
    let mut bench = Bench::new(&city);
    bench.act(&operator(), Action::Skip).unwrap();
    assert_eq!(bench.only().state, WindowState::Cancelled);
    let out = bench.engine.handle(bench.now, reloaded(city.inventory()));
    bench.take(out);
    assert_eq!(bench.only().state, WindowState::Cancelled);
    is_refused(bench.act(&operator(), Action::Cancel), WhyNot::Conflict, "is over");
}

#[test]
fn finishing_early_gives_time_back_once_the_rounds_are_good() {
    let mut bench = running();
    bench.act(&operator(), Action::Finish).unwrap();
    assert_eq!(bench.only().state, WindowState::Verifying);
    bench.seen(120, 150, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Completed);
    bench.seen(150, 200, &["c/alone"], &refused());
    assert_eq!(bench.outages(), ["opened down c/alone"], "muting ended with the window");
}

#[test]
fn an_aborted_window_ends_failed_when_the_service_is_verified() {
    let mut bench = running();
    assert_eq!(bench.act(&operator(), Action::Abort).unwrap().state, Some(WindowState::Verifying));
    bench.seen(120, 150, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Failed);
}

#[test]
fn an_extension_is_asked_for_before_the_end_and_moves_the_edges() {
    let mut bench = running();
    let end = T0 + 8_000 * SECOND;
    let done = bench.act(&operator(), Action::Extend { end }).unwrap();
    assert_eq!((done.state, done.span.map(|s| s.end)), (Some(WindowState::Active), Some(end)));
    bench.seen(3_600, 3_720, &["c/alone"], &refused());
    assert!(bench.outages().is_empty(), "past the first end, inside the extended one");
    is_refused(bench.act(&operator(), Action::Extend { end }), WhyNot::Senseless, "not later");
}

#[test]
fn an_extension_of_what_needs_approval_waits_for_two_people() {
    let mut bench = Bench::new(&approved_city());
    bench.act(&approver("first"), Action::Approve).unwrap();
    bench.act(&approver("second"), Action::Approve).unwrap();
    bench.seen(1_900, 2_020, &["c/alone"], &Outcome::Pass);
    let before = bench.only().span;
    let end = T0 + 8_000 * SECOND;
    let asker = caller("first", None, &["operate", "approve:c"]);
    bench.act(&asker, Action::Extend { end }).unwrap();
    assert_eq!(bench.only().span, before);
    is_refused(bench.act(&asker, Action::Approve), WhyNot::Forbidden, "applied for this window");
    bench.act(&approver("second"), Action::Approve).unwrap();
    assert_eq!(bench.only().span, before);
    bench.act(&approver("third"), Action::Approve).unwrap();
    assert_eq!(bench.only().span, Span::new(before.start, end));
}

#[test]
fn an_order_to_start_waives_an_open_incident_and_nothing_else() {
    let mut bench = Bench::new(&two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, HOUR));
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 110, &["c/alone"], &refused());
    assert_eq!(bench.only().state, WindowState::Blocked);
    assert_eq!(bench.act(&operator(), Action::Start).unwrap().state, Some(WindowState::Active));
}

#[test]
fn a_request_becomes_a_window_and_policy_is_asked_first() {
    let city = two_tiers().policy(|p| p.longest_deny_ms = Some(2 * HOUR));
    let mut bench = Bench::new(&city);
    let request = |start: i64, lasts_ms| {
        let (scope, name) = (vec!["c/alone".into()], Names { zh: "换盘".into(), en: "Disks".into() });
        let span = Span::lasting(T0 + start * SECOND, lasts_ms);
        Wanted::Request(Request { owner: "c".into(), name, scope, span, notice: None, plan: None })
    };
    is_refused(bench.give(&operator(), request(-10, HOUR)), WhyNot::Senseless, "in the past");
    is_refused(bench.give(&operator(), request(100, 0)), WhyNot::Senseless, "a minute at least");
    is_refused(bench.give(&operator(), request(100, 8 * DAY)), WhyNot::Senseless, "longer than the 168h");
    is_refused(bench.give(&operator(), request(100, 3 * HOUR)), WhyNot::Denied, "3h is over the 2h");
    let other = caller("neighbour", Some("b"), &["operate"]);
    is_refused(bench.give(&other, request(100, HOUR)), WhyNot::Forbidden, "belongs to `c`");
    is_refused(bench.give(&caller("reader", None, &["read"]), request(100, HOUR)), WhyNot::Forbidden, "operate");
    let done = bench.give(&operator(), request(100, HOUR)).unwrap();
    assert_eq!(done.state, Some(WindowState::Armed));
    bench.seen(100, 120, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Active);
    let out = bench.engine.handle(bench.now, reloaded(city.inventory()));
    bench.take(out);
    assert_eq!(bench.only().state, WindowState::Active, "no file has it, and it stays");
}

#[test]
fn an_override_runs_at_once_mutes_and_is_not_free() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    let wanted = |scope: &str, lasts_ms, ticket: &str| Wanted::Override {
        scope: vec![scope.into()],
        lasts_ms,
        ticket: ticket.into(),
    };
    is_refused(bench.give(&operator(), wanted("c/alone", 25 * HOUR, "CHG-7")), WhyNot::Senseless, "24h");
    is_refused(bench.give(&operator(), wanted("c/alone", HOUR, " ")), WhyNot::Senseless, "ticket");
    is_refused(bench.give(&operator(), wanted("c/none", HOUR, "CHG-7")), WhyNot::Unknown, "c/none");
    let done = bench.give(&operator(), wanted("c/alone", HOUR, "CHG-7")).unwrap();
    assert_eq!(done.state, Some(WindowState::Active));
    bench.seen(30, 90, &["c/alone"], &refused());
    assert!(bench.outages().is_empty());
    let used = bench.engine.book.used(&"c/alone".into());
    assert_eq!(used[0].standing, sla::Standing::Emergency);
}

#[test]
fn an_override_on_tier_one_waits_for_a_second_person() {
    let mut bench = Bench::new(&two_tiers());
    let by = caller("operator", None, &["operate", "approve:a"]);
    let wanted = Wanted::Override { scope: vec!["a/web".into()], lasts_ms: HOUR, ticket: "CHG-8".into() };
    assert_eq!(bench.give(&by, wanted).unwrap().state, Some(WindowState::Draft));
    is_refused(bench.act(&by, Action::Approve), WhyNot::Forbidden, "applied for this window");
    let second = caller("second", None, &["approve:a"]);
    assert_eq!(bench.act(&second, Action::Approve).unwrap().state, Some(WindowState::Active));
}

#[test]
fn a_stuck_window_is_verified_by_a_person_once_it_is_well() {
    let mut bench = Bench::new(&two_tiers().window("w", &["c/alone"], T0 + 100 * SECOND, 100 * SECOND));
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 2_100, &["c/alone"], &refused());
    is_refused(bench.act(&operator(), Action::Finish), WhyNot::Conflict, "not up yet");
    bench.seen(2_100, 2_150, &["c/alone"], &Outcome::Pass);
    bench.act(&operator(), Action::Finish).unwrap();
    bench.seen(2_150, 2_200, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Completed);
    assert_eq!(bench.outages(), ["opened overrun c/alone", "reminder overrun c/alone", "closed overrun c/alone"]);
}

#[test]
fn an_order_without_a_reason_or_while_the_store_refuses_changes_nothing() {
    let mut bench = running();
    let id = bench.only().id;
    let silent = Order { by: operator(), reason: " ".into(), what: Wanted::Window(id, Action::Finish) };
    let (_, result) = bench.engine.order(bench.now, &silent);
    is_refused(result, WhyNot::Senseless, "reason");
    bench.engine.note_journal(Journal::Refuses);
    is_refused(bench.act(&operator(), Action::Finish), WhyNot::Unrecorded, "nothing was changed");
    assert_eq!(bench.only().state, WindowState::Active);
}

#[test]
fn what_people_did_survives_a_restart() {
    let city = approved_city();
    let mut bench = Bench::new(&city);
    bench.act(&approver("first"), Action::Approve).unwrap();
    bench.act(&operator(), Action::Move { to: T0 + 2_500 * SECOND, lasts_ms: None }).unwrap();
    bench.act(&approver("third"), Action::Approve).unwrap();
    let mut replayed = Engine::new(T0, Arc::new(city.inventory()));
    bench.facts.iter().for_each(|f| replayed.apply(f));
    replayed.start(bench.now, Some(bench.now), "digest");
    assert_eq!(bench.engine.snapshot().windows, replayed.snapshot().windows);
    let (then, now) = (bench.only(), replayed.book.iter().next().unwrap().clone());
    assert_eq!((then.span, then.approvals, then.applicants), (now.span, now.approvals, now.applicants));
}

#[test]
fn a_window_says_who_let_it_through_when_and_why() {
    let mut bench = Bench::new(&approved_city());
    let told = |bench: &mut Bench| {
        let view = bench.engine.snapshot().windows[0].clone();
        let each = view.decisions.iter().map(|d| {
            let decision = &d.decision;
            assert_eq!(decision.reason, "because of CHG-7");
            format!("{} {}{}", decision.by.name, decision.what.as_str(), if d.is_void { ", void" } else { "" })
        });
        (each.collect::<Vec<_>>(), view.is_approved())
    };
    assert_eq!(told(&mut bench), (vec![], false));
    let text = bench.only().schedule;
    bench.give(&approver("first"), Wanted::ApproveText(text)).unwrap();
    assert_eq!(told(&mut bench), (vec!["first approve_text".into()], false), "a second person is missing");
    bench.act(&approver("second"), Action::Approve).unwrap();
    let both = vec!["first approve_text".to_owned(), "second approve".into()];
    assert_eq!(told(&mut bench), (both, true));
    bench.act(&operator(), Action::Move { to: T0 + 2_500 * SECOND, lasts_ms: None }).unwrap();
    let (said, approved) = told(&mut bench);
    assert_eq!((said[0].as_str(), approved), ("second approve, void", false), "{said:?}");
}
