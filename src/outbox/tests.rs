//! How delivery behaves: order, re-tries, refusals, a second relay, a failing store. Relays are scripted, the store is
//! real, time is virtual.

mod again;
mod crowd;

use super::*;
use crate::domain::Recipient;
use crate::domain::civil::Zone;
use crate::domain::{Content, DAY, Language, MINUTE};
use crate::notify::Notifier;
use crate::notify::channel::Channel;
use crate::notify::render::RenderContext;
use crate::notify::{Mail, NotifyError, Receipt};
use crate::store::Limits;
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

const START: Timestamp = Timestamp(1_795_445_429_000);

/// The runtime's own, virtual time as a clock.
struct Virtual(tokio::time::Instant);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        START + self.monotonic().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Clone, Debug)]
enum Answer {
    Take,
    Defer,
    Refuse,
    Unreachable,
    Hang(Duration),
}

/// A relay that answers by script, and takes everything when the script of a recipient is over.
#[derive(Default)]
struct Scripted {
    name: String,
    script: Mutex<HashMap<String, VecDeque<Answer>>>,
    taken: Mutex<Vec<(String, Vec<u8>)>>,
    tried: AtomicUsize,
    /// Nobody answers.
    down: AtomicBool,
    /// How long it takes to take one, in milliseconds.
    takes_ms: AtomicU64,
}

impl Scripted {
    fn named(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), ..Self::default() })
    }

    fn answers(&self, to: &str, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().entry(to.into()).or_default().extend(answers);
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }

    fn subjects_hold(&self, text: &str) -> usize {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text)).count()
    }
}

impl Notifier for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            self.tried.fetch_add(1, Ordering::Relaxed);
            if self.down.load(Ordering::Relaxed) {
                return Err(NotifyError::Unreachable("connection refused".into()));
            }
            let answer = self.script.lock().unwrap().get_mut(&mail.to).and_then(VecDeque::pop_front);
            match answer.unwrap_or(Answer::Take) {
                Answer::Take => {
                    if let ms @ 1.. = self.takes_ms.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                    }
                    self.taken.lock().unwrap().push((mail.to.clone(), mail.bytes.clone()));
                    Ok(Receipt { text: "250 queued".into() })
                }
                Answer::Defer => Err(NotifyError::Deferred("451 greylisted".into())),
                Answer::Refuse => Err(NotifyError::Refused("550 no such user".into())),
                Answer::Unreachable => Err(NotifyError::Unreachable("connection refused".into())),
                Answer::Hang(long) => {
                    tokio::time::sleep(long).await;
                    Err(NotifyError::Unreachable("no session within 10 s".into()))
                }
            }
        })
    }
}

struct House {
    store: Store,
    handle: OutboxHandle,
    delivered: mpsc::Receiver<Delivered>,
    stop: CancellationToken,
    running: JoinSet<()>,
    dir: tempfile::TempDir,
    /// A blocking task keeps virtual time still while the store's threads work.
    _still: std::sync::mpsc::Sender<()>,
}

impl House {
    fn with(relays: &[&Arc<Scripted>]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
        Self::on(dir, store, relays)
    }

    fn on(dir: tempfile::TempDir, store: Store, relays: &[&Arc<Scripted>]) -> Self {
        Self::limited(dir, store, relays, None)
    }

    fn limited(dir: tempfile::TempDir, store: Store, relays: &[&Arc<Scripted>], limits: Option<Limits>) -> Self {
        Self::with_channels(dir, store, relays, limits, BTreeMap::new())
    }

    fn with_channels(
        dir: tempfile::TempDir,
        store: Store,
        relays: &[&Arc<Scripted>],
        limits: Option<Limits>,
        channels: BTreeMap<String, Arc<Channel>>,
    ) -> Self {
        let relays = relays.iter().map(|r| (*r).clone() as Arc<dyn Notifier>).collect();
        let setup =
            MailSetup { relays, channels, render: wording(), fallback: vec![recipient("duty@bdc.test")], limits };
        let clock = Arc::new(Virtual(tokio::time::Instant::now()));
        let (tell, delivered) = mpsc::channel(64);
        let setup = Arc::new(ArcSwap::from_pointee(setup));
        let (outbox, handle) = Outbox::new(store.clone(), setup, Arc::new(BTreeMap::new), clock, 7, tell);
        let (still, held) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(outbox.run(stop.clone()));
        Self { store, handle, delivered, stop, running, dir, _still: still }
    }

