//! Whose approval counts, and for what.

use super::*;

const SPAN: Span = Span { start: Timestamp(0), end: Timestamp(4 * HOUR) };

fn actor(name: &str, owner: Option<&str>) -> Actor {
    Actor { name: name.into(), owner: owner.map(OwnerId::from), from: "127.0.0.1".into() }
}

fn definition() -> Definition {
    Definition { owner: "bdc".into(), scope: vec!["bdc/portal".into(), "tax/filing".into()], ..Definition::forgotten() }
}

fn window() -> Window {
    let mut book = Book::default();
    let fact = Fact::WindowAmended {
        window: "w.1".into(),
        schedule: "w".into(),
        written: SPAN,
        by: actor("planner", None),
        reason: String::new(),
        amendment: Amendment::Waived,
    };
    book.apply(Timestamp(0), &fact, &crate::domain::fixture::City::new().inventory());
    let mut window = book.get(&"w.1".into()).unwrap().clone();
    window.definition = definition();
    window
}

fn approve(window: &mut Window, by: &Actor, owners: &[&str]) {
    let owners = owners.iter().map(|o| OwnerId::from(*o)).collect();
    let about = Assent::Window(window.about());
    let (by, at, reason) = (by.clone(), Timestamp(0), String::new());
    window.approvals.push(Approval { by, owners, about, at, reason });
}

fn approval(about: Assent) -> Approval {
    let (by, owners) = (actor("first", None), vec!["bdc".into()]);
    Approval { by, owners, about, at: Timestamp(0), reason: String::new() }
}

fn missing(window: &Window) -> (u8, usize) {
    let missing = window.missing(2, &["tax".into()], &[], Wording::default);
    (missing.people, missing.owners.len())
}

#[test]
fn two_people_and_the_foreign_owner_must_approve() {
    let mut window = window();
    assert_eq!(missing(&window), (2, 1));
    approve(&mut window, &actor("first", None), &["bdc"]);
    approve(&mut window, &actor("first", None), &["bdc"]);
    assert_eq!(missing(&window), (1, 1), "one person counts once");
    approve(&mut window, &actor("second", Some("tax")), &["bdc", "tax"]);
    assert_eq!(missing(&window), (0, 0));
}

#[test]
fn consent_for_another_owner_is_no_approval_of_the_window() {
    let mut window = window();
    approve(&mut window, &actor("neighbour", Some("tax")), &["tax"]);
    assert_eq!(missing(&window), (2, 0));
}

#[test]
fn whoever_applied_or_acts_for_the_owner_of_the_text_does_not_count() {
    let mut window = window();
    window.applicants.push("mover".into());
    approve(&mut window, &actor("mover", None), &["bdc"]);
    approve(&mut window, &actor("insider", Some("bdc")), &["bdc"]);
    assert_eq!(missing(&window).0, 2);
    // A request has a person for its applicant; a colleague is another person.
    window.requested = true;
    assert_eq!(missing(&window).0, 1);
}

#[test]
fn an_approval_holds_for_what_was_approved_and_for_less() {
    let mut approved = window();
    approve(&mut approved, &actor("first", None), &["bdc"]);
    let after = |change: &dyn Fn(&mut Window)| {
        let mut window = approved.clone();
        change(&mut window);
        missing(&window).0
    };
    assert_eq!(after(&|w| w.span.end = Timestamp(3 * HOUR)), 1, "shorter is less");
    assert_eq!(after(&|w| w.definition.name.zh = "新名".into()), 1, "a name may be mended");
    assert_eq!(after(&|w| w.span.end = Timestamp(5 * HOUR)), 2, "longer is more");
    assert_eq!(after(&|w| w.span = Span::lasting(Timestamp(HOUR), 4 * HOUR)), 2, "moved");
    assert_eq!(after(&|w| w.definition.scope.push("tax/query".into())), 2, "wider");
    assert_eq!(after(&|w| w.definition.policy = Some("strict".into())), 2, "another policy");
}

#[test]
fn an_approval_of_a_window_is_about_the_text_of_its_plan_and_a_notice_is_not() {
    let mut window = window();
    window.definition.plan = Some("upgrade".into());
    let says = |plan: &str| Wording { schedule: None, plan: Some(plan.into()) };
    let about = Assent::Window(window.about_with(&says("first")));
    window.approvals.push(approval(about));
    let people = |wording: &Wording| window.missing(1, &[], &[], || wording.clone()).people;
    assert_eq!((people(&says("first")), people(&says("other")), people(&Wording::default())), (0, 1, 1));
    assert!(window.about().holds(&window.definition, window.span));
}

#[test]
fn an_approval_of_the_text_holds_for_windows_inside_their_written_time_until_the_text_changes() {
    let mut window = window();
    let text = Assent::Text("digest".into());
    let texts = [approval(text)];
    let says = |digest: &str| Wording { schedule: Some(digest.into()), plan: None };
    let people = |w: &Window, digest: &str| w.missing(1, &[], &texts, || says(digest)).people;
    assert_eq!((people(&window, "digest"), people(&window, "other")), (0, 1));
    window.span = Span::lasting(Timestamp(HOUR), 4 * HOUR);
    assert_eq!(people(&window, "digest"), 1, "moved out of what the text says");
}
