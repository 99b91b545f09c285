//! What the store promises: both or neither, the same batch twice, refusals that pass, copies that hold.

use super::*;
use crate::domain::civil::Zone;
use crate::domain::{Content, DAY, Fact, HOUR, Language, MINUTE, ProbeId, Recipient, SECOND};
use proptest::prelude::*;

fn started(at: i64) -> Recorded {
    Recorded { at: Timestamp(at), fact: Fact::Started { alive_until: None, version: "0.1.0".into() } }
}

fn retired(at: i64, probe: &str) -> Recorded {
    Recorded { at: Timestamp(at), fact: Fact::ProbeRetired { probe: ProbeId::from(probe) } }
}

fn message(thread: &str, sequence: u32, mail: &str, at: i64) -> Message {
    let to = Recipient { name: "值班".into(), mail: mail.into(), language: Language::Zh };
    let content = Content::ReloadRefused { text: "probes/a.yaml:1:1: unknown key".into() };
    Message::new(thread.into(), sequence, to, Timestamp(at), DAY, content)
}

fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("deep/er/gengfu.db")).unwrap();
    (dir, store)
}

async fn pages(store: &Store, max: i64) {
    store
        .write(Durability::Process, move |db| {
            let now: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let max = if max == 0 { i64::from(i32::MAX) } else { now + max };
            Ok(db.pragma_update_and_check(None, "max_page_count", max, |_| Ok(()))?)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn facts_and_messages_survive_reopening() {
    let (dir, store) = fresh();
    let end = store.commit(0, vec![started(5), retired(6, "a/b/c")], vec![message("INC-0001", 0, "a@b.test", 6)]).await;
    assert_eq!(end, Ok(2));
    store.alive(Timestamp(7)).await.unwrap();
    store.alive(Timestamp(8)).await.unwrap();
    drop(store);
    let path = dir.path().join("deep/er/gengfu.db");
    assert!(!backup::with_suffix(&path, "-wal").exists(), "the log is folded into the file");
    let store = Store::open(&path).unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.facts, [(1, started(5)), (2, retired(6, "a/b/c"))]);
    assert_eq!((loaded.alive, loaded.ends.facts, loaded.checkpoint), (Some(Timestamp(8)), 2, None));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
}

#[tokio::test]
async fn a_batch_handed_in_again_is_completed_and_not_doubled() {
    let (_dir, store) = fresh();
    let first = vec![started(1), retired(2, "a/b/c")];
    let mail = vec![message("INC-0001", 0, "a@b.test", 2)];
    assert_eq!(store.commit(0, first.clone(), mail.clone()).await, Ok(2));
    assert_eq!(store.commit(0, first.clone(), mail.clone()).await, Ok(2));
    let grown = [first, vec![retired(3, "a/b/d")]].concat();
    assert_eq!(store.commit(0, grown, mail).await, Ok(3));
    assert_eq!(store.load().await.unwrap().facts.len(), 3);
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
}

#[tokio::test]
async fn a_batch_that_does_not_continue_the_log_is_refused_whole() {
    let (_dir, store) = fresh();
    store.commit(0, vec![started(1)], vec![]).await.unwrap();
    let mail = vec![message("INC-0001", 0, "a@b.test", 2)];
    let hole = store.commit(4, vec![started(2)], mail.clone()).await;
    assert_eq!(hole, Err(StoreError::Conflict { end: 1, after: 4 }));
    let other = store.commit(0, vec![started(2)], mail).await;
    assert_eq!(other, Err(StoreError::Conflict { end: 1, after: 0 }));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 0, "the message went with its facts");
}

#[tokio::test]
async fn one_bad_job_does_not_spoil_its_group() {
    let (_dir, store) = fresh();
    let (good, bad, also_good) = tokio::join!(
        store.commit(0, vec![started(1)], vec![]),
        store.commit(9, vec![started(1)], vec![]),
        store.alive(Timestamp(3)),
    );
    assert_eq!((good, also_good), (Ok(1), Ok(())));
    assert!(matches!(bad, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn a_full_disk_refuses_and_takes_again_once_there_is_space() {
    let (_dir, store) = fresh();
    store.commit(0, vec![started(1)], vec![]).await.unwrap();
    pages(&store, 1).await;
    let long = Fact::Started { alive_until: None, version: "v".repeat(40_000) };
    let large = vec![Recorded { at: Timestamp(2), fact: long }];
    let mail = vec![message("INC-0001", 0, "a@b.test", 2)];
    assert_eq!(store.commit(1, large.clone(), mail.clone()).await, Err(StoreError::Full));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 0);
    pages(&store, 0).await;
    assert_eq!(store.commit(1, large, mail).await, Ok(2));
}

#[tokio::test]
async fn a_write_that_is_refused_once_reopens_the_file() {
    let (_dir, store) = fresh();
    let lock = |db: &Connection| Ok(db.pragma_update(None, "query_only", "ON")?);
    store.write(Durability::Process, lock).await.unwrap();
    assert!(matches!(store.alive(Timestamp(1)).await, Err(StoreError::ReadOnly(_))));
    assert_eq!(store.alive(Timestamp(2)).await, Ok(()));
}

#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_is_welcome() {
    let (_dir, store) = fresh();
    store.commit(0, vec![started(1)], vec![]).await.unwrap();
    let path = store.0.path.clone();
    let second = Store::open(&path).unwrap_err();
    assert!(second.to_string().contains("in use by another gengfu"), "{second}");
    let reader = Store::open_to_read(&path).unwrap();
    assert_eq!(reader.load().await.unwrap().ends.facts, 1);
    assert!(matches!(reader.alive(Timestamp(1)).await, Err(StoreError::ReadOnly(_))));
}

#[test]
fn files_that_are_not_ours_damaged_or_newer_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let foreign = Connection::open(at("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Store::open(&at("foreign")), Err(StoreError::Corrupt(_))));
    fs::write(at("text"), "not a database, but longer than the header of one".repeat(4)).unwrap();
    assert!(matches!(Store::open(&at("text")), Err(StoreError::Corrupt(_))));
    drop(Store::open(&at("newer")).unwrap());
    Connection::open(at("newer")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = Store::open(&at("newer")).unwrap_err();
    assert_eq!(newer, StoreError::Newer { found: 99, known: schema::VERSION });
    assert!(newer.to_string().contains("install the newer gengfu"));
    fs::write(at("file"), "").unwrap();
    assert!(matches!(Store::open(&at("file/gengfu.db")), Err(StoreError::Io(_))));
}

#[tokio::test]
async fn the_last_two_checkpoints_are_kept_and_each_can_be_started_from() {
    let (_dir, store) = fresh();
    let facts: Vec<_> = (1..=9).map(started).collect();
    store.commit(0, facts, vec![]).await.unwrap();
    for through in [3, 5, 8] {
        store.checkpoint(through, vec![through as u8]).await.unwrap();
    }
    let newest = store.load().await.unwrap();
    assert_eq!((newest.checkpoint, newest.facts), (Some((8, vec![8])), vec![(9, started(9))]));
    assert_eq!(store.load_before(8).await.unwrap().checkpoint, Some((5, vec![5])));
    assert_eq!(store.load_before(5).await.unwrap().facts.len(), 9, "the third is gone");
    assert!(matches!(store.checkpoint(10, vec![]).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn pruning_keeps_what_a_start_needs_and_ids_go_on() {
    let (_dir, store) = fresh();
    let facts: Vec<_> = (1..=5_000).map(started).collect();
    store.commit(0, facts, vec![message("INC-0001", 0, "a@b.test", 2)]).await.unwrap();
    assert_eq!(store.prune(Timestamp(9_000)).await, Ok(0), "no checkpoint, nothing may go");
    store.checkpoint(4_990, vec![]).await.unwrap();
    store.checkpoint(4_995, vec![]).await.unwrap();
    assert_eq!(store.prune(Timestamp(9_000)).await, Ok(0), "no day declares them forgotten");
    let rules = |days| Sealing { now: Timestamp(days * DAY), zone: Zone::utc(), retain_ms: DAY, retain_audit_ms: DAY };
    store.seal(rules(2)).await.unwrap();
    assert_eq!(store.prune(Timestamp(9_000)).await, Ok(0), "a day does not declare itself forgotten");
    store.seal(rules(3)).await.unwrap();
    assert_eq!(store.prune(Timestamp(9_000)).await, Ok(4_990));
    assert_eq!(store.load().await.unwrap().facts.len(), 5);
    assert_eq!(store.load_before(4_995).await.unwrap().facts.len(), 10);
    assert_eq!(store.commit(5_000, vec![started(3 * DAY)], vec![]).await, Ok(5_001));
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1, "what waits is not pruned");
}

#[tokio::test]
async fn facts_come_in_pages_by_time() {
    let (_dir, store) = fresh();
    let many = FACTS_PER_PAGE as i64 + 10;
    store.commit(0, (0..many).map(|i| started(i / 2)).collect(), vec![]).await.unwrap();
    let mut span = Span::new(Timestamp(1), Timestamp(many));
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.facts_between(span, after).await.unwrap();
        let Some((id, last)) = page.last() else { break };
        (after, span.start) = (*id, last.at);
        seen.extend(page.iter().map(|(id, _)| *id));
    }
    assert_eq!(seen, (3..=many as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn tallies_of_an_hour_add_up() {
    let (_dir, store) = fresh();
    let row = |hour, pass| Tally {
        probe: "a/b/c".into(),
        hour: Timestamp(hour),
        ticks: pass + 1,
        pass,
        degraded: 0,
        fail: 1,
        unknown: 0,
        skipped: 0,
        slow_pass: 0,
        slow_fail: 0,
    };
    store.tally(vec![row(0, 3), row(HOUR, 5)]).await.unwrap();
    store.tally(vec![row(0, 4)]).await.unwrap();
    let read = store.tallies(Span::new(Timestamp(0), Timestamp(2 * HOUR))).await.unwrap();
    assert_eq!(
        read.iter().map(|t| (t.hour.0, t.pass, t.ticks, t.fail)).collect::<Vec<_>>(),
        [(0, 7, 9, 2), (HOUR, 5, 6, 1)]
    );
}

#[tokio::test]
async fn a_copy_taken_while_writing_can_be_restored_and_the_old_files_are_kept() {
    let (dir, store) = fresh();
    store.commit(0, vec![started(1)], vec![message("INC-0001", 0, "a@b.test", 1)]).await.unwrap();
    let copy = dir.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert!(matches!(store.backup(&copy).await, Err(StoreError::Io(_))), "a copy is not overwritten");
    store.commit(1, vec![started(2)], vec![]).await.unwrap();
    let path = store.0.path.clone();
    assert!(matches!(Store::restore(&copy, &path).await, Err(StoreError::Busy(_))));
    drop(store);
    Store::restore(&copy, &path).await.unwrap();
    let restored = Store::open(&path).unwrap();
    assert_eq!(restored.load().await.unwrap().ends.facts, 1);
    assert_eq!(restored.outbox_counts().await.unwrap().pending, 1);
    restored.check().await.unwrap();
    let replaced = Store::open_to_read(&backup::with_suffix(&path, ".replaced")).unwrap();
    assert_eq!(replaced.load().await.unwrap().ends.facts, 2);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_and_nothing_changes() {
    let (dir, store) = fresh();
    store.commit(0, vec![started(1)], vec![]).await.unwrap();
    let path = store.0.path.clone();
    drop(store);
    let copy = dir.path().join("copy.db");
    fs::write(&copy, vec![7; 9_000]).unwrap();
    assert!(matches!(Store::restore(&copy, &path).await, Err(StoreError::Corrupt(_))));
    assert_eq!(Store::open(&path).unwrap().load().await.unwrap().ends.facts, 1);
}

fn sent(mut letter: Letter, at: i64) -> Letter {
    letter.state = LetterState::Sent;
    letter.settled_at = Some(Timestamp(at));
    letter.attempts += 1;
    letter
}

async fn due(store: &Store, now: i64) -> Vec<(String, u32, String)> {
    let letters = store.outbox_due(Timestamp(now), Held::default(), 100).await.unwrap();
    letters.into_iter().map(|l| (l.message.thread, l.message.sequence, l.message.to.mail)).collect()
}

#[tokio::test]
async fn messages_of_a_thread_leave_in_order_and_recipients_do_not_wait_for_each_other() {
    let (_dir, store) = fresh();
    let (a, b) = ("a@b.test", "b@b.test");
    let all = [("INC-0001", 0, a, 10), ("INC-0001", 1, a, 11), ("INC-0001", 0, b, 12), ("INC-0002", 0, a, 13)];
    let all = all.into_iter().map(|(thread, n, mail, at)| message(thread, n, mail, at)).collect();
    store.commit(0, vec![], all).await.unwrap();
    let row = |thread: &str, n, mail: &str| (thread.to_owned(), n, mail.to_owned());
    assert_eq!(due(&store, 20).await, [row("INC-0001", 0, a), row("INC-0001", 0, b)], "one for each recipient");
    let mut first = store.outbox_due(Timestamp(20), Held::default(), 1).await.unwrap().remove(0);
    (first.attempts, first.next_at) = (1, Timestamp(1_000));
    store.outbox_record(vec![first.clone()], vec![]).await.unwrap();
    let meanwhile = [row("INC-0001", 0, b), row("INC-0002", 0, a)];
    assert_eq!(due(&store, 999).await, meanwhile, "another thread does not wait for the re-try, its own does");
    assert_eq!(store.outbox_next(Timestamp(999)).await.unwrap(), Some(Timestamp(1_000)));
    assert_eq!(due(&store, 1_000).await[0], row("INC-0001", 0, a));
    store.outbox_record(vec![sent(first, 1_001)], vec![]).await.unwrap();
    assert_eq!(due(&store, 1_001).await, [row("INC-0001", 1, a), row("INC-0001", 0, b)]);
}

#[tokio::test]
async fn what_was_sent_stays_sent_and_what_was_given_up_can_be_tried_again() {
    let (_dir, store) = fresh();
    let m = message("INC-0001", 0, "a@b.test", 10);
    store.commit(0, vec![], vec![m.clone()]).await.unwrap();
    let mut dead = Letter::new(m.clone());
    (dead.state, dead.settled_at, dead.last_error) = (LetterState::Dead, Some(Timestamp(20)), Some("550 no".into()));
    let mut instead = Letter::new(message("undelivered", 0, "duty@b.test", 20));
    instead.in_place_of = Some(InPlaceOf { mail: "a@b.test".into(), error: "550 no".into() });
    store.outbox_record(vec![dead.clone()], vec![instead.clone()]).await.unwrap();
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.pending, counts.dead, counts.oldest), (1, 1, Some(Timestamp(20))));
    assert_eq!(store.outbox_get(instead.message.id.clone()).await.unwrap(), Some(instead));
    store.outbox_retry(m.id.clone(), Timestamp(10 + 2 * DAY)).await.unwrap();
    let again = store.outbox_get(m.id.clone()).await.unwrap().unwrap();
    assert_eq!((again.state, again.message.expires), (LetterState::Pending, Timestamp(10 + 2 * DAY)));
    store.outbox_record(vec![sent(again, 30)], vec![]).await.unwrap();
    store.outbox_record(vec![dead], vec![]).await.unwrap();
    assert_eq!(store.outbox_get(m.id.clone()).await.unwrap().unwrap().state, LetterState::Sent);
    assert_eq!(store.outbox_accepted(Timestamp(30)).await.unwrap().len(), 1);
    assert!(matches!(store.outbox_retry(m.id.clone(), Timestamp(99)).await, Err(StoreError::Missing(_))));
    store.commit(0, vec![], vec![m.clone()]).await.unwrap();
    assert_eq!(store.outbox_get(m.id).await.unwrap().unwrap().state, LetterState::Sent, "an id is used once");
}

#[tokio::test]
async fn a_dropped_letter_no_longer_counts_and_does_not_come_back() {
    let (_dir, store) = fresh();
    let m = message("INC-0001", 0, "a@b.test", 10);
    store.commit(0, vec![], vec![m.clone()]).await.unwrap();
    store.outbox_drop(m.id.clone(), Timestamp(11)).await.unwrap();
    store.commit(0, vec![], vec![m]).await.unwrap();
    assert_eq!(store.outbox_counts().await.unwrap(), LetterCounts::default());
    assert!(due(&store, 9 * MINUTE + SECOND).await.is_empty());
    assert_eq!(store.outbox_list(Some(LetterState::Dropped), 9).await.unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_cut_into_batches_and_repeated_reads_back_as_it_was_written(
        cuts in prop::collection::vec((0usize..5, any::<bool>()), 1..12),
    ) {
        let (_dir, store) = fresh();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut end, mut written) = (0u64, Vec::new());
        for (i, (len, twice)) in cuts.into_iter().enumerate() {
            let batch: Vec<_> = (0..len).map(|n| retired(i as i64, &format!("a/b/{n}"))).collect();
            for _ in 0..=usize::from(twice) {
                let answered = runtime.block_on(store.commit(end, batch.clone(), vec![])).unwrap();
                prop_assert_eq!(answered, end + len as u64);
            }
            end += len as u64;
            written.extend(batch);
        }
        let read: Vec<_> = runtime.block_on(store.load()).unwrap().facts.into_iter().map(|(_, fact)| fact).collect();
        prop_assert_eq!(read, written);
    }
}
