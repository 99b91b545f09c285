//! `gengfu outbox`: what waits to leave, what was given up, and what to do about it.
//!
//! Listing works beside a running daemon. Trying again and giving up write, so the daemon must not run: one writer.

use super::Format;
use super::answer::length;
use crate::clock::{Clock, SystemClock};
use crate::domain::Millis;
use crate::store::{Letter, LetterState, Store};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use std::io::Write;
use std::path::Path;

/// What to do with the outbox.
#[derive(Debug, Subcommand)]
pub(super) enum OutboxCommand {
    /// List letters, newest first
    List(ListArgs),
    /// Try a letter again that was given up
    Retry(RetryArgs),
    /// Give a letter up; its row is kept
    Drop(DropArgs),
}

/// Arguments of `gengfu outbox list`.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Only letters in this state.
    #[arg(long, value_enum)]
    state: Option<Shown>,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// How the list is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `gengfu outbox retry`.
#[derive(Args, Debug)]
pub(super) struct RetryArgs {
    /// The letter's id, as listed.
    id: String,
    /// For how long it is tried.
    #[arg(long = "for", value_name = "DURATION", value_parser = length, default_value = "24h")]
    life_ms: Millis,
}

/// Arguments of `gengfu outbox drop`.
#[derive(Args, Debug)]
pub(super) struct DropArgs {
    /// The letter's id, as listed.
    id: String,
}

/// States that can be asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shown {
    /// Waits, or is tried again.
    Pending,
    /// A relay took it.
    Sent,
    /// Was given up.
    Dead,
}

impl From<Shown> for LetterState {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Pending => Self::Pending,
            Shown::Sent => Self::Sent,
            Shown::Dead => Self::Dead,
        }
    }
}

/// Answers one command over the store at `path`.
pub(super) async fn outbox(path: &Path, command: &OutboxCommand, out: &mut (dyn Write + Send)) -> Result<u8> {
    let now = SystemClock::default().now();
    match command {
        OutboxCommand::List(args) => {
            let letters = Store::open_to_read(path)?.outbox_list(args.state.map(Into::into), args.limit).await?;
            match args.format {
                Format::Json => serde_json::to_writer_pretty(&mut *out, &letters)?,
                Format::Human => letters.iter().try_for_each(|letter| line(out, letter))?,
            }
        }
        OutboxCommand::Retry(args) => {
            Store::open(path)?.outbox_retry(args.id.clone(), now + args.life_ms).await?;
            writeln!(out, "{} is tried again when the daemon runs", args.id)?;
        }
        OutboxCommand::Drop(args) => {
            Store::open(path)?.outbox_drop(args.id.clone(), now).await?;
            writeln!(out, "{} is given up", args.id)?;
        }
    }
    Ok(0)
}

fn line(out: &mut (dyn Write + Send), letter: &Letter) -> std::io::Result<()> {
    let Letter { message, state, attempts, last_error, .. } = letter;
    let error = last_error.as_deref().unwrap_or_default();
    let (id, at, to, thread) = (&message.id, message.at, &message.to.mail, &message.thread);
    writeln!(out, "{id}  {at}  {:<7}  {attempts:>3}  {to}  {thread}  {error}", state.as_str())
}
