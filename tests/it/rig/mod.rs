//! A house to run the real program in: files in a temporary folder, a simulated city and a mail sink in this process,
//! the daemon as a child.
//!
//! Not here: what is expected of the daemon. Invariants: nothing leaves loopback; each house has addresses of its own,
//! so that tests run beside each other; whatever was started ends with the house; every wait has a deadline.

mod daemon;
mod facts;
mod files;
mod waiting;

pub(crate) use daemon::Daemon;
pub(crate) use facts::{all_facts, replayed};
pub(crate) use files::{HOLDER, SUBSYSTEMS, TOKEN, inventory};
pub(crate) use waiting::until;

use gengfu::city::{Behaviour, City, Mail, Options, ProbeTarget, Script, targets_from};
use gengfu::clock::{Clock, SystemClock};
use gengfu::domain::{DAY, ProbeId, SubsystemId, Timestamp};
use gengfu::network::{ConnectTo, Network};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

/// Added to every port of the city, so that nobody needs the privileged ones.
const PORT_OFFSET: u16 = 20_000;

/// The domain of every Message-ID.
const MAIL_DOMAIN: &str = "gengfu.bdc.test";

/// Where the mails of this house's incidents go.
pub(crate) const ON_CALL: &str = "oncall@bdc.test";

/// Where the news about the daemon itself goes.
pub(crate) const ADMINS: &str = "admins@bdc.test";

/// A network of sixteen loopback addresses that no other house has.
fn own_network() -> Ipv4Addr {
    static HOUSES: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    let [_, _, high, low] = pid.to_be_bytes();
    let house = u8::try_from(HOUSES.fetch_add(1, Ordering::Relaxed) % 16).unwrap_or(0);
    Ipv4Addr::new(127, 128 + high % 126, low, house * 16)
}

/// One installation with its surroundings.
pub(crate) struct House {
    pub(crate) city: City,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) network: Ipv4Addr,
    dir: TempDir,
    starts: AtomicU32,
}

impl House {
    /// The files, and a city in which everybody is well.
    pub(crate) async fn build() -> Self {
        // The first test of the process installs it; the others find it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let rule = ConnectTo { host: "*.test".into(), network: own_network(), prefix: 28, port_offset: PORT_OFFSET };
        files::write_all(dir.path(), rule.network);
        let own = rule.network;
        let network =
            Network { connect_to: vec![rule], allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
        let inventory = inventory(&dir.path().join("gengfu.yaml"), clock.now());
        let probes: Vec<ProbeTarget> = SUBSYSTEMS.iter().map(|s| target(&id(s))).collect();
        let targets = targets_from(&inventory, &probes);
        let options = Options::new(Arc::new(network));
        let city = City::start(targets, &Script::default(), Arc::clone(&clock), &TaskTracker::new(), options).await;
        Self { city: city.unwrap(), clock, network: own, dir, starts: AtomicU32::new(0) }
    }

    /// Ends the city and gives its addresses back: a process has sixteen networks, and long tests build more houses.
    pub(crate) async fn close(self) {
        self.city.stop().await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file with this house's token, for commands.
    pub(crate) fn token_file(&self) -> PathBuf {
        let file = self.path("token");
        std::fs::write(&file, TOKEN).unwrap();
        file
    }

    pub(crate) fn main_file(&self) -> PathBuf {
        self.path("gengfu.yaml")
    }

    pub(crate) fn store_file(&self) -> PathBuf {
        self.path("var/gengfu.db")
    }

    /// Writes a file as editors do: a new one in the place of the old.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let (new, name) = (self.path("new"), self.path(name));
        std::fs::create_dir_all(name.parent().unwrap()).unwrap();
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, name).unwrap();
    }

    /// A file with one passage changed.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} does not hold {from:?}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// A calendar without holidays for this year and those of the next 400 days, so that policy can decide.
    pub(crate) fn publish_calendars(&self) {
        let year = |ms| jiff::Timestamp::from_millisecond(ms).unwrap().in_tz("Asia/Shanghai").unwrap().year();
        let years = year(self.now().0)..=year(self.now().0 + 400 * DAY);
        let notice = |year| format!("  - {{ year: {year}, status: published, published: {year}-01-01, days: [] }}\n");
        let notices: String = years.map(notice).collect();
        let text = format!("calendar: {{ id: here, layer: state-council }}\nnotices:\n{notices}");
        self.write("schedules/calendars/here.yaml", &text);
    }

    /// The address on which the daemon serves, and which it shares with nobody.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((self.network, files::PORT))
    }

    /// The daemon over this house's files, serving.
    pub(crate) async fn start(&self) -> Daemon {
        let mut daemon = self.spawn(&[]);
        daemon.serves().await;
        daemon
    }

    /// The daemon, not waited for; `before` is put in front of the command line, as in `prlimit --fsize=… gengfu run`.
    pub(crate) fn spawn(&self, before: &[&str]) -> Daemon {
        let log = self.path(&format!("log-{}", self.starts.fetch_add(1, Ordering::Relaxed)));
        Daemon::spawn(&self.main_file(), log, before)
    }

    /// `gengfu check` over the same files: its code and what it printed.
    pub(crate) async fn check(&self) -> (Option<i32>, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gengfu"));
        let said = command.arg("--config").arg(self.main_file()).arg("check").output().await.unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap())
    }

    /// One of the program's commands: its code, and what it printed for its reader and beside it.
    pub(crate) async fn command(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gengfu"));
        command.env_remove("GENGFU_CONFIG").arg("--config").arg(self.main_file()).args(words);
        let said = command.output().await.unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn behaves(&self, subsystem: &str, how: Behaviour) {
        self.city.stage.set(&id(subsystem), how);
    }

    pub(crate) fn all_is_well(&self) {
        SUBSYSTEMS.iter().for_each(|s| self.behaves(s, Behaviour::Healthy));
    }

    /// Mails that hold `words` in their subject.
    pub(crate) fn mails_about(&self, words: &str) -> Vec<Arc<Mail>> {
        self.city.mails.mails().into_iter().filter(|m| m.subject.contains(words)).collect()
    }
}

/// `alpha` as the house's owner calls it.
pub(crate) fn id(subsystem: &str) -> SubsystemId {
    SubsystemId::new(format!("bdc/{subsystem}"))
}

/// The left side of a mail's Message-ID, which is the id of a row of the outbox.
pub(crate) fn message_id(mail: &Mail) -> String {
    let whole = mail.get("Message-ID").unwrap_or_else(|| panic!("a mail without Message-ID: {mail:?}"));
    let bare = whole.strip_prefix('<').and_then(|w| w.strip_suffix(&format!("@{MAIL_DOMAIN}>")));
    bare.unwrap_or_else(|| panic!("Message-ID {whole}")).to_owned()
}

fn target(subsystem: &SubsystemId) -> ProbeTarget {
    let at = files::url(subsystem.as_str().trim_start_matches("bdc/"));
    ProbeTarget { probe: ProbeId::of(subsystem, files::PROBE), kind: "http".into(), at, says: None }
}

/// A line for whoever reads the output of a test.
#[expect(clippy::print_stderr, reason = "figures and seeds are for people")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// The end of a log, for whoever reads a failed test.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
