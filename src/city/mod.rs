//! The simulated city: servers on loopback that stand for every target of an inventory and act a script, and a mail
//! sink with a page. The demo, the tests and the benches run against it.
//!
//! Not here: the daemon; the city knows it only as a place to send heartbeats to. Invariants: nothing listens outside
//! 127/8; a target lives where `Network::redirected` says; when `stop` has returned, no listener and no task is left.

mod counter;
mod dns;
mod endpoint;
mod grpc;
mod heartbeats;
mod http;
mod mail;
mod mailbox;
mod overlay;
mod page;
mod script;
mod sip;
mod smtp;
mod target;
mod tls;

#[cfg(test)]
mod tests;

pub use heartbeats::Heartbeat;
pub use mail::Mail;
pub use mailbox::{MAILS_MAX, Mailbox};
pub use overlay::Overlay;
pub use script::{Act, Behaviour, OVERRUN_SUBSYSTEM, Script, Stage, WINDOWS};
pub use smtp::{Faults, Hang};
pub use target::{ProbeTarget, Proto, Serves, Target, targets_from};

use crate::clock::Clock;
use crate::domain::{ProbeId, SubsystemId};
use crate::network::Network;
use endpoint::{Common, Endpoint, listener};
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What is left of a certificate that is about to expire, in days.
pub const EXPIRING_DAYS: i64 = 5;
/// Connections of the whole city at a time; more wait in the backlogs.
const CONNECTIONS_MAX: usize = 20_000;

/// Where the city lives.
#[derive(Clone)]
pub struct Options {
    /// Sends names to loopback addresses; the daemon must use the same rules.
    pub network: Arc<Network>,
    /// Names and ports of the mail relays; the sink answers at all of them.
    pub relays: Vec<(String, u16)>,
    /// Where the mailbox page is served.
    pub mailbox: SocketAddr,
}

impl Options {
    /// One relay, `relay.bdc.test:25`, and a mailbox at any free port.
    pub fn new(network: Arc<Network>) -> Self {
        let mailbox = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { network, relays: vec![("relay.bdc.test".into(), 25)], mailbox }
    }
}

/// Why a city cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum CityError {
    /// An address is taken or forbidden.
    #[error(
        "cannot listen on {address} for {what}: {source}; stop the other simulated city (or whoever listens there), \
         or choose another `port_offset` in `network.connect_to`"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// For whom: `ywtb.huangpu.test:443`.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// No rule sends a relay's name to loopback.
    #[error("mail relay {0} is not inside the city; add a rule for it to `network.connect_to`")]
    Relay(String),
    /// A certificate could not be made.
    #[error("cannot make the city's certificates: {0}")]
    Certificate(String),
}

impl CityError {
    fn bind(address: SocketAddr, what: &str, source: std::io::Error) -> Self {
        Self::Bind { address, what: what.to_owned(), source }
    }
}

