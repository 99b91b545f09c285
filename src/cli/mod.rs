//! The command line: parses, loads what a command needs, calls it, and turns its answer into an exit code.
//!
//! Not here: what commands do; each has a file of its own. Exit codes: 0 good, 1 problems found or denied, 2 could not
//! run, 64 malformed usage.

mod answer;
pub mod check;
pub mod diff;
pub mod explain;
pub mod gate;
pub mod schema;
pub mod windows;

use clap::ValueEnum;

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For scripts.
    Json,
}
