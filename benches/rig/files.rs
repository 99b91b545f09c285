//! A city of any size as configuration files: bureaus with a hundred subsystems each, or platform, districts and bureaus
//! with sixty; one HTTP probe per subsystem.
//!
//! Not here: who answers the probes. Invariant: the same size gives the same text.

use gengfu::config::{LoadOptions, Loaded, Sources, Style, load, render};
use gengfu::domain::Timestamp;
use gengfu::probe::Heartbeats;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// What a reload is asked for with.
pub(crate) const TOKEN: &str = "the token of the benchmarks, on loopback";

/// Wednesday, 11 March 2026, 10:00 in Shanghai.
pub(crate) const T0: Timestamp = Timestamp(1_773_194_400_000);

/// Subsystems of one owner.
pub(crate) const PER_OWNER: usize = 100;

/// The same in a whole city.
pub(crate) const PER_OWNER_OF_WHOLE: usize = 60;

/// The second owner of a whole city and those behind it.
const DISTRICTS: [&str; 16] = [
    "huangpu",
    "xuhui",
    "changning",
    "jingan",
    "putuo",
    "hongkou",
    "yangpu",
    "minhang",
    "baoshan",
    "jiading",
    "pudong",
    "jinshan",
    "songjiang",
    "qingpu",
    "fengxian",
    "chongming",
];

/// A site of its own for some.
#[derive(Clone)]
pub(crate) struct Site {
    /// For which numbers of an owner's subsystems.
    pub(crate) wanted: fn(usize) -> bool,
    /// Its address without a path.
    pub(crate) url: String,
}

/// What is to be written.
#[derive(Clone)]
pub(crate) struct City {
    /// How many, one probe each.
    pub(crate) subsystems: usize,
    /// Seconds between attempts.
    pub(crate) every_s: u32,
    /// Where the daemon listens.
    pub(crate) listen: String,
    /// Targets; subsystems take turns.
    pub(crate) urls: Vec<String>,
    /// A file of an extra root.
    pub(crate) ca: Option<String>,
    /// The relay's port on loopback; nobody listens at 9.
    pub(crate) relay_port: u16,
    /// Of each owner the subsystems whose numbers are wanted are asked at a site of their own, by their name.
    pub(crate) own: Option<Site>,
    /// The platform, the districts and bureaus, half of them with maintenance every week; else bureaus alone.
    pub(crate) whole: bool,
}

impl City {
    /// Subsystems of one owner.
    fn per_owner(&self) -> usize {
        if self.whole { PER_OWNER_OF_WHOLE } else { PER_OWNER }
    }

    /// Id and kind of an owner.
    fn who(&self, owner: usize) -> (String, &'static str) {
        match owner {
            0 if self.whole => ("bdc".to_owned(), "platform"),
            1..=16 if self.whole => (DISTRICTS[owner - 1].to_owned(), "district"),
            _ => (format!("b{owner:04}"), "bureau"),
        }
    }

