//! `gengfu on-call`: who answers at an instant, why, and who comes next, from the files.
//!
//! Not here: who it is (`domain::roster`) and the JSON (`web::on_call`), which is that of the API. An instant may be past
//! or to come; the answer is that of the files as they are.

use super::answer::{instant, language, moment, say};
use crate::domain::roster::{Duty, Stint, Why};
use crate::domain::*;
use crate::field::{format_duration, suggestion};
use crate::web::on_call::{AHEAD, OnCallDto, calendar, shifts, why_text};
use anyhow::{Result, bail};
use std::io::Write;

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum OnCallFormat {
    /// Lines.
    #[default]
    Human,
    /// For scripts, as the API answers.
    Json,
    /// iCalendar, RFC 5545: shifts of three months.
    Ics,
}

/// Arguments of `gengfu on-call`.
#[derive(Debug, clap::Args)]
pub struct OnCallArgs {
    /// At this time; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Only this owner, with the shifts of the next 14 days.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: OnCallFormat,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// Answers from the files.
///
/// # Errors
/// If there is no such owner, or no such time.
pub fn on_call(now: Timestamp, inventory: &Inventory, args: &OnCallArgs, out: &mut dyn Write) -> Result<u8> {
    let at = instant(now, inventory, args.at.as_deref())?;
    let owners: Vec<&Owner> = match args.owner.as_deref() {
        None => inventory.owners.values().collect(),
        Some(id) => match (inventory.owners.get(id), suggestion(id, inventory.owners.keys().map(OwnerId::as_str))) {
            (Some(owner), _) => vec![owner],
            (None, Some(near)) => bail!("no owner is called {id}; did you mean {near}?"),
            (None, None) => bail!("no owner is called {id}"),
        },
    };
    match args.format {
        OnCallFormat::Json => {
            let all: Vec<OnCallDto> = owners.iter().map(|owner| OnCallDto::of(inventory, owner, at)).collect();
            writeln!(out, "{:#}", serde_json::to_value(all)?)?;
        }
        OnCallFormat::Ics => {
            let owner = args.owner.as_deref().map(OwnerId::from);
            write!(out, "{}", calendar(inventory, owner.as_ref(), at, args.lang))?;
        }
        OnCallFormat::Human => {
            for (place, owner) in owners.iter().enumerate() {
                if place > 0 {
                    writeln!(out)?;
                }
                human(inventory, owner, at, args, out)?;
            }
        }
    }
    Ok(0)
}

fn human(inventory: &Inventory, owner: &Owner, at: Timestamp, args: &OnCallArgs, out: &mut dyn Write) -> Result<()> {
    let language = args.lang;
    let (roster, when) = (inventory.roster_of(&owner.id), moment(inventory, at, language));
    let (name, word) = (owner.name.get(language), say(language, "值班表", "roster"));
    writeln!(out, "{} ({name}), {word} {roster}, {when}", owner.id)?;
    let stints = shifts(inventory, &owner.id, Span::lasting(at, AHEAD));
    for rung in inventory.ladder(&owner.id, at) {
        let after = match (rung.after_ms, language) {
            (0, _) => say(language, "立即", "at once").to_owned(),
            (ms, Language::Zh) => format!("{} 无人确认", format_duration(ms)),
            (ms, Language::En) => format!("unanswered for {}", format_duration(ms)),
        };
        for (place, duty) in rung.told.iter().enumerate() {
            let label = if place == 0 { after.as_str() } else { "" };
            let until = until(inventory, &stints, duty, language).unwrap_or_default();
            let Contact { name, mail, .. } = &duty.contact;
            let why = why_text(&duty.why);
            writeln!(out, "  {label:<20} {name} <{mail}>: {}{until}  ({})", why.get(language), duty.source)?;
        }
    }
    if args.owner.is_some() && !stints.is_empty() {
        writeln!(out, "{}", say(language, "未来 14 天：", "the next 14 days:"))?;
        for Stint { duty, span } in &stints {
            let [from, to] = [span.start, span.end].map(|at| moment(inventory, at, language));
            writeln!(out, "  {from} – {to}  {}: {}", duty.contact.name, why_text(&duty.why).get(language))?;
        }
    }
    Ok(())
}

/// Until when somebody is on duty, if that is within the next days.
fn until(inventory: &Inventory, stints: &[Stint], duty: &Duty, language: Language) -> Option<String> {
    if duty.why == Why::Listed {
        return None;
    }
    let end = stints.iter().find(|stint| stint.duty == *duty)?.span.end;
    let last = stints.iter().map(|stint| stint.span.end).max()?;
    let when = moment(inventory, end, language);
    (end < last).then(|| match language {
        Language::Zh => format!("，至 {when}"),
        Language::En => format!(" until {when}"),
    })
}
