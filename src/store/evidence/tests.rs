//! What the chain promises: honest stores are proved, and whatever was changed is named with its place.

use super::super::{Batch, Ends, Store, Tally, backup::with_suffix};
use super::*;
use crate::domain::civil::Zone;
use crate::domain::{Actor, AuditEntry, DAY, Fact, HOUR, MINUTE, Recorded, Span};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const YEAR: i64 = 365 * DAY;

/// Day, table and row of something wrong, and what is wrong.
type Told = (String, &'static str, String, Wrong);

struct Rig {
    _dir: tempfile::TempDir,
    path: PathBuf,
    store: Option<Store>,
}

fn rules(now: i64) -> Sealing {
    Sealing { now: Timestamp(now), zone: Zone::utc(), retain_ms: 3 * YEAR, retain_audit_ms: YEAR }
}

fn started(at: i64) -> Recorded {
    Recorded { at: Timestamp(at), fact: Fact::Started { alive_until: None, version: "0.1.0".into() } }
}

fn asked(at: i64) -> AuditEntry {
    let actor = Actor { name: "duty".into(), owner: None, from: "192.0.2.7".into() };
    AuditEntry::done(Timestamp(at), actor, "reload", "files", "taken over")
}

fn tally(probe: &str, hour: i64) -> Tally {
    let (probe, hour) = (probe.into(), Timestamp(hour));
    Tally {
        probe,
        hour,
        ticks: 120,
        pass: 119,
        degraded: 0,
        fail: 1,
        unknown: 0,
        skipped: 0,
        slow_pass: 0,
        slow_fail: 0,
    }
}

impl Rig {
    /// Five days with three facts, two audit rows and the tallies of two probes each, and a sixth that is open.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gengfu.db");
        let store = Store::open(&path).unwrap();
        let mut ends = Ends::default();
        for day in 0..6 {
            let start = day * DAY;
            let facts = [HOUR, 2 * HOUR, 23 * HOUR].map(|at| started(start + at)).to_vec();
            let audit = [HOUR, 5 * HOUR].map(|at| asked(start + at)).to_vec();
            ends = store.keep(ends, Batch { facts, audit, ..Batch::default() }).await.unwrap();
            for hour in [0, 7, 23] {
                let rows = ["a/b/c", "a/b/d"].map(|probe| tally(probe, start + hour * HOUR)).to_vec();
                assert_eq!(store.tally(rows).await, Ok(0));
            }
        }
        let sealed = store.seal(rules(5 * DAY + 23 * HOUR)).await.unwrap();
        assert_eq!((sealed.days.len(), sealed.more), (5, false));
        Self { _dir: dir, path, store: Some(store) }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// What somebody does with a shell.
    fn tamper(&self, sql: &str) {
        let db = Connection::open(&self.path).unwrap();
        db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }

    async fn proof(&self, wanted: Wanted) -> Proof {
        Store::open_to_read(&self.path).unwrap().verify(wanted).await.unwrap()
    }

    /// Day, table and row of everything that is wrong.
    async fn found(&self) -> Vec<Told> {
        let told =
            |f: Finding| (f.place.day.unwrap_or_default(), f.place.table, f.place.row.unwrap_or_default(), f.wrong);
        self.proof(Wanted::default()).await.findings.into_iter().map(told).collect()
    }
}

fn place(day: &str, table: &'static str, row: &str, wrong: Wrong) -> Told {
    (day.into(), table, row.into(), wrong)
}

#[tokio::test]
async fn an_honest_store_is_proved_and_its_tallies_read_as_before() {
    let rig = Rig::new().await;
    let proof = rig.proof(Wanted::default()).await;
    assert_eq!(proof.findings, []);
    assert_eq!((proof.days.len(), proof.rows, proof.open.facts, proof.open.audit), (5, [15, 10, 10], 3, 2));
    assert_eq!(proof.days[4].day, "1970-01-05");
    let end = rig.store().evidence().await.unwrap();
    assert_eq!((end.open, end.sealed.as_ref()), (proof.open, proof.last()));
    let hours = rig.store().tallies(Span::new(Timestamp(4 * DAY + HOUR), Timestamp(5 * DAY + HOUR))).await.unwrap();
    let expected =
        [(4, 7, "a/b/c"), (4, 7, "a/b/d"), (4, 23, "a/b/c"), (4, 23, "a/b/d"), (5, 0, "a/b/c"), (5, 0, "a/b/d")];
    assert_eq!(hours, expected.map(|(day, hour, probe)| tally(probe, day * DAY + hour * HOUR)));
}

#[tokio::test]
async fn a_sealed_day_takes_no_tallies_any_more() {
    let rig = Rig::new().await;
    let rows = vec![tally("a/b/c", 4 * DAY + 23 * HOUR), tally("a/b/c", 5 * DAY + HOUR)];
    assert_eq!(rig.store().tally(rows).await, Ok(1));
    assert_eq!(rig.found().await, []);
}

#[tokio::test]
async fn one_flipped_bit_is_named_with_table_day_and_row() {
    let changes: [(&str, Told); 8] = [
        (
            "UPDATE facts SET body = cast(replace(cast(body AS TEXT), '0.1.0', '0.1.1') AS BLOB) WHERE id = 5",
            place("1970-01-02", "facts", "5", Wrong::Changed),
        ),
        ("UPDATE facts SET kind = 'stopped' WHERE id = 5", place("1970-01-02", "facts", "5", Wrong::Changed)),
        ("UPDATE facts SET at = at + 1 WHERE id = 15", place("1970-01-05", "facts", "15", Wrong::Changed)),
        ("UPDATE audit SET holder = 'dutx' WHERE id = 3", place("1970-01-02", "audit", "3", Wrong::Changed)),
        ("UPDATE audit SET owner = '' WHERE id = 3", place("1970-01-02", "audit", "3", Wrong::Changed)),
        (
            "UPDATE tally_days SET hours = x'000101' WHERE start = 86400000 AND probe = 2",
            place("1970-01-02", "tallies", "a/b/d", Wrong::Changed),
        ),
        (
            "UPDATE evidence SET signature = zeroblob(64) WHERE number = 3",
            place("1970-01-03", "evidence", "3", Wrong::Unsigned),
        ),
        (
            "UPDATE evidence SET marks = zeroblob(length(marks)) WHERE number = 3",
            place("1970-01-03", "evidence", "3", Wrong::MarksChanged),
        ),
    ];
    for (sql, expected) in changes {
        let rig = Rig::new().await;
        rig.tamper(sql);
        assert_eq!(rig.found().await, [expected], "{sql}");
    }
}

#[tokio::test]
async fn one_row_that_is_gone_or_new_is_named() {
    let changes: [(&str, Vec<Told>); 6] = [
        ("DELETE FROM facts WHERE id = 8", vec![place("1970-01-03", "facts", "8", Wrong::Missing)]),
        ("DELETE FROM facts WHERE id = 17", vec![place("", "facts", "17", Wrong::Missing)]),
        ("DELETE FROM audit WHERE id = 4", vec![place("1970-01-02", "audit", "4", Wrong::Missing)]),
        (
            "DELETE FROM tally_days WHERE start = 86400000 AND probe = 1",
            vec![place("1970-01-02", "tallies", "before a/b/d", Wrong::Missing)],
        ),
        (
            "INSERT INTO tallies SELECT 86400000, 1, 0, 0, 0, 0, 0, 0, 0, 0",
            vec![place("1970-01-02", "tallies", "a/b/c 1970-01-02T00:00:00Z", Wrong::Added)],
        ),
        (
            "INSERT INTO facts SELECT 19, 90000000, kind, body FROM facts WHERE id = 1",
            vec![place("", "facts", "19", Wrong::BackDated(Timestamp(90_000_000)))],
        ),
    ];
    for (sql, expected) in changes {
        let rig = Rig::new().await;
        rig.tamper(sql);
        assert_eq!(rig.found().await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_deleted_day_is_named() {
    let rig = Rig::new().await;
    rig.tamper("DELETE FROM evidence WHERE number = 3; DELETE FROM facts WHERE id BETWEEN 7 AND 9;");
    let found = rig.found().await;
    assert!(found.contains(&place("1970-01-02", "evidence", "3", Wrong::DayMissing)), "{found:?}");
    assert!(found.contains(&place("1970-01-04", "evidence", "4", Wrong::Unchained)), "{found:?}");
}

#[tokio::test]
async fn an_end_that_was_cut_off_shows_by_the_head_that_somebody_noted() {
    let rig = Rig::new().await;
    let head = rig.store().evidence().await.unwrap().sealed.unwrap().head();
    let wanted = Wanted { heads: vec![head], keys: vec![] };
    let honest = rig.proof(wanted.clone()).await;
    assert_eq!((honest.findings, honest.heads_found), (vec![], vec![(head, "1970-01-05".to_owned())]));
    rig.tamper(
        "DELETE FROM evidence WHERE number = 5; DELETE FROM facts WHERE id > 12; DELETE FROM audit WHERE id > 8;
         DELETE FROM tallies; DELETE FROM tally_days WHERE start >= 4 * 86400000;
         UPDATE sqlite_sequence SET seq = 8;",
    );
    assert_eq!(rig.found().await, [], "without the head nobody can tell");
    assert_eq!(rig.proof(wanted).await.findings[0].wrong, Wrong::NoSuchHead(head));
}

#[tokio::test]
async fn an_end_that_was_cut_off_carelessly_shows_by_itself() {
    let rig = Rig::new().await;
    rig.store().checkpoint(18, vec![1]).await.unwrap();
    rig.tamper("DELETE FROM facts WHERE id > 16; DELETE FROM audit WHERE id = 12;");
    let expected = [place("", "facts", "", Wrong::CutOff(18)), place("", "audit", "", Wrong::CutOff(12))];
    assert_eq!(rig.found().await, expected);
}

#[tokio::test]
async fn a_chain_that_was_signed_anew_shows_by_head_and_by_key() {
    let mut rig = Rig::new().await;
    let end = rig.store().evidence().await.unwrap().sealed.unwrap();
    rig.store = None;
    rig.tamper("DELETE FROM evidence; UPDATE facts SET at = at + 1 WHERE id = 5;");
    std::fs::remove_file(with_suffix(&rig.path, ".key")).unwrap();
    let forged = Store::open(&rig.path).unwrap();
    assert_eq!(forged.seal(rules(5 * DAY + 23 * HOUR)).await.unwrap().days.len(), 5);
    assert_eq!(rig.found().await, [], "by itself it is a good chain");
    let by_head = rig.proof(Wanted { heads: vec![end.head()], keys: vec![] }).await;
    assert_eq!(by_head.findings[0].wrong, Wrong::NoSuchHead(end.head()));
    let by_key = rig.proof(Wanted { heads: vec![], keys: vec![end.key] }).await;
    assert_eq!(by_key.findings_total, 5);
    assert!(matches!(by_key.findings[0].wrong, Wrong::OtherKey(_)));
}

#[tokio::test]
async fn a_lost_key_is_a_new_key_which_is_named_once_unless_it_is_expected() {
    let mut rig = Rig::new().await;
    let old = rig.store().evidence().await.unwrap().sealed.unwrap().key;
    rig.store = None;
    let file = with_suffix(&rig.path, ".key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&file, "no key").unwrap();
    let refused = Store::open(&rig.path).unwrap_err();
    assert!(refused.to_string().contains("gengfu.db.key is no Ed25519 key"), "{refused}");
    std::fs::remove_file(&file).unwrap();
    let store = Store::open(&rig.path).unwrap();
    let new = store.seal(rules(8 * DAY)).await.unwrap().days[0].key;
    assert_eq!(rig.found().await, [place("1970-01-06", "evidence", "6", Wrong::OtherKey(new))]);
    let wanted = Wanted { heads: vec![], keys: vec![old, new] };
    assert_eq!(rig.proof(wanted).await.findings, []);
}

#[tokio::test]
async fn what_retention_forgot_is_no_finding_and_what_somebody_deleted_is_one() {
    let rig = Rig::new().await;
    let now = Timestamp(6 * DAY + 30 * MINUTE);
    let soon = Sealing { now, retain_ms: 3 * DAY, retain_audit_ms: 5 * DAY, ..rules(0) };
    let day = rig.store().seal(soon).await.unwrap().days.remove(0);
    assert_eq!((day.number, day.forgets_facts, day.forgets_audit), (6, 3, 1));
    rig.store().checkpoint(18, vec![1]).await.unwrap();
    assert_eq!(rig.store().prune(now).await, Ok(9 + 6));
    assert_eq!(rig.store().prune_audit().await, Ok(2));
    let proof = rig.proof(Wanted::default()).await;
    assert_eq!((proof.findings, proof.rows, proof.days.len()), (vec![], [9, 10, 6], 6));
    rig.tamper("DELETE FROM facts WHERE id BETWEEN 10 AND 12");
    let missing = |id: &str| place("1970-01-04", "facts", id, Wrong::Missing);
    assert_eq!(rig.found().await, ["10", "11", "12"].map(missing));
}

#[tokio::test]
async fn the_past_of_an_old_store_is_sealed_in_steps_and_says_that_it_was_late() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gengfu.db");
    let store = Store::open(&path).unwrap();
    store.commit(0, (0..100).map(|day| started(day * DAY)).collect(), vec![]).await.unwrap();
    let mut sealed = Vec::new();
    loop {
        let step = store.seal(rules(99 * DAY + SEAL_TEST_AFTER)).await.unwrap();
        sealed.extend(step.days);
        if !step.more {
            break;
        }
    }
    assert_eq!(sealed.len(), 99);
    assert_eq!(sealed.iter().filter(|day| !day.late).count(), 1, "only the last one is sealed in time");
    assert_eq!(store.seal(rules(99 * DAY + SEAL_TEST_AFTER)).await.unwrap(), SealedDays::default());
    assert_eq!(store.verify(Wanted::default()).await.unwrap().findings, []);
    assert_eq!(store.load().await.unwrap().sealed.unwrap().span.end, Timestamp(99 * DAY));
}

/// Long enough after midnight for a day to be sealed, and not late.
const SEAL_TEST_AFTER: i64 = 11 * MINUTE;

#[tokio::test]
async fn a_copy_carries_the_chain_and_goes_on_under_the_key_that_lies_beside_the_store() {
    let mut rig = Rig::new().await;
    let copy = rig.path.with_file_name("copy.db");
    rig.store().backup(&copy).await.unwrap();
    let head = rig.store().evidence().await.unwrap().sealed.unwrap().head();
    let wanted = Wanted { heads: vec![head], keys: vec![] };
    let proof = Store::open_to_read(&copy).unwrap().verify(wanted.clone()).await.unwrap();
    assert_eq!(proof.findings, []);
    rig.store = None;
    Store::restore(&copy, &rig.path).await.unwrap();
    let restored = Store::open(&rig.path).unwrap();
    restored.seal(rules(7 * DAY)).await.unwrap();
    assert_eq!(rig.proof(wanted).await.findings, []);
}

#[tokio::test]
async fn a_store_from_before_the_chain_says_how_to_get_one() {
    let mut rig = Rig::new().await;
    rig.store = None;
    rig.tamper("DROP TABLE evidence; DROP TABLE tally_days; PRAGMA user_version = 2;");
    let old = Store::open_to_read(&rig.path).unwrap();
    let refused = old.verify(Wanted::default()).await.unwrap_err();
    assert!(refused.to_string().contains("start gengfu on it once"), "{refused}");
    assert!(matches!(old.evidence().await, Err(StoreError::Unsealed(_))));
    assert_eq!(old.load().await.unwrap().sealed, None);
}

#[test]
fn a_statement_reads_back_and_nothing_but_its_own_text_is_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rig = runtime.block_on(Rig::new());
    let day = runtime.block_on(rig.store().evidence()).unwrap().sealed.unwrap();
    let text = day.to_string();
    assert_eq!(Statement::parse(&text), Some(day));
    for other in [
        text.replace("number 5", "number 05"),
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        text.replace(" late", " x"),
    ] {
        assert_eq!(Statement::parse(&other), None, "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_byte_of_any_sealed_row_is_noticed(row in 1u32..=15, place in 0usize..400, flip in 1u8..=255) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rig = runtime.block_on(Rig::new());
        let db = Connection::open(&rig.path).unwrap();
        let (table, key, column) = match row % 3 {
            0 => ("facts", format!("id = {row}"), "body"),
            1 => ("evidence", format!("number = {}", row % 5 + 1), if row % 2 == 0 { "signature" } else { "marks" }),
            _ => ("tally_days", format!("start = {} AND probe = {}", i64::from(row % 5) * DAY, row % 2 + 1), "hours"),
        };
        let mut bytes: Vec<u8> =
            db.query_row(&format!("SELECT {column} FROM {table} WHERE {key}"), [], |row| row.get(0)).unwrap();
        let place = place % bytes.len();
        bytes[place] ^= flip;
        db.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {key}"), [bytes]).unwrap();
        drop(db);
        prop_assert_eq!(runtime.block_on(rig.found()).len(), 1);
    }
}
