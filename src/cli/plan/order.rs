//! `gengfu plan start`, `abort`, `resume`, `approve` and `status`: asks a running daemon through its API.
//!
//! Not here: whether an order is carried out. Exit codes: 0 done, 1 refused with the reason, 2 could not ask.

use super::super::Format;
use super::super::answer::{language, say};
use super::super::client::{ANSWER_WITHIN, ServerArgs, printable};
use super::super::window::{segment, write_done, write_refused};
use crate::domain::Language;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// How a daemon is asked.
#[derive(Args, Debug)]
pub struct Asking {
    /// The daemon; where the files say that it listens, if none is named.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// Arguments of `gengfu plan start`.
#[derive(Args, Debug)]
pub struct StartArgs {
    /// Which window, as `gengfu windows` lists it.
    window: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

/// Arguments of `gengfu plan abort`.
#[derive(Args, Debug)]
pub struct AbortArgs {
    /// Which run, as `gengfu plan status` lists it.
    run: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

/// Arguments of `gengfu plan resume`.
#[derive(Args, Debug)]
pub struct ResumeArgs {
    /// Which run, as `gengfu plan status` lists it.
    run: String,
    /// The step at which it is parked was done: go on.
    #[arg(long, required_unless_present = "again")]
    done: bool,
    /// It was not done: once more.
    #[arg(long, conflicts_with = "done")]
    again: bool,
    /// How you know.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

/// Arguments of `gengfu plan approve`.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    /// Which run, as `gengfu plan status` lists it.
    run: String,
    /// Which step.
    step: String,
    /// A remark for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

/// Arguments of `gengfu plan status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// One run, with its steps; all of them without.
    run: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

/// An order as the API has it.
pub trait Ordering {
    /// How the daemon is asked.
    fn asking(&self) -> &Asking;
    /// The address below the daemon's, and the body.
    fn question(&self) -> (String, Value);
}

fn act(run: &str, word: &str, body: Value) -> (String, Value) {
    (format!("api/v1/plans/runs/{}/{word}", segment(run)), body)
}

impl Ordering for StartArgs {
    fn asking(&self) -> &Asking {
        &self.asking
    }

    fn question(&self) -> (String, Value) {
        ("api/v1/plans/runs".to_owned(), json!({ "window": self.window, "reason": self.reason }))
    }
}

impl Ordering for AbortArgs {
    fn asking(&self) -> &Asking {
        &self.asking
    }

    fn question(&self) -> (String, Value) {
        act(&self.run, "abort", json!({ "reason": self.reason }))
    }
}

impl Ordering for ResumeArgs {
    fn asking(&self) -> &Asking {
        &self.asking
    }

    fn question(&self) -> (String, Value) {
        let verdict = if self.again { "again" } else { "done" };
        act(&self.run, "resume", json!({ "verdict": verdict, "reason": self.reason }))
    }
}

impl Ordering for ApproveArgs {
    fn asking(&self) -> &Asking {
        &self.asking
    }

    fn question(&self) -> (String, Value) {
        act(&self.run, "approve", json!({ "step": self.step, "reason": self.reason }))
    }
}

/// Gives the order: 0 carried out, 1 refused; an error is "could not ask".
///
/// # Errors
/// If the daemon could not be asked.
pub async fn order(args: &(dyn Ordering + Sync), otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let (path, body) = args.question();
    let asking = args.asking();
    let key = if asking.lang == Language::Zh { "zh" } else { "en" };
    let client = asking.server.client(otherwise, ANSWER_WITHIN)?;
    let answer = client.post(&format!("{path}?lang={key}"), &body).await?;
    match asking.format {
        Format::Json => writeln!(out, "{:#}", answer.json)?,
        Format::Human if answer.is_good() => write_done(&answer.json, asking.lang, key, out)?,
        Format::Human => write_refused(&answer, asking.lang, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}

impl StatusArgs {
    /// How the daemon is asked.
    pub fn asking(&self) -> &Asking {
        &self.asking
    }
}

/// Lists runs, or the steps of one.
///
/// # Errors
/// If the daemon could not be asked.
pub async fn status(args: &StatusArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let asking = &args.asking;
    let below = args.run.as_ref().map(|run| format!("/{}", segment(run))).unwrap_or_default();
    let client = asking.server.client(otherwise, ANSWER_WITHIN)?;
    let answer = client.get(&format!("api/v1/plans/runs{below}"), &[]).await?;
    if !answer.is_good() {
        write_refused(&answer, asking.lang, out)?;
        return Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() });
    }
    match (asking.format, &args.run) {
        (Format::Json, _) => writeln!(out, "{:#}", answer.json)?,
        (Format::Human, Some(_)) => one(&answer.json, asking.lang, out)?,
        (Format::Human, None) => {
            let runs = answer.json.as_array().map(Vec::as_slice).unwrap_or_default();
            if runs.is_empty() {
                writeln!(out, "{}", say(asking.lang, "没有运行", "no runs"))?;
            }
            for run in runs {
                head(run, out)?;
            }
        }
    }
    Ok(0)
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

fn head(run: &Value, out: &mut dyn Write) -> Result<()> {
    let parts = ["started", "state", "id", "plan"].map(|key| text(&run[key]));
    writeln!(out, "{}", parts.join("  "))?;
    Ok(())
}

fn one(run: &Value, language: Language, out: &mut dyn Write) -> Result<()> {
    head(run, out)?;
    let key = if language == Language::Zh { "zh" } else { "en" };
    if run["why"].is_object() {
        writeln!(out, "  {}", text(&run["why"][key]))?;
    }
    let until = say(language, "回退时间点", "no step starts after");
    writeln!(out, "  {until} {}", text(&run["point_of_no_return"]))?;
    for step in run["steps"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let [id, kind, state, undo, note] = ["id", "kind", "state", "undo", "note"].map(|key| text(&step[key]));
        writeln!(out, "  {state:8}  {undo:8}  {id}  {kind}  {note}")?;
    }
    Ok(())
}
