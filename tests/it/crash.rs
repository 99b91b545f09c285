//! `kill -9` at random moments, again and again: what was confirmed stays, who was told of an end was told of a
//! beginning, and nobody gets a second mail that is not the first one again.
//!
//! `GENGFU_SEED` repeats a run, `GENGFU_KILLS` makes it longer. Where the machine is slower or faster, the same seed
//! strikes at other points of the program; the choice of flips and pauses is the same.

use crate::rig::{self, Daemon, House, ON_CALL, SUBSYSTEMS, id, message_id, say, until};
use gengfu::city::{Behaviour, Mail};
use gengfu::domain::health::ProbeHealth;
use gengfu::domain::incident::Desk;
use gengfu::domain::timeline::Health;
use gengfu::domain::{Content, Fact, IncidentId, Message, ProbeId, Recorded, Span};
use gengfu::store::{Letter, LetterState, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often it is killed, unless the environment says otherwise.
const KILLS: usize = 5;

/// The longest life of a daemon, counted from its start or from the moment when it serves.
const LIFE_MAX_MS: u64 = 4_000;

/// Letters that are read at the end.
const LETTERS_MAX: usize = 100_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn dice(house: &House) -> fastrand::Rng {
    let seed = setting("GENGFU_SEED").unwrap_or(house.now().0.unsigned_abs());
    say(&format!("GENGFU_SEED={seed} repeats it"));
    fastrand::Rng::with_seed(seed)
}

/// One random moment of this world: somebody fails or recovers, or the relay is busy.
fn strike(house: &House, dice: &mut fastrand::Rng) {
    if dice.u8(0..8) == 0 {
        return house.city.faults.defer(dice.u32(1..3));
    }
    let behaviour = match dice.u8(0..8) {
        0 => Behaviour::Refuse,
        1 | 2 => Behaviour::Status(500),
        3 => Behaviour::Hang,
        _ => Behaviour::Healthy,
    };
    house.behaves(SUBSYSTEMS[dice.usize(..SUBSYSTEMS.len())], behaviour);
}

/// Lets the daemon live for a random while in a changing world; at times only until a mail is at the relay, which has
/// not said yet that it took it, or has a moment ago.
async fn live(house: &House, dice: &mut fastrand::Rng) {
    let mails = house.city.mails.mails().len();
    let until_a_mail = dice.u8(0..3) == 0;
    let mut left_ms = dice.u64(0..LIFE_MAX_MS);
    while left_ms > 0 {
        let pause_ms = dice.u64(1..800).min(left_ms);
        let pause = Duration::from_millis(pause_ms);
        let next = u64::try_from(mails).unwrap() + 1;
        let mail = timeout(pause, house.city.mails.wait_for(|mail| until_a_mail && mail.id >= next)).await;
        if mail.is_ok() {
            return;
        }
        left_ms -= pause_ms;
        strike(house, dice);
    }
}

/// How the next daemon finds the house.
#[derive(Default)]
struct Ledger {
    /// Every fact that was ever readable.
    facts: BTreeMap<u64, Recorded>,
    /// When no daemon ran.
    dark: Vec<Span>,
}

/// Ends the daemon, mostly by a kill, and starts the next one, perhaps after a while.
async fn end_and_begin(house: &House, dice: &mut fastrand::Rng, mut daemon: Daemon, ledger: &mut Ledger) -> Daemon {
    if dice.u8(0..6) == 0 {
        // It is stored what the next start reads first.
        daemon.serves().await;
        assert_eq!(daemon.stop(20).await.code, Some(0));
    } else {
        daemon.kill().await;
    }
    let dead_from = house.now();
    let facts = rig::all_facts(&house.store_file()).await;
    nothing_is_lost(&ledger.facts, &facts);
    ledger.facts = facts;
    if dice.bool() {
        sleep(Duration::from_millis(dice.u64(0..1_500))).await;
    }
    ledger.dark.push(Span::new(dead_from, house.now()));
    let mut daemon = house.spawn(&[]);
    if dice.bool() {
        // Otherwise it may be killed while it opens its store.
        daemon.serves().await;
    }
    daemon
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_at_random_moments_loses_no_outage_and_doubles_no_mail() {
    let house = House::build().await;
    let mut dice = dice(&house);
    let kills = setting("GENGFU_KILLS").map_or(KILLS, |n| usize::try_from(n).unwrap());
    let mut daemon = house.start().await;
    daemon.all_up().await;
    let mut ledger = Ledger::default();
    for kill in 0..kills {
        if kill == 0 {
            // Whatever the dice say, something has happened before the first kill.
            house.behaves(SUBSYSTEMS[0], Behaviour::Refuse);
            daemon.becomes(SUBSYSTEMS[0], "down").await;
        }
        live(&house, &mut dice).await;
        if dice.bool() {
            let facts = rig::all_facts(&house.store_file()).await;
            nothing_is_lost(&ledger.facts, &facts);
            ledger.facts = facts;
        }
        daemon = end_and_begin(&house, &mut dice, daemon, &mut ledger).await;
    }
    daemon.serves().await;
    let shown = settle(&house, daemon).await;
    let facts = rig::all_facts(&house.store_file()).await;
    nothing_is_lost(&ledger.facts, &facts);
    every_outage_has_its_incident(&facts);
    every_incident_is_closed_once(&facts);
    what_nobody_saw_is_unknown(&house, &facts, &ledger.dark, &shown);
    every_mail_is_in_order(&house, &facts).await;
    let mails = house.city.mails.mails();
    let different: BTreeSet<String> = mails.iter().map(|mail| message_id(mail)).collect();
    let copies = mails.len() - different.len();
    say(&format!("{kills} ends, {} facts, {} mails, {copies} of them again", facts.len(), mails.len()));
}

/// Everybody recovers, what waits leaves, and the daemon ends as it should. Returns the timelines that it showed at
/// last, by subsystem.
async fn settle(house: &House, daemon: Daemon) -> Vec<Value> {
    house.city.faults.mend();
    house.all_is_well();
    daemon.all_up().await;
    // What came and went too often stays open for a time of quiet.
    until("no incident is open but for unstable ones", 60, async || {
        let desk = desk(&rig::all_facts(&house.store_file()).await);
        desk.open().all(|incident| incident.unstable).then_some(())
    })
    .await;
    let store = Store::open_to_read(&house.store_file()).unwrap();
    // A deferred letter waits for up to two minutes.
    until("nothing waits", 180, async || (store.outbox_counts().await.unwrap().pending == 0).then_some(())).await;
    let mut shown = Vec::new();
    for subsystem in SUBSYSTEMS {
        shown.push(daemon.json(&format!("/api/v1/subsystems/bdc/{subsystem}/timeline")).await);
    }
    let ended = daemon.stop(20).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    shown
}

/// The incidents that facts tell of.
fn desk(facts: &BTreeMap<u64, Recorded>) -> Desk {
    let mut desk = Desk::default();
    facts.values().for_each(|recorded| desk.apply(recorded.at, &recorded.fact));
    desk
}

fn nothing_is_lost(earlier: &BTreeMap<u64, Recorded>, later: &BTreeMap<u64, Recorded>) {
    for (id, fact) in earlier {
        assert_eq!(later.get(id), Some(fact), "fact {id} was readable and is gone or another");
    }
}

/// After every decision, whoever is confirmed to be failing has an open incident.
fn every_outage_has_its_incident(facts: &BTreeMap<u64, Recorded>) {
    let mut desk = Desk::default();
    let mut failing: BTreeSet<ProbeId> = BTreeSet::new();
    let mut outages = 0;
    let all: Vec<&Recorded> = facts.values().collect();
    for (i, recorded) in all.iter().enumerate() {
        desk.apply(recorded.at, &recorded.fact);
        if let Fact::ProbeChanged { probe, to, .. } = &recorded.fact {
            match to {
                Some(ProbeHealth::Failing) => outages += usize::from(failing.insert(probe.clone())),
                Some(_) => _ = failing.remove(probe),
                None => {}
            }
        }
        if all.get(i + 1).is_none_or(|next| next.at > recorded.at) {
            for probe in &failing {
                assert!(desk.explains(&probe.subsystem()).is_some(), "{probe} is failing at {}, unseen", recorded.at);
            }
        }
    }
    assert!(outages > 0, "nothing ever failed: choose another seed, or more kills");
    assert!(failing.is_empty(), "{failing:?}");
}

fn every_incident_is_closed_once(facts: &BTreeMap<u64, Recorded>) {
    let mut open: BTreeMap<IncidentId, bool> = BTreeMap::new();
    for (id, Recorded { fact, .. }) in facts {
        let (incident, opens) = match fact {
            Fact::IncidentOpened { incident, .. } => {
                assert!(!open.contains_key(incident), "fact {id}: {incident} opens a second time");
                (incident, true)
            }
            Fact::IncidentReopened { incident, .. } => (incident, true),
            Fact::IncidentClosed { incident, .. } => (incident, false),
            _ => continue,
        };
        let before = open.insert(*incident, opens);
        assert_ne!(before.unwrap_or(false), opens, "fact {id}: {incident} is opened or closed twice");
    }
    let unstable: BTreeSet<IncidentId> = desk(facts).open().filter(|i| i.unstable).map(|i| i.id).collect();
    let left: Vec<_> = open.into_iter().filter(|(id, open)| *open && !unstable.contains(id)).collect();
    assert!(left.is_empty(), "never closed: {left:?}");
}

/// While no daemon ran, the timeline says unknown, and nothing else. What the last daemon showed, after all its starts,
/// is what the log alone tells.
fn what_nobody_saw_is_unknown(house: &House, facts: &BTreeMap<u64, Recorded>, dark: &[Span], shown: &[Value]) {
    let mut engine = rig::replayed(rig::inventory(&house.main_file(), house.now()), facts);
    let snapshot = engine.snapshot();
    for (subsystem, shown) in SUBSYSTEMS.iter().zip(shown) {
        let timeline = &snapshot.subsystem(&id(subsystem)).unwrap().timeline;
        for gap in dark.iter().filter(|gap| !gap.is_empty()) {
            let seen: Vec<(Span, Health)> = timeline.spans(*gap).collect();
            assert_eq!(seen, [(*gap, Health::Unknown)], "{subsystem} while nobody looked");
        }
        let told: Vec<(String, &str)> =
            timeline.changes().iter().map(|(since, health)| (since.to_string(), health.as_str())).collect();
        let spans = shown["spans"].as_array().unwrap();
        let text = |span: &Value, key: &str| span[key].as_str().unwrap().to_owned();
        let shown: Vec<(String, String)> = spans.iter().map(|s| (text(s, "from"), text(s, "state"))).collect();
        let shown: Vec<(String, &str)> = shown.iter().map(|(from, state)| (from.clone(), state.as_str())).collect();
        assert_eq!(shown, told, "{subsystem}");
    }
}

async fn every_mail_is_in_order(house: &House, facts: &BTreeMap<u64, Recorded>) {
    let store = Store::open_to_read(&house.store_file()).unwrap();
    let letters = store.outbox_list(None, LETTERS_MAX).await.unwrap();
    assert!(letters.iter().all(|l| l.state == LetterState::Sent), "some letter was not sent: {letters:?}");
    let mut arrived: HashMap<String, Vec<Arc<Mail>>> = HashMap::new();
    for mail in house.city.mails.mails() {
        arrived.entry(message_id(&mail)).or_default().push(mail);
    }
    let told = facts.values().filter(|r| matches!(r.fact, Fact::IncidentTold { .. })).count();
    assert_eq!(letters.len(), told, "one recipient, so one letter for each time that somebody was told");
    for letter in &letters {
        each_copy_is_the_same(letter, &arrived.remove(&letter.message.id).unwrap_or_default());
    }
    assert!(arrived.is_empty(), "mails that the store does not know: {arrived:?}");
    let unstable = desk(facts).open().filter(|i| i.unstable).map(|i| i.id.to_string()).collect();
    every_opening_has_one_closing(&letters, &unstable);
}

fn each_copy_is_the_same(letter: &Letter, copies: &[Arc<Mail>]) {
    let Some(first) = copies.first() else { panic!("{} was sent, and never came", letter.message.id) };
    assert_eq!(first.to, [ON_CALL]);
    for copy in copies {
        let same = (&copy.headers, &copy.text, &copy.html) == (&first.headers, &first.text, &first.html);
        assert!(same, "two mails under one Message-ID: {first:?} {copy:?}");
    }
}

/// In each thread: opened, perhaps changed, closed, opened again, without a gap in the count, each once; those of
/// `unstable` incidents are still open.
fn every_opening_has_one_closing(letters: &[Letter], unstable: &BTreeSet<String>) {
    let mut threads: BTreeMap<&str, BTreeMap<u32, &Message>> = BTreeMap::new();
    for Letter { message, .. } in letters {
        let twice = threads.entry(&message.thread).or_default().insert(message.sequence, message);
        assert!(twice.is_none(), "one message under two ids: {message:?} {twice:?}");
    }
    for (thread, messages) in threads {
        let sequences: Vec<u32> = messages.keys().copied().collect();
        assert_eq!(sequences, (0..u32::try_from(messages.len()).unwrap()).collect::<Vec<_>>(), "{thread}");
        let mut open = false;
        for (sequence, message) in messages {
            let was_open = open;
            match message.content {
                Content::Opened(_) | Content::Reopened(_) => open = true,
                Content::Closed(_) => open = false,
                // Changes, reminders and calls for help are about something that lasts.
                _ => assert!(open, "{thread} #{sequence} while nothing was open: {message:?}"),
            }
            let repeats = was_open == open
                && matches!(message.content, Content::Opened(_) | Content::Reopened(_) | Content::Closed(_));
            assert!(!repeats, "{thread} #{sequence} opens or closes twice: {message:?}");
        }
        assert_eq!(open, unstable.contains(thread), "{thread} has an opening without its closing");
    }
}
