//! What `explain`, `windows` and `gate` share: how questions are read and how rules are written.
//!
//! Invariants: machine output is RFC 3339 in UTC, as the API writes it; people get the installation's civil time; an id
//! that nobody knows is an error, never an empty answer.

use crate::domain::policy::{DenyReason, Grant};
use crate::domain::*;
use crate::field::{parse_duration, suggestion};
use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

/// The longest time that may be asked about.
const LENGTH_MS_MAX: Millis = 400 * DAY;

/// `zh` or `en`, for clap.
pub(super) fn language(text: &str) -> Result<Language, String> {
    match text {
        "zh" => Ok(Language::Zh),
        "en" => Ok(Language::En),
        _ => Err("a language is zh or en".to_owned()),
    }
}

/// A duration, for clap: `90s`, `40m`, `8h`, `2d`, `1h30m`.
pub(super) fn length(text: &str) -> Result<Millis, String> {
    match parse_duration(text) {
        Ok(ms @ 1..=LENGTH_MS_MAX) => Ok(ms),
        Ok(0) => Err("nothing can be done in no time; write it like 40m or 1h30m".to_owned()),
        Ok(_) => Err("is longer than 400 days".to_owned()),
        Err(wrong) => Err(format!("{wrong}; write it like 90s, 40m, 8h, 2d or 1h30m")),
    }
}

/// A time that somebody typed, or `now`.
pub(super) fn instant(now: Timestamp, inventory: &Inventory, text: Option<&str>) -> Result<Timestamp> {
    text.map_or(Ok(now), |text| inventory.zone.parse(text).map_err(|wrong| anyhow!(wrong)))
}

/// The subsystem of an id.
pub(super) fn subsystem<'a>(inventory: &'a Inventory, id: &str) -> Result<&'a Subsystem> {
    if let Some(subsystem) = inventory.subsystems.get(id) {
        return Ok(subsystem);
    }
    match suggestion(id, inventory.subsystems.keys().map(SubsystemId::as_str)) {
        Some(near) => bail!("no subsystem is called {id}; did you mean {near}?"),
        None => bail!("no subsystem is called {id}"),
    }
}

/// `Sat 2026-11-28 23:00`, `2026-11-28 星期六 23:00`.
pub(super) fn moment(inventory: &Inventory, at: Timestamp, language: Language) -> String {
    let local = inventory.zone.local(at);
    let weekday = local.date().weekday().to_monday_zero_offset().unsigned_abs();
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    match language {
        Language::Zh => {
            let name = ["一", "二", "三", "四", "五", "六", "日"][usize::from(weekday)];
            format!("{} 星期{name} {clock}", local.date())
        }
        Language::En => {
            let name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::from(weekday)];
            format!("{name} {} {clock}", local.date())
        }
    }
}

/// RFC 3339 in UTC, or null.
pub(super) fn at_json(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.to_string()))
}

/// `file:line`, or null.
pub(super) fn source_json(source: Option<&Source>) -> Value {
    source.map_or(Value::Null, |s| Value::String(s.to_string()))
}

/// A rule that denies.
pub(super) fn reason_json(reason: &DenyReason) -> Value {
    let source = source_json(reason.source.as_ref());
    json!({ "kind": reason.kind.as_str(), "text": reason.text, "rule": reason.rule, "source": source })
}

/// A rule that allows.
pub(super) fn grant_json(grant: &Grant) -> Value {
    let source = source_json(grant.source.as_ref());
    json!({ "kind": grant.kind.as_str(), "text": grant.text, "rule": grant.rule, "source": source })
}

/// `sentence  (file:line)`.
pub(super) fn rule_line(text: &Names, source: Option<&Source>, language: Language) -> String {
    let sentence = text.get(language);
    source.map_or_else(|| sentence.to_owned(), |source| format!("{sentence}  ({source})"))
}

/// What the language is for a sentence that only commands say.
pub(super) fn say(language: Language, zh: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}