impl From<rcgen::Error> for CityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<rustls::Error> for CityError {
    fn from(error: rustls::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// A running city.
pub struct City {
    /// The root that signs every leaf; the daemon must trust it.
    pub ca_pem: String,
    /// Where the mail sink listens, one address per relay.
    pub smtp: Vec<SocketAddr>,
    /// Where the mailbox page is.
    pub mailbox: SocketAddr,
    /// The mails that arrived.
    pub mails: Arc<Mailbox>,
    /// Faults of the mail sink, to be switched by hand.
    pub faults: Arc<Faults>,
    /// How everybody behaves, to be switched by hand.
    pub stage: Arc<Stage>,
    /// Addresses that answer for targets.
    pub listening: Vec<SocketAddr>,
    /// Probes whose target no rule sends to loopback; nobody stands for those.
    pub left_out: Vec<ProbeId>,
    tracker: TaskTracker,
    stop: CancellationToken,
    connections: Arc<Semaphore>,
    tasks: Vec<JoinHandle<()>>,
}

impl City {
    /// Binds every address, then serves. Nothing listens when it fails.
    ///
    /// # Errors
    /// An address that is taken, with the remedy; a relay outside the rules; a certificate that cannot be made.
    pub async fn start(
        targets: Vec<Target>,
        script: &Script,
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
        options: Options,
    ) -> Result<Self, CityError> {
        let stage = Arc::new(Stage::new(script, clock.clone()));
        let leaves = leaves(&targets, &options, &stage, &clock)?;
        let mails = Arc::new(Mailbox::default());
        let faults = Arc::new(Faults::default());
        let common = Arc::new(Common {
            stage: stage.clone(),
            network: options.network.clone(),
            tls: TlsAcceptor::from(tls::server_config(leaves.clone(), b"http/1.1")?),
            tls_h2: TlsAcceptor::from(tls::server_config(leaves.clone(), b"h2")?),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            stop: CancellationToken::new(),
        });

        let (relays, sinks) = bind_relays(&options)?;
        let (by_address, left_out) = by_address(targets, &options.network);
        let endpoints = by_address.into_iter().filter(|(address, _)| !relays.contains(address));
        let bound: Vec<_> =
            endpoints.map(|(address, t)| Arc::new(Endpoint::new(address, t)).bind()).collect::<Result<_, _>>()?;
        let page = listener(options.mailbox).map_err(|e| CityError::bind(options.mailbox, "the mailbox page", e))?;
        let mailbox = page.local_addr().map_err(|e| CityError::bind(options.mailbox, "the mailbox page", e))?;

        let listening = bound.iter().map(endpoint::Bound::address).collect();
        let mut tasks: Vec<_> = bound.into_iter().map(|b| tracker.spawn(b.serve(common.clone()))).collect();
        let sink = smtp::Sink { mails: mails.clone(), faults: faults.clone(), clock, common: common.clone() };
        let sink = Arc::new(sink);
        tasks.extend(sinks.into_iter().map(|listener| tracker.spawn(sink.clone().serve(listener))));
        tasks.push(tracker.spawn(mailbox::serve(page, mails.clone(), common.stop.clone())));
        Ok(Self {
            ca_pem: leaves.pem().to_owned(),
            smtp: relays,
            mailbox,
            mails,
            faults,
            stage,
            listening,
            left_out,
            tracker: tracker.clone(),
            stop: common.stop.clone(),
            connections: common.connections.clone(),
            tasks,
        })
    }

    /// Sends heartbeats to the daemon at `base` (`http://127.0.0.1:9424`) until the city stops, for as long as the
    /// subsystem behind each is well.
    pub fn send_heartbeats(&mut self, base: &str, heartbeats: Vec<Heartbeat>) {
        let (stage, stop) = (self.stage.clone(), self.stop.clone());
        self.tasks.push(self.tracker.spawn(heartbeats::send(base.to_owned(), heartbeats, stage, stop)));
    }

    /// Ends every task and closes every listener and connection.
    pub async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        for task in self.tasks {
            // A task that panicked has been reported already, and is gone as well.
            let _ = task.await;
        }
    }
}

fn leaves(
    targets: &[Target],
    options: &Options,
    stage: &Arc<Stage>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<tls::Leaves>, CityError> {
    let mut hosts: HashMap<String, Vec<SubsystemId>> = HashMap::new();
    for target in targets {
        let subsystems = hosts.entry(target.host.clone()).or_default();
        if !subsystems.contains(&target.subsystem) {
            subsystems.push(target.subsystem.clone());
        }
    }
    for (host, _) in &options.relays {
        hosts.entry(host.to_ascii_lowercase()).or_default();
    }
    let authority = tls::Authority::new(clock.now())?;
    Ok(Arc::new(tls::Leaves::new(authority, stage.clone(), clock.clone(), hosts)))
}

fn bind_relays(options: &Options) -> Result<(Vec<SocketAddr>, Vec<tokio::net::TcpListener>), CityError> {
    let mut bound = (Vec::new(), Vec::new());
    for (host, port) in &options.relays {
        let named = format!("{host}:{port}");
        let address = options.network.redirected(host, *port).ok_or_else(|| CityError::Relay(named.clone()))?;
        if !bound.0.contains(&address) {
            bound.1.push(listener(address).map_err(|e| CityError::bind(address, &named, e))?);
            bound.0.push(address);
        }
    }
    Ok(bound)
}

fn by_address(targets: Vec<Target>, network: &Network) -> (BTreeMap<SocketAddr, Vec<Target>>, Vec<ProbeId>) {
    let (mut places, mut left_out): (BTreeMap<_, Vec<_>>, _) = (BTreeMap::new(), Vec::new());
    for target in targets {
        match network.redirected(&target.host, target.port) {
            Some(address) => places.entry(address).or_default().push(target),
            None => left_out.push(target.probe),
        }
    }
    (places, left_out)
}
