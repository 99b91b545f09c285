//! A body with places to fill: `{{subject}}`, escaped for what the body is.
//!
//! Invariant: what is filled in cannot break out of its place, wherever it comes from.

use super::Note;
use super::note::cut_to_characters;
use crate::field::{Code, Place, Problem};
use std::fmt::Write as _;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Encoded,
    Text,
}

impl Form {
    /// Names in the files.
    pub(super) const NAMES: &'static [&'static str] = &["json", "form", "text"];

    pub(super) fn named(name: &str) -> Self {
        match name {
            "form" => Self::Encoded,
            "text" => Self::Text,
            _ => Self::Json,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Encoded => "application/x-www-form-urlencoded; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    fn escape(self, value: &str) -> String {
        match self {
            // Inside of quotes that the template has.
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Encoded => percent_encoded(value),
            Self::Text => value.to_owned(),
        }
    }
}

/// All but letters and digits as `%` and two digits.
fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte.is_ascii_alphanumeric() {
            true => text.push(char::from(byte)),
            false => _ = write!(text, "%{byte:02X}"),
        }
        text
    })
}

/// Names that may stand between double braces.
const PLACES: &[&str] =
    &["id", "thread", "what", "severity", "subsystem", "at", "subject", "text", "short", "url", "numbers"];

/// A template that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Texts and places, in turn; a text is first.
    parts: Vec<String>,
    form: Form,
}

impl Template {
    pub(super) fn parse(text: &str, form: Form, at: &Place) -> Result<Self, Box<Problem>> {
        let wrong = |message: String| {
            let all = PLACES.iter().map(|place| format!("`{{{{{place}}}}}`")).collect::<Vec<_>>().join(", ");
            Box::new(Problem::error(Code::Value, at, message).expected(format!("one of {all}")))
        };
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}").ok_or_else(|| wrong("`{{` without `}}`".into()))?;
            let name = name.trim();
            if !PLACES.contains(&name) {
                return Err(wrong(format!("nothing is called `{{{{{name}}}}}`")));
            }
            parts.extend([before.to_owned(), name.to_owned()]);
            rest = after;
        }
        parts.push(rest.to_owned());
        Ok(Self { parts, form })
    }

    /// The body; `short` is the subject in so many characters.
    pub(super) fn fill(&self, note: &Note<'_>, short: usize, numbers: &str) -> String {
        let value = |place: &str| match place {
            "id" => note.message.id.clone(),
            "thread" => note.message.thread.clone(),
            "severity" => note.news().map(|news| news.severity.as_str().to_owned()).unwrap_or_default(),
            "subsystem" => note.news().map(|news| news.subsystem.to_string()).unwrap_or_default(),
            "at" => note.message.at.to_string(),
            "subject" => note.rendered.subject.clone(),
            "text" => note.rendered.text.clone(),
            "short" => cut_to_characters(&note.rendered.subject, short),
            "url" => note.link(),
            "numbers" => numbers.to_owned(),
            _ => note.json()["what"].as_str().unwrap_or_default().to_owned(),
        };
        let fill = |(index, part): (usize, &String)| match index % 2 {
            0 => part.clone(),
            _ => self.form.escape(&value(part)),
        };
        self.parts.iter().enumerate().map(fill).collect()
    }

    pub(super) fn content_type(&self) -> String {
        self.form.content_type().to_owned()
    }
}
