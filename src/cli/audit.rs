//! `gengfu audit`: who did what, when and from where; from the store beside a running daemon, or from a daemon.
//!
//! Invariant: rows are printed page by page, so that years of them need no more memory than a thousand.

use super::answer::{language, moment, say};
use super::client::{ANSWER_WITHIN, Client, ServerArgs, printable};
use crate::domain::*;
use crate::store::{AUDIT_PAGE_MAX, AuditOrder, AuditQuery, Store};
use crate::web::audit::{AuditFormat, AuditLine, next_page};
use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// Arguments of `gengfu audit`.
#[derive(Args, Debug)]
pub(super) struct AuditArgs {
    /// From when on: RFC 3339, or a local time like 2026-12-19T23:00.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only this holder's rows.
    #[arg(long, value_name = "HOLDER")]
    who: Option<String>,
    /// Only this action, or all that begin so: window, window.approve, reload.
    #[arg(long, value_name = "ACTION")]
    what: Option<String>,
    /// Only rows about this window, incident or holder.
    #[arg(long, value_name = "SUBJECT")]
    about: Option<String>,
    /// Only the last so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    last: Option<u16>,
    /// How rows are written; json writes one object a line.
    #[arg(long, value_enum, default_value_t)]
    format: Written,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
    /// With `--server` a daemon is asked instead of the store.
    #[command(flatten)]
    server: ServerArgs,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Written {
    /// For people.
    #[default]
    Human,
    /// One object a line.
    Json,
    /// For spreadsheets.
    Csv,
}

impl AuditArgs {
    /// Whether a daemon is to be asked, so that no files need to be read.
    pub(super) fn asks_server(&self) -> bool {
        self.server.is_named()
    }

    fn format(&self) -> Option<AuditFormat> {
        match self.format {
            Written::Human => None,
            Written::Json => Some(AuditFormat::JsonLines),
            Written::Csv => Some(AuditFormat::Csv),
        }
    }

    fn head(&self, out: &mut dyn Write) -> std::io::Result<()> {
        out.write_all(self.format().map_or("", AuditFormat::head).as_bytes())
    }

    /// Writes rows; times are civil times of `inventory`, if there is one.
    fn write(&self, lines: &[AuditLine], inventory: Option<&Inventory>, out: &mut dyn Write) -> std::io::Result<()> {
        lines.iter().try_for_each(|line| match self.format() {
            Some(format) => out.write_all(format.text(line).as_bytes()),
            None => human(line, inventory, self.lang, out),
        })
    }
}

/// Prints what the store has, the oldest first.
pub(super) async fn from_store(
    path: &Path,
    inventory: &Inventory,
    args: &AuditArgs,
    out: &mut (dyn Write + Send),
) -> Result<u8> {
    let store = Store::open_to_read(path)?;
    let instant = |text: &Option<String>, otherwise| match text {
        Some(text) => inventory.zone.parse(text).map_err(|wrong| anyhow!(wrong)),
        None => Ok(otherwise),
    };
    let mut query = AuditQuery {
        span: Span::new(instant(&args.from, Timestamp::MIN)?, instant(&args.to, Timestamp::MAX)?),
        holder: args.who.clone(),
        action: args.what.clone(),
        subject: args.about.clone(),
        order: AuditOrder::OldestFirst,
        ..AuditQuery::default()
    };
    args.head(out)?;
    if let Some(last) = args.last {
        (query.order, query.limit) = (AuditOrder::NewestFirst, usize::from(last));
        let rows = store.audit(query).await?;
        let lines: Vec<AuditLine> = rows.iter().rev().map(AuditLine::from).collect();
        args.write(&lines, Some(inventory), out)?;
        return Ok(0);
    }
    while let Some(rows) = next_page(&store, &mut query).await? {
        let lines: Vec<AuditLine> = rows.iter().map(AuditLine::from).collect();
        args.write(&lines, Some(inventory), out)?;
    }
    Ok(0)
}

/// Prints what a daemon has, the oldest first.
pub(super) async fn from_server(args: &AuditArgs, out: &mut (dyn Write + Send)) -> Result<u8> {
    let client = args.server.client(None, ANSWER_WITHIN)?;
    let asked =
        [("from", &args.from), ("to", &args.to), ("who", &args.who), ("what", &args.what), ("about", &args.about)];
    let mut question: Vec<(&str, String)> =
        asked.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let (order, limit) = args.last.map_or(("oldest", AUDIT_PAGE_MAX), |last| ("newest", last.into()));
    question.extend([("order", order.to_owned()), ("limit", limit.to_string())]);
    let mut behind = None;
    loop {
        let mut next = question.clone();
        next.extend(behind.take().map(|place| ("behind", place)));
        let (mut lines, place) = match page(&client, &next).await? {
            Ok(page) => page,
            Err((problem, code)) => {
                writeln!(std::io::stderr(), "error: {problem}")?;
                return Ok(code);
            }
        };
        if question.len() == next.len() {
            args.head(out)?;
        }
        if args.last.is_some() {
            lines.reverse();
        }
        args.write(&lines, None, out)?;
        match place.filter(|_| args.last.is_none()) {
            Some(place) => behind = Some(place),
            None => return Ok(0),
        }
    }
}

type Page = (Vec<AuditLine>, Option<String>);

async fn page(client: &Client, question: &[(&str, String)]) -> Result<Result<Page, (String, u8)>> {
    let mut answer = client.get("api/v1/audit", question).await?;
    if !answer.is_good() {
        return Ok(Err((answer.problem(), answer.code())));
    }
    let lines = serde_json::from_value(answer.json["rows"].take()).context("the daemon's answer holds no rows")?;
    let next = match answer.json["next"].take() {
        Value::String(next) => Some(next),
        _ => None,
    };
    Ok(Ok((lines, next)))
}

fn human(line: &AuditLine, inventory: Option<&Inventory>, lang: Language, out: &mut dyn Write) -> std::io::Result<()> {
    let at = inventory.and_then(|inventory| Some(moment(inventory, inventory.zone.parse(&line.at).ok()?, lang)));
    let owner = line.owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default();
    let who = format!("{}{owner} {} {}", line.holder, say(lang, "来自", "from"), line.from);
    writeln!(out, "{}  {}", at.unwrap_or_else(|| printable(&line.at)), printable(&who))?;
    let words = [&line.action, &line.subject, &line.detail].map(String::as_str);
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let outcome = match &*line.outcome {
        "done" => say(lang, "已执行", "done").to_owned(),
        _ => format!("{}{}", say(lang, "被拒绝：", "refused: "), line.why),
    };
    writeln!(out, "  {} — {}", printable(&words.join(" · ")), printable(&outcome))
}

#[cfg(test)]
mod tests;
