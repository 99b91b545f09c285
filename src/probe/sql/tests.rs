//! `sql` by behaviour, against servers that say just what a test needs. Real ones are asked by hand.

use super::Sql;
use super::expect::{Answer, Expect};
use crate::domain::{Outcome, ReasonKind};
use crate::field::Record;
use crate::probe::tests::{HANG, Rig, assert_fail, black_hole, closed_port, resetter};
use crate::probe::{Report, peer};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a fake server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Plan {
    /// Lets everybody in and has this many rows of this value.
    Rows(usize, &'static str),
    /// Has a NULL.
    Null,
    /// Refuses the login with this code and text.
    NoLogin(u16, &'static str, &'static str),
    /// Refuses the query so.
    NoQuery(u16, &'static str, &'static str),
    /// Wants the password by a method nobody speaks.
    Strange,
    /// Lets in and says nothing more.
    Mute,
    /// Answers a little late.
    Late,
}

pub(in crate::probe) async fn serve(
    rig: &mut Rig,
    engine: &'static str,
    plan: Plan,
    tls: Option<rustls::ServerConfig>,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    rig.run(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let tls = tls.clone();
            open.spawn(async move {
                let _ = match engine {
                    "postgresql" => postgresql(stream, tls, plan).await,
                    _ => mysql(stream, tls, plan).await,
                };
            });
        }
    });
    port
}

/// A message of PostgreSQL.
fn message(tag: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, payload].concat()
}

fn error(state: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{state}\0M{text}\0\0").as_bytes())
}

async fn postgresql(mut stream: TcpStream, tls: Option<TlsAcceptor>, plan: Plan) -> io::Result<()> {
    let mut first = vec![0; 8];
    stream.peek(&mut first).await?;
    if first[4..] != 80_877_103_u32.to_be_bytes() {
        return postgresql_session(stream, plan).await;
    }
    stream.read_exact(&mut first).await?;
    match tls {
        None => stream.write_all(b"N").await,
        Some(tls) => {
            stream.write_all(b"S").await?;
            postgresql_session(tls.accept(stream).await?, plan).await
        }
    }
}

