//! Many letters: what leaves first, what an outage of the relay costs, how fast a backlog drains, who gets how many.

use super::*;
use crate::domain::{HOUR, IncidentId, IncidentNews, Names, Severity, Symptom, Tier};
use crate::notify::channel::{Note, Way, kind};
use std::collections::BTreeMap;

pub(super) fn news(incident: usize, severity: Severity) -> IncidentNews {
    IncidentNews {
        taken: None,
        unstable: false,
        raised: false,
        handed: None,
        incident: IncidentId(incident as u64),
        symptom: Symptom::Down,
        severity,
        subsystem: "huangpu/portal".into(),
        name: Names { zh: "黄浦区一网通办频道".into(), en: "Huangpu channel".into() },
        owner: Names { zh: "黄浦区".into(), en: "Huangpu".into() },
        tier: Tier::Two,
        since: START,
        until: None,
        evidence: vec![],
        affected: vec![],
        affected_total: 0,
        budget_left_ms: None,
        target_ppm: None,
        burn_milli: None,
        window: None,
        window_end: None,
        attribution: None,
        beside: None,
        lately: None,
        recent: vec![],
        runbook: None,
    }
}

fn incident(n: usize, sequence: u32, mail: &str, content: fn(IncidentNews) -> Content) -> Message {
    let id = format!("INC-{n:04}");
    let content = content(news(n, Severity::Ticket));
    Message::new(id, sequence, recipient(mail), START + n as i64, DAY, content)
}

fn page(n: usize, mail: &str) -> Message {
    let content = Content::Opened(news(n, Severity::Page));
    Message::new(format!("INC-{n:04}"), 0, recipient(mail), START + n as i64, DAY, content)
}

#[tokio::test(start_paused = true)]
async fn a_page_waits_neither_for_older_letters_nor_for_one_to_the_same_person() {
    let relay = Scripted::named("one");
    relay.takes_ms.store(29_000, Ordering::Relaxed);
    let house = House::with(&[&relay]);
    let old = (0..100).map(|n| message(&format!("notice-{n}"), 0, &format!("n{n}@b.test")));
    house.commit(old.collect()).await;
    house.until("all common places are taken", async |_| relay.tried.load(Ordering::Relaxed) == 8).await;
    relay.takes_ms.store(0, Ordering::Relaxed);
    house.commit(vec![page(1, "n0@b.test")]).await;
    house.settled(LetterState::Sent, 1).await;
    assert_eq!(relay.taken(), ["n0@b.test"], "no time has passed, and a notice to the same person is still out");
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_one_look_every_few_seconds_and_its_end_is_noticed_at_once() {
    let relay = Scripted::named("one");
    relay.down.store(true, Ordering::Relaxed);
    let house = House::with(&[&relay]).not_listening();
    house.commit((0..300).map(|n| message("notice", 0, &format!("n{n}@b.test"))).collect()).await;
    house.pass(300).await;
    let tried = relay.tried.load(Ordering::Relaxed);
    assert!((50..=80).contains(&tried), "{tried} tries in 5 min");
    house.commit(vec![page(1, "last@b.test")]).await;
    relay.down.store(false, Ordering::Relaxed);
    house.pass(6).await;
    house.settled(LetterState::Sent, 99).await;
    while relay.taken().len() < 301 {
        house.moment(20).await;
    }
    assert_eq!(relay.taken()[0], "last@b.test", "the page was the one that looked");
}

/// The whole is 20 000 (`make soak`), drained within 5 min; here a hundredth.
fn backlog() -> usize {
    std::env::var("GENGFU_BACKLOG").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

#[tokio::test(start_paused = true)]
async fn a_backlog_drains_in_order_and_over_several_connections() {
    let (relay, n) = (Scripted::named("one"), backlog());
    // A relay on another site: five round trips and a disk.
    relay.takes_ms.store(100, Ordering::Relaxed);
    let house = House::with(&[&relay]).not_listening();
    let people = (n / 10).max(1);
    let all: Vec<_> = (0..n)
        .map(|i| {
            message(&format!("INC-{:04}", i / people / 5), (i / people % 5) as u32, &format!("n{}@b.test", i % people))
        })
        .collect();
    for part in all.chunks(1_000) {
        house.commit(part.to_vec()).await;
    }
    let started = tokio::time::Instant::now();
    while relay.taken.lock().unwrap().len() < n {
        house.moment(20).await;
    }
    let (took, allowed) = (started.elapsed(), Duration::from_millis(15 * n as u64));
    assert!(took <= allowed + Duration::from_secs(1), "{n} mails in {took:?}");
    let mut last = BTreeMap::<(String, String), usize>::new();
    for (to, bytes) in relay.taken.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(bytes);
        let id = |m: &Message| text.contains(&format!("Message-ID: <{}@", m.id));
        let at = all.iter().enumerate().filter(|(_, m)| m.to.mail == *to).find(|(_, m)| id(m)).unwrap().0;
        let before = last.insert((to.clone(), all[at].thread.clone()), at);
        assert!(before.is_none_or(|before| before < at), "{to} got them in disorder");
    }
}

fn limits() -> Limits {
    Limits { most: 5, within_ms: HOUR, page_every_ms: MINUTE, every_ms: 10 * MINUTE }
}

fn limited(relay: &Arc<Scripted>) -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
    House::limited(dir, store, &[relay], Some(limits()))
}