    /// Hears of deliveries and forgets them, so that many do not wait for a test that does not look.
    fn not_listening(mut self) -> Self {
        let (_, nothing) = mpsc::channel(1);
        let mut delivered = std::mem::replace(&mut self.delivered, nothing);
        self.running.spawn(async move { while delivered.recv().await.is_some() {} });
        self
    }

    async fn commit(&self, messages: Vec<Message>) {
        self.store.commit(0, vec![], messages).await.unwrap();
        self.handle.wake();
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..200_000 {
            if holds(self).await {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never: {what}");
    }

    async fn settled(&self, state: LetterState, n: usize) {
        self.until("letters settle", async |house| house.store.outbox_list(Some(state), 99).await.unwrap().len() == n)
            .await;
    }

    /// Lets time pass until a re-try is recorded `attempts` times.
    async fn attempted(&self, id: &str, attempts: u32) {
        self.until("an attempt is recorded", async |house| {
            house.store.outbox_get(id.into()).await.unwrap().is_some_and(|l| l.attempts >= attempts)
        })
        .await;
    }

    /// Lets virtual time pass in steps that are shorter than the store's deadline, and lets the store's threads finish
    /// what they were asked in each.
    async fn pass(&self, seconds: u64) {
        // Timers fire up to a millisecond late, and time stands still in between.
        let late = std::iter::once(Duration::from_millis(2));
        for step in (0..seconds * 2).map(|_| Duration::from_millis(500)).chain(late) {
            tokio::time::advance(step).await;
            let _ = self.store.outbox_counts().await;
            let _ = self.store.alive(START).await;
            tokio::task::yield_now().await;
        }
    }

    /// Lets a short time pass, for relays that take theirs.
    async fn moment(&self, ms: u64) {
        tokio::time::advance(Duration::from_millis(ms)).await;
        let _ = self.store.outbox_counts().await;
        let _ = self.store.alive(START).await;
        tokio::task::yield_now().await;
    }

    async fn stopped(mut self) -> (tempfile::TempDir, Store) {
        self.stop.cancel();
        self.running.join_next().await.unwrap().unwrap();
        (self.dir, self.store)
    }
}

fn wording() -> RenderContext {
    RenderContext {
        links: crate::notify::link::LinkKey::new(b"a secret of tests"),
        public_url: "http://127.0.0.1:9424".into(),
        zone: Zone::utc(),
        domain: "gengfu.bdc.test".into(),
        from_name: "更夫".into(),
        from_mail: "gengfu@bdc.test".into(),
    }
}

fn recipient(mail: &str) -> Recipient {
    Recipient { name: "值班".into(), mail: mail.into(), language: Language::Zh }
}

fn message(thread: &str, sequence: u32, mail: &str) -> Message {
    let content = Content::ReloadRefused { text: format!("{thread}#{sequence}") };
    Message::new(thread.into(), sequence, recipient(mail), START + i64::from(sequence), DAY, content)
}

#[tokio::test(start_paused = true)]
async fn a_committed_message_is_taken_at_once_and_the_engine_hears_of_it() {
    let relay = Scripted::named("one");
    let mut house = House::with(&[&relay]);
    house.commit(vec![message("INC-0001", 0, "a@b.test")]).await;
    house.settled(LetterState::Sent, 1).await;
    let told = house.delivered.recv().await.unwrap();
    assert_eq!((told.message, told.accepted_at), (message("INC-0001", 0, "a@b.test"), START));
    assert_eq!(house.handle.figures().sent.load(Ordering::Relaxed), 1);
    house.until("figures are taken", async |h| h.handle.figures().pending.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_deferred_mail_is_tried_again_with_the_same_bytes_and_later_ones_of_its_thread_wait() {
    let relay = Scripted::named("one");
    relay.answers("a@b.test", [Answer::Defer, Answer::Defer]);
    let house = House::with(&[&relay]);
    let first = message("INC-0001", 0, "a@b.test");
    house.commit(vec![first.clone(), message("INC-0001", 1, "a@b.test"), message("INC-0002", 0, "b@b.test")]).await;
    house.settled(LetterState::Sent, 1).await;
    house.attempted(&first.id, 1).await;
    let rendered = house.store.outbox_get(first.id.clone()).await.unwrap().unwrap().rendered.unwrap();
    for attempts in 2..=3 {
        house.pass(125).await;
        house.attempted(&first.id, attempts).await;
    }
    house.settled(LetterState::Sent, 3).await;
    assert_eq!(relay.taken(), ["b@b.test", "a@b.test", "a@b.test"]);
    let taken = relay.taken.lock().unwrap().clone();
    assert_eq!(taken[1].1, rendered);
    assert!(String::from_utf8_lossy(&taken[1].1).contains(&first.id), "the first of the thread left first");
    assert_eq!(house.handle.figures().failed.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_one_recipient_and_tells_the_fallback_once() {
    let relay = Scripted::named("one");
    relay.answers("gone@b.test", [Answer::Refuse]);
    relay.answers("duty@bdc.test", [Answer::Refuse]);
    let mut house = House::with(&[&relay]);
    house.commit(vec![message("INC-0001", 0, "gone@b.test"), message("INC-0001", 0, "a@b.test")]).await;
    house.settled(LetterState::Dead, 2).await;
    house.settled(LetterState::Sent, 1).await;
    assert_eq!(house.delivered.recv().await.unwrap().message.to.mail, "a@b.test");
    let dead = house.store.outbox_list(Some(LetterState::Dead), 9).await.unwrap();
    let instead = dead.iter().find(|l| l.message.to.mail == "duty@bdc.test").unwrap();
    assert_eq!(instead.in_place_of.as_ref().unwrap().mail, "gone@b.test");
    assert!(house.store.outbox_list(Some(LetterState::Pending), 9).await.unwrap().is_empty(), "no loop");
    assert_eq!(relay.tried.load(Ordering::Relaxed), 3);
    assert!(house.delivered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_second_relay_takes_over_in_the_same_round_and_the_ill_one_is_left_alone_for_a_while() {
    let (one, two) = (Scripted::named("one"), Scripted::named("two"));
    one.answers("a@b.test", [Answer::Unreachable]);
    let house = House::with(&[&one, &two]);
    house.commit(vec![message("INC-0001", 0, "a@b.test")]).await;
    house.settled(LetterState::Sent, 1).await;
    house.commit(vec![message("INC-0002", 0, "a@b.test")]).await;
    house.settled(LetterState::Sent, 2).await;
    assert_eq!((one.tried.load(Ordering::Relaxed), two.taken().len()), (1, 2));
    house.pass(31).await;
    house.commit(vec![message("INC-0003", 0, "a@b.test")]).await;
    house.settled(LetterState::Sent, 3).await;
    assert_eq!(one.taken().len(), 1, "it is tried first again");
}

#[tokio::test(start_paused = true)]
async fn a_recipient_whose_relay_hangs_holds_up_nobody_else() {
    let relay = Scripted::named("one");
    relay.answers("slow@b.test", [Answer::Hang(Duration::from_secs(10))]);
    let house = House::with(&[&relay]);
    let slow = (0..20).map(|n| message(&format!("INC-{n}"), 0, "slow@b.test"));
    let others = (0..20).map(|n| message("INC-0001", 0, &format!("n{n}@b.test")));
    house.commit(slow.chain(others).collect()).await;
    house.settled(LetterState::Sent, 20).await;
    assert!(!relay.taken().contains(&"slow@b.test".to_owned()), "no time has passed, and all others have theirs");
    house.pass(16).await;
    house.until("the next letter to the slow one goes", async |_| relay.taken().len() >= 21).await;
}

#[tokio::test(start_paused = true)]
async fn a_letter_whose_life_is_over_is_given_up_and_told() {
    let relay = Scripted::named("one");
    relay.answers("a@b.test", vec![Answer::Defer; 5_000]);
    let house = House::with(&[&relay]);
    let mut mail = message("INC-0001", 0, "a@b.test");
    mail.expires = START + 3 * MINUTE;
    house.commit(vec![mail.clone()]).await;
    house.attempted(&mail.id, 1).await;
    house.pass(180).await;
    house.settled(LetterState::Dead, 1).await;
    house.settled(LetterState::Sent, 1).await;
    assert_eq!(relay.taken(), ["duty@bdc.test"]);
    let dead = house.store.outbox_get(mail.id).await.unwrap().unwrap();
    assert_eq!(dead.last_error.as_deref(), Some("its life is over; 451 greylisted"));
}

#[tokio::test(start_paused = true)]
async fn messages_leave_from_memory_while_the_store_refuses_and_are_stored_as_sent_afterwards() {
    let relay = Scripted::named("one");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gengfu.db");
    drop(Store::open(&path).unwrap());
    // A store that was opened to read refuses every write, as a full disk does.
    let mut house = House::on(dir, Store::open_to_read(&path).unwrap(), &[&relay]);
    let both = vec![message("INC-0001", 1, "a@b.test"), message("INC-0001", 0, "a@b.test")];
    house.handle.deliver_from_memory(both.clone()).await;
    let first = house.delivered.recv().await.unwrap();
    let second = house.delivered.recv().await.unwrap();
    assert_eq!((first.message.sequence, second.message.sequence), (0, 1), "the order holds in memory, too");
    house.handle.deliver_from_memory(both.clone()).await;
    house.pass(20).await;
    house.until("nothing waits", async |h| h.handle.figures().pending.load(Ordering::Relaxed) == 0).await;
    assert_eq!(relay.taken().len(), 2, "handed over twice, sent once");
}

#[tokio::test(start_paused = true)]
async fn memory_is_handed_to_the_store_when_it_takes_writes_again() {
    let relay = Scripted::named("one");
    let mut house = House::with(&[&relay]);
    let mail = message("INC-0001", 0, "a@b.test");
    house.handle.deliver_from_memory(vec![mail.clone()]).await;
    house.delivered.recv().await.unwrap();
    house.settled(LetterState::Sent, 1).await;
    house.commit(vec![mail.clone()]).await;
    house.handle.deliver_from_memory(vec![mail.clone()]).await;
    house.commit(vec![message("INC-0002", 0, "a@b.test")]).await;
    house.settled(LetterState::Sent, 2).await;
    assert_eq!(relay.subjects_hold(&mail.id), 1, "known as sent, so not sent again");
}

#[tokio::test(start_paused = true)]
async fn what_was_out_at_a_stop_is_finished_and_recorded() {
    let relay = Scripted::named("one");
    relay.answers("a@b.test", [Answer::Hang(Duration::from_secs(5))]);
    let house = House::with(&[&relay]);
    let mail = message("INC-0001", 0, "a@b.test");
    house.commit(vec![mail.clone()]).await;
    house.until("it is out", async |_| relay.tried.load(Ordering::Relaxed) == 1).await;
    house.stop.cancel();
    tokio::task::yield_now().await;
    house.pass(6).await;
    let (_dir, store) = house.stopped().await;
    assert_eq!(store.outbox_get(mail.id).await.unwrap().unwrap().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_was_out_at_a_crash_is_sent_again_under_the_same_id() {
    let relay = Scripted::named("one");
    relay.answers("a@b.test", [Answer::Hang(Duration::from_secs(60))]);
    let mut house = House::with(&[&relay]);
    let mail = message("INC-0001", 0, "a@b.test");
    house.commit(vec![mail.clone()]).await;
    house.until("it is out", async |_| relay.tried.load(Ordering::Relaxed) == 1).await;
    house.running.abort_all();
    house.running.join_next().await;
    let House { dir, store, .. } = house;
    let house = House::on(dir, store, &[&relay]);
    house.settled(LetterState::Sent, 1).await;
    assert_eq!(relay.subjects_hold(&format!("<{}@gengfu.bdc.test>", mail.id)), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bad_address_is_given_up_without_a_relay() {
    let relay = Scripted::named("one");
    let house = House::with(&[&relay]);
    house.commit(vec![message("INC-0001", 0, "a b@\r\nb.test")]).await;
    house.settled(LetterState::Dead, 1).await;
    house.settled(LetterState::Sent, 1).await;
    assert_eq!(relay.taken(), ["duty@bdc.test"]);
}