    /// Files by their paths.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::from([
            ("gengfu.yaml".to_owned(), self.main()),
            ("schedules/calendars/china.yaml".into(), include_str!("../../schedules/calendars/china.yaml").into()),
            ("schedules/objectives.yaml".into(), include_str!("../../schedules/objectives.yaml").into()),
            (
                "schedules/policies/off-hours.yaml".into(),
                "policies:\n  - id: off-hours\n    gate: hours\n    applies_to: { tier: [1, 2, 3] }\n    \
                 allow: { nights: \"22:00-06:00+1\", non_working_days: true }\n    longest: { deny: 24h }\n"
                    .into(),
            ),
            ("schedules/on-call.yaml".into(), self.rosters()),
        ]);
        let (owners, each) = (self.subsystems.div_ceil(self.per_owner()), self.per_owner());
        for owner in 0..owners {
            let count = each.min(self.subsystems - owner * each);
            files.insert(format!("probes/bureaus/{}.yaml", self.who(owner).0), self.owner(owner, count));
            if self.whole && owner.is_multiple_of(2) {
                files.insert(format!("schedules/windows/b{owner:04}.yaml"), self.windows(owner));
            }
        }
        files
    }

    /// One hour every week, on a night of the owner's own.
    fn windows(&self, owner: usize) -> String {
        let ((id, _), night, hour) = (self.who(owner), owner / 2 % 7, 22 + owner / 2 % 2);
        format!(
            "windows:\n  - {{ id: {id}-weekly, name: {{ zh: 例行维护, en: Routine maintenance }}, owner: {id}, scope: \
             [{id}/s01], every: {{ cron: \"0 {hour} * * {night}\" }}, lasts: 1h }}\n"
        )
    }

    fn rosters(&self) -> String {
        let mut text =
            "rosters:\n  - { id: duty, contacts: [{ name: 值班, mail: duty@bdc.test, language: zh }] }\n".to_owned();
        for owner in 0..self.subsystems.div_ceil(self.per_owner()) {
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "  - {{ id: b{owner:04}, contacts: [{{ name: Desk {owner}, mail: duty@b{owner:04}.test, language: en }}] }}"
            );
        }
        text
    }

    fn main(&self) -> String {
        let ca = self.ca.as_deref().unwrap_or_default();
        format!(
            "listen: {listen}\npublic_url: http://{listen}\nzone: Asia/Shanghai\nstore: {{ path: var/gengfu.db, retain: \
             400d }}\nnetwork: {{ ca: [{ca}], allow: [127.0.0.0/8] }}\nprobing: {{ concurrency: 2000 }}\nmail:\n  from: {{ name: 更夫, mail: \
             gengfu@bdc.test }}\n  domain: gengfu.bdc.test\n  life: 24h\n  per_hour: 10000\n  relays: [{{ host: 127.0.0.1, port: {relay}, tls: \
             none }}]\non_call: {{ fallback: duty, admins: duty }}\naccess: {{ tokens: [{{ holder: bench, scopes: [admin], \
             sha256: {hash} }}] }}\n",
            hash = gengfu::domain::access::TokenHash::of(TOKEN),
            listen = self.listen,
            relay = self.relay_port,
        )
    }

    fn owner(&self, owner: usize, count: usize) -> String {
        let (every_s, (id, kind)) = (self.every_s, self.who(owner));
        let mut text = format!(
            "owner: {{ id: {id}, kind: {kind}, name: {{ zh: 第 {owner} 局, en: Bureau {owner} }}, on_call: b{owner:04} \
             }}\ndefaults: {{ every: {every_s}s, timeout: 5s, fall: 3, rise: 2 }}\n\nsubsystems:\n"
        );
        for n in 0..count {
            let common = &self.urls[(owner * self.per_owner() + n) % self.urls.len()];
            let url = match &self.own {
                Some(Site { wanted, url }) if wanted(n) => format!("{url}/System_{n}_of_{owner}"),
                _ => common.clone(),
            };
            let tier = 1 + n % 3;
            // Writing into a string cannot fail.
            let _ = write!(
                text,
                "  - id: s{n:02}\n    name: {{ zh: 系统 {n}, en: System {n} of {owner} }}\n    tier: {tier}\n    public: true\n    \
                 hours: 7x24\n    objective: public-7x24\n    probes:\n      - {{ name: home, http: {{ url: \"{url}\", \
                 expect: {{ status: 200, body_contains: ok }} }} }}\n\n"
            );
        }
        text
    }

    /// Writes the files below `root`.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<()> {
        for (path, text) in self.files() {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(root))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    }
}

/// A city of `subsystems` that nobody asks.
pub(crate) fn silent(subsystems: usize) -> City {
    City {
        subsystems,
        every_s: 60,
        listen: "127.0.0.1:9424".into(),
        urls: vec!["https://portal.huangpu.test/".into()],
        ca: None,
        relay_port: 9,
        own: None,
        whole: false,
    }
}

/// Loads sources as the daemon does.
pub(crate) fn take(sources: &Sources) -> anyhow::Result<Loaded> {
    // A process that has a provider already keeps it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = LoadOptions::new(T0, HashMap::new(), Arc::new(Heartbeats::new(T0)));
    load(sources, &options).map_err(|problems| anyhow::anyhow!("{}", render(&problems, sources, Style::Plain)))
}

/// Loads a city from memory.
pub(crate) fn loaded(city: &City) -> anyhow::Result<Loaded> {
    let files = city.files();
    take(&Sources::from_memory(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}