async fn postgresql_session(mut stream: impl AsyncRead + AsyncWrite + Unpin, plan: Plan) -> io::Result<()> {
    let length = stream.read_u32().await? as usize;
    stream.read_exact(&mut vec![0; length - 4]).await?;
    let ready = message(b'Z', b"I");
    match plan {
        Plan::NoLogin(_, state, text) => return stream.write_all(&error(state, text)).await,
        Plan::Strange => return stream.write_all(&message(b'R', &[0, 0, 0, 2])).await,
        _ => stream.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).await?,
    }
    let description = [&[0, 1][..], b"x\0", &[0; 6], &25_u32.to_be_bytes(), &[255; 6], &[0; 2]].concat();
    loop {
        let tag = stream.read_u8().await?;
        let length = stream.read_u32().await? as usize;
        let mut payload = vec![0; length - 4];
        stream.read_exact(&mut payload).await?;
        let text = String::from_utf8_lossy(&payload).into_owned();
        let done = message(b'C', b"SELECT 1\0");
        let answer = match (tag, plan) {
            (b'X', _) => return Ok(()),
            (b'P' | b'D' | b'C', _) => continue,
            (b'Q', _) if text.starts_with("BEGIN READ ONLY;") => [done.clone(), done, ready.clone()].concat(),
            (b'Q', _) if text.starts_with("ROLLBACK") => [done, ready.clone()].concat(),
            (b'S', Plan::NoQuery(_, state, text)) => [error(state, text), ready.clone()].concat(),
            (b'S', _) => {
                [message(b'1', b""), message(b't', &[0, 0]), message(b'T', &description), ready.clone()].concat()
            }
            (_, Plan::Mute) => std::future::pending().await,
            _ => {
                if plan == Plan::Late {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
                let row = match plan {
                    Plan::Rows(_, value) => {
                        let length = u32::try_from(value.len()).unwrap().to_be_bytes();
                        message(b'D', &[&[0, 1][..], &length, value.as_bytes()].concat())
                    }
                    _ => message(b'D', &[0, 1, 255, 255, 255, 255]),
                };
                let rows = if let Plan::Rows(rows, _) = plan { rows } else { 1 };
                [message(b'T', &description), row.repeat(rows), done, ready.clone()].concat()
            }
        };
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

/// A packet of MySQL.
fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    super::mysql::wire::packet(sequence, payload)
}

fn mysql_error(sequence: u8, code: u16, state: &str, text: &str) -> Vec<u8> {
    packet(sequence, &[&[0xff][..], &code.to_le_bytes(), b"#", state.as_bytes(), text.as_bytes()].concat())
}

async fn mysql_packet(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    stream.read_exact(&mut payload).await?;
    Ok((head[3], payload))
}

fn greeting(tls: bool) -> Vec<u8> {
    let low = 0xf7ff_u16 | if tls { 0x800 } else { 0 };
    [
        &b"\x0a10.11.6-MariaDB\0"[..],
        &[1, 0, 0, 0],
        b"abcdefgh\0",
        &low.to_le_bytes(),
        &[45, 2, 0, 0x0f, 0x00, 21],
        &[0; 10],
        b"ijklmnopqrst\0",
        b"mysql_native_password\0",
    ]
    .concat()
}

async fn mysql(mut stream: TcpStream, tls: Option<TlsAcceptor>, plan: Plan) -> io::Result<()> {
    if let Plan::NoLogin(1040, _, text) = plan {
        // Before the login there is no SQLSTATE.
        return stream.write_all(&packet(0, &[&[0xff, 0x10, 0x04], text.as_bytes()].concat())).await;
    }
    let greeting = packet(0, &greeting(tls.is_some()));
    stream.write_all(&greeting).await?;
    match tls {
        None => mysql_session(stream, plan, 1).await,
        Some(tls) => {
            assert_eq!(mysql_packet(&mut stream).await?.0, 1);
            mysql_session(tls.accept(stream).await?, plan, 2).await
        }
    }
}

async fn mysql_session(mut stream: impl AsyncRead + AsyncWrite + Unpin, plan: Plan, first: u8) -> io::Result<()> {
    let (sequence, _) = mysql_packet(&mut stream).await?;
    // Real servers insist on it.
    if sequence != first {
        return stream.write_all(&mysql_error(sequence, 1156, "08S01", "Got packets out of order")).await;
    }
    let next = sequence + 1;
    let ok = |sequence| packet(sequence, &[0, 0, 0, 2, 0, 0, 0]);
    match plan {
        Plan::NoLogin(code, state, text) => return stream.write_all(&mysql_error(next, code, state, text)).await,
        Plan::Strange => {
            return stream.write_all(&packet(next, b"\xfedialog\0abcdefghijklmnopqrst\0")).await;
        }
        _ => stream.write_all(&ok(next)).await?,
    }
    loop {
        stream.flush().await?;
        let (_, payload) = mysql_packet(&mut stream).await?;
        let text = String::from_utf8_lossy(payload.get(1..).unwrap_or_default()).into_owned();
        if payload.first() != Some(&3) {
            return Ok(());
        }
        if text.starts_with("SET max_statement_time = ") || text.starts_with("START") || text == "ROLLBACK" {
            stream.write_all(&ok(1)).await?;
            continue;
        }
        let row = match plan {
            Plan::NoQuery(code, state, text) => {
                stream.write_all(&mysql_error(1, code, state, text)).await?;
                continue;
            }
            Plan::Mute => std::future::pending().await,
            Plan::Rows(_, value) if value.len() < 251 => {
                [&[u8::try_from(value.len()).unwrap()][..], value.as_bytes()].concat()
            }
            Plan::Rows(_, value) => {
                [&[0xfd][..], &u32::try_from(value.len()).unwrap().to_le_bytes()[..3], value.as_bytes()].concat()
            }
            _ => vec![0xfb],
        };
        if plan == Plan::Late {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let rows = if let Plan::Rows(rows, _) = plan { rows } else { 1 };
        let end = [0xfe, 0, 0, 2, 0];
        let head = [packet(1, &[1]), packet(2, b"\x03def"), packet(3, &end)].concat();
        stream.write_all(&[head, packet(4, &row).repeat(rows), packet(5, &end)].concat()).await?;
    }
}

const ENGINES: [&str; 2] = ["postgresql", "mysql"];

async fn ask(rig: &Rig, engine: &str, port: u16, more: Value) -> Report {
    rig.attempt("sql", body(engine, port, more)).await
}

fn body(engine: &str, port: u16, more: Value) -> Value {
    let address = format!("db.bdc.test:{port}");
    let mut body = json!({ "engine": engine, "address": address, "user": "monitor", "password": "s3cret" });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    body
}

#[tokio::test]
async fn query_passes_in_plain_and_in_tls() {
    let mut rig = Rig::new();
    for engine in ENGINES {
        for is_tls in [false, true] {
            let tls = is_tls.then(|| rig.certificate("db.bdc.test", (2020, 2090)));
            let port = serve(&mut rig, engine, Plan::Rows(3, "42"), tls).await;
            let more = json!({ "tls": is_tls, "expect": { "equals": "42", "at_least": 42, "rows_at_least": 3 } });
            let report = ask(&rig, engine, port, more).await;
            assert_eq!(report.outcome, Outcome::Pass, "{engine} {report:#?}");
            let phases = &report.phases;
            assert!(phases.processing.is_some() && phases.transfer.is_some(), "{engine} {phases:?}");
            assert_eq!((phases.tls.is_some(), report.certificate_not_after.is_some()), (is_tls, is_tls));
            let report = ask(&rig, engine, port, json!({ "tls": is_tls })).await;
            assert_eq!(report.outcome, Outcome::Pass, "{engine} {report:#?}");
        }
    }
}

#[tokio::test]
async fn unmet_expectations_say_what_was_expected_and_what_came() {
    let mut rig = Rig::new();
    for engine in ENGINES {
        let many = serve(&mut rig, engine, Plan::Rows(1, "42"), None).await;
        let none = serve(&mut rig, engine, Plan::Rows(0, ""), None).await;
        let null = serve(&mut rig, engine, Plan::Null, None).await;
        let cases = [
            (many, json!({ "equals": "f" }), "expected \"f\" from db.bdc.test", "got \"42\""),
            (many, json!({ "matches": "^o" }), "expected a match of /^o/", "got \"42\""),
            (many, json!({ "at_least": 43 }), "expected at least 43", "got \"42\""),
            (many, json!({ "at_most": 41 }), "expected at most 41", "got \"42\""),
            (many, json!({ "rows_at_least": 2 }), "expected at least 2 rows", "got 1"),
            (none, json!({ "at_least": 1 }), "expected at least 1", "got no row"),
            (null, json!({ "matches": "." }), "expected a match of /./", "got NULL"),
        ];
        for (port, expect, part, other) in cases {
            let report = ask(&rig, engine, port, json!({ "expect": expect })).await;
            assert_fail(&report, ReasonKind::Content, part);
            assert_fail(&report, ReasonKind::Content, other);
        }
    }
}

#[tokio::test]
async fn refusals_are_sentences_with_their_code_and_without_the_password() {
    let mut rig = Rig::new();
    let (status, late) = (ReasonKind::Status, ReasonKind::Timeout);
    let cases = [
        ("postgresql", Plan::NoLogin(0, "28P01", "no s3cret"), status, "refused the login of monitor; check `user`"),
        ("postgresql", Plan::NoLogin(0, "28000", "no entry"), status, "see its pg_hba.conf"),
        ("postgresql", Plan::NoLogin(0, "3D000", "gone"), status, "has no database \"monitor\""),
        ("postgresql", Plan::NoLogin(0, "53300", "sorry"), status, "has no connection left"),
        ("postgresql", Plan::NoLogin(0, "57P03", "starting"), status, "in recovery (SQLSTATE 57P03: starting)"),
        ("postgresql", Plan::NoLogin(0, "57P01", "bye"), status, "is shutting down"),
        ("postgresql", Plan::NoQuery(0, "42601", "multiple"), status, "does not understand `query` as one statement"),
        ("postgresql", Plan::NoQuery(0, "25006", "ro"), status, "refused a query that would write"),
        ("postgresql", Plan::NoQuery(0, "42501", "no"), status, "does not let monitor ask this"),
        ("postgresql", Plan::NoQuery(0, "57014", "slow"), late, "gave up the query"),
        ("postgresql", Plan::NoQuery(0, "42P01", "no x"), status, "refused (SQLSTATE 42P01: no x)"),
        ("postgresql", Plan::Strange, ReasonKind::Protocol, "asks for a login that is not spoken here"),
        ("mysql", Plan::NoLogin(1045, "28000", "no s3cret"), status, "refused the login of monitor; check `user`"),
        ("mysql", Plan::NoLogin(1049, "42000", "gone"), status, "has no database \"\" for monitor"),
        ("mysql", Plan::NoLogin(1040, "", "sorry"), status, "has no connection left (error 1040: sorry)"),
        ("mysql", Plan::NoLogin(1130, "HY000", "who"), status, "does not let this host in"),
        ("mysql", Plan::NoLogin(1053, "08S01", "bye"), status, "is shutting down"),
        ("mysql", Plan::NoQuery(1064, "42000", "near"), status, "does not understand `query` as one statement"),
        ("mysql", Plan::NoQuery(1792, "25006", "ro"), status, "refused a query that would write"),
        ("mysql", Plan::NoQuery(1142, "42000", "no"), status, "does not let monitor ask this"),
        ("mysql", Plan::NoQuery(1969, "70100", "slow"), late, "gave up the query (error 1969, SQLSTATE 70100: slow)"),
        ("mysql", Plan::Strange, ReasonKind::Protocol, "asks for the login method \"dialog\""),
    ];
    for (engine, plan, kind, part) in cases {
        let port = serve(&mut rig, engine, plan, None).await;
        let report = ask(&rig, engine, port, json!({})).await;
        assert_fail(&report, kind, part);
        assert_fail(&report, kind, &format!("db.bdc.test:{port}"));
        assert!(!format!("{report:?}").contains("s3cret"), "{report:?}");
    }
}

#[tokio::test]
async fn tls_that_is_missing_untrusted_or_expired_is_told_apart() {
    let mut rig = Rig::new();
    for engine in ENGINES {
        let without = serve(&mut rig, engine, Plan::Rows(1, "1"), None).await;
        let expired = rig.certificate("db.bdc.test", (2020, 2021));
        let expired = serve(&mut rig, engine, Plan::Rows(1, "1"), Some(expired)).await;
        let own = serve(&mut rig, engine, Plan::Rows(1, "1"), Some(Rig::self_signed("db.bdc.test"))).await;
        let on = || json!({ "tls": true });
        assert_fail(&ask(&rig, engine, without, on()).await, ReasonKind::Tls, "does not offer TLS");
        assert_fail(&ask(&rig, engine, expired, on()).await, ReasonKind::Certificate, "expired");
        assert_fail(&ask(&rig, engine, own, on()).await, ReasonKind::Tls, "no known authority");
        let report = ask(&rig, engine, own, json!({ "tls": { "trust": "ignored" } })).await;
        assert_eq!(report.outcome, Outcome::Pass, "{engine} {report:#?}");
    }
}

#[tokio::test]
async fn refusing_resetting_and_strange_targets_are_told_apart() {
    let mut rig = Rig::new();
    let ((closed, _socket), reset) = (closed_port(), resetter(&mut rig).await);
    for engine in ENGINES {
        assert_fail(&ask(&rig, engine, closed, json!({})).await, ReasonKind::Connect, "refused the connection");
        for junk in [&b""[..], b"SSH-2.0-OpenSSH_9.2\r\n", &[0xff; 64], &[0; 64]] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            rig.run(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.write_all(junk).await;
                let _ = stream.shutdown().await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
            assert_fail(&ask(&rig, engine, port, json!({})).await, ReasonKind::Protocol, "db.bdc.test");
        }
    }
    assert_fail(&ask(&rig, "postgresql", reset, json!({})).await, ReasonKind::Connect, "reset the connection");
}

#[tokio::test]
async fn silence_is_a_time_out_that_names_the_phase() {
    let mut rig = Rig::new();
    let (full, _sockets) = black_hole().await;
    let dumb = rig.serve(|_| HANG.to_vec()).await;
    let mut cases = Vec::new();
    for engine in ENGINES {
        let mute = serve(&mut rig, engine, Plan::Mute, None).await;
        cases.extend([(engine, full, "connecting to"), (engine, dumb, "waiting for an answer from")]);
        cases.push((engine, mute, "waiting for an answer from"));
    }
    let rig = &rig;
    let attempts = cases.into_iter().map(async |(engine, port, part)| {
        let body = body(engine, port, json!({}));
        let report = rig.attempt_within(Duration::from_secs(1), "sql", body).await;
        assert_fail(&report, ReasonKind::Timeout, part);
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn slow_answer_is_degraded() {
    let mut rig = Rig::new();
    for engine in ENGINES {
        let port = serve(&mut rig, engine, Plan::Late, None).await;
        let report = ask(&rig, engine, port, json!({ "slower_than": "20ms" })).await;
        assert_eq!((report.outcome.label(), report.outcome.reason().unwrap().kind), ("degraded", ReasonKind::Slow));
    }
}

#[tokio::test]
async fn no_more_is_read_than_needed_nor_than_the_cap() {
    let mut rig = Rig::new();
    let long: &'static str = "长".repeat(500_000).leak();
    for engine in ENGINES {
        let rows = serve(&mut rig, engine, Plan::Rows(100_000, "1"), None).await;
        assert_eq!(ask(&rig, engine, rows, json!({})).await.outcome, Outcome::Pass, "{engine}");
        let value = serve(&mut rig, engine, Plan::Rows(1, long), None).await;
        assert_fail(&ask(&rig, engine, value, json!({})).await, ReasonKind::Content, "sent more than 1024 KiB");
    }
}

#[test]
fn trouble_of_our_own_is_unknown() {
    let rig = Rig::new();
    let kind = crate::probe::kind("sql").unwrap();
    let record: Record = crate::field::from_json(&body("mysql", 1, json!({})), kind.fields).unwrap();
    let sql = Sql {
        engine: super::Engine::Mysql,
        peer: peer::Peer::of(&record, &rig.context).unwrap(),
        user: "monitor".into(),
        password: String::new(),
        database: None,
        query: "SELECT 1".into(),
        expect: Expect::default(),
        slower_than: None,
    };
    let error = io::Error::other(io::Error::from_raw_os_error(24));
    let outcome = sql.lost(&error, crate::probe::Phase::Processing);
    assert_eq!((outcome.label(), outcome.reason().unwrap().kind), ("unknown", ReasonKind::Local));
}

#[test]
fn only_queries_that_read_are_taken() {
    for good in ["SELECT 1", " (select 1)", "show replica status", "WITH a AS (SELECT 1) SELECT * FROM a"] {
        assert!(super::reads(good), "{good}");
    }
    for bad in ["DELETE FROM a", "COMMIT", "SELECTED", "", "SET x = 1", "copy a to program 'x'"] {
        assert!(!super::reads(bad), "{bad}");
    }
}

#[test]
fn values_are_cut_and_only_the_first_row_counts() {
    let mut answer = Answer::default();
    answer.add(Some(&"x".repeat(10_000)));
    answer.add(Some("second"));
    assert_eq!((answer.rows, answer.value.as_deref().map(str::len)), (2, Some(4_096)));
    assert_eq!(answer.to_string().len(), 82);
}

#[test]
fn packets_cut_anywhere_are_read_without_panic_or_refused() {
    let greeting = greeting(true);
    let mut long = greeting.clone();
    // The length of the salt, at its largest.
    long[greeting.len() - 46] = 255;
    for bytes in
        [&greeting[..], &long, b"\xff\x15\x04#28000no", b"\xfedialog\0abc\0", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"]
    {
        for end in 0..=bytes.len() {
            super::mysql_packets(&bytes[..end], |_| {});
        }
    }
}
