//! `gengfu demo` and `gengfu city`: the simulated city, with the daemon in the same process or beside it.
//!
//! Not here: how the city behaves (`city`). Invariants: nothing leaves loopback; what a demo writes lies in one folder,
//! which is gone afterwards unless it was named.

mod targets;

use super::daemon::{Files, block_on, read, start_log, stop_on_signal};
use crate::app::{self, Launch, Loader};
use crate::city::{City, Options, Overlay, Script};
use crate::clock::{Clock, SystemClock};
use crate::config::{LoadOptions, Loaded, Sources};
use crate::domain::Inventory;
use crate::domain::access::{Scope, Token, TokenHash};
use crate::probe::Heartbeats;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use rust_embed::RustEmbed;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use targets::{heartbeats, targets};
use tokio_util::task::TaskTracker;

/// The shipped files.
#[derive(RustEmbed)]
#[folder = "."]
#[include = "gengfu.yaml"]
#[include = "probes/*/*.yaml"]
#[include = "schedules/*.yaml"]
#[include = "schedules/*/*.yaml"]
#[exclude = "target/*"]
struct Shipped;

/// Where `gengfu.yaml` looks for the city's root certificate.
const CA_FILE: &str = "var/city/ca.pem";

/// Arguments of `gengfu demo`.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Port of the daemon; the mailbox takes the next one.
    #[arg(long, default_value_t = 9424)]
    port: u16,
    /// Folder for the store, kept afterwards; without it nothing is left behind.
    #[arg(long)]
    store: Option<PathBuf>,
}

/// Arguments of `gengfu city`.
#[derive(Args, Debug)]
pub(super) struct CityArgs {
    /// Port of the mailbox.
    #[arg(long, default_value_t = 9425)]
    port: u16,
}

fn embedded(root: &Path) -> Sources {
    let files: Vec<(String, String)> = Shipped::iter()
        .filter_map(|path| {
            let text = String::from_utf8(Shipped::get(&path)?.data.into_owned()).ok()?;
            Some((path.into_owned(), text))
        })
        .collect();
    let mut sources = Sources::from_memory(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    root.clone_into(&mut sources.root);
    sources
}

/// The daemon and the city, until a signal.
pub(super) fn demo(main: Option<&Path>, args: &DemoArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    start_log();
    let folder = Folder::new(args.store.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let files = Files {
        main: main.map(Path::to_owned),
        heartbeats: Arc::new(Heartbeats::new(clock.now())),
        clock: Arc::clone(&clock),
    };
    block_on(async {
        let tasks = TaskTracker::new();
        let stop = stop_on_signal(&tasks)?;
        let sources = demo_sources(&files, &folder)?;
        let first = read(&sources, &files.options()).map_err(|text| anyhow!("the files are not good\n{text}"))?;
        let mailbox = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port.checked_add(1).context("choose a lower port")?));
        let started = clock.now();
        let mut city = start_city(&first, mailbox, &clock, &tasks).await?;
        folder.write(CA_FILE, &city.ca_pem)?;
        let token = super::token::fresh()?;
        let loader = demo_loader(&files, &folder, args.port, started, TokenHash::of(&token));
        let loaded = loader().map_err(|text| anyhow!("the files are not good\n{text}"))?;
        let base = format!("http://127.0.0.1:{}", args.port);
        city.send_heartbeats(&base, heartbeats(&loaded));
        let watched = files.watched(&loaded);
        let launch = Launch { loaded, loader, watched, clock, heartbeats: files.heartbeats };
        let ready = |base: String| {
            // If nobody reads the addresses, the demo runs all the same.
            let _ = writeln!(
                out,
                "gengfu demo\n  city, pages  {base}/\n  metrics      {base}/metrics\n  mailbox      http://{mailbox}/\n  token        {token}\nCtrl-C ends it."
            );
            let _ = out.flush();
        };
        let result = app::run(launch, stop, ready).await;
        city.stop().await;
        result?;
        Ok(0)
    })
}

