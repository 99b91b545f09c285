//! Many look at the overview of a city of 5 000 subsystems while the daemon probes it: how long an answer takes, what is
//! on the wire, when a browser can use it, and what 500 viewers cost who leave it open.
//!
//! Everybody here is a guest from elsewhere, behind a proxy. A viewer does what `live.js` does: it listens for events, and
//! asks for the page again at most every [`PAUSE`], plus its share of [`SPREAD`]. One subsystem of each owner is down for
//! two minutes of four, each at a time of its own, so that there are incidents and changes. Not here: other pages.

use crate::chromium::Chromium;
use crate::cpu::{Lap, Spent};
use crate::daemon::Daemon;
use crate::files::{City, PER_OWNER_OF_WHOLE, Site};
use crate::pages::quantiles_ms;
use crate::process::free_port;
use crate::table::{Goal, Unit, row, say};
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use reqwest::Client;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{iter, path};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};

const SUBSYSTEMS: usize = 5_000;
const EVERY_S: u32 = 60;

/// How often the page is asked for by one after the other, and the time from one to the next.
const ASKED: usize = 1_000;
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Who leaves the page open, over so many addresses.
const VIEWERS: usize = 500;
const ADDRESSES: u8 = 20;

/// `PAUSE_MS` and `SPREAD_MS` of `live.js`.
const PAUSE: Duration = Duration::from_secs(5);
const SPREAD: Duration = Duration::from_secs(5);

/// How long the daemon is watched, without viewers and with them.
const WATCHED: Duration = Duration::from_secs(60);

/// How often a browser opens the page.
const OPENED: usize = 20;

/// A subsystem that comes and goes does both within this time.
const ROUND_S: u64 = 240;

/// One row for each figure.
pub(crate) async fn rows(urls: Vec<String>, folder: &path::Path) -> Result<()> {
    let site = TcpListener::bind("127.0.0.9:0").await?;
    let url = format!("http://{}", site.local_addr()?);
    let pages = Router::new().route("/{name}", axum::routing::get(come_and_go)).with_state(Instant::now());
    let mut serving = JoinSet::new();
    serving.spawn(async move { _ = axum::serve(site, pages).await });
    let listen = format!("127.0.0.1:{}", free_port()?);
    let own = Some(Site { wanted: |n| n == PER_OWNER_OF_WHOLE / 2, url });
    let city =
        City { subsystems: SUBSYSTEMS, every_s: EVERY_S, listen, urls, ca: None, relay_port: 9, own, whole: true };
    let (daemon, _) = Daemon::over(&city, folder).await?;
    sleep(Duration::from_secs(u64::from(EVERY_S) + 30)).await;
    one_after_the_other(&daemon).await?;
    in_a_browser(&daemon, folder).await?;
    left_open(&daemon).await
}

/// Fails for half of a round, each name beginning at a time of its own.
async fn come_and_go(State(started): State<Instant>, Path(name): Path<String>) -> (StatusCode, &'static str) {
    let owner = name.rsplit('_').next().and_then(|owner| owner.parse::<u64>().ok()).unwrap_or_default();
    match (started.elapsed().as_secs() + owner * 37) % ROUND_S < ROUND_S / 2 {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::BAD_GATEWAY, "no"),
    }
}

/// Guests of one address, who keep their connections.
fn guests(last: u8) -> Result<Client> {
    let headers = iter::once((header::VIA, "1.1 portal.test".parse()?)).collect();
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 1, last));
    Ok(Client::builder().no_proxy().local_address(from).default_headers(headers).build()?)
}

