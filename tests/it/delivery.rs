//! Store, outbox and a real relay together: crashes, greylisting, a disk that fills up.
//!
//! A test that must die or be limited runs itself again as a child: the same binary, the same test, and a variable that
//! tells it which part to play.

use crate::mail::{context, message};
use crate::relays::{self, Running};
use arc_swap::ArcSwap;
use gengfu::clock::SystemClock;
use gengfu::domain::{
    Content, DAY, Fact, Language, Message, Names, Recipient, Recorded, RunNews, RunNewsKind, Span, Timestamp,
};
use gengfu::notify::Notifier;
use gengfu::notify::mail::MailTls;
use gengfu::outbox::{CONCURRENCY, Delivered, MailSetup, Outbox, OutboxHandle};
use gengfu::store::{Held, LetterState, Store, StoreError};
use rustls::RootCertStore;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const PART: &str = "GENGFU_TEST_PART";

/// This test binary, told to play a part in `test`.
fn child(test: &str, part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(PART, part).stdout(Stdio::null());
    command
}

struct Delivering {
    handle: OutboxHandle,
    delivered: mpsc::Receiver<Delivered>,
    _running: JoinSet<()>,
}

fn deliver(store: &Store, relay: impl Notifier + 'static) -> Delivering {
    let duty = Recipient { name: "值班".into(), mail: "duty@bdc.test".into(), language: Language::Zh };
    let setup = MailSetup {
        relays: vec![Arc::new(relay)],
        channels: BTreeMap::new(),
        render: context(),
        fallback: vec![duty],
        limits: None,
    };
    let (tell, delivered) = mpsc::channel(1_024);
    let clock = Arc::new(SystemClock::default());
    let setup = Arc::new(ArcSwap::from_pointee(setup));
    let (outbox, handle) = Outbox::new(store.clone(), setup, Arc::new(BTreeMap::new), clock, 7, tell);
    let mut running = JoinSet::new();
    running.spawn(outbox.run(CancellationToken::new()));
    Delivering { handle, delivered, _running: running }
}

fn to_loopback(port: u16) -> impl Notifier + 'static {
    relays::ours(port, MailTls::None, None, &Arc::new(RootCertStore::empty()))
}

