//! The real program as a child process: started, asked over HTTP, ended gently or not.

use super::{tail, until};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A debug build beside other tests needs its time.
const START_WITHIN_S: u64 = 60;

/// No request of a test takes longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A daemon that ends with this value.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    base: String,
    client: reqwest::Client,
}

/// How a daemon ended, and what it said until then.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            super::say(&format!("the daemon said at last:\n{}", tail(&self.log)));
        }
    }
}

impl Daemon {
    pub(super) fn spawn(main: &Path, log: PathBuf, before: &[&str]) -> Self {
        let mut words: Vec<&str> = before.to_vec();
        words.push(env!("CARGO_BIN_EXE_gengfu"));
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("--config").arg(main).arg("run");
        command.env_remove("GENGFU_CONFIG").env_remove("GENGFU_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap()).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().unwrap();
        Self { child, log, base: String::new(), client }
    }

    /// Waits until it says where it serves.
    pub(crate) async fn serves(&mut self) {
        self.base = until("the daemon serves", START_WITHIN_S, async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended with {status}:\n{}", tail(&self.log));
            }
            self.address()
        })
        .await;
    }

    /// Where it serves, once it has said so.
    fn address(&self) -> Option<String> {
        let log = self.log();
        let said = log.split("serving http://").nth(1)?;
        Some(format!("http://{}", said.split('/').next()?))
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Status and text of a page.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.answer(self.client.get(format!("{}{path}", self.base))).await
    }

    /// The same as the holder of this house's token.
    pub(crate) async fn get_as_holder(&self, path: &str) -> (u16, String) {
        self.answer(self.client.get(format!("{}{path}", self.base)).bearer_auth(super::TOKEN)).await
    }

    /// Asks for a change, as the holder of this house's token.
    pub(crate) async fn post(&self, path: &str) -> (u16, String) {
        self.answer(self.client.post(format!("{}{path}", self.base)).bearer_auth(super::TOKEN)).await
    }

    /// Asks for a change without a token.
    pub(crate) async fn post_as_nobody(&self, path: &str) -> (u16, String) {
        self.answer(self.client.post(format!("{}{path}", self.base))).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let response = request.send().await;
        let response = response.unwrap_or_else(|e| panic!("{e:?}\n{}", tail(&self.log)));
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The value of one series of `/metrics`, named with its labels.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|l| l.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// `up`, `down`, … as the API says.
    pub(crate) async fn health(&self, subsystem: &str) -> String {
        let answer = self.json(&format!("/api/v1/subsystems/bdc/{subsystem}")).await;
        answer["health"].as_str().unwrap().to_owned()
    }

    /// Waits for the health of a subsystem.
    pub(crate) async fn becomes(&self, subsystem: &str, health: &str) {
        let what = format!("{subsystem} becomes {health}");
        until(&what, 30, async || (self.health(subsystem).await == health).then_some(())).await;
    }

    /// Waits until every subsystem is up.
    pub(crate) async fn all_up(&self) {
        for subsystem in super::SUBSYSTEMS {
            self.becomes(subsystem, "up").await;
        }
    }

    /// `kill -9`: nothing is said, nothing is finished.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn stop(self, within_s: u64) -> Ended {
        let told = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.pid())).status().await;
        assert!(told.is_ok_and(|status| status.success()));
        self.ends(within_s).await
    }

    /// Waits for its end.
    pub(crate) async fn ends(mut self, within_s: u64) -> Ended {
        let status: Option<ExitStatus> =
            timeout(Duration::from_secs(within_s), self.child.wait()).await.ok().map(Result::unwrap);
        let status = status.unwrap_or_else(|| panic!("it has not ended within {within_s} s:\n{}", tail(&self.log)));
        Ended { code: status.code(), log: self.log() }
    }
}
