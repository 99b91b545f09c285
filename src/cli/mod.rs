//! The command line: parses, loads what a command needs, calls it, and turns its answer into an exit code.
//!
//! Not here: what commands do; each has a file of its own. Exit codes: 0 good, 1 problems found or denied, 2 could not
//! run, 64 malformed usage.

mod answer;
mod audit;
mod backup;
pub mod check;
pub mod client;
mod correct;
mod daemon;
mod demo;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod export;
mod filing;
pub mod gate;
pub mod hours;
pub mod import;
mod incidents;
mod lease;
mod mail;
pub mod on_call;
mod outbox;
pub mod plan;
pub mod probe;
pub mod report;
mod run;
pub mod schema;
mod silence;
pub mod simulate;
mod token;
mod verify;
mod window;
pub mod windows;

use crate::clock::{Clock, SystemClock};
use crate::config::{Loaded, Sources, Style};
use crate::domain::Timestamp;
use crate::notify::link::LinkKey;
use anyhow::{Result, anyhow};
use clap::{Parser, Subcommand, ValueEnum};
use daemon::{Files, block_on, install_tls, read};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Could not run.
const COULD_NOT_RUN: u8 = 2;

/// Malformed usage.
const USAGE: u8 = 64;

/// The main file, unless another is named.
const MAIN_FILE: &str = "gengfu.yaml";

/// Availability monitor and maintenance orchestrator. 更夫：可用性监测与维护编排。
#[derive(Debug, Parser)]
#[command(name = "gengfu", version, about, long_about = None, arg_required_else_help = true)]
struct Cli {
    /// The main configuration file; `probes/` and `schedules/` are relative to it [default: gengfu.yaml]
    #[arg(long, global = true, env = "GENGFU_CONFIG")]
    config: Option<PathBuf>,
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
    /// Run the daemon
    Run(run::RunArgs),
    /// Run the daemon over a simulated city, with a mailbox
    Demo(demo::DemoArgs),
    /// Run the simulated city and its mailbox alone
    City(demo::CityArgs),
    /// Validate the files: all problems at once, each with its place and remedy
    Check(check::CheckArgs),
    /// Print what a reload would change
    Diff(diff::DiffArgs),
    /// Write the JSON Schemas that editors complete and check by
    Schema(schema::SchemaArgs),
    /// Try a probe once, now, and say everything that it saw
    Probe(probe::ProbeArgs),
    /// Say which rules hold for a subsystem at an instant, each with its file and line
    Explain(explain::ExplainArgs),
    /// List planned maintenance windows with the policy's answer
    Windows(windows::WindowsArgs),
    /// Survey service hours: what is declared, what was observed, what dependencies leave of it; findings first
    Hours(hours::HoursArgs),
    /// Take a lease on a gate, use it once, give it back: for pipelines
    Lease(lease::LeaseArgs),
    /// Give a running daemon an order about a window
    Window(window::WindowArgs),
    /// List incidents that are open, or tell one with all that was said about it
    Incidents(incidents::IncidentsArgs),
    /// Say that you have an incident
    Ack(incidents::WordArgs),
    /// Hand an incident over to somebody, who is told at once and must confirm it
    #[command(name = "handover")]
    HandOver(incidents::HandOverArgs),
    /// Say something about an incident that the next one on duty should know
    Note(incidents::WordArgs),
    /// Say who answers at an instant, why, and who comes next
    OnCall(on_call::OnCallArgs),
    /// Hold mails about something back for a while, or mails to somebody
    #[command(subcommand)]
    Silence(silence::SilenceCommand),
    /// What may have to be reported to an authority: how long is left, the draft, and what people did; sends nothing there
    #[command(subcommand)]
    Filing(filing::FilingCommand),
    /// Say how a span that is over counts, in your name and with a reason; what was measured stays beside it
    Correct(correct::CorrectArgs),
    /// Run the engine over the files and a stretch of time to come: what opens, what is denied, who is mailed, what it costs
    Simulate(simulate::SimulateArgs),
    /// Make files of what people have: blackbox_exporter, Gatus, Prometheus, OpenSLO, a table
    Import(import::ImportArgs),
    /// Write promises in the form that others read: OpenSLO
    Export(export::ExportArgs),
    /// Plans of maintenance: their time lines, their runs, and orders about them
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Ask whether a subsystem may be changed now, for this long
    Gate(gate::GateArgs),
    /// Make a token for a person or a machine, and its line for gengfu.yaml
    Token(token::TokenArgs),
    /// Say who did what, when and from where
    Audit(audit::AuditArgs),
    /// How mails look
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// List letters, try one again, or give one up
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Say what was promised and what came of it over a period, from the store
    Report(report::ReportArgs),
    /// Copy the store into a new file, also while the daemon runs
    Backup(backup::BackupArgs),
    /// Put a copy in the place of the store; the daemon must not run
    Restore(backup::RestoreArgs),
    /// Look at files, clock, store, port, relays, witnesses and the receiver outside: what is wrong, and the remedy
    Doctor(doctor::DoctorArgs),
    /// Prove that nothing in the store was changed, dropped or back-filled, or name the place
    Verify(verify::VerifyArgs),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nothing is left to say if the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if wrong { USAGE } else { 0 });
        }
    };
    let code = dispatch(&cli).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        COULD_NOT_RUN
    });
    ExitCode::from(code)
}

