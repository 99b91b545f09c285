//! Mail while things fail: from a confirmed outage to the relay's "250" (600 subsystems of 10 000 fail, and each of their
//! owners' people is told), and a storm, in which nobody is told a thousand times and pages answer.
//!
//! The outage counts as confirmed when the third bad answer in a row has left here, the mail as accepted when our "250" for
//! it does; the daemon is asked nothing. Not here: what 600 failures cost that are a storm (these are 6 % of all).

use crate::cpu::Lap;
use crate::daemon::Daemon;
use crate::files::{City, PER_OWNER, Site};
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
use tokio::time::{Instant, interval_at};

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
    mails: Mutex<Vec<Mail>>,
}

/// A mail that was accepted.
struct Mail {
    to: String,
    subject: String,
    at: Instant,
}

/// One row for the median, p99 and the worst.
pub(crate) async fn rows(subsystems: usize, every_s: u32, urls: Vec<String>, folder: &path::Path) -> Result<()> {
    let fails = |n: usize| n.is_multiple_of(EVERY);
    let city = Outage::start(subsystems, every_s, urls, fails, folder).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(every_s) + 20)).await;
    let lap = Lap::of(city.daemon.id());
    city.seen.fails.store(true, Ordering::Relaxed);
    tokio::time::sleep(WATCHED).await;
    let spent = lap.spent();
    let mut took_s = Vec::new();
    let (bad, mails) = (std::mem::take(&mut *lock(&city.seen.bad)), city.mails());
    for (name, answers) in &bad {
        let Some(confirmed) = answers.get(FALL - 1) else { continue };
        let told = mails.iter().find(|mail| mail.subject.contains(&format!("[DOWN] {name} ")));
        ensure!(told.is_some(), "nobody was told of {name}");
        took_s.extend(told.map(|mail| mail.at.saturating_duration_since(*confirmed).as_secs_f64()));
    }
    let expected = subsystems / PER_OWNER * PER_OWNER.div_ceil(EVERY);
    ensure!(took_s.len() == expected, "{} of {expected} outages were confirmed and told", took_s.len());
    let [median, p99, worst] = quantiles_ms(&mut took_s);
    say(&format!("<!-- {} mails of all sorts were accepted -->", mails.len()));
    row("confirmed down → accepted by the relay, median", Unit::Of("ms"), median, Goal::None, spent);
    row("confirmed down → accepted by the relay, p99", Unit::Of("ms"), p99, Goal::AtMost(1_000.0), spent);
    row("confirmed down → accepted by the relay, at most", Unit::Of("ms"), worst, Goal::None, spent);
    Ok(())
}

/// Of 5 000 subsystems of 50 owners 3 000 fail from one moment on, and are well again some minutes later.
pub(crate) async fn storm(urls: Vec<String>, folder: &path::Path) -> Result<()> {
    const EVERY_S: u32 = 60;
    let fails = |n: usize| n < 60;
    let city = Outage::start(5_000, EVERY_S, urls, fails, folder).await?;
    tokio::time::sleep(Duration::from_secs(u64::from(EVERY_S) + 20)).await;
    let lap = Lap::of(city.daemon.id());
    city.seen.fails.store(true, Ordering::Relaxed);
    let mut took_s = city.look_at_pages(Duration::from_secs(150)).await?;
    let open = city.daemon.get("api/v1/incidents?state=open").send().await?.error_for_status()?;
    let open: serde_json::Value = open.json().await?;
    let storms = open.as_array().map(Vec::as_slice).unwrap_or_default();
    let crowded = crowded(&lock(&city.seen.mails));
    let outages = storms.iter().filter(|incident| incident["symptom"] != "sla_at_risk").count();
    city.seen.fails.store(false, Ordering::Relaxed);
    took_s.extend(city.look_at_pages(Duration::from_secs(120)).await?);
    let (spent, mails) = (lap.spent(), city.mails());
    let mut boxes: HashMap<&str, Vec<&Mail>> = HashMap::new();
    mails.iter().for_each(|mail| boxes.entry(&mail.to).or_default().push(mail));
    let most = boxes.values().map(Vec::len).max().unwrap_or_default();
    let [median, p99, worst] = quantiles_ms(&mut took_s);
    row("people who got any mail", Unit::Count, boxes.len() as f64, Goal::AtLeast(50.0), spent);
    row("incidents of the outage that are open after 150 s", Unit::Count, outages as f64, Goal::AtMost(1.0), spent);
    row("people who got two mails within 60 s while it lasted", Unit::Count, crowded as f64, Goal::AtMost(0.0), spent);
    row("most mails that anybody got, the end included", Unit::Count, most as f64, Goal::None, spent);
    row("pages meanwhile, median", Unit::Of("ms"), median, Goal::None, spent);
    row("pages meanwhile, p99", Unit::Of("ms"), p99, Goal::AtMost(250.0), spent);
    row("pages meanwhile, at most", Unit::Of("ms"), worst, Goal::None, spent);
    for mail in boxes.values().next().into_iter().flatten() {
        say(&format!("<!-- {} -->", mail.subject));
    }
    Ok(())
}

