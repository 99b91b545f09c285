//! Texts of plans: approvals are of the text, and windows that people ask for may name a plan.

use super::orders::{approver, caller, is_refused, operator};
use super::*;
use crate::domain::order::{Action, Request, Wanted, WhyNot};
use crate::domain::window::WindowState;

/// A window from second 1000 on that is carried out by a plan and needs one approval.
fn approved_city() -> Inventory {
    let mut inventory = plans::city();
    inventory.policies[0].approvals = 1;
    inventory
}

/// The same with another time-out of one step.
fn reworded(mut inventory: Inventory) -> Inventory {
    inventory.plans.get_mut("upgrade").unwrap().steps[1].timeout_ms += SECOND;
    inventory
}

impl Bench {
    fn reload(&mut self, inventory: Inventory) {
        let out = self.engine.handle(self.now, reloaded(inventory));
        self.take(out);
    }
}

#[test]
fn a_change_of_the_plans_text_voids_the_approval_of_its_window() {
    let mut bench = Bench::of(approved_city());
    bench.act(&approver("first"), Action::Approve).unwrap();
    assert_eq!(bench.only().state, WindowState::Announced);
    bench.reload(approved_city());
    assert_eq!(bench.only().state, WindowState::Announced, "the same text");
    bench.reload(reworded(approved_city()));
    assert_eq!(bench.only().state, WindowState::Blocked);
    bench.act(&approver("first"), Action::Approve).unwrap();
    assert_eq!(bench.only().state, WindowState::Announced, "approved anew");
}

#[test]
fn a_change_of_the_plans_text_voids_the_approval_of_its_schedule() {
    let mut bench = Bench::of(approved_city());
    bench.give(&approver("first"), Wanted::ApproveText("w".into())).unwrap();
    assert_eq!(bench.only().state, WindowState::Announced);
    bench.reload(reworded(approved_city()));
    assert_eq!(bench.only().state, WindowState::Blocked);
}

/// The city without a window of its own.
fn quiet_city() -> Inventory {
    Inventory { schedules: Default::default(), ..plans::city() }
}

fn request(plan: &str, lasts_ms: Millis) -> Wanted {
    let (scope, name) = (vec!["c/alone".into()], Names { zh: "升级".into(), en: "Upgrade".into() });
    let span = Span::lasting(T0 + 1_000 * SECOND, lasts_ms);
    Wanted::Request(Request { owner: "c".into(), name, scope, span, notice: None, plan: Some(plan.into()) })
}

#[test]
fn a_window_that_is_asked_for_may_name_a_plan_of_its_owner_that_fits() {
    let mut bench = Bench::of(quiet_city());
    bench.seen(0, 900, &["c/alone"], &Outcome::Pass);
    is_refused(bench.give(&operator(), request("none", HOUR)), WhyNot::Unknown, "no plan none");
    let short = "needs 20m: steps 5m, reserve 10m, verification 5m; the window has 19m";
    is_refused(bench.give(&operator(), request("upgrade", 19 * MINUTE)), WhyNot::Senseless, short);
    let neighbour = caller("neighbour", Some("b"), &["operate"]);
    is_refused(bench.give(&neighbour, request("upgrade", HOUR)), WhyNot::Forbidden, "belongs to `c`");
    bench.give(&operator(), request("upgrade", HOUR)).unwrap();
    let end = T0 + 1_000 * SECOND + 19 * MINUTE;
    is_refused(bench.act(&operator(), Action::Shorten { end }), WhyNot::Senseless, "the window has 19m");
    let shorter = Action::Move { to: T0 + 2_000 * SECOND, lasts_ms: Some(19 * MINUTE) };
    is_refused(bench.act(&operator(), shorter), WhyNot::Senseless, "the window has 19m");
    bench.until(1_000);
    assert_eq!(bench.only().state, WindowState::Active);
    assert_eq!(bench.orders.len(), 1, "the drain of its plan");
}

#[test]
fn a_window_does_not_start_by_hand_because_the_plan_that_was_asked_for_is_gone() {
    let mut bench = Bench::of(quiet_city());
    bench.seen(0, 100, &["c/alone"], &Outcome::Pass);
    bench.give(&operator(), request("upgrade", HOUR)).unwrap();
    bench.reload(Inventory { plans: Default::default(), ..quiet_city() });
    bench.seen(100, 1_010, &["c/alone"], &Outcome::Pass);
    assert_eq!(bench.only().state, WindowState::Blocked);
    assert!(bench.only().why.en.contains("the plan upgrade is no longer in the files"), "{:?}", bench.only().why);
    bench.reload(quiet_city());
    assert_eq!(bench.only().state, WindowState::Active);
}