fn dispatch(cli: &Cli) -> Result<u8> {
    let main = cli.config.clone().unwrap_or_else(|| MAIN_FILE.into());
    let out = &mut std::io::stdout();
    match &cli.command {
        Command::Run(args) => run::run(&main, args),
        Command::Demo(args) => demo::demo(cli.config.as_deref(), args, out),
        Command::City(args) => demo::city(&main, args, out),
        Command::Check(args) => check::check(now(), check::environment(), &main, args, style(), out),
        Command::Diff(args) => diff::diff_files(now(), check::environment(), &main, args, style(), out),
        Command::Schema(args) => schema::schema(&main, args, out),
        Command::Audit(args) if args.asks_server() => block_on(audit::from_server(args, out)),
        Command::Audit(args) => {
            install_tls();
            let (_, loaded) = files(&main)?;
            block_on(audit::from_store(&loaded.settings.store.path, &loaded.inventory, args, out))
        }
        Command::Token(args) => token::token(args, out),
        Command::Mail(command) => mail::mail(command, out),
        Command::Outbox(command) => block_on(outbox::outbox(&store_of(&main)?, command, out)),
        Command::Report(args) => {
            install_tls();
            let (_, loaded) = files(&main)?;
            let inventory = Arc::new(loaded.inventory);
            block_on(report::report(now(), &loaded.settings.store.path, inventory, args, out))
        }
        Command::Backup(args) => block_on(backup::backup(&store_of(&main)?, args, out)),
        Command::Restore(args) => block_on(backup::restore(&store_of(&main)?, args, out)),
        Command::Doctor(args) => block_on(doctor::doctor(now(), &main, &Files::at(&main).options(), args, out)),
        Command::Verify(args) => {
            let store = args.store.clone().map_or_else(|| store_of(&main), Ok)?;
            let files = args.makes_reports().then(|| files_now(&main)).transpose()?;
            block_on(verify::verify(&store, files, args, out))
        }
        Command::Probe(args) => block_on(try_probe(&main, args, out)),
        Command::Explain(args) => over_files(&main, |now, loaded| explain::explain(now, &loaded.inventory, args, out)),
        Command::Windows(args) => over_files(&main, |now, loaded| windows::windows(now, &loaded.inventory, args, out)),
        Command::Hours(args) => {
            install_tls();
            let (_, loaded) = files(&main)?;
            block_on(hours::hours(now(), &loaded.inventory, &loaded.settings.store.path, args, out))
        }
        Command::Lease(args) => block_on(lease::lease(args, listens(&main, &args.server).as_deref(), out)),
        Command::Window(args) => block_on(window::window(args, listens(&main, &args.server).as_deref(), out)),
        Command::Incidents(args) => block_on(incidents::incidents(args, listens(&main, &args.server).as_deref(), out)),
        Command::Ack(args) => block_on(incidents::word(args, "ack", listens(&main, &args.server).as_deref(), out)),
        Command::HandOver(args) => {
            block_on(incidents::hand_over(args, listens(&main, &args.word.server).as_deref(), out))
        }
        Command::Note(args) => block_on(incidents::word(args, "notes", listens(&main, &args.server).as_deref(), out)),
        Command::Silence(command) => block_on(silence::run(command, listens(&main, command.server()).as_deref(), out)),
        Command::Filing(command) => block_on(filing::run(command, listens(&main, command.server()).as_deref(), out)),
        Command::Correct(args) => block_on(correct::correct(args, listens(&main, &args.server).as_deref(), out)),
        Command::OnCall(args) => over_files(&main, |now, loaded| on_call::on_call(now, &loaded.inventory, args, out)),
        Command::Simulate(args) => {
            let from = |loaded: &Loaded| crate::app::sender(&loaded.settings, &LinkKey::of_examples());
            over_files(&main, |now, loaded| simulate::simulate(now, &loaded.inventory, &from(loaded), args, out))
        }
        Command::Import(args) => import::import(args, out, &mut std::io::stderr()),
        Command::Export(args) => {
            over_files(&main, |_, loaded| export::export(&loaded.inventory, args, out, &mut std::io::stderr()))
        }
        Command::Plan(command) => block_on(run_plan(&main, command, out)),
        Command::Gate(args) if args.asks_server() => block_on(gate::from_server(args, out)),
        Command::Gate(args) => over_files(&main, |now, loaded| gate::from_files(now, &loaded.inventory, args, out)),
    }
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

/// Colour on a terminal only.
fn style() -> Style {
    if std::io::stdout().is_terminal() { Style::Colour } else { Style::Plain }
}

/// Reads the files; the error holds all problems.
fn files(main: &Path) -> Result<(Files, Loaded)> {
    let files = Files::at(main);
    let sources = Sources::read(main)?;
    let mut options = files.options();
    options.judge_from = None;
    let loaded = read(&sources, &options).map_err(|text| anyhow!("the files are not good\n{text}"))?;
    Ok((files, loaded))
}

/// Where the files say that the daemon listens, if none is named.
fn listens(main: &Path, named: &client::ServerArgs) -> Option<String> {
    if named.is_named() {
        return None;
    }
    install_tls();
    files(main).ok().map(|(_, loaded)| format!("http://{}", loaded.settings.listen))
}

/// Where the files say that the store is.
fn store_of(main: &Path) -> Result<PathBuf> {
    install_tls();
    Ok(files(main)?.1.settings.store.path)
}

/// What reports are made with besides the facts.
fn files_now(main: &Path) -> Result<verify::FilesNow> {
    install_tls();
    let (_, loaded) = files(main)?;
    Ok((Arc::new(loaded.inventory), loaded.digest))
}

fn over_files(main: &Path, answer: impl FnOnce(Timestamp, &Loaded) -> Result<u8>) -> Result<u8> {
    install_tls();
    let (_, loaded) = files(main)?;
    answer(now(), &loaded)
}

async fn run_plan(main: &Path, command: &plan::PlanCommand, out: &mut (dyn Write + Send)) -> Result<u8> {
    use plan::PlanCommand::{Abort, Approve, Resume, Simulate, Start, Status};
    use plan::order::Ordering;
    let args: &(dyn Ordering + Sync) = match command {
        Simulate(args) => return simulate_plan(main, args, out).await,
        Status(args) => {
            let otherwise = listens(main, &args.asking().server);
            return plan::order::status(args, otherwise.as_deref(), out).await;
        }
        Start(args) => args,
        Abort(args) => args,
        Resume(args) => args,
        Approve(args) => args,
    };
    let otherwise = listens(main, &args.asking().server);
    plan::order::order(args, otherwise.as_deref(), out).await
}

async fn simulate_plan(main: &Path, args: &plan::simulate::SimulateArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    let (_, loaded) = files(main)?;
    let history = plan::simulate::history(&loaded.settings.store.path, now(), args.plan()).await;
    plan::simulate::simulate(now(), &loaded.inventory, args, &history, out)
}

async fn try_probe(main: &Path, args: &probe::ProbeArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    let (files, loaded) = match files(main) {
        Ok(read) => read,
        Err(error) => return Ok(probe::could_not_run(args.format, &format!("{error:#}"), out)),
    };
    let mut network = Arc::clone(&loaded.network);
    if args.kind.is_some() {
        // Whoever has a shell here may reach what this machine reaches.
        Arc::make_mut(&mut network).allow = crate::network::everything();
    }
    let mut context = crate::probe::BuildContext::new(network, files.heartbeats);
    // Whoever has a shell here may run what is granted to anybody, and still nothing else.
    context.commands = Arc::clone(&loaded.settings.commands);
    context.introduce(&loaded.settings.user_agent);
    context.asker = crate::probe::Asker::Administrator;
    let chosen = match &args.kind {
        Some(_) => probe::described(args, &context),
        None => probe::named(args, &loaded.inventory, &loaded.probers),
    };
    match chosen {
        Ok(chosen) => Ok(probe::run(chosen, args.format, &*files.clock, out).await?),
        Err(why) => Ok(probe::could_not_run(args.format, &why, out)),
    }
}