/// How many people got two mails within a minute.
fn crowded(mails: &[Mail]) -> usize {
    let mut last: HashMap<&str, Instant> = HashMap::new();
    let mut crowded = std::collections::HashSet::new();
    for mail in mails {
        let before = last.insert(&mail.to, mail.at);
        if before.is_some_and(|at| mail.at.saturating_duration_since(at) < Duration::from_secs(60)) {
            crowded.insert(&mail.to);
        }
    }
    crowded.len()
}

/// The median, p99 and the worst.
pub(crate) fn quantiles_ms(took_s: &mut [f64]) -> [f64; 3] {
    took_s.sort_by(f64::total_cmp);
    [500, 990, 1_000].map(|share| took_s[(took_s.len() * share / 1_000).min(took_s.len() - 1)] * 1e3)
}

/// A daemon, a site of those who will fail, and a relay.
struct Outage {
    daemon: Daemon,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

impl Outage {
    async fn start(
        subsystems: usize,
        every_s: u32,
        urls: Vec<String>,
        fails: fn(usize) -> bool,
        folder: &path::Path,
    ) -> Result<Self> {
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
        let own = Some(Site { wanted: fails, url: failing });
        let city = City { subsystems, every_s, listen, urls, ca: None, relay_port, own, whole: false };
        let (daemon, _) = Daemon::over(&city, folder).await?;
        Ok(Self { daemon, seen, _serving: serving })
    }

    fn mails(&self) -> Vec<Mail> {
        std::mem::take(&mut *lock(&self.seen.mails))
    }

    /// Asks for pages of people, four a second, for a while. Returns how long answers took.
    async fn look_at_pages(&self, lasts: Duration) -> Result<Vec<f64>> {
        let mut beat = interval_at(Instant::now(), Duration::from_millis(250));
        let (started, mut took_s) = (Instant::now(), Vec::new());
        for path in ["", "incidents", "incidents/INC-0001", "subsystems/b0003/s00"].iter().cycle() {
            beat.tick().await;
            if started.elapsed() >= lasts {
                break;
            }
            let asked = Instant::now();
            self.daemon.get(path).send().await?.bytes().await?;
            took_s.push(asked.elapsed().as_secs_f64());
        }
        Ok(took_s)
    }
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

/// One session, until the daemon leaves.
async fn session(stream: TcpStream, seen: Arc<Seen>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    let mut recipient = String::new();
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
                lock(&seen.mails).push(Mail { to: recipient.clone(), subject, at: Instant::now() });
                to.write_all(b"250 taken\r\n").await?;
            }
            "RCPT" => {
                recipient = line.to_ascii_lowercase();
                to.write_all(b"250 yes\r\n").await?;
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
