//! `gengfu gate`: may this be changed now, for this long? For people and for pipelines, which act on the exit code.
//!
//! Without `--server` the files answer: announcements and approvals count as absent, so a gate that asks for a window
//! denies. With it the daemon answers, and keeps a record. Invariant: what is no clear yes is never exit 0.

use super::Format;
use super::answer::{at_json, grant_json, instant, language, length, moment, reason_json, rule_line, say, subsystem};
use crate::domain::gate::{GateAnswer, gate};
use crate::domain::*;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// The whole question to the daemon, from name resolution to the last byte.
const DEADLINE: Duration = Duration::from_secs(10);

/// An answer is a few hundred bytes; more is not from a daemon.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

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
    /// Ask this daemon, which knows announcements, instead of the files: http://127.0.0.1:9424.
    #[arg(long, value_name = "URL")]
    server: Option<reqwest::Url>,
    /// A file that holds the token for the daemon.
    #[arg(long, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
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
        self.server.is_some()
    }
}

/// Answers from the files: 0 allow, 1 deny; an error is "could not ask".
pub fn from_files(now: Timestamp, inventory: &Inventory, args: &GateArgs, out: &mut dyn Write) -> Result<u8> {
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
    let Some(server) = &args.server else { bail!("no daemon is named; give --server http://127.0.0.1:9424") };
    let (status, body) = tokio::time::timeout(DEADLINE, fetch(server, args))
        .await
        .with_context(|| format!("{server} did not answer within {} s", DEADLINE.as_secs()))?
        .with_context(|| format!("cannot ask {server}"))?;
    let answer: Value =
        serde_json::from_slice(&body).with_context(|| format!("{server} answered {status} without JSON"))?;
    let allow = answer["allow"].as_bool();
    let code = match (status.as_u16(), allow) {
        (200, Some(true)) => 0,
        (423, Some(false)) => DENIED,
        _ => {
            let said =
                ["detail", "title"].iter().find_map(|key| answer[*key].as_str()).unwrap_or("no answer of a gate");
            bail!("{server} answered {status}: {}", printable(said));
        }
    };
    match args.format {
        Format::Json => writeln!(out, "{answer:#}")?,
        Format::Human => write_remote(&answer, code == 0, args, out)?,
    }
    Ok(code)
}

async fn fetch(server: &reqwest::Url, args: &GateArgs) -> Result<(reqwest::StatusCode, Vec<u8>)> {
    // A provider may be installed already; then this one is not needed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut question = server.join("api/v1/gate").context("the address of the daemon cannot be extended")?;
    let lasts = crate::field::format_duration(args.lasts_ms);
    question.query_pairs_mut().append_pair("subsystem", &args.subsystem).append_pair("for", &lasts);
    if let Some(at) = &args.at {
        question.query_pairs_mut().append_pair("at", at);
    }
    // A redirect would carry the token elsewhere; a daemon answers itself.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut request = client.get(question);
    if let Some(file) = &args.token_file {
        let token = tokio::fs::read_to_string(file).await;
        request = request.bearer_auth(token.with_context(|| format!("cannot read {}", file.display()))?.trim());
    }
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            bail!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
        }
    }
    Ok((response.status(), body))
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

/// Text from elsewhere, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1_000).collect()
}

#[cfg(test)]
mod tests;
