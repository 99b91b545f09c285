//! From files to an [`Inventory`], probers and settings: all of it, or all problems.
//!
//! Not here: what the words mean (`domain`), what kinds do (`probe`), who reloads when (`app`). Invariants: raw YAML
//! never leaves this module; a load is all or nothing; every problem is reported at once, at its place; the environment
//! and the clock are arguments. Reading order: `sources` → `parse` → `expand` → `tables` → `lower` → `judge`.

mod access;
mod diff;
mod expand;
mod judge;
mod lower;
pub mod modules;
pub(crate) mod parse;
mod plans;
mod render;
mod schemas;
mod settings;
mod sources;
mod tables;
mod tls;

pub use diff::{Change, ChangeKind, diff};
pub use plans::PlanSettings;
pub use render::{Style, render, render_json};
pub use schemas::{SchemaFile, reference, schemas};
pub use settings::{DeadManSettings, MailSettings, NetworkSettings, RelaySettings, RelayTls, Settings, StoreSettings};
pub use sources::{NoMainFile, Role, SourceFile, Sources};
pub use tables::{DOCUMENTS, Document};
pub use tls::TlsSettings;

use crate::domain::access::Keyring;
use crate::domain::{Inventory, ProbeId, Timestamp};
use crate::field::{Problems, Record};
use crate::network::Network;
use crate::notify::channel::Channel;
use crate::probe::{Heartbeats, Prober, Witness};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Whether the roots that the system trusts are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemRoots {
    /// For whoever makes attempts.
    #[default]
    Load,
    /// For whoever only looks at the files.
    Skip,
}

/// What a roster that has nobody at some time to come is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holes {
    /// An error: whoever changes files mends it now.
    #[default]
    Refused,
    /// A warning: nobody is left without a watch because of a day next year.
    Borne,
}

/// Alters an inventory.
pub type Overlay = Arc<dyn Fn(&mut Inventory) + Send + Sync>;

/// What a load depends on besides the files.
#[derive(Clone)]
pub struct LoadOptions {
    /// The environment, for `${NAME}`.
    pub env: HashMap<String, String>,
    /// Where heartbeats are heard; the same one over all reloads.
    pub heartbeats: Arc<Heartbeats>,
    /// Whether the system's roots are loaded.
    pub system_roots: SystemRoots,
    /// From when on planned windows are judged, 400 days ahead; `None` leaves that out.
    pub judge_from: Option<Timestamp>,
    /// Whether a hole in a roster stops the load.
    pub holes: Holes,
    /// Files of extra roots besides those of `network.ca`.
    pub ca: Vec<std::path::PathBuf>,
    /// Alters the inventory after everything was checked; for the demo.
    pub overlay: Option<Overlay>,
}

impl LoadOptions {
    /// Everything that a daemon needs, judged from `now` on.
    pub fn new(now: Timestamp, env: HashMap<String, String>, heartbeats: Arc<Heartbeats>) -> Self {
        Self {
            env,
            heartbeats,
            system_roots: SystemRoots::Load,
            judge_from: Some(now),
            holes: Holes::default(),
            ca: Vec::new(),
            overlay: None,
        }
    }
}

/// A set of files, taken over.
pub struct Loaded {
    /// The shape of the world.
    pub inventory: Inventory,
    /// What each probe does.
    pub probers: HashMap<ProbeId, Arc<dyn Prober>>,
    /// The decoded body of each probe's kind, for the simulated city and for `probe`.
    pub bodies: HashMap<ProbeId, Record>,
    /// `gengfu.yaml`.
    pub settings: Settings,
    /// Names and trust, as the probers have them.
    pub network: Arc<Network>,
    /// Who is asked whether we see.
    pub witnesses: Vec<Witness>,
    /// What steps of plans are carried out with.
    pub steps: crate::step::StepContext,
    /// Ways out of the house besides mail.
    pub channels: BTreeMap<String, Arc<Channel>>,
    /// What `/probe` offers.
    pub desk: modules::Desk,
    /// Who may ask for changes.
    pub access: Keyring,
    /// SHA-256 over all files, hexadecimal.
    pub digest: String,
    /// What is worth a look.
    pub warnings: Problems,
}

impl Loaded {
    /// The tokens that jobs beat under.
    pub fn heartbeat_tokens(&self) -> std::collections::HashSet<String> {
        let heard = |id: &ProbeId| self.inventory.probes.get(id).is_some_and(|plan| plan.kind == "heartbeat");
        let bodies = self.bodies.iter().filter(|(id, _)| heard(id));
        bodies.map(|(_, body)| body.text("token").to_owned()).collect()
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (subsystems, probes) = (self.inventory.subsystems.len(), self.probers.len());
        write!(f, "Loaded({subsystems} subsystems, {probes} probes, digest {})", self.digest)
    }
}

/// Reads, checks and lowers a set of files.
///
/// # Errors
/// All problems, warnings among them, by file, line and column.
pub fn load(sources: &Sources, options: &LoadOptions) -> Result<Loaded, Problems> {
    lower::lower(sources, options)
}

#[cfg(test)]
pub(crate) mod tests;
