//! From a confirmed outage to the relay's "250": 600 subsystems of 10 000 fail, and each of their owners' people is told.
//!
//! The outage counts as confirmed when the third bad answer in a row has left here, the mail as accepted when our "250" for
//! it does; the daemon is asked nothing. Not here: what 600 failures cost that are a storm (these are 6 % of all).

use crate::cpu::Lap;
use crate::daemon::Daemon;
use crate::files::{City, PER_OWNER};
use crate::process::free_port;
use crate::table::{Goal, Unit, row, say};
use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use std::collections::HashMap;
use std::path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// `fall` of the files.
const FALL: usize = 3;

/// Of each owner's subsystems, every so many fail, beginning with the first; these are of tier 1.
const EVERY: usize = 18;

/// Until every subsystem had a tick and its re-tries, and mails had time to leave.
const WATCHED: Duration = Duration::from_secs(90);

/// What happened when.
#[derive(Default)]
struct Seen {
    fails: AtomicBool,
    /// Of a subsystem, when bad answers left.
    bad: Mutex<HashMap<String, Vec<Instant>>>,
    /// Of a mail, its subject and when it was accepted.
    mails: Mutex<Vec<(String, Instant)>>,
}

/// One row for the median, p99 and the worst.
pub(crate) async fn rows(subsystems: usize, every_s: u32, urls: Vec<String>, folder: &path::Path) -> Result<()> {
    let seen = Arc::new(Seen::default());
    let mut serving = JoinSet::new();
    let site = TcpListener::bind("127.0.0.9:0").await?;
    let failing = format!("http://{}", site.local_addr()?);
    let pages = Router::new().route("/{name}", axum::routing::get(answer)).with_state(Arc::clone(&seen));
    serving.spawn(async move { _ = axum::serve(site, pages).await });
    let relay = TcpListener::bind("127.0.0.1:0").await?;
    let relay_port = relay.local_addr()?.port();
    serving.spawn(take_mail(relay, Arc::clone(&seen)));

    let listen = format!("127.0.0.1:{}", free_port()?);
    let own = (EVERY, failing);
    let city = City { subsystems, every_s, listen, urls, ca: None, relay_port, own: Some(own) };
    let (daemon, _) = Daemon::over(&city, folder).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(every_s) + 20)).await;
    let lap = Lap::of(daemon.id());
    seen.fails.store(true, Ordering::Relaxed);
    tokio::time::sleep(WATCHED).await;
    let spent = lap.spent();
    let mut took_s = Vec::new();
    let (bad, mails) = (std::mem::take(&mut *lock(&seen.bad)), std::mem::take(&mut *lock(&seen.mails)));
    for (name, answers) in &bad {
        let Some(confirmed) = answers.get(FALL - 1) else { continue };
        let told = mails.iter().find(|(subject, _)| subject.contains(&format!("[DOWN] {name} ")));
        ensure!(told.is_some(), "nobody was told of {name}");
        took_s.extend(told.map(|(_, at)| at.saturating_duration_since(*confirmed).as_secs_f64()));
    }
    let expected = subsystems / PER_OWNER * PER_OWNER.div_ceil(EVERY);
    ensure!(took_s.len() == expected, "{} of {expected} outages were confirmed and told", took_s.len());
    took_s.sort_by(f64::total_cmp);
    let of = |share: usize| took_s[(took_s.len() * share / 1_000).min(took_s.len() - 1)] * 1e3;
    say(&format!("<!-- {} mails of all sorts were accepted -->", mails.len()));
    row("confirmed down → accepted by the relay, median", Unit::Of("ms"), of(500), Goal::None, spent);
    row("confirmed down → accepted by the relay, p99", Unit::Of("ms"), of(990), Goal::AtMost(1_000.0), spent);
    row("confirmed down → accepted by the relay, at most", Unit::Of("ms"), of(1_000), Goal::None, spent);
    Ok(())
}

async fn answer(State(seen): State<Arc<Seen>>, Path(name): Path<String>) -> (StatusCode, &'static str) {
    if !seen.fails.load(Ordering::Relaxed) {
        return (StatusCode::OK, "ok");
    }
    lock(&seen.bad).entry(name.replace('_', " ")).or_default().push(Instant::now());
    (StatusCode::BAD_GATEWAY, "no")
}

/// A relay that takes everything, at once.
async fn take_mail(relay: TcpListener, seen: Arc<Seen>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = relay.accept().await {
        sessions.spawn(session(stream, Arc::clone(&seen)));
        while sessions.try_join_next().is_some() {}
    }
}

async fn session(stream: TcpStream, seen: Arc<Seen>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    to.write_all(b"220 relay.test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => to.write_all(b"250-relay.test\r\n250-8BITMIME\r\n250 PIPELINING\r\n").await?,
            "DATA" => {
                to.write_all(b"354 go on\r\n").await?;
                let mut subject = String::new();
                let mut is_subject = false;
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    is_subject = line.starts_with("Subject: ") || (is_subject && line.starts_with(' '));
                    if is_subject {
                        subject.push_str(&line);
                    }
                }
                lock(&seen.mails).push((subject, Instant::now()));
                to.write_all(b"250 taken\r\n").await?;
            }
            "QUIT" => {
                to.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => to.write_all(b"250 yes\r\n").await?,
        }
    }
    Ok(())
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
