//! `gengfu window`: orders about windows, given to a running daemon through its API.
//!
//! Not here: whether an order is carried out. Exit codes: 0 carried out, 1 refused with the reason, 2 could not ask.

use super::Format;
use super::answer::{language, length, say};
use super::client::{ANSWER_WITHIN, Answer, ServerArgs, printable};
use crate::domain::{Language, Millis};
use crate::field::format_duration;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// Arguments of `gengfu window`.
#[derive(Args, Debug)]
pub(super) struct WindowArgs {
    #[command(subcommand)]
    order: Order,
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
enum Order {
    /// Ask for a window that is in no file
    Request(Request),
    /// Work that cannot wait: possible at once, for at most 24 h; counts as down, and says so everywhere
    Override(Override),
    /// Approve a window, the longer time that was asked for while it runs, or with --text a schedule's text
    Approve(Approve),
    /// One window of a schedule does not take place
    Skip(Plain),
    /// Another time; approvals and notices are void
    Move(Move),
    /// An earlier end
    Shorten(Ending),
    /// Start in spite of open incidents and other windows
    Start(Plain),
    /// A later end, asked for before the approved one
    Extend(Ending),
    /// The work is done: verify, and give the time back
    Finish(Plain),
    /// Call it off before it begins
    Cancel(Plain),
    /// Stop the work
    Abort(Plain),
}

#[derive(Args, Debug)]
struct Request {
    /// What is affected: owner/subsystem, one or more.
    #[arg(required = true)]
    scope: Vec<String>,
    /// Whose window it is.
    #[arg(long)]
    owner: String,
    /// What people call it.
    #[arg(long)]
    name: String,
    /// When it starts: RFC 3339, or a local time like 2026-12-19T23:00.
    #[arg(long, value_name = "TIME")]
    at: String,
    /// How long it lasts: 40m, 1h30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    lasts_ms: Millis,
    /// What the public reads.
    #[arg(long)]
    notice: Option<String>,
    /// The plan that carries it out; the owner's. Without one people do the work.
    #[arg(long)]
    plan: Option<String>,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
struct Override {
    /// What is affected: owner/subsystem, one or more.
    #[arg(required = true)]
    scope: Vec<String>,
    /// How long it may take from now on, at most 24h.
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    lasts_ms: Millis,
    /// The number under which the trouble is known.
    #[arg(long)]
    ticket: String,
    /// Why it cannot wait.
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
struct Approve {
    /// The window, or with --text the schedule.
    id: String,
    /// Approve the schedule's text: all its windows, until the text changes.
    #[arg(long)]
    text: bool,
    /// A remark for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct Plain {
    /// Which window, as `gengfu windows` lists it.
    window: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
struct Move {
    /// Which window, as `gengfu windows` lists it.
    window: String,
    /// The new start: RFC 3339, or a local time like 2026-12-19T23:00.
    #[arg(long, value_name = "TIME")]
    to: String,
    /// The new length; as long as before if left out.
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    lasts_ms: Option<Millis>,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
struct Ending {
    /// Which window, as `gengfu windows` lists it.
    window: String,
    /// The new end: RFC 3339, or a local time like 2026-12-20T03:00.
    #[arg(long, value_name = "TIME")]
    end: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

impl Order {
    /// The address below the daemon's, and the body.
    fn question(&self) -> (String, Value) {
        let act = |window: &str, word: &str, body: Value| (format!("api/v1/windows/{}/{word}", segment(window)), body);
        let plain = |of: &Plain, word| act(&of.window, word, json!({ "reason": of.reason }));
        let ending = |of: &Ending, word| act(&of.window, word, json!({ "end": of.end, "reason": of.reason }));
        match self {
            Self::Request(Request { scope, owner, name, at, lasts_ms, notice, plan, reason }) => {
                let body = json!({
                    "scope": scope, "owner": owner, "name": name, "start": at, "for": format_duration(*lasts_ms),
                    "notice": notice, "plan": plan, "reason": reason,
                });
                ("api/v1/windows".to_owned(), body)
            }
            Self::Override(Override { scope, lasts_ms, ticket, reason }) => {
                let lasts = format_duration(*lasts_ms);
                let body = json!({ "scope": scope, "for": lasts, "ticket": ticket, "reason": reason });
                ("api/v1/windows/override".to_owned(), body)
            }
            Self::Approve(Approve { id, text: true, reason }) => {
                (format!("api/v1/schedules/{}/approve", segment(id)), json!({ "reason": reason }))
            }
            Self::Approve(Approve { id, text: false, reason }) => act(id, "approve", json!({ "reason": reason })),
            Self::Move(Move { window, to, lasts_ms, reason }) => {
                act(window, "move", json!({ "to": to, "for": lasts_ms.map(format_duration), "reason": reason }))
            }
            Self::Shorten(of) => ending(of, "shorten"),
            Self::Extend(of) => ending(of, "extend"),
            Self::Skip(of) => plain(of, "skip"),
            Self::Start(of) => plain(of, "start"),
            Self::Finish(of) => plain(of, "finish"),
            Self::Cancel(of) => plain(of, "cancel"),
            Self::Abort(of) => plain(of, "abort"),
        }
    }
}

/// One segment of an address: what would leave it is escaped.
pub(super) fn segment(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    id.chars().flat_map(|c| if plain(c) { c.to_string() } else { escaped(c) }.chars().collect::<Vec<_>>()).collect()
}

fn escaped(c: char) -> String {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}")).collect()
}

/// Gives the order to the daemon that is named, or to the one at `otherwise`: 0 carried out, 1 refused; an error is
/// "could not ask".
pub(super) async fn window(args: &WindowArgs, otherwise: Option<&str>, out: &mut dyn Write) -> Result<u8> {
    let (path, mut body) = args.order.question();
    let key = if args.lang == Language::Zh { "zh" } else { "en" };
    let path = format!("{path}?lang={key}");
    if let Some(map) = body.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    let answer = args.server.client(otherwise, ANSWER_WITHIN)?.post(&path, &body).await?;
    match args.format {
        Format::Json => writeln!(out, "{:#}", answer.json)?,
        Format::Human if answer.is_good() => write_done(&answer.json, args.lang, key, out)?,
        Format::Human => write_refused(&answer, args.lang, out)?,
    }
    // A window that is not there is no reason to try again.
    Ok(if answer.status == reqwest::StatusCode::NOT_FOUND { 1 } else { answer.code() })
}

pub(super) fn write_done(done: &Value, language: Language, key: &str, out: &mut dyn Write) -> Result<()> {
    let text = |value: &Value| printable(value.as_str().unwrap_or_default());
    writeln!(out, "{}  {}", text(&done["subject"]), text(&done["text"][key]))?;
    if let (Some(start), Some(end)) = (done["start"].as_str(), done["end"].as_str()) {
        let (from, to) = (say(language, "自", "from"), say(language, "至", "to"));
        writeln!(out, "  {from} {} {to} {}", printable(start), printable(end))?;
    }
    Ok(())
}

pub(super) fn write_refused(answer: &Answer, language: Language, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}: {}", say(language, "未执行", "refused"), answer.problem())?;
    if let Some(at) = answer.json["next_open"].as_str() {
        writeln!(out, "{} {}", say(language, "下次可变更", "next open"), printable(at))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: WindowArgs,
    }

