//! `gengfu filing list·show·grade·known·reported·dismiss`: what may have to be reported to an authority, through a running daemon.
//!
//! Not here: whether it is taken (`domain::engine`). Nothing here sends anything to an authority. Exit codes: 0 answered or
//! stored, 1 refused with the reason, 2 could not ask.

use super::Format;
use super::answer::{language, say};
use super::client::{ANSWER_WITHIN, Answer, Client, ServerArgs, printable};
use super::window::{segment, write_done, write_refused};
use crate::domain::Language;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// What to do about reports.
#[derive(Subcommand, Debug)]
pub(super) enum FilingCommand {
    /// List what has to be reported, with how long is left
    List(ListArgs),
    /// Print the draft about an incident, to copy, complete and send by hand
    Show(ShowArgs),
    /// Judge how grave an incident is
    Grade(GradeArgs),
    /// Say that an incident was known earlier than gengfu knew it
    Known(KnownArgs),
    /// Say that the report was sent
    Reported(ReportedArgs),
    /// Say that no report is due
    Dismiss(DismissArgs),
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
    /// The language of sentences and draft: zh or en.
    #[arg(long, value_parser = language, default_value = "zh", env = "GENGFU_LANG")]
    lang: Language,
}

/// Arguments of `gengfu filing list`.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Those that nobody has to act on any more, too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu filing show`.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Which one: INC-0042.
    incident: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu filing grade`.
#[derive(Args, Debug)]
pub(super) struct GradeArgs {
    /// Which one: INC-0042.
    incident: String,
    /// ordinary, considerable, serious or especially_serious.
    grade: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu filing known`.
#[derive(Args, Debug)]
pub(super) struct KnownArgs {
    /// Which one: INC-0042.
    incident: String,
    /// When: 2026-12-19T09:10, or with an offset.
    at: String,
    /// How it was known.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu filing reported`.
#[derive(Args, Debug)]
pub(super) struct ReportedArgs {
    /// Which one: INC-0042.
    incident: String,
    /// To whom.
    #[arg(long)]
    to: String,
    /// When; now without it.
    #[arg(long)]
    at: Option<String>,
    /// By which way, under which number.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `gengfu filing dismiss`.
#[derive(Args, Debug)]
pub(super) struct DismissArgs {
    /// Which one: INC-0042.
    incident: String,
    /// Why none is due.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    common: Common,
}

impl FilingCommand {
    /// Where the daemon is, if it is named.
    pub(super) fn server(&self) -> &ServerArgs {
        &self.common().server
    }

    fn common(&self) -> &Common {
        match self {
            Self::List(args) => &args.common,
            Self::Show(args) => &args.common,
            Self::Grade(args) => &args.common,
            Self::Known(args) => &args.common,
            Self::Reported(args) => &args.common,
            Self::Dismiss(args) => &args.common,
        }
    }

