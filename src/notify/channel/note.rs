//! What a channel is given: a message, its wording, and the forms that channels want of it.
//!
//! Invariant: a text is cut between characters, by bytes or by characters as the place counts, and says that it was cut.

use super::super::render::Rendered;
use crate::domain::{Content, IncidentNews, Language, Message, Timestamp};
use serde_json::{Value, json};

/// Longest plain text in the JSON form, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1_024;

/// One message on its way to a channel.
pub struct Note<'a> {
    /// What is said.
    pub message: &'a Message,
    /// In which words.
    pub rendered: &'a Rendered,
    /// Where the pages are, without a slash at its end.
    pub public_url: &'a str,
    /// Now, for signatures that last a while.
    pub now: Timestamp,
}

impl Note<'_> {
    /// The incident's figures, if it is about one.
    pub(super) fn news(&self) -> Option<&IncidentNews> {
        self.message.content.incident()
    }

    /// Where the whole story is.
    pub(super) fn link(&self) -> String {
        let page = match (self.news(), &self.message.content) {
            (Some(news), _) => format!("/incidents/{}", news.incident),
            (None, Content::Filing { sheet, .. }) => format!("/incidents/{}/filing", sheet.incident),
            _ => "/".to_owned(),
        };
        format!("{}{page}", self.public_url)
    }

    /// Subject and text in at most `bytes`, then the link; what was cut is on the page.
    pub(super) fn words(&self, bytes: usize) -> String {
        let (text, _) = self.rendered.text.split_once("\n-- \n").unwrap_or((&self.rendered.text, ""));
        let (words, link) = (format!("{}\n{}", self.rendered.subject, text.trim_end()), self.link());
        if words.len() <= bytes {
            return words;
        }
        format!("{}…\n{link}", cut(&words, bytes.saturating_sub(link.len() + "…\n".len())))
    }

    /// Everything, for programs.
    pub(super) fn json(&self) -> Value {
        let m = self.message;
        let incident = self.news().map(|news| {
            json!({
                "id": news.incident.to_string(),
                "symptom": news.symptom.as_str(),
                "severity": news.severity.as_str(),
                "subsystem": news.subsystem.to_string(),
                "since": news.since.to_string(),
                "until": news.until.map(|until| until.to_string()),
            })
        });
        json!({
            "version": 1,
            "id": m.id,
            "thread": m.thread,
            "sequence": m.sequence,
            "what": what(&m.content),
            "urgency": m.content.urgency(),
            "at": m.at.to_string(),
            "language": if m.to.language == Language::En { "en" } else { "zh" },
            "subject": self.rendered.subject,
            "text": cut(&self.rendered.text, TEXT_BYTES_MAX),
            "url": self.link(),
            "incident": incident,
        })
    }
}

/// The word by which a message says what it is.
fn what(content: &Content) -> String {
    let value = serde_json::to_value(content).unwrap_or_default();
    value.get("what").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The longest beginning of at most `bytes` bytes that ends between characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes.min(text.len()))]
}

/// The first `most` characters; the last one says that there was more.
pub(super) fn cut_to_characters(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
