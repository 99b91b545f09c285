//! Probe kinds: each owns its fields, defaults, code, documentation and tests in one file, and is known by one row.
//!
//! Not here: when probes run (`scheduler`) and what follows (`domain`). Invariants: an attempt honours its deadline,
//! never retries, never panics, opens a fresh connection, and reports trouble of our own as `Unknown`.

mod attempt;
mod board;

pub use attempt::*;
pub use board::*;

use crate::domain::Outcome;
use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that probers can be kept as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to ask "are you open?".
pub trait Prober: Send + Sync {
    /// Makes one attempt and fills in what it saw on the way.
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome>;
}
