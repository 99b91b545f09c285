//! Whoever asks, in a process of its own: four probes in flight on one thread, until the time is up.
//!
//! The child says on one line how many probes passed and what it spent; warming up is not counted.

use crate::cpu::{Lap, Spent};
use crate::files::{City, loaded};
use crate::process::{MEASURED, OTHERS, on_core};
use anyhow::{Context, Result, bail, ensure};
use gengfu::clock::SystemClock;
use gengfu::domain::{Outcome, Timestamp};
use gengfu::network::Network;
use gengfu::probe::{BuildContext, Heartbeats, Prober, attempt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Probes in flight.
const IN_FLIGHT: usize = 4;

/// How long each asks.
const ASKS_FOR: Duration = Duration::from_secs(4);

/// How long before that it warms up.
const WARMS_FOR: Duration = Duration::from_millis(500);

/// What somebody did, and what it cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) probes: u64,
    pub(crate) spent: Spent,
}

impl Asked {
    /// Probes that passed, per CPU second.
    pub(crate) fn per_cpu_s(&self) -> f64 {
        self.probes as f64 / self.spent.cpu_s
    }
}

/// Runs a child on the core of whoever is measured.
pub(crate) fn ask(who: &str, urls: &[String], ca: &Path) -> Result<Asked> {
    run(MEASURED, who, urls, ca, std::process::id())
}

/// Runs the driver of another program; what `measured` spends is counted.
pub(crate) fn drive(urls: &[String], ca: &Path, measured: u32) -> Result<Asked> {
    run(OTHERS, "drive", urls, ca, measured)
}

fn run(core: usize, who: &str, urls: &[String], ca: &Path, measured: u32) -> Result<Asked> {
    let own = std::env::current_exe()?;
    let mut command = on_core(core, &own.to_string_lossy());
    command.args(["--child", who, &measured.to_string()]).arg(ca).args(urls);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    let line = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let &[probes, failed, wall_s, cpu_s] = &numbers[..] else { bail!("{who} said {line:?}") };
    ensure!(failed == 0.0 && probes > 0.0, "{who}: {failed} of {probes} probes failed");
    Ok(Asked { probes: probes as u64, spent: Spent { wall_s, cpu_s } })
}

/// The child's side.
pub(crate) fn child(arguments: &[String]) -> Result<()> {
    let [who, measured, ca, urls @ ..] = arguments else { bail!("a child wants its part, a process, a root and URLs") };
    let ask = match who.as_str() {
        "gengfu" => Ask::gengfu(urls, ca)?,
        "probe" => Ask::probe(urls)?,
        "reqwest" => Ask::Reqwest(client(ca, 0)?, urls.to_vec()),
        _ => Ask::Drive(client(ca, IN_FLIGHT)?, urls.to_vec()),
    };
    let measured = if matches!(ask, Ask::Drive(..)) { measured.as_str() } else { "self" };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ask = Arc::new(ask);
        saturate(&ask, "self", WARMS_FOR).await;
        let (passed, failed, spent) = saturate(&ask, measured, ASKS_FOR).await;
        crate::table::say(&format!("{passed} {failed} {} {}", spent.wall_s, spent.cpu_s));
    });
    Ok(())
}

/// What is asked, and by whom.
enum Ask {
    Gengfu(Vec<Arc<dyn Prober>>),
    Reqwest(reqwest::Client, Vec<String>),
    Drive(reqwest::Client, Vec<String>),
}

impl Ask {
    fn gengfu(urls: &[String], ca: &str) -> Result<Self> {
        let (listen, ca) = ("127.0.0.1:9424".to_owned(), Some(ca.to_owned()));
        let (subsystems, urls) = (urls.len(), urls.to_vec());
        let city = City { subsystems, every_s: 60, listen, urls, ca, relay_port: 9, own: None, whole: false };
        Ok(Self::Gengfu(loaded(&city)?.probers.into_values().collect()))
    }

    /// Probes of one kind, by their bodies in JSON.
    fn probe(words: &[String]) -> Result<Self> {
        let [kind, bodies @ ..] = words else { bail!("no kind") };
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let kind = gengfu::probe::kind(kind).context("no such kind")?;
        let network = Network {
            connect_to: Vec::new(),
            allow: gengfu::network::everything(),
            roots: Arc::new(rustls::RootCertStore::empty()),
        };
        let context = BuildContext::new(Arc::new(network), Arc::new(Heartbeats::new(Timestamp(0))));
        let probers = bodies.iter().map(|body| {
            let record = gengfu::field::from_json(&serde_json::from_str(body)?, kind.fields);
            let record = record.map_err(|problems| anyhow::anyhow!("{problems}"))?;
            (kind.build)(&record, &context).map_err(|problems| anyhow::anyhow!("{problems}"))
        });
        Ok(Self::Gengfu(probers.collect::<Result<_>>()?))
    }

    /// The `n`th probe; whether it passed.
    async fn once(&self, n: usize, clock: &SystemClock) -> bool {
        match self {
            Self::Gengfu(probers) => {
                let report = attempt(&*probers[n % probers.len()], Duration::from_secs(5), clock).await;
                report.outcome == Outcome::Pass
            }
            Self::Reqwest(client, urls) => body(client, &urls[n % urls.len()]).await.is_ok_and(|b| b == "ok\n"),
            Self::Drive(client, urls) => {
                body(client, &urls[n % urls.len()]).await.is_ok_and(|b| b.contains("\nprobe_success 1\n"))
            }
        }
    }
}

async fn body(client: &reqwest::Client, url: &str) -> reqwest::Result<String> {
    client.get(url).send().await?.error_for_status()?.text().await
}

fn client(ca: &str, idle: usize) -> Result<reqwest::Client> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(&std::fs::read(ca)?)?;
    let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy().pool_max_idle_per_host(idle);
    builder.build().context("cannot set up a client")
}

/// Keeps probes in flight until the time is up. Returns passes, failures and what `measured` spent.
async fn saturate(ask: &Arc<Ask>, measured: &str, lasts: Duration) -> (u64, u64, Spent) {
    let lap = Lap::of(measured);
    let end = tokio::time::Instant::now() + lasts;
    let mut lanes = JoinSet::new();
    for lane in 0..IN_FLIGHT {
        let ask = Arc::clone(ask);
        lanes.spawn(async move {
            let clock = SystemClock::default();
            let (mut passed, mut failed) = (0, 0);
            for n in (lane..).step_by(IN_FLIGHT) {
                if tokio::time::Instant::now() >= end {
                    break;
                }
                let counter = if ask.once(n, &clock).await { &mut passed } else { &mut failed };
                *counter += 1;
            }
            (passed, failed)
        });
    }
    let counts = lanes.join_all().await;
    let (passed, failed) = counts.into_iter().fold((0, 0), |(p, f), (passed, failed)| (p + passed, f + failed));
    (passed, failed, lap.spent())
}
