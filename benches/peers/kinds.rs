//! The other kinds beside `blackbox_exporter`, and what a journey costs beside a single page.
//!
//! Not here: HTTP and HTTPS. nginx and the simulated city answer, on another core. gRPC is in the clear, DNS over UDP.

use crate::asker::{self, Asked};
use crate::blackbox::{self, Blackbox};
use crate::cpu::Spent;
use crate::process::{MEASURED, OTHERS, on_core};
use crate::table::{Goal, Unit, head, row, say};
use crate::target::Target;
use anyhow::{Context, Result};
use gengfu::city::{City, Options, ProbeTarget, Script, targets_from};
use gengfu::clock::SystemClock;
use gengfu::network::{ConnectTo, Network};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The child that answers.
pub(crate) const SERVE: &str = "serve";

/// Rounds; the best one counts, since other work only takes away.
const ROUNDS: usize = 3;

/// Steps of the journey, and how many single pages it may cost.
const STEPS: usize = 5;
const JOURNEY_MAX: f64 = 5.5;

/// Everything that is compared.
pub(crate) fn compare(target: &Target, folder: &Path) -> Result<()> {
    let (names, mut city) = city()?;
    let pages = target.urls("http");
    let ports: Vec<String> =
        pages.iter().map(|url| url.trim_start_matches("http://").trim_matches('/').into()).collect();
    let hosts: Vec<String> = (1..=8).map(|last| format!("127.0.0.{last}")).collect();
    let [dns, grpc] = names;
    let (server, port) = dns.rsplit_once(':').context("the city names no port")?;
    let port: u16 = port.parse()?;
    let of = |targets: &[String], body: &dyn Fn(&String) -> Value| targets.iter().map(body).collect::<Vec<_>>();
    let kinds: [(&str, &[String], Vec<Value>); 4] = [
        ("tcp", &ports, of(&ports, &|address| json!({ "address": address }))),
        ("dns", std::slice::from_ref(&dns), vec![json!({ "server": server, "port": port, "name": "a.bench.test" })]),
        ("icmp", &hosts, of(&hosts, &|host| json!({ "host": host }))),
        ("grpc", std::slice::from_ref(&grpc), vec![json!({ "address": grpc })]),
    ];
    for (kind, targets, bodies) in kinds {
        beside_blackbox(kind, targets, &bodies, folder, target)?;
    }
    journey(target, &pages)?;
    // It is gone with the run; a failure here means that it is gone already.
    let _ = city.kill();
    let _ = city.wait();
    Ok(())
}

fn probe(kind: &str, bodies: &[Value], ca: &Path) -> Result<Asked> {
    let words = std::iter::once(kind.to_owned()).chain(bodies.iter().map(Value::to_string)).collect::<Vec<_>>();
    asker::ask("probe", &words, ca)
}

fn beside_blackbox(kind: &str, targets: &[String], bodies: &[Value], folder: &Path, target: &Target) -> Result<()> {
    head(&format!("`{kind}` probes, saturated"));
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let ours = match probe(kind, bodies, &target.ca()) {
            Ok(ours) => ours,
            Err(why) => {
                say(&format!("not measured: {why}"));
                return Ok(());
            }
        };
        let Some(exporter) = Blackbox::start(folder, on_core(MEASURED, blackbox::PROGRAM))? else {
            say("blackbox_exporter is not installed: no comparison");
            return Ok(());
        };
        match asker::drive(&exporter.urls(kind, targets), &target.ca(), exporter.id()) {
            Ok(theirs) => rounds.push((ours, theirs)),
            Err(why) => {
                say(&format!("blackbox_exporter cannot do it here: {why}"));
                return Ok(());
            }
        }
    }
    let best = |of: fn(&(Asked, Asked)) -> Asked| {
        rounds.iter().map(of).max_by(|a, b| a.per_cpu_s().total_cmp(&b.per_cpu_s())).unwrap_or_default()
    };
    let (ours, theirs) = (best(|round| round.0), best(|round| round.1));
    row("gengfu, probes per CPU second", Unit::Count, ours.per_cpu_s(), Goal::None, ours.spent);
    row("blackbox_exporter", Unit::Count, theirs.per_cpu_s(), Goal::None, theirs.spent);
    let ratio = rounds.iter().map(|(ours, theirs)| ours.per_cpu_s() / theirs.per_cpu_s()).max_by(f64::total_cmp);
    let ratio = ratio.unwrap_or_default();
    row("gengfu / blackbox_exporter, best round", Unit::Times, ratio, Goal::AtLeast(1.0), Spent::default());
    Ok(())
}

fn journey(target: &Target, pages: &[String]) -> Result<()> {
    head(&format!("`journey` of {STEPS} steps beside one page, saturated"));
    let expect = json!({ "status": 200, "body_contains": "ok" });
    let page = |url: &String| json!({ "url": url, "expect": expect, "version": "1.1" });
    let walk = |url: &String| {
        let step = |n| json!({ "name": format!("step-{n}"), "url": url, "expect": expect, "version": "1.1" });
        json!({ "steps": (1..=STEPS).map(step).collect::<Vec<_>>() })
    };
    let singles: Vec<Value> = pages.iter().map(page).collect();
    let walks: Vec<Value> = pages.iter().map(walk).collect();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let (one, five) = (probe("http", &singles, &target.ca())?, probe("journey", &walks, &target.ca())?);
        say(&format!("<!-- {:.0} pages, {:.0} journeys per CPU second -->", one.per_cpu_s(), five.per_cpu_s()));
        ratios.push(one.per_cpu_s() / five.per_cpu_s());
    }
    let ratio = ratios.into_iter().min_by(f64::total_cmp).unwrap_or_default();
    row("journey / http, best round", Unit::Times, ratio, Goal::AtMost(JOURNEY_MAX), Spent::default());
    Ok(())
}

/// The simulated city in a process of its own: where its name server and its gRPC service listen.
fn city() -> Result<([String; 2], Child)> {
    let own = std::env::current_exe()?;
    let mut command = on_core(OTHERS, &own.to_string_lossy());
    let mut child = command.args(["--child", SERVE]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("the city says nothing")?).read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let names = [words.next().context("no name server")?, words.next().context("no gRPC")?];
    Ok((names, child))
}

/// The city's side: until it is killed.
pub(crate) fn serve() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let rule = ConnectTo { host: "*.test".into(), network: [127, 64, 0, 0].into(), prefix: 10, port_offset: 20_000 };
    let network = Arc::new(Network {
        connect_to: vec![rule],
        allow: Vec::new(),
        roots: Arc::new(rustls::RootCertStore::empty()),
    });
    let asked = |kind: &str, at: &str| ProbeTarget {
        probe: format!("bench/{kind}/{kind}").as_str().into(),
        kind: kind.to_owned(),
        at: at.to_owned(),
        says: None,
    };
    let inventory = crate::files::loaded(&crate::files::silent(1))?.inventory;
    let targets = targets_from(&inventory, &[asked("dns", "dns.bench.test"), asked("grpc", "grpc.bench.test:8443")]);
    let at = |host: &str, port| network.redirected(host, port).map_or_else(String::new, |address| address.to_string());
    let line = format!("{} {}", at("dns.bench.test", 53), at("grpc.bench.test", 8443));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut options = Options::new(Arc::clone(&network));
        options.relays = vec![("relay.bench.test".into(), 25)];
        let clock = Arc::new(SystemClock::default());
        let _city = City::start(targets, &Script::default(), clock, &TaskTracker::new(), options).await?;
        say(&line);
        std::future::pending().await
    })
}
