//! By what a report can be made again: about what, as of when, from which facts, in which form.
//!
//! Not here: the facts (`store`). Invariant: a report that bears a stamp is made again to the byte by the same version from
//! the same facts and files.

use super::{Audience, Question, Report, html, json, markdown};
use crate::domain::sla::Period;
use crate::domain::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// In front of every stamp.
const WORD: &str = "gengfu-report ";

/// The longest stamp.
const STAMP_BYTES_MAX: usize = 300;

/// The form that a report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One file for the screen and for A4.
    Html,
    /// Markdown.
    Markdown,
    /// For scripts.
    Json,
}

/// What is needed to make a report again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// About what.
    pub question: Question,
    /// As it stood then.
    pub as_of: Timestamp,
    /// The id of the last fact that it is made of.
    pub facts: u64,
    /// In which language; of JSON, which has both, any.
    pub language: Language,
    /// Whom it may be shown.
    pub audience: Audience,
    /// By which version of the program.
    pub version: String,
}

impl Audience {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { question, as_of, facts, language, audience, version } = self;
        let whose = question.owner.as_ref().map_or("city", OwnerId::as_str);
        let lang = if *language == Language::Zh { "zh" } else { "en" };
        write!(f, "{WORD}{} {whose} {as_of} {facts} {lang} {} {version}", question.period, audience.as_str())
    }
}

impl Stamp {
    /// That of a report in one language; `None` if it is not made of stored facts.
    pub fn of(report: &Report, language: Language) -> Option<Self> {
        Some(Self {
            question: Question { period: report.period, owner: report.owner.as_ref().map(|(id, _)| id.clone()) },
            as_of: report.at,
            facts: report.made.as_ref()?.facts,
            language,
            audience: report.audience,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// The stamp that a file bears, and its form; `None` if it bears none.
    pub fn read(text: &str, zone: &civil::Zone) -> Option<(Form, Self)> {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return Some((Form::Json, Self::from_json(&value, zone)?));
        }
        let form = if text.starts_with("<!doctype html>") { Form::Html } else { Form::Markdown };
        let start = text.rfind(WORD)? + WORD.len();
        let stamp: String = text[start..]
            .chars()
            .take(STAMP_BYTES_MAX)
            .take_while(|c| !matches!(c, '"' | '<' | '>' | '`' | '\n'))
            .collect();
        let words: Vec<&str> = stamp.split_whitespace().collect();
        let [period, whose, as_of, facts, language, audience, version, ..] = words[..] else { return None };
        let language = if language == "zh" { Language::Zh } else { Language::En };
        let owner = Some(whose).filter(|whose| *whose != "city");
        Self::parsed((period, owner), as_of, facts.parse().ok()?, language, audience, version, zone).map(|s| (form, s))
    }

    fn from_json(value: &Value, zone: &civil::Zone) -> Option<Self> {
        let text = |key: &str| value[key].as_str();
        let about = (text("period")?, value["owner"]["id"].as_str());
        let facts = value["made_from"]["facts"].as_u64()?;
        Self::parsed(about, text("as_of")?, facts, Language::Zh, text("audience")?, "", zone)
    }

    fn parsed(
        (period, owner): (&str, Option<&str>),
        as_of: &str,
        facts: u64,
        language: Language,
        audience: &str,
        version: &str,
        zone: &civil::Zone,
    ) -> Option<Self> {
        let as_of = zone.parse(as_of).ok()?;
        let period = Period::named(period, as_of, zone).ok()?;
        let audience = if audience == "public" { Audience::Public } else { Audience::Inside };
        let question = Question { period, owner: owner.map(OwnerId::from) };
        Some(Self { question, as_of, facts, language, audience, version: version.to_owned() })
    }
}

/// A report in one form.
///
/// # Errors
/// If the template cannot be printed, which memory never refuses.
pub fn written(report: &Report, form: Form, language: Language) -> Result<String, askama::Error> {
    Ok(match form {
        Form::Html => html(report, language)?,
        Form::Markdown => markdown(report, language),
        Form::Json => format!("{:#}\n", json(report)),
    })
}

/// SHA-256 of a report's JSON, hexadecimal.
pub fn digest(report: &Report) -> String {
    let hash = Sha256::digest(json(report).to_string());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
