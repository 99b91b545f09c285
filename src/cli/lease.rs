//! `gengfu lease`: takes a lease on a gate, uses it once, gives it back. For pipelines, which act on the exit code.
//!
//! Not here: whether the gate opens. Exit codes: 0 granted or done, 1 denied with the reason, 2 could not ask.

use super::Format;
use super::answer::{language, length};
use super::client::{ANSWER_WITHIN, ServerArgs, printable};
use super::window::{segment, write_done, write_refused};
use crate::domain::{Language, Millis};
use crate::field::format_duration;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

/// Arguments of `gengfu lease`.
#[derive(Args, Debug)]
pub(super) struct LeaseArgs {
    #[command(subcommand)]
    what: What,
    /// The daemon; where the files say that it listens, if none is named.
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG", global = true)]
    lang: Language,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Ask the gate; if it opens, print a lease, which is good for one use within 15 minutes
    Take(Take),
    /// The change begins: the gate is asked once more
    Use(Lease),
    /// The change is over: others may begin theirs
    Release(Lease),
}

#[derive(Args, Debug)]
struct Take {
    /// What is to be changed: owner/subsystem.
    subsystem: String,
    /// How long the change takes: 40m, 1h30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    lasts_ms: Millis,
    /// A remark for the audit log: the pipeline, the ticket.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct Lease {
    /// The lease, as `take` printed it.
    #[arg(env = "GENGFU_LEASE")]
    lease: String,
}

/// Asks the daemon that is named, or the one at `otherwise`.
pub(super) async fn lease(args: &LeaseArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let key = if args.lang == Language::Zh { "zh" } else { "en" };
    let (path, body) = match &args.what {
        What::Take(Take { subsystem, lasts_ms, reason }) => {
            let body = json!({ "subsystem": subsystem, "for": format_duration(*lasts_ms), "reason": reason });
            ("api/v1/gate/leases".to_owned(), body)
        }
        What::Use(of) => (format!("api/v1/gate/leases/{}/use", segment(&of.lease)), json!({})),
        What::Release(of) => (format!("api/v1/gate/leases/{}/release", segment(&of.lease)), json!({})),
    };
    let answer = args.server.client(otherwise, ANSWER_WITHIN)?.post(&format!("{path}?lang={key}"), &body).await?;
    match (args.format, answer.is_good(), &args.what) {
        (Format::Json, ..) => writeln!(out, "{:#}", answer.json)?,
        // The lease alone, so that a script can keep it in a variable.
        (_, true, What::Take(_)) => writeln!(out, "{}", printable(answer.json["lease"].as_str().unwrap_or_default()))?,
        (_, true, _) => write_done(&answer.json, args.lang, key, out)?,
        (_, false, _) => write_refused(&answer, args.lang, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}