    fn question(line: &str) -> (String, Value) {
        let words = std::iter::once("window").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|l| l.args.order.question()).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    #[test]
    fn orders_become_requests_of_the_api() {
        let (path, body) = question("move bdc-monthly.1f3a9c02 --to 2026-12-19T23:00 --for 90m --reason CHG-7");
        assert_eq!(path, "api/v1/windows/bdc-monthly.1f3a9c02/move");
        assert_eq!(body, json!({ "to": "2026-12-19T23:00", "for": "1h30m", "reason": "CHG-7" }));
        let (path, body) = question("approve bdc-monthly --text");
        assert_eq!((path.as_str(), &body["reason"]), ("api/v1/schedules/bdc-monthly/approve", &json!("")));
        let (path, body) = question("override bdc/portal-home --for 2h --ticket INC-7 --reason fire");
        assert_eq!((path.as_str(), &body["for"]), ("api/v1/windows/override", &json!("2h")));
        for word in ["skip", "start", "finish", "cancel", "abort"] {
            assert_eq!(question(&format!("{word} w.1 --reason x")).0, format!("api/v1/windows/w.1/{word}"));
        }
        for word in ["shorten", "extend"] {
            assert_eq!(question(&format!("{word} w.1 --end 2026-12-20T03:00 --reason x")).1["end"], "2026-12-20T03:00");
        }
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(segment("w.1f-3_a"), "w.1f-3_a");
        assert_eq!(segment("../é?"), "..%2F%C3%A9%3F");
    }
}
