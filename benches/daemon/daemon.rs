//! A daemon in a process of its own, over generated files.

use crate::cpu::{Lap, Spent};
use crate::files::{City, PER_OWNER, TOKEN};
use crate::process::{Process, free_port};
use crate::scrape::Scrape;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(120);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A running daemon.
pub(crate) struct Daemon {
    process: Process,
    folder: PathBuf,
    site: String,
    client: reqwest::Client,
}

impl Daemon {
    /// Starts the daemon over a city whose mail goes nowhere.
    pub(crate) async fn start(n: usize, every_s: u32, urls: Vec<String>, folder: &Path) -> Result<(Self, Spent)> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let city = City { subsystems: n, every_s, listen, urls, ca: None, relay_port: 9, own: None, whole: false };
        Self::over(&city, folder).await
    }

    /// Writes the files and starts the daemon; ends when it serves.
    pub(crate) async fn over(city: &City, folder: &Path) -> Result<(Self, Spent)> {
        let listen = city.listen.clone();
        city.write(folder)?;
        // A process that has a provider already keeps it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_gengfu"));
        command.current_dir(folder).args(["--config", "gengfu.yaml", "run"]).env("GENGFU_LOG", "error");
        let process = Process::spawn(&mut command).context("the daemon cannot be started")?;
        let daemon = Self { process, folder: folder.to_owned(), site: format!("http://{listen}"), client };
        let lap = Lap::of(daemon.id());
        while daemon.client.get(format!("{}/-/healthy", daemon.site)).send().await.is_err() {
            if lap.elapsed() > START_MAX {
                bail!("the daemon does not serve after {START_MAX:?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let spent = lap.spent();
        Ok((daemon, spent))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it says of itself.
    pub(crate) async fn scrape(&self) -> Result<Scrape> {
        let answer = self.client.get(format!("{}/metrics", self.site)).send().await?.error_for_status()?;
        Ok(Scrape::parse(&answer.text().await?))
    }

    /// Changes the tier of one subsystem and asks for a reload.
    pub(crate) async fn reload_changed(&self) -> Result<Spent> {
        let file = self.folder.join("probes/bureaus/b0003.yaml");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text.replacen("tier: 1", "tier: 3", 1))?;
        let lap = Lap::of(self.id());
        let answer = self.client.post(format!("{}/-/reload", self.site)).bearer_auth(TOKEN).send().await?;
        let (spent, status) = (lap.spent(), answer.status());
        ensure!(status.is_success(), "the reload was refused: {status} {}", answer.text().await?);
        Ok(spent)
    }

    /// Where it is reached, without a slash at the end.
    pub(crate) fn site(&self) -> &str {
        &self.site
    }

    /// Asks for a page, or anything else that is read.
    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}/{path}", self.site))
    }

    /// Asks the gate, as a holder, about one of the subsystems; `when` is the rest of the question.
    pub(crate) fn gate(&self, subsystem: usize, when: &str) -> reqwest::RequestBuilder {
        let (owner, n) = (subsystem / PER_OWNER, subsystem % PER_OWNER);
        let url = format!("{}/api/v1/gate?subsystem=b{owner:04}/s{n:02}&{when}", self.site);
        self.client.get(url).bearer_auth(TOKEN)
    }

    /// Resident memory.
    pub(crate) fn rss_bytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() * 1024.0
    }
}