async fn one_after_the_other(daemon: &Daemon) -> Result<()> {
    let (client, encodings) = (guests(100)?, "gzip, deflate, br, zstd");
    let mut sizes = Vec::new();
    for accepted in ["identity", encodings] {
        let answer = client.get(daemon.site()).header(header::ACCEPT_ENCODING, accepted).send().await?;
        let encoding = answer.headers().get(header::CONTENT_ENCODING).cloned();
        sizes.push((answer.error_for_status()?.bytes().await?.len(), encoding));
    }
    let mut beat = interval_at(Instant::now(), ASKED_EVERY);
    let (lap, mut took_s, mut empty_s) = (Lap::of(daemon.id()), Vec::new(), Vec::new());
    for language in ["zh-CN,zh;q=0.9", "en"].into_iter().cycle().take(ASKED) {
        beat.tick().await;
        // What any answer takes here, where others may work on the same cores.
        let asked = Instant::now();
        client.get(format!("{}/-/healthy", daemon.site())).send().await?.error_for_status()?.bytes().await?;
        empty_s.push(asked.elapsed().as_secs_f64());
        let asked = Instant::now();
        let ask = client.get(daemon.site()).header(header::ACCEPT_ENCODING, encodings);
        ask.header(header::ACCEPT_LANGUAGE, language).send().await?.error_for_status()?.bytes().await?;
        took_s.push(asked.elapsed().as_secs_f64());
    }
    let spent = lap.spent();
    let [median, p99, worst] = quantiles_ms(&mut took_s);
    row("the overview, 20 a second, both languages, median", Unit::Of("ms"), median, Goal::None, spent);
    row("the overview, 20 a second, p99", Unit::Of("ms"), p99, Goal::AtMost(50.0), spent);
    row("the overview, 20 a second, at most", Unit::Of("ms"), worst, Goal::None, spent);
    let [_, p99, worst] = quantiles_ms(&mut empty_s);
    row("`/-/healthy` meanwhile, which does nothing, p99", Unit::Of("ms"), p99, Goal::None, spent);
    row("`/-/healthy` meanwhile, at most", Unit::Of("ms"), worst, Goal::None, spent);
    for (bytes, encoding) in sizes {
        let what = format!("body on the wire, {}", encoding.map_or("plain".to_owned(), |e| format!("{e:?}")));
        row(&what, Unit::Of("KiB"), bytes as f64 / 1024.0, Goal::AtMost(300.0), Spent::default());
    }
    Ok(())
}

async fn in_a_browser(daemon: &Daemon, folder: &path::Path) -> Result<()> {
    let Some(mut browser) = Chromium::start(folder).await? else {
        say("chromium is not installed: nobody opens the page");
        return Ok(());
    };
    browser.be_a_stranger().await?;
    let (lap, mut read, mut idle) = (Lap::of(daemon.id()), Vec::new(), Vec::new());
    for _ in 0..OPENED {
        let usable = browser.open(daemon.site()).await?;
        read.push(usable.read_ms / 1e3);
        idle.push(usable.idle_ms / 1e3);
    }
    let spent = lap.spent();
    let ([read, ..], [median, _, worst]) = (quantiles_ms(&mut read), quantiles_ms(&mut idle));
    row("a browser has read the page, nothing cached, median", Unit::Of("ms"), read, Goal::None, spent);
    row("a browser has nothing to do any more, median", Unit::Of("ms"), median, Goal::None, spent);
    row("a browser has nothing to do any more, at most", Unit::Of("ms"), worst, Goal::AtMost(1_000.0), spent);
    Ok(())
}

/// What viewers did.
#[derive(Default)]
struct Seen {
    events: AtomicU64,
    unchanged: AtomicU64,
    bytes: AtomicU64,
    took_s: Mutex<Vec<f64>>,
}

