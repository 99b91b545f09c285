//! Debian's Chromium without a window, asked over its debugging protocol when a page can be used.
//!
//! Not here: what a page looks like (the browser tests). Invariant: the browser ends with the run, and its profile is
//! thrown away.

use super::process::{OTHERS, Process, on_core};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// How long the browser may take for anything.
const WITHIN: Duration = Duration::from_secs(30);

/// Notes when the document was read and the page had nothing to do for the first time, both since the navigation began.
const WATCH: &str = "addEventListener('DOMContentLoaded', () => { const read = performance.now(); \
                     requestIdleCallback(() => { window.__usable = [read, performance.now()]; }); });";

/// A browser with one page.
pub(crate) struct Chromium {
    _process: Process,
    page: WebSocketStream<TcpStream>,
    asked: u64,
}

/// When a page was there, in milliseconds since the navigation began.
pub(crate) struct Usable {
    /// The document was read and its scripts had run.
    pub(crate) read_ms: f64,
    /// The page had nothing to do for the first time after that.
    pub(crate) idle_ms: f64,
}

impl Chromium {
    /// Starts one; `None` where there is none.
    pub(crate) async fn start(folder: &Path) -> Result<Option<Self>> {
        let profile = folder.join("chromium");
        let mut command = on_core(OTHERS, "chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let Ok(process) = Process::spawn(&mut command) else { return Ok(None) };
        let page = tokio::time::timeout(WITHIN, connect(&profile)).await.context("chromium does not answer")??;
        Ok(Some(Self { _process: process, page, asked: 0 }))
    }

    /// Whoever looks comes from elsewhere and has nothing in a cache.
    pub(crate) async fn be_a_stranger(&mut self) -> Result<()> {
        self.ask("Page.enable", json!({})).await?;
        self.ask("Network.enable", json!({})).await?;
        self.ask("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await?;
        self.ask("Network.setExtraHTTPHeaders", json!({ "headers": { "Via": "1.1 portal.test" } })).await?;
        self.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await?;
        Ok(())
    }

    /// Goes to a page.
    pub(crate) async fn open(&mut self, url: &str) -> Result<Usable> {
        let gone = self.ask("Page.navigate", json!({ "url": url })).await?;
        ensure!(gone.get("errorText").is_none(), "chromium cannot open {url}: {gone}");
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let expression = json!({ "expression": "window.__usable", "returnByValue": true });
            let answer = self.ask("Runtime.evaluate", expression).await?;
            let [read, idle] = [0, 1].map(|n| answer["result"]["value"][n].as_f64());
            if let (Some(read_ms), Some(idle_ms)) = (read, idle) {
                return Ok(Usable { read_ms, idle_ms });
            }
        }
        bail!("{url} was not usable in ten seconds")
    }

    async fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.asked += 1;
        let (id, page) = (self.asked, &mut self.page);
        page.send(Message::text(json!({ "id": id, "method": method, "params": params }).to_string())).await?;
        let answered = async {
            while let Some(message) = page.next().await {
                let Message::Text(text) = message? else { continue };
                let mut answer: Value = serde_json::from_str(&text)?;
                if answer["id"] == id {
                    ensure!(answer.get("error").is_none(), "chromium refuses {method}: {answer}");
                    return Ok(answer["result"].take());
                }
            }
            bail!("chromium is gone")
        };
        tokio::time::timeout(WITHIN, answered).await.with_context(|| format!("chromium does not answer {method}"))?
    }
}

/// Its first page, once the browser has said at which port it listens.
async fn connect(profile: &Path) -> Result<WebSocketStream<TcpStream>> {
    let said = profile.join("DevToolsActivePort");
    let port = loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let text = std::fs::read_to_string(&said).unwrap_or_default();
        if let Some(port) = text.lines().next().and_then(|line| line.parse::<u16>().ok()) {
            break port;
        }
    };
    let client = reqwest::Client::builder().no_proxy().build()?;
    let pages: Value = client.get(format!("http://127.0.0.1:{port}/json/list")).send().await?.json().await?;
    let page = pages.as_array().into_iter().flatten().find(|page| page["type"] == "page");
    let url = page.and_then(|page| page["webSocketDebuggerUrl"].as_str()).context("chromium has no page")?;
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    Ok(tokio_tungstenite::client_async(url, stream).await?.0)
}
