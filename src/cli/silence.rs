//! `gengfu silence set·list·lift`: mails that are held back for a while, through a running daemon.
//!
//! Not here: whether it is taken (`domain::engine`). Exit codes: 0 answered or stored, 1 refused with the reason, 2 could
//! not ask.

use super::Format;
use super::answer::{language, say};
use super::client::{ANSWER_WITHIN, ServerArgs, printable};
use super::window::{write_done, write_refused};
use crate::domain::Language;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// What to do about silences.
#[derive(Subcommand, Debug)]
pub(super) enum SilenceCommand {
    /// Hold mails about something back, or mails to somebody; closings and what cannot be hidden are told all the same
    Set(SetArgs),
    /// List those that hold
    List(ListArgs),
    /// End one early
    Lift(LiftArgs),
}

/// Arguments that all have.
#[derive(Args, Debug)]
pub(super) struct Common {
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

/// Arguments of `gengfu silence set`; all that is given has to fit.
#[derive(Args, Debug)]
pub(super) struct SetArgs {
    /// Incidents of this owner's subsystems.
    #[arg(long)]
    owner: Option<String>,
    /// Incidents of this one: owner/subsystem.
    #[arg(long)]
    subsystem: Option<String>,
    /// Incidents with this symptom: down, degraded or sla_at_risk.
    #[arg(long)]
    symptom: Option<String>,
    /// Mails to this address.
    #[arg(long, value_name = "MAIL")]
    person: Option<String>,
    /// How long: 8h, at most 30d.
    #[arg(long = "for", value_name = "DURATION")]
    lasts: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu silence list`.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Those that are over, too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu silence lift`.
#[derive(Args, Debug)]
pub(super) struct LiftArgs {
    /// Which one: SIL-0007.
    silence: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    common: Common,
}

impl SilenceCommand {
    /// Where the daemon is, if it is named.
    pub(super) fn server(&self) -> &ServerArgs {
        &self.common().server
    }

    fn common(&self) -> &Common {
        match self {
            Self::Set(args) => &args.common,
            Self::List(args) => &args.common,
            Self::Lift(args) => &args.common,
        }
    }
}

/// Asks the daemon that is named, or the one at `otherwise`.
pub(super) async fn run(command: &SilenceCommand, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let Common { server, format, lang } = command.common();
    let client = server.client(otherwise, ANSWER_WITHIN)?;
    let key = if *lang == Language::Zh { "zh" } else { "en" };
    let answer = match command {
        SilenceCommand::Set(args) => {
            let SetArgs { owner, subsystem, symptom, person, lasts, reason, .. } = args;
            let mut body = json!({ "lasts": lasts, "reason": reason });
            let given = [("owner", owner), ("subsystem", subsystem), ("symptom", symptom), ("person", person)];
            for (name, value) in given {
                if let Some(value) = value {
                    body[name] = json!(value);
                }
            }
            client.post(&format!("api/v1/silences?lang={key}"), &body).await?
        }
        SilenceCommand::Lift(args) => {
            if !args.silence.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                bail!("{:?} is no number of a silence; they look like SIL-0007", args.silence);
            }
            let path = format!("api/v1/silences/{}/lift?lang={key}", args.silence);
            client.post(&path, &json!({ "reason": args.reason })).await?
        }
        SilenceCommand::List(_) => client.get("api/v1/silences", &[]).await?,
    };
    match (format, command) {
        (Format::Json, _) => writeln!(out, "{:#}", answer.json)?,
        (Format::Human, _) if !answer.is_good() => write_refused(&answer, *lang, out)?,
        (Format::Human, SilenceCommand::List(args)) => write_list(&answer.json, args.all, *lang, out)?,
        (Format::Human, _) => write_done(&answer.json, *lang, key, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}

fn write_list(all: &Value, past: bool, lang: Language, out: &mut dyn Write) -> Result<()> {
    let shown: Vec<&Value> =
        all.as_array().into_iter().flatten().filter(|one| past || one["holds"] == json!(true)).collect();
    if shown.is_empty() {
        writeln!(out, "{}", say(lang, "没有生效中的静默", "no silence holds"))?;
    }
    for one in shown {
        let part = |key: &str| printable(one[key].as_str().unwrap_or_default());
        let about = ["owner", "subsystem", "symptom", "person"].iter().filter(|key| one[**key].is_string());
        let about: Vec<String> = about.map(|key| format!("{key}={}", part(key))).collect();
        let (id, until, by) = (part("id"), part("until"), part("by"));
        let word = say(lang, "至", "until");
        writeln!(out, "{id}  {}  {word} {until}  {by}  {}", about.join(" "), part("reason"))?;
    }
    Ok(())
}