async fn left_open(daemon: &Daemon) -> Result<()> {
    let lap = Lap::of(daemon.id());
    sleep(WATCHED).await;
    let alone = lap.spent();
    let seen = Arc::new(Seen::default());
    let clients: Vec<Client> = (1..=ADDRESSES).map(guests).collect::<Result<_>>()?;
    let mut viewers = JoinSet::new();
    for n in 0..VIEWERS {
        // They did not all come at once.
        sleep(Duration::from_millis(10)).await;
        viewers.spawn(view(clients[n % clients.len()].clone(), daemon.site().to_owned(), n, Arc::clone(&seen)));
    }
    sleep(PAUSE + SPREAD).await;
    let before = [&seen.events, &seen.unchanged, &seen.bytes].map(|count| count.load(Ordering::Relaxed));
    seen.took_s.lock().map(|mut took| took.clear()).unwrap_or_default();
    let lap = Lap::of(daemon.id());
    sleep(WATCHED).await;
    let spent = lap.spent();
    if let Some(ended) = viewers.try_join_next() {
        ended?.context("a viewer was sent away")?;
    }
    let [events, unchanged, bytes] =
        [&seen.events, &seen.unchanged, &seen.bytes].map(|count| count.load(Ordering::Relaxed));
    let mut took_s = seen.took_s.lock().map(|took| took.clone()).unwrap_or_default();
    ensure!(took_s.len() >= VIEWERS, "only {} pages were asked for", took_s.len());
    let of_a_core = |spent: Spent| spent.cpu_s / spent.wall_s * 100.0;
    let per_s = |count: u64| count as f64 / spent.wall_s;
    row("the daemon alone, of a core", Unit::Of("%"), of_a_core(alone), Goal::None, alone);
    row("… with 500 who leave it open", Unit::Of("%"), of_a_core(spent), Goal::None, spent);
    let cost = of_a_core(spent) - of_a_core(alone);
    row("… what they cost", Unit::Of("%"), cost, Goal::AtMost(20.0), spent);
    row("events a second", Unit::Count, per_s(events - before[0]), Goal::None, spent);
    row("pages a second", Unit::Count, per_s(took_s.len() as u64), Goal::None, spent);
    row("… of them not changed", Unit::Count, per_s(unchanged - before[1]), Goal::None, spent);
    row("… bodies on the wire a second", Unit::Of("KiB"), per_s(bytes - before[2]) / 1024.0, Goal::None, spent);
    let [median, p99, worst] = quantiles_ms(&mut took_s);
    row("… answered, median", Unit::Of("ms"), median, Goal::None, spent);
    row("… answered, p99", Unit::Of("ms"), p99, Goal::AtMost(50.0), spent);
    row("… answered, at most", Unit::Of("ms"), worst, Goal::None, spent);
    Ok(())
}

/// One who leaves the page open; comes back only to say why it cannot.
async fn view(client: Client, site: String, n: usize, seen: Arc<Seen>) -> Result<()> {
    let language = if n.is_multiple_of(5) { "en" } else { "zh-CN,zh;q=0.9" };
    let mut known = None;
    let mut events = client.get(format!("{site}/api/v1/events")).send().await?.error_for_status()?;
    let (mut last, mut turn) = (Instant::now(), n as u64);
    loop {
        // The next event, then the pause, then its own share of the spread; what comes meanwhile is one event.
        let piece = events.chunk().await?.context("the events ended")?;
        seen.events.fetch_add(1, Ordering::Relaxed);
        if !piece.starts_with(b"event") {
            continue;
        }
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep_until(last + PAUSE + SPREAD.mul_f64((turn >> 40) as f64 / f64::from(1 << 24))).await;
        while let Ok(more) = timeout(Duration::ZERO, events.chunk()).await {
            more?.context("the events ended")?;
            seen.events.fetch_add(1, Ordering::Relaxed);
        }
        let asked = Instant::now();
        let mut ask = client.get(&site).header(header::ACCEPT_LANGUAGE, language);
        if let Some(known) = known.take() {
            ask = ask.header(header::IF_NONE_MATCH, known);
        }
        let answer = ask.header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd").send().await?.error_for_status()?;
        known = answer.headers().get(header::ETAG).cloned();
        if answer.status() == StatusCode::NOT_MODIFIED {
            seen.unchanged.fetch_add(1, Ordering::Relaxed);
        }
        let body = answer.bytes().await?;
        seen.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        seen.took_s.lock().map(|mut took| took.push(asked.elapsed().as_secs_f64())).unwrap_or_default();
        last = Instant::now();
    }
}