#[tokio::test(start_paused = true)]
async fn whoever_has_had_their_share_gets_the_rest_in_one_mail_and_nothing_is_lost() {
    let relay = Scripted::named("one");
    let mut house = limited(&relay);
    let opened: Vec<_> = (0..20).map(|n| incident(n, 0, "a@b.test", Content::Opened)).collect();
    house.commit(opened.clone()).await;
    house.settled(LetterState::Sent, 5).await;
    house.commit(vec![incident(3, 1, "a@b.test", Content::Closed), incident(9, 1, "a@b.test", Content::Closed)]).await;
    house.pass(9 * 60).await;
    assert_eq!(relay.taken().len(), 5, "one in ten minutes where nobody must act");
    house.pass(62).await;
    house.settled(LetterState::Sent, 23).await;
    assert_eq!(relay.taken().len(), 6, "fifteen openings and two closings share one mail");
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..22 {
        told.insert(house.delivered.recv().await.unwrap().message.id);
    }
    assert_eq!(told.len(), 22, "the engine hears of each of them, and of nothing else");
    assert!(house.delivered.try_recv().is_err());
    house.commit(vec![incident(12, 1, "a@b.test", Content::Closed), message("notice", 0, "b@b.test")]).await;
    house.pass(605).await;
    house.settled(LetterState::Sent, 25).await;
    let taken = relay.taken();
    assert_eq!(
        (&taken[6..], house.store.outbox_counts().await.unwrap().pending),
        (&["b@b.test".to_owned(), "a@b.test".to_owned()][..], 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_above_the_limit_leaves_within_a_minute_and_takes_the_others_along() {
    let relay = Scripted::named("one");
    let house = limited(&relay);
    house.commit((0..5).map(|n| message(&format!("notice-{n}"), 0, "a@b.test")).collect()).await;
    house.settled(LetterState::Sent, 5).await;
    house.commit(vec![incident(7, 0, "a@b.test", Content::Opened), message("reload", 0, "a@b.test")]).await;
    house.pass(30).await;
    house.commit(vec![page(8, "a@b.test")]).await;
    house.pass(31).await;
    house.settled(LetterState::Sent, 8).await;
    assert_eq!(relay.taken().len(), 6);
    let waiting = house.store.outbox_list(Some(LetterState::Pending), 9).await.unwrap();
    assert_eq!(
        waiting.iter().map(|l| l.message.thread.as_str()).collect::<Vec<_>>(),
        ["reload"],
        "it has a text of its own"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_folded_shares_the_fate_of_its_mail() {
    let relay = Scripted::named("one");
    let house = limited(&relay);
    house.commit((0..5).map(|n| message(&format!("notice-{n}"), 0, "a@b.test")).collect()).await;
    house.settled(LetterState::Sent, 5).await;
    relay.answers("a@b.test", [Answer::Refuse]);
    house.commit(vec![incident(7, 0, "a@b.test", Content::Opened), incident(8, 0, "a@b.test", Content::Opened)]).await;
    house.pass(601).await;
    house.settled(LetterState::Dead, 3).await;
    house.settled(LetterState::Sent, 6).await;
    assert_eq!(relay.taken()[5], "duty@bdc.test", "one mail says to the fallback what the two would have said");
    let dead = house.store.outbox_list(Some(LetterState::Dead), 9).await.unwrap();
    let mail = dead.iter().find(|l| l.folded_into.is_none()).unwrap().message.id.clone();
    house.store.outbox_retry(mail, START + 2 * DAY).await.unwrap();
    assert_eq!(house.store.outbox_list(Some(LetterState::Folded), 9).await.unwrap().len(), 2);
    house.handle.wake();
    house.settled(LetterState::Sent, 9).await;
}

/// Something about an incident that waits for the quiet digest in an hour.
fn held(n: usize, sequence: u32, mail: &str, content: fn(IncidentNews) -> Content) -> Message {
    incident(n, sequence, mail, content).held_until(Some(START + HOUR))
}

#[tokio::test(start_paused = true)]
async fn what_can_wait_is_one_mail_at_the_recipients_own_time() {
    let relay = Scripted::named("one");
    // No limit of mails is set, and a digest needs none.
    let house = House::with(&[&relay]);
    house.commit((0..5).map(|n| held(n, 0, "a@b.test", Content::Opened)).collect()).await;
    house.commit(vec![held(3, 1, "a@b.test", Content::Closed), held(6, 0, "b@b.test", Content::Opened)]).await;
    house.commit(vec![incident(9, 0, "a@b.test", Content::Opened)]).await;
    house.pass(3_000).await;
    house.settled(LetterState::Sent, 1).await;
    let counts = house.store.outbox_counts().await.unwrap();
    assert_eq!((counts.pending, counts.oldest), (7, Some(START + HOUR)), "waiting is not being late");
    house.pass(602).await;
    house.settled(LetterState::Sent, 9).await;
    assert_eq!(relay.taken(), ["a@b.test", "a@b.test", "b@b.test"], "one of each, and one that is nobody else's");
    let sent = house.store.outbox_list(Some(LetterState::Sent), 99).await.unwrap();
    let folded = sent.iter().find_map(|letter| match &letter.message.content {
        Content::Folded(news) => Some((news.quiet, news.lines.len())),
        _ => None,
    });
    assert_eq!(folded, Some((true, 6)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_wait_takes_along_what_waits_before_it() {
    let relay = Scripted::named("one");
    let house = House::with(&[&relay]);
    house.commit(vec![held(1, 0, "a@b.test", Content::Opened), held(2, 0, "a@b.test", Content::Opened)]).await;
    house.pass(60).await;
    assert!(relay.taken().is_empty());
    let raised = Content::Changed(IncidentNews { raised: true, ..news(1, Severity::Page) });
    let raised = Message::new("INC-0001".into(), 1, recipient("a@b.test"), START + MINUTE, DAY, raised);
    house.commit(vec![raised.clone()]).await;
    house.settled(LetterState::Sent, 2).await;
    assert_eq!(relay.taken().len(), 2, "the opening and the change, now");
    assert!(String::from_utf8_lossy(&relay.taken.lock().unwrap()[1].1).contains(&raised.id), "in order");
    house.pass(3_600).await;
    house.settled(LetterState::Sent, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_was_held_and_given_up_is_tried_at_once_when_a_person_says_so() {
    let relay = Scripted::named("one");
    let house = House::with(&[&relay]);
    let letter = held(1, 0, "a@b.test", Content::Opened);
    house.commit(vec![letter.clone()]).await;
    house.store.outbox_drop(letter.id.clone(), START).await.unwrap();
    house.store.outbox_retry(letter.id, START + 2 * DAY).await.unwrap();
    house.handle.wake();
    house.settled(LetterState::Sent, 1).await;
}

/// A group of a bot that keeps when it was told something.
#[derive(Default)]
struct Group(Mutex<Vec<tokio::time::Instant>>);

impl Way for Group {
    fn send<'a>(&'a self, _: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        self.0.lock().unwrap().push(tokio::time::Instant::now());
        Box::pin(std::future::ready(Ok(Receipt { text: "0 ok".into() })))
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_never_told_more_than_its_place_allows_in_any_minute() {
    for (name, most) in [("wecom", 20), ("dingtalk", 20), ("feishu", 100)] {
        let group = Arc::new(Group::default());
        let channel = Channel::new("ops", kind(name).unwrap(), group.clone());
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
        let channels = BTreeMap::from([("ops".to_owned(), Arc::new(channel))]);
        let house = House::with_channels(dir, store, &[], None, channels).not_listening();
        let to = Recipient::at_channel("ops");
        house.commit((0..150).map(|n| incident(n, 0, &to, Content::Opened)).collect()).await;
        for n in 150..270 {
            house.commit(vec![page(n, &to)]).await;
            for _ in 0..10 {
                house.moment(100).await;
            }
        }
        while house.store.outbox_counts().await.unwrap().pending > 0 {
            house.moment(100).await;
        }
        let told = group.0.lock().unwrap().clone();
        let within = |from: tokio::time::Instant| {
            let minute = from..from + Duration::from_secs(60);
            told.iter().filter(|at| minute.contains(at)).count()
        };
        let busiest = told.iter().map(|at| within(*at)).max().unwrap();
        assert!(busiest <= most && told.len() > 10, "{name}: {busiest} in a minute, {} in all", told.len());
    }
}
