//! The command line: parses, loads what a command needs, calls it, and turns its answer into an exit code.
//!
//! Not here: what commands do; each has a file of its own. Exit codes: 0 good, 1 problems found or denied, 2 could not
//! run, 64 malformed usage.

mod backup;
mod check;
mod demo;
mod diff;
mod explain;
mod gate;
mod outbox;
mod probe;
mod run;
mod schema;
mod windows;

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Could not run.
pub const COULD_NOT_RUN: u8 = 2;

/// Malformed usage.
const USAGE: u8 = 64;

/// Availability monitor and maintenance orchestrator. 更夫：可用性监测与维护编排。
#[derive(Debug, Parser)]
#[command(name = "gengfu", version, about, long_about = None, arg_required_else_help = true)]
pub struct Cli {
    /// The main configuration file; `probes/` and `schedules/` are relative to it.
    #[arg(long, global = true, default_value = "gengfu.yaml", env = "GENGFU_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For scripts.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Run(run::RunArgs),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            // Nothing is left to say if standard error is closed.
            let _ = error.print();
            return ExitCode::from(if usage { USAGE } else { 0 });
        }
    };
    match cli.command {
        Command::Run(args) => run::run(&cli.config, args),
    }
}