/// The city alone, for a daemon that runs beside it with the shipped `gengfu.yaml`.
pub(super) fn city(main: &Path, args: &CityArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    start_log();
    let files = Files::at(main);
    block_on(async {
        let tasks = TaskTracker::new();
        let stop = stop_on_signal(&tasks)?;
        let sources = Sources::read(main)?;
        let loaded = read(&sources, &files.options()).map_err(|text| anyhow!("the files are not good\n{text}"))?;
        let mailbox = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let mut city = start_city(&loaded, mailbox, &files.clock, &tasks).await?;
        write_file(&loaded.settings.root.join(CA_FILE), &city.ca_pem)?;
        city.send_heartbeats(&loaded.settings.public_url, heartbeats(&loaded));
        // If nobody reads the addresses, the city stands all the same.
        let _ = writeln!(
            out,
            "gengfu city\n  mailbox      http://{mailbox}/\n  certificate  {CA_FILE} (new at every start: restart a daemon that runs)\nCtrl-C ends it."
        );
        let _ = out.flush();
        stop.cancelled().await;
        city.stop().await;
        Ok(0)
    })
}

async fn start_city(loaded: &Loaded, mailbox: SocketAddr, clock: &Arc<dyn Clock>, tasks: &TaskTracker) -> Result<City> {
    let relays = loaded.settings.mail.relays.iter().map(|r| (r.host.clone(), r.port)).collect();
    let options = Options { network: Arc::clone(&loaded.network), relays, mailbox };
    let city = City::start(targets(loaded), &Script::demo(), Arc::clone(clock), tasks, options).await?;
    for probe in &city.left_out {
        tracing::warn!(%probe, "no `network.connect_to` rule sends its target into the city; it is probed where it is");
    }
    Ok(city)
}

fn demo_sources(files: &Files, folder: &Folder) -> Result<Sources> {
    match &files.main {
        Some(main) => Ok(Sources::read(main)?),
        None => Ok(embedded(folder.path())),
    }
}

/// Reads the files as a demo wants them: shortened, with a place and a store of its own.
fn demo_loader(
    files: &Files,
    folder: &Folder,
    port: u16,
    started: crate::domain::Timestamp,
    hash: TokenHash,
) -> Loader {
    let main = files.main.clone();
    let root = folder.path().to_owned();
    let (clock, heartbeats, env) = (Arc::clone(&files.clock), Arc::clone(&files.heartbeats), files.options().env);
    Arc::new(move || {
        let sources = match &main {
            Some(main) => Sources::read(main).map_err(|e| e.to_string())?,
            None => embedded(&root),
        };
        let mut options = LoadOptions::new(clock.now(), env.clone(), Arc::clone(&heartbeats));
        options.overlay = Some(Arc::new(move |inventory: &mut Inventory| Overlay::default().apply(started, inventory)));
        options.ca.push(root.join(CA_FILE));
        let mut loaded = read(&sources, &options)?;
        loaded.settings.listen = format!("127.0.0.1:{port}");
        loaded.settings.tls = None;
        loaded.settings.public_url = format!("http://127.0.0.1:{port}");
        loaded.settings.store.path = root.join("gengfu.db");
        loaded.steps.store.clone_from(&loaded.settings.store.path);
        loaded.access.add(spectator(hash, &loaded.inventory));
        Ok(loaded)
    })
}

/// Whoever has the token that the demo prints may do everything, for every owner.
fn spectator(hash: TokenHash, inventory: &Inventory) -> Token {
    let approvals = inventory.owners.keys().cloned().map(Scope::Approve);
    let scopes = [Scope::Operate, Scope::Admin].into_iter().chain(approvals).collect();
    Token { holder: "demo".into(), owner: None, scopes, hash, expires: None }
}

/// Where a demo writes.
enum Folder {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Folder {
    fn new(kept: Option<&Path>) -> Result<Self> {
        match kept {
            Some(path) => {
                std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
                Ok(Self::Kept(path.to_owned()))
            }
            None => Ok(Self::Passing(tempfile::tempdir().context("cannot create a folder for the demo's store")?)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(folder) => folder.path(),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        write_file(&self.path().join(name), text)
    }
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}
