//! The city as its callers see it: fixtures here, wire behaviour in `doors`, mail in `mails`.

mod doors;
mod mails;

use super::*;
use crate::clock::SystemClock;
use crate::domain::calendar::Calendar;
use crate::domain::civil::Zone;
use crate::domain::hours::Hours;
use crate::domain::policy::{Allowed, GateMode, Limits, NoticeRule, Policy, Selector};
use crate::domain::{AlertTimers, Inventory, Names, ProbePlan, Role, Source, Subsystem, SubsystemId, Tier};
use crate::network::ConnectTo;

pub(super) fn names(text: &str) -> Names {
    Names { zh: text.into(), en: text.into() }
}

fn source() -> Source {
    Source { file: "fixture".into(), line: 1 }
}

fn subsystem(id: &str, tier: Tier) -> Subsystem {
    Subsystem {
        id: id.into(),
        was: None,
        name: names(id),
        tier,
        public: true,
        hours: Hours::parse("7x24").unwrap(),
        objective: "public-7x24".into(),
        runbook: None,
        depends_on: Vec::new(),
        probes: vec![ProbeId::of(&id.into(), "home")],
        source: source(),
    }
}

fn plan(subsystem: &SubsystemId) -> ProbePlan {
    ProbePlan {
        id: ProbeId::of(subsystem, "home"),
        kind: "http",
        every_ms: 60_000,
        timeout_ms: 15_000,
        fall: 3,
        rise: 2,
        confirm_every_ms: 5_000,
        role: Role::Critical,
        knows_notices: true,
        source: source(),
    }
}

/// A district's portal and the subsystem of the declared windows, under one policy.
pub(super) fn inventory(zone: Zone) -> Inventory {
    let subsystems = [subsystem("huangpu/portal", Tier::Two), subsystem(OVERRUN_SUBSYSTEM, Tier::Three)];
    let policy = Policy {
        id: "off-hours".into(),
        applies_to: Selector::default(),
        gate: GateMode::Hours,
        allow: Allowed { always: false, nights: None, non_working_days: true },
        deny: Vec::new(),
        longest_warn_ms: None,
        longest_deny_ms: None,
        notice: NoticeRule::ByLength,
        approvals: 0,
        limits: Limits::default(),
        source: source(),
    };
    Inventory {
        zone,
        owners: BTreeMap::new(),
        probes: subsystems.iter().map(|s| (s.probes[0].clone(), plan(&s.id))).collect(),
        subsystems: subsystems.into_iter().map(|s| (s.id.clone(), s)).collect(),
        calendar: Calendar::default(),
        policies: vec![policy],
        freezes: Vec::new(),
        schedules: BTreeMap::new(),
        composites: Default::default(),
        objectives: BTreeMap::new(),
        rosters: BTreeMap::new(),
        fallback: "duty".into(),
        admins: "duty".into(),
        canary: None,
        filing: None,
        timers: AlertTimers::default(),
        plans: Default::default(),
        dependants: HashMap::new(),
    }
}

/// A city of a few targets under names of this test and process alone, so that none meets another's addresses.
pub(super) struct Rig {
    pub(super) city: City,
    pub(super) network: Arc<Network>,
    suffix: String,
}

pub(super) fn network() -> Arc<Network> {
    let rule =
        ConnectTo { host: "*.test".into(), network: Ipv4Addr::new(127, 64, 0, 0), prefix: 10, port_offset: 20_000 };
    Arc::new(Network { connect_to: vec![rule], allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) })
}

impl Rig {
    /// Probes are `(id, kind, address, says)`; `HOST` in an address becomes a host of this test's own.
    pub(super) async fn start(test: &str, probes: &[(&str, &str, &str, &str)]) -> Self {
        let suffix = format!("{test}-{}.test", std::process::id());
        let (network, targets) = (network(), targets(&suffix, probes));
        let options = options(&network, &suffix);
        let clock = Arc::new(SystemClock::default());
        let city = City::start(targets, &Script::default(), clock, &TaskTracker::new(), options).await.unwrap();
        Self { city, network, suffix }
    }

    pub(super) fn host(&self, name: &str) -> String {
        format!("{name}.{}", self.suffix)
    }

    pub(super) fn address(&self, name: &str, port: u16) -> SocketAddr {
        self.network.redirected(&self.host(name), port).unwrap()
    }

    /// A client that finds the city's names and trusts its authority.
    pub(super) fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.city.ca_pem.as_bytes()).unwrap();
        self.client_that_trusts(vec![root])
    }

    pub(super) fn client_that_trusts(&self, roots: Vec<reqwest::Certificate>) -> reqwest::Client {
        // Another test may have installed it already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder().no_proxy().tls_certs_only(roots).pool_max_idle_per_host(0);
        for name in ["a", "b"] {
            builder = builder.resolve(&self.host(name), self.address(name, 0));
        }
        builder.timeout(std::time::Duration::from_secs(20)).build().unwrap()
    }

    /// `https://a.…:20443` and the path.
    pub(super) fn url(&self, scheme: &str, name: &str, port: u16, path: &str) -> String {
        format!("{scheme}://{}:{}{path}", self.host(name), self.address(name, port).port())
    }
}

fn targets(suffix: &str, probes: &[(&str, &str, &str, &str)]) -> Vec<Target> {
    let probes: Vec<_> = probes
        .iter()
        .map(|(probe, kind, at, says)| ProbeTarget {
            probe: (*probe).into(),
            kind: (*kind).into(),
            at: at.replace("HOST", suffix),
            says: (!says.is_empty()).then(|| (*says).to_owned()),
        })
        .collect();
    targets_from(&inventory(Zone::utc()), &probes)
}

fn options(network: &Arc<Network>, suffix: &str) -> Options {
    Options { relays: vec![(format!("relay.{suffix}"), 25)], ..Options::new(network.clone()) }
}
