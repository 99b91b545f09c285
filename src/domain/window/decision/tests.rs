//! Decisions: in order, bounded, and approvals that hold no longer are told from those that do.

use super::*;
use crate::domain::fixture::City;

const SPAN: Span = Span { start: Timestamp(2 * HOUR), end: Timestamp(6 * HOUR) };

fn actor(name: &str) -> Actor {
    Actor { name: name.into(), owner: None, from: "192.0.2.7".into() }
}

fn amended(by: &str, amendment: Amendment) -> Fact {
    let (window, schedule, reason) = ("w.1".into(), "w".into(), format!("{by}'s reason"));
    Fact::WindowAmended { window, schedule, written: SPAN, by: actor(by), reason, amendment }
}

fn approval(book: &Book) -> Amendment {
    let about = book.get(&"w.1".into()).unwrap().about();
    Amendment::Approved { owners: vec!["bdc".into()], about }
}

fn told(book: &Book, digest: &str) -> Vec<(String, &'static str, bool)> {
    let window = book.get(&"w.1".into()).unwrap();
    let wording = || Wording { schedule: Some(digest.into()), plan: None };
    let views = window.decisions(book.text_approvals(&window.schedule), wording);
    views.into_iter().map(|v| (v.decision.by.name, v.decision.what.as_str(), v.is_void)).collect()
}

#[test]
fn an_approval_of_another_time_is_void_and_one_of_the_text_shows_while_the_text_says_the_same() {
    let inventory = City::new().inventory();
    let mut book = Book::default();
    let apply = |book: &mut Book, at, fact: Fact| book.apply(Timestamp(at), &fact, &inventory);
    apply(&mut book, 1, amended("planner", Amendment::Waived));
    let first = approval(&book);
    apply(&mut book, 3, amended("first", first));
    let text = |by: &str, digest: &str| Fact::ScheduleApproved {
        schedule: "w".into(),
        digest: digest.into(),
        owners: vec!["bdc".into()],
        by: actor(by),
        reason: "read it".into(),
    };
    apply(&mut book, 2, text("reader", "old"));
    let named = |name: &str, what, void| (name.to_owned(), what, void);
    assert_eq!(
        told(&book, "old"),
        [named("planner", "start", false), named("reader", "approve_text", false), named("first", "approve", false)],
        "in order of time"
    );
    assert_eq!(told(&book, "new").len(), 2, "the text changed");
    apply(&mut book, 4, text("reader", "new"));
    assert_eq!(book.text_approvals(&"w".into()).len(), 2, "who let the former text through is kept");
    assert_eq!(told(&book, "new").len(), 3);
    apply(&mut book, 5, amended("mover", Amendment::Moved { to: Span::lasting(Timestamp(9 * HOUR), HOUR) }));
    assert_eq!(
        told(&book, "new"),
        [named("planner", "start", false), named("first", "approve", true), named("mover", "move", false)]
    );
    let second = approval(&book);
    apply(&mut book, 6, amended("first", second));
    assert_eq!(told(&book, "new").last(), Some(&named("first", "approve", false)), "both of one person's are told");
}

#[test]
fn the_oldest_decision_is_forgotten_first() {
    let (mut book, inventory) = (Book::default(), City::new().inventory());
    for n in 0..100 {
        book.apply(Timestamp(n), &amended("planner", Amendment::Waived), &inventory);
    }
    let kept = &book.get(&"w.1".into()).unwrap().decisions;
    assert_eq!((kept.len(), kept[0].at, kept[63].at), (DECISIONS_MAX, Timestamp(36), Timestamp(99)));
}
