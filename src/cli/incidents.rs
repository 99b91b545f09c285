//! `gengfu incidents`, `ack`, `handover` and `note`: on-call's first questions and words, put to a running daemon.
//!
//! Not here: whether a word is taken (`domain::engine`). Exit codes: 0 answered or stored, 1 refused with the reason, 2 could
//! not ask.

use super::Format;
use super::answer::{language, say};
use super::client::{ANSWER_WITHIN, ServerArgs, printable};
use super::window::{write_done, write_refused};
use crate::domain::Language;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// Arguments of `gengfu incidents`.
#[derive(Args, Debug)]
pub(super) struct IncidentsArgs {
    /// One of them, with all that was said about it: INC-0042.
    incident: Option<String>,
    /// Those that are over, too.
    #[arg(long, conflicts_with = "incident")]
    all: bool,
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

/// Arguments of `gengfu ack` and `gengfu note`.
#[derive(Args, Debug)]
pub(super) struct WordArgs {
    /// Which one: INC-0042.
    incident: String,
    /// What the next one on duty should know.
    #[arg(long, default_value = "")]
    text: String,
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

/// Arguments of `gengfu handover`.
#[derive(Args, Debug)]
pub(super) struct HandOverArgs {
    /// A roster, then whoever is on duty there; or the id, name or address of somebody on one.
    #[arg(long)]
    to: String,
    #[command(flatten)]
    pub(super) word: WordArgs,
}

/// Lists what is open, or tells one.
pub(super) async fn incidents(args: &IncidentsArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let client = args.server.client(otherwise, ANSWER_WITHIN)?;
    let answer = match &args.incident {
        Some(id) => client.get(&format!("api/v1/incidents/{}", path_part(id)?), &[]).await?,
        None if args.all => client.get("api/v1/incidents", &[]).await?,
        None => client.get("api/v1/incidents", &[("state", "open".to_owned())]).await?,
    };
    if !answer.is_good() {
        write_refused(&answer, args.lang, out)?;
        return Ok(answer.code());
    }
    match (args.format, answer.json.as_array()) {
        (Format::Json, _) => writeln!(out, "{:#}", answer.json)?,
        (Format::Human, Some(all)) if all.is_empty() => {
            writeln!(out, "{}", say(args.lang, "没有未关闭的事件", "no incident is open"))?;
        }
        (Format::Human, Some(all)) => all.iter().try_for_each(|one| write_line(one, args.lang, out))?,
        (Format::Human, None) => {
            write_line(&answer.json, args.lang, out)?;
            for word in answer.json["words"].as_array().into_iter().flatten() {
                let part = |key: &str| printable(word[key].as_str().unwrap_or_default());
                writeln!(out, "  {}  {}  {}  {}", part("at"), part("by"), part("saying"), part("text"))?;
            }
        }
    }
    Ok(0)
}

/// `gengfu ack` and `gengfu note`: the last part of the address tells them apart.
pub(super) async fn word(args: &WordArgs, sort: &str, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    post(args, sort, &json!({ "text": args.text }), otherwise, out).await
}

/// `gengfu handover`.
pub(super) async fn hand_over(args: &HandOverArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let body = json!({ "to": args.to, "text": args.word.text });
    post(&args.word, "handover", &body, otherwise, out).await
}

async fn post(args: &WordArgs, sort: &str, body: &Value, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let key = if args.lang == Language::Zh { "zh" } else { "en" };
    let client = args.server.client(otherwise, ANSWER_WITHIN)?;
    let path = format!("api/v1/incidents/{}/{sort}?lang={key}", path_part(&args.incident)?);
    let answer = client.post(&path, body).await?;
    match args.format {
        Format::Json => writeln!(out, "{:#}", answer.json)?,
        Format::Human if answer.is_good() => write_done(&answer.json, args.lang, key, out)?,
        Format::Human => write_refused(&answer, args.lang, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}

fn path_part(id: &str) -> Result<&str> {
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        bail!("{id:?} is no number of an incident; they look like INC-0042");
    }
    Ok(id)
}

fn write_line(one: &Value, lang: Language, out: &mut dyn Write) -> Result<()> {
    let part = |key: &str| printable(one[key].as_str().unwrap_or_default());
    let until = one["until"].as_str().map_or_else(|| say(lang, "未关闭", "open").to_owned(), printable);
    write!(out, "{}  {}  {}  {}  {} {until}", part("id"), part("severity"), part("symptom"), part("subsystem"), {
        part("since")
    })?;
    if let Some(by) = one["acknowledged"]["by"].as_str() {
        write!(out, "  {} {}", say(lang, "接手：", "with"), printable(by))?;
    }
    writeln!(out)?;
    Ok(())
}
