//! `gengfu gate`: may this be changed now, for this long? For people and for pipelines, which act on the exit code.
//!
//! Without `--server` the files answer: announcements and approvals count as absent, so a gate that asks for a window
//! denies. With it the daemon answers, and keeps a record. Invariant: what is no clear yes is never exit 0.

use super::Format;
use super::answer::{at_json, grant_json, instant, language, length, moment, reason_json, rule_line, say, subsystem};
use super::client::{ServerArgs, printable};
use crate::domain::gate::{GateAnswer, gate};
use crate::domain::*;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// The whole question to the daemon, from name resolution to the last byte.
const DEADLINE: Duration = Duration::from_secs(10);

/// The exit code of an answer that denies.
const DENIED: u8 = 1;

/// Arguments of `gengfu gate`.
#[derive(Debug, clap::Args)]
pub struct GateArgs {
    /// What is to be changed: owner/subsystem.
    subsystem: String,
    /// How long the change takes: 40m, 1h30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    lasts_ms: Millis,
    /// When it starts: RFC 3339, or a local time like 2026-12-19T23:00; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// With `--server` the daemon answers, which knows announcements, instead of the files.
    #[command(flatten)]
    server: ServerArgs,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

impl GateArgs {
    /// Whether a daemon is to be asked, so that no files need to be read.
    pub fn asks_server(&self) -> bool {
        self.server.is_named()
    }
}

/// Answers from the files: 0 allow, 1 deny; an error is "could not ask".
pub fn from_files(now: Timestamp, inventory: &Inventory, args: &GateArgs, out: &mut dyn Write) -> Result<u8> {
    if args.server.has_token() {
        bail!("--token-file is for a daemon; name it with --server, or leave the token out");
    }
    let id = &subsystem(inventory, &args.subsystem)?.id;
    let span = Span::lasting(instant(now, inventory, args.at.as_deref())?, args.lasts_ms);
    let answer = gate(inventory, &[], id, span);
    match args.format {
        Format::Json => writeln!(out, "{:#}", answer_json(id, span, &answer))?,
        Format::Human => write_human(inventory, id, &answer, args.lang, out)?,
    }
    Ok(if answer.allow { 0 } else { DENIED })
}

/// The answer as the API writes it.
fn answer_json(id: &SubsystemId, span: Span, answer: &GateAnswer) -> Value {
    let denies = answer.reasons.iter().map(reason_json);
    let reasons: Vec<Value> = denies.chain(answer.because.iter().map(grant_json)).collect();
    json!({
        "subsystem": id,
        "start": span.start.to_string(),
        "end": span.end.to_string(),
        "allow": answer.allow,
        "until": at_json(answer.until),
        "reasons": reasons,
        "next_open": at_json(answer.next_open),
    })
}

fn write_human(
    inventory: &Inventory,
    id: &SubsystemId,
    answer: &GateAnswer,
    lang: Language,
    out: &mut dyn Write,
) -> Result<()> {
    match answer.until {
        Some(until) => {
            writeln!(
                out,
                "{} {id} {} {}",
                say(lang, "允许", "allow"),
                say(lang, "至", "until"),
                moment(inventory, until, lang)
            )?;
        }
        None => writeln!(out, "{} {id}", say(lang, "不允许", "deny"))?,
    }
    for reason in &answer.reasons {
        writeln!(out, "  {}", rule_line(&reason.text, reason.source.as_ref(), lang))?;
    }
    for grant in &answer.because {
        writeln!(out, "  {}", rule_line(&grant.text, grant.source.as_ref(), lang))?;
    }
    match answer.next_open {
        Some(opens) => writeln!(out, "{} {}", say(lang, "下次可变更", "next open"), moment(inventory, opens, lang))?,
        None if !answer.allow => writeln!(out, "{}", say(lang, "已知日期内没有可变更的时段", "no opening is known"))?,
        None => {}
    }
    Ok(())
}

/// Answers from a daemon: 0 allow, 1 deny; an error is "could not ask".
pub async fn from_server(args: &GateArgs, out: &mut dyn Write) -> Result<u8> {
    let mut question =
        vec![("subsystem", args.subsystem.clone()), ("for", crate::field::format_duration(args.lasts_ms))];
    question.extend(args.at.clone().map(|at| ("at", at)));
    let reply = args.server.client(None, DEADLINE)?.get("api/v1/gate", &question).await?;
    let code = match (reply.status.as_u16(), reply.json["allow"].as_bool()) {
        (200, Some(true)) => 0,
        (423, Some(false)) => DENIED,
        _ => bail!("{}", reply.problem()),
    };
    let answer = reply.json;
    match args.format {
        Format::Json => writeln!(out, "{answer:#}")?,
        Format::Human => write_remote(&answer, code == 0, args, out)?,
    }
    Ok(code)
}

fn write_remote(answer: &Value, allow: bool, args: &GateArgs, out: &mut dyn Write) -> Result<()> {
    let verdict = if allow { say(args.lang, "允许", "allow") } else { say(args.lang, "不允许", "deny") };
    let until = answer["until"].as_str().map(|t| format!(" {} {}", say(args.lang, "至", "until"), printable(t)));
    writeln!(out, "{verdict} {}{}", args.subsystem, until.unwrap_or_default())?;
    let key = if args.lang == Language::Zh { "zh" } else { "en" };
    for reason in answer["reasons"].as_array().into_iter().flatten() {
        let source = reason["source"].as_str().map(|s| format!("  ({})", printable(s))).unwrap_or_default();
        writeln!(out, "  {}{source}", printable(reason["text"][key].as_str().unwrap_or_default()))?;
    }
    if let Some(opens) = answer["next_open"].as_str() {
        writeln!(out, "{} {}", say(args.lang, "下次可变更", "next open"), printable(opens))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
