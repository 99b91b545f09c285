//! Channels that say again what holds: after a start and a reload, and never what is over.

use super::crowd::news;
use super::*;
use crate::domain::{IncidentId, IncidentNews, Severity};
use crate::notify::channel::{Note, Way, kind};
use std::collections::BTreeSet;

/// A place that writes down what it is told.
#[derive(Clone, Default)]
struct Place {
    heard: Arc<Mutex<Vec<String>>>,
    repeats: bool,
}

impl Place {
    fn write(&self, what: String) {
        self.heard.lock().unwrap().push(what);
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Way for Place {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        self.write(format!("sent {} {}", note.message.thread, note.message.sequence));
        Box::pin(std::future::ready(Ok(Receipt { text: "ok".into() })))
    }

    fn repeats(&self) -> bool {
        self.repeats
    }

    fn recall(&self, note: &Note<'_>) {
        self.write(format!("recalled {} {}", note.message.thread, note.message.sequence));
    }

    fn again<'a>(&'a self, _: Timestamp, open: &'a BTreeSet<IncidentId>) -> BoxFuture<'a, ()> {
        let ids: Vec<String> = open.iter().map(IncidentId::to_string).collect();
        let last = format!("open {}", ids.join(" "));
        if self.heard().last() != Some(&last) {
            self.write(last);
        }
        Box::pin(std::future::ready(()))
    }
}

fn about(incident: usize, sequence: u32, say: fn(IncidentNews) -> Content) -> Message {
    let to = recipient(&Recipient::at_channel("am"));
    Message::new(format!("INC-{incident:04}"), sequence, to, START, DAY, say(news(incident, Severity::Page)))
}

fn setup(place: &Place) -> MailSetup {
    let channel = Arc::new(Channel::new("am", kind("alertmanager").unwrap(), Arc::new(place.clone())));
    let channels = [("am".to_owned(), channel)].into();
    MailSetup { relays: vec![], channels, render: wording(), fallback: vec![], limits: None }
}

fn open(ids: &[u64]) -> StillOpen {
    let open: BTreeMap<IncidentId, Timestamp> = ids.iter().map(|id| (IncidentId(*id), START)).collect();
    Arc::new(move || open.clone())
}

async fn look(outbox: &mut Outbox) {
    let setup = outbox.setup.load_full();
    outbox.say_again(&setup, START + MINUTE).await;
}

#[tokio::test]
async fn a_channel_that_is_made_anew_learns_what_it_said_about_what_is_open_and_that_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("gengfu.db")).unwrap();
    let sent = [
        about(1, 0, Content::Opened),
        about(1, 1, Content::Changed),
        about(1, 2, Content::Reminder),
        about(2, 0, Content::Opened),
        about(3, 0, Content::Opened),
        about(3, 1, Content::Closed),
        about(3, 2, Content::Reopened),
    ];
    let letters = sent.iter().enumerate().map(|(n, message)| {
        let settled_at = Some(START + n as i64);
        Letter { state: LetterState::Sent, settled_at, ..Letter::new(message.clone()) }
    });
    store.outbox_record(letters.collect(), vec![]).await.unwrap();
    let pending = about(4, 0, Content::Opened);
    store.commit(0, vec![], vec![pending]).await.unwrap();

    let place = Place { repeats: true, ..Place::default() };
    let shared = Arc::new(ArcSwap::from_pointee(setup(&place)));
    let (tell, _delivered) = mpsc::channel(64);
    let clock = Arc::new(Virtual(tokio::time::Instant::now()));
    let (mut outbox, _handle) = Outbox::new(store, Arc::clone(&shared), open(&[1, 3, 4]), clock, 7, tell);
    look(&mut outbox).await;
    look(&mut outbox).await;
    let learned =
        ["recalled INC-0001 0", "recalled INC-0001 2", "recalled INC-0003 2", "open INC-0001 INC-0003 INC-0004"];
    assert_eq!(place.heard(), learned.map(String::from), "the first one and the last, once");

    let anew = Place { repeats: true, ..Place::default() };
    shared.store(Arc::new(setup(&anew)));
    look(&mut outbox).await;
    assert_eq!(anew.heard(), place.heard(), "a reload");

    let forgetful = Place::default();
    shared.store(Arc::new(setup(&forgetful)));
    look(&mut outbox).await;
    assert_eq!(forgetful.heard(), [""; 0], "most kinds repeat nothing");
}
