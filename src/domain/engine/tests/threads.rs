//! What a mail of an incident refers to: the first one that the same recipient got about it.

use super::*;

fn fallback() -> Roster {
    let contacts = vec![Contact {
        name: "兜底".into(),
        mail: "fallback@city.test".into(),
        language: Language::Zh,
        digest_at: None,
    }];
    Roster::of_contacts("last-resort".into(), contacts, Source { file: "on-call.yaml".into(), line: 1 })
}

/// Every mail of an incident refers to one that its recipient got before, and only the first one does not.
fn assert_threads_hold(mails: &[Message]) {
    for (i, mail) in mails.iter().enumerate().filter(|(_, m)| m.thread.starts_with("INC-")) {
        let earlier = mails[..i].iter().find(|m| m.thread == mail.thread && m.to.mail == mail.to.mail);
        assert_eq!(
            mail.first_id(),
            earlier.map(|m| m.id.clone()),
            "{} {} {}",
            mail.thread,
            mail.sequence,
            mail.to.mail
        );
    }
}

#[test]
fn who_came_in_late_has_a_thread_that_begins_with_their_own_first_mail() {
    let mut inventory = with_window().inventory();
    inventory.fallback = "last-resort".into();
    inventory.rosters.insert("last-resort".into(), fallback());
    let mut bench = Bench::of(inventory);
    bench.seen(0, 110, &["c/alone"], &Outcome::Pass);
    bench.seen(110, 2_100, &["c/alone"], &refused());
    bench.until(2_100);
    let late = |m: &&Message| m.to.mail == "fallback@city.test";
    let first = bench.mails.iter().find(late).cloned().unwrap();
    assert!(first.sequence > 0 && first.first_id().is_none(), "{first:?}");
    bench.seen(2_100, 2_300, &["c/alone"], &Outcome::Pass);
    assert_threads_hold(&bench.mails);
}

#[test]
fn a_relapse_goes_on_in_the_thread_of_the_first_outage() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    for start in [30, 300] {
        bench.seen(start, start + 60, &["a/web"], &refused());
        bench.seen(start + 60, start + 200, &["a/web"], &Outcome::Pass);
    }
    assert_eq!(bench.outages().len(), 4, "{:?}", bench.outages());
    assert_threads_hold(&bench.mails);
    let firsts: Vec<u32> = bench.mails.iter().filter(|m| m.thread == "INC-0001").map(|m| m.first).collect();
    assert!(firsts.iter().all(|first| *first == 0), "{firsts:?}");
}
