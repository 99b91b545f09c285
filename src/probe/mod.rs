//! Probe kinds: each owns its fields, defaults, code, documentation and tests in one file, and is known by one row.
//!
//! Not here: when probes run (`scheduler`) and what follows (`domain`). Invariants: an attempt honours its deadline,
//! never retries, never panics, opens a fresh connection, and reports trouble of our own as `Unknown`.

mod attempt;
mod board;
mod call;
mod command;
mod datagram;
mod dial;
mod dns;
mod document;
mod expect;
mod facts;
#[doc(hidden)]
pub mod fuzz;
mod grpc;
mod heartbeat;
mod http;
mod icmp;
mod journey;
mod lines;
mod peer;
mod reasons;
mod record;
mod redis;
mod sip;
mod smtp;
mod sql;
mod ssh;
mod starttls;
mod tcp;
mod tls;
mod transport;
mod trust;
mod vantage;
mod websocket;

pub use attempt::*;
pub use board::*;
pub use call::{Call, CallError};
pub use command::grants::{Asker, CommandGrant, Commands, Grantees};
pub use command::tool::{Tool, ToolError};
pub use document::document;
pub use facts::{DnsFacts, Facts, HttpFacts, TlsFacts};
pub use heartbeat::{Beat, Heartbeats, MEMBER_ID_MAX, Taken};
pub use record::{FleetShare, Phase, Phases, Recorder, TRACE_LINE_MAX, TRACE_LINES_MAX, TraceLine};
pub use transport::Transports;
pub use vantage::{GOOD_FOR, Vantage, WITNESS_WITHIN, WITNESSES_MAX, WITNESSES_MIN, Witness};

use crate::domain::Outcome;
use crate::field::{Field, Problem, Problems, Record};
use crate::network::Network;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// A boxed future, so that probers can be kept as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to ask "are you open?".
pub trait Prober: Send + Sync {
    /// Makes one attempt and fills in what it saw on the way.
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome>;

    /// The host that it asks first, a name or an address without brackets, as far as it asks one: what is gentle with
    /// hosts goes by it.
    fn host(&self) -> Option<&str> {
        None
    }
}

/// Makes a prober of a complete record.
pub type Build = fn(&Record, &BuildContext) -> Result<Arc<dyn Prober>, Problems>;

/// One kind of probe: the only place that knows it.
#[derive(Debug)]
pub struct ProbeKind {
    /// The key in the files and the `kind` label.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// A body in YAML that builds.
    pub example: &'static str,
    /// What may stand in its body.
    pub fields: &'static [Field],
    /// The field that says whom to ask, where one word is enough for that.
    pub target: Option<&'static str>,
    /// Makes a prober of a complete record.
    pub build: Build,
}

/// Every kind, alphabetically. A new one is a file, a `mod` line and a row here.
pub static KINDS: &[ProbeKind] = &[
    command::KIND,
    dns::KIND,
    grpc::KIND,
    heartbeat::KIND,
    http::KIND,
    icmp::KIND,
    journey::KIND,
    redis::KIND,
    sip::KIND,
    smtp::KIND,
    sql::KIND,
    ssh::KIND,
    tcp::KIND,
    tls::KIND,
    websocket::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static ProbeKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Who we say we are, unless somebody says it better.
pub const USER_AGENT: &str = concat!("gengfu/", env!("CARGO_PKG_VERSION"));

/// What probers share; one per load of the files.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// Names and trust.
    pub network: Arc<Network>,
    /// HTTP clients over that network.
    pub transports: Arc<Transports>,
    /// Where jobs call; the same one over all reloads.
    pub heartbeats: Arc<Heartbeats>,
    /// The maintenance notice of `http` probes that name none.
    pub maintenance_text: Option<String>,
    /// Whom a target may send a prober on to; anybody without it.
    pub reach: Option<Arc<dyn Reach>>,
    /// Programs that may run.
    pub commands: Arc<Commands>,
    /// Whose words are built; that decides which of the programs may run.
    pub asker: Asker,
    remarks: Arc<Mutex<Problems>>,
}

/// Whom a prober may turn to when its target sends it elsewhere: by a redirect, say.
pub trait Reach: Send + Sync + std::fmt::Debug {
    /// Whether `host` may be asked on `port`.
    fn allows(&self, host: &str, port: u16) -> bool;
}

impl BuildContext {
    /// A context without a common maintenance notice, in which nobody may run a program.
    pub fn new(network: Arc<Network>, heartbeats: Arc<Heartbeats>) -> Self {
        let transports = Arc::new(Transports::new(Arc::clone(&network), USER_AGENT));
        Self {
            network,
            transports,
            heartbeats,
            maintenance_text: None,
            reach: None,
            commands: Arc::default(),
            asker: Asker::Nobody,
            remarks: Arc::default(),
        }
    }

    /// Lets `http` probes that are built from now on say that they are `user_agent`.
    pub fn introduce(&mut self, user_agent: &str) {
        self.transports = Arc::new(Transports::new(Arc::clone(&self.network), user_agent));
    }

    /// Says something about a record that is no reason to refuse it.
    pub fn remark(&self, problem: Problem) {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    /// What was remarked since the last call.
    pub fn take_remarks(&self) -> Problems {
        std::mem::take(&mut self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod aim;
#[cfg(test)]
mod every_kind;
#[cfg(test)]
mod every_reason;
#[cfg(test)]
mod tests;
