//! Probe kinds: each owns its fields, defaults, code, documentation and tests in one file, and is known by one row.
//!
//! Not here: when probes run (`scheduler`) and what follows (`domain`). Invariants: an attempt honours its deadline,
//! never retries, never panics, opens a fresh connection, and reports trouble of our own as `Unknown`.

mod attempt;
mod board;
mod dial;
mod dns;
mod document;
mod expect;
mod heartbeat;
mod http;
mod journey;
mod peer;
mod record;
mod tcp;
mod tls;
mod transport;
mod trust;

pub use attempt::*;
pub use board::*;
pub use document::document;
pub use heartbeat::{Beat, Heartbeats};
pub use record::{Phase, Phases, Recorder, TRACE_LINE_MAX, TRACE_LINES_MAX, TraceLine};
pub use transport::Transports;

use crate::domain::Outcome;
use crate::field::{Field, Problems, Record};
use crate::network::Network;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, so that probers can be kept as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to ask "are you open?".
pub trait Prober: Send + Sync {
    /// Makes one attempt and fills in what it saw on the way.
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome>;
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
pub static KINDS: &[ProbeKind] = &[dns::KIND, heartbeat::KIND, http::KIND, journey::KIND, tcp::KIND, tls::KIND];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static ProbeKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

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
}

impl BuildContext {
    /// A context without a common maintenance notice.
    pub fn new(network: Arc<Network>, heartbeats: Arc<Heartbeats>) -> Self {
        let transports = Arc::new(Transports::new(Arc::clone(&network)));
        Self { network, transports, heartbeats, maintenance_text: None }
    }
}

#[cfg(test)]
mod tests;
