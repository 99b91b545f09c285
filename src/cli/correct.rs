//! `gengfu correct`: says through a running daemon how a span that is over counts, in a name and with a reason.
//!
//! Not here: whether it is taken (`domain::engine`). Exit codes: 0 stored, 1 refused with the reason, 2 could not ask.

use super::Format;
use super::answer::language;
use super::client::{ANSWER_WITHIN, ServerArgs};
use super::window::{write_done, write_refused};
use crate::domain::Language;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// What a span counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CountsAs {
    /// Good.
    Up,
    /// Good for availability, not as it should have been.
    Degraded,
    /// Bad.
    Down,
    /// Not known.
    Unknown,
    /// As the probes saw it: former corrections of the span are taken back.
    Measured,
}

impl CountsAs {
    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Measured => "measured",
        }
    }
}

/// Arguments of `gengfu correct`.
#[derive(Args, Debug)]
pub(super) struct CorrectArgs {
    /// What was measured wrongly: owner/subsystem.
    subsystem: String,
    /// From when on: 2026-11-28T10:00.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when; not in the future.
    #[arg(long, value_name = "TIME")]
    to: String,
    /// What the span counts as.
    #[arg(long = "as", value_enum, value_name = "STATE")]
    counts_as: CountsAs,
    /// Why: what shows that the probes were wrong. Stands in every report about that time.
    #[arg(long)]
    reason: String,
    /// The daemon; where the files say that it listens, if none is named.
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// Asks the daemon that is named, or the one at `otherwise`.
pub(super) async fn correct(args: &CorrectArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let key = if args.lang == Language::Zh { "zh" } else { "en" };
    let CorrectArgs { subsystem, from, to, reason, .. } = args;
    let body = json!({
        "subsystem": subsystem, "from": from, "to": to, "as": args.counts_as.as_str(), "reason": reason,
    });
    let client = args.server.client(otherwise, ANSWER_WITHIN)?;
    let answer = client.post(&format!("api/v1/corrections?lang={key}"), &body).await?;
    match args.format {
        Format::Json => writeln!(out, "{:#}", answer.json)?,
        Format::Human if answer.is_good() => write_done(&answer.json, args.lang, key, out)?,
        Format::Human => write_refused(&answer, args.lang, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}
