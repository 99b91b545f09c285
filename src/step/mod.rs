//! Step kinds: each owns its fields, defaults, code and documentation in one file, and is known by one row.
//!
//! Not here: which step is due (`domain::plan`). Invariants: a runner honours its deadline, never repeats anything by
//! itself, and says truly whether nothing was done, all was done, or nobody knows; what it prints is bounded; secrets
//! are in the hands of the runner alone.

mod announce;
mod approve;
mod document;
mod drain;
mod exec;
mod flag;
mod hands;
mod http;
mod notify;
mod orphans;
mod restore;
mod systemd;
mod verify;
mod wait;

#[cfg(test)]
mod tests;

pub use document::document;
pub use flag::drained;
pub(crate) use flag::target as drain_target;
pub use hands::{Hands, STEPS_AT_ONCE_MAX};
pub use systemd::UnitGrant;

use crate::domain::OwnerId;
use crate::domain::plan::{End, Order, Repeat, Seen, Task};
use crate::field::{Field, Node, Problems, Record};
use crate::probe::{Asker, BoxFuture, Commands, Transports};
use std::path::PathBuf;
use std::sync::Arc;

/// Longest note about a step, in characters.
const NOTE_MAX: usize = 300;

/// Carries out one sort of action.
pub trait StepRunner: Send + Sync {
    /// Does it, within the order's time.
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End>;
    /// Looks whether the effect exists; what cannot be told is unclear.
    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End>;
}

/// What becomes of a body.
pub enum Made {
    /// Something that the engine does itself.
    Own(Task),
    /// Something for a runner.
    Runner(Arc<dyn StepRunner>),
}

/// What a kind is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The engine does it itself.
    Own,
    /// A runner does it; it may also undo and look.
    Run,
    /// It takes something out of service.
    Drain,
    /// It puts it back.
    Restore,
}

/// Makes a task or a runner of a complete record.
pub type Build = fn(&Record, &StepContext) -> Result<Made, Problems>;

/// One kind of step: the only place that knows it.
#[derive(Debug)]
pub struct StepKind {
    /// The key in the files.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// A body in YAML that builds.
    pub example: &'static str,
    /// What may stand in its body.
    pub fields: &'static [Field],
    /// What it is for.
    pub part: Part,
    /// Whether it may be tried again, unless the step says otherwise.
    pub repeat: fn(&Record) -> Repeat,
    /// Whether it can look for its own effect.
    pub looks: fn(&Record) -> bool,
    /// Makes a task or a runner of a complete record.
    pub build: Build,
}

/// Every kind, alphabetically. A new one is a file, a `mod` line and a row here.
pub static KINDS: &[StepKind] = &[
    announce::KIND,
    approve::KIND,
    drain::KIND,
    exec::KIND,
    http::KIND,
    notify::KIND,
    restore::KIND,
    systemd::KIND,
    verify::KIND,
    wait::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static StepKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Expands the variables of a body with what is granted to an owner.
pub type Expand = Arc<dyn Fn(&OwnerId, &mut Node) -> Result<(), String> + Send + Sync>;

/// What runners share; one per load of the files.
#[derive(Clone)]
pub struct StepContext {
    /// HTTP over the network that probes use, with its fence.
    pub transports: Arc<Transports>,
    /// Programs that may run.
    pub commands: Arc<Commands>,
    /// Whose words are built.
    pub asker: Asker,
    /// The store, which no other daemon has open: it tells our programs from those of others.
    pub store: PathBuf,
    /// Where flags lie.
    pub flags: PathBuf,
    /// The program that talks to systemd.
    pub systemctl: PathBuf,
    /// Units that may be touched.
    pub units: Arc<Vec<UnitGrant>>,
    /// Expands variables when a step is carried out.
    pub expand: Expand,
}

impl StepContext {
    /// The owner whose words are built.
    fn owner(&self) -> Option<&OwnerId> {
        match &self.asker {
            Asker::Owner(owner) => Some(owner),
            _ => None,
        }
    }
}

fn never(_: &Record) -> Repeat {
    Repeat::Never
}

fn idempotent(_: &Record) -> Repeat {
    Repeat::Idempotent
}

fn keyed(_: &Record) -> Repeat {
    Repeat::Keyed
}

fn blind(_: &Record) -> bool {
    false
}

fn sighted(_: &Record) -> bool {
    true
}

fn done(note: impl Into<String>) -> End {
    End::Done { note: shown(&note.into()) }
}

fn failed(note: impl Into<String>) -> End {
    End::Failed { note: shown(&note.into()) }
}

fn unknown(note: impl Into<String>) -> End {
    End::Unknown { note: shown(&note.into()) }
}

fn saw(seen: Seen, note: impl Into<String>) -> End {
    End::Saw { seen, note: shown(&note.into()) }
}

/// One line without control characters, bounded.
fn shown(text: &str) -> String {
    let line = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(NOTE_MAX).collect()
}