async fn settled(store: &Store, state: LetterState, n: usize) {
    while store.outbox_list(Some(state), 999).await.unwrap().len() < n {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn greylisted_refused_and_cut_off_mails_all_find_their_end() {
    let Some(relay) = relays::faulty(&[]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
    let mut delivering = deliver(&store, to_loopback(relay.port));
    let all = ["later-1@a.test", "gone@a.test", "dropped@a.test", "oncall@a.test"];
    store.commit(0, vec![], all.map(|to| message("INC-0001", 0, to)).to_vec()).await.unwrap();
    delivering.handle.wake();
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(delivering.delivered.recv().await.unwrap().message.to.mail);
    }
    told.sort();
    assert_eq!(told, ["dropped@a.test", "later-1@a.test", "oncall@a.test"]);
    settled(&store, LetterState::Sent, 4).await;
    settled(&store, LetterState::Dead, 1).await;
    let mails: Vec<_> = (0..5).map(|_| relay.mail()).collect();
    let to_duty = mails.iter().find(|m| m["to"] == "duty@bdc.test").unwrap();
    assert!(to_duty["text"].as_str().unwrap().contains("gone@a.test"), "{to_duty}");
    assert_eq!(mails.iter().filter(|m| m["to"] == "dropped@a.test").count(), 2);
}

/// The whole is 20 000 (`make soak`), after an hour without a relay, within 5 min; here a hundredth.
fn backlog() -> usize {
    std::env::var("GENGFU_BACKLOG").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

#[tokio::test]
async fn a_backlog_drains_over_several_sessions_and_a_new_page_overtakes_it() {
    let Some(relay) = relays::faulty(&[]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
    let n = backlog();
    let people = n / 10;
    let one = |i: usize| {
        message(&format!("notice-{}", i / people / 5), (i / people % 5) as u32, &format!("n{}@a.test", i % people))
    };
    let all: Vec<_> = (0..n).map(one).collect();
    for part in all.chunks(1_000) {
        store.commit(0, vec![], part.to_vec()).await.unwrap();
    }
    let started = tokio::time::Instant::now();
    let mut delivering = deliver(&store, to_loopback(relay.port));
    let mut orders = BTreeMap::<(String, String), u32>::new();
    let (mut page_at, mut sessions) = (None, 0);
    for taken in 0..=n {
        let told = delivering.delivered.recv().await.unwrap().message;
        let order = orders.entry((told.thread.clone(), told.to.mail.clone())).or_default();
        assert_eq!(*order, told.sequence, "{} to {}", told.thread, told.to.mail);
        *order += 1;
        match told.thread.as_str() {
            "parked" => page_at = Some(taken),
            _ if taken == n / 10 => {
                store.commit(0, vec![], vec![parked()]).await.unwrap();
                delivering.handle.wake();
            }
            _ => {}
        }
        sessions = sessions.max(relay.mail()["session"].as_u64().unwrap());
    }
    let took = started.elapsed();
    let figures = format!("{n} mails in {took:?} over {sessions} sessions, the page as the {page_at:?}th\n");
    std::io::stderr().write_all(figures.as_bytes()).unwrap();
    assert!(page_at.unwrap() < n / 10 + 100, "the page was the {page_at:?}th");
    // A few mails say little about speed beside everything else that a test machine does.
    let allowed = std::time::Duration::from_millis(15 * n as u64).max(std::time::Duration::from_secs(60));
    assert!(took <= allowed, "{n} mails took {took:?}");
    assert!(sessions as usize <= CONCURRENCY + n / 50, "{sessions} sessions");
}

/// A plan that waits for a person.
fn parked() -> Message {
    let names = |text: &str| Names { zh: text.into(), en: text.into() };
    let news = RunNews {
        kind: RunNewsKind::Parked,
        run: "w.1.1".into(),
        plan: names("upgrade"),
        window: "w.1".into(),
        span: Span::lasting(Timestamp(0), 1),
        step: None,
        point_of_no_return: Timestamp(0),
        text: names("nobody knows"),
    };
    let to = Recipient { name: "值班".into(), mail: "oncall@a.test".into(), language: Language::Zh };
    Message::new("parked".into(), 0, to, Timestamp(1_795_445_429_000), 3_650 * DAY, Content::Plan(news))
}

/// Sends until it is killed, or until nothing is left.
async fn play_sender(part: &str) {
    let (path, port) = part.split_once('|').unwrap();
    let store = Store::open(Path::new(path)).unwrap();
    let delivering = deliver(&store, to_loopback(port.parse().unwrap()));
    delivering.handle.wake();
    while store.outbox_counts().await.unwrap().pending > 0 {
        tokio::task::yield_now().await;
    }
}

const MAILS: usize = 60;

#[tokio::test]
async fn killed_at_any_moment_no_mail_is_lost_and_few_are_sent_twice_under_one_id() {
    if let Ok(part) = std::env::var(PART) {
        return play_sender(&part).await;
    }
    let Some(relay) = relays::faulty(&[]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gengfu.db");
    let store = Store::open(&path).unwrap();
    let all = (0..MAILS).map(|n| message("INC-0001", 0, &format!("n{n}@a.test"))).collect();
    store.commit(0, vec![], all).await.unwrap();
    drop(store);
    let test = "delivery::killed_at_any_moment_no_mail_is_lost_and_few_are_sent_twice_under_one_id";
    let part = format!("{}|{}", path.display(), relay.port);
    let mut ids = BTreeMap::<String, usize>::new();
    let kills = 3;
    for _ in 0..kills {
        let mut sender = child(test, &part).spawn().unwrap();
        for _ in 0..10 {
            count(&mut ids, &relay);
        }
        kill(&mut sender);
    }
    assert!(child(test, &part).status().unwrap().success());
    let store = Store::open(&path).unwrap();
    assert_eq!(store.outbox_list(Some(LetterState::Sent), 999).await.unwrap().len(), MAILS);
    // One more, so that the reader knows when it has seen everything.
    let last = message("INC-0002", 0, "last@a.test");
    store.commit(0, vec![], vec![last]).await.unwrap();
    let delivering = deliver(&store, to_loopback(relay.port));
    delivering.handle.wake();
    settled(&store, LetterState::Sent, MAILS + 1).await;
    while count(&mut ids, &relay) != "last@a.test" {}
    let (mails, times) = (ids.len(), ids.values().sum::<usize>());
    assert_eq!(mails, MAILS + 1, "every mail arrived, and an id is never another mail's");
    assert!(times - mails <= kills * CONCURRENCY, "{} were sent twice", times - mails);
}

fn count(ids: &mut BTreeMap<String, usize>, relay: &Running) -> String {
    let mail = relay.mail();
    *ids.entry(mail["message_id"].as_str().unwrap().to_owned()).or_default() += 1;
    mail["to"].as_str().unwrap().to_owned()
}

fn kill(child: &mut Child) {
    // SIGKILL: nothing is flushed, nothing is said.
    child.kill().unwrap();
    child.wait().unwrap();
}

fn large(n: u64) -> Recorded {
    Recorded { at: Timestamp(1), fact: Fact::Started { alive_until: None, version: format!("{n}").repeat(4_000) } }
}

/// Under a limit on the size of files, which it lifts itself in the end.
async fn play_full_disk(path: &str) {
    let store = Store::open(Path::new(path)).unwrap();
    let mut end = 0;
    let refused = loop {
        match store.commit(end, vec![large(end)], vec![]).await {
            Ok(id) => end = id,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full | StoreError::Io(_)), "{refused}");
    assert!(end > 0);
    let (_, hard) = rlimit::Resource::FSIZE.get().unwrap();
    rlimit::Resource::FSIZE.set(hard, hard).unwrap();
    let mail = message("INC-0001", 0, "oncall@a.test");
    assert_eq!(store.commit(end, vec![large(end)], vec![mail]).await, Ok(end + 1));
    assert_eq!(store.load().await.unwrap().facts.len() as u64, end + 1, "what was answered is there");
    assert_eq!(store.outbox_due(Timestamp(i64::MAX / 8), Held::default(), 9).await.unwrap().len(), 1);
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_file_that_may_not_grow_refuses_and_takes_again_when_it_may() {
    if let Ok(path) = std::env::var(PART) {
        return play_full_disk(&path).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gengfu.db");
    let test = "delivery::a_file_that_may_not_grow_refuses_and_takes_again_when_it_may";
    let limited = "trap '' XFSZ; ulimit -S -f 1000; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(std::env::current_exe().unwrap()).args([test, "--exact"]);
    let output = command.env(PART, path.as_os_str()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