    /// The incident, the word behind it in the address, and the body; `None` for what only reads.
    fn order(&self) -> Option<(&str, &'static str, Value)> {
        Some(match self {
            Self::List(_) | Self::Show(_) => return None,
            Self::Grade(args) => (&args.incident, "grade", json!({ "grade": args.grade, "reason": args.reason })),
            Self::Known(args) => (&args.incident, "known", json!({ "at": args.at, "reason": args.reason })),
            Self::Reported(args) => {
                let mut body = json!({ "to": args.to, "reason": args.reason });
                if let Some(at) = &args.at {
                    body["at"] = json!(at);
                }
                (&args.incident, "reported", body)
            }
            Self::Dismiss(args) => (&args.incident, "dismiss", json!({ "reason": args.reason })),
        })
    }
}

/// Asks the daemon that is named, or the one at `otherwise`.
pub(super) async fn run(command: &FilingCommand, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let Common { server, format, lang } = command.common();
    let client = server.client(otherwise, ANSWER_WITHIN)?;
    let key = if *lang == Language::Zh { "zh" } else { "en" };
    let answer = ask(&client, command, key).await?;
    match (format, command) {
        (Format::Json, _) => writeln!(out, "{:#}", answer.json)?,
        (Format::Human, _) if !answer.is_good() => write_refused(&answer, *lang, out)?,
        (Format::Human, FilingCommand::List(args)) => write_list(&answer.json, args.all, *lang, out)?,
        (Format::Human, FilingCommand::Show(_)) => {
            let text = answer.json["draft"][key].as_str().unwrap_or_default();
            text.lines().try_for_each(|line| writeln!(out, "{}", printable(line)))?;
        }
        (Format::Human, _) => write_done(&answer.json, *lang, key, out)?,
    }
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}

async fn ask(client: &Client, command: &FilingCommand, key: &str) -> Result<Answer> {
    if let Some((incident, word, body)) = command.order() {
        return client.post(&format!("api/v1/filings/{}/{word}?lang={key}", segment(incident)), &body).await;
    }
    match command {
        FilingCommand::Show(args) => client.get(&format!("api/v1/filings/{}", segment(&args.incident)), &[]).await,
        _ => client.get("api/v1/filings", &[]).await,
    }
}

fn write_list(all: &Value, past: bool, lang: Language, out: &mut dyn Write) -> Result<()> {
    let is_open = |one: &Value| matches!(one["standing"].as_str(), Some("running" | "overdue"));
    let shown: Vec<&Value> = all.as_array().into_iter().flatten().filter(|one| past || is_open(one)).collect();
    if shown.is_empty() {
        writeln!(out, "{}", say(lang, "没有待上报的事件", "nothing has to be reported"))?;
    }
    for one in shown {
        let part = |key: &str| printable(one[key].as_str().unwrap_or_default());
        let left = one["left_ms"].as_i64().unwrap_or_default() / 60_000;
        let by = say(lang, "时限", "by");
        write!(
            out,
            "{}  {}  {}  {}  {by} {}",
            part("incident"),
            part("standing"),
            part("grade"),
            part("subsystem"),
            part("deadline")
        )?;
        match (is_open(one), left < 0) {
            (true, false) => writeln!(out, "  {} {left} min", say(lang, "剩余", "left"))?,
            (true, true) => writeln!(out, "  {} {} min", say(lang, "已逾期", "late by"), -left)?,
            _ => writeln!(out)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: FilingCommand,
    }

    fn order(line: &str) -> (String, &'static str, Value) {
        let words = std::iter::once("filing").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).unwrap_or_else(|e| panic!("{line}: {e}"));
        let (incident, word, body) = line.command.order().unwrap();
        (incident.to_owned(), word, body)
    }

    #[test]
    fn acts_become_requests_of_the_api() {
        let (incident, word, body) = order("grade INC-0042 serious --reason x");
        assert_eq!((incident.as_str(), word), ("INC-0042", "grade"));
        assert_eq!(body, json!({ "grade": "serious", "reason": "x" }));
        assert_eq!(order("known 42 2026-12-19T09:10 --reason call").2["at"], "2026-12-19T09:10");
        assert_eq!(order("reported 42 --to office").2, json!({ "to": "office", "reason": "" }));
        assert_eq!(order("dismiss 42 --reason drill").1, "dismiss");
    }

    #[test]
    fn a_list_says_how_long_is_left_or_how_late_it_is() {
        let one =
            |standing: &str, left_ms: i64| json!({ "incident": "INC-1", "standing": standing, "left_ms": left_ms });
        let print = |all: Value, past| {
            let mut out = Vec::new();
            write_list(&all, past, Language::En, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let all = json!([one("running", 600_000), one("overdue", -600_000), one("reported", -1)]);
        let text = print(all.clone(), false);
        assert!(text.contains("left 10 min") && text.contains("late by 10 min") && text.lines().count() == 2, "{text}");
        assert_eq!(print(all, true).lines().count(), 3);
        assert!(print(json!([]), false).contains("nothing has to be reported"));
    }
}
